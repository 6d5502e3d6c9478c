"""The regressor: one number or many from a record, in their own units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_helpers import RATE, SERIES, SOUNDS, TEXTS, message_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import cross_val_score
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.preprocessing import StandardScaler

from seqcnn import SeqCNNRegressor
from seqcnn.estimators._targets import NumericTarget

RNG = np.random.default_rng(0)
LEVEL = RNG.uniform(-1.0, 1.0, 80)
SPREAD = RNG.uniform(0.2, 1.0, 80)
X = LEVEL[:, None] + SPREAD[:, None] * RNG.normal(size=(80, 48))
"""Series of two properties, each of which a regressor can be asked for."""

BOTH = np.column_stack([LEVEL, SPREAD])


def regressor(**parameters: Any) -> Any:
    return quick(SeqCNNRegressor, **({"encoder__width": 16, "max_epochs": 40, "learning_rate": 0.01} | parameters))


def test_one_target_is_learnt() -> None:
    fitted = regressor().fit(X[:60], LEVEL[:60])
    assert fitted.score(X[60:], LEVEL[60:]) > 0.8
    predicted = fitted.predict(X)
    assert predicted.shape == (80,)
    assert predicted.dtype == np.float64


def test_many_targets_are_learnt_at_once() -> None:
    fitted = regressor().fit(X[:60], BOTH[:60])
    predicted = fitted.predict(X[60:])
    assert predicted.shape == (20, 2)
    for column in range(2):
        assert np.corrcoef(predicted[:, column], BOTH[60:, column])[0, 1] > 0.8


def test_one_column_stays_a_column() -> None:
    fitted = regressor(max_epochs=2).fit(X, LEVEL[:, None])
    assert fitted.predict(X).shape == (80, 1)
    assert list(fitted.predict_windows(X).columns) == ["record", "start", "end", "target_0"]
    np.testing.assert_array_equal(fitted.predict(X)[:, 0], regressor(max_epochs=2).fit(X, LEVEL).predict(X))


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_unit_of_the_target_makes_no_difference(unit: float) -> None:
    plain = regressor(max_epochs=10).fit(X, LEVEL).predict(X)
    np.testing.assert_allclose(regressor(max_epochs=10).fit(X, LEVEL * unit).predict(X) / unit, plain, atol=0.05)


def test_small_spread_around_a_large_level_is_learnt() -> None:
    y = 1e6 + 10.0 * LEVEL
    assert regressor().fit(X[:60], y[:60]).score(X[60:], y[60:]) > 0.8


def test_targets_of_different_units_count_alike() -> None:
    units = np.array([1e-3, 1e4])
    together = regressor().fit(X[:60], BOTH[:60] * units).predict(X[60:])
    for column in range(2):
        assert np.corrcoef(together[:, column], BOTH[60:, column])[0, 1] > 0.8


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_each_loss_is_learnt_by(loss: str) -> None:
    assert regressor(loss=loss).fit(X[:60], LEVEL[:60]).score(X[60:], LEVEL[60:]) > 0.7


def test_absolute_error_minds_outliers_less() -> None:
    y = LEVEL.copy()
    y[::10] += 30.0
    errors = {
        loss: np.abs(regressor(loss=loss).fit(X, y).predict(X) - LEVEL)[y == LEVEL].mean()
        for loss in ("squared_error", "absolute_error")
    }
    assert errors["absolute_error"] < errors["squared_error"]


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
@pytest.mark.parametrize("size", [30.0, 1e6])
def test_outliers_of_any_size_are_borne_in_each_of_many_targets(loss: str, size: float) -> None:
    y = BOTH.copy()
    y[::10] += [size, -size]
    fitted = regressor(loss=loss).fit(X, y)
    inside = np.arange(80) % 10 != 0
    for column in range(2):
        assert np.corrcoef(fitted.predict(X)[inside, column], BOTH[inside, column])[0, 1] > 0.8


def test_a_value_that_most_records_share_leaves_the_others_to_be_learnt() -> None:
    y = np.where(LEVEL > -0.5, 0.0, 40.0 * LEVEL)
    assert (y == 0).mean() > 0.6
    assert regressor(loss="absolute_error").fit(X, y).score(X, y) > 0.5


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 30), st.integers(0, 10**6))
def test_a_weight_of_two_is_a_record_twice_in_the_unit_of_robust_losses(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values, times = random.integers(0, 12, (n, 2)) / 4, random.integers(1, 4, n)
    head = NumericTarget(values, "huber").head(3, 0.0, times.astype(np.float64))
    repeated = np.repeat(values, times, axis=0)
    low, middle, high = np.quantile(repeated, [0.25, 0.5, 0.75], axis=0, method="averaged_inverted_cdf")
    deviation = np.where(repeated.std(axis=0) > 0, repeated.std(axis=0), 1.0)
    assert head.center is not None
    assert head.scale is not None
    np.testing.assert_allclose(head.center.numpy(), middle)
    np.testing.assert_allclose(head.scale.numpy(), np.where(high > low, (high - low) / 1.349, deviation))


@pytest.mark.parametrize("value", [0.0, 7.25, -1e6])
def test_constant_target_is_predicted(value: float) -> None:
    predicted = regressor(max_epochs=30).fit(X, np.full(80, value)).predict(X)
    np.testing.assert_allclose(predicted, value, atol=0.5)


def test_without_steps_the_mean_is_predicted_nearly() -> None:
    weights = np.linspace(0.0, 2.0, 80)
    fitted = regressor(max_epochs=1, learning_rate=1e-9, encoder__normalization="none").fit(X, 100.0 * LEVEL, weights)
    head = fitted.network_.head
    np.testing.assert_allclose(head.center.item(), np.average(100.0 * LEVEL, weights=weights), rtol=1e-5)
    deviation = np.sqrt(np.average((100.0 * LEVEL - head.center.item()) ** 2, weights=weights))
    np.testing.assert_allclose(head.scale.item(), deviation, rtol=1e-5)


@pytest.mark.parametrize(
    "y",
    [
        LEVEL.tolist(),
        pd.Series(LEVEL, index=range(5, 85)),
        pd.Series(LEVEL, dtype="Float64"),
        torch.tensor(LEVEL, requires_grad=True),
        LEVEL.astype(object),
    ],
    ids=["list", "Series", "nullable", "tensor", "objects"],
)
def test_numbers_are_read_from_any_container(y: Any) -> None:
    expected = regressor(max_epochs=1).fit(X, LEVEL).predict(X)
    np.testing.assert_array_equal(regressor(max_epochs=1).fit(X, y).predict(X), expected)


def test_frame_of_targets_is_many_targets() -> None:
    frame = pd.DataFrame(BOTH, columns=["level", "spread"])
    expected = regressor(max_epochs=1).fit(X, BOTH).predict(X)
    np.testing.assert_array_equal(regressor(max_epochs=1).fit(X, frame).predict(X), expected)


def test_names_of_a_frame_name_the_windows_and_order_what_is_scored() -> None:
    frame = pd.DataFrame(BOTH, columns=["level", "spread"])
    swapped = frame[["spread", "level"]]
    first = regressor(max_epochs=3, early_stopping=False).fit(X, frame, X_val=X, y_val=frame)
    second = regressor(max_epochs=3, early_stopping=False).fit(X, frame, X_val=X, y_val=swapped)
    columns = ["validation_loss", "validation_score"]
    pd.testing.assert_frame_equal(first.history_[columns], second.history_[columns])
    assert list(first.predict_windows(X).columns) == ["record", "start", "end", "level", "spread"]
    assert first.score(X, swapped) == first.score(X, frame) == first.score(X, BOTH)
    assert list(regressor(max_epochs=1).fit(X, frame["level"]).predict_windows(X).columns)[3:] == ["level"]
    assert list(regressor(max_epochs=1).fit(X, LEVEL).predict_windows(X).columns)[3:] == ["target"]
    assert message_of(ValueError, first.score, X, frame.rename(columns={"level": "height"})) == (
        "The columns of y must be those of the y that SeqCNNRegressor was fitted on, in any order. Received: 'level' "
        "is missing and 'height' is new. Rename, add or drop columns."
    )


def test_scikit_learns_wrappers_of_many_targets_take_it() -> None:
    frame = pd.DataFrame(BOTH, columns=["level", "spread"])
    for wrapper in (MultiOutputRegressor, RegressorChain):
        assert wrapper(regressor(max_epochs=2)).fit(X, frame).predict(X).shape == (80, 2)
    scaled = TransformedTargetRegressor(regressor(max_epochs=15), transformer=StandardScaler()).fit(X, BOTH)
    assert scaled.predict(X).shape == (80, 2)
    assert cross_val_score(regressor(max_epochs=2), X, frame, cv=2).shape == (2,)


def test_texts_and_sounds_have_numbers_too() -> None:
    lengths = np.array([float(len(text)) for text in TEXTS])
    assert regressor(max_epochs=2).fit(TEXTS, lengths).predict(TEXTS).shape == (24,)
    assert regressor(max_epochs=2, sample_rate=RATE).fit(SOUNDS, np.arange(12.0)).predict(SOUNDS).shape == (12,)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(1, 5))
def test_targets_and_cases_keep_their_places(n_targets: int, n_cases: int) -> None:
    y = np.arange(24.0 * n_targets).reshape(24, n_targets)
    fitted = quick(SeqCNNRegressor, max_epochs=1).fit(SERIES, y)
    whole = fitted.predict(SERIES)
    np.testing.assert_allclose(fitted.predict(SERIES[:n_cases]), whole[:n_cases], rtol=1e-4)
    np.testing.assert_allclose(fitted.predict(SERIES[::-1]), whole[::-1], rtol=1e-4)


REMEDY = "Pass numbers, or use SeqCNNClassifier for labels."


@pytest.mark.parametrize(
    ("y", "received"),
    [
        (["up", "down"] * 12, "a string, 'up'"),
        (["1.5"] * 24, "a string, '1.5'"),
        (pd.Series(["up"] * 24), "a string, 'up'"),
        (np.array(["2020-01-01"] * 24, dtype="datetime64[D]"), "values of dtype datetime64[D]"),
    ],
)
def test_target_that_is_no_number_is_refused(y: Any, received: str) -> None:
    assert message_of(ValueError, quick(SeqCNNRegressor).fit, SERIES, y) == (
        f"The y of SeqCNNRegressor must hold numbers. Received: {received}. {REMEDY}"
    )


def test_targets_of_unequal_lengths_are_refused() -> None:
    message = message_of(ValueError, quick(SeqCNNRegressor).fit, SERIES, [[1.0], [1.0, 2.0]] * 12)
    assert message.startswith("The y of SeqCNNRegressor must hold numbers. Received: [[1.0], [1.0, 2.0], [1.0], ")
    assert message.endswith(REMEDY)


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "NaN"), (np.inf, "infinity or a value too large for dtype('float64')")],
)
@pytest.mark.parametrize("n_targets", [1, 2])
def test_gaps_in_the_targets_are_named(value: float, words: str, n_targets: int) -> None:
    y = np.zeros((24, n_targets))
    y[[3, 8], -1] = value
    assert message_of(ValueError, quick(SeqCNNRegressor).fit, SERIES, y if n_targets == 2 else y[:, 0]) == (
        f"Input y contains {words}: y[3] and y[8]. Drop these records, or give them a number."
    )


@pytest.mark.parametrize("y", [[None] + [1.0] * 23, pd.Series([pd.NA] + [1] * 23, dtype="Int64")])
def test_missing_target_counts_as_NaN(y: Any) -> None:
    assert message_of(ValueError, quick(SeqCNNRegressor).fit, SERIES, y) == (
        "Input y contains NaN: y[0]. Drop these records, or give them a number."
    )


def test_targets_of_three_dimensions_are_refused() -> None:
    assert message_of(ValueError, quick(SeqCNNRegressor).fit, SERIES, np.zeros((24, 2, 2))) == (
        "The y of SeqCNNRegressor must have shape (n_cases,) or (n_cases, n_targets). Received: (24, 2, 2). "
        "Pass y.reshape(len(X), -1)."
    )


def test_complex_targets_are_refused() -> None:
    assert message_of(ValueError, quick(SeqCNNRegressor).fit, SERIES, np.ones(24) * 1j) == (
        "Complex data not supported: y holds complex numbers. SeqCNNRegressor predicts real ones. Pass the real and "
        "the imaginary part as two targets, np.column_stack([y.real, y.imag])."
    )


def test_misspelt_loss_is_answered_with_the_nearest() -> None:
    assert message_of(ValueError, quick(SeqCNNRegressor, loss="hubert").fit, SERIES, np.arange(24.0)) == (
        "The 'loss' parameter of SeqCNNRegressor must be 'squared_error', 'absolute_error' or 'huber'. Received: "
        "'hubert'. Did you mean 'huber'? Pass one of the values named."
    )


@pytest.mark.parametrize("level", [1e6, 1e8, 1e12])
def test_small_differences_beside_a_large_level_are_learnt(level: float) -> None:
    fitted = regressor().fit(X[:60], level + LEVEL[:60])
    assert fitted.score(X[60:], level + LEVEL[60:]) > 0.8


def test_targets_beyond_single_precision_are_learnt() -> None:
    fitted = regressor().fit(X[:60], 1e60 * LEVEL[:60])
    assert fitted.score(X[60:], 1e60 * LEVEL[60:]) > 0.8
