"""AlexNet: five convolutions, the first of them long and strided.

Krizhevsky, Sutskever and Hinton (2012), "ImageNet classification with deep convolutional neural networks", in the one
column of Krizhevsky (2014), "One weird trick for parallelizing convolutional neural networks", arXiv 1404.5997.

NOTE differences from the paper:

- 2D becomes 1D: a kernel of K x K becomes one of K steps, pools of 3 x 3 pixels become pools of 3 steps.
- Channels are those that the text of 2014 states: 64, 192, 384, 384, 256. Its author's code, and torchvision after it,
  has 256 in the fourth convolution; the two columns of 2012 have 96, 256, 384, 384, 256 together.
- Batch normalization (Ioffe and Szegedy 2015, arXiv 1502.03167) stands behind each convolution, in the place of its
  bias and of the response normalization of 2012. It makes training depend less on how the weights start, which is as
  torch's do.
- "Same" padding throughout and pools centred on every other step, so that ``ceil(time / 32)`` steps come out.
- The mean over time behind the last pool takes the place of the flattening and of the two dense layers of 4096; the
  linear head behind it has the dropout of 2012.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.pooling import MaxPool1d

# (kernel size, stride, multiple of the width, whether pooling follows) of the five convolutions.
_LAYERS = ((11, 4, 1, True), (5, 1, 3, True), (3, 1, 6, False), (3, 1, 6, False), (3, 1, 4, True))
_POOL_SIZE, _POOL_STRIDE = 3, 2


class AlexNet(SequenceEncoder):
    """Convolutions of 11 (stride 4), 5, 3, 3 and 3 steps; overlapping maxima behind the first, second and last.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first convolution; the others have 3, 6, 6 and 4 times as many.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, 4 * width, ceil(time / 32))``.

    Examples
    --------
    >>> import torch
    >>> AlexNet(3, width=8)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 32, 4])
    """

    dropout = 0.5

    def __init__(self, in_channels: int, *, width: int = 64) -> None:
        super().__init__()
        self.pool = MaxPool1d(_POOL_SIZE, _POOL_STRIDE, centred=True)
        self.blocks = nn.ModuleList()
        channels, layers = in_channels, []
        for size, stride, multiple, pooled in _LAYERS:
            self.blocks.append(ConvBlock(channels, multiple * width, size, stride=stride))
            layers.append((size, stride))
            if pooled:
                layers.append((_POOL_SIZE, _POOL_STRIDE))
            channels = multiple * width
        self.in_channels, self.out_channels = in_channels, channels
        self.stride = math.prod(stride for _, stride in layers)
        self.receptive_field = receptive_field(layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        for block, (_, stride, _, pooled) in zip(self.blocks, _LAYERS, strict=True):
            x = block(x, mask)
            mask = stride_mask(mask, stride)
            if pooled:
                x = self.pool(x, mask)
                mask = stride_mask(mask, _POOL_STRIDE)
        return x
