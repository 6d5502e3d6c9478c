"""Separable convolution: each channel over time by itself, then the channels of each step among themselves."""

from __future__ import annotations

from torch import Tensor, nn

from seqcnn.layers.convolution import Conv1d, Padding
from seqcnn.layers.masking import hide_padding
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.readers import Histories, Reader, chain, rectify


class SeparableConv1d(nn.Module):
    """A kernel over time for each channel by itself, then a mixture of the channels at each step, without biases.

    With ``groups`` only channels of one group are mixed.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, time)``.

    Examples
    --------
    >>> import torch
    >>> SeparableConv1d(3, 8, 5)(torch.zeros(1, 3, 9)).shape
    torch.Size([1, 8, 9])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        padding: Padding = "same",
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.depthwise = Conv1d(
            in_channels, in_channels, kernel_size, padding=padding, dilation=dilation, groups=in_channels, bias=False
        )
        self.pointwise = Conv1d(in_channels, out_channels, 1, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(batch, in_channels, time)``."""
        mixed: Tensor = self.pointwise(self.depthwise(x))
        return mixed


class SeparableBlock(nn.Module):
    """A separable convolution and normalization, and ReLU behind them if ``rectify`` says so.

    With ``groups`` only channels of one group are mixed.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, time)``. Output is zero where the mask is False.

    Examples
    --------
    >>> import torch
    >>> SeparableBlock(3, 8, 5, dilation=2, padding="causal")(torch.zeros(1, 3, 9)).shape
    torch.Size([1, 8, 9])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        padding: Padding = "same",
        groups: int = 1,
        rectify: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = SeparableConv1d(
            in_channels, out_channels, kernel_size, dilation=dilation, padding=padding, groups=groups
        )
        self.normalization = BatchNorm1d(out_channels)
        self.rectify = rectify

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block."""
        if self.normalization.folds():
            mix = self.convolution.pointwise
            weight, bias = self.normalization.fold(mix.weight, mix.bias)
            mixed = mix.convolve(self.convolution.depthwise(x), weight, bias)
            return hide_padding(mixed.relu_() if self.rectify else mixed, mask)
        return self.normalization(self.convolution(x), mask, rectify=self.rectify)  # type: ignore[no-any-return]

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`)."""
        depthwise, pointwise = self.convolution.depthwise, self.convolution.pointwise
        mixing = pointwise.reader_with(*self.normalization.fold(pointwise.weight, None), histories)
        return chain(depthwise.piece_reader(histories), mixing, *([rectify] if self.rectify else []))
