"""Classifiers beside each other over many data sets: ranks, wins, tests of significance, cliques (Demsar 2006).

J. Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006. As is usual for these
archives, pairs are compared by Wilcoxon's test with Holm's correction, not by Nemenyi's critical difference (Benavoli,
Corani and Mangili, "Should We Really Use Post-Hoc Tests Based on Mean-Ranks?", JMLR 17, 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

SIGNIFICANCE = 0.05
DIGITS = 4
"""Published accuracies have four digits: what is equal in them is a tie."""


@dataclass(frozen=True)
class Pair:
    """One contestant against another on the same sets.

    Attributes
    ----------
    wins, ties, losses
        On how many sets the first is better, equal, worse.
    difference
        Mean of the first less mean of the second.
    p
        Of Wilcoxon's signed-rank test, two-sided.
    """

    wins: int
    ties: int
    losses: int
    difference: float
    p: float


@dataclass(frozen=True)
class Ranking:
    """Contestants over the same sets.

    Attributes
    ----------
    ranks
        ``(n_contestants,)``: mean ranks, 1 the best, equal ones sharing theirs.
    median_ranks
        The medians of them.
    friedman_p
        Of Friedman's test that all are alike; None of fewer than three.
    cliques
        Sets of contestants, next to each other by rank, none of which differs significantly from another one.
    """

    ranks: np.ndarray
    median_ranks: np.ndarray
    friedman_p: float | None
    cliques: list[list[int]]


def compare(ours: Sequence[float], theirs: Sequence[float]) -> Pair:
    """Compare two contestants, higher being better."""
    first, second = np.round(ours, DIGITS), np.round(theirs, DIGITS)
    return Pair(
        int((first > second).sum()),
        int((first == second).sum()),
        int((first < second).sum()),
        float(np.mean(ours) - np.mean(theirs)),
        wilcoxon_p(first, second),
    )


def wilcoxon_p(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p of Wilcoxon's signed-rank test, two-sided; ranks of no difference are split evenly (Demsar 2006).

    The p is exact, given which differences are equal: `scipy.stats.wilcoxon` goes through all signs there, which takes
    seconds from a dozen sets on, or takes a normal distribution.
    """
    differences = np.round(first - second, DIGITS)
    ranks = stats.rankdata(np.abs(differences))[differences != 0]
    # Twice the ranks are whole numbers. Those split evenly say nothing of which side is ahead.
    doubled = np.rint(2 * ranks).astype(int)
    chances = np.ones(1)
    for number in doubled:
        chances = (np.pad(chances, (0, number)) + np.pad(chances, (number, 0))) / 2
    won = int(doubled[differences[differences != 0] > 0].sum())
    tail = chances[: min(won, int(doubled.sum()) - won) + 1].sum()
    return min(1.0, 2 * float(tail))


def correct(p: Sequence[float]) -> np.ndarray:
    """Return p as Holm (1979) corrects it for as many tests: below a level, the difference is significant at it."""
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(p, dtype=float)[order] * factors), 1.0)
    return corrected


def rank(values: np.ndarray, significance: float = SIGNIFICANCE) -> Ranking:
    """Rank contestants, higher values being better.

    Parameters
    ----------
    values
        ``(n_sets, n_contestants)``.
    significance
        The level at which pairs are told apart.
    """
    rounded = np.round(values, DIGITS)
    each = stats.rankdata(-rounded, axis=1)
    ranks = each.mean(0)
    n_contestants = values.shape[1]
    pairs = list(combinations(range(n_contestants), 2))
    corrected = correct([wilcoxon_p(rounded[:, one], rounded[:, other]) for one, other in pairs])
    apart = {pair for pair, p in zip(pairs, corrected, strict=True) if p < significance}
    friedman = None
    if n_contestants > 2:
        friedman = float(stats.friedmanchisquare(*rounded.T).pvalue) if np.ptp(rounded, axis=1).any() else 1.0
    return Ranking(ranks, np.median(each, axis=0), friedman, find_cliques(ranks, apart))


def find_cliques(ranks: np.ndarray, apart: set[tuple[int, int]]) -> list[list[int]]:
    """Return the longest runs of contestants by rank, two at least, in which no pair is told apart.

    Parameters
    ----------
    ranks
        ``(n_contestants,)``.
    apart
        Pairs of positions, the lower one first.
    """
    order = np.argsort(ranks, kind="stable").tolist()
    cliques: list[list[int]] = []
    reached = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not any(tuple(sorted((one, order[end]))) in apart for one in order[start:end]):
            end += 1
        if end - start > 1 and end > reached:  # else it is part of the run before
            cliques.append(order[start:end])
        reached = max(reached, end)
    return cliques
