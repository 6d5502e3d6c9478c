"""The residual network on the raw wave: M34-res.

Dai et al. (2017), "Very deep convolutional neural networks for raw waveforms", arXiv 1610.00087, after He et al.
(2016), "Deep residual learning for image recognition", arXiv 1512.03385.

NOTE differences from the paper: convolutions have no bias, which the batch normalization behind each would subtract
again. The paper gives its layers and about 4 million parameters, but no code. We take the residual block of He et al.
(nothing is normalized behind the sum) and, where the channels double, a shortcut without weights that gives each
channel twice, as public re-implementations do. That makes 34 layers with weights: 33 convolutions and the head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.convolution import Padding, pad_for
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.pooling import MaxPool1d

_FIRST_KERNEL, _FIRST_STRIDE, _KERNEL, _POOL = 80, 4, 3, 4


class RepeatedShortcutBlock(nn.Module):
    """Two convolutions of 3 steps and a shortcut without weights: each input channel stands for ``repeats`` outputs.

    Shape: ``(batch, channels, time)`` to ``(batch, repeats * channels, time)``.
    """

    def __init__(self, channels: int, *, repeats: int = 1, padding: Padding = "same") -> None:
        super().__init__()
        out_channels = repeats * channels
        self.repeats = repeats
        self.first = ConvBlock(channels, out_channels, _KERNEL, padding=padding)
        self.second = ConvBlock(out_channels, out_channels, _KERNEL, padding=padding, activation="none")

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        shortcut = x
        if self.repeats > 1:
            # Over the transposed view, so that the channels stay innermost in memory.
            shortcut = x.transpose(1, 2).repeat_interleave(self.repeats, 2).transpose(1, 2)
        return F.relu(self.second(self.first(x, mask), mask) + shortcut, inplace=True)


class WaveformResidualCNN(SequenceEncoder):
    """A first kernel of 80 samples acts as a filter bank; stages of residual blocks follow, each behind a pool of 4.

    The first stage has ``width`` channels, and each stage twice as many as the one before.

    Parameters
    ----------
    in_channels
        Channels of the waveform, 1 for mono.
    width
        Channels of the first convolution.
    stage_depths
        Residual blocks of each stage, of two convolutions each.
    causal
        Whether no output sees later samples than those it stands for; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, samples)`` to ``(batch, width * 2 ** (stages - 1), ceil(samples / stride))`` with a
    stride of ``4 * 4 ** stages``, 1024 for M34-res.

    Examples
    --------
    >>> import torch
    >>> WaveformResidualCNN(1, width=8, stage_depths=(1, 2))(torch.zeros(2, 1, 640)).shape
    torch.Size([2, 16, 10])
    """

    def __init__(self, in_channels: int, *, width: int, stage_depths: Sequence[int], causal: bool = False) -> None:
        super().__init__()
        self.in_channels, self.causal = in_channels, causal
        self.first = ConvBlock(in_channels, width, _FIRST_KERNEL, stride=_FIRST_STRIDE, padding=pad_for(causal))
        self.pool = MaxPool1d(_POOL)
        self.stages = nn.ModuleList()
        channels, layers = width, [(_FIRST_KERNEL, _FIRST_STRIDE)]
        for position, depth in enumerate(stage_depths):
            stage = nn.ModuleList()
            layers.append((_POOL, _POOL))
            for block in range(depth):
                repeats = 2 if position > 0 and block == 0 else 1
                stage.append(RepeatedShortcutBlock(channels, repeats=repeats, padding=pad_for(causal)))
                layers += [(_KERNEL, 1), (_KERNEL, 1)]
                channels *= repeats
            self.stages.append(stage)
        self.out_channels = channels
        self.receptive_field = receptive_field(layers)
        self.stride = _FIRST_STRIDE * _POOL ** len(stage_depths)

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
        return x


def m34_res(in_channels: int, *, width: int = 48, causal: bool = False) -> WaveformResidualCNN:
    """Return M34-res of the paper: a first convolution and stages of 3, 4, 6 and 3 residual blocks.

    >>> m34_res(1, width=6).out_channels, m34_res(1, width=6).stride
    (48, 1024)
    """
    return WaveformResidualCNN(in_channels, width=width, stage_depths=(3, 4, 6, 3), causal=causal)
