"""Validation: records are held back whole, before anything is learnt from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import LABELS, LANGUAGES, SERIES, SWAPPED, TEXTS, assert_same_weights, quick
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import SeqCNNRegressor
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.estimators import _base, _training
from seqcnn.estimators._split import hold_back

Split = tuple[Any, Any]


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> list[Split]:
    """What hold_back answered while the test ran."""
    answers: list[Split] = []

    def spy(*args: Any, **kwargs: Any) -> Split:
        answers.append(hold_back(*args, **kwargs))
        return answers[-1]

    monkeypatch.setattr(_base, "hold_back", spy)
    return answers


def split(n_records: int, fraction: float, **given_: Any) -> Split:
    settings_ = {"labels": None, "groups": None, "caller": "SeqCNNClassifier"} | given_
    return hold_back(n_records, fraction, np.random.default_rng(0), **settings_)


def test_records_are_held_back_from_a_thousand_on(splits: list[Split]) -> None:
    X, y = make_shapes_in_noise(1000, n_classes=2, length=16, random_state=0)
    settings_ = {"max_epochs": 1, "batch_size": 1000, "encoder__width": 2}
    few = quick(**settings_).fit(X[:999], y[:999])
    assert splits == []
    assert "validation_loss" not in few.history_
    many = quick(**settings_).fit(X, y)
    (training, held) = splits[0]
    assert len(held) == 100
    assert len(training) == 900
    assert {"validation_loss", "validation_score"} <= set(many.history_)
    quick(**settings_, early_stopping=False).fit(X, y)
    assert len(splits) == 1


def test_asked_for_records_are_held_back_of_few_as_well(splits: list[Split]) -> None:
    fitted = quick(early_stopping=True, validation_fraction=0.25).fit(SERIES, LABELS)
    training, held = splits[0]
    assert len(held) == 6
    assert sorted([*training, *held]) == list(range(24))
    assert list(fitted.history_.columns) == [
        "epoch",
        "train_loss",
        "learning_rate",
        "validation_loss",
        "validation_score",
        "seconds",
    ]


def test_without_early_stopping_every_epoch_is_run_on_every_record(splits: list[Split]) -> None:
    fitted = quick(early_stopping=False, max_epochs=7, n_iter_no_change=1).fit(SERIES, LABELS)
    assert splits == []
    assert len(fitted.history_) == 7


def test_records_of_weight_zero_are_not_held_back(splits: list[Split]) -> None:
    weights = np.tile([1.0, 1.0, 0.0], 8)
    quick(early_stopping=True, validation_fraction=0.25).fit(SERIES, LABELS, sample_weight=weights)
    training, held = splits[0]
    assert len(training) + len(held) == 16


def test_windows_of_a_record_stay_together(splits: list[Split], monkeypatch: pytest.MonkeyPatch) -> None:
    # A record is a constant, so each value tells which record a window was cut from.
    X = np.repeat(np.arange(24.0)[:, None], 40, axis=1)
    seen = {"training": set[float](), "validation": set[float]()}

    def train(network: Any, store: Any, *args: Any, validate: Any, **kwargs: Any) -> Any:
        seen["training"] |= set(store.batch(np.arange(len(store))).x.unique().tolist())
        return real_train(network, store, *args, validate=validate, **kwargs)

    def run(network: Any, store: Any, **kwargs: Any) -> Any:
        seen["validation"] |= set(store.batch(np.arange(len(store))).x.unique().tolist())
        return real_run(network, store, **kwargs)

    real_train, real_run = _training.train, _training.run_network
    monkeypatch.setattr(_training, "train", train)
    monkeypatch.setattr(_training, "run_network", run)
    quick(early_stopping=True, validation_fraction=0.25, window_length=10, max_epochs=1).fit(X, LABELS)
    training, held = splits[0]
    assert seen == {"training": set(training.tolist()), "validation": set(held.tolist())}


def test_statistics_are_learnt_from_training_records_only(splits: list[Split]) -> None:
    groups = np.arange(24) % 4
    X = SERIES.astype(np.float64)
    probe = quick(early_stopping=True, validation_fraction=0.2).fit(X, LABELS, groups=groups)
    training, held = splits[0]
    far = X.copy()
    far[held] += 1e6
    fitted = quick(early_stopping=True, validation_fraction=0.2).fit(far, LABELS, groups=groups)
    np.testing.assert_array_equal(splits[1][1], held)
    stem = fitted.network_.stem
    np.testing.assert_allclose(stem.mean.item(), X[training].mean(), rtol=1e-5)
    np.testing.assert_allclose(stem.deviation.item(), X[training].std(), rtol=1e-5)
    assert stem.mean.item() == probe.network_.stem.mean.item()


def test_vocabulary_is_learnt_from_training_texts_only(splits: list[Split]) -> None:
    texts = [text + chr(0x4E00 + row) for row, text in enumerate(TEXTS)]
    fitted = quick(early_stopping=True, validation_fraction=0.25).fit(texts, LANGUAGES)
    training, held = splits[0]
    known = set(fitted.model_.contract.vocabulary.characters)
    assert {chr(0x4E00 + row) for row in training} <= known
    assert not {chr(0x4E00 + row) for row in held} & known


def test_scale_of_targets_is_learnt_from_training_records_only(splits: list[Split]) -> None:
    y = np.arange(24.0)
    quick(SeqCNNRegressor, early_stopping=True, validation_fraction=0.25).fit(SERIES, y)
    training, held = splits[0]
    y[held] = 1e9
    fitted = quick(SeqCNNRegressor, early_stopping=True, validation_fraction=0.25).fit(SERIES, y)
    np.testing.assert_allclose(fitted.network_.head.center.item(), y[training].mean(), rtol=1e-6)


def test_best_weights_on_the_held_back_records_are_kept() -> None:
    # The validation labels are the wrong way round, so what is learnt makes their loss rise.
    fitted = quick(max_epochs=60, n_iter_no_change=5, learning_rate=0.02)
    fitted.fit(SERIES, LABELS, X_val=SERIES, y_val=SWAPPED)
    losses, scores = fitted.history_["validation_loss"], fitted.history_["validation_score"]
    best = int(losses[scores == scores.max()].idxmin())
    assert len(losses) == best + 1 + 5 < 60
    error = np.sqrt(scores.max() * (1 - scores.max()) / 24)
    best = int(scores[scores >= scores.max() - error].index[-1])
    probability = fitted.predict_proba(SERIES)[np.arange(24), (fitted.classes_[1] == SWAPPED).astype(int)]
    np.testing.assert_allclose(-np.log(probability).mean(), losses[best], rtol=1e-5)
    np.testing.assert_allclose(fitted.score(SERIES, SWAPPED), fitted.history_["validation_score"][best])


def test_given_validation_records_take_the_place_of_held_back_ones(splits: list[Split]) -> None:
    X, y = list(SERIES), pd.Series(LABELS)
    fitted = quick(early_stopping=True).fit(X[:20], y[:20], X_val=X[20:], y_val=y[20:])
    assert splits == []
    assert "validation_loss" in fitted.history_


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.floats(0.01, 0.99))
def test_each_class_is_held_back_in_its_share_and_none_wholly(labels: list[int], fraction: float) -> None:
    y = np.array(labels)
    try:
        training, held = split(len(y), fraction, labels=y)
    except ValueError:
        # Nothing can be held back of classes of one record, nor of too few records in all.
        counts = np.bincount(y)
        assert round(fraction * len(y)) == 0 or (np.floor(fraction * counts) == 0).all()
        return
    assert sorted([*training, *held]) == list(range(len(y)))
    for label in set(labels):
        n_held, n_of_class = (y[held] == label).sum(), (y == label).sum()
        assert n_held < n_of_class
        assert abs(n_held - fraction * n_of_class) < 1 + 1e-9
    assert len(held) <= round(fraction * len(y))


def test_share_is_held_back_where_each_class_is_too_small_for_a_record() -> None:
    y = np.repeat(np.arange(300), 4)
    training, held = split(len(y), 0.1, labels=y)
    assert len(held) == 120
    assert len(set(y[held])) == 120
    assert set(y[training]) == set(y)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.floats(0.01, 0.99))
def test_group_is_never_torn(groups: list[int], fraction: float) -> None:
    names = np.array(groups)
    if len(set(groups)) < 2:
        return
    training, held = split(len(names), fraction, groups=names)
    assert len(training) > 0
    assert len(held) > 0
    assert not set(names[training]) & set(names[held])


@pytest.mark.parametrize("groups", [list("aabbccdd") * 3, pd.Series(list("aabbccdd") * 3), np.arange(24) // 3])
def test_groups_of_any_sort_are_held_back_together(groups: Any, splits: list[Split]) -> None:
    quick(early_stopping=True, validation_fraction=0.3).fit(SERIES, LABELS, groups=groups)
    training, held = splits[0]
    names = np.asarray(groups)
    assert not set(names[training]) & set(names[held])


def test_seed_decides_what_is_held_back(splits: list[Split]) -> None:
    for seed in (0, 0, 1):
        quick(early_stopping=True, validation_fraction=0.25, random_state=seed).fit(SERIES, LABELS)
    np.testing.assert_array_equal(splits[0][1], splits[1][1])
    assert not np.array_equal(splits[0][1], splits[2][1])


def test_regressor_holds_back_too(splits: list[Split]) -> None:
    fitted = quick(SeqCNNRegressor, early_stopping=True, validation_fraction=0.25).fit(SERIES, np.arange(24.0))
    assert len(splits[0][1]) == 6
    assert "validation_score" in fitted.history_


def test_validation_records_are_not_trained_on() -> None:
    settings_ = {"max_epochs": 1}
    plain = quick(**settings_).fit(SERIES, LABELS)
    watched = quick(**settings_).fit(SERIES, LABELS, X_val=SERIES[::-1] * 3, y_val=LABELS)
    assert_same_weights(plain, watched)


def test_told_not_to_stop_early_training_only_watches_the_validation_records() -> None:
    alone = quick(max_epochs=6, early_stopping=False).fit(SERIES, LABELS)
    watched = quick(max_epochs=6, early_stopping=False, n_iter_no_change=1)
    watched.fit(SERIES, LABELS, X_val=SERIES, y_val=SWAPPED)
    assert len(watched.history_) == 6
    assert watched.history_["validation_loss"].notna().all()
    assert_same_weights(alone, watched)


def test_held_back_records_count_by_their_sample_weight() -> None:
    weights = np.where(np.arange(24) % 2, 5.0, 1.0)
    fits = [
        quick(max_epochs=1, early_stopping=True, validation_fraction=0.5).fit(SERIES, LABELS, sample_weight=weight)
        for weight in (weights, 7 * weights)
    ]
    first, scaled = (fit.history_["validation_loss"].iloc[0] for fit in fits)
    assert first == pytest.approx(scaled, rel=1e-6)
    plain = quick(max_epochs=1, early_stopping=True, validation_fraction=0.5, learning_rate=1e-12)
    losses = [plain.fit(SERIES, LABELS, sample_weight=w).history_["validation_loss"].iloc[0] for w in (None, weights)]
    assert losses[0] != pytest.approx(losses[1], rel=1e-6)
