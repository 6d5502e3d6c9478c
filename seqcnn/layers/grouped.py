"""A kernel of one tap over groups of channels: a matrix product for each group, in place in the joined output.

Copies of a network that stand side by side are such groups. torch's grouped convolution takes about twice as long,
because groups are seldom a multiple of the processor's vectors wide, and a batched product has to copy its output,
whose groups lie outermost.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def multiply_groups(x: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Mix the channels of each group at each step.

    Parameters
    ----------
    x
        ``(batch, in_channels, time)``, the channels of a group side by side.
    weight
        ``(out_channels, in_channels / groups, 1)``.
    groups
        How many.

    Returns
    -------
    Tensor
        ``(batch, out_channels, time)``, channels innermost.

    Examples
    --------
    >>> x, weight = torch.tensor([[[1.0], [2.0], [3.0], [4.0]]]), torch.tensor([[[1.0], [1.0]], [[1.0], [0.0]]])
    >>> multiply_groups(x, weight, 2).flatten().tolist()
    [3.0, 3.0]
    """
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    steps = x.transpose(1, 2).flatten(0, 1).to(dtype)
    product: Tensor = _GroupedProduct.apply(steps, weight[..., 0].to(dtype), groups)
    return product.view(len(x), -1, len(weight)).transpose(1, 2)


class _GroupedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, steps: Tensor, weight: Tensor, groups: int) -> Tensor:
        ctx.save_for_backward(steps, weight)
        ctx.groups = groups
        output = steps.new_empty(len(steps), len(weight))
        for own, kernels, out in zip(_split(steps, groups), weight.chunk(groups), _split(output, groups), strict=True):
            torch.mm(own, kernels.t(), out=out)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        steps, weight = ctx.saved_tensors
        groups, of_steps, of_weight = ctx.groups, None, None
        kernels, given = weight.chunk(groups), _split(gradient, groups)
        if ctx.needs_input_grad[0]:
            of_steps = torch.empty_like(steps)
            for piece, own, out in zip(given, kernels, _split(of_steps, groups), strict=True):
                torch.mm(piece, own, out=out)
        if ctx.needs_input_grad[1]:
            of_weight = torch.empty_like(weight)
            for piece, own, out in zip(given, _split(steps, groups), of_weight.chunk(groups), strict=True):
                torch.mm(piece.t(), own, out=out)
        return of_steps, of_weight, None


def _split(steps: Tensor, groups: int) -> tuple[Tensor, ...]:
    return steps.chunk(groups, 1)
