"""Estimators around encoders of fixed kernels: the whole road, with a head that is solved and not trained."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.datasets import make_shapes_in_noise

X, Y = make_shapes_in_noise(90, noise=0.2, random_state=0)
X_NEW, Y_NEW = make_shapes_in_noise(60, noise=0.2, random_state=1)
SMALL: dict[str, dict[str, Any]] = {
    "minirocket": {"encoder__n_features": 1000},
    "multirocket": {"encoder__n_features": 2000},
    "hydra": {"encoder__n_groups": 16},
    "shapelets": {"encoder__n_shapelets": 1000},
}
every_kind = pytest.mark.parametrize("name", SMALL)


def small(kind: Any, name: str, **parameters: Any) -> Any:
    return kind(name, **({"random_state": 0, "n_jobs": 1} | SMALL[name] | parameters))


@every_kind
def test_a_classifier_learns_in_one_line_of_history_and_pickles(name: str) -> None:
    classifier = small(SeqCNNClassifier, name).fit(X, Y)
    assert classifier.score(X_NEW, Y_NEW) > 0.9
    assert list(classifier.history_["epoch"]) == [1]
    assert classifier.history_["validation_score"].between(0.8, 1).all()  # each record left out once
    probabilities = classifier.predict_proba(X_NEW)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert np.log(probabilities[np.arange(60), np.searchsorted(classifier.classes_, Y_NEW)]).mean() > -0.5
    loaded = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(loaded.predict_proba(X_NEW), probabilities)
    again = clone(classifier).fit(X, Y)
    np.testing.assert_allclose(again.predict_proba(X_NEW), probabilities, atol=1e-6)


@every_kind
def test_a_regressor_answers_in_the_targets_units(name: str) -> None:
    generator = np.random.default_rng(0)
    frequency = generator.uniform(1, 5, 150)
    series = np.sin(np.linspace(0, 6, 80) * frequency[:, None]) + 0.05 * generator.normal(size=(150, 80))
    regressor = small(SeqCNNRegressor, name).fit(series[:100], 1000 + 100 * frequency[:100])
    assert regressor.score(series[100:], 1000 + 100 * frequency[100:]) > 0.8


@every_kind
def test_an_embedder_gives_the_features_with_and_without_labels(name: str) -> None:
    embedder = small(SeqCNNEmbedder, name).fit(X)
    features = embedder.transform(X_NEW)
    assert features.shape == (60, embedder.network_.n_features)
    assert np.isfinite(features).all()


@every_kind
def test_records_of_unequal_length_are_read(name: str) -> None:
    ragged = [row[: 100 + 2 * position % 29] for position, row in enumerate(X)]
    classifier = small(SeqCNNClassifier, name).fit(ragged, Y)
    assert classifier.score([row[:110] for row in X_NEW], Y_NEW) > 0.6
    together, alone = classifier.predict_proba(ragged[:6]), [classifier.predict_proba([row])[0] for row in ragged[:6]]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_windows_of_a_record_are_left_out_together() -> None:
    classifier = small(SeqCNNClassifier, "minirocket", window_length=64, hop_length=32).fit(X, Y)
    assert len(classifier.predict_windows(X_NEW[:2])) == 6
    assert classifier.score(X_NEW, Y_NEW) > 0.8


def test_a_weight_of_zero_is_a_record_absent() -> None:
    weights = np.ones(90)
    weights[::3] = 0
    weighted = small(SeqCNNClassifier, "minirocket", normalize=None).fit(X, Y, sample_weight=weights)
    absent = small(SeqCNNClassifier, "minirocket", normalize=None).fit(X[weights > 0], np.asarray(Y)[weights > 0])
    np.testing.assert_allclose(weighted.predict_proba(X_NEW), absent.predict_proba(X_NEW), atol=1e-5)


def test_a_search_goes_over_fixed_and_trained_encoders_alike() -> None:
    grid = {"encoder": ["minirocket", "fcn"]}
    search = GridSearchCV(SeqCNNClassifier(max_epochs=2, n_jobs=1, random_state=0), grid, cv=2, error_score="raise")
    search.fit(X, Y)
    assert search.best_params_ == {"encoder": "minirocket"}


def test_a_fitted_encoder_goes_into_another_estimator_as_it_is() -> None:
    first = small(SeqCNNClassifier, "minirocket").fit(X, Y)
    second = SeqCNNClassifier(first.encoder_, random_state=1, n_jobs=1).fit(X[:30], Y[:30])
    assert second.network_.n_features == first.network_.n_features
    assert second.score(X_NEW, Y_NEW) > 0.8


def test_another_loss_than_the_squared_error_is_refused() -> None:
    with pytest.raises(ValueError) as error:
        SeqCNNRegressor("minirocket", loss="absolute_error").fit(X, np.arange(90.0))
    assert str(error.value) == (
        "The 'loss' parameter of SeqCNNRegressor must be 'squared_error' beside an encoder of fixed kernels, whose "
        "head is solved in closed form. Received: 'absolute_error'. Pass loss='squared_error', or another encoder, "
        "such as 'fcn'."
    )
