"""MobileNetV2.

Sandler et al. (2018), "MobileNetV2: inverted residuals and linear bottlenecks", arXiv 1801.04381.

NOTE differences from the paper:

- The convolutions run over time: a kernel of 3 x 3 becomes one of 3 steps. The strides are kept, so that the time axis
  shrinks by 32, as each of the two axes of an image does.
- A width below the paper's makes the last convolution narrower too. The paper keeps its 1280 channels then.
- Channels are multiples of 8 only where ``width`` is one (``seqcnn.layers.inverted_residual.scale_channels``).
- The dense layer is the head's, behind the mean over time. The paper tells of no dropout in front of it; 0.2 is that of
  the authors' code.
- Batch normalization has torch's momentum and epsilon, for short trainings, and not those for weeks on ImageNet.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.inverted_residual import InvertedResidual, scale_channels
from seqcnn.layers.masking import stride_mask

_WIDTH, _LAST_CHANNELS, _KERNEL = 32, 1280, 3

# (expansion, channels, blocks, stride of the first block) of the paper's table 2.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class MobileNetV2(SequenceEncoder):
    """A first convolution, 17 inverted residual blocks, and a last convolution of one step.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first convolution, 32 in the paper; all others grow and shrink with it.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, 40 * width, ceil(time / 32))``.

    Examples
    --------
    >>> import torch
    >>> MobileNetV2(1, width=8)(torch.zeros(2, 1, 100)).shape
    torch.Size([2, 320, 4])
    """

    dropout = 0.2

    def __init__(self, in_channels: int, *, width: int) -> None:
        super().__init__()
        channels = width
        self.stem = ConvBlock(in_channels, channels, _KERNEL, stride=2, activation="relu6")
        self.blocks = nn.ModuleList()
        layers = [(_KERNEL, 2)]
        for expansion, paper_channels, n_blocks, stage_stride in _STAGES:
            out_channels = scale_channels(paper_channels, width, _WIDTH)
            for position in range(n_blocks):
                stride = stage_stride if position == 0 else 1
                self.blocks.append(
                    InvertedResidual(
                        channels, expansion * channels, out_channels, _KERNEL, stride=stride, activation="relu6"
                    )
                )
                layers.append((_KERNEL, stride))
                channels = out_channels
        self.in_channels, self.out_channels = in_channels, scale_channels(_LAST_CHANNELS, width, _WIDTH)
        self.last = ConvBlock(channels, self.out_channels, 1, activation="relu6")
        self.receptive_field = receptive_field(layers)
        self.stride = math.prod(stride for _, stride in layers)

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


def mobilenet_v2(in_channels: int, *, width: int = _WIDTH) -> MobileNetV2:
    """Return the paper's network of width multiplier 1; ``width=16`` is its multiplier 0.5.

    >>> mobilenet_v2(1).out_channels, mobilenet_v2(1).stride, mobilenet_v2(1).receptive_field
    (1280, 32, 491)
    """
    return MobileNetV2(in_channels, width=width)
