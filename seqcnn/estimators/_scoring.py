"""The score of outputs for held-back records: the target's own, or ``scoring``, a scorer of scikit-learn.

**A scorer's standard error**, which decides how much later weights may be worse than the best, is that of a grouped
jackknife: the score without each tenth of the records in turn (Efron and Tibshirani 1993, "An introduction to the
bootstrap", chapter 11). That takes eleven scores; the tenths are the same each time. Zero stands where a tenth cannot
be missed.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names

from seqcnn._checks import did_you_mean, shorten
from seqcnn._types import AnyArray, Float64Array, IntegerArray
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._targets import ClassTarget, MultilabelTarget, NumericTarget

_FOLDS = 10


def check_scoring_parameter(scoring: Any, caller: str) -> None:
    """Raise ValueError or TypeError unless ``scoring`` is None, the name of a scorer, or a callable."""
    if scoring is None:
        return
    if isinstance(scoring, str):
        names = get_scorer_names()
        if scoring not in names:
            raise ValueError(
                f"The 'scoring' parameter of {caller} must be None, a scorer of scikit-learn by name, or a callable. "
                f"Received: {shorten(scoring)}. {did_you_mean(scoring, names)}"
                f"sklearn.metrics.get_scorer_names() lists the names."
            )
    elif not callable(scoring) or isinstance(scoring, type):
        raise TypeError(
            f"The 'scoring' parameter of {caller} must be None, a scorer of scikit-learn by name, or a callable. "
            f"Received: {shorten(scoring)}. Pass a name, or what sklearn.metrics.make_scorer gives."
        )


class _Answers(BaseEstimator):
    """A fitted estimator in the eyes of a scorer: row numbers ``(n, 1)`` in the place of X, answers looked up."""

    def __init__(self, outputs: Float64Array) -> None:
        self.outputs = outputs

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _look_up(self, X: Any) -> Float64Array:
        outputs: Float64Array = self.outputs[np.asarray(X)[:, 0]]
        return outputs


class _ClassAnswers(ClassifierMixin, _Answers):
    def __init__(self, outputs: Float64Array, classes: AnyArray) -> None:
        super().__init__(outputs)
        self.classes = classes
        self.classes_ = classes

    def predict_proba(self, X: Any) -> Float64Array:
        return self._look_up(X)

    def predict(self, X: Any) -> AnyArray:
        labels: AnyArray = self.classes[self._look_up(X).argmax(axis=1)]
        return labels


class _IndicatorAnswers(ClassifierMixin, _Answers):
    def __init__(self, outputs: Float64Array) -> None:
        super().__init__(outputs)
        # Of several labels, each is there or not: of two labels, scorers would take a flat list for two classes.
        self.classes_ = [np.array([0, 1])] * outputs.shape[1]

    def predict_proba(self, X: Any) -> Float64Array:
        return self._look_up(X)

    def predict(self, X: Any) -> IntegerArray:
        present: IntegerArray = (self._look_up(X) > 0.5).astype(np.int64)
        return present


class _NumericAnswers(RegressorMixin, _Answers):
    def predict(self, X: Any) -> Float64Array:
        values = self._look_up(X)
        return values[:, 0] if values.shape[1] == 1 else values


def score_with(
    scoring: Any,
    outputs: Float64Array,
    examples: Examples,
    *,
    caller: str,
) -> tuple[float, float]:
    """Return the score and its standard error.

    Parameters
    ----------
    scoring
        None is the target's own score. Else a valid name or callable; a callable is given an estimator that answers for
        the held-back records, their row numbers ``(n_records, 1)`` in the place of X, and y.
    outputs
        ``(n_records, n_outputs)`` probabilities or values.
    examples
        The records. A scorer that takes ``sample_weight`` gets the user's weights where they differ, without those of
        classes: it balances classes in its own way, if it does.
    caller
        The estimator's name, for the messages.

    Raises
    ------
    ValueError
        If the scorer fails on the held-back records, or gives no finite number.
    """
    target = examples.target
    assert target is not None
    if scoring is None:
        own = target.score(outputs, examples.weights)
        return own, target.score_error(own)
    scorer = get_scorer(scoring) if isinstance(scoring, str) else scoring
    answers: _Answers
    if isinstance(target, ClassTarget):
        answers, y = _ClassAnswers(outputs, target.classes), target.labels
    elif isinstance(target, MultilabelTarget):
        answers, y = _IndicatorAnswers(outputs), target.present.astype(np.int64)
    else:
        assert isinstance(target, NumericTarget)
        answers = _NumericAnswers(outputs)
        y = target.values[:, 0] if target.values.shape[1] == 1 else target.values
    # What counts for nothing in its class counts for nothing here.
    weights = np.where(target.weights() > 0, examples.sample_weight, 0.0)
    weighted = bool(np.ptp(weights)) and _takes_weights(scorer)

    def score(rows: IntegerArray) -> float:
        more = {"sample_weight": weights[rows]} if weighted else {}
        return float(scorer(answers, rows[:, None], y[rows], **more))

    everyone = np.arange(len(y))
    problem, value = "", np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = score(everyone)
            problem = f"a score of {value}"
        except (ValueError, TypeError) as error:
            problem = f"{type(error).__name__}: {error}"
    if not np.isfinite(value):
        raise ValueError(
            f"The 'scoring' parameter of {caller} must give a finite number for the {len(y):,} held-back records. "
            f"Received: {shorten(scoring)}, which gave {problem.rstrip('.')}. Pass a scorer that suits the target, or "
            f"hold back more records with validation_fraction or X_val."
        )
    return value, _jackknife(score, len(y))


def _jackknife(score: Callable[[IntegerArray], float], n_records: int) -> float:
    """Return the standard error of a score by leaving out each tenth of the records in turn."""
    n_folds = min(_FOLDS, n_records)
    # Drawn by a seed of their own: records are often sorted, and folds that hold the classes alike would show less
    # chance than there is.
    fold = np.random.default_rng(0).permutation(n_records) % n_folds
    scores = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for left_out in range(n_folds):
            try:
                scores.append(score(np.flatnonzero(fold != left_out)))
            except (ValueError, TypeError):
                return 0.0
    if n_folds < 2 or not np.isfinite(scores).all():
        return 0.0
    return float(np.sqrt((n_folds - 1) * np.var(scores)))


def _takes_weights(scorer: Any) -> bool:
    try:
        return "sample_weight" in inspect.signature(getattr(scorer, "_score_func", scorer)).parameters
    except (TypeError, ValueError):
        return False
