"""The character-level network for text.

Zhang, Zhao and LeCun (2015), "Character-level convolutional networks for text classification", arXiv 1509.01626.

NOTE differences from the paper: characters are embedded instead of one-hot (a table of ``vocabulary x in_channels``
numbers instead of gigabytes of zeros); batch normalization stands behind each convolution (and its pooling), without
which this depth trains slowly on tens of thousands of texts; texts keep their own length and a maximum over time
replaces the flattening of 1014 characters and the two dense layers of 1024, so the convolutions hold nearly all
parameters.
"""

from __future__ import annotations

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.masking import stride_mask

# (kernel size, pooling) of the paper's six layers.
_LAYERS = ((7, 3), (7, 3), (3, 1), (3, 1), (3, 1), (3, 3))


class ZhangCNN(SequenceEncoder):
    """Six convolutions of 7, 7, 3, 3, 3, 3 characters; max pooling by 3 behind the first, second and last.

    Parameters
    ----------
    in_channels
        Channels of the embedded characters.
    width
        Channels of every layer: 256 in the paper's small network, 1024 in its large one.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, width, ceil(time / 27))``.

    Examples
    --------
    >>> import torch
    >>> ZhangCNN(16, width=8)(torch.zeros(2, 16, 100)).shape
    torch.Size([2, 8, 4])
    """

    pooling = "max"
    dropout = 0.5

    def __init__(self, in_channels: int, *, width: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride = in_channels, width, 27
        self.receptive_field = receptive_field(layer for size, pool in _LAYERS for layer in ((size, 1), (pool, pool)))
        self.blocks = nn.ModuleList()
        channels = in_channels
        for size, pool in _LAYERS:
            self.blocks.append(ConvBlock(channels, width, size, pool=pool))
            channels = width

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        for block, (_, pool) in zip(self.blocks, _LAYERS, strict=True):
            x = block(x, mask)
            mask = stride_mask(mask, pool)
        return x


def zhang_small(in_channels: int, *, width: int = 256) -> ZhangCNN:
    """Return the paper's small network (256 channels).

    >>> zhang_small(16).out_channels
    256
    """
    return ZhangCNN(in_channels, width=width)


def zhang_large(in_channels: int, *, width: int = 1024) -> ZhangCNN:
    """Return the paper's large network (1024 channels): 16 times the weights and the work of the small one.

    >>> zhang_large(16, width=64).out_channels
    64
    """
    return ZhangCNN(in_channels, width=width)
