"""Whether a classifier is right as often as it says it is: probabilities in bins beside what happened.

Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", arXiv 1706.04599. Needs numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqcnn._checks import check_integer, name_first
from seqcnn._types import AnyArray, Float64Array, IntegerArray


@dataclass(frozen=True)
class Bins:
    """Cases by the probability that they were given, in bins of equal width from 0 to 1.

    Attributes
    ----------
    edges
        ``(n_bins + 1,)``.
    count
        Cases, ``(n_bins,)``.
    probability, share
        The mean of what was said, and the share of cases in which it happened, ``(n_bins,)``; NaN in an empty bin.
    """

    edges: Float64Array
    count: IntegerArray
    probability: Float64Array
    share: Float64Array

    @property
    def calibration_error(self) -> float:
        """The mean distance of share and probability, weighted by cases."""
        filled = self.count > 0
        return float(np.average(np.abs(self.share - self.probability)[filled], weights=self.count[filled]))


def fill_bins(probability: Float64Array, happened: AnyArray, n_bins: int) -> Bins:
    """Sort cases into bins.

    Parameters
    ----------
    probability
        What was said, from 0 to 1, ``(n_cases,)``.
    happened
        Whether it was so, booleans ``(n_cases,)``.
    n_bins
        Of equal width.
    """
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    # As in Guo et al., a bin holds its right edge and not its left one; zero belongs to the first.
    place = np.clip(np.searchsorted(edges, probability, side="left") - 1, 0, n_bins - 1)
    count = np.bincount(place, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(place, weights=probability, minlength=n_bins) / count
        shares = np.bincount(place, weights=happened, minlength=n_bins) / count
    return Bins(edges, count, means, shares)


def expected_calibration_error(y_true: Any, y_prob: Any, *, classes: Any = None, n_bins: int = 15) -> float:
    """Return how far a classifier's confidence is from its accuracy: the mean distance over bins, weighted by cases.

    The confidence is the probability of the most probable class, of two classes as of more. (The picture,
    :class:`seqcnn.plots.ReliabilityDisplay`, shows the probability of the second of two classes.) The error is never
    negative, so that few cases give even a perfect classifier one above zero, about the accuracy's own uncertainty.

    Parameters
    ----------
    y_true
        True labels, ``(n_cases,)``.
    y_prob
        Probabilities, ``(n_cases, n_classes)``; or of the second of two classes, ``(n_cases,)``.
    classes
        The labels behind the columns; None takes those in ``y_true``, sorted.
    n_bins
        Of equal width, from 0 to 1; 15 as in Guo et al.

    Returns
    -------
    float
        From 0, right as often as it says, to 1.

    Raises
    ------
    TypeError, ValueError
        If labels and probabilities do not fit, or ``n_bins`` is no number of bins.

    Examples
    --------
    >>> said = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]
    >>> round(expected_calibration_error(["a", "b", "c", "b"], said), 3)  # sure by 0.8, right by 0.75
    0.05
    """
    caller = "expected_calibration_error"
    check_integer("n_bins", n_bins, minimum=1, caller=caller)
    labels, probabilities, known = read_probabilities(y_true, y_prob, classes, f"{caller} cannot be computed.")
    best = probabilities.argmax(axis=1)
    return fill_bins(probabilities.max(axis=1), labels == known[best], n_bins).calibration_error


def read_probabilities(y_true: Any, y_prob: Any, classes: Any, opening: str) -> tuple[AnyArray, Float64Array, AnyArray]:
    """Return labels, probabilities ``(n_cases, n_classes)`` and classes that fit each other.

    Raises
    ------
    ValueError
        If they do not; ``opening`` is the message's first sentence.
    """
    labels, given = np.asarray(y_true), np.asarray(y_prob, dtype=np.float64)
    known = np.unique(labels) if classes is None else np.asarray(classes)
    probabilities = np.column_stack([1 - given, given]) if given.ndim == 1 else given
    problems = []
    if labels.ndim != 1 or probabilities.ndim != 2 or len(labels) != len(probabilities) or not len(labels):
        problems.append(
            f"y_true must be (n_cases,) and y_prob (n_cases, n_classes), of as many cases and at least one. Received: "
            f"{labels.shape} and {np.shape(y_prob)}."
        )
    elif probabilities.shape[1] != len(known):
        source = "y_true holds" if classes is None else "classes are"
        problems.append(
            f"y_prob must have a column a class. Received: {probabilities.shape[1]} columns, but {source} "
            f"{len(known)}. Pass classes= in the order of the columns."
        )
    else:
        unknown = np.setdiff1d(labels, known)
        if len(unknown):
            problems.append(
                f"y_true must hold labels of the classes. Received: {name_first([repr(x) for x in unknown.tolist()])}. "
                "Drop these cases."
            )
    if given.size and not ((given >= 0) & (given <= 1 + 1e-6)).all():
        low, high = np.min(given), np.max(given)
        problems.append(f"y_prob must be from 0 to 1. Received: {low:.3g} to {high:.3g}. Pass probabilities.")
    if problems:
        raise ValueError(f"{opening} {' '.join(problems)}")
    return labels, np.minimum(probabilities, 1.0), known
