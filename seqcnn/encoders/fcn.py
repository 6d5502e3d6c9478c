"""The fully convolutional network.

Wang, Yan and Oates (2017), "Time series classification from scratch with deep neural networks: a strong baseline",
arXiv 1611.06455.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock, Normalization
from seqcnn.layers.convolution import pad_for


class FCN(SequenceEncoder):
    """Three convolutions, of 8, 5 and 3 steps, and no pooling until the end.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first and last block; those between have twice as many.
    kernel_sizes
        Time steps of each block's kernel.
    normalization
        "batch" as in the paper, or "none" for a handful of records, where batch statistics are mostly noise.
    causal
        Whether no output sees later steps than its own; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, width, time)``.

    Examples
    --------
    >>> import torch
    >>> FCN(3, width=16)(torch.zeros(2, 3, 50)).shape
    torch.Size([2, 16, 50])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 128,
        kernel_sizes: Sequence[int] = (8, 5, 3),
        normalization: Normalization = "batch",
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride, self.causal = in_channels, width, 1, causal
        self.receptive_field = receptive_field((size, 1) for size in kernel_sizes)
        last = len(kernel_sizes) - 1
        self.blocks = nn.ModuleList()
        channels = in_channels
        for position, size in enumerate(kernel_sizes):
            out_channels = width if position in (0, last) else 2 * width
            self.blocks.append(
                ConvBlock(channels, out_channels, size, padding=pad_for(causal), normalization=normalization)
            )
            channels = out_channels

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the blocks to ``(batch, in_channels, time)``."""
        for block in self.blocks:
            x = block(x, mask)
        return x
