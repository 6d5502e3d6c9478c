"""Convolution of a stream's little pieces, where time goes into calling operations and not into what they compute.

A piece of 20 ms is two frames. A convolution of torch takes longer to be prepared than to multiply so few numbers, so
there are as few operations as possible here, and kernels are arranged for them once a stream.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LITTLE = 2**12
"""Numbers of a piece, of all channels, up to which these operations are the faster ones."""


def is_little_piece(x: Tensor) -> bool:
    """Tell whether a piece of a stream is convolved here: on a CPU, few numbers, without gradients."""
    return (
        0 < x.numel() <= _LITTLE
        and not torch.is_grad_enabled()
        and x.is_cpu
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def arrange_kernel(weight: Tensor, groups: int) -> Tensor:
    """Lay out a kernel as :func:`convolve_piece` multiplies with it.

    Parameters
    ----------
    weight
        ``(out_channels, in_channels / groups, kernel_size)``.
    groups
        1, one for each channel, or any other number.

    Returns
    -------
    Tensor
        ``(kernel_size, in_channels, out_channels)``, with zeros between groups; of a depthwise kernel
        ``(kernel_size, channels)``.

    Examples
    --------
    >>> arrange_kernel(torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]]), 2).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    if groups > 1 and groups == len(weight) and weight.shape[1] == 1:
        return weight[:, 0].t().contiguous()
    size, members = len(weight) // groups, weight.shape[1]
    dense = weight.new_zeros(len(weight), groups * members, weight.shape[2])
    for group in range(groups):
        rows = slice(group * size, (group + 1) * size)
        dense[rows, group * members : (group + 1) * members] = weight[rows]
    return dense.permute(2, 1, 0).contiguous()


def convolve_piece(steps: Tensor, kernel: Tensor, bias: Tensor | None, stride: int = 1, dilation: int = 1) -> Tensor:
    """Convolve a piece that stands behind what its first output looks back at.

    Parameters
    ----------
    steps
        ``(batch, time, channels)``, of at least one window.
    kernel
        As :func:`arrange_kernel` gives it.
    bias
        ``(out_channels,)``.
    stride, dilation
        Of the convolution.

    Returns
    -------
    Tensor
        ``(batch, time', out_channels)``.

    Examples
    --------
    >>> steps = torch.tensor([[[1.0], [2.0], [4.0]]])
    >>> convolve_piece(steps, torch.ones(2, 1, 1), None).tolist()
    [[[3.0], [6.0]]]
    """
    # Views by as_strided, and products that the bias is added to: each is several times as fast here as a slice, and
    # as torch.addmm.
    steps = steps.contiguous()
    batch, n_steps, channels = steps.shape
    size = kernel.shape[0]
    n_outputs = (n_steps - dilation * (size - 1) - 1) // stride + 1
    shape, strides = (batch, n_outputs, size, channels), (n_steps * channels, stride * channels, dilation * channels, 1)
    if kernel.ndim == 2:
        product = (steps.as_strided(shape, strides) * kernel).sum(2)
        return product if bias is None else product.add_(bias)
    if size == stride == 1:
        windows = steps.view(batch * n_steps, channels)
    else:
        windows = steps.as_strided(shape, strides).reshape(batch * n_outputs, size * channels)
    product = torch.mm(windows, kernel.view(size * channels, -1))
    if bias is not None:
        product.add_(bias)
    return product.view(batch, n_outputs, -1)
