"""Networks of tiny filters on the raw wave: SampleCNN.

Lee et al. (2017), "Sample-level deep convolutional neural networks for music auto-tagging using raw waveforms",
arXiv 1703.01789.

NOTE differences from the paper: its network of nine pools turns 59049 samples (2.7 s at 22 kHz) into one output, which
no shorter clip fills; the default has six, 2187 samples an output, and :func:`samplecnn_3_9` is the paper's. Fewer
pools have fewer of the layers of ``2 * width`` channels between the first three and the last two. A longer record gives
several outputs and their mean is classified, where the paper averages the scores of its segments. Pooling stands
between convolution and batch normalization, not behind the ReLU, which spares two thirds of both. Kernels are centred,
so the first one sees one sample before its three. Convolutions have no bias, which batch normalization would subtract
again.
"""

from __future__ import annotations

from torch import Tensor, nn

from seqcnn._checks import check_integer
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import pad_for
from seqcnn.layers.masking import stride_mask

_KERNEL = _FIRST_STRIDE = _POOL = 3


class SampleCNN(SequenceEncoder):
    """Convolutions of 3 samples throughout: the first keeps every third, then each is followed by max pooling by 3.

    Of the pooled convolutions the first two have ``width`` channels, the last ``4 * width`` and those between
    ``2 * width``; a convolution of one step comes last.

    Parameters
    ----------
    in_channels
        Channels of the waveform, 1 for mono.
    width
        Channels of the first convolution (128 in the paper).
    depth
        Pooled convolutions, at least 3 (9 in the paper's best network). An output stands for ``3 ** (depth + 1)``
        samples, and a record must have as many: 2187 for 6, which gives 8 outputs a second at 16 kHz and 4 at 8 kHz.
    causal
        Whether no output sees later samples than those it stands for; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, samples)`` to ``(batch, 4 * width, ceil(samples / 3 ** (depth + 1)))``.

    Raises
    ------
    TypeError, ValueError
        If ``depth`` is no integer of at least 3.

    Examples
    --------
    >>> import torch
    >>> SampleCNN(1, width=8)(torch.zeros(2, 1, 16000)).shape
    torch.Size([2, 32, 8])
    """

    dropout = 0.5

    def __init__(self, in_channels: int, *, width: int = 128, depth: int = 6, causal: bool = False) -> None:
        super().__init__()
        check_integer("depth", depth, minimum=3, caller="SampleCNN")
        self.in_channels, self.out_channels, self.causal = in_channels, 4 * width, causal
        self.stride = _FIRST_STRIDE * _POOL**depth
        self.receptive_field = receptive_field([(_KERNEL, _FIRST_STRIDE), *[(_KERNEL, 1), (_POOL, _POOL)] * depth])
        self.first = ConvBlock(in_channels, width, _KERNEL, stride=_FIRST_STRIDE, padding=pad_for(causal))
        self.blocks = nn.ModuleList()
        channels = width
        for out_channels in (*[width] * 2, *[2 * width] * (depth - 3), 4 * width):
            self.blocks.append(ConvBlock(channels, out_channels, _KERNEL, pool=_POOL, padding=pad_for(causal)))
            channels = out_channels
        self.last = ConvBlock(channels, channels, 1)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, samples)``."""
        x = self.first(x, mask)
        mask = stride_mask(mask, _FIRST_STRIDE)
        for block in self.blocks:
            x = block(x, mask)
            mask = stride_mask(mask, _POOL)
        encoded: Tensor = self.last(x, mask)
        return encoded


def samplecnn_3_9(in_channels: int, *, width: int = 128, causal: bool = False) -> SampleCNN:
    """Return the paper's best network, of nine pools: one output for 59049 samples, 2.7 s at 22050 Hz.

    >>> samplecnn_3_9(1).out_channels, samplecnn_3_9(1).stride
    (512, 59049)
    """
    return SampleCNN(in_channels, width=width, depth=9, causal=causal)
