"""A network's parameters side by side in one tensor while it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def flatten_parameters(groups: Sequence[Sequence[nn.Parameter]]) -> Iterator[list[list[nn.Parameter]]]:
    """Lay the parameters of each group side by side inside the block.

    An optimizer, the norm of the gradient and its reset then take a call a group, whatever the number of parameters;
    of a small network, calling them for each parameter takes longer than the arithmetic.

    Yields one long parameter a group, ``[[(n_numbers,)], ...]``. Its values and its gradient are those of the group's
    parameters, not copies. Behind the block each parameter lies where it lay before, with its new values and without a
    gradient.

    Parameters
    ----------
    groups
        Parameters of one device and type a group; no parameter in two.

    Examples
    --------
    >>> layer = nn.Linear(2, 3)
    >>> with flatten_parameters([list(layer.parameters())]) as [[vector]]:
    ...     layer(torch.ones(1, 2)).sum().backward()
    ...     vector.grad.tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    vectors = []
    before = [(parameter, parameter.data) for group in groups for parameter in group]
    for group in groups:
        vector = nn.Parameter(torch.cat([parameter.detach().flatten() for parameter in group]))
        vector.grad = torch.zeros_like(vector)
        sizes = [parameter.numel() for parameter in group]
        pieces = zip(torch.split(vector.detach(), sizes), torch.split(vector.grad, sizes), strict=True)
        for parameter, (values, gradient) in zip(group, pieces, strict=True):
            parameter.data, parameter.grad = values.view(parameter.shape), gradient.view(parameter.shape)
        vectors.append([vector])
    try:
        yield vectors
    finally:
        for parameter, data in before:
            parameter.data, parameter.grad = data.copy_(parameter.data), None
