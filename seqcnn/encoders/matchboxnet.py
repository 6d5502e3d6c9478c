"""Separable convolutions over mel bands for spoken words: MatchboxNet.

Majumdar and Ginsburg (2020), "MatchboxNet: 1D time-channel separable convolutional neural network architecture for
speech commands recognition", arXiv 2004.08531.

NOTE differences from the paper: the last of its convolutions of one step has an output a class and the mean over time
stands behind it; here the network's head is that layer, behind the mean, which says the same. It reads log-mel bands as
well as the paper's 64 MFCCs. Nothing is dropped between the layers.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._checks import check_integer
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Padding, pad_for
from seqcnn.layers.separable import SeparableBlock

_FIRST_KERNEL, _BLOCK_KERNEL, _KERNEL_STEP, _WIDE_KERNEL, _WIDE_DILATION = 11, 13, 2, 29, 2


class MatchboxBlock(nn.Module):
    """Separable convolutions of one kernel size, and a shortcut that mixes the channels of each step.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, time)``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        repeats: int,
        padding: Padding = "same",
    ) -> None:
        super().__init__()
        self.path = nn.ModuleList()
        channels = in_channels
        for position in range(repeats):
            self.path.append(
                SeparableBlock(channels, out_channels, kernel_size, padding=padding, rectify=position < repeats - 1)
            )
            channels = out_channels
        # As in the authors' code, also where the channels stay as many.
        self.shortcut = ConvBlock(in_channels, out_channels, 1, activation="none")

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        shortcut = self.shortcut(x, mask)
        for layer in self.path:
            x = layer(x, mask)
        return F.relu(x.add_(shortcut) if not x.requires_grad else x + shortcut, inplace=True)


class MatchboxNet(SequenceEncoder):
    """A separable convolution of 11 frames, residual blocks of 13, 15, ... frames, and one of 29 frames, two apart.

    The first layer and the last two have twice the channels of the blocks. At 100 frames a second an output sees about
    one second.

    Parameters
    ----------
    in_channels
        Bands (64 in the paper).
    width
        Channels of the blocks.
    depth
        Residual blocks.
    repeats
        Separable convolutions of each block.
    causal
        Whether no output sees later frames than its own; the whole of every kernel is then behind it.

    Raises
    ------
    TypeError, ValueError
        If ``depth`` or ``repeats`` is no integer of at least 1.

    Notes
    -----
    Shape: ``(batch, in_channels, frames)`` to ``(batch, 2 * width, frames)``. The default is the paper's
    MatchboxNet-3x2x64.

    Examples
    --------
    >>> import torch
    >>> MatchboxNet(40)(torch.zeros(2, 40, 100)).shape
    torch.Size([2, 128, 100])
    """

    def __init__(
        self, in_channels: int, *, width: int = 64, depth: int = 3, repeats: int = 2, causal: bool = False
    ) -> None:
        super().__init__()
        check_integer("depth", depth, minimum=1, caller="MatchboxNet")
        check_integer("repeats", repeats, minimum=1, caller="MatchboxNet")
        self.in_channels, self.out_channels, self.stride, self.causal = in_channels, 2 * width, 1, causal
        padding = pad_for(causal)
        self.first = SeparableBlock(in_channels, 2 * width, _FIRST_KERNEL, padding=padding)
        self.blocks = nn.ModuleList()
        channels, layers = 2 * width, [(_FIRST_KERNEL, 1)]
        for position in range(depth):
            size = _BLOCK_KERNEL + position * _KERNEL_STEP
            self.blocks.append(MatchboxBlock(channels, width, size, repeats, padding))
            layers += [(size, 1)] * repeats
            channels = width
        self.wide = SeparableBlock(width, 2 * width, _WIDE_KERNEL, dilation=_WIDE_DILATION, padding=padding)
        self.last = ConvBlock(2 * width, 2 * width, 1)
        self.receptive_field = receptive_field([*layers, (_WIDE_DILATION * (_WIDE_KERNEL - 1) + 1, 1)])

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, frames)``."""
        x = self.first(x, mask)
        for block in self.blocks:
            x = block(x, mask)
        encoded: Tensor = self.last(self.wide(x, mask), mask)
        return encoded


def matchboxnet_3x1x64(in_channels: int, *, width: int = 64, causal: bool = False) -> MatchboxNet:
    """Return MatchboxNet-3x1x64 of the paper: three blocks of one convolution each.

    >>> matchboxnet_3x1x64(64).receptive_field
    109
    """
    return MatchboxNet(in_channels, width=width, depth=3, repeats=1, causal=causal)


def matchboxnet_3x2x64(in_channels: int, *, width: int = 64, causal: bool = False) -> MatchboxNet:
    """Return MatchboxNet-3x2x64 of the paper: three blocks of two convolutions each.

    >>> matchboxnet_3x2x64(64).receptive_field
    151
    """
    return MatchboxNet(in_channels, width=width, depth=3, repeats=2, causal=causal)
