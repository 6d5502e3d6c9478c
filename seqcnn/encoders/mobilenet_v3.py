"""MobileNetV3, small and large.

Howard et al. (2019), "Searching for MobileNetV3", arXiv 1905.02244.

NOTE differences from the paper:

- The convolutions run over time: kernels of 3 x 3 and 5 x 5 become kernels of 3 and 5 steps. The strides are kept, so
  that the time axis shrinks by 32, as each of the two axes of an image does.
- The dense layers behind the mean over time, of 1024 (small) and 1280 channels (large) and one of classes, are the
  head's, which is a single one. The dropout is in front of it.
- The small network's table marks squeeze and excitation at its last convolution too; as in the authors' code there is
  none, which also is what the paper's number of parameters says.
- Channels are multiples of 8 only where ``width`` is one (``seqcnn.layers.inverted_residual.scale_channels``).
- Batch normalization has torch's momentum and epsilon, for short trainings, and not those for weeks on ImageNet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.layers.blocks import Activation, ConvBlock
from seqcnn.layers.inverted_residual import InvertedResidual, scale_channels
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.squeeze_excitation import SqueezeExcitation

_WIDTH = 16

# Kernel size, expanded channels, channels, whether squeeze and excitation, activation, stride.
BlockRow = tuple[int, int, int, bool, Activation, int]

# The paper's tables 1 and 2.
_LARGE: Sequence[BlockRow] = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hardswish", 2),
    (3, 200, 80, False, "hardswish", 1),
    (3, 184, 80, False, "hardswish", 1),
    (3, 184, 80, False, "hardswish", 1),
    (3, 480, 112, True, "hardswish", 1),
    (3, 672, 112, True, "hardswish", 1),
    (5, 672, 160, True, "hardswish", 2),
    (5, 960, 160, True, "hardswish", 1),
    (5, 960, 160, True, "hardswish", 1),
)
_SMALL: Sequence[BlockRow] = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hardswish", 2),
    (5, 240, 40, True, "hardswish", 1),
    (5, 240, 40, True, "hardswish", 1),
    (5, 120, 48, True, "hardswish", 1),
    (5, 144, 48, True, "hardswish", 1),
    (5, 288, 96, True, "hardswish", 2),
    (5, 576, 96, True, "hardswish", 1),
    (5, 576, 96, True, "hardswish", 1),
)


class MobileNetV3(SequenceEncoder):
    """A first convolution, inverted residual blocks, many with squeeze and excitation, and a last convolution.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first convolution, 16 in the paper; all others grow and shrink with it.
    blocks
        A row for each block: kernel size, expanded channels, channels, whether it has squeeze and excitation,
        activation, stride; channels as they are at a width of 16.
    last_channels
        Channels of the last convolution at a width of 16.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, last_channels * width / 16, ceil(time / 32))``.

    Examples
    --------
    >>> import torch
    >>> mobilenet_v3_small(1, width=8)(torch.zeros(2, 1, 100)).shape
    torch.Size([2, 288, 4])
    """

    dropout = 0.2

    def __init__(self, in_channels: int, *, width: int, blocks: Sequence[BlockRow], last_channels: int) -> None:
        super().__init__()
        channels = width
        self.stem = ConvBlock(in_channels, channels, 3, stride=2, activation="hardswish")
        self.blocks = nn.ModuleList()
        for kernel_size, paper_expanded, paper_channels, gated, activation, stride in blocks:
            n_expanded = scale_channels(paper_expanded, width, _WIDTH)
            out_channels = scale_channels(paper_channels, width, _WIDTH)
            n_squeezed = scale_channels(paper_expanded / 4, width, _WIDTH)
            self.blocks.append(
                InvertedResidual(
                    channels,
                    n_expanded,
                    out_channels,
                    kernel_size,
                    stride=stride,
                    activation=activation,
                    gate=SqueezeExcitation(n_expanded, n_squeezed, gate="hardsigmoid") if gated else None,
                )
            )
            channels = out_channels
        self.in_channels, self.out_channels = in_channels, scale_channels(last_channels, width, _WIDTH)
        self.last = ConvBlock(channels, self.out_channels, 1, activation="hardswish")
        self.receptive_field = None  # squeeze and excitation sees the whole record
        self.stride = 2 * math.prod(row[-1] for row in blocks)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        x = self.stem(x, mask)
        mask = stride_mask(mask, 2)
        for block in self.blocks:
            assert isinstance(block, InvertedResidual)
            x = block(x, mask)
            mask = stride_mask(mask, block.stride)
        encoded: Tensor = self.last(x, mask)
        return encoded


def mobilenet_v3_small(in_channels: int, *, width: int = _WIDTH) -> MobileNetV3:
    """Return MobileNetV3-Small: 11 blocks.

    >>> mobilenet_v3_small(1).out_channels, mobilenet_v3_small(1).stride
    (576, 32)
    """
    return MobileNetV3(in_channels, width=width, blocks=_SMALL, last_channels=576)


def mobilenet_v3_large(in_channels: int, *, width: int = _WIDTH) -> MobileNetV3:
    """Return MobileNetV3-Large: 15 blocks.

    >>> mobilenet_v3_large(1).out_channels, mobilenet_v3_large(1).stride
    (960, 32)
    """
    return MobileNetV3(in_channels, width=width, blocks=_LARGE, last_channels=960)
