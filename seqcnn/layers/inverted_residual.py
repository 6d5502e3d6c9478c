"""The inverted residual block of mobile networks, and the rule by which their channels are scaled and rounded.

Sandler et al. (2018), "MobileNetV2: inverted residuals and linear bottlenecks", arXiv 1801.04381.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from seqcnn.layers.blocks import Activation, ConvBlock
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.squeeze_excitation import SqueezeExcitation
from seqcnn.layers.stochastic_depth import StochasticDepth

_LARGEST_DIVISOR = 8


class InvertedResidual(nn.Module):
    """Widens the channels, filters each over time, and narrows them again; a shortcut joins the narrow ends.

    The filter runs over many channels but mixes none, and the narrow ends have no activation, which would lose
    information there. There is a shortcut where both ends have the same shape.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the narrow ends.
    n_expanded
        Channels between them. Where they are as many as come in, there is nothing to widen, and that layer is left out.
    kernel_size, stride
        Of the filter over time.
    activation
        Behind the widening and behind the filter.
    gate
        Weighs the ``n_expanded`` channels behind the filter; None for no such thing.
    stochastic_depth
        The probability with which a record takes the shortcut alone in training.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / stride))``; ``mask`` is that of the
    input. Output is zero where the strided mask is False.

    Examples
    --------
    >>> import torch
    >>> InvertedResidual(4, 24, 8, 3, stride=2, activation="relu6")(torch.zeros(1, 4, 9)).shape
    torch.Size([1, 8, 5])
    """

    def __init__(
        self,
        in_channels: int,
        n_expanded: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        activation: Activation = "relu",
        gate: SqueezeExcitation | None = None,
        stochastic_depth: float = 0.0,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.expansion = (
            None if n_expanded == in_channels else ConvBlock(in_channels, n_expanded, 1, activation=activation)
        )
        self.depthwise = ConvBlock(
            n_expanded, n_expanded, kernel_size, stride=stride, groups=n_expanded, activation=activation
        )
        self.gate = gate
        self.projection = ConvBlock(n_expanded, out_channels, 1, activation="none")
        has_shortcut = stride == 1 and in_channels == out_channels
        self.stochastic_depth = StochasticDepth(stochastic_depth) if has_shortcut else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block to ``(batch, in_channels, time)``."""
        expanded = x if self.expansion is None else self.expansion(x, mask)
        filtered = self.depthwise(expanded, mask)
        mask = stride_mask(mask, self.stride)
        if self.gate is not None:
            filtered = self.gate(filtered, mask)
        narrow: Tensor = self.projection(filtered, mask)
        return narrow if self.stochastic_depth is None else x + self.stochastic_depth(narrow)


def round_channels(channels: float, divisor: int) -> int:
    """Return the multiple of ``divisor`` next to ``channels``, but never less than 90 % of it, and never zero.

    >>> [round_channels(channels, 8) for channels in (3, 18, 20, 42, 43.2)]
    [8, 24, 24, 40, 40]
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


def scale_channels(channels: float, width: int, paper_width: int) -> int:
    """Return a paper's channels for a network that starts with ``width`` of them and not with ``paper_width``.

    They are as round as the width itself: multiples of the largest power of two in it, up to 8. So a usual width gives
    the multiples of 8 that the papers take, and the first layer always has exactly ``width`` channels, however few.

    >>> [scale_channels(channels, 32, 32) for channels in (16, 24, 320)]
    [16, 24, 320]
    >>> [scale_channels(channels, 4, 32) for channels in (16, 24, 320)]
    [4, 4, 40]
    >>> [scale_channels(channels, 3, 32) for channels in (16, 24, 320)]
    [2, 3, 30]
    """
    return round_channels(channels * width / paper_width, math.gcd(width, _LARGEST_DIVISOR))
