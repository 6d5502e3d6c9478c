"""VGG: convolutions of 3 steps one behind the other, with maxima between the stages.

Simonyan and Zisserman (2015), "Very deep convolutional networks for large-scale image recognition", arXiv 1409.1556.

NOTE differences from the paper:

- 2D becomes 1D: kernels of 3 steps for 3 x 3, pools of 2 steps for 2 x 2.
- Batch normalization (Ioffe and Szegedy 2015, arXiv 1502.03167) stands behind each convolution, in the place of its
  bias; at the end of a stage it stands behind the pool as well, which halves its work. So the deep networks need not
  start from the trained weights of a shallow one, as they do in the paper; all weights start as torch's do.
- A last step without a neighbour is pooled too, so that ``ceil(time / 32)`` steps come out.
- The mean over time takes the place of the flattening and of the two dense layers of 4096 (the paper averages its
  scores over whole images when it tests); the linear head behind it has the paper's dropout. The number in a name is
  the paper's and counts the three dense layers.
- Configuration C, which has kernels of one step, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.masking import stride_mask

_KERNEL, _POOL = 3, 2
# Channels of the five stages, in multiples of the width.
_STAGE_MULTIPLES = (1, 2, 4, 8, 8)


class VGG(SequenceEncoder):
    """Five stages of convolutions, each ended by max pooling; channels double from stage to stage up to the fourth.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first stage (64 in the paper).
    stage_depths
        Convolutions of each of the five stages.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, 8 * width, ceil(time / 32))``.

    Examples
    --------
    >>> import torch
    >>> VGG(3, width=8, stage_depths=(1, 1, 2, 2, 2))(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 64, 4])
    """

    dropout = 0.5

    def __init__(self, in_channels: int, *, width: int, stage_depths: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        channels, layers = in_channels, []
        for multiple, depth in zip(_STAGE_MULTIPLES, stage_depths, strict=True):
            stage = nn.ModuleList()
            for position in range(depth):
                pool = _POOL if position == depth - 1 else 1
                stage.append(ConvBlock(channels, multiple * width, _KERNEL, pool=pool))
                layers += [(_KERNEL, 1), (pool, pool)]
                channels = multiple * width
            self.stages.append(stage)
        self.in_channels, self.out_channels, self.stride = in_channels, channels, _POOL ** len(self.stages)
        self.receptive_field = receptive_field(layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        for stage in self.stages:
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x, mask)
            mask = stride_mask(mask, _POOL)  # the stage's last block has pooled
        return x


def vgg11(in_channels: int, *, width: int = 64) -> VGG:
    """Return the paper's configuration A: 8 convolutions, each output sees 150 steps.

    >>> vgg11(1).receptive_field, vgg11(1).out_channels
    (150, 512)
    """
    return VGG(in_channels, width=width, stage_depths=(1, 1, 2, 2, 2))


def vgg13(in_channels: int, *, width: int = 64) -> VGG:
    """Return the paper's configuration B: 10 convolutions, each output sees 156 steps.

    >>> vgg13(1).receptive_field, vgg13(1).out_channels
    (156, 512)
    """
    return VGG(in_channels, width=width, stage_depths=(2, 2, 2, 2, 2))


def vgg16(in_channels: int, *, width: int = 64) -> VGG:
    """Return the paper's configuration D: 13 convolutions, each output sees 212 steps.

    >>> vgg16(1).receptive_field, vgg16(1).out_channels
    (212, 512)
    """
    return VGG(in_channels, width=width, stage_depths=(2, 2, 3, 3, 3))


def vgg19(in_channels: int, *, width: int = 64) -> VGG:
    """Return the paper's configuration E: 16 convolutions, each output sees 268 steps.

    >>> vgg19(1).receptive_field, vgg19(1).out_channels
    (268, 512)
    """
    return VGG(in_channels, width=width, stage_depths=(2, 2, 4, 4, 4))
