"""Maxima over neighbouring time steps, on a CPU, with gradients that take the way of the maximum.

torch's pooling writes an 8-byte index for every output and, in bfloat16, converts each number on the way: in an
Inception network that cost more than the convolutions. Here numbers are compared as the integers whose bits they are,
which order like the numbers once negative ones are mirrored, and gradients are routed by bit masks: no index, no
conversion, no branch. Batches are worked through in slices that fit into a core's cache.

Where numbers are equal, the gradient goes to the first, as in ``torch.nn.functional.max_pool1d`` (but -0 counts as
smaller than 0 here).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_INTEGERS = {torch.float32: torch.int32, torch.bfloat16: torch.int16}
_BYTES_IN_CACHE = 2**18
"""Of one tensor's slice; about four of them are in use at a time, and a core of today has 1 to 2 MiB."""


def compares_bits(x: Tensor) -> bool:
    """Tell whether gradients through the maxima of this file are faster than torch's: in bfloat16, on a CPU.

    In float32 they work too, but there torch's pooling, which need not convert, is as fast inside a network.
    """
    return runs_eagerly(x) and x.dtype == torch.bfloat16 and x.requires_grad and torch.is_grad_enabled()


def runs_eagerly(x: Tensor) -> bool:
    """Tell whether ``x`` is float32 or bfloat16 on a CPU, not empty, and not part of a program being exported."""
    return x.device.type == "cpu" and x.dtype in _INTEGERS and x.numel() > 0 and not torch.compiler.is_compiling()


def maximum_of_three(x: Tensor) -> Tensor:
    """Return ``max(x[t - 1], x[t], x[t + 1])`` over time, of two numbers at either end.

    Shape: ``(batch, channels, time)`` to the same.

    Examples
    --------
    >>> maximum_of_three(torch.tensor([[[1.0, 5.0, 2.0, 0.0]]])).tolist()
    [[[5.0, 5.0, 5.0, 2.0]]]
    """
    if x.shape[2] == 1:
        return x.clone()
    if torch.is_grad_enabled() and x.requires_grad:
        return _MaximumOfThree.apply(x)  # type: ignore[no-any-return]
    steps = x.transpose(1, 2).contiguous()
    output = torch.empty_like(steps)
    for part, out in _slices(steps, output):
        _spread(part, out)
    return output.transpose(1, 2)


def maximum_of_pieces(x: Tensor, size: int) -> Tensor:
    """Return the maximum of each ``size`` time steps in a row; ``time`` must be a multiple of ``size``.

    Shape: ``(batch, channels, time)`` to ``(batch, channels, time / size)``.

    Examples
    --------
    >>> maximum_of_pieces(torch.tensor([[[1.0, 5.0, 2.0, 0.0]]]), 2).tolist()
    [[[5.0, 2.0]]]
    """
    return _MaximumOfPieces.apply(x, size)  # type: ignore[no-any-return]


class _MaximumOfThree(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        steps, signed = _as_integers(x)
        output = torch.empty_like(steps)
        for part, out in _slices(steps, output):
            part = _mirror_negatives(part, signed)
            _spread(part, out)
            _mirror_negatives(out, signed, in_place=True)
        ctx.save_for_backward(x)
        return output.view(x.dtype).transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        steps, signed = _as_integers(x)
        given = gradient.transpose(1, 2).contiguous()
        result = torch.empty_like(given)
        integers = steps.dtype
        for part, above, out in _slices(steps, given, result):
            part = _mirror_negatives(part, signed)
            pairs = torch.maximum(part[:, :-1], part[:, 1:])
            # First from the maxima of three to the maxima of two that they were taken of, then from those to the input.
            inner, of_pairs = above[:, 1:-1].view(integers), torch.empty_like(above[:, 1:])
            of_pairs[:, 0] = above[:, 0]
            _route(inner, _later_is_larger(pairs[:, :-1], pairs[:, 1:]), of_pairs)
            of_pairs[:, -1] += above[:, -1]
            out[:, 0] = 0
            _route(of_pairs.view(integers), _later_is_larger(part[:, :-1], part[:, 1:], pairs), out)
        return result.transpose(1, 2)


class _MaximumOfPieces(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, size: int) -> Tensor:
        steps, signed = _as_integers(x)
        batch, n_steps, channels = steps.shape
        pieces = steps.view(batch, n_steps // size, size, channels)
        output = torch.empty_like(pieces[:, :, 0])
        for part, out in _slices(pieces, output):
            part = _mirror_negatives(part, signed)
            out.copy_(part[:, :, 0])
            for position in range(1, size):
                torch.maximum(out, part[:, :, position], out=out)
            _mirror_negatives(out, signed, in_place=True)
        ctx.save_for_backward(x)
        ctx.size = size
        return output.view(x.dtype).transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        steps, signed = _as_integers(x)
        batch, n_steps, channels = steps.shape
        pieces = steps.view(batch, n_steps // ctx.size, ctx.size, channels)
        given = gradient.transpose(1, 2).contiguous().view(steps.dtype)
        result = torch.empty_like(pieces)
        for part, above, out in _slices(pieces, given, result):
            part = _mirror_negatives(part, signed)
            largest = [part[:, :, 0]]
            for position in range(1, ctx.size):
                largest.append(torch.maximum(largest[-1], part[:, :, position]))
            left = above
            for position in range(ctx.size - 1, 0, -1):
                later = _later_is_larger(largest[position - 1], part[:, :, position], largest[position])
                later.bitwise_and_(left)
                out[:, :, position] = later
                left = torch.bitwise_xor(left, later)
            out[:, :, 0] = left
        return result.view(steps.shape).view(x.dtype).transpose(1, 2), None


def _spread(part: Tensor, out: Tensor) -> None:
    pairs = torch.maximum(part[:, :-1], part[:, 1:])
    out[:, 0], out[:, -1] = pairs[:, 0], pairs[:, -1]
    torch.maximum(pairs[:, :-1], pairs[:, 1:], out=out[:, 1:-1])


def _route(gradient: Tensor, later: Tensor, out: Tensor) -> None:
    """Send each gradient one step on where the mask says so, else leave it; ``out[:, 0]`` is there already."""
    sent = torch.bitwise_and(later, gradient, out=out[:, 1:].view(gradient.dtype))
    out[:, :-1] += torch.bitwise_xor(gradient, sent).view(out.dtype)


def _as_integers(x: Tensor) -> tuple[Tensor, bool]:
    """Return the bits of ``x`` as ``(batch, time, channels)`` integers, and whether some are of negative numbers."""
    bits = x.detach().transpose(1, 2).contiguous().view(_INTEGERS[x.dtype])
    return bits, bool(bits.amin() < 0)


def _mirror_negatives(bits: Tensor, signed: bool, *, in_place: bool = False) -> Tensor:
    """Flip the magnitude of negative floats, whose bits order the other way; doing it twice changes nothing."""
    if not signed:
        return bits
    info = torch.iinfo(bits.dtype)
    flips = (bits >> (info.bits - 1)).bitwise_and_(info.max)
    return bits.bitwise_xor_(flips) if in_place else flips.bitwise_xor_(bits)


def _later_is_larger(earlier: Tensor, later: Tensor, larger: Tensor | None = None) -> Tensor:
    """Return all bits set where the later number is the larger one, else none; no difference could overflow."""
    larger = torch.maximum(earlier, later) if larger is None else larger
    differs = torch.bitwise_xor(larger, earlier)
    return differs.neg().bitwise_or_(differs).bitwise_right_shift_(torch.iinfo(differs.dtype).bits - 1)


def _slices(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cut tensors along the batch into parts that fit into the cache."""
    largest = max(tensor[0].numel() * tensor.element_size() for tensor in tensors)
    size = max(1, _BYTES_IN_CACHE // max(largest, 1))
    yield from zip(*(torch.split(tensor, size) for tensor in tensors), strict=True)
