"""Layers over a stream's little pieces, in numpy: there the time goes into calling operations, not into computing.

A push of 20 ms is two frames. An operation of numpy on so few numbers takes a third of what one of torch takes, so that
a stream's copy of a network is turned into readers: functions from the next ``(time, channels)`` of a signal to what a
layer gives for them. What a layer computes on whole records stays the reference, which :mod:`seqcnn.piecewise` compares
every network's readers with before it uses them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn._types import AnyArray

Reader: TypeAlias = Callable[[AnyArray], AnyArray]
"""Takes the next steps of a signal, ``(time, channels)``, at least one, and gives a layer's for them.

Layers give an array of its own; activations change what they are given, and give that.
"""

_LITTLE_PRODUCT, _LITTLE_MATRIX = 2**18, 9216
"""Multiplications of a product of matrices, and numbers of a matrix that a vector is multiplied with, up to which
OpenBLAS keeps to one thread. Beyond, torch multiplies, whose threads a stream limits."""

_ROOM = 64
"""Steps that a history takes, at least, before it moves what it still needs to the front of its memory."""


class History:
    """The last steps of a signal, side by side in memory with those that come, so that windows of them are views.

    Parameters
    ----------
    n_before
        How many earlier steps stay in sight.
    before
        What stood before the record began.

    Examples
    --------
    >>> history = History(1)
    >>> [history.windows(np.array([[x], [x + 1]]), 2)[..., 0].tolist() for x in (1.0, 3.0)]
    [[[0.0, 1.0], [1.0, 2.0]], [[2.0, 3.0], [3.0, 4.0]]]
    """

    def __init__(self, n_before: int, before: float = 0.0) -> None:
        self._n_before, self._before = n_before, before
        self._memory: AnyArray = np.empty((0, 0))
        self.reset()

    def reset(self) -> None:
        """Begin a record."""
        # No room is left, so that the first steps make some.
        self._end = max(len(self._memory), 1)
        self._memory[len(self._memory) - self._n_before :] = self._before

    def windows(self, steps: AnyArray, size: int, stride: int = 1, dilation: int = 1) -> AnyArray:
        """Take the next steps, and return a view of all windows that end among them, ``(n, size, channels)``.

        It is good until the next call.
        """
        memory, n_before, start = self._memory, self._n_before, self._end
        end = start + len(steps)
        if end > len(memory):
            memory, start = self._move(steps), n_before
            end = start + len(steps)
        memory[start:end] = steps
        self._end = end
        n_windows = (n_before + len(steps) - dilation * (size - 1) - 1) // stride + 1
        row, number = memory.strides
        shape, strides = (n_windows, size, memory.shape[1]), (stride * row, dilation * row, number)
        # What as_strided gives, in a tenth of its time.
        return np.ndarray(shape, memory.dtype, memory, (start - n_before) * row, strides)

    def _move(self, steps: AnyArray) -> AnyArray:
        """Move what is still needed to the front of the memory, or of a larger one if that has too little room."""
        n_before, old = self._n_before, self._memory
        needed = old[self._end - n_before : self._end].copy() if old.size else self._before
        if not old.size or n_before + len(steps) > len(old):
            self._memory = np.empty((2 * n_before + max(_ROOM, len(steps)), steps.shape[1]), steps.dtype)
        self._memory[:n_before] = needed
        return self._memory


class Histories:
    """All that the readers of a network remember."""

    def __init__(self) -> None:
        self._all: list[History] = []

    def add(self, n_before: int, before: float = 0.0) -> History:
        """Return a new :class:`History`."""
        self._all.append(History(n_before, before))
        return self._all[-1]

    def reset(self) -> None:
        """Begin a record."""
        for history in self._all:
            history.reset()


def multiply(rows: AnyArray, matrix: AnyArray) -> AnyArray:
    """Return the product of two matrices, computed by one thread."""
    if len(rows) * matrix.size <= _LITTLE_PRODUCT and (len(rows) > 1 or matrix.size <= _LITTLE_MATRIX):
        return np.dot(rows, matrix)  # type: ignore[no-any-return]
    return torch.mm(torch.from_numpy(rows), torch.from_numpy(matrix)).numpy()


def as_array(values: Tensor) -> AnyArray:
    """Return a tensor's numbers, one row of memory after the other."""
    return values.detach().contiguous().numpy()


def read_convolution(
    weight: Tensor,
    bias: Tensor | None,
    histories: Histories,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> Reader:
    """Return the reader of a causal convolution, whose kernel lies behind its step.

    Parameters
    ----------
    weight
        ``(out_channels, in_channels / groups, kernel_size)``.
    bias
        ``(out_channels,)``.
    histories
        Gets what it remembers.
    stride, dilation, groups
        Of the convolution; pieces are a multiple of its stride.

    Examples
    --------
    >>> read = read_convolution(torch.ones(1, 1, 2), torch.ones(1), Histories())
    >>> [read(np.array([[x]], dtype=np.float32)).tolist() for x in (1, 2, 4)]
    [[[2.0]], [[4.0]], [[7.0]]]
    """
    n_outputs, members, size = weight.shape
    channels, shift = groups * members, None if bias is None else as_array(bias)
    history = histories.add(dilation * (size - 1))
    if groups == n_outputs and members == 1:
        kernel = as_array(weight[:, 0].t())

        def read_depthwise(steps: AnyArray) -> AnyArray:
            given: AnyArray = np.einsum("tkc,kc->tc", history.windows(steps, size, stride, dilation), kernel)
            return given if shift is None else np.add(given, shift, out=given)

        return read_depthwise
    # (kernel_size * in_channels, out_channels), with zeros between groups.
    dense = weight.new_zeros(n_outputs, channels, size)
    for group in range(groups):
        rows = slice(group * n_outputs // groups, (group + 1) * n_outputs // groups)
        dense[rows, group * members : (group + 1) * members] = weight[rows]
    matrix = as_array(dense.permute(2, 1, 0).reshape(size * channels, n_outputs))

    def read_dense(steps: AnyArray) -> AnyArray:
        if size > 1:
            windows = history.windows(steps, size, stride, dilation)
            steps = windows.reshape(len(windows), size * channels)
        elif stride > 1:
            steps = np.ascontiguousarray(steps[::stride])
        given = multiply(steps, matrix)
        return given if shift is None else np.add(given, shift, out=given)

    return read_dense


def rectify(x: AnyArray) -> AnyArray:
    """Apply ReLU in place."""
    return np.maximum(x, 0, out=x)


def _silu(x: AnyArray) -> AnyArray:
    # As a hyperbolic tangent, which does not overflow.
    gate = np.tanh(0.5 * x)
    gate += 1
    gate *= x
    gate *= 0.5
    return gate


_ACTIVATIONS: dict[type[nn.Module], Reader] = {
    nn.Identity: lambda x: x,
    nn.Dropout: lambda x: x,
    nn.Dropout1d: lambda x: x,
    nn.ReLU: rectify,
    nn.ReLU6: lambda x: np.clip(x, 0, 6, out=x),
    nn.SiLU: _silu,
    nn.Hardswish: lambda x: x * np.clip(x + 3, 0, 6) * x.dtype.type(1 / 6),
}


def activation_reader(activation: nn.Module) -> Reader | None:
    """Return the reader of an activation, which may change its argument; None if it has none.

    >>> activation_reader(nn.ReLU())(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return _ACTIVATIONS.get(type(activation))


def chain(*readers: Reader | None) -> Reader | None:
    """Return a reader that applies these one after the other; None if one is missing."""
    present = [reader for reader in readers if reader is not None]
    if len(present) < len(readers):
        return None
    working = [reader for reader in present if reader is not _ACTIVATIONS[nn.Identity]]
    if len(working) == 1:
        return working[0]
    if len(working) == 2:
        first, second = working
        return lambda steps: second(first(steps))

    def read(steps: AnyArray) -> AnyArray:
        for reader in working:
            steps = reader(steps)
        return steps

    return read
