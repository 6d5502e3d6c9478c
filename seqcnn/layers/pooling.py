"""Pooling that does not see padding."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn.layers.layout import as_image, as_sequence
from seqcnn.layers.masking import hide_padding
from seqcnn.layers.maximum import compares_bits, maximum_of_pieces, maximum_of_three, runs_eagerly
from seqcnn.layers.memory import Remembers
from seqcnn.layers.readers import Histories, Reader
from seqcnn.rebuilding import Rebuildable


class MaxPool1d(Remembers):
    """The largest value around every ``stride``-th time step.

    ``centred=True`` looks ``(kernel_size - 1) // 2`` steps back and the rest ahead; ``centred=False`` looks ahead only,
    ``i * stride`` to ``i * stride + kernel_size - 1``, so that ``kernel_size == stride`` cuts the time axis into
    pieces and a last incomplete piece counts too. ``causal=True`` looks back only, ``i * stride - kernel_size + 1`` to
    ``i * stride``. Each way there are ``ceil(time / stride)`` outputs. The last two can read a stream
    (:mod:`seqcnn.layers.memory`).

    Shape: ``(batch, channels, time)`` to ``(batch, channels, ceil(time / stride))``; ``mask`` is that of the input.

    Examples
    --------
    >>> MaxPool1d(2)(torch.tensor([[[1.0, 5.0, 2.0]]])).tolist()
    [[[5.0, 2.0]]]
    """

    def __init__(
        self, kernel_size: int, stride: int | None = None, *, centred: bool = False, causal: bool = False
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.centred, self.causal = centred, causal

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pool ``(batch, channels, time)``."""
        if mask is not None:
            x = torch.where(mask, x, -torch.inf)
        sequence = self._pool(x)
        return sequence if mask is None else hide_padding(sequence, mask[..., :: self.stride])

    def _pool(self, x: Tensor) -> Tensor:
        if self.causal:
            return self._look_back(x)
        assert not self.reads_stream or (not self.centred and self.kernel_size <= self.stride), "it looks ahead"
        wants_gradient = torch.is_grad_enabled() and x.requires_grad
        of_three = (self.kernel_size, self.stride, self.centred) == (3, 1, True)
        if of_three and (compares_bits(x) or (runs_eagerly(x) and not wants_gradient)):
            return maximum_of_three(x)
        if compares_bits(x) and self.kernel_size == self.stride and not self.centred:
            missing = -x.shape[2] % self.stride
            if missing:
                x = F.pad(x.transpose(1, 2), (0, 0, 0, missing), value=-torch.inf).transpose(1, 2)
            return maximum_of_pieces(x, self.stride)
        before = (self.kernel_size - 1) // 2 if self.centred else 0
        after = self.kernel_size - 1 - before
        image, kernel, stride = as_image(x), (1, self.kernel_size), (1, self.stride)
        # No branch looks at the length of x: what is exported at one length has to hold at every other.
        if before == after:
            pooled = F.max_pool2d(image, kernel, stride, (0, before))
        elif before == 0 and self.kernel_size <= self.stride:
            pooled = F.max_pool2d(image, kernel, stride, ceil_mode=True)
        else:
            pooled = F.max_pool2d(F.pad(image, (before, after), value=-torch.inf), kernel, stride)
        return as_sequence(pooled)

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`); None if it looks ahead."""
        size, stride = self.kernel_size, self.stride
        if not self.causal and (self.centred or size > stride):
            return None
        history = histories.add(size - 1 if self.causal else 0, -math.inf)
        return lambda steps: history.windows(steps, size, stride).max(1)

    def _look_back(self, x: Tensor) -> Tensor:
        before = self.kernel_size - 1
        if self.reads_stream:
            x = self.with_past(x, before, -torch.inf)
        else:
            x = F.pad(x.transpose(1, 2), (0, 0, before, 0), value=-torch.inf).transpose(1, 2)
        return as_sequence(F.max_pool2d(as_image(x), (1, self.kernel_size), (1, self.stride)))

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        look = "causal" if self.causal else f"centred={self.centred}"
        return f"kernel_size={self.kernel_size}, stride={self.stride}, {look}"


class BinPool1d(Rebuildable):
    """Summarise a sequence in ``n_bins`` equal stretches of its own length.

    ``n_bins=1`` is global pooling: shift-invariant. More bins keep a rough order of events. Bin ``k`` of a record of
    ``L`` steps spans ``floor(k L / n_bins)`` to ``ceil((k + 1) L / n_bins)``, as in ``nn.AdaptiveAvgPool1d``, with
    the record's own ``L`` and not the padded one.

    Shape: ``(batch, channels, time)`` to ``(batch, channels * n_bins)``, a channel's bins side by side.

    Examples
    --------
    >>> x = torch.tensor([[[1.0, 3.0, 5.0, 7.0]]])
    >>> BinPool1d("mean", 2)(x).tolist()
    [[2.0, 6.0]]
    """

    def __init__(self, kind: Literal["mean", "max"] = "mean", n_bins: int = 1) -> None:
        super().__init__()
        self.kind = kind
        self.n_bins = n_bins

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pool ``(batch, channels, time)``."""
        if mask is None and self.kind == "mean" and self.n_bins == 1:
            # Over steps that lie outermost, so that the gradient comes back with its channels innermost, too.
            return x.transpose(1, 2).mean(1)
        if mask is None and self.kind == "max":
            return F.adaptive_max_pool1d(x, self.n_bins).flatten(1)
        members = self._members(x, mask)
        if self.kind == "mean":
            weights = members.to(x.dtype)
            # As a product: torch's adaptive mean is exported for the one length that it was traced with.
            means = (weights / weights.sum(-1, keepdim=True)) @ x.transpose(1, 2)
            return means.transpose(1, 2).flatten(1)
        bins = [torch.where(members[:, [k]], x, -torch.inf).amax(-1) for k in range(self.n_bins)]
        return torch.stack(bins, -1).flatten(1)

    def _members(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Tell which steps belong to which bin: ``(batch, n_bins, time)`` booleans, or one such row for all."""
        bins, steps = torch.arange(self.n_bins, device=x.device), torch.arange(x.shape[-1], device=x.device)
        if mask is None:
            lengths = torch.full((1, 1), x.shape[-1], device=x.device)
        else:
            lengths = mask.sum(-1)
            # Counted from the first real step: steps of context may stand in front.
            steps = steps - mask.int().argmax(-1, keepdim=True)
        start = (bins * lengths) // self.n_bins
        stop = -((-(bins + 1) * lengths) // self.n_bins)
        return (steps >= start[..., None]) & (steps < stop[..., None])

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        return f"{self.kind}, n_bins={self.n_bins}"
