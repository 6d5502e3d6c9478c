"""Very deep networks over characters: VDCNN.

Conneau et al. (2017), "Very deep convolutional networks for text classification", arXiv 1606.01781.

NOTE differences from the paper: texts keep their own length instead of 1014 characters, and one maximum over time
replaces the eight largest values of each channel and the two dense layers of 2048 behind them. Convolutions in front of
batch normalization have no bias, which it would subtract again. Of the paper's three ways to halve the resolution we
have the one it found best, max pooling (3 steps, every second kept). Where a shortcut changes the number of channels it
is a convolution of one step with batch normalization. The network reads whatever the stem embeds; the paper's vectors
have 16 numbers a character.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.pooling import MaxPool1d

_KERNEL, _POOL_KERNEL, _POOL_STRIDE = 3, 3, 2


class ConvolutionalBlock(nn.Module):
    """Two convolutions of 3 steps, each with batch normalization and ReLU, and a shortcut around them if wanted.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, time)``.
    """

    def __init__(self, in_channels: int, out_channels: int, *, shortcut: bool) -> None:
        super().__init__()
        self.first = ConvBlock(in_channels, out_channels, _KERNEL)
        # The last ReLU stands in forward(), behind the sum.
        self.second = ConvBlock(out_channels, out_channels, _KERNEL, activation="none")
        self.has_shortcut = shortcut
        self.projection = (
            ConvBlock(in_channels, out_channels, 1, activation="none")
            if shortcut and in_channels != out_channels
            else None
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        path = self.second(self.first(x, mask), mask)
        if self.has_shortcut:
            path = path + (x if self.projection is None else self.projection(x, mask))
        return F.relu(path)


class VDCNN(SequenceEncoder):
    """One convolution, then four stages of convolutional blocks; pooling halves the time between stages.

    The first stage has ``width`` channels, and each stage twice as many as the one before.

    Parameters
    ----------
    in_channels
        Channels of the embedded characters.
    width
        Channels of the first convolution (64 in the paper).
    stage_depths
        Convolutional blocks of each stage, of two convolutions each.
    shortcut
        Whether each block has a shortcut around it.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, width * 2 ** (stages - 1), ceil(time / stride))`` with a stride
    of ``2 ** (stages - 1)``, 8 in the paper.

    Examples
    --------
    >>> import torch
    >>> vdcnn9(16, width=8)(torch.zeros(2, 16, 100)).shape
    torch.Size([2, 64, 13])
    """

    pooling = "max"

    def __init__(
        self, in_channels: int, *, width: int = 64, stage_depths: Sequence[int], shortcut: bool = False
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        # Linear, as the paper draws it.
        self.first = ConvBlock(in_channels, width, _KERNEL, normalization="none", activation="none")
        self.pool = MaxPool1d(_POOL_KERNEL, _POOL_STRIDE, centred=True)
        self.stages = nn.ModuleList()
        channels, layers = width, [(_KERNEL, 1)]
        for position, depth in enumerate(stage_depths):
            stage = nn.ModuleList()
            if position > 0:
                layers.append((_POOL_KERNEL, _POOL_STRIDE))
            for _ in range(depth):
                stage.append(ConvolutionalBlock(channels, width * 2**position, shortcut=shortcut))
                layers += [(_KERNEL, 1), (_KERNEL, 1)]
                channels = width * 2**position
            self.stages.append(stage)
        self.out_channels = channels
        self.receptive_field = receptive_field(layers)
        self.stride = _POOL_STRIDE ** (len(stage_depths) - 1)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        x = self.first(x, mask)
        for position, stage in enumerate(self.stages):
            if position > 0:
                x = self.pool(x, mask)
                mask = stride_mask(mask, _POOL_STRIDE)
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x, mask)
        return x


def vdcnn9(in_channels: int, *, width: int = 64, shortcut: bool = False) -> VDCNN:
    """Return the paper's network of 9 convolutions.

    >>> vdcnn9(16).out_channels, vdcnn9(16).stride
    (512, 8)
    """
    return VDCNN(in_channels, width=width, stage_depths=(1, 1, 1, 1), shortcut=shortcut)


def vdcnn17(in_channels: int, *, width: int = 64, shortcut: bool = False) -> VDCNN:
    """Return the paper's network of 17 convolutions.

    >>> vdcnn17(16, width=8).out_channels
    64
    """
    return VDCNN(in_channels, width=width, stage_depths=(2, 2, 2, 2), shortcut=shortcut)


def vdcnn29(in_channels: int, *, width: int = 64, shortcut: bool = False) -> VDCNN:
    """Return the paper's network of 29 convolutions, its best, made for hundreds of thousands of texts.

    >>> vdcnn29(16, width=8).out_channels
    64
    """
    return VDCNN(in_channels, width=width, stage_depths=(5, 5, 2, 2), shortcut=shortcut)


def vdcnn49(in_channels: int, *, width: int = 64, shortcut: bool = True) -> VDCNN:
    """Return the paper's network of 49 convolutions, the only one that shortcuts helped.

    >>> vdcnn49(16, width=8).out_channels
    64
    """
    return VDCNN(in_channels, width=width, stage_depths=(8, 8, 5, 3), shortcut=shortcut)
