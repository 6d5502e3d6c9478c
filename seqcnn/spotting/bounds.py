"""Exact bounds of rates and shares: what a count of events proves.

False accepts are counted as a Poisson process; the limits are those of F. Garwood, "Fiducial limits for the Poisson
distribution", Biometrika 28 (1936). Misses are counted as a binomial; the limits are those of C. Clopper and
E. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26 (1934).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special  # type: ignore[import-untyped]


def poisson_upper_bound(count: Any, confidence: float) -> Any:
    """Return the largest mean that ``count`` events do not contradict, one-sided at ``confidence``.

    It is half of the chi-square quantile of ``2 (count + 1)`` degrees of freedom; no event at all has the bound
    ``-ln(1 - confidence)``.

    Parameters
    ----------
    count : int or array of ints
        Events that were counted.
    confidence : float
        From 0 to 1, both excluded.

    Returns
    -------
    float or array of floats
        Divided by hours, a bound of events an hour.

    Examples
    --------
    >>> round(float(poisson_upper_bound(0, 0.95)), 4), round(float(poisson_upper_bound(5, 0.95)), 4)
    (2.9957, 10.513)
    """
    return special.gammaincinv(np.asarray(count, np.float64) + 1, confidence)


def poisson_interval(count: int, confidence: float) -> tuple[float, float]:
    """Return the two-sided limits of the mean of which ``count`` events were counted.

    >>> [round(limit, 3) for limit in poisson_interval(10, 0.95)]
    [4.795, 18.39]
    """
    tail = (1 - confidence) / 2
    lower = 0.0 if count == 0 else float(special.gammaincinv(count, tail))
    return lower, float(poisson_upper_bound(count, 1 - tail))


def binomial_interval(count: int, n_cases: int, confidence: float) -> tuple[float, float]:
    """Return the two-sided limits of a share of which ``count`` of ``n_cases`` cases were counted.

    >>> [round(limit, 4) for limit in binomial_interval(1, 20, 0.95)]
    [0.0013, 0.2487]
    """
    tail = (1 - confidence) / 2
    lower = 0.0 if count == 0 else float(special.betaincinv(count, n_cases - count + 1, tail))
    upper = 1.0 if count == n_cases else float(special.betaincinv(count + 1, n_cases - count, 1 - tail))
    return lower, upper


def hours_to_prove(count: int, max_per_hour: float, confidence: float) -> float:
    """Return the hours in which ``count`` events, and no more, prove that there are at most ``max_per_hour``.

    >>> round(hours_to_prove(0, 0.5, 0.95), 2)
    5.99
    """
    return float(poisson_upper_bound(count, confidence)) / max_per_hour
