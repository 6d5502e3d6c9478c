"""Convolution as one matrix product: the windows of the input, gathered, times the kernels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


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
    size = weight.shape[2]
    steps = F.pad(x.transpose(1, 2), (0, 0, left, right))
    batch, n_steps, channels = steps.shape
    n_outputs = (n_steps - dilation * (size - 1) - 1) // stride + 1
    # Not unfold: its windows would have to be gathered tap by tap where the kernel is dilated.
    windows = steps.as_strided(
        (batch, n_outputs, channels, size), (n_steps * channels, stride * channels, 1, dilation * channels)
    )
    # One product of all records' windows; torch would else multiply record by record.
    product = F.linear(windows.reshape(batch * n_outputs, channels * size), weight.flatten(1), bias)
    return product.view(batch, n_outputs, len(weight)).transpose(1, 2)
