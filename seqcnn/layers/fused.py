"""Convolution, batch normalization and ReLU as one step of autograd, for batches that are little work."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqcnn.layers.convolution import Conv1d
from seqcnn.layers.gathered import flatten_kernels, gather_windows
from seqcnn.layers.normalization import BatchNorm1d


def convolve_and_normalize(x: Tensor, convolution: Conv1d, normalization: BatchNorm1d, *, rectify: bool) -> Tensor:
    """Do what both modules would do in training, with half the calls.

    A batch of eight records is convolved faster than it takes to choose, prepare and record the operations for it; so
    there are as few as possible, and matrix products, which need the least preparation.

    Parameters
    ----------
    x
        ``(batch, in_channels, time)`` in float32, more than one step in all.
    convolution
        Dense, of stride 1, with "same" or causal padding and without bias.
    normalization
        In training, with weight and bias.
    rectify
        Whether ReLU follows.

    Returns
    -------
    Tensor
        ``(batch, out_channels, time)``, channels innermost.
    """
    return _ConvolveAndNormalize.apply(  # type: ignore[no-any-return]
        x,
        convolution.weight,
        normalization.weight,
        normalization.bias,
        normalization.running_mean,
        normalization.running_var,
        (convolution.padding_left, convolution.padding_right, convolution.dilation[0]),
        normalization.count_batch(),
        normalization.eps,
        rectify,
    )


class _ConvolveAndNormalize(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        scale: Tensor,
        shift: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        geometry: tuple[int, int, int],
        momentum: float,
        eps: float,
        rectify: bool,
    ) -> Tensor:
        left, right, dilation = geometry
        windows = gather_windows(x.transpose(1, 2), weight.shape[2], left, right, dilation=dilation)
        product = torch.mm(windows, flatten_kernels(weight).t())
        output, mean, inverse_deviation = torch.native_batch_norm(
            product, scale, shift, running_mean, running_var, True, momentum, eps
        )
        if rectify:
            output.relu_()
        ctx.save_for_backward(windows, product, weight, scale, mean, inverse_deviation, output if rectify else None)
        ctx.n_records, ctx.geometry, ctx.eps = len(x), geometry, eps
        return output.view(len(x), -1, len(weight)).transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        windows, product, weight, scale, mean, inverse_deviation, output = ctx.saved_tensors
        out_channels, in_channels, size = weight.shape
        gradient = gradient.transpose(1, 2).reshape(-1, out_channels)
        if output is not None:
            gradient = torch.ops.aten.threshold_backward(gradient, output, 0)
        gradient, of_scale, of_shift = torch.ops.aten.native_batch_norm_backward(
            gradient, product, scale, None, None, mean, inverse_deviation, True, ctx.eps, [True, True, True]
        )
        of_weight = torch.mm(gradient.t(), windows).view(out_channels, size, in_channels).transpose(1, 2)
        of_x = None
        if ctx.needs_input_grad[0]:
            # The gradient of the input is the output's, convolved with the kernels turned round.
            left, right, dilation = ctx.geometry
            span = dilation * (size - 1)
            steps = gradient.view(ctx.n_records, -1, out_channels)
            seen = gather_windows(steps, size, span - left, span - right, dilation=dilation)
            turned = flatten_kernels(weight.flip(2).transpose(0, 1))
            of_x = torch.mm(seen, turned.t()).view(ctx.n_records, -1, in_channels).transpose(1, 2)
        return of_x, of_weight, of_scale, of_shift, *[None] * 6
