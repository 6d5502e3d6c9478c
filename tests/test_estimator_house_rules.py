"""What scikit-learn's users take for granted: parameters are only stored, nothing outside the estimator changes."""

from __future__ import annotations

import pickle
import random
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from estimator_helpers import (
    ESTIMATORS,
    FIRST,
    LABELS,
    LANGUAGES,
    RATE,
    SERIES,
    SOUNDS,
    TEXTS,
    WORDS,
    assert_same_weights,
    outputs_of,
    quick,
    weights_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor


def target_for(kind: Any) -> Any:
    return np.arange(24.0) if kind is SeqCNNRegressor else LABELS


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_same_seed_gives_the_same_weights_and_another_seed_others(kind: Any) -> None:
    y = target_for(kind)
    first, again, other = (quick(kind, random_state=seed).fit(SERIES, y) for seed in (7, 7, 8))
    assert_same_weights(first, again)
    np.testing.assert_array_equal(outputs_of(first, SERIES), outputs_of(again, SERIES))
    assert not np.array_equal(outputs_of(first, SERIES), outputs_of(other, SERIES))


def test_seed_decides_also_where_records_are_held_back_windows_are_cut_and_lengths_differ() -> None:
    ragged = [series[: 30 + row % 10] for row, series in enumerate(SERIES)]
    parameters = {"early_stopping": True, "validation_fraction": 0.25, "window_length": 20}
    first, again = (quick(**parameters).fit(ragged, LABELS) for _ in range(2))
    assert_same_weights(first, again)
    np.testing.assert_array_equal(first.history_["validation_loss"], again.history_["validation_loss"])


def test_numpy_random_state_serves_as_a_seed() -> None:
    first, again = (quick(random_state=np.random.RandomState(3)).fit(SERIES, LABELS) for _ in range(2))
    assert_same_weights(first, again)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_global_random_states_are_as_they_were(kind: Any) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  (the global state is what must not change)
    torch.manual_seed(1)
    estimator = quick(kind, early_stopping=True, validation_fraction=0.25)
    outputs_of(estimator.fit(SERIES, target_for(kind)), SERIES)
    drawn = random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    assert drawn == (random.random(), np.random.random(), torch.rand(1).item())  # noqa: NPY002


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_fit_changes_no_parameter(kind: Any) -> None:
    estimator = quick(kind, class_weight={LABELS[0]: 2.0}) if kind is SeqCNNClassifier else quick(kind)
    before = {name: (id(value), repr(value)) for name, value in estimator.get_params().items()}
    estimator.fit(SERIES, target_for(kind))
    assert {name: (id(value), repr(value)) for name, value in estimator.get_params().items()} == before


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_constructor_only_stores(kind: Any) -> None:
    assert vars(kind()) == kind().get_params(deep=False)
    wrong = kind(encoder=["x"], max_epochs="many", learning_rate=-1)
    assert (wrong.encoder, wrong.max_epochs, wrong.learning_rate) == (["x"], "many", -1)


@pytest.mark.parametrize("missing", ["error", "interpolate"])
def test_arrays_that_may_not_be_written_into_are_read(missing: str) -> None:
    X, y, weights = SERIES.copy(), np.arange(24.0), np.ones(24)
    if missing == "interpolate":
        X[0, 3:6] = np.nan
    before = X.copy()
    for array in (X, y, weights):
        array.setflags(write=False)
    regressor = quick(SeqCNNRegressor, missing=missing).fit(X, y, sample_weight=weights)
    regressor.predict(X)
    np.testing.assert_array_equal(X, before)


def test_neither_lists_of_series_nor_sounds_are_written_into() -> None:
    for X, y, more in ((list(SERIES.copy()), LABELS, {}), ([s.copy() for s in SOUNDS], WORDS, {"sample_rate": RATE})):
        before = [array.copy() for array in X]
        quick(**more).fit(X, y).predict(X)
        for array, old in zip(X, before, strict=True):
            np.testing.assert_array_equal(array, old)


def test_no_file_is_left_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quick(verbose=2).fit(SERIES, LABELS).predict_windows(SERIES)
    quick(SeqCNNEmbedder).fit(TEXTS, LANGUAGES).transform(TEXTS)
    assert list(tmp_path.iterdir()) == []


def dump_and_load(estimator: Any, how: str) -> Any:
    if how == "pickle":
        return pickle.loads(pickle.dumps(estimator))
    file = BytesIO()
    joblib.dump(estimator, file, compress=3)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("how", ["pickle", "joblib"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_dumped_estimator_answers_as_before(kind: Any, how: str) -> None:
    fitted = quick(kind).fit(SERIES, target_for(kind))
    loaded = dump_and_load(fitted, how)
    np.testing.assert_array_equal(outputs_of(loaded, SERIES), outputs_of(fitted, SERIES))
    assert loaded.get_params() == fitted.get_params()
    assert loaded.history_.equals(fitted.history_)


@pytest.mark.parametrize("how", ["pickle", "joblib"])
@pytest.mark.parametrize(
    ("X", "y", "parameters"),
    [(TEXTS, LANGUAGES, {}), (SOUNDS, WORDS, {"sample_rate": RATE}), (SERIES, LABELS, {"encoder": torch.nn.ReLU()})],
    ids=["text", "audio", "own module"],
)
def test_dumped_classifier_keeps_its_input_contract(X: Any, y: Any, parameters: dict[str, Any], how: str) -> None:
    fitted = quick(**parameters).fit(X, y)
    loaded = dump_and_load(fitted, how)
    assert loaded.model_.contract == fitted.model_.contract
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def test_second_fit_replaces_the_first_in_everything() -> None:
    estimator = quick().fit(TEXTS, LANGUAGES)
    estimator.fit(SERIES, FIRST)
    fresh = quick().fit(SERIES, FIRST)
    assert_same_weights(estimator, fresh)
    assert estimator.classes_.tolist() == [False, True]
    assert estimator.n_features_in_ == 40
    assert estimator.model_.contract == fresh.model_.contract


def test_clone_forgets_what_was_learnt_and_nothing_else() -> None:
    fitted = quick(encoder__kernel_sizes=(5, 3)).fit(SERIES, LABELS)
    copy = clone(fitted)
    assert not hasattr(copy, "network_")
    assert not hasattr(copy, "classes_")
    assert copy.get_params() == fitted.get_params()
    assert_same_weights(copy.fit(SERIES, LABELS), fitted)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["width", "depth", "kernel_sizes", "anything"]), st.integers(), min_size=1),
    st.sampled_from(["auto", "fcn", "no such name"]),
    st.booleans(),
)
def test_clone_keeps_every_parameter_of_the_encoder(own: dict[str, int], encoder: str, later: bool) -> None:
    named = {f"encoder__{name}": value for name, value in own.items()}
    estimator = SeqCNNClassifier(encoder).set_params(**named) if later else SeqCNNClassifier(encoder, **named)
    for copy in (estimator, clone(estimator), pickle.loads(pickle.dumps(estimator))):
        assert {name: copy.get_params()[name] for name in named} == named
        assert {name: copy.get_params(deep=False)[name] for name in named} == named
        assert copy.encoder == encoder


def test_predict_does_not_train_on() -> None:
    fitted = quick().fit(SERIES, LABELS)
    before = weights_of(fitted)
    fitted.predict(SERIES)
    fitted.predict_windows(SERIES)
    for name, tensor in weights_of(fitted).items():
        assert torch.equal(tensor, before[name]), name
    assert not fitted.network_.training
