"""ShuffleNetV2, in its four sizes.

Ma et al. (2018), "ShuffleNet V2: practical guidelines for efficient CNN architecture design", arXiv 1807.11164.

NOTE differences from the paper:

- The convolutions run over time: a kernel of 3 x 3 becomes one of 3 steps, and so does the pooling. The strides are
  kept, so that the time axis shrinks by 32, as each of the two axes of an image does.
- The dense layer is the head's, behind the mean over time.
- The paper's sizes all start with 24 channels; here a width beside the size scales everything, in even numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.layout import prefers_channels_innermost
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.pooling import MaxPool1d

_WIDTH, _KERNEL = 24, 3
_STAGE_DEPTHS = (4, 8, 4)


def split_in_halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first and the second half of the channels, as views.

    The gradients of the halves are joined again in the memory layout of ``x``: ``chunk`` over the middle axis would
    join them with the channels outermost.

    Shape: ``(batch, 2 * channels, time)`` to two of ``(batch, channels, time)``.

    >>> [half.flatten().tolist() for half in split_in_halves(torch.tensor([[[1], [3], [2], [4]]]))]
    [[1, 3], [2, 4]]
    """
    if prefers_channels_innermost(x):
        first, second = x.transpose(1, 2).chunk(2, 2)
        return first.transpose(1, 2), second.transpose(1, 2)
    first, second = x.chunk(2, 1)
    return first, second


def join_and_shuffle(left: Tensor, right: Tensor) -> Tensor:
    """Return the channels of two halves by turns: first of ``left``, first of ``right``, second of ``left``.

    That is a concatenation and the shuffle of its two groups in a single copy, which leaves the channels innermost in
    memory where they were.

    Shape: two of ``(batch, channels, time)`` to ``(batch, 2 * channels, time)``.

    >>> join_and_shuffle(torch.tensor([[[1], [2]]]), torch.tensor([[[3], [4]]])).flatten().tolist()
    [1, 3, 2, 4]
    """
    if prefers_channels_innermost(left):
        return torch.stack((left.transpose(1, 2), right.transpose(1, 2)), 3).flatten(2).transpose(1, 2)
    return torch.stack((left, right), 2).flatten(1, 2)


class ShuffleUnit(nn.Module):
    """Convolves one half of the channels, hands on the other as it is, and shuffles the two.

    A unit of a stride above 1 convolves all channels in both branches, and so may change their number.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / stride))``; ``out_channels`` is even,
    and equal to ``in_channels`` where the stride is 1. ``mask`` is that of the input.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int) -> None:
        super().__init__()
        self.stride = stride
        half = out_channels // 2
        self.branch = nn.ModuleList(
            [
                ConvBlock(half if stride == 1 else in_channels, half, 1),
                ConvBlock(half, half, _KERNEL, stride=stride, groups=half, activation="none"),
                ConvBlock(half, half, 1),
            ]
        )
        self.shortcut = nn.ModuleList()
        if stride > 1:
            self.shortcut.append(
                ConvBlock(in_channels, in_channels, _KERNEL, stride=stride, groups=in_channels, activation="none")
            )
            self.shortcut.append(ConvBlock(in_channels, half, 1))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the unit to ``(batch, in_channels, time)``."""
        kept, convolved = split_in_halves(x) if self.stride == 1 else (x, x)
        strided = stride_mask(mask, self.stride)
        pointwise, depthwise, last = self.branch
        convolved = last(depthwise(pointwise(convolved, mask), mask), strided)
        if self.stride > 1:
            depthwise, pointwise = self.shortcut
            kept = pointwise(depthwise(kept, mask), strided)
        return join_and_shuffle(kept, convolved)


class ShuffleNetV2(SequenceEncoder):
    """A first convolution and max pooling, three stages of 4, 8 and 4 units, and a last convolution of one step.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first convolution, 24 in the paper; all others grow and shrink with it, in even numbers.
    stage_channels
        Channels of each stage at a width of 24.
    last_channels
        Channels of the last convolution at a width of 24.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, last_channels * width / 24, ceil(time / 32))``, channels rounded.

    Examples
    --------
    >>> import torch
    >>> shufflenet_v2_x1_0(1, width=12)(torch.zeros(2, 1, 100)).shape
    torch.Size([2, 512, 4])
    """

    def __init__(self, in_channels: int, *, width: int, stage_channels: Sequence[int], last_channels: int) -> None:
        super().__init__()
        channels = width
        self.stem = ConvBlock(in_channels, channels, _KERNEL, stride=2)
        self.pool = MaxPool1d(_KERNEL, 2, centred=True)
        self.units = nn.ModuleList()
        layers = [(_KERNEL, 2), (_KERNEL, 2)]
        for paper_channels, depth in zip(stage_channels, _STAGE_DEPTHS, strict=True):
            out_channels = _scale_to_even(paper_channels, width)
            for position in range(depth):
                stride = 2 if position == 0 else 1
                self.units.append(ShuffleUnit(channels, out_channels, stride=stride))
                layers.append((_KERNEL, stride))
                channels = out_channels
        self.in_channels, self.out_channels = in_channels, _scale_to_even(last_channels, width)
        self.last = ConvBlock(channels, self.out_channels, 1)
        self.receptive_field = receptive_field(layers)
        self.stride = math.prod(stride for _, stride in layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        x = self.stem(x, mask)
        mask = stride_mask(mask, 2)
        x = self.pool(x, mask)
        mask = stride_mask(mask, 2)
        for unit in self.units:
            assert isinstance(unit, ShuffleUnit)
            x = unit(x, mask)
            mask = stride_mask(mask, unit.stride)
        encoded: Tensor = self.last(x, mask)
        return encoded


def _scale_to_even(paper_channels: int, width: int) -> int:
    return max(2, 2 * round(paper_channels * width / _WIDTH / 2))


def shufflenet_v2_x0_5(in_channels: int, *, width: int = _WIDTH) -> ShuffleNetV2:
    """Return the paper's network of size 0.5.

    >>> shufflenet_v2_x0_5(1).out_channels, shufflenet_v2_x0_5(1).stride
    (1024, 32)
    """
    return ShuffleNetV2(in_channels, width=width, stage_channels=(48, 96, 192), last_channels=1024)


def shufflenet_v2_x1_0(in_channels: int, *, width: int = _WIDTH) -> ShuffleNetV2:
    """Return the paper's network of size 1.

    >>> shufflenet_v2_x1_0(1).out_channels, shufflenet_v2_x1_0(1).stride
    (1024, 32)
    """
    return ShuffleNetV2(in_channels, width=width, stage_channels=(116, 232, 464), last_channels=1024)


def shufflenet_v2_x1_5(in_channels: int, *, width: int = _WIDTH) -> ShuffleNetV2:
    """Return the paper's network of size 1.5.

    >>> shufflenet_v2_x1_5(1).out_channels, shufflenet_v2_x1_5(1).stride
    (1024, 32)
    """
    return ShuffleNetV2(in_channels, width=width, stage_channels=(176, 352, 704), last_channels=1024)


def shufflenet_v2_x2_0(in_channels: int, *, width: int = _WIDTH) -> ShuffleNetV2:
    """Return the paper's network of size 2.

    >>> shufflenet_v2_x2_0(1).out_channels, shufflenet_v2_x2_0(1).stride
    (2048, 32)
    """
    return ShuffleNetV2(in_channels, width=width, stage_channels=(244, 488, 976), last_channels=2048)
