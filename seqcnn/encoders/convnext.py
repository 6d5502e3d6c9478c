"""ConvNeXt: a residual network in the manner of transformers, with long depthwise kernels in place of attention.

Liu, Mao, Wu, Feichtenhofer, Darrell and Xie (2022), "A ConvNet for the 2020s", arXiv 2201.03545.

NOTE differences from the paper:

- Kernels of 7, 4 and 2 steps stand for those of 7 x 7, 4 x 4 and 2 x 2 pixels; the strides are kept, so that the time
  axis shrinks by 32, as each of the two axes of an image does.
- A last, incomplete patch is filled up with zeros, where an image's would be left out.
- The last normalization stands in front of the mean over time, not behind it, because it belongs to the encoder.
- Stochastic depth of 0.1 at every size: the paper's 0.4 and 0.5 for the larger ones are meant for 300 epochs on a
  million images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.convolution import Conv1d, Padding, pad_for
from seqcnn.layers.layout import as_image, as_sequence
from seqcnn.layers.masking import hide_padding, stride_mask
from seqcnn.layers.normalization import LayerNorm1d
from seqcnn.layers.stochastic_depth import StochasticDepth

_STEM_STRIDE, _STRIDE, _KERNEL, _EXPANSION = 4, 2, 7, 4


class Patches(nn.Module):
    """Each stretch of ``size`` steps becomes one step, normalized before or behind; an incomplete last one counts too.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / size))``; ``mask`` is that of the
    input.
    """

    def __init__(self, in_channels: int, out_channels: int, size: int, *, normalize_before: bool) -> None:
        super().__init__()
        self.size, self.normalize_before = size, normalize_before
        self.convolution = Conv1d(in_channels, out_channels, size, stride=size)
        self.normalization = LayerNorm1d(in_channels if normalize_before else out_channels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Summarise the stretches of ``(batch, in_channels, time)``."""
        if self.normalize_before:
            x = self.normalization(x, mask)
        # As an image, because padding keeps the channels innermost only there.
        x = self.convolution(as_sequence(F.pad(as_image(x), (0, self.size - 1))))
        mask = stride_mask(mask, self.size)
        return hide_padding(x, mask) if self.normalize_before else self.normalization(x, mask)


class ConvNeXtBlock(nn.Module):
    """A depthwise kernel over time, then two dense layers over the channels of each step, scaled and added.

    Shape: ``(batch, n_channels, time)`` to the same.
    """

    def __init__(
        self, n_channels: int, *, stochastic_depth: float, initial_scale: float, padding: Padding = "same"
    ) -> None:
        super().__init__()
        self.depthwise = Conv1d(n_channels, n_channels, _KERNEL, padding=padding, groups=n_channels)
        self.normalization = LayerNorm1d(n_channels)
        self.expand = Conv1d(n_channels, _EXPANSION * n_channels, 1)
        self.activation = nn.GELU()
        self.project = Conv1d(_EXPANSION * n_channels, n_channels, 1)
        self.scale = nn.Parameter(torch.full((n_channels, 1), initial_scale))
        self.stochastic_depth = StochasticDepth(stochastic_depth)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        path = self.normalization(self.depthwise(x))
        path = self.scale * self.project(self.activation(self.expand(path)))
        # Behind the kernel each step stands by itself, so it is enough to hide what the biases left at the end.
        shortened: Tensor = x + self.stochastic_depth(hide_padding(path, mask))
        return shortened


class ConvNeXt(SequenceEncoder):
    """Four stages of blocks; from stage to stage a step stands for twice the time and has twice the channels.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first stage.
    depths
        Blocks of each stage.
    stochastic_depth
        The probability with which a record leaves out the last block in training, to which it rises from 0 at the
        first.
    initial_scale
        What the residual paths are multiplied by before training (layer scale).
    causal
        Whether no output sees later steps than those it stands for; the whole of every kernel is then behind it.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, 8 * width, ceil(time / 32))`` for four stages.

    Examples
    --------
    >>> import torch
    >>> convnext_tiny(3, width=8)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 64, 4])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int,
        depths: Sequence[int],
        stochastic_depth: float = 0.0,
        initial_scale: float = 1e-6,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.causal = in_channels, causal
        rise = stochastic_depth / max(1, sum(depths) - 1)
        self.patches, self.stages = nn.ModuleList(), nn.ModuleList()
        channels, self.stride, n_blocks, layers = in_channels, 1, 0, []
        for level, depth in enumerate(depths):
            size, stage_width = (_STRIDE, 2 * channels) if level else (_STEM_STRIDE, width)
            self.patches.append(Patches(channels, stage_width, size, normalize_before=level > 0))
            stage = nn.ModuleList()
            layers.append((size, size))
            for _ in range(depth):
                stage.append(
                    ConvNeXtBlock(
                        stage_width,
                        stochastic_depth=rise * n_blocks,
                        initial_scale=initial_scale,
                        padding=pad_for(causal),
                    )
                )
                layers.append((_KERNEL, 1))
                n_blocks += 1
            self.stages.append(stage)
            channels, self.stride = stage_width, self.stride * size
        self.normalization = LayerNorm1d(channels)
        self.out_channels, self.receptive_field = channels, receptive_field(layers)
        self.apply(_draw_weights)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the stages to ``(batch, in_channels, time)``."""
        for patches, stage in zip(self.patches, self.stages, strict=True):
            assert isinstance(patches, Patches)
            assert isinstance(stage, nn.ModuleList)
            x = patches(x, mask)
            mask = stride_mask(mask, patches.size)
            for block in stage:
                x = block(x, mask)
        normalized: Tensor = self.normalization(x, mask)
        return normalized


def _draw_weights(module: nn.Module) -> None:
    """Draw the weights of convolutions as the paper does."""
    if isinstance(module, nn.Conv1d):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def convnext_tiny(
    in_channels: int, *, width: int = 96, stochastic_depth: float = 0.1, causal: bool = False
) -> ConvNeXt:
    """Return ConvNeXt-T of the paper: stages of 3, 3, 9 and 3 blocks.

    >>> convnext_tiny(1).out_channels, convnext_tiny(1).stride
    (768, 32)
    """
    return ConvNeXt(in_channels, width=width, depths=(3, 3, 9, 3), stochastic_depth=stochastic_depth, causal=causal)


def convnext_small(
    in_channels: int, *, width: int = 96, stochastic_depth: float = 0.1, causal: bool = False
) -> ConvNeXt:
    """Return ConvNeXt-S of the paper: stages of 3, 3, 27 and 3 blocks.

    >>> convnext_small(1).out_channels, convnext_small(1).stride
    (768, 32)
    """
    return ConvNeXt(in_channels, width=width, depths=(3, 3, 27, 3), stochastic_depth=stochastic_depth, causal=causal)


def convnext_base(
    in_channels: int, *, width: int = 128, stochastic_depth: float = 0.1, causal: bool = False
) -> ConvNeXt:
    """Return ConvNeXt-B of the paper: ConvNeXt-S, a third wider.

    >>> convnext_base(1).out_channels, convnext_base(1).stride
    (1024, 32)
    """
    return ConvNeXt(in_channels, width=width, depths=(3, 3, 27, 3), stochastic_depth=stochastic_depth, causal=causal)
