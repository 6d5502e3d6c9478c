"""Gaps, where a channel has no value: finding them, and a line through each of them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def find_observed(x: Tensor, mask: Tensor | None) -> Tensor:
    """Tell where ``x`` holds a value: it is not NaN, and not padding.

    Parameters
    ----------
    x
        ``(batch, channels, time)``, NaN where nothing was observed.
    mask
        ``(batch, 1, time)``, False in the padding; None says that nothing is padded.

    Returns
    -------
    Tensor
        Boolean, ``(batch, channels, time)``.

    Examples
    --------
    >>> find_observed(torch.tensor([[[1.0, float("nan"), 0.0]]]), torch.tensor([[[True, True, False]]])).tolist()
    [[[True, False, False]]]
    """
    observed = ~x.isnan()
    return observed if mask is None else observed & mask


def fill_gaps(x: Tensor, observed: Tensor, mask: Tensor | None) -> Tensor:
    """Draw a line through each gap, from the value before it to the value behind it, each channel by itself.

    In front of the first value and behind the last that value goes on. A record's channel without any value is zero,
    and so is the padding.

    Parameters
    ----------
    x
        ``(batch, channels, time)``; what stands where nothing was observed has no influence.
    observed
        Boolean, of the same shape: where ``x`` holds a value.
    mask
        ``(batch, 1, time)``, False in the padding; None says that nothing is padded.

    Returns
    -------
    Tensor
        Of the shape and type of ``x``; observed values as they are.

    Examples
    --------
    >>> x = torch.tensor([[[0.0, 1.0, 0.0, 0.0, 4.0, 0.0]]])
    >>> fill_gaps(x, x > 0, None).tolist()
    [[[1.0, 1.0, 2.0, 3.0, 4.0, 4.0]]]
    """
    steps = torch.arange(x.shape[2], device=x.device)
    # The values of a channel are counted, the first is 1, and places[k] is the step of value k. Everything without a
    # value writes to places[0]. A running maximum of steps would do as well, but has no counterpart in ONNX.
    number = observed.cumsum(2)
    last = number[..., -1:]
    places = torch.zeros_like(functional.pad(number, (0, 1)))
    places = places.scatter(2, torch.where(observed, number, 0), steps.expand_as(number))
    left = places.gather(2, number.clamp(min=1).minimum(last))
    right = places.gather(2, (number + 1).minimum(last))
    # A bfloat16 has eight bits: too few to count steps.
    accurate = torch.promote_types(x.dtype, torch.float32)
    share = (steps - left).to(accurate) / (right - left).clamp(min=1)
    start = x.gather(2, left)
    line = (start + share * (x.gather(2, right) - start)).to(x.dtype)
    # Without any value, what was gathered above is whatever stands in places[0].
    wanted = last > 0 if mask is None else (last > 0) & mask
    return torch.where(observed, x, torch.where(wanted, line, 0.0))
