"""How good a spotter is: misses against false accepts an hour, over all thresholds and at its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from seqcnn.spotting.bounds import binomial_interval, poisson_interval, poisson_upper_bound
from seqcnn.spotting.events import EventCounter, EventRule
from seqcnn.spotting.tracks import SpokenWords, Tracks


@dataclass(frozen=True)
class SpottingReport:
    """What :meth:`KeywordSpotter.evaluate` found.

    Attributes
    ----------
    threshold
        At which the spotter works.
    misses, n_words, miss_rate, miss_interval
        Words that did not fire, with the two-sided limits of their share (exact, Clopper and Pearson).
    false_accepts, hours, false_accepts_per_hour, false_accept_interval, upper_bound
        Events in the negatives, with the two-sided limits of their rate and the one-sided upper one (exact, Poisson).
    wrong_in_positives
        Events in the positives that are none of their words: another keyword, a second firing, a false accept.
    confidence
        Of all limits.
    area, area_up_to
        The mean miss rate over false accepts an hour from 0 to ``area_up_to``: the area under the curve as a share, 0
        at best. At each rate it takes the fewest misses that a threshold with no more false accepts has.
    keywords
        A line a keyword: keyword, n_words, misses, miss_rate, false_accepts.
    curve
        A line a threshold, from high to low: threshold, false_accepts, false_accepts_per_hour, misses, miss_rate.
    """

    threshold: float
    misses: int
    n_words: int
    miss_rate: float
    miss_interval: tuple[float, float]
    false_accepts: int
    hours: float
    false_accepts_per_hour: float
    false_accept_interval: tuple[float, float]
    upper_bound: float
    wrong_in_positives: int
    confidence: float
    area: float
    area_up_to: float
    keywords: pd.DataFrame = field(repr=False, compare=False)
    curve: pd.DataFrame = field(repr=False, compare=False)


def make_report(
    negatives: Tracks,
    positives: Tracks,
    words: SpokenWords,
    keywords: Sequence[Any],
    rule: EventRule,
    curve: pd.DataFrame,
    *,
    confidence: float,
    area_up_to: float,
) -> SpottingReport:
    """Count at the spotter's own threshold, and measure the curve."""
    false_accepts = EventCounter(negatives.scores, rule.release).find(rule)
    events = EventCounter(positives.scores, rule.release).find(rule)
    found, explained = words.found(events)
    misses, hours = int((~found).sum()), negatives.hours
    n_false = len(false_accepts)
    said = np.bincount(words.columns, minlength=len(keywords))
    missed = np.bincount(words.columns[~found], minlength=len(keywords))
    fired = np.bincount([event.column for event in false_accepts], minlength=len(keywords))
    table = pd.DataFrame({"keyword": pd.Series(list(keywords), dtype=object), "n_words": said, "misses": missed})
    table["miss_rate"] = table["misses"] / table["n_words"].where(table["n_words"] > 0)
    table["false_accepts"] = fired
    lower, upper = poisson_interval(n_false, confidence)
    return SpottingReport(
        threshold=rule.threshold,
        misses=misses,
        n_words=len(words),
        miss_rate=misses / len(words),
        miss_interval=binomial_interval(misses, len(words), confidence),
        false_accepts=n_false,
        hours=hours,
        false_accepts_per_hour=n_false / hours,
        false_accept_interval=(lower / hours, upper / hours),
        upper_bound=float(poisson_upper_bound(n_false, confidence)) / hours,
        wrong_in_positives=int((~explained).sum()),
        confidence=confidence,
        area=area_under(curve, area_up_to),
        area_up_to=area_up_to,
        keywords=table,
        curve=curve,
    )


def area_under(curve: pd.DataFrame, up_to: float) -> float:
    """Return the mean miss rate over false accepts an hour from 0 to ``up_to``.

    >>> curve = pd.DataFrame({"false_accepts_per_hour": [0.0, 1.0, 4.0], "miss_rate": [0.5, 0.25, 0.0]})
    >>> area_under(curve, 4.0)  # 0.5 for one hour's rate, 0.25 for three
    0.3125
    """
    ordered = curve.sort_values(["false_accepts_per_hour", "miss_rate"])
    rates = ordered["false_accepts_per_hour"].to_numpy(np.float64)
    misses = np.minimum.accumulate(ordered["miss_rate"].to_numpy(np.float64))
    inside = rates < up_to
    # Below the lowest rate that any threshold has, everything is missed.
    edges = np.concatenate([[0.0], rates[inside], [up_to]])
    heights = np.concatenate([[1.0], misses[inside]])
    return float((np.diff(edges) * heights).sum() / up_to)
