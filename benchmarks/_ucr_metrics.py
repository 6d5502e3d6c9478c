"""What a prediction of the test part is worth: accuracy, log loss, calibration; errors and intervals of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

N_BINS = 15


def score(y: np.ndarray, predicted: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the figures that a prediction allows, None for those it does not.

    Parameters
    ----------
    y
        ``(n_cases,)``: labels or numbers of the test part.
    predicted
        ``labels``, and where there are any ``probabilities`` ``(n_cases, n_classes)`` with their ``classes``; or
        ``values`` and, perhaps, their ``interval`` ``(n_cases, 2)``.
    """
    if "values" in predicted:
        errors = predicted["values"] - y
        figures: dict[str, Any] = {
            "rmse": float(np.sqrt(np.mean(errors**2))),
            "mae": float(np.mean(np.abs(errors))),
            "interval_coverage": None,
            "interval_width": None,
        }
        if "interval" in predicted:
            low, high = predicted["interval"].T
            figures["interval_coverage"] = float(np.mean((low <= y) & (y <= high)))
            figures["interval_width"] = float(np.mean(high - low))
        return figures
    figures = {"accuracy": float(np.mean(predicted["labels"] == y)), "log_loss": None, "calibration_error": None}
    if "probabilities" in predicted:
        positions = find_classes(y, predicted["classes"])
        figures["log_loss"] = log_loss(predicted["probabilities"], positions)
        figures["calibration_error"] = calibration_error(predicted["probabilities"], positions)
    return figures


def find_classes(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the position of each label among the classes, -1 for one that is not there."""
    places = {label: place for place, label in enumerate(classes.tolist())}
    return np.array([places.get(label, -1) for label in y.tolist()])


def log_loss(probabilities: np.ndarray, positions: np.ndarray) -> float:
    """Return the mean of -log of the probability of the true class, which counts as at least the least float64 step.

    Parameters
    ----------
    probabilities
        ``(n_cases, n_classes)``.
    positions
        ``(n_cases,)``: the true class of each; one that was not known, -1, had probability zero.
    """
    true = np.where(positions >= 0, probabilities[np.arange(len(positions)), positions], 0.0).astype(np.float64)
    return float(-np.mean(np.log(np.clip(true, np.finfo(np.float64).eps, 1.0))))


def calibration_error(probabilities: np.ndarray, positions: np.ndarray, n_bins: int = N_BINS) -> float:
    """Return the expected calibration error of the class that is said (Guo et al. 2017, arXiv 1706.04599).

    The mean, weighted by cases, of the distance between confidence and accuracy in bins of equal width, of which each
    holds its upper end.
    """
    confidence, right = probabilities.max(1), probabilities.argmax(1) == positions
    bins = np.clip(np.ceil(confidence * n_bins).astype(int) - 1, 0, n_bins - 1)
    distances = np.bincount(bins, confidence - right, minlength=n_bins)
    return float(np.abs(distances).sum() / len(right))
