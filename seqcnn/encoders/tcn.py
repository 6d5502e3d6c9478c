"""The temporal convolutional network: causal convolutions whose dilation doubles from block to block.

Bai, Kolter and Koltun (2018), "An empirical evaluation of generic convolutional and recurrent networks for sequence
modeling", arXiv 1803.01271.

The defaults are the paper's for its task of classification, images of digits read pixel by pixel.

NOTE differences from the paper:

- Batch normalization in place of weight normalization, which has as many parameters and does not pickle in torch.
- The mean over time in place of the last step.
- No channels are dropped within the blocks.
- Weights start as in any torch convolution, not at a deviation of 0.01, which normalization would undo.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock


class TemporalBlock(nn.Module):
    """Two causal convolutions of one dilation and a shortcut around them.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, time)``.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        self.first = ConvBlock(in_channels, out_channels, kernel_size, dilation=dilation, padding="causal")
        self.second = ConvBlock(out_channels, out_channels, kernel_size, dilation=dilation, padding="causal")
        # As in the paper, the shortcut has a bias and is not normalized.
        self.shortcut = (
            None
            if in_channels == out_channels
            else ConvBlock(in_channels, out_channels, 1, normalization="none", activation="none")
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        shortcut = x if self.shortcut is None else self.shortcut(x, mask)
        return F.relu(self.second(self.first(x, mask), mask) + shortcut, inplace=True)


class TCN(SequenceEncoder):
    """Residual blocks of causal convolutions; block ``i`` has its taps ``2 ** i`` steps apart.

    An output sees ``1 + 2 * (kernel_size - 1) * (2 ** depth - 1)`` steps back, 3,061 by default: choose a depth that
    covers the records, or what matters in them.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of every convolution.
    depth
        Blocks.
    kernel_size
        Taps of every kernel.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, width, time)``. Causal: an output sees its own step and those
    before it.

    Examples
    --------
    >>> import torch
    >>> tcn = TCN(3, width=8, depth=4)
    >>> tcn(torch.zeros(2, 3, 50)).shape, tcn.receptive_field
    (torch.Size([2, 8, 50]), 181)
    """

    causal = True

    def __init__(self, in_channels: int, *, width: int = 25, depth: int = 8, kernel_size: int = 7) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride = in_channels, width, 1
        self.blocks = nn.ModuleList()
        channels, layers = in_channels, []
        for level in range(depth):
            dilation = 2**level
            self.blocks.append(TemporalBlock(channels, width, kernel_size, dilation))
            layers += [(dilation * (kernel_size - 1) + 1, 1)] * 2
            channels = width
        self.receptive_field = receptive_field(layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the blocks to ``(batch, in_channels, time)``."""
        for block in self.blocks:
            x = block(x, mask)
        return x
