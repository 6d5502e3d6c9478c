"""EfficientNet, B0 to B7.

Tan and Le (2019), "EfficientNet: rethinking model scaling for convolutional neural networks", arXiv 1905.11946.

NOTE differences from the paper:

- The convolutions run over time: kernels of 3 x 3 and 5 x 5 become kernels of 3 and 5 steps. The strides are kept, so
  that the time axis shrinks by 32, as each of the two axes of an image does.
- Compound scaling makes networks wider and deeper; its third part, images of a higher resolution, is up to the data.
- The dense layer is the head's, behind the mean over time.
- Channels are multiples of 8 only where ``width`` is one (``seqcnn.layers.inverted_residual.scale_channels``).
- Batch normalization has torch's momentum and epsilon, for short trainings, and not those for weeks on ImageNet.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.inverted_residual import InvertedResidual, scale_channels
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.squeeze_excitation import SqueezeExcitation

_WIDTH, _LAST_CHANNELS = 32, 1280

# (expansion, kernel size, channels, blocks, stride of the first block) of B0, the paper's table 1.
_STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)


class EfficientNet(SequenceEncoder):
    """A first convolution, inverted residual blocks with squeeze and excitation, and a last convolution of one step.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first convolution at a width coefficient of 1, 32 in the paper; all others grow and shrink with
        it.
    width_coefficient
        How many times as many channels as B0.
    depth_coefficient
        How many times as many blocks as B0, rounded up in each stage.
    dropout
        The share of features dropped in front of the dense layer.
    stochastic_depth
        How often a record skips a residual block in training: never the first block, and by equal steps up to nearly
        this share of the time for the last (0.2 in the paper).

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, 40 * width * width_coefficient, ceil(time / 32))``, channels
    rounded.

    Examples
    --------
    >>> import torch
    >>> efficientnet_b0(1, width=8)(torch.zeros(2, 1, 100)).shape
    torch.Size([2, 320, 4])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int,
        width_coefficient: float,
        depth_coefficient: float,
        dropout: float,
        stochastic_depth: float,
    ) -> None:
        super().__init__()
        channels = scale_channels(_WIDTH * width_coefficient, width, _WIDTH)
        self.stem = ConvBlock(in_channels, channels, 3, stride=2, activation="silu")
        self.blocks = nn.ModuleList()
        stage_depths = [math.ceil(depth_coefficient * n_blocks) for _, _, _, n_blocks, _ in _STAGES]
        for (expansion, kernel_size, paper_channels, _, stage_stride), n_blocks in zip(
            _STAGES, stage_depths, strict=True
        ):
            out_channels = scale_channels(paper_channels * width_coefficient, width, _WIDTH)
            for position in range(n_blocks):
                self.blocks.append(
                    InvertedResidual(
                        channels,
                        expansion * channels,
                        out_channels,
                        kernel_size,
                        stride=stage_stride if position == 0 else 1,
                        activation="silu",
                        gate=SqueezeExcitation(expansion * channels, max(1, channels // 4), activation="silu"),
                        stochastic_depth=stochastic_depth * len(self.blocks) / sum(stage_depths),
                    )
                )
                channels = out_channels
        self.in_channels = in_channels
        self.out_channels = scale_channels(_LAST_CHANNELS * width_coefficient, width, _WIDTH)
        self.last = ConvBlock(channels, self.out_channels, 1, activation="silu")
        self.receptive_field = None  # squeeze and excitation sees the whole record
        self.stride = 2 * math.prod(stride for *_, stride in _STAGES)
        self.dropout = dropout

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        x = self.stem(x, mask)
        mask = stride_mask(mask, 2)
        for block in self.blocks:
            assert isinstance(block, InvertedResidual)
            x = block(x, mask)
            mask = stride_mask(mask, block.stride)
        encoded: Tensor = self.last(x, mask)
        return encoded


def efficientnet_b0(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B0: the paper's smallest network.

    >>> len(efficientnet_b0(1, width=4).blocks)
    16
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        dropout=0.2,
        stochastic_depth=stochastic_depth,
    )


def efficientnet_b1(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B1.

    >>> len(efficientnet_b1(1, width=4).blocks)
    23
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=1.0,
        depth_coefficient=1.1,
        dropout=0.2,
        stochastic_depth=stochastic_depth,
    )


def efficientnet_b2(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B2.

    >>> len(efficientnet_b2(1, width=4).blocks)
    23
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=1.1,
        depth_coefficient=1.2,
        dropout=0.3,
        stochastic_depth=stochastic_depth,
    )


def efficientnet_b3(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B3.

    >>> len(efficientnet_b3(1, width=4).blocks)
    26
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=1.2,
        depth_coefficient=1.4,
        dropout=0.3,
        stochastic_depth=stochastic_depth,
    )


def efficientnet_b4(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B4.

    >>> len(efficientnet_b4(1, width=4).blocks)
    32
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=1.4,
        depth_coefficient=1.8,
        dropout=0.4,
        stochastic_depth=stochastic_depth,
    )


def efficientnet_b5(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B5.

    >>> len(efficientnet_b5(1, width=4).blocks)
    39
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=1.6,
        depth_coefficient=2.2,
        dropout=0.4,
        stochastic_depth=stochastic_depth,
    )


def efficientnet_b6(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B6.

    >>> len(efficientnet_b6(1, width=4).blocks)
    45
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=1.8,
        depth_coefficient=2.6,
        dropout=0.5,
        stochastic_depth=stochastic_depth,
    )


def efficientnet_b7(in_channels: int, *, width: int = _WIDTH, stochastic_depth: float = 0.2) -> EfficientNet:
    """Return B7.

    >>> len(efficientnet_b7(1, width=4).blocks)
    55
    """
    return EfficientNet(
        in_channels,
        width=width,
        width_coefficient=2.0,
        depth_coefficient=3.1,
        dropout=0.5,
        stochastic_depth=stochastic_depth,
    )
