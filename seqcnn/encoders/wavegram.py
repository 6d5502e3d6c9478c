"""A learnt time-frequency map and a small network over it: Wavegram-CNN in one dimension.

Kong et al. (2020), "PANNs: large-scale pretrained audio neural networks for audio pattern recognition",
arXiv 1912.10211.

NOTE differences from the paper: the stem is the paper's (a strided convolution and three dilated blocks, 100 steps a
second at 32 kHz), what follows is not. The paper reads the stem's 128 channels as 4 images of 32 frequency bins and
puts a 2D network of 80 million parameters behind them (CNN14, together with a log-mel spectrogram in its best model);
here three blocks of two 1D convolutions see all 128 channels at once, so that there is nothing to reshape. They pool
by maximum, not mean, and have no dropout between them. The mean over time is classified instead of the sum of mean and
maximum through a dense layer. Pooling stands between the last convolution of a block and its batch normalization, which
spares most of the normalization's work.
"""

from __future__ import annotations

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Padding, pad_for
from seqcnn.layers.masking import stride_mask

_FIRST_KERNEL, _FIRST_STRIDE, _KERNEL = 11, 5, 3

# (channels in multiples of the width, dilation of the second convolution, pooling) of each block: stem, then network.
_STEM_BLOCKS = ((1, 2, 4), (2, 2, 4), (2, 2, 4))
_NETWORK_BLOCKS = ((2, 1, 2), (4, 1, 2), (8, 1, 1))


class TwoConvolutions(nn.Module):
    """Two convolutions of 3 steps, the second dilated if wanted, and max pooling.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / pool))``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, dilation: int, pool: int, padding: Padding = "same"
    ) -> None:
        super().__init__()
        self.first = ConvBlock(in_channels, out_channels, _KERNEL, padding=padding)
        self.second = ConvBlock(out_channels, out_channels, _KERNEL, dilation=dilation, pool=pool, padding=padding)
        self.stride = pool
        self.layers = [(_KERNEL, 1), (dilation * (_KERNEL - 1) + 1, 1), (pool, pool)]

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        pooled: Tensor = self.second(self.first(x, mask), mask)
        return pooled


class Wavegram(SequenceEncoder):
    """A convolution of 11 samples, every fifth kept, three blocks pooled by 4, and three more pooled by 2, 2 and 1.

    Parameters
    ----------
    in_channels
        Channels of the waveform, 1 for mono.
    width
        Channels of the first convolution (64 in the paper). The stem ends in ``2 * width``, the network in
        ``8 * width``.
    causal
        Whether no output sees later samples than those it stands for; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, samples)`` to ``(batch, 8 * width, ceil(samples / 1280))``.

    Examples
    --------
    >>> import torch
    >>> Wavegram(1, width=8)(torch.zeros(2, 1, 16000)).shape
    torch.Size([2, 64, 13])
    """

    dropout = 0.5

    def __init__(self, in_channels: int, *, width: int = 64, causal: bool = False) -> None:
        super().__init__()
        self.in_channels, self.causal = in_channels, causal
        self.first = ConvBlock(in_channels, width, _FIRST_KERNEL, stride=_FIRST_STRIDE, padding=pad_for(causal))
        self.blocks = nn.ModuleList()
        channels, stride, layers = width, _FIRST_STRIDE, [(_FIRST_KERNEL, _FIRST_STRIDE)]
        for multiple, dilation, pool in _STEM_BLOCKS + _NETWORK_BLOCKS:
            block = TwoConvolutions(channels, multiple * width, dilation=dilation, pool=pool, padding=pad_for(causal))
            self.blocks.append(block)
            channels, stride = multiple * width, stride * pool
            layers += block.layers
        self.out_channels, self.stride = channels, stride
        self.receptive_field = receptive_field(layers)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, samples)``."""
        x = self.first(x, mask)
        mask = stride_mask(mask, _FIRST_STRIDE)
        for block in self.blocks:
            assert isinstance(block, TwoConvolutions)
            x = block(x, mask)
            mask = stride_mask(mask, block.stride)
        return x
