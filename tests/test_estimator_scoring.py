"""The score of held-back records by a scorer of scikit-learn; and batches that draw the classes evenly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from estimator_helpers import FIRST, LABELS, SERIES, message_of, quick
from sklearn.metrics import balanced_accuracy_score, make_scorer, mean_absolute_error, recall_score, roc_auc_score

from seqcnn import SeqCNNClassifier, SeqCNNRegressor
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.estimators import _training

X_VAL, Y_VAL = make_shapes_in_noise(30, n_classes=2, length=40, noise=0.6, random_state=5)
NUMBERS = SERIES.max(axis=1)
WATCHED = {"X_val": X_VAL, "y_val": Y_VAL}


def test_history_holds_the_scorers_score() -> None:
    classifier = quick(scoring="roc_auc", early_stopping=False).fit(SERIES, LABELS, **WATCHED)
    by_hand = roc_auc_score(Y_VAL, classifier.predict_proba(X_VAL)[:, 1])
    assert classifier.history_["validation_score"].iloc[-1] == pytest.approx(by_hand, abs=1e-6)
    regressor = quick(SeqCNNRegressor, scoring="neg_mean_absolute_error", early_stopping=False)
    regressor.fit(SERIES, NUMBERS, X_val=X_VAL, y_val=X_VAL.max(axis=1))
    by_hand = -mean_absolute_error(X_VAL.max(axis=1), regressor.predict(X_VAL))
    assert regressor.history_["validation_score"].iloc[-1] == pytest.approx(by_hand, abs=1e-6)


def test_every_common_scorer_of_classes_works_on_labels_that_are_words() -> None:
    for name in ("accuracy", "balanced_accuracy", "roc_auc", "neg_log_loss", "f1_macro", "average_precision"):
        score = quick(scoring=name, max_epochs=1).fit(SERIES, FIRST, X_val=SERIES, y_val=FIRST).history_
        assert np.isfinite(score["validation_score"]).all(), name
    three, labels = make_shapes_in_noise(30, n_classes=3, length=40, random_state=0)
    quick(scoring="roc_auc_ovr", max_epochs=1).fit(three, labels, X_val=three, y_val=labels)


def test_callable_scorer_gets_answers_for_the_held_back_records() -> None:
    seen = []

    def rows_right(estimator: Any, X: Any, y: Any) -> float:
        seen.append(len(X))
        assert estimator.predict_proba(X).shape == (len(X), 2)
        return float(np.mean(estimator.predict(X) == y))

    given = quick(scoring=rows_right, early_stopping=False).fit(SERIES, LABELS, **WATCHED)
    assert max(seen) == 30
    default = quick(early_stopping=False).fit(SERIES, LABELS, **WATCHED)
    np.testing.assert_allclose(given.history_["validation_score"], default.history_["validation_score"])
    made = quick(scoring=make_scorer(balanced_accuracy_score), early_stopping=False).fit(SERIES, LABELS, **WATCHED)
    by_hand = balanced_accuracy_score(Y_VAL, made.predict(X_VAL))
    assert made.history_["validation_score"].iloc[-1] == pytest.approx(by_hand)


def test_the_scorer_decides_which_weights_are_kept() -> None:
    # A score that calls every network the worse, the later it is: the first epoch's weights are kept.
    scores = iter(np.repeat(np.arange(100.0, 0.0, -1), 11))  # the score and its ten of the jackknife
    falling = quick(scoring=lambda *_: next(scores), max_epochs=6, learning_rate=0.01, n_iter_no_change=3)
    falling.fit(SERIES, LABELS, **WATCHED)
    assert falling.history_["validation_score"].tolist() == [100.0, 99.0, 98.0, 97.0]
    loss_kept = -_loss_of(falling)
    assert loss_kept == pytest.approx(-falling.history_["validation_loss"].iloc[0], rel=1e-4)


def _loss_of(classifier: Any) -> float:
    probabilities = classifier.predict_proba(X_VAL)
    right = probabilities[np.arange(30), np.searchsorted(classifier.classes_, Y_VAL)]
    return float(-np.log(right).mean())


def test_jackknife_knows_the_standard_error_of_a_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    real = _training.score_with

    def spy(*args: Any, **kwargs: Any) -> tuple[float, float]:
        heard.append(real(*args, **kwargs))
        return heard[-1]

    monkeypatch.setattr(_training, "score_with", spy)
    n = 300
    X, y = make_shapes_in_noise(n, n_classes=2, length=40, noise=1.5, random_state=1)
    quick(scoring="accuracy", max_epochs=5, early_stopping=False).fit(SERIES, LABELS, X_val=X, y_val=y)
    score, error = heard[-1]
    binomial = np.sqrt(score * (1 - score) / n)
    assert 0.4 * binomial < error < 2 * binomial


def test_weights_of_cases_count_in_the_score_and_weights_of_classes_do_not() -> None:
    weights = np.linspace(0.1, 2.0, 24)
    parameters = {"early_stopping": True, "validation_fraction": 0.5, "scoring": "accuracy", "max_epochs": 1}
    weighted = quick(class_weight={label: 1.0 + 9 * (label == LABELS[0]) for label in set(LABELS)}, **parameters)
    seen = []
    weighted.set_params(scoring=make_scorer(lambda y, p, sample_weight=None: seen.append(sample_weight) or 0.5))
    weighted.fit(SERIES, LABELS, sample_weight=weights)
    assert set(np.round(seen[0], 9)) <= set(np.round(weights, 9))
    assert len(seen[0]) == 12


def test_fixed_kernels_are_scored_by_it_too() -> None:
    rocket = SeqCNNClassifier("minirocket", scoring="roc_auc", random_state=0, n_jobs=1).fit(SERIES, LABELS, **WATCHED)
    assert 0 <= rocket.history_["validation_score"].iloc[0] <= 1


def test_scoring_by_an_unknown_name_is_answered() -> None:
    assert message_of(ValueError, quick(scoring="roc_auk").fit, SERIES, LABELS) == (
        "The 'scoring' parameter of SeqCNNClassifier must be None, a scorer of scikit-learn by name, or a callable. "
        "Received: 'roc_auk'. Did you mean 'roc_auc'? sklearn.metrics.get_scorer_names() lists the names."
    )
    assert message_of(TypeError, quick(SeqCNNRegressor, scoring=3).fit, SERIES, NUMBERS) == (
        "The 'scoring' parameter of SeqCNNRegressor must be None, a scorer of scikit-learn by name, or a callable. "
        "Received: 3. Pass a name, or what sklearn.metrics.make_scorer gives."
    )


def test_scorer_that_does_not_suit_is_answered() -> None:
    one_class = {"X_val": SERIES[FIRST], "y_val": LABELS[FIRST]}
    assert message_of(ValueError, quick(scoring="roc_auc").fit, SERIES, LABELS, **one_class) == (
        "The 'scoring' parameter of SeqCNNClassifier must give a finite number for the 12 held-back records. Received: "
        "'roc_auc', which gave a score of nan. Pass a scorer that suits the target, or hold back more records with "
        "validation_fraction or X_val."
    )
    message = message_of(
        ValueError, quick(SeqCNNRegressor, scoring="accuracy").fit, SERIES, NUMBERS, X_val=SERIES, y_val=NUMBERS
    )
    assert message.startswith(
        "The 'scoring' parameter of SeqCNNRegressor must give a finite number for the 24 held-back records. Received: "
        "'accuracy', which gave ValueError: "
    )
    assert message.endswith(
        "Pass a scorer that suits the target, or hold back more records with validation_fraction or X_val."
    )


def rare_problem(n: int, seed: int) -> tuple[Any, Any]:
    """Series of which one in twenty is of the second shape."""
    X, y = make_shapes_in_noise(10 * n, n_classes=2, length=40, noise=0.2, random_state=seed)
    names = np.unique(y)
    rare = np.flatnonzero(y == names[1])[: n // 20]
    frequent = np.flatnonzero(y == names[0])[: n - len(rare)]
    rows = np.random.default_rng(seed).permutation(np.concatenate([rare, frequent]))
    return X[rows], y[rows] == names[1]


def test_even_draws_raise_the_recall_of_a_rare_class_and_keep_the_number_of_steps() -> None:
    X, y = rare_problem(300, 0)
    X_new, y_new = rare_problem(300, 1)
    parameters = {"max_epochs": 8, "batch_size": 20, "learning_rate": 0.005}
    recalls, steps = [], []
    for sampling in (None, "balanced"):
        classifier = quick(sampling=sampling, **parameters).fit(X, y)
        recalls.append(recall_score(y_new, classifier.predict(X_new)))
        steps.append(int(classifier.network_.state_dict()["encoder.blocks.0.normalization.num_batches_tracked"]))
    assert y.mean() == 0.05
    assert steps == [120, 120]
    assert recalls[1] > recalls[0] + 0.3, recalls


def test_even_draws_serve_windows_unequal_lengths_and_bits_of_data() -> None:
    ragged = [series[: 30 + row % 10] for row, series in enumerate(SERIES)]
    assert quick(sampling="balanced", window_length=20).fit(ragged, LABELS).predict(ragged).shape == (24,)
    assert quick(sampling="balanced").partial_fit(SERIES, LABELS, classes=set(LABELS)).predict(SERIES).shape == (24,)


def test_even_draws_beside_fixed_kernels_are_refused() -> None:
    assert message_of(ValueError, SeqCNNClassifier("minirocket", sampling="balanced").fit, SERIES, LABELS) == (
        "The 'sampling' parameter of SeqCNNClassifier must be None beside an encoder of fixed kernels, whose head is "
        "solved from all records at once. Received: 'balanced'. Pass class_weight='balanced', or another encoder, such "
        "as 'fcn'."
    )
