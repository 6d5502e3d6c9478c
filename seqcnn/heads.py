"""The last module of a network: from features to the numbers that are learnt."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.rebuilding import Rebuildable


class CountScaler(Rebuildable):
    """Takes the roots of counts, shifts and scales them, and leaves zeros what they are.

    Kernels that never win in a record say nothing about it; so they stay zero, and a kernel that wins in few records is
    not blown up, because the share of records in which it does not win is added to its deviation (Dempster et al.
    2023, "Hydra: competing convolutional kernels for fast and accurate time series classification").

    Shape: ``(batch, n_features)`` to the same; what stands behind the first ``n_features`` is no count and left alone.

    Examples
    --------
    >>> scaler = CountScaler(1)
    >>> scaler.learn(torch.tensor([[1.0], [9.0]]), torch.ones(2))
    >>> scaler(torch.tensor([[1.0], [9.0], [0.0]])).flatten().tolist()
    [-1.0, 1.0, -0.0]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.n_features = n_features
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("deviation", torch.ones(n_features))

    def learn(self, features: Tensor, weights: Tensor) -> None:
        """Take means and deviations from ``(n_rows, n_features)``, each row counted ``weights`` times."""
        share = (weights / weights.sum()).to(features.dtype)
        roots = features[:, : self.n_features].clamp_min(0).sqrt()
        self.mean = share @ roots
        absent = share @ (roots == 0).to(features.dtype)
        self.deviation = (share @ (roots - self.mean).square_()).sqrt() + absent**4 + 1e-8

    def forward(self, features: Tensor) -> Tensor:
        """Scale ``(batch, n_features)``."""
        counts, others = features[:, : self.n_features], features[:, self.n_features :]
        roots = counts.clamp_min(0).sqrt()
        scaled = (roots - self.mean) * (roots != 0) / self.deviation
        return torch.cat([scaled, others], 1) if others.shape[1] else scaled


class PartsScaler(Rebuildable):
    """Scales counts among other features, each stretch of them as :class:`CountScaler` does.

    What is no count it leaves alone: a closed form scales that by its deviation, within the dense layer's weights.

    Shape: ``(batch, n_features)`` to the same; what stands behind the parts is left alone.

    Parameters
    ----------
    sizes
        Features of each part, in their order.
    counts
        Whether these are counts.

    Examples
    --------
    >>> scaler = PartsScaler([1, 1], [False, True])
    >>> scaler.learn(torch.tensor([[5.0, 1.0], [6.0, 9.0]]), torch.ones(2))
    >>> scaler(torch.tensor([[5.0, 1.0], [6.0, 9.0]])).tolist(), scaler.left_alone.tolist()
    ([[5.0, -1.0], [6.0, 1.0]], [True, False])
    """

    def __init__(self, sizes: Sequence[int], counts: Sequence[bool]) -> None:
        super().__init__()
        self.sizes, self.counts = list(sizes), list(counts)
        self.scalers = nn.ModuleList(
            CountScaler(size) if is_count else nn.Identity() for size, is_count in zip(sizes, counts, strict=True)
        )

    @property
    def left_alone(self) -> Tensor:
        """Which features of the parts are left alone, ``(n_features,)``."""
        return torch.tensor(self.counts).logical_not().repeat_interleave(torch.tensor(self.sizes))

    def learn(self, features: Tensor, weights: Tensor) -> None:
        """Take means and deviations from ``(n_rows, n_features)``, each row counted ``weights`` times."""
        for scaler, part in zip(self.scalers, self._split(features), strict=False):
            if isinstance(scaler, CountScaler):
                scaler.learn(part, weights)

    def forward(self, features: Tensor) -> Tensor:
        """Scale ``(batch, n_features)``."""
        *parts, others = self._split(features)
        scaled = [scaler(part) for scaler, part in zip(self.scalers, parts, strict=True)]
        return torch.cat([*scaled, others], 1)

    def _split(self, features: Tensor) -> tuple[Tensor, ...]:
        return torch.split(features, [*self.sizes, features.shape[1] - sum(self.sizes)], 1)


class Emphasis(Rebuildable):
    """Multiplies the features behind the first ``n_plain`` by one number.

    A step of AdamW moves every weight by about the same, so a few numbers of unit deviation beside many features are
    learnt as many times more slowly as they are fewer; made larger, they keep pace.

    Shape: ``(batch, n_features)`` to the same.

    Examples
    --------
    >>> Emphasis(2, 3.0)(torch.ones(1, 4)).tolist()
    [[1.0, 1.0, 3.0, 3.0]]
    """

    def __init__(self, n_plain: int, factor: float) -> None:
        super().__init__()
        self.n_plain = n_plain
        self.factor = factor

    def forward(self, features: Tensor) -> Tensor:
        """Scale ``(batch, n_features)``."""
        return torch.cat([features[:, : self.n_plain], features[:, self.n_plain :] * self.factor], 1)


class Head(Rebuildable):
    """What turns features into scores; for numeric targets its output is in the target's own units.

    Shape: ``(batch, in_features)`` to ``(batch, n_outputs)``.

    Parameters
    ----------
    in_features
        Features behind the pooling.
    n_outputs
        Classes, or targets.
    center, scale
        ``(n_outputs,)`` mean and deviation of the targets; None leaves the output as it is (class scores).
    """

    center: Tensor | None
    scale: Tensor | None

    def __init__(self, in_features: int, n_outputs: int, center: Tensor | None, scale: Tensor | None) -> None:
        super().__init__()
        self.in_features, self.n_outputs = in_features, n_outputs
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # The target's units stay in float64 when the network is cast: beside a large mean, float32 would round small
        # differences away. Apple's GPUs alone have no float64.
        kept = {"center": self.center, "scale": self.scale}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in kept.items():
            after = getattr(self, name)
            if before is not None and after.device.type != "mps":
                setattr(self, name, before.to(after.device))
        return self

    def in_units(self, scores: Tensor) -> Tensor:
        """Turn what is learnt, ``(batch, n_outputs)``, into the units of the targets."""
        if self.center is None or self.scale is None:
            return scores
        # Units of the target are kept in full precision, whatever the scores were computed in.
        wide = scores.to(torch.promote_types(scores.dtype, self.scale.dtype))
        return wide * self.scale + self.center


class LinearHead(Head):
    """Dropout and one dense layer; for numeric targets its output is in the target's own units.

    Shape: ``(batch, in_features)`` to ``(batch, n_outputs)``.

    Parameters
    ----------
    in_features
        Features behind the pooling.
    n_outputs
        Classes, or targets.
    dropout
        Share of features dropped in training.
    center, scale
        ``(n_outputs,)`` mean and deviation of the targets; None leaves the output as it is (class scores).
    scaler
        Is applied to the features first.

    Examples
    --------
    >>> LinearHead(8, 3)(torch.zeros(2, 8)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        in_features: int,
        n_outputs: int,
        *,
        dropout: float = 0.0,
        center: Tensor | None = None,
        scale: Tensor | None = None,
        scaler: nn.Module | None = None,
    ) -> None:
        super().__init__(in_features, n_outputs, center, scale)
        self.scaler = scaler
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(in_features, n_outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(batch, in_features)``."""
        if self.scaler is not None:
            features = self.scaler(features)
        return self.in_units(self.dense(self.dropout(features)))


class CopiesHead(LinearHead):
    """A dense layer for each of several copies of a network that stand side by side; their answers make one.

    In training it keeps the copies apart, ``(batch, n_copies, n_outputs)``, so that each has a loss of its own. In
    evaluation it gives ``(batch, n_outputs)``: scores whose probabilities are the mean of the copies' probabilities, or
    the mean of their values.

    Parameters
    ----------
    in_features
        Features behind the pooling, of all copies: a copy's side by side, as an encoder with ``n_copies`` and
        :class:`~seqcnn.layers.BinPool1d` give them, and ``n_shared`` behind them.
    n_outputs
        Classes, labels or targets.
    n_copies
        How many copies.
    output
        What the copies' scores mean: "probabilities" (of classes that exclude each other), "labels" (each with a
        probability of its own) or "values".
    n_shared
        Features, the last ones, that every copy reads: the numbers beside a record.
    dropout, center, scale, scaler
        As :class:`LinearHead` takes them; the scaler sees all features at once.

    Examples
    --------
    >>> head = CopiesHead(6, 2, n_copies=3)
    >>> head(torch.zeros(4, 6)).shape, head.eval()(torch.zeros(4, 6)).shape
    (torch.Size([4, 3, 2]), torch.Size([4, 2]))
    """

    def __init__(
        self,
        in_features: int,
        n_outputs: int,
        *,
        n_copies: int,
        output: Literal["probabilities", "labels", "values"] = "probabilities",
        n_shared: int = 0,
        dropout: float = 0.0,
        center: Tensor | None = None,
        scale: Tensor | None = None,
        scaler: nn.Module | None = None,
    ) -> None:
        n_apart = in_features - n_shared
        assert n_apart % n_copies == 0, "copies have as many features each"
        # One layer's weight holds those of all copies, each of which starts as it would alone.
        super().__init__(
            n_apart // n_copies + n_shared,
            n_copies * n_outputs,
            dropout=dropout,
            center=center,
            scale=scale,
            scaler=scaler,
        )
        # What the head takes and gives, and not the dense layer.
        self.in_features, self.n_outputs = in_features, n_outputs
        self.n_copies, self.n_shared, self.output = n_copies, n_shared, output

    @classmethod
    def spread(
        cls,
        head: LinearHead,
        in_features: int,
        n_copies: int,
        output: Literal["probabilities", "labels", "values"],
        n_shared: int = 0,
    ) -> CopiesHead:
        """Return a head like a plain one, for copies."""
        return cls(
            in_features,
            head.n_outputs,
            n_copies=n_copies,
            output=output,
            n_shared=n_shared,
            dropout=head.dropout.p,
            center=head.center,
            scale=head.scale,
            scaler=head.scaler,
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(batch, in_features)``."""
        scores = self.apart(features)
        return scores if self.training else self.combine(scores)

    def apart(self, features: Tensor) -> Tensor:
        """Return what each copy says, ``(batch, n_copies, n_outputs)``."""
        if self.scaler is not None:
            features = self.scaler(features)
        n_apart = features.shape[1] - self.n_shared
        own = features[:, :n_apart].reshape(features.shape[0], self.n_copies, -1)
        if self.n_shared:
            own = torch.cat([own, features[:, None, n_apart:].expand(-1, self.n_copies, -1)], 2)
        kernels = self.dense.weight.view(self.n_copies, -1, self.dense.in_features)
        scores = torch.einsum("bkf,kof->bko", self.dropout(own), kernels)
        return self.in_units(scores + self.dense.bias.view(self.n_copies, -1))

    def combine(self, apart: Tensor) -> Tensor:
        """Make one answer, ``(batch, n_outputs)``, of those of :meth:`apart`."""
        if self.output == "values":
            return apart.mean(1)
        if self.output == "probabilities":
            return apart.log_softmax(2).logsumexp(1) - math.log(self.n_copies)
        # The logit of a mean of probabilities, of which neither it nor what it lacks of one is rounded to nothing.
        return F.logsigmoid(apart).logsumexp(1) - F.logsigmoid(-apart).logsumexp(1)
