"""Very deep networks on the raw wave: M3, M5, M11 and M18.

Dai et al. (2017), "Very deep convolutional neural networks for raw waveforms", arXiv 1610.00087.

NOTE differences from the paper: convolutions have no bias, which the batch normalization behind each would subtract
again. The paper has no dense layer but the last, so nothing else is left out. Its residual network, M34-res, is in
``waveform_residual.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import pad_for
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.pooling import MaxPool1d

_FIRST_KERNEL, _FIRST_STRIDE, _KERNEL, _POOL = 80, 4, 3, 4


class WaveformCNN(SequenceEncoder):
    """A first kernel of 80 samples (10 ms at 8 kHz) acts as a filter bank; stages of short kernels follow.

    Max pooling by 4 stands between the stages, and channels double from the second stage on, all as in the paper.

    Parameters
    ----------
    in_channels
        Channels of the waveform, 1 for mono.
    width
        Channels of the first convolution.
    stage_widths
        Channels of each stage.
    stage_depths
        Convolutions of each stage.
    pool_last
        Whether the last stage is pooled too (M3 and M5) or goes straight into the global mean (M11 and M18).
    causal
        Whether no output sees later samples than those it stands for; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, samples)`` to ``(batch, stage_widths[-1], ceil(samples / stride))`` with a stride of
    4 for the first convolution and 4 for each of the pools: 64 in all for M3, 1024 for M5, M11 and M18.

    Examples
    --------
    >>> import torch
    >>> m5(1, width=8)(torch.zeros(2, 1, 8000)).shape
    torch.Size([2, 32, 8])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int,
        stage_widths: Sequence[int],
        stage_depths: Sequence[int],
        pool_last: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.causal = in_channels, stage_widths[-1], causal
        self.first = ConvBlock(in_channels, width, _FIRST_KERNEL, stride=_FIRST_STRIDE, padding=pad_for(causal))
        self.pool = MaxPool1d(_POOL)
        self.stages = nn.ModuleList()
        channels, layers = width, [(_FIRST_KERNEL, _FIRST_STRIDE)]
        for stage_width, depth in zip(stage_widths, stage_depths, strict=True):
            stage = nn.ModuleList()
            layers.append((_POOL, _POOL))
            for _ in range(depth):
                stage.append(ConvBlock(channels, stage_width, _KERNEL, padding=pad_for(causal)))
                layers.append((_KERNEL, 1))
                channels = stage_width
            self.stages.append(stage)
        self.pool_last = pool_last
        if pool_last:
            layers.append((_POOL, _POOL))
        self.receptive_field = receptive_field(layers)
        self.stride = _FIRST_STRIDE * _POOL ** (len(stage_widths) + pool_last)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, samples)``."""
        x = self.first(x, mask)
        mask = stride_mask(mask, _FIRST_STRIDE)
        for stage in self.stages:
            x = self.pool(x, mask)
            mask = stride_mask(mask, _POOL)
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                x = block(x, mask)
        pooled: Tensor = self.pool(x, mask) if self.pool_last else x
        return pooled


def m3(in_channels: int, *, width: int = 256, causal: bool = False) -> WaveformCNN:
    """Return M3 of the paper: a first convolution and one more, both wide.

    An output sees 172 samples, 22 ms at 8 kHz: the paper's baseline for what depth brings.

    >>> m3(1).out_channels, m3(1).stride
    (256, 64)
    """
    return WaveformCNN(
        in_channels, width=width, stage_widths=(width,), stage_depths=(1,), pool_last=True, causal=causal
    )


def m5(in_channels: int, *, width: int = 128, causal: bool = False) -> WaveformCNN:
    """Return M5 of the paper: a first convolution and three stages of one each.

    >>> m5(1).out_channels, m5(1).stride
    (512, 1024)
    """
    return WaveformCNN(
        in_channels,
        width=width,
        stage_widths=(width, 2 * width, 4 * width),
        stage_depths=(1, 1, 1),
        pool_last=True,
        causal=causal,
    )


def m11(in_channels: int, *, width: int = 64, causal: bool = False) -> WaveformCNN:
    """Return M11 of the paper: a first convolution and stages of 2, 2, 3 and 2.

    >>> m11(1).out_channels, m11(1).stride
    (512, 1024)
    """
    return WaveformCNN(
        in_channels,
        width=width,
        stage_widths=(width, 2 * width, 4 * width, 8 * width),
        stage_depths=(2, 2, 3, 2),
        causal=causal,
    )


def m18(in_channels: int, *, width: int = 64, causal: bool = False) -> WaveformCNN:
    """Return M18 of the paper, its most accurate network: a first convolution and four stages of four each.

    >>> m18(1).out_channels, m18(1).stride
    (512, 1024)
    """
    return WaveformCNN(
        in_channels,
        width=width,
        stage_widths=(width, 2 * width, 4 * width, 8 * width),
        stage_depths=(4, 4, 4, 4),
        causal=causal,
    )
