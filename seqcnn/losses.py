"""Losses: scores and targets of a batch to one number for each window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

RegressionLoss: TypeAlias = Literal["squared_error", "absolute_error", "huber"]

_ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    "squared_error": torch.square,
    "absolute_error": torch.abs,
    "huber": lambda error: F.huber_loss(error, torch.zeros_like(error), reduction="none"),
}


def cross_entropy(label_smoothing: float = 0.0) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of class scores ``(batch, n_classes)``.

    Against class positions ``(batch,)``, or probabilities ``(batch, n_classes)``.

    Label smoothing is that of Szegedy et al. (2016), arXiv 1512.00567.
    """

    def loss(scores: Tensor, targets: Tensor) -> Tensor:
        targets = targets.to(scores.dtype) if targets.is_floating_point() else targets
        return F.cross_entropy(scores, targets, reduction="none", label_smoothing=label_smoothing)

    return loss


def binary_cross_entropy(label_smoothing: float = 0.0, label_weights: Tensor | None = None) -> Callable[..., Tensor]:
    """Return the loss of label scores ``(batch, n_labels)`` against zeros and ones of that shape, the mean over labels.

    A target between zero and one, of a mixture of records, counts for that share as each.

    Parameters
    ----------
    label_smoothing
        The share of each answer that is spread over yes and no: 0.1 asks for 0.95 and 0.05.
    label_weights
        ``(2, n_labels)``: how much a record counts that lacks a label, and one that has it; None is one for all.
    """

    def loss(scores: Tensor, targets: Tensor) -> Tensor:
        targets = targets.to(scores.dtype)
        smooth = (1 - label_smoothing) * targets + label_smoothing / 2
        losses = F.binary_cross_entropy_with_logits(scores, smooth, reduction="none")
        if label_weights is not None:
            without, having = label_weights.to(scores.device, scores.dtype)
            losses = losses * torch.lerp(without.expand_as(targets), having.expand_as(targets), targets)
        return losses.mean(1)

    return loss


def regression_loss(name: RegressionLoss, scale: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of values ``(batch, n_targets)`` in the targets' units.

    Errors are divided by ``scale`` ``(n_targets,)`` first, so that every target counts alike whatever its unit; "huber"
    turns from squared to absolute at one such unit (Huber 1964, "Robust estimation of a location parameter").
    """
    elementwise = _ELEMENTWISE[name]

    def loss(values: Tensor, targets: Tensor) -> Tensor:
        return elementwise((values - targets) / scale).mean(1)

    return loss
