"""Layers that remember: a causal network reads a stream piece by piece and gives the numbers it gives for the whole.

A layer that looks at earlier steps keeps them from piece to piece, in the place of the zeros that stand in front of a
record. If every piece is a multiple of a network's stride long, all of its branches give as many steps as each other,
so that sums and concatenations need to know nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


class Remembers(nn.Module):
    """A layer that looks at earlier steps, and can be told to keep them between its calls.

    A subclass asks :attr:`reads_stream` in its ``forward``, and takes :meth:`with_past` in the place of padding on the
    left. A stream's pieces are little work each, so that what follows from the weights alone is worked out once for all
    of them (:meth:`once`); weights that change meanwhile take effect with the next :meth:`begin_stream`. What a layer
    remembers is no part of its state dict.
    """

    reads_stream: bool = False
    _past: Tensor | None = None
    _found: Mapping[int, tuple[object, Any]] | None = None

    def begin_stream(self) -> None:
        """Forget, and keep from now on what later calls will look back at: a record begins, silence before it."""
        self.reads_stream, self._past, self._found = True, None, None

    def end_stream(self) -> None:
        """Read records whole again."""
        self.reads_stream, self._past, self._found = False, None, None

    def with_past(self, x: Tensor, n_steps: int, before: float = 0.0) -> Tensor:
        """Return the piece behind the steps before it, and remember its own last.

        Parameters
        ----------
        x
            The piece, ``(batch, channels, time)``.
        n_steps
            How many earlier steps to put in front.
        before
            What stood before the record began.

        Returns
        -------
        Tensor
            ``(batch, channels, n_steps + time)``, channels innermost.
        """
        if n_steps == 0:
            return x
        return self.steps_with_past(x.transpose(1, 2), n_steps, before).transpose(1, 2)

    def steps_with_past(self, steps: Tensor, n_steps: int, before: float = 0.0) -> Tensor:
        """Do the same for ``(batch, time, channels)``."""
        if n_steps == 0:
            return steps
        past = self._past
        if past is None:
            past = steps.new_full((steps.shape[0], n_steps, steps.shape[2]), before)
        joined = torch.cat([past, steps], dim=1).contiguous()
        batch, n_joined, channels = joined.shape
        # What [:, -n_steps:] would be, in a third of the time.
        size, strides = (batch, n_steps, channels), (n_joined * channels, channels, 1)
        last = joined.as_strided(size, strides, (n_joined - n_steps) * channels)
        # A view of a long piece would keep all of it. Past nn.Module's own __setattr__, which takes as long as joining.
        self.__dict__["_past"] = last if n_joined <= _FEW * n_steps else last.clone()
        return joined

    def once(self, source: object, find: Callable[[], T], key: int = 0) -> T:
        """Return ``find()``, which follows from ``source`` alone: in a stream found once, else anew each time.

        Parameters
        ----------
        source
            What the answer hangs on, a layer's weight for example; another object is another answer.
        find
            Works it out.
        key
            Tells several answers of one layer from each other.
        """
        if not self.reads_stream or torch.is_grad_enabled():
            return find()
        found = self._found
        if found is None:
            found = self.__dict__["_found"] = {}
        assert isinstance(found, dict)
        held = found.get(key)
        if held is None or held[0] is not source:
            held = found[key] = (source, find())
        return held[1]


_FEW = 8
"""How many times as much as a layer looks back at it may keep alive."""


def begin_stream(network: nn.Module) -> None:
    """Let every layer of a network forget, and remember from now on.

    >>> from seqcnn.layers import Conv1d
    >>> layer = Conv1d(1, 2, 3, padding="causal")
    >>> x = torch.randn(1, 1, 6)
    >>> whole = layer(x)
    >>> begin_stream(layer)
    >>> torch.allclose(torch.cat([layer(x[..., :4]), layer(x[..., 4:])], 2), whole, atol=1e-6)
    True
    """
    for module in network.modules():
        if isinstance(module, Remembers):
            module.begin_stream()


def end_stream(network: nn.Module) -> None:
    """Let every layer of a network read records whole again."""
    for module in network.modules():
        if isinstance(module, Remembers):
            module.end_stream()
