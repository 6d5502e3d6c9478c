"""One network of InceptionTime.

Ismail Fawaz et al. (2020), "InceptionTime: finding AlexNet for time series classification", arXiv 1909.04939.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._checks import check_integer
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Conv1d, pad_for
from seqcnn.layers.masking import hide_padding
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.parallel import convolve_side_by_side, join_channels
from seqcnn.layers.pooling import MaxPool1d


class InceptionModule(nn.Module):
    """Convolutions of several lengths side by side behind a bottleneck, and a max-pooled view beside them.

    Shape: ``(batch, in_channels, time)`` to ``(batch, n_copies * width * (len(kernel_sizes) + 1), time)``, a copy's
    channels side by side. ``apart`` says that this is so of the input, too; else all copies read all of it.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        kernel_sizes: Sequence[int],
        *,
        causal: bool = False,
        n_copies: int = 1,
        apart: bool = False,
    ) -> None:
        super().__init__()
        self.n_copies = n_copies
        filters, groups = n_copies * width, n_copies if apart else 1
        # One channel has nothing to be squeezed (so do the authors).
        self.bottleneck = (
            Conv1d(in_channels, filters, 1, groups=groups, bias=False) if in_channels > 1 else nn.Identity()
        )
        squeezed, groups_squeezed = (filters, n_copies) if in_channels > 1 else (1, 1)
        self.branches = nn.ModuleList(
            Conv1d(squeezed, filters, size, padding=pad_for(causal), groups=groups_squeezed, bias=False)
            for size in kernel_sizes
        )
        self.pool = MaxPool1d(3, 1, centred=not causal, causal=causal)
        self.pooled_branch = Conv1d(in_channels, filters, 1, groups=groups, bias=False)
        self.normalization = BatchNorm1d(filters * (len(kernel_sizes) + 1))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the module."""
        squeezed = self.bottleneck(x)
        if self.normalization.folds():
            return hide_padding(self._folded(x, squeezed, mask), mask)
        if squeezed.shape[1] == 1:
            views = [convolve_side_by_side(self.branches, squeezed, self.n_copies)]
        else:
            views = [branch(squeezed) for branch in self.branches]
        joined = join_channels([*views, self.pooled_branch(self.pool(x, mask))], self.n_copies)
        return self.normalization(joined, mask, rectify=True)  # type: ignore[no-any-return]

    def _folded(self, x: Tensor, squeezed: Tensor, mask: Tensor | None) -> Tensor:
        """Return the same from kernels that hold their share of the normalization."""
        inputs = [(branch, squeezed) for branch in self.branches] + [(self.pooled_branch, self.pool(x, mask))]
        views, first = [], 0
        for branch, seen in inputs:
            assert isinstance(branch, Conv1d)
            weight, bias = self.normalization.fold(branch.weight, branch.bias, first, self.n_copies)
            views.append(branch.convolve(seen, weight, bias).relu_())
            first += branch.out_channels // self.n_copies
        return join_channels(views, self.n_copies)


class Inception(SequenceEncoder):
    """Six inception modules with a shortcut around every third.

    InceptionTime itself is the mean of five such networks.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Filters of each branch (32 in the paper); a module has ``width * (len(kernel_sizes) + 1)`` channels.
    depth
        Modules.
    kernel_sizes
        Time steps of the branches' kernels.
    causal
        Whether no output sees later steps than its own; the whole of every kernel is then behind it.
    n_copies
        How many such networks stand side by side and read the same input, each with weights of its own; what they give
        is for :class:`seqcnn.heads.CopiesHead`.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_copies * 4 * width, time)``, a copy's channels side by side.

    Examples
    --------
    >>> import torch
    >>> Inception(1, width=8)(torch.zeros(2, 1, 50)).shape
    torch.Size([2, 32, 50])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 32,
        depth: int = 6,
        kernel_sizes: Sequence[int] = (40, 20, 10),
        causal: bool = False,
        n_copies: int = 1,
    ) -> None:
        super().__init__()
        check_integer("n_copies", n_copies, minimum=1, caller="Inception")
        self.n_copies = n_copies
        channels = n_copies * width * (len(kernel_sizes) + 1)
        self.in_channels, self.out_channels, self.stride, self.causal = in_channels, channels, 1, causal
        # The pooled branch spans 3 steps, which only tiny kernels fall short of.
        self.receptive_field = receptive_field((max(*kernel_sizes, 3), 1) for _ in range(depth))
        self.inception_modules = nn.ModuleList()
        self.shortcuts = nn.ModuleList()
        shortcut_channels = in_channels
        for position in range(depth):
            self.inception_modules.append(
                InceptionModule(
                    in_channels if position == 0 else channels,
                    width,
                    kernel_sizes,
                    causal=causal,
                    n_copies=n_copies,
                    apart=position > 0,
                )
            )
            if position % 3 == 2:
                groups = 1 if position == 2 else n_copies
                self.shortcuts.append(ConvBlock(shortcut_channels, channels, 1, groups=groups, activation="none"))
                shortcut_channels = channels

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the modules to ``(batch, in_channels, time)``."""
        start = x
        for position, module in enumerate(self.inception_modules):
            x = module(x, mask)
            if position % 3 == 2:
                x = start = F.relu(x + self.shortcuts[position // 3](start, mask), inplace=True)
        return x
