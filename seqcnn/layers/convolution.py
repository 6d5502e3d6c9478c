"""Convolution over time in the memory layout that is fastest for it."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.layers.depthwise import depthwise_convolution
from seqcnn.layers.gathered import convolve_windows
from seqcnn.layers.grouped import multiply_groups
from seqcnn.layers.layout import Path, Shape, as_image, as_sequence, channels_innermost, choose_path
from seqcnn.layers.memory import Remembers
from seqcnn.layers.pieces import arrange_kernel, convolve_piece, is_little_piece
from seqcnn.layers.readers import Histories, Reader, read_convolution

Padding = Literal["same", "causal"]
"""Where a kernel lies: about its step, or the whole of it behind."""


def pad_for(causal: bool) -> Padding:
    """Return the padding of a network's kernels.

    >>> pad_for(True), pad_for(False)
    ('causal', 'same')
    """
    return "causal" if causal else "same"


class Conv1d(Remembers, nn.Conv1d):
    """``torch.nn.Conv1d`` (the same weights, the same numbers), faster on a CPU and with strided "same" padding.

    How it is computed follows from shape, device and type by a fixed table (:mod:`seqcnn.layers.layout`). Gradients of
    gradients need the plain computation, ``override_path("plain")``, for depthwise kernels.

    ``padding="same"`` centres the kernel: output ``i`` sees inputs ``i * stride - (K - 1) // 2`` to
    ``i * stride + K // 2`` for an undilated kernel of ``K`` taps, zeros beyond the ends, and there are
    ``ceil(time / stride)`` outputs. So a record's outputs do not depend on how far its batch was padded.
    ``nn.Conv1d`` refuses "same" for strides above 1, and pads even kernels by way of a copy.

    ``padding="causal"`` puts the whole kernel behind: output ``i`` sees inputs ``i * stride - (K - 1) * dilation`` to
    ``i * stride`` and nothing later; there are ``ceil(time / stride)`` outputs too. So it can read a stream
    (:mod:`seqcnn.layers.memory`), in pieces of a multiple of its stride.

    Shape: ``(batch, in_channels, time)`` to ``(batch, out_channels, time')``.

    Examples
    --------
    >>> import torch
    >>> Conv1d(3, 8, 5, stride=2, padding="same")(torch.zeros(1, 3, 9)).shape
    torch.Size([1, 8, 5])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        ours = padding in ("same", "causal")
        super().__init__(in_channels, out_channels, kernel_size, stride, 0 if ours else padding, dilation, groups, bias)
        span = dilation * (kernel_size - 1)
        left = {"same": span // 2, "causal": span}.get(str(padding), 0)
        self.padding_left, self.padding_right = (left, span - left) if ours else (0, 0)

    @property
    def span(self) -> int:
        """Time steps from the first to the last that one output sees."""
        return self.dilation[0] * (self.kernel_size[0] - 1) + 1

    def path(self, x: Tensor) -> Path:
        """Tell how ``x`` would be convolved (:data:`seqcnn.layers.layout.RULES`)."""
        return choose_path(x, self.shape(x))

    def shape(self, x: Tensor) -> Shape:
        """Return what the table looks at."""
        return Shape(
            self.in_channels,
            self.out_channels,
            self.groups,
            self.kernel_size[0],
            self.stride[0],
            self.dilation[0],
            x.requires_grad and torch.is_grad_enabled(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(batch, in_channels, time)``."""
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve with a kernel and bias in the place of the module's own (those with a normalization folded in)."""
        if x.ndim != 3:
            return super().forward(x)
        both = 0 if isinstance(self.padding, str) else self.padding[0]
        left, right = self.padding_left + both, self.padding_right + both
        if self.reads_stream:
            assert right == 0, "a layer that looks ahead cannot read a stream"
            if is_little_piece(x):
                kernel = self.once(weight, lambda: arrange_kernel(weight, self.groups))
                return self.convolve_piece(x.transpose(1, 2), kernel, bias).transpose(1, 2)
            x, left = self.with_past(x, left), 0
        stride, dilation = self.stride[0], self.dilation[0]
        path = self.path(x)
        if path == "plain" or x.numel() == 0 or x.shape[2] + left + right < self.span:
            # What has no output at all is torch's to refuse.
            x, weight, padding = self._symmetric(x, weight, left, right)
            return F.conv1d(x, weight, bias, stride, padding, dilation, self.groups)
        if path == "product" and left == right == 0:
            return F.linear(x.transpose(1, 2), weight[..., 0], bias).transpose(1, 2)
        x = channels_innermost(x)
        if path == "products" and left == right == 0:
            output = multiply_groups(x, weight, self.groups)
            return output if bias is None else output + bias.to(output.dtype)[:, None]
        if path == "windows":
            return convolve_windows(x, weight, left, right, bias=bias, stride=stride, dilation=dilation)
        if path == "depthwise":
            output = depthwise_convolution(x, weight, stride, dilation, left, right)
            return output if bias is None else output + bias.to(output.dtype)[:, None]
        x, weight, padding = self._symmetric(x, weight, left, right)
        image = F.conv2d(as_image(x), as_image(weight), bias, (1, stride), (0, padding), (1, dilation), self.groups)
        # Of one channel torch cannot tell where it lies, and puts the output's channels outermost.
        return channels_innermost(as_sequence(image)) if self.in_channels == 1 else as_sequence(image)

    def convolve_piece(self, steps: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve a little piece of a stream; all as in :func:`seqcnn.layers.pieces.convolve_piece`."""
        steps = self.steps_with_past(steps, self.padding_left)
        return convolve_piece(steps, kernel, bias, self.stride[0], self.dilation[0])

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`)."""
        return self.reader_with(self.weight, self.bias, histories)

    def reader_with(self, weight: Tensor, bias: Tensor | None, histories: Histories) -> Reader | None:
        """Return it for another kernel and bias; None if it looks ahead."""
        if self.padding_left != self.span - 1 or self.padding not in ((0,), "valid"):
            return None
        return read_convolution(
            weight, bias, histories, stride=self.stride[0], dilation=self.dilation[0], groups=self.groups
        )

    def _symmetric(self, x: Tensor, weight: Tensor, left: int, right: int) -> tuple[Tensor, Tensor, int]:
        """Return input, kernel and padding so that as much is padded on the left as on the right."""
        if left == right:
            return x, weight, left
        if right - left == self.dilation[0] == 1 and not torch.compiler.is_compiling():
            # An even kernel leans to the right. One zero tap in front makes it odd, which is far cheaper than a padded
            # copy of the input. (Not in an exported program, whose runtime pads as it convolves.)
            return x, F.pad(weight, (1, 0)), right
        return F.pad(x, (left, right)), weight, 0
