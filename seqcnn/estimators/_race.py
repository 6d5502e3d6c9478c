"""What training is worth to a committee, asked after each round: so a member that earns nothing costs little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.estimators._targets import Target
from seqcnn.training import Verdict

SETTLED = 2.0
"""Nats that all training records together are short of certain, under which no member can show that it knows more."""
_LITTLE_WEIGHT, _FAR_AT_FIRST, _FAR = 0.05, 4.0, 2.0
"""A member of so little weight, and so many times as far from the truth as the others together, is given up: at a
quarter and a half of 500 steps that was nearly always one that ended without weight (docs/recipe.md)."""


class Race:
    """Judges a member in training by what it adds to those that are there.

    Parameters
    ----------
    target
        Of the training records.
    weights
        ``(n_records,)``: how much each counts.
    others
        What each member that is there says of the records, ``(n_records, n_outputs)``, without having learnt them; NaN
        where it has.
    trusted
        Which of them need not earn all of their weight (:func:`seqcnn.weighting.weigh_by_likelihood`).
    """

    def __init__(
        self, target: Target, weights: Float64Array, others: Sequence[Float64Array], trusted: Sequence[bool] = ()
    ) -> None:
        known = np.ones(len(weights), dtype=bool)
        for answers in others:
            known &= np.isfinite(answers).all(1)
        self._known = np.flatnonzero(known)
        self._target, self._weights, self._others, self._trusted = target, weights, others, trusted
        self._best: Float64Array | None = None

    def is_settled(self) -> bool:
        """Tell whether those that are there leave nothing that could be measured to a further member."""
        if self._target.output == "values" or not self._others or not len(self._known):
            return False
        misfits, _ = self._measure(self._others, self._known)
        return float(misfits.sum()) < SETTLED

    def judge(self, answers: Float64Array) -> Verdict:
        """Say whether a network that answers so is kept, and whether its training goes on.

        The latest network is kept that is within one standard error of the best: later ones are calmer, and a smaller
        difference is chance.
        """
        known = self._known[np.isfinite(answers[self._known]).all(1)]
        if not len(known):
            return Verdict(keeps=True, goes_on=True)
        together, weights = self._measure([*self._others, answers], known)
        is_first = self._best is None
        change = together - (together if self._best is None else self._best)
        if is_first or change.sum() < 0:
            self._best = together
        if change.sum() > change.std() * np.sqrt(len(change)):
            return Verdict(keeps=False, goes_on=False)
        if not self._others:
            return Verdict(keeps=True, goes_on=True)
        without, _ = self._measure(self._others, known)
        alone, _ = self._measure([answers], known)
        far = _FAR_AT_FIRST if is_first else _FAR
        is_far = weights[-1] < _LITTLE_WEIGHT and alone.sum() > far * without.sum()
        return Verdict(keeps=True, goes_on=not is_far)

    def _measure(self, members: Sequence[Float64Array], known: IntegerArray) -> tuple[Float64Array, Float64Array]:
        """Return how far the mean of members is from the truth, record for record, and how much each member counts."""
        target, counts = self._target.take(known), self._weights[known]
        # Who is in training comes last, and is not trusted.
        trusted = [*self._trusted, *[False] * len(members)][: len(members)]
        weights = target.weigh([answers[known] for answers in members], counts, trusted)
        mean = np.tensordot(weights, np.stack([answers[known] for answers in members]), 1)
        return target.misfits(mean) * (counts / counts.mean()), weights
