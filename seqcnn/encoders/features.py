"""The contract of an encoder of fixed kernels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn

from seqcnn.rebuilding import Rebuildable

Scaling: TypeAlias = Literal["deviation", "root"]
_SHORTEST_RECORD = 3
"""Time steps of a record that fixed kernels can tell something of; a shorter one is one of so many, with the zeros that
stand behind it."""


class GrowingBuffers(nn.Module):
    """A module whose buffers have as many rows as the training data asked for.

    Loading a state dict gives each buffer the number of rows that stands there, so that an unprepared module of the
    same settings can take it; every other axis must agree.
    """

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        for name, buffer in self.named_buffers(recurse=False):
            saved = state_dict.get(prefix + name)
            if isinstance(saved, Tensor) and saved.shape[1:] == buffer.shape[1:] and len(saved) != len(buffer):
                setattr(self, name, buffer.new_empty(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._buffers_changed()

    def _buffers_changed(self) -> None:
        """Hear that the buffers have other values now."""


class FeatureEncoder(GrowingBuffers, Rebuildable, ABC):
    """Turns ``(batch, in_channels, time)`` into ``(batch, n_features)`` with kernels that no gradient changes.

    What the kernels take from the data (dilations from the records' length, biases from what the kernels answer to some
    of them) is taken once, by :meth:`prepare`, and kept in buffers: copies, pickles and state dicts carry it. A linear
    head on top is solved in closed form.

    Records of unequal length each count with their own: with ``lengths``, a record gives what it gave alone, whatever
    it is padded to; one or two time steps count as three, the others zero. Dilations are those for the median length; a
    kernel that is to be applied without padding and is longer than a record is applied to that record with padding.

    Attributes
    ----------
    in_channels : int
        Channels in.
    n_features : int
        Numbers out; of some encoders known only once they are prepared, and 0 before.
    minimum_length : int
        Time steps a batch must have. Single records in it may be shorter.
    minimum_reason : str
        What makes it so, for messages.
    taken : str
        What it takes from training records, for messages.
    scaling : {"deviation", "root"}
        How a linear head behind it scales the features: by their deviation, or as roots of counts, of which the zeros
        stay zero (:class:`seqcnn.heads.CountScaler`). Where features differ in this, :attr:`scalings` says more.
    head : {"ridge", "trees"}
        What stands behind it: a ridge regression, or extremely randomised trees.
    slides : bool
        Whether its kernels slide over a record and find things wherever they are, which is seldom bad: a committee
        trusts it (:mod:`seqcnn.weighting`).
    """

    in_channels: int
    minimum_length: int = 9
    minimum_reason: ClassVar[str] = "the span of its kernels"
    taken: ClassVar[str] = "its dilations and biases"
    scaling: ClassVar[Scaling] = "deviation"
    head: ClassVar[Literal["ridge", "trees"]] = "ridge"
    slides: ClassVar[bool] = True

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Numbers out."""

    @property
    def scalings(self) -> tuple[tuple[int, Scaling], ...]:
        """How many features are scaled in which way, in the order of the features."""
        return ((self.n_features, self.scaling),)

    @property
    @abstractmethod
    def is_prepared(self) -> bool:
        """Whether the encoder has taken its parameters from data, or from a state dict."""

    def prepare(self, x: Tensor, lengths: Tensor | None = None, *, seed: int = 0) -> None:
        """Take dilations and biases from training records.

        Parameters
        ----------
        x
            ``(batch, in_channels, time)``, zero behind each record's length.
        lengths
            Time steps of each record, ``(batch,)`` integers; None says that nothing is padded.
        seed
            The source of chance. The draws are those of the reference implementations under the same seed.

        Raises
        ------
        ValueError
            If ``x`` has not three axes, has other channels than ``in_channels``, or is too short.
        """
        self._check(x)
        with torch.no_grad():
            self._learn(x.detach(), _as_lengths(x, lengths).clamp_min(_SHORTEST_RECORD), seed)
        self._buffers_changed()

    @torch.no_grad()
    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Turn a batch into features.

        Parameters
        ----------
        x
            ``(batch, in_channels, time)``, zero behind each record's length.
        lengths
            Time steps of each record, ``(batch,)`` integers; None says that nothing is padded.

        Returns
        -------
        Tensor
            ``(batch, n_features)``, without a gradient.

        Raises
        ------
        ValueError
            If ``x`` has not three axes, has other channels than ``in_channels``, or is too short.
        RuntimeError
            If the encoder is not prepared.
        """
        name = type(self).__name__
        if not self.is_prepared:
            raise RuntimeError(
                f"{name} takes {self.taken} from training records first. Received: a batch before any. "
                f"Call prepare(x), or load a state dict."
            )
        self._check(x)
        if torch.compiler.is_exporting():
            return self._trace(x)
        if lengths is not None and bool((lengths == x.shape[2]).all()):
            lengths = None
        lengths = None if lengths is None else lengths.clamp_min(_SHORTEST_RECORD)
        step = self._records_at_once(x)
        pieces = torch.split(x, step)
        ends = [None] * len(pieces) if lengths is None else torch.split(lengths, step)
        return torch.cat([self._encode(*piece) for piece in zip(pieces, ends, strict=True)])

    @abstractmethod
    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        """Fill the buffers from a checked batch."""

    @abstractmethod
    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """Turn a checked batch into ``(batch, n_features)``."""

    @abstractmethod
    def _trace(self, x: Tensor) -> Tensor:
        """Do what :meth:`_encode` does without lengths, in operations that an exporter can follow.

        The fast road cuts a batch into pieces and writes in place; traced, the pieces of one batch would be those of
        every other. This one is plain, takes any batch and length, and much memory.
        """

    @abstractmethod
    def _records_at_once(self, x: Tensor) -> int:
        """Return into pieces of how many records a batch is cut: what fits a processor's cache."""

    def _check(self, x: Tensor) -> None:
        name = type(self).__name__
        if x.ndim != 3 or x.shape[1] != self.in_channels:
            raise ValueError(
                f"{name} takes input of shape (batch, {self.in_channels}, time). Received: {tuple(x.shape)}. "
                f"Pass three axes with {self.in_channels} channels second."
            )
        if x.shape[2] < self.minimum_length:
            raise ValueError(
                f"{name} needs records of at least {self.minimum_length} time steps, {self.minimum_reason}. "
                f"Received: {x.shape[2]}. Pass longer records or take another encoder, such as FCN."
            )


def _as_lengths(x: Tensor, lengths: Tensor | None) -> Tensor:
    return torch.full((x.shape[0],), x.shape[2], device=x.device) if lengths is None else lengths
