"""Convolutions of one input side by side, their outputs joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.layers.convolution import Conv1d
from seqcnn.layers.gathered import convolve_windows
from seqcnn.layers.layout import as_image, as_sequence


def convolve_side_by_side(branches: Iterable[nn.Module], x: Tensor, n_copies: int = 1) -> Tensor:
    """Return what the convolutions give for ``x``, joined along the channels.

    Where they are products of the input's windows, they are one product: the shorter kernels get zero taps around them,
    and the windows are gathered once.

    Parameters
    ----------
    branches
        Convolutions with stride 1, "same" or causal padding, all alike, and without biases.
    x
        ``(batch, in_channels, time)``.
    n_copies
        How many copies of a network each convolution holds side by side; all branches of a copy then lie together.

    Returns
    -------
    Tensor
        ``(batch, sum of the out_channels, time)``.

    Examples
    --------
    >>> branches = [Conv1d(1, 2, size, padding="same", bias=False) for size in (8, 3)]
    >>> convolve_side_by_side(branches, torch.zeros(1, 1, 9)).shape
    torch.Size([1, 4, 9])
    """
    convolutions = [branch for branch in branches if isinstance(branch, Conv1d)]
    if not all(convolution.path(x) == "windows" and not convolution.reads_stream for convolution in convolutions):
        return join_channels([convolution(x) for convolution in convolutions], n_copies)
    left = max(convolution.padding_left for convolution in convolutions)
    right = max(convolution.padding_right for convolution in convolutions)
    return convolve_windows(x, stack_kernels(convolutions, left, right, n_copies), left, right)


def stack_kernels(convolutions: Iterable[nn.Module], left: int, right: int, n_copies: int = 1) -> Tensor:
    """Return the kernels of all convolutions, with zero taps around them up to so many on either side of the centre.

    Returns
    -------
    Tensor
        ``(sum of the out_channels, in_channels, left + 1 + right)``.
    """
    kernels = [
        F.pad(convolution.weight, (left - convolution.padding_left, right - convolution.padding_right))
        for convolution in convolutions
        if isinstance(convolution, Conv1d)
    ]
    if n_copies == 1:
        return torch.cat(kernels)
    return torch.cat([kernel.reshape(n_copies, -1, *kernel.shape[1:]) for kernel in kernels], 1).flatten(0, 1)


def join_channels(views: Sequence[Tensor], n_copies: int = 1) -> Tensor:
    """Join ``(batch, channels_i, time)`` along the channels, which stay innermost; ``torch.cat`` sees to it for images.

    Where the views are of several copies of a network, a copy's channels side by side in each, so they are behind.

    >>> join_channels([torch.zeros(1, 2, 5), torch.zeros(1, 3, 5)]).shape
    torch.Size([1, 5, 5])
    >>> of_two = torch.tensor([[[1.0], [2.0]]]), torch.tensor([[[10.0], [20.0]]])
    >>> join_channels(of_two, n_copies=2).flatten().tolist()
    [1.0, 10.0, 2.0, 20.0]
    """
    if n_copies == 1:
        return as_sequence(torch.cat([as_image(view) for view in views], 1))
    n_steps = views[0].shape[2]
    steps = [view.transpose(1, 2).reshape(view.shape[0], n_steps, n_copies, -1) for view in views]
    return torch.cat(steps, 3).flatten(2).transpose(1, 2)


def repeat_channels(x: Tensor, n_copies: int) -> Tensor:
    """Give each of several copies of a network the same channels to read.

    Shape: ``(batch, channels, time)`` to ``(batch, n_copies * channels, time)``, a copy's channels side by side.

    >>> repeat_channels(torch.tensor([[[1.0], [2.0]]]), 2).flatten().tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    return x if n_copies == 1 else join_channels([x] * n_copies)
