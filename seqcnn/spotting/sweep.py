"""False accepts and misses at every threshold that makes a difference, counted in events."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from seqcnn._types import Float64Array, FloatArray
from seqcnn.spotting.events import EventCounter, EventRule
from seqcnn.spotting.tracks import SpokenWords, Tracks

FLOOR = 0.01
"""The lowest threshold that is looked at."""

_MOST_ALONE = 200
"""So many of the highest peaks each get a threshold of their own; of the others, some spread over their ranks."""

_SPREAD = 100

MakeRule = Callable[[float], EventRule]
"""From a threshold to the rule with the smoothing, the release and the rest that go with it."""


def sweep(
    negatives: Tracks, positives: Tracks | None, words: SpokenWords | None, make_rule: MakeRule, floor: float = FLOOR
) -> pd.DataFrame:
    """Count events at every threshold that makes a difference.

    Parameters
    ----------
    negatives
        Where no keyword is said: every event is a false accept.
    positives, words
        Where keywords are said, and where: a word that does not fire is a miss. None leaves the misses out.
    make_rule
        What goes with a threshold.
    floor
        No threshold is lower.

    Returns
    -------
    DataFrame
        A line a threshold, from high to low: threshold, false_accepts, false_accepts_per_hour, and, with positives,
        misses and miss_rate.
    """
    levels = choose_thresholds(negatives.scores, floor)
    if positives is not None:
        levels = np.unique(np.concatenate([levels, choose_thresholds(positives.scores, floor)]))
    rules = [make_rule(float(level)) for level in levels[::-1]]
    lowest = min(rule.release for rule in rules)
    counter = EventCounter(negatives.scores, lowest)
    table = pd.DataFrame({"threshold": levels[::-1], "false_accepts": [len(counter.find(rule)) for rule in rules]})
    table["false_accepts_per_hour"] = table["false_accepts"] / negatives.hours
    if positives is not None and words is not None:
        counter = EventCounter(positives.scores, lowest)
        found = [int(words.found(counter.find(rule))[0].sum()) for rule in rules]
        table["misses"] = len(words) - np.array(found)
        table["miss_rate"] = table["misses"] / len(words)
    return table


def choose_thresholds(scores: FloatArray, floor: float) -> Float64Array:
    """Return thresholds between the peaks of tracks, in order; 1 is the highest.

    The number of events changes where a threshold passes a peak, so one between each two of them is enough. The
    highest hundreds have one each, because there the promises are kept; of the others some are taken.

    >>> choose_thresholds(np.float32([[0.0], [0.5], [0.0], [0.75], [0.25]]), 0.1)
    array([0.1  , 0.625, 0.875, 1.   ])
    """
    peaks = np.concatenate([_peaks(column, floor) for column in scores.T])
    peaks = np.unique(peaks.astype(np.float64))[::-1]
    if len(peaks) > _MOST_ALONE + _SPREAD:
        ranks = np.geomspace(_MOST_ALONE, len(peaks) - 1, _SPREAD).astype(np.int64)
        peaks = np.concatenate([peaks[:_MOST_ALONE], peaks[np.unique(ranks)]])
    edges = np.concatenate([[1.0], peaks])
    levels = np.concatenate([[1.0], (edges[:-1] + edges[1:]) / 2, [floor]])
    # Scores are compared in float32: a level must not fall together with the peak below it.
    levels = np.unique(levels.astype(np.float32).astype(np.float64))
    return levels[(levels > 0) & (levels <= 1)]


def _peaks(column: FloatArray, floor: float) -> FloatArray:
    padded = np.concatenate([np.zeros(1, np.float32), column, np.zeros(1, np.float32)])
    middle = padded[1:-1]
    is_peak = (middle >= padded[:-2]) & (middle > padded[2:]) & (middle >= floor)
    return middle[is_peak]
