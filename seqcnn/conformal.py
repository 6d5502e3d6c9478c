"""How far a model is off on records that it did not learn, and what that says of new ones. Needs numpy alone.

**Conformal prediction.** Among the scores of ``n`` records and of one more that is like them, each is equally likely to
be the largest, the second largest, and so on. So the new record's score is at most the ``ceil((n + 1) * coverage)``-th
smallest of the others with a probability of at least ``coverage``, whatever the model and the noise (Vovk, Gammerman
and Shafer 2005, "Algorithmic learning in a random world"; Papadopoulos et al. 2002, "Inductive confidence machines for
regression"). That is exact for records that had no part in training. For scores of records that were left out in turn
(the jackknife) it holds as far as leaving one out hardly changes the model: the guarantee alone, which costs a model a
record at prediction, is weaker (Barber, Candès, Ramdas and Tibshirani 2021, "Predictive inference with the jackknife+",
arXiv 1905.02928).

**Values.** The score is the absolute error; the interval is the prediction give or take the score that is reached.

**Classes.** The score is one less the probability of the record's class; the set holds every class whose score is no
larger. Of all sets of this coverage these are the smallest on average (Sadinle, Lei and Wasserman 2019, "Least
ambiguous set-valued classifiers with bounded error levels", arXiv 1609.00451); those that add up classes until the
coverage is reached (Romano, Sesia and Candès 2020, arXiv 2006.02544) are larger, to be wide where a record is hard.

**Groups.** Records of one subject are no independent witnesses. Each group counts as one, its records share its weight,
and what is promised is for a record of a new group (Lee, Barber and Willett 2023, "Distribution-free inference with
hierarchical data", arXiv 2306.06342).

**Weights.** They say how much of the population a record stands for (Tibshirani et al. 2019, "Conformal prediction
under covariate shift", arXiv 1904.06019). The new record weighs as much as one of that population does on average, so
that only the ratio of weights matters: a record of weight two is no two witnesses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seqcnn._checks import check_number, count_word
from seqcnn._types import AnyArray, Float64Array, IntegerArray

_ROUNDING = 1e-9


@dataclass(frozen=True)
class ConformityScores:
    """Scores of records that were not learnt: the larger, the less a record was expected.

    Attributes
    ----------
    scores
        ``(n_records, n_outputs)`` float64, each column ascending.
    counts
        ``(n_records, n_outputs)`` float64: how many new records each of them stands for.
    of_groups
        Whether groups were counted rather than records.

    Examples
    --------
    >>> truth, predicted = np.arange(19.0)[:, None], np.zeros((19, 1))
    >>> known = ConformityScores.of_values(truth, predicted)
    >>> known
    <scores of 19 records>
    >>> known.threshold(0.5, caller="example").tolist()  # the tenth smallest error
    [9.0]
    """

    scores: Float64Array
    counts: Float64Array
    of_groups: bool = False

    @classmethod
    def of_values(
        cls,
        values: Float64Array,
        predicted: Float64Array,
        weights: Float64Array | None = None,
        groups: IntegerArray | None = None,
    ) -> ConformityScores:
        """Take the absolute errors of predictions.

        Parameters
        ----------
        values, predicted
            ``(n_records, n_targets)``.
        weights
            ``(n_records,)``, positive; None is one for all.
        groups
            The number of each record's group, ``(n_records,)``; None makes each a group of its own.
        """
        return cls._sorted(np.abs(values - predicted), weights, groups)

    @classmethod
    def of_classes(
        cls,
        positions: IntegerArray,
        probabilities: Float64Array,
        weights: Float64Array | None = None,
        groups: IntegerArray | None = None,
    ) -> ConformityScores:
        """Take one less the probability of each record's class.

        Parameters
        ----------
        positions
            The column of each record's class, ``(n_records,)``.
        probabilities
            ``(n_records, n_classes)``.
        weights, groups
            As in :meth:`of_values`.
        """
        return cls._sorted(1.0 - probabilities[np.arange(len(positions)), positions][:, None], weights, groups)

    @classmethod
    def _sorted(
        cls, scores: Float64Array, weights: Float64Array | None, groups: IntegerArray | None
    ) -> ConformityScores:
        shares = np.ones(len(scores)) if weights is None else weights
        witnesses: Float64Array = shares
        if groups is not None:
            # A group weighs as much as its records on average, however many there are.
            number = np.unique(groups, return_inverse=True)[1]
            shares = shares / np.bincount(number)[number]
            witnesses = np.bincount(number, weights=shares).astype(np.float64)
        # Drawn by weight, a new record (or group) has on average this weight.
        of_a_new_one = np.square(witnesses).sum() / witnesses.sum()
        order = np.argsort(scores, axis=0, kind="stable")
        return cls(np.take_along_axis(scores, order, axis=0), (shares / of_a_new_one)[order], groups is not None)

    def __repr__(self) -> str:
        return f"<scores of {self._describe()}>"

    @property
    def n_witnesses(self) -> float:
        """As many records, or groups, of equal weight tell as much (Kish's effective size)."""
        return float(self.counts[:, 0].sum())

    def threshold(self, coverage: float, *, caller: str) -> Float64Array:
        """Return the score that a new record does not exceed with this probability, ``(n_outputs,)``.

        Parameters
        ----------
        coverage
            The probability, above zero and below one.
        caller
            The method's name, for the messages.

        Raises
        ------
        TypeError, ValueError
            If ``coverage`` is no such number, or larger than so few records can promise.
        """
        check_number("coverage", coverage, above=0, below=1, caller=caller)
        n = self.n_witnesses
        wanted = coverage * (n + 1) - _ROUNDING * (n + 1)
        if wanted > n:
            # A little less than could be promised, so that the number in the sentence is itself accepted.
            most = math.floor(1000 * n / (n + 1)) / 1000
            needed = math.ceil(coverage / (1 - coverage) - _ROUNDING)
            lower = f"coverage={most:g} or less, or " if most > 0 else ""
            word = "group" if self.of_groups else "record"
            raise ValueError(
                f"The 'coverage' parameter of {caller} must be at most {most:g}, which is what errors on "
                f"{self._describe()} can promise. Received: {coverage:g}, which takes {count_word(needed, word)}. Pass "
                f"{lower}call conformalize with so many {word}s that fit has not seen."
            )
        reached = np.cumsum(self.counts, axis=0) >= wanted
        # The sum of the counts is rounded, too: where none reaches what is wanted, the largest score does.
        reached[-1] = True
        reach: Float64Array = np.take_along_axis(self.scores, reached.argmax(axis=0)[None], axis=0)[0]
        return reach

    def interval(self, predicted: Float64Array, coverage: float, *, caller: str) -> tuple[Float64Array, Float64Array]:
        """Return lower and upper ends around predictions, ``(n_records, n_targets)`` each.

        Every target has its own width, and each is covered by itself; all at once are covered less often.

        Examples
        --------
        >>> known = ConformityScores.of_values(np.arange(9.0)[:, None], np.zeros((9, 1)))
        >>> low, high = known.interval(np.array([[10.0]]), 0.8, caller="example")
        >>> low.item(), high.item()
        (3.0, 17.0)
        """
        reach = self.threshold(coverage, caller=caller)
        return predicted - reach, predicted + reach

    def sets(self, probabilities: Float64Array, coverage: float, *, caller: str) -> AnyArray:
        """Tell which classes are in each record's set, booleans ``(n_records, n_classes)``.

        The most probable class always is. Without it, a classifier that is right more often than ``coverage`` would
        come down to it by empty sets, which tell nothing.

        Examples
        --------
        >>> said = np.array([[0.5, 0.4, 0.1], [0.3, 0.3, 0.4], [0.8, 0.1, 0.1], [0.6, 0.2, 0.2]])
        >>> known = ConformityScores.of_classes(np.array([0, 0, 0, 1]), said)
        >>> known.sets(np.array([[0.6, 0.35, 0.05]]), 0.6, caller="example").tolist()
        [[True, True, False]]
        """
        reach = self.threshold(coverage, caller=caller)
        # The same subtraction as of the known ones, so that equal probabilities give equal scores.
        inside = 1.0 - probabilities <= reach
        inside[np.arange(len(inside)), probabilities.argmax(axis=1)] = True
        return inside

    def _describe(self) -> str:
        word = "group" if self.of_groups else "record"
        n_effective, n_records = math.floor(self.n_witnesses + _ROUNDING), len(self.scores)
        if self.of_groups or n_effective == n_records:
            return count_word(n_effective, word)
        return f"{count_word(n_records, word)} that by their weights count as {n_effective:,}"
