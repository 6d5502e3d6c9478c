"""The residual network for time series.

Wang, Yan and Oates (2017), "Time series classification from scratch with deep neural networks: a strong baseline",
arXiv 1611.06455, after He et al. (2016), "Deep residual learning for image recognition", arXiv 1512.03385.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Padding, pad_for
from seqcnn.layers.normalization import BatchNorm1d


class ResidualBlock(nn.Module):
    """Three convolutions and a shortcut around them.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, time)``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_sizes: Sequence[int], padding: Padding = "same"
    ) -> None:
        super().__init__()
        self.path = nn.ModuleList()
        channels = in_channels
        for position, size in enumerate(kernel_sizes):
            self.path.append(
                ConvBlock(
                    channels,
                    out_channels,
                    size,
                    padding=padding,
                    activation="relu" if position < len(kernel_sizes) - 1 else "none",
                )
            )
            channels = out_channels
        # As in the authors' code, the shortcut is normalized even where it needs no convolution.
        self.shortcut = (
            BatchNorm1d(out_channels)
            if in_channels == out_channels
            else ConvBlock(in_channels, out_channels, 1, padding=padding, activation="none")
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        shortcut = self.shortcut(x, mask)
        for block in self.path:
            x = block(x, mask)
        return F.relu(x + shortcut, inplace=True)


class ResNet(SequenceEncoder):
    """Three residual blocks of kernels 8, 5 and 3; the first has ``width`` channels, the others twice as many.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first block (64 in the paper).
    kernel_sizes
        Time steps of the kernels in each block.
    causal
        Whether no output sees later steps than its own; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, 2 * width, time)``.

    Examples
    --------
    >>> import torch
    >>> ResNet(1, width=8)(torch.zeros(2, 1, 50)).shape
    torch.Size([2, 16, 50])
    """

    def __init__(
        self, in_channels: int, *, width: int = 64, kernel_sizes: Sequence[int] = (8, 5, 3), causal: bool = False
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride, self.causal = in_channels, 2 * width, 1, causal
        self.receptive_field = receptive_field((size, 1) for _ in range(3) for size in kernel_sizes)
        self.blocks = nn.ModuleList()
        channels = in_channels
        for out_channels in (width, 2 * width, 2 * width):
            self.blocks.append(ResidualBlock(channels, out_channels, kernel_sizes, pad_for(causal)))
            channels = out_channels

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the blocks to ``(batch, in_channels, time)``."""
        for block in self.blocks:
            x = block(x, mask)
        return x
