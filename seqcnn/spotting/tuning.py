"""A threshold that keeps a promise: so many false accepts an hour at most, proven by what was listened to.

From the highest threshold down, each is tested until the first whose upper bound breaks the promise. Tests in an order
that was settled before, up to the first failure, need no correction for their number, so that choosing costs nothing of
the confidence, and of those that pass any may be taken (fixed sequence testing; used for thresholds by Angelopoulos,
Bates, Candès, Jordan and Lei (2021), "Learn then test", arXiv 2110.01052). It is also what a threshold needs because
events are not monotone: far below all scores there is one long event, and no false accept but this.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from seqcnn._checks import count_word
from seqcnn.spotting.bounds import hours_to_prove, poisson_upper_bound


@dataclass(frozen=True)
class TunedThreshold:
    """What :meth:`KeywordSpotter.tune_threshold` chose, and what it proves.

    Attributes
    ----------
    threshold
        The score from which on a keyword fires.
    proven
        Whether the upper bound keeps the promise.
    false_accepts, hours
        Events in the negatives at this threshold, and how long they were listened to.
    false_accepts_per_hour, upper_bound
        The rate that was seen, and the highest that it does not contradict at ``confidence`` (exact, Poisson).
    max_false_accepts_per_hour, confidence
        The promise.
    hours_needed
        How many more hours of negatives, without a further false accept at this threshold, would prove it: 0 where it
        is proven.
    misses, n_words, miss_rate
        Keywords in the positives that did not fire.
    curve
        A line a threshold that was looked at, from high to low: threshold, false_accepts, false_accepts_per_hour,
        upper_bound, misses, miss_rate.
    """

    threshold: float
    proven: bool
    false_accepts: int
    hours: float
    false_accepts_per_hour: float
    upper_bound: float
    max_false_accepts_per_hour: float
    confidence: float
    hours_needed: float
    misses: int
    n_words: int
    miss_rate: float
    curve: pd.DataFrame = field(repr=False, compare=False)

    def explain(self) -> str:
        """Say in sentences what is proven, and what is missing."""
        proof = (
            f"Threshold {self.threshold:.4g}: {count_word(self.false_accepts, 'false accept')} in {self.hours:.3g} "
            f"hours of negatives, so at most {self.upper_bound:.3g} an hour at {self.confidence:.0%} confidence"
        )
        promise = f"the {self.max_false_accepts_per_hour:g} an hour that were asked for"
        if self.proven:
            missed = f" It misses {self.misses:,} of {count_word(self.n_words, 'word')}." if self.n_words else ""
            return f"{proof}, which keeps {promise}.{missed}"
        return f"{proof}, which does not prove {promise}; {self._advise()}"

    def warn(self, caller: str) -> None:
        """Warn that the promise is not proven, in the name of who was asked for it."""
        warnings.warn(f"{caller} could not prove what was asked for. {self.explain()}", UserWarning, stacklevel=3)

    def _advise(self) -> str:
        if self.false_accepts_per_hour > self.max_false_accepts_per_hour:
            return (
                "no threshold has so few, and more negatives will not help. Train on the hardest ones: mine() lists "
                "them, fit_more() takes them in."
            )
        return (
            f"{self.hours_needed:.3g} more hours of negatives without a further false accept would. Until then the "
            "threshold with the best proof is kept."
        )


def choose_threshold(
    curve: pd.DataFrame, hours: float, n_words: int, max_per_hour: float, confidence: float
) -> TunedThreshold:
    """Choose from a sweep, whose lines go from the highest threshold to the lowest.

    Of the thresholds that keep the promise with all above them, the lowest of the fewest misses; if there is none, the
    same of those that prove most. The lowest of all is mostly that one, but not always: where one keyword fires on the
    beginning of another, the other is missed.
    """
    curve = curve.assign(upper_bound=poisson_upper_bound(curve["false_accepts"], confidence) / hours)
    bound = curve["upper_bound"].to_numpy()
    kept = np.logical_and.accumulate(bound <= max_per_hour)
    # Without a proof: as good as the best, and no threshold above it is worse.
    candidates = kept if kept.any() else np.logical_and.accumulate(bound <= bound[0])
    misses = curve["misses"].to_numpy()
    best = candidates & (misses == misses[candidates].min())
    line = curve.iloc[int(np.flatnonzero(best)[-1])]
    count = int(line["false_accepts"])
    proven = bool(kept.any())
    return TunedThreshold(
        threshold=float(line["threshold"]),
        proven=proven,
        false_accepts=count,
        hours=hours,
        false_accepts_per_hour=count / hours,
        upper_bound=float(line["upper_bound"]),
        max_false_accepts_per_hour=max_per_hour,
        confidence=confidence,
        hours_needed=0.0 if proven else max(0.0, hours_to_prove(count, max_per_hour, confidence) - hours),
        misses=int(line["misses"]),
        n_words=n_words,
        miss_rate=float(line["miss_rate"]) if n_words else math.nan,
        curve=curve,
    )
