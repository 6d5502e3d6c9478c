"""Hydra: random kernels in groups, and how often each kernel of a group answers most or least.

Dempster, Schmidt and Webb (2023), "Hydra: competing convolutional kernels for fast and accurate time series
classification", arXiv 2203.13652.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn.encoders.features import FeatureEncoder
from seqcnn.encoders.multirocket import differences

_N_TAPS = 9
_REACH = _N_TAPS // 2
_BLOCK, _BLOCK_ELSEWHERE = 2**19, 2**25
"""Values that are worked on at a time: on a CPU they stay in the second-level cache."""


class Hydra(FeatureEncoder):
    """Competing kernels: within a group, at each time step, one kernel answers most and one least.

    Half of the groups see the series, the others its first difference. For each kernel, its answers are added up over
    the steps at which it answered most, and the steps at which it answered least are counted.

    NOTE differences from the paper:

    - Steps at which all kernels of a group answer alike, as they do in a flat stretch, are counted for the first kernel
      of the group. Answers are computed from differences to the middle tap, so that they are exactly zero there; in the
      authors' code rounding errors decide.
    - Records may be of unequal length: see :class:`seqcnn.encoders.FeatureEncoder`.
    - Features stand in the order dilation, series or difference, most or least, group, kernel, as in the authors' code.

    Parameters
    ----------
    in_channels
        Channels of the input.
    n_kernels
        Kernels of a group.
    n_groups
        Groups at each dilation; an even number, or 1 for a group that sees the series only.
    max_channels
        Of several channels, a group adds up half of them, at least two and at most this many.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``, which is ``2 * n_kernels * n_groups`` for each of
    the dilations 1, 2, 4, ..., up to the largest whose kernel fits into the records' median length.

    Examples
    --------
    >>> encoder = Hydra(1, n_groups=4)
    >>> x = torch.randn(5, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape
    torch.Size([5, 192])
    """

    minimum_length = 10
    scaling: ClassVar[Literal["deviation", "root"]] = "root"
    kernels: Tensor
    channels: Tensor

    def __init__(self, in_channels: int, *, n_kernels: int = 8, n_groups: int = 64, max_channels: int = 8) -> None:
        super().__init__()
        self.in_channels, self.n_kernels, self.n_groups = in_channels, n_kernels, n_groups
        self.n_views = min(2, n_groups)
        self.n_channels = int(np.clip(in_channels // 2, 2, max_channels))
        n_groups_a_view = n_groups // self.n_views
        # (dilation, view, group, kernel, tap) and (dilation, view, group, channel)
        self.register_buffer("kernels", torch.zeros(0, self.n_views, n_groups_a_view, n_kernels, _N_TAPS))
        self.register_buffer(
            "channels", torch.zeros(0, self.n_views, n_groups_a_view, self.n_channels, dtype=torch.int64)
        )

    @property
    def n_features(self) -> int:
        """Numbers out; 0 before the encoder is prepared."""
        return self.kernels[..., 0].numel() * 2

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder has its kernels."""
        return len(self.kernels) > 0

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        n_dilations = int(np.log2(max(1.0, (int(lengths.median()) - 1) / (_N_TAPS - 1)))) + 1
        generator = torch.Generator().manual_seed(seed)
        kernels = torch.randn(n_dilations, *self.kernels.shape[1:], generator=generator)
        kernels = kernels - kernels.mean(-1, keepdim=True)
        self.kernels = (kernels / kernels.abs().sum(-1, keepdim=True)).to(self.kernels)
        drawn = [
            torch.randint(0, self.in_channels, self.channels.shape[1:], generator=generator) for _ in range(n_dilations)
        ]
        self.channels = torch.stack(drawn).to(x.device)

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        views = [(x, lengths), differences(x, lengths)][: self.n_views]
        counts = [
            self._compete(view, ends, position, number)
            for position in range(len(self.kernels))
            for number, (view, ends) in enumerate(views)
        ]
        return torch.cat(counts, 1)

    def _trace(self, x: Tensor) -> Tensor:
        views = [x, x.diff(dim=2)][: self.n_views]
        parts = []
        for position in range(len(self.kernels)):
            for number, view in enumerate(views):
                reach = _REACH * 2**position
                # (batch, group or 1, time)
                mixed = view if self.in_channels == 1 else view[:, self.channels[position, number]].sum(2)
                padded = F.pad(mixed, (reach, reach))
                sides = [tap for tap in range(_N_TAPS) if tap != _REACH]
                near = [padded[..., tap * 2**position :][..., : view.shape[2]] - mixed for tap in sides]
                kernels = self.kernels[position, number][..., sides].to(x.dtype)
                answers = torch.matmul(kernels, torch.stack(near, 2))
                high, low = answers.amax(2, keepdim=True), answers.amin(2, keepdim=True)
                most = torch.where(answers == high, high, 0.0).sum(-1)
                least = (answers == low).to(x.dtype).sum(-1)
                flat = (high == low).to(x.dtype).sum(-1)
                parts += [most, torch.cat([least[..., :1], least[..., 1:] - flat], 2)]
        return torch.cat([part.flatten(1) for part in parts], 1)

    def _records_at_once(self, x: Tensor) -> int:
        values = _BLOCK if x.device.type == "cpu" else _BLOCK_ELSEWHERE
        return max(1, values // (self.kernels[0, 0, ..., 0].numel() * x.shape[2]))

    def _compete(self, x: Tensor, lengths: Tensor | None, position: int, number: int) -> Tensor:
        """Let the kernels of one dilation and view compete, and return ``(batch, 2 * groups * kernels)``."""
        kernels, dilation = self.kernels[position, number].to(x.dtype), 2**position
        n_groups, n_kernels, _ = kernels.shape
        padded = F.pad(x.transpose(0, 1), (_REACH * dilation, _REACH * dilation))
        if self.in_channels > 1:
            padded = padded[self.channels[position, number]].sum(1)
        else:
            # One group that holds all kernels, since all see the same.
            kernels = kernels.flatten(0, 1)[None]
        sides = torch.cat([kernels[..., :_REACH], kernels[..., _REACH + 1 :]], -1)
        most = x.new_zeros(x.shape[0], n_groups, n_kernels)
        least = torch.zeros_like(most)
        for first, n_steps in self._blocks(x):
            taps = padded[..., first : first + n_steps + 2 * _REACH * dilation].unfold(2, 2 * _REACH * dilation + 1, 1)
            taps = taps[..., ::dilation].permute(0, 3, 1, 2)
            near = torch.cat([taps[:, :_REACH], taps[:, _REACH + 1 :]], 1) - taps[:, _REACH : _REACH + 1]
            answers = torch.bmm(sides, near.flatten(2)).view(n_groups, n_kernels, *x.shape[::2][:1], n_steps)
            high, low = answers.amax(1), answers.amin(1)
            if lengths is not None:
                behind = torch.arange(first, first + n_steps, device=x.device) >= lengths[:, None]
                limit = torch.finfo(x.dtype).max
                high, low = high.masked_fill_(behind, limit), low.masked_fill_(behind, -limit)
            won = torch.empty_like(high)
            for kernel, answer in enumerate(answers.unbind(1)):
                most[..., kernel] += torch.eq(answer, high, out=won).mul_(high).sum(-1).T
                least[..., kernel] += torch.eq(answer, low, out=won).sum(-1).T
            # A flat stretch, where every kernel was counted.
            least[..., 1:] -= torch.eq(high, low, out=won).sum(-1).T[..., None]
        return torch.stack([most, least], 1).flatten(1)

    def _blocks(self, x: Tensor) -> Iterator[tuple[int, int]]:
        """Yield where each stretch of time steps begins and how long it is."""
        values = _BLOCK if x.device.type == "cpu" else _BLOCK_ELSEWHERE
        longest = max(256, values // (self.kernels[0, 0, ..., 0].numel() * x.shape[0]))
        for first in range(0, x.shape[2], longest):
            yield first, min(longest, x.shape[2] - first)
