"""Depthwise convolution on a CPU: each of its three products in the image shape that is fastest for it.

``conv1d`` computes the gradients of a depthwise kernel one tap at a time, and dilation makes everything slower still.
Here

- the output and the input's gradient are convolutions over an image one pixel high, length on its width;
- a dilation of ``d`` is a view: ``d`` interleaved sequences lie side by side as the image's width, their time is its
  height, and the kernel has no gaps;
- the weights' gradient has the length on the height and the batch side by side as the width, so that the innermost
  loops of the sum run over many numbers.

All in float32, also under bfloat16, which gains nothing here: there are few multiplications for each number that is
read, and oneDNN crashed on one bfloat16 weight gradient with a long dilated kernel.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqcnn.layers.layout import as_image, as_sequence, channels_innermost


def depthwise_convolution(x: Tensor, weight: Tensor, stride: int, dilation: int, left: int, right: int) -> Tensor:
    """Convolve each channel with its own kernel.

    Parameters
    ----------
    x
        ``(batch, channels, time)``.
    weight
        ``(channels, 1, kernel_size)``.
    stride, dilation
        Of which one must be 1.
    left, right
        Zeros in front of the first and behind the last step.

    Returns
    -------
    Tensor
        ``(batch, channels, time')`` in the type of ``x``.
    """
    assert stride == 1 or dilation == 1
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    with torch.autocast("cpu", enabled=False):
        x, weight = x.float(), weight.float()
        if dilation > 1:
            return _dilated(x, weight, dilation, left, right).to(dtype)
        if left != right:
            # Zero taps make the kernel symmetric about its centre, which is cheaper than a padded copy of the input.
            weight, left = F.pad(weight, (max(right - left, 0), max(left - right, 0))), max(left, right)
        output: Tensor = _Depthwise.apply(x, weight, stride, left)
        return output.to(dtype)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return as_sequence(
            F.conv2d(as_image(x), as_image(weight), None, (1, stride), (0, padding), groups=weight.shape[0])
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        stride, padding = ctx.stride, ctx.padding
        gradient = channels_innermost(gradient)
        of_input = of_weight = None
        if ctx.needs_input_grad[0]:
            of_input = as_sequence(
                _gradients(as_image(gradient), as_image(x), as_image(weight), (1, stride), (0, padding), (True, False))[
                    0
                ]
            )
        if ctx.needs_input_grad[1]:
            of_weight = _gradients(
                _batch_as_width(gradient),
                _batch_as_width(x),
                weight[..., None],
                (stride, 1),
                (padding, 0),
                (False, True),
            )[1][..., 0]
        return of_input, of_weight, None, None


def _gradients(
    gradient: Tensor,
    image: Tensor,
    weight: Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    wanted: tuple[bool, bool],
) -> tuple[Tensor, Tensor]:
    of_image, of_weight, _ = torch.ops.aten.convolution_backward(
        gradient, image, weight, None, stride, padding, (1, 1), False, (0, 0), weight.shape[0], (*wanted, False)
    )
    return of_image, of_weight


def _batch_as_width(x: Tensor) -> Tensor:
    """Copy ``(batch, channels, time)`` into an image ``(1, channels, time, batch)`` with the channels innermost."""
    return x.permute(2, 0, 1).contiguous()[None].permute(0, 3, 1, 2)


def _dilated(x: Tensor, weight: Tensor, dilation: int, left: int, right: int) -> Tensor:
    batch, channels, n_steps = x.shape
    n_outputs = n_steps + left + right - dilation * (weight.shape[2] - 1)
    steps, rows = x.transpose(1, 2), 0
    if abs(left - right) < dilation:
        # The image's own padding is whole rows; what they hold too much comes off the outputs.
        rows = -(-max(left, right) // dilation)
        left, right, first = 0, 0, rows * dilation - left
    else:
        first = 0
    right += -(n_steps + left + right) % dilation
    if left or right:
        # Joined rather than padded: torch.nn.functional.pad fills everything before it copies.
        zeros = [steps.new_zeros(()).expand(batch, size, channels) for size in (left, right)]
        steps = torch.cat([zeros[0], steps, zeros[1]], 1)
    # (batch, time / dilation, dilation, channels): row after row of as many neighbours as the kernel steps over.
    image = steps.reshape(batch, -1, dilation, channels).permute(0, 3, 1, 2)
    output = F.conv2d(image, weight[..., None], padding=(rows, 0), groups=channels)
    outputs = output.permute(0, 2, 3, 1).reshape(batch, -1, channels)
    if outputs.shape[1] > n_outputs:
        # Only then: the gradient of a slice is a copy, also of one that takes all.
        outputs = outputs[:, first : first + n_outputs]
    return outputs.transpose(1, 2)
