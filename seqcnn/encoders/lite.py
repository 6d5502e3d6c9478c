"""LITE: one wide layer of learned and hand-crafted filters, then two light separable convolutions.

Ismail-Fawaz, Devanne, Berretti, Weber and Forestier (2023), "LITE: light inception with boosting techniques for time
series classification", IEEE DSAA, and its extension to several channels, LITEMV: "Look into the LITE in deep learning
for time series classification" (2024), arXiv 2409.02869. The hand-crafted filters are those of Ismail-Fawaz, Devanne,
Weber and Forestier (2022), "Deep learning for time series classification using new hand-crafted convolution filters",
IEEE Big Data.

NOTE differences from the papers:

- Nothing in the layers. LITE is built for one channel and LITEMV for several, as the authors do, without a switch.
- Weights start, and batch normalization is set, as usual in torch, not as in Keras.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._checks import check_integer
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.convolution import Conv1d
from seqcnn.layers.gathered import convolve_windows
from seqcnn.layers.masking import hide_padding
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.parallel import convolve_side_by_side, join_channels, repeat_channels, stack_kernels
from seqcnn.layers.separable import SeparableBlock, SeparableConv1d

_TREND_SIZES = (2, 4, 8, 16, 32, 64)
_PEAK_SIZES = (6, 12, 24, 48, 96)


def trend_filter(size: int) -> Tensor:
    """Return the filter that answers to steps upwards: -1 and 1 by turns; its negative answers to steps downwards.

    >>> trend_filter(4).tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """
    return torch.tensor([-1.0, 1.0]).repeat(size // 2)


def peak_filter(size: int) -> Tensor:
    """Return the filter that answers to peaks: a parabolic hill of twice the height between two hollows.

    >>> peak_filter(12).tolist()
    [-0.25, -1.0, -1.0, -0.25, 0.5, 2.0, 2.0, 0.5, -0.25, -1.0, -1.0, -0.25]
    """
    rise = torch.arange(1, size // 6 + 1) / (size // 6)
    hill = torch.cat([rise, rise.flip(0)]).square()
    return torch.cat([-hill, 2 * hill, -hill])


class HandcraftedFilters(nn.Module):
    """Six increasing, six decreasing and five peak filters over each channel by itself; none of them is learned.

    Shape: ``(batch, in_channels, time)`` to ``(batch, 17 * in_channels, time)``, never negative, a channel's filters
    side by side.
    """

    span = max(_TREND_SIZES + _PEAK_SIZES)
    n_filters = 2 * len(_TREND_SIZES) + len(_PEAK_SIZES)
    bank: Tensor

    def __init__(self) -> None:
        super().__init__()
        increasing = list(map(trend_filter, _TREND_SIZES))
        filters = [*increasing, *(-taps for taps in increasing), *map(peak_filter, _PEAK_SIZES)]
        # All sizes are even, so zeros on both sides centre them in one bank, and one zero tap more in front centres
        # the bank as padding="same" does.
        widened = [F.pad(taps, ((self.span - len(taps)) // 2 + 1, (self.span - len(taps)) // 2)) for taps in filters]
        self.register_buffer("bank", torch.stack(widened)[:, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``(batch, in_channels, time)``."""
        batch, channels, n_steps = x.shape
        alone = x if channels == 1 else x.reshape(batch * channels, 1, n_steps)
        answers = F.relu(convolve_windows(alone, self.bank, self.span // 2, self.span // 2))
        return answers if channels == 1 else answers.reshape(batch, channels * self.n_filters, n_steps)


class MultiplexedLayer(nn.Module):
    """Learned kernels of three sizes beside the hand-crafted filters.

    Shape: ``(batch, in_channels, time)`` to ``(batch, n_copies * (3 * width + 17 * in_channels), time)``, a copy's
    channels side by side. The hand-crafted filters are the same for all copies, and computed once.
    """

    def __init__(self, in_channels: int, width: int, kernel_size: int, n_copies: int = 1) -> None:
        super().__init__()
        sizes = [kernel_size // 2**halvings for halvings in range(3)]
        self.branches = nn.ModuleList(
            Conv1d(1, n_copies * width, size, padding="same", bias=False)
            if in_channels == 1
            else SeparableConv1d(n_copies * in_channels, n_copies * width, size, groups=n_copies)
            for size in sizes
        )
        self.handcrafted = HandcraftedFilters()
        self.n_copies = n_copies
        self.out_channels = n_copies * (len(sizes) * width + in_channels * self.handcrafted.n_filters)
        self.span = max(kernel_size, self.handcrafted.span)
        self.normalization = BatchNorm1d(self.out_channels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the layer."""
        if x.shape[1] == self.n_copies == 1 and self.normalization.folds():
            return hide_padding(self._folded(x), mask)
        if x.shape[1] == 1:
            learned = [convolve_side_by_side(self.branches, x, self.n_copies)]
        else:
            repeated = repeat_channels(x, self.n_copies)
            learned = [branch(repeated) for branch in self.branches]
        joined = join_channels([*learned, repeat_channels(self.handcrafted(x), self.n_copies)], self.n_copies)
        return self.normalization(joined, mask, rectify=True)  # type: ignore[no-any-return]

    def _folded(self, x: Tensor) -> Tensor:
        """Return the same by one product of all windows with all filters, the learned ones normalized."""
        bank, reach = self.handcrafted.bank, self.handcrafted.span // 2
        weight, bias = self.normalization.fold(stack_kernels(self.branches, reach, reach), None)
        scale, shift = (values[len(weight) :, None] for values in self.normalization.scale_and_shift())
        bias = torch.cat([bias, bias.new_zeros(len(bank))])
        joined = convolve_windows(x, torch.cat([weight, bank]), reach, reach, bias=bias)
        # The hand-crafted filters' answers are rectified before they are normalized, too.
        joined[:, len(weight) :].relu_().mul_(scale).add_(shift)
        return joined.relu_()


class LITE(SequenceEncoder):
    """One network of LITETime, 9,814 parameters for one channel; for several channels one of LITEMVTime.

    Parameters
    ----------
    in_channels
        Channels of the input. From two on, the first layer treats each channel by itself before it mixes them.
    width
        Filters of each learned branch of the first layer, and channels of the layers behind it.
    kernel_size
        Time steps of the longest learned kernel. The other branches have a half and a quarter of it, as have the two
        layers behind, whose taps stand 2 and 4 steps apart.
    n_copies
        How many such networks stand side by side and read the same input, each with weights of its own; what they give
        is for :class:`seqcnn.heads.CopiesHead`.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_copies * width, time)``, a copy's channels side by side.

    Examples
    --------
    >>> import torch
    >>> LITE(1)(torch.zeros(2, 1, 50)).shape
    torch.Size([2, 32, 50])
    >>> sum(parameter.numel() for parameter in LITE(1).parameters())
    9814
    """

    def __init__(self, in_channels: int, *, width: int = 32, kernel_size: int = 40, n_copies: int = 1) -> None:
        super().__init__()
        check_integer("n_copies", n_copies, minimum=1, caller="LITE")
        self.in_channels, self.out_channels, self.stride = in_channels, n_copies * width, 1
        self.n_copies = n_copies
        self.first = MultiplexedLayer(in_channels, width, kernel_size, n_copies)
        self.blocks = nn.ModuleList()
        channels, layers = self.first.out_channels, [(self.first.span, 1)]
        for halvings in (1, 2):
            size, dilation = kernel_size // 2**halvings, 2**halvings
            self.blocks.append(SeparableBlock(channels, self.out_channels, size, dilation=dilation, groups=n_copies))
            layers.append((dilation * (size - 1) + 1, 1))
            channels = self.out_channels
        self.receptive_field = receptive_field(layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        x = self.first(x, mask)
        for block in self.blocks:
            x = block(x, mask)
        return x
