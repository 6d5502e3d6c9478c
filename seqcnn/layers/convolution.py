"""Convolution over time in the memory layout that is fastest for it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.layers.layout import as_image, as_sequence, prefers_channels_innermost


class Conv1d(nn.Conv1d):
    """``torch.nn.Conv1d`` (the same weights, the same numbers), faster on a CPU and with strided "same" padding.

    ``padding="same"`` centres the kernel: output ``i`` sees inputs ``i * stride - (K - 1) // 2`` to
    ``i * stride + K // 2`` for an undilated kernel of ``K`` taps, zeros beyond the ends, and there are
    ``ceil(time / stride)`` outputs. So a record's outputs do not depend on how far its batch was padded.
    ``nn.Conv1d`` refuses "same" for strides above 1, and pads even kernels by way of a copy.

    ``padding="causal"`` puts the whole kernel behind: output ``i`` sees inputs ``i * stride - (K - 1) * dilation`` to
    ``i * stride`` and nothing later; there are ``ceil(time / stride)`` outputs too.

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

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(batch, in_channels, time)``."""
        stride, dilation, weight = self.stride[0], self.dilation[0], self.weight
        left, right = self.padding_left, self.padding_right
        if isinstance(self.padding, str):
            return super().forward(x)
        padding = self.padding[0]
        if left != right:
            # An even kernel leans to the right. One zero tap in front makes it odd, which is far cheaper than a padded
            # copy of the input.
            if dilation == 1:
                weight, padding = F.pad(weight, (1, 0)), right
            else:
                x = F.pad(x, (left, right))
        else:
            padding += left
        if not prefers_channels_innermost(x):
            return F.conv1d(x, weight, self.bias, stride, padding, dilation, self.groups)
        if self.kernel_size[0] == 1 and stride == 1 and padding == 0 and self.groups == 1:
            # A one-tap kernel is a matrix product over the channels of each step.
            return F.linear(x.transpose(1, 2), weight[..., 0], self.bias).transpose(1, 2)
        image = F.conv2d(
            as_image(x), as_image(weight), self.bias, (1, stride), (0, padding), (1, dilation), self.groups
        )
        return as_sequence(image)
