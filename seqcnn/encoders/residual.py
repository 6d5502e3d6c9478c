"""The residual networks for images, ResNet-18, 34 and 50, in 1D.

He, Zhang, Ren and Sun (2016), "Deep residual learning for image recognition", arXiv 1512.03385. What Wang et al. made
of them for time series is :mod:`seqcnn.encoders.resnet`.

NOTE differences from the paper:

- 2D becomes 1D: a kernel of K x K becomes one of K steps, the pool's 3 x 3 pixels become 3 steps.
- In a bottleneck the stride belongs to the kernel of 3 steps. The paper gives it to the first kernel of one step, which
  leaves every other step unread. So do Goyal et al. (2017), "Accurate, large minibatch SGD", arXiv 1706.02677.
- Weights start as torch's convolutions do; batch normalization makes up for the other scale.

Shortcuts are the paper's option B: the identity, or a convolution of one step where the shape changes. The mean over
time in front of the head is the paper's too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import Activation, ConvBlock
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.pooling import MaxPool1d

_STEM_SIZE, _STEM_STRIDE, _POOL_SIZE, _POOL_STRIDE = 7, 2, 3, 2

# A block's convolutions: kernel size, multiple of the stage's width, and whether it takes the block's stride.
_Plan = tuple[tuple[int, int, bool], ...]
_BASIC: _Plan = ((3, 1, True), (3, 1, False))
_BOTTLENECK: _Plan = ((1, 1, False), (3, 1, True), (1, 4, False))


class ResidualBlock(nn.Module):
    """The convolutions of a plan, and a shortcut around them.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / stride))``, where ``out_channels`` is
    ``width`` or, behind a bottleneck, ``4 * width``; ``mask`` is that of the input.
    """

    def __init__(self, in_channels: int, width: int, plan: _Plan, *, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.path = nn.ModuleList()
        channels = in_channels
        for position, (size, multiple, strided) in enumerate(plan):
            activation: Activation = "relu" if position < len(plan) - 1 else "none"
            block = ConvBlock(channels, multiple * width, size, stride=stride if strided else 1, activation=activation)
            self.path.append(block)
            channels = multiple * width
        self.out_channels = channels
        self.shortcut = (
            None
            if in_channels == channels and stride == 1
            else ConvBlock(in_channels, channels, 1, stride=stride, activation="none")
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        shortcut = x if self.shortcut is None else self.shortcut(x, mask)
        for block in self.path:
            assert isinstance(block, ConvBlock)
            x = block(x, mask)
            mask = stride_mask(mask, block.convolution.stride[0])
        return F.relu(x + shortcut, inplace=True)


class ResidualNetwork(SequenceEncoder):
    """A strided convolution of 7 steps, max pooling, and four stages of residual blocks.

    Each stage but the first halves time and doubles channels.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first convolution and stage (64 in the paper).
    stage_depths
        Blocks of each stage.
    bottleneck
        Whether blocks squeeze to the stage's channels and give four times as many, or are two plain convolutions.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / 32))`` with ``out_channels`` of
    ``8 * width``, or ``32 * width`` with bottlenecks.

    Examples
    --------
    >>> import torch
    >>> ResidualNetwork(3, width=8, stage_depths=(2, 2, 2, 2))(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 64, 4])
    """

    def __init__(self, in_channels: int, *, width: int, stage_depths: Sequence[int], bottleneck: bool = False) -> None:
        super().__init__()
        plan = _BOTTLENECK if bottleneck else _BASIC
        self.stem = ConvBlock(in_channels, width, _STEM_SIZE, stride=_STEM_STRIDE)
        self.pool = MaxPool1d(_POOL_SIZE, _POOL_STRIDE, centred=True)
        self.blocks = nn.ModuleList()
        channels, layers = width, [(_STEM_SIZE, _STEM_STRIDE), (_POOL_SIZE, _POOL_STRIDE)]
        for stage, depth in enumerate(stage_depths):
            for position in range(depth):
                stride = 2 if stage > 0 and position == 0 else 1
                block = ResidualBlock(channels, width * 2**stage, plan, stride=stride)
                self.blocks.append(block)
                layers += [(size, stride if strided else 1) for size, _, strided in plan]
                channels = block.out_channels
        self.in_channels, self.out_channels = in_channels, channels
        self.stride = math.prod(stride for _, stride in layers)
        self.receptive_field = receptive_field(layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        x = self.stem(x, mask)
        mask = stride_mask(mask, _STEM_STRIDE)
        x = self.pool(x, mask)
        mask = stride_mask(mask, _POOL_STRIDE)
        for block in self.blocks:
            assert isinstance(block, ResidualBlock)
            x = block(x, mask)
            mask = stride_mask(mask, block.stride)
        return x


def resnet18(in_channels: int, *, width: int = 64) -> ResidualNetwork:
    """Return the paper's 18 layers: eight blocks of two convolutions.

    >>> resnet18(1, width=4).receptive_field, resnet18(1).out_channels
    (435, 512)
    """
    return ResidualNetwork(in_channels, width=width, stage_depths=(2, 2, 2, 2))


def resnet34(in_channels: int, *, width: int = 64) -> ResidualNetwork:
    """Return the paper's 34 layers: sixteen blocks of two convolutions.

    >>> resnet34(1, width=4).receptive_field, resnet34(1).out_channels
    (899, 512)
    """
    return ResidualNetwork(in_channels, width=width, stage_depths=(3, 4, 6, 3))


def resnet50(in_channels: int, *, width: int = 64) -> ResidualNetwork:
    """Return the paper's 50 layers: sixteen bottlenecks of three convolutions.

    >>> resnet50(1, width=4).receptive_field, resnet50(1).out_channels
    (427, 2048)
    """
    return ResidualNetwork(in_channels, width=width, stage_depths=(3, 4, 6, 3), bottleneck=True)
