"""Convolution as one matrix product: the windows of the input, gathered, times the kernels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def gather_windows(steps: Tensor, size: int, left: int, right: int, *, stride: int = 1, dilation: int = 1) -> Tensor:
    """Copy every window of a sequence into a row of its own.

    Parameters
    ----------
    steps
        ``(batch, time, channels)``.
    size, stride, dilation
        Of the windows.
    left, right
        Zeros in front of the first and behind the last step.

    Returns
    -------
    Tensor
        ``(batch * time', size * channels)``, step by step.

    Examples
    --------
    >>> import torch
    >>> gather_windows(torch.tensor([[[1.0], [2.0], [3.0]]]), 2, 0, 1).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 0.0]]
    """
    steps = F.pad(steps, (0, 0, left, right)).contiguous()
    batch, n_steps, channels = steps.shape
    n_outputs = (n_steps - dilation * (size - 1) - 1) // stride + 1
    # Not unfold: its windows would have to be gathered tap by tap where the kernel is dilated.
    outer = (n_steps * channels, stride * channels)
    if dilation == 1:
        # A window is one run of memory: with one axis for it, it is copied as such.
        windows = steps.as_strided((batch, n_outputs, size * channels), (*outer, 1))
    else:
        windows = steps.as_strided((batch, n_outputs, size, channels), (*outer, dilation * channels, 1))
    return windows.reshape(batch * n_outputs, size * channels)


def flatten_kernels(weight: Tensor) -> Tensor:
    """Arrange ``(out_channels, in_channels, kernel_size)`` as windows are, ``(out_channels, size * channels)``.

    >>> import torch
    >>> flatten_kernels(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [[1.0, 3.0, 2.0, 4.0]]
    """
    return weight.transpose(1, 2).flatten(1)


def convolve_windows(
    x: Tensor,
    weight: Tensor,
    left: int,
    right: int,
    *,
    bias: Tensor | None = None,
    stride: int = 1,
    dilation: int = 1,
) -> Tensor:
    """Convolve ``x`` with ``weight``; worth it for few channels and taps, because each number is copied for each tap.

    Parameters
    ----------
    x
        ``(batch, in_channels, time)``.
    weight
        ``(out_channels, in_channels, kernel_size)``.
    left, right
        Zeros in front of the first and behind the last step.
    bias
        ``(out_channels,)``.
    stride, dilation
        Of the kernel.

    Returns
    -------
    Tensor
        ``(batch, out_channels, time')``, channels innermost.

    Examples
    --------
    >>> import torch
    >>> convolve_windows(torch.tensor([[[1.0, 2.0, 3.0]]]), torch.ones(1, 1, 2), 0, 1).tolist()
    [[[3.0, 5.0, 3.0]]]
    """
    windows = gather_windows(x.transpose(1, 2), weight.shape[2], left, right, stride=stride, dilation=dilation)
    # One product of all records' windows; torch would else multiply record by record.
    product = F.linear(windows, flatten_kernels(weight), bias)
    return product.view(len(x), -1, len(weight)).transpose(1, 2)
