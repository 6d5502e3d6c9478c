"""From scores to probabilities: what a least-squares head says is stretched and shifted until it means a chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Calibrate: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Scores ``(n_rows, n_outputs)`` and weights ``(n_rows,)`` to a factor and an offset, ``()`` or ``(n_outputs,)``."""


_SPREAD = 0.5
"""Of the logarithm of a factor around that of the usual one."""


def fit_temperature(scores: Tensor, positions: Tensor, weights: Tensor, *, usual: float = 1.0) -> float:
    """Return the factor under which a softmax of class scores gives the best probabilities (Guo et al. 2017).

    The factor minimises cross-entropy. Scores that are never wrong would ask for an infinite one, and of a handful of
    records little can be learnt about it; so its logarithm is held near that of a usual one, as if drawn from a normal
    distribution around it with a deviation of a half.

    Parameters
    ----------
    scores
        ``(n_rows, n_classes)``, of rows that were left out.
    positions
        ``(n_rows,)``: the class of each.
    weights
        ``(n_rows,)``; only ratios count.
    usual
        What the factor is for scores of this sort: 1 for logarithms of probabilities, and for least squares on 1 and
        -1 :func:`usual_factor`.

    Examples
    --------
    >>> scores = torch.tensor([[1.0, -1.0]] * 3000 + [[-1.0, 1.0]] * 1000)
    >>> factor = fit_temperature(scores, torch.zeros(4000, dtype=torch.int64), torch.ones(4000))
    >>> probability = (factor * scores[0]).softmax(0)[0].item()  # right three times of four
    >>> round(probability, 2)
    0.75
    """
    scores = scores.double()
    share = weights.double() / weights.sum()
    wanted = share @ scores.gather(1, positions[:, None])[:, 0]
    # The slope over the factor's logarithm rises through zero: halve the interval that holds it.
    low, high, center = -10.0, 15.0, math.log(usual)
    for _ in range(60):
        middle = (low + high) / 2
        factor = math.exp(middle)
        expected = share @ ((scores * factor).softmax(1) * scores).sum(1)
        slope = len(scores) * factor * float(expected - wanted) + (middle - center) / _SPREAD**2
        low, high = (middle, high) if slope < 0 else (low, middle)
    return math.exp((low + high) / 2)


def usual_factor(n_classes: int) -> float:
    """Return the usual factor of scores of least squares on 1 and -1: the more classes, the fainter these are.

    Chosen on resplits of the training parts of 46 sets of the UCR archive (docs/recipe.md).
    """
    return 2.0 * math.sqrt(n_classes)


def fit_sigmoids(scores: Tensor, present: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return, a label, the factor and the offset under which a sigmoid of scores gives the best probabilities.

    They minimise cross-entropy, with answers smoothed as if each had been seen once more (Platt 1999, "Probabilistic
    outputs for support vector machines"), by Newton's method with steps halved until they lead down. A factor is never
    negative: scores that point the wrong way say nothing, and the label's share of records is what is left.

    Parameters
    ----------
    scores
        ``(n_rows, n_labels)``, of rows that were left out.
    present
        ``(n_rows, n_labels)``: zeros and ones.
    weights
        ``(n_rows, n_labels)``: how much each answer counts.

    Returns
    -------
    factor, offset
        ``(n_labels,)`` each, float64.

    Examples
    --------
    >>> scores = torch.tensor([[1.0], [1.0], [-1.0], [1.0]])
    >>> factor, offset = fit_sigmoids(scores, torch.tensor([[1.0], [1.0], [0.0], [0.0]]), torch.ones(4, 1))
    >>> torch.sigmoid(factor * scores[:1] + offset).item() > 0.5
    True
    """
    scores, present, weights = scores.double(), present.double(), weights.double()
    # As many rows as there are, so that the one row more that smoothing adds means the same whatever the weights' unit.
    weights = weights / weights.mean(0)
    n_present, n_absent = (weights * present).sum(0), (weights * (1 - present)).sum(0)
    wanted = torch.where(present > 0, (n_present + 1) / (n_present + 2), 1 / (n_absent + 2))
    center = scores.mean(0)
    spread = (scores - center).square().mean(0).sqrt()
    unit = torch.where(spread > 1e-9 * (1 + center.abs()), spread, torch.ones_like(spread))
    scaled = (scores - center) / unit
    share = (weights * wanted).sum(0) / weights.sum(0)
    factor, offset = torch.zeros_like(share), torch.logit(share)

    def cost(factor: Tensor, offset: Tensor) -> Tensor:
        logits = scaled * factor + offset
        return (weights * (torch.nn.functional.softplus(logits) - wanted * logits)).mean(0)

    now = cost(factor, offset)
    for _ in range(50):
        chance = torch.sigmoid(scaled * factor + offset)
        error, curve = weights * (chance - wanted), weights * chance * (1 - chance)
        slope_factor, slope_offset = (error * scaled).mean(0), error.mean(0)
        # Of a constant score nothing can be learnt but the offset; a touch of curvature keeps the factor where it is.
        a, b, c = (curve * scaled**2).mean(0) + 1e-9, (curve * scaled).mean(0), curve.mean(0) + 1e-12
        determinant = a * c - b**2
        step_factor = (c * slope_factor - b * slope_offset) / determinant
        step_offset = (a * slope_offset - b * slope_factor) / determinant
        length = torch.ones_like(now)
        for _ in range(30):
            after = cost(factor - length * step_factor, offset - length * step_offset)
            worse = after > now
            if not worse.any():
                break
            length = torch.where(worse, length / 2, length)
        length = torch.where(after > now, torch.zeros_like(length), length)
        factor, offset = factor - length * step_factor, offset - length * step_offset
        before, now = now, torch.minimum(after, now)
        if bool((before - now <= 1e-12 * before).all()):
            break
    wrong_way = factor <= 0
    factor = torch.where(wrong_way, torch.zeros_like(factor), factor)
    offset = torch.where(wrong_way, torch.logit(share), offset)
    return factor / unit, offset - factor * center / unit
