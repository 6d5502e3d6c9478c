"""The parts that every encoder is built of: convolution, normalization, pooling, and the mask that hides padding.

All take and give ``(batch, channels, time)``. In memory the channels lie innermost wherever that computes faster
(see :mod:`seqcnn.layers.layout`); the values are the same.

**Padding.** In a batch of unequal lengths the end of a record is zeros, and ``mask`` ``(batch, 1, time)`` is True on
what is real. Two rules keep padding out of every result: what one layer hands to the next is zero wherever the mask
is False (:class:`BatchNorm1d` and :func:`hide_padding` see to it), and a layer of stride ``s`` keeps position
``i * s`` as its position ``i``, so that the mask behind it is ``mask[..., ::s]`` (:func:`stride_mask`).
"""

from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Conv1d
from seqcnn.layers.inverted_residual import InvertedResidual
from seqcnn.layers.masking import hide_padding, length_mask, stride_mask
from seqcnn.layers.mix_style import MixStyle
from seqcnn.layers.normalization import BatchNorm1d, LayerNorm1d
from seqcnn.layers.pooling import BinPool1d, MaxPool1d
from seqcnn.layers.spec_augment import SpecAugment
from seqcnn.layers.squeeze_excitation import SqueezeExcitation
from seqcnn.layers.stochastic_depth import StochasticDepth

__all__ = [
    "BatchNorm1d",
    "BinPool1d",
    "Conv1d",
    "ConvBlock",
    "InvertedResidual",
    "LayerNorm1d",
    "MaxPool1d",
    "MixStyle",
    "SpecAugment",
    "SqueezeExcitation",
    "StochasticDepth",
    "hide_padding",
    "length_mask",
    "stride_mask",
]
