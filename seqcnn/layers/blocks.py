"""The block that most encoders repeat: convolution, normalization, activation."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from seqcnn.layers.convolution import Conv1d, Padding
from seqcnn.layers.fused import convolve_and_normalize
from seqcnn.layers.layout import is_little_work
from seqcnn.layers.masking import hide_padding, stride_mask
from seqcnn.layers.memory import Remembers
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.pieces import arrange_kernel, is_little_piece
from seqcnn.layers.pooling import MaxPool1d
from seqcnn.layers.readers import Histories, Reader, activation_reader, chain

Normalization = Literal["batch", "none"]
Activation = Literal["relu", "relu6", "silu", "hardswish", "gelu", "none"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "gelu": nn.GELU,
    "none": nn.Identity,
}


def build_activation(name: Activation) -> nn.Module:
    """Return the activation of this name; each of them maps zero to zero, so that padding stays zero.

    >>> build_activation("silu")
    SiLU()
    """
    return _ACTIVATIONS[name]()


class ConvBlock(Remembers):
    """Convolution with "same" or causal padding, max pooling, batch normalization and an activation, or none of them.

    ReLU commutes with the maximum, so pooling straight behind the convolution says the same as pooling behind the
    activation, and spares the passes over memory that the pooled-away steps would cost.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, ceil(time / (stride * pool)))``; ``mask`` is that
    of the input. Output is zero where the strided mask is False.

    Examples
    --------
    >>> import torch
    >>> ConvBlock(3, 8, 5, stride=2)(torch.zeros(1, 3, 9)).shape
    torch.Size([1, 8, 5])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        pool: int = 1,
        padding: Padding = "same",
        normalization: Normalization = "batch",
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        # A bias in front of batch normalization would be subtracted again.
        self.convolution = Conv1d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=normalization == "none",
        )
        self.pool = MaxPool1d(pool) if pool > 1 else None
        self.normalization = BatchNorm1d(out_channels) if normalization == "batch" else None
        self.activation = build_activation(activation)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the block to ``(batch, in_channels, time)``."""
        if self.reads_stream and mask is None and not self.training and self.pool is None and is_little_piece(x):
            convolution, kernel, bias, rectifies = self.once(None, self._arrange)
            steps = convolution.convolve_piece(x.transpose(1, 2), kernel, bias)
            return steps.relu_().transpose(1, 2) if rectifies else self.activation(steps.transpose(1, 2))
        mask = stride_mask(mask, self.convolution.stride[0])
        if self.normalization is not None and self.pool is None and self.normalization.folds():
            weight, bias = self.normalization.fold(self.convolution.weight, self.convolution.bias)
            x = self.convolution.convolve(x, weight, bias)
            x = x.relu_() if self._rectifies else self.activation(x)
            return hide_padding(x, mask)
        if self.normalization is not None and self._is_one_step(x, mask):
            x = convolve_and_normalize(x, self.convolution, self.normalization, rectify=self._rectifies)
            return x if self._rectifies else self.activation(x)
        x = self.convolution(x)
        if self.pool is not None:
            x = self.pool(x, mask)
            mask = stride_mask(mask, self.pool.stride)
        if self.normalization is None:
            return self.activation(hide_padding(x, mask))  # type: ignore[no-any-return]
        x = self.normalization(x, mask, rectify=self._rectifies)
        return x if self._rectifies else self.activation(x)

    def _arrange(self) -> tuple[Conv1d, Tensor, Tensor | None, bool]:
        """Return the convolution, and kernel and bias as little pieces are convolved, with the normalization in them.

        Also whether ReLU follows.
        """
        weight, bias = self.convolution.weight, self.convolution.bias
        if self.normalization is not None:
            weight, bias = self.normalization.fold(weight, bias)
        return self.convolution, arrange_kernel(weight, self.convolution.groups), bias, self._rectifies

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`)."""
        convolution, normalization, activation = (
            self.convolution,
            self.normalization,
            activation_reader(self.activation),
        )
        if self.pool is not None:
            # A maximum of what is normalized by a negative factor would be a minimum.
            pooled = chain(convolution.piece_reader(histories), self.pool.piece_reader(histories))
            return chain(
                pooled, *([] if normalization is None else [normalization.piece_reader(histories)]), activation
            )
        weight, bias = convolution.weight, convolution.bias
        if normalization is not None:
            weight, bias = normalization.fold(weight, bias)
        return chain(convolution.reader_with(weight, bias, histories), activation)

    @property
    def _rectifies(self) -> bool:
        return isinstance(self.activation, nn.ReLU)

    def _is_one_step(self, x: Tensor, mask: Tensor | None) -> bool:
        plain = self.training and mask is None and self.pool is None and x.shape[0] * x.shape[2] > 1
        return plain and is_little_work(x, self.convolution.shape(x))
