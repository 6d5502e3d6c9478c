"""Temporal convolutions over mel bands for spoken words: TC-ResNet8 and TC-ResNet14.

Choi et al. (2019), "Temporal convolution for real-time keyword spotting on mobile devices", arXiv 1904.03814.

NOTE differences from the paper: none in the layers, which are those of the authors' code (the first convolution is
normalized and rectified, too). The network's head is the dense layer behind the mean. A strided kernel is centred about
every other step; theirs, padded as in TensorFlow, lies half a stride later where a record's length is even.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Padding, pad_for
from seqcnn.layers.masking import stride_mask

_FIRST_KERNEL, _KERNEL, _STRIDE = 3, 9, 2

# Channels of the stages, in multiples of those of the first convolution.
_STAGES = (1.5, 2.0, 3.0)


class TemporalResidualBlock(nn.Module):
    """Two convolutions of 9 frames and a shortcut, which is a convolution where the channels or the frames change.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / stride))``.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, padding: Padding = "same") -> None:
        super().__init__()
        self.stride = stride
        self.first = ConvBlock(in_channels, out_channels, _KERNEL, stride=stride, padding=padding)
        self.second = ConvBlock(out_channels, out_channels, _KERNEL, padding=padding, activation="none")
        changes = stride > 1 or in_channels != out_channels
        self.shortcut = ConvBlock(in_channels, out_channels, 1, stride=stride, padding=padding) if changes else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        shortcut = x if self.shortcut is None else self.shortcut(x, mask)
        return F.relu(self.second(self.first(x, mask), stride_mask(mask, self.stride)) + shortcut, inplace=True)


class TCResNet(SequenceEncoder):
    """A convolution of 3 frames and three stages of residual blocks; each stage begins by halving the frames.

    The stages have 1.5, 2 and 3 times the first convolution's channels.

    Parameters
    ----------
    in_channels
        Bands (40 in the paper).
    width
        Channels of the first convolution: 16 times the paper's width multiplier.
    stage_depths
        Residual blocks of each of the three stages.
    causal
        Whether no output sees later frames than those it stands for; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, frames)`` to ``(batch, 3 * width, ceil(frames / 8))``.

    Examples
    --------
    >>> import torch
    >>> tc_resnet8(40)(torch.zeros(2, 40, 100)).shape
    torch.Size([2, 48, 13])
    """

    dropout = 0.5

    def __init__(
        self, in_channels: int, *, width: int = 16, stage_depths: Sequence[int] = (1, 1, 1), causal: bool = False
    ) -> None:
        super().__init__()
        self.in_channels, self.stride, self.causal = in_channels, _STRIDE ** len(_STAGES), causal
        padding = pad_for(causal)
        self.first = ConvBlock(in_channels, width, _FIRST_KERNEL, padding=padding)
        self.blocks = nn.ModuleList()
        channels, layers = width, [(_FIRST_KERNEL, 1)]
        for multiple, depth in zip(_STAGES, stage_depths, strict=True):
            for position in range(depth):
                stride = _STRIDE if position == 0 else 1
                block = TemporalResidualBlock(channels, int(multiple * width), stride=stride, padding=padding)
                self.blocks.append(block)
                channels = int(multiple * width)
                layers += [(_KERNEL, stride), (_KERNEL, 1)]
        self.out_channels, self.receptive_field = channels, receptive_field(layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, frames)``."""
        x = self.first(x, mask)
        for block in self.blocks:
            assert isinstance(block, TemporalResidualBlock)
            x = block(x, mask)
            mask = stride_mask(mask, block.stride)
        return x


def tc_resnet8(in_channels: int, *, width: int = 16, causal: bool = False) -> TCResNet:
    """Return TC-ResNet8 of the paper: a block a stage; ``width=24`` is its TC-ResNet8-1.5.

    >>> tc_resnet8(40).out_channels, tc_resnet8(40).receptive_field
    (48, 115)
    """
    return TCResNet(in_channels, width=width, stage_depths=(1, 1, 1), causal=causal)


def tc_resnet14(in_channels: int, *, width: int = 16, causal: bool = False) -> TCResNet:
    """Return TC-ResNet14 of the paper: two blocks a stage; ``width=24`` is its TC-ResNet14-1.5.

    >>> tc_resnet14(40).out_channels, tc_resnet14(40).stride
    (48, 8)
    """
    return TCResNet(in_channels, width=width, stage_depths=(2, 2, 2), causal=causal)
