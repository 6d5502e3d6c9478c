"""The mask that tells a batch's real time steps from its padding."""

from __future__ import annotations

import torch
from torch import Tensor


def length_mask(lengths: Tensor, n_timepoints: int) -> Tensor:
    """Return True where a time step belongs to its record.

    Parameters
    ----------
    lengths
        Time steps of each record, ``(batch,)`` integers.
    n_timepoints
        The padded length of the batch.

    Returns
    -------
    Tensor
        Boolean, ``(batch, 1, n_timepoints)``.

    Examples
    --------
    >>> length_mask(torch.tensor([1, 3]), 3)[:, 0].tolist()
    [[True, False, False], [True, True, True]]
    """
    steps = torch.arange(n_timepoints, device=lengths.device)
    return (steps < lengths[:, None])[:, None, :]


def hide_padding(x: Tensor, mask: Tensor | None) -> Tensor:
    """Set ``x`` ``(batch, channels, time)`` to zero where ``mask`` ``(batch, 1, time)`` is False.

    A selection, not a product: what stands in the padding may be infinite.

    Examples
    --------
    >>> x = torch.tensor([[[1.0, float("inf")]]])
    >>> hide_padding(x, length_mask(torch.tensor([1]), 2)).tolist()
    [[[1.0, 0.0]]]
    """
    return x if mask is None else torch.where(mask, x, 0.0)


def stride_mask(mask: Tensor | None, stride: int) -> Tensor | None:
    """Return the mask behind a layer of this stride.

    Output ``i`` stands at input ``i * stride`` and is real if that input is: ``ceil(length / stride)`` outputs remain.

    Examples
    --------
    >>> stride_mask(length_mask(torch.tensor([3]), 5), 2).tolist()
    [[[True, True, False]]]
    """
    return mask if mask is None or stride == 1 else mask[..., ::stride]
