"""Intervals and sets of fitted estimators: where their errors come from, what they promise, and what they refuse."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import FIRST, LABELS, SERIES, message_of, quick
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, load
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.model_file import ModelFileError

COVERAGES = (0.5, 0.8, 0.9, 0.95)
NAMES = ["level", "spread"]


def draw_values(n: int, seed: int, noise: str = "normal") -> tuple[Any, Any]:
    """Series of two properties, and what is measured of both, with an error."""
    random = np.random.default_rng(seed)
    level, spread = random.uniform(-1.0, 1.0, n), random.uniform(0.2, 1.0, n)
    X = level[:, None] + spread[:, None] * random.normal(size=(n, 40))
    y = np.column_stack([level, spread]) + 0.3 * getattr(random, noise)(size=(n, 2))
    return X, y


def draw_classes(n: int, seed: int, n_classes: int = 3) -> tuple[Any, Any]:
    X, y = make_shapes_in_noise(n, n_classes=n_classes, length=40, noise=2.5, random_state=seed)
    order = np.random.default_rng(seed).permutation(n)
    return X[order], y[order]


@cache
def trained_regressor() -> Any:
    return quick(SeqCNNRegressor).fit(*draw_values(60, 0))


@cache
def trained_classifier() -> Any:
    return quick(max_epochs=5).fit(*draw_classes(60, 0))


@cache
def solved_regressor(noise: str = "normal") -> Any:
    return quick(SeqCNNRegressor, "minirocket").fit(*draw_values(99, 0, noise))


@cache
def solved_classifier() -> Any:
    return quick(encoder="minirocket").fit(*draw_classes(99, 0))


def count_inside(intervals: pd.DataFrame, y: Any) -> Any:
    low, high = (intervals.xs(end, axis="columns", level=1).to_numpy() for end in ("lower", "upper"))
    return ((low <= y) & (y <= high)).sum(axis=0)


def assert_promise_kept(n_inside: Any, n_new: int, n_known: int, coverage: float, *, never_less: bool = True) -> None:
    """So many of ``n_new`` were covered as scores in random order give, but for once in ten thousand times.

    Of thresholds at rank k among n, the chance to cover is that of a beta distribution, and the count beta-binomial.
    """
    rank = np.ceil((n_known + 1) * coverage - 1e-9)
    low, high = stats.betabinom.ppf([0.5e-4, 1 - 0.5e-4], n_new, rank, n_known + 1 - rank)
    assert (np.asarray(n_inside) >= low).all()
    assert not never_less or (np.asarray(n_inside) <= high).all()


@pytest.mark.parametrize("noise", ["normal", "standard_cauchy"])
def test_intervals_from_records_of_the_users_own_cover_as_promised(noise: str) -> None:
    fitted = clone(trained_regressor()).fit(*draw_values(60, 0)).conformalize(*draw_values(99, 1, noise))
    X, y = draw_values(400, 2, noise)
    for coverage in COVERAGES:
        assert_promise_kept(count_inside(fitted.predict_interval(X, coverage), y), 400, 99, coverage)


def test_sets_from_records_of_the_users_own_cover_as_promised() -> None:
    fitted = clone(trained_classifier()).fit(*draw_classes(60, 0)).conformalize(*draw_classes(99, 1))
    X, y = draw_classes(400, 2)
    accuracy = fitted.score(X, y)
    for coverage in COVERAGES:
        sets = fitted.predict_set(X, coverage)
        inside = sets.to_numpy()[np.arange(400), np.searchsorted(fitted.classes_, y)].sum()
        # The most probable class is always there, also where that is more than was asked for.
        assert_promise_kept(inside, 400, 99, coverage, never_less=accuracy < coverage - 0.1)


@pytest.mark.parametrize("noise", ["normal", "standard_cauchy"])
def test_intervals_of_a_solved_head_come_from_records_left_out_in_turn(noise: str) -> None:
    fitted = solved_regressor(noise)
    assert repr(fitted.conformity_scores_) == "<scores of 99 records>"
    X, y = draw_values(400, 2, noise)
    for coverage in COVERAGES:
        assert_promise_kept(count_inside(fitted.predict_interval(X, coverage), y), 400, 99, coverage)
    # The errors on what was learnt would promise far too little.
    learnt = np.abs(fitted.predict(draw_values(99, 0, noise)[0]) - draw_values(99, 0, noise)[1])
    assert (np.median(learnt, axis=0) < np.median(fitted.conformity_scores_.scores, axis=0)).all()


def test_sets_of_a_solved_head_come_from_records_left_out_in_turn() -> None:
    fitted = solved_classifier()
    assert repr(fitted.conformity_scores_) == "<scores of 99 records>"
    X, y = draw_classes(400, 2)
    for coverage in COVERAGES:
        inside = fitted.predict_set(X, coverage).to_numpy()[np.arange(400), np.searchsorted(fitted.classes_, y)].sum()
        assert_promise_kept(inside, 400, 99, coverage, never_less=fitted.score(X, y) < coverage - 0.1)


def test_errors_left_out_are_those_of_fits_without_the_record() -> None:
    X, y = draw_values(24, 0)
    kernels = quick(SeqCNNEmbedder, "minirocket", normalize=None).fit(X).encoder_
    together = quick(SeqCNNRegressor, kernels, normalize=None).fit(X, y)
    known = together.conformity_scores_.scores
    ours = np.array(
        [
            np.abs(quick(SeqCNNRegressor, kernels, normalize=None).fit(*without).predict(X[[row]])[0] - y[row])
            for row in range(24)
            for without in [(np.delete(X, row, 0), np.delete(y, row, 0))]
        ]
    )
    # Each fit chooses a penalty of its own, so that they are near, record by record, and not the same.
    assert np.corrcoef(np.sort(ours, axis=0).ravel(), known.ravel())[0, 1] > 0.98
    np.testing.assert_allclose(ours.mean(axis=0), known.mean(axis=0), rtol=0.1)


def test_windows_count_as_the_one_record_that_they_are_of() -> None:
    X, y = draw_values(30, 0)
    fitted = quick(SeqCNNRegressor, "minirocket", window_length=20).fit(X, y[:, 0])
    assert fitted.conformity_scores_.scores.shape == (30, 1)


def test_records_held_back_give_the_errors_of_a_trained_network() -> None:
    X, y = draw_values(60, 0)
    fitted = quick(SeqCNNRegressor, early_stopping=True, validation_fraction=0.5).fit(X, y)
    assert repr(fitted.conformity_scores_) == "<scores of 30 records>"
    assert fitted.predict_interval(X, 0.9).shape == (60, 4)


def test_validation_records_give_the_errors_of_a_trained_network() -> None:
    X, y = draw_values(60, 0)
    watched = quick(SeqCNNRegressor, early_stopping=False).fit(X[:20], y[:20], X_val=X[20:], y_val=y[20:])
    again = quick(SeqCNNRegressor, early_stopping=False).fit(X[:20], y[:20]).conformalize(X[20:], y[20:])
    np.testing.assert_array_equal(watched.conformity_scores_.scores, again.conformity_scores_.scores)
    pd.testing.assert_frame_equal(watched.predict_interval(X), again.predict_interval(X))


def test_groups_count_as_one_each_wherever_they_come_from() -> None:
    X, y = draw_values(60, 0)
    groups = np.arange(60) // 5
    solved = quick(SeqCNNRegressor, "minirocket").fit(X, y, groups=groups)
    held = quick(SeqCNNRegressor, early_stopping=True, validation_fraction=0.5).fit(X, y, groups=groups)
    own = quick(SeqCNNRegressor).fit(X, y).conformalize(*draw_values(20, 1), groups=np.arange(20) // 4)
    assert [repr(fitted.conformity_scores_) for fitted in (solved, held, own)] == [
        "<scores of 12 groups>",
        "<scores of 6 groups>",
        "<scores of 5 groups>",
    ]


def test_where_all_records_are_one_group_none_could_be_left_out() -> None:
    X, y = draw_values(20, 0)
    fitted = quick(SeqCNNRegressor, "minirocket").fit(X, y, groups=np.zeros(20))
    assert not hasattr(fitted, "conformity_scores_")


def test_weights_count_and_a_weight_of_zero_is_a_record_absent() -> None:
    X, y = draw_values(40, 0)
    weights = np.repeat([0.0, 1.0, 3.0], [10, 20, 10])
    new = draw_values(40, 1)
    for encoder in ("minirocket", "fcn"):
        whole = quick(SeqCNNRegressor, encoder).fit(X, y, sample_weight=weights)
        part = quick(SeqCNNRegressor, encoder).fit(X[10:], y[10:], sample_weight=weights[10:])
        if encoder == "fcn":
            whole.conformalize(*new, sample_weight=weights)
            part.conformalize(new[0][10:], new[1][10:], sample_weight=weights[10:])
        np.testing.assert_allclose(whole.conformity_scores_.scores, part.conformity_scores_.scores, rtol=1e-4)
        np.testing.assert_array_equal(whole.conformity_scores_.counts, part.conformity_scores_.counts)
        assert whole.conformity_scores_.n_witnesses == pytest.approx((20 + 30) ** 2 / (20 + 90))


def test_class_weights_change_what_is_learnt_and_not_what_is_to_come() -> None:
    X, y = draw_classes(40, 0)
    fitted = quick(encoder="minirocket", class_weight={y[0]: 5.0}).fit(X, y)
    np.testing.assert_array_equal(fitted.conformity_scores_.counts, 1.0)


def test_intervals_grow_with_the_coverage_around_the_prediction() -> None:
    X, _ = draw_values(20, 3)
    predicted, width = solved_regressor().predict(X), np.zeros((20, 2))
    for coverage in (0.1, 0.5, 0.9, 0.99):
        table = solved_regressor().predict_interval(X, coverage)
        low, high = table.to_numpy()[:, ::2], table.to_numpy()[:, 1::2]
        np.testing.assert_allclose((low + high) / 2, predicted)
        assert (high - low >= width).all()
        width = high - low


def test_sets_grow_with_the_coverage_and_are_never_empty() -> None:
    X, _ = draw_classes(40, 3)
    before = np.zeros((40, 3), dtype=bool)
    for coverage in (0.05, 0.5, 0.9, 0.99):
        sets = solved_classifier().predict_set(X, coverage)
        assert sets.to_numpy()[np.arange(40), solved_classifier().predict_proba(X).argmax(axis=1)].all()
        assert (sets.to_numpy() | ~before).all()
        before = sets.to_numpy()


def test_tables_are_named_like_y() -> None:
    X, y = draw_values(30, 0)
    solved = quick(SeqCNNRegressor, "minirocket")
    for target, columns in (
        (y[:, 0], ["lower", "upper"]),
        (y[:, :1], [("target_0", "lower"), ("target_0", "upper")]),
        (pd.Series(y[:, 0], name="level"), ["lower", "upper"]),
        (
            pd.DataFrame(y, columns=NAMES),
            [("level", "lower"), ("level", "upper"), ("spread", "lower"), ("spread", "upper")],
        ),
    ):
        table = solved.fit(X, target).predict_interval(X[:4])
        assert table.columns.tolist() == columns
        assert table.shape == (4, len(columns))
    level = table["level"]
    assert (level["lower"] < level["upper"]).all()
    sets = quick(encoder="minirocket").fit(SERIES, FIRST).predict_set(SERIES[:3])
    assert sets.columns.tolist() == [False, True]
    assert {dtype.kind for dtype in sets.dtypes} == {"b"}


def test_columns_of_a_frame_are_taken_by_name() -> None:
    X, y = draw_values(30, 0)
    fitted = quick(SeqCNNRegressor).fit(X, pd.DataFrame(y, columns=NAMES))
    known = fitted.conformalize(X, pd.DataFrame(y, columns=NAMES)).conformity_scores_
    turned = fitted.conformalize(X, pd.DataFrame(y, columns=NAMES)[NAMES[::-1]]).conformity_scores_
    np.testing.assert_array_equal(known.scores, turned.scores)


@pytest.mark.parametrize("grouped", [False, True])
def test_files_and_pickles_and_copies_keep_what_is_known(grouped: bool, tmp_path: Any) -> None:
    X, y = draw_values(40, 0)
    groups = np.arange(40) // 3 if grouped else None
    solved = quick(SeqCNNRegressor, "minirocket").fit(X, y, sample_weight=np.arange(1.0, 41.0), groups=groups)
    labelled = quick(encoder="minirocket").fit(SERIES, LABELS, groups=None if groups is None else groups[:24])
    for number, (fitted, ask) in enumerate(
        ((solved, lambda model: model.predict_interval(X, 0.7)), (labelled, lambda model: model.predict_set(SERIES)))
    ):
        if grouped and number:
            labelled.conformalize(SERIES, LABELS, groups=np.arange(24))
        fitted.save(tmp_path / "model.seqcnn")
        for copy in (load(tmp_path / "model.seqcnn"), pickle.loads(pickle.dumps(fitted))):
            pd.testing.assert_frame_equal(ask(copy), ask(fitted))
            assert repr(copy.conformity_scores_) == repr(fitted.conformity_scores_)
        assert not hasattr(clone(fitted), "conformity_scores_")
        assert ask(fitted.set_params(verbose=0)) is not None


def test_a_file_without_errors_is_a_model_without_them(tmp_path: Any) -> None:
    trained_regressor().save(tmp_path / "model.seqcnn")
    assert not hasattr(load(tmp_path / "model.seqcnn"), "conformity_scores_")


def test_a_file_whose_errors_are_not_the_models_is_refused(tmp_path: Any) -> None:
    fitted, path = quick(encoder="minirocket").fit(SERIES, LABELS), tmp_path / "model.seqcnn"
    fitted.conformity_scores_ = solved_regressor().conformity_scores_
    fitted.save(path)
    assert message_of(ModelFileError, load, path) == (
        f"The model file {path} is damaged, or was changed after it was written: its errors on records that were not "
        "learnt are (99, 2) and (99, 2). Save the model again, or take another copy of the file."
    )


def test_an_embedder_keeps_no_errors() -> None:
    assert not hasattr(quick(SeqCNNEmbedder, "minirocket").fit(SERIES, LABELS), "conformity_scores_")


def test_errors_are_forgotten_when_training_goes_on() -> None:
    X, y = draw_values(60, 0)
    fitted = quick(SeqCNNRegressor).fit(X[:30], y[:30]).conformalize(X[30:], y[30:])
    assert not hasattr(fitted.partial_fit(X, y), "conformity_scores_")
    fitted.conformalize(X, y)
    with pytest.raises(ValueError, match="must hold equally many cases"):
        fitted.partial_fit(X, y[:3])
    assert hasattr(fitted, "conformity_scores_"), "a call that failed changes nothing"
    assert not hasattr(fitted.fit(X, y), "conformity_scores_")


def test_conformalizing_changes_no_prediction() -> None:
    X, y = draw_classes(30, 1)
    before = trained_classifier().predict_proba(X)
    assert trained_classifier().conformalize(X, y) is trained_classifier()
    np.testing.assert_array_equal(trained_classifier().predict_proba(X), before)
    del trained_classifier().conformity_scores_


def test_without_errors_it_says_where_to_get_them() -> None:
    for fitted, method in ((trained_regressor(), "predict_interval"), (trained_classifier(), "predict_set")):
        assert message_of(ValueError, getattr(fitted, method), draw_values(2, 0)[0]) == (
            f"{type(fitted).__name__}.{method} needs errors on records that were not learnt. Received: a model that "
            "kept none, because fit held no records back. Call conformalize(X, y) with records that fit has not seen; "
            "or fit with early_stopping=True, which holds some back, or with an encoder of fixed kernels, such as "
            "'multirocket', which leaves each record out in turn."
        )


def test_a_coverage_beyond_what_is_known_is_refused() -> None:
    X, _ = draw_values(12, 0)
    assert message_of(ValueError, solved_regressor().predict_interval, X, 0.999) == (
        "The 'coverage' parameter of SeqCNNRegressor.predict_interval must be at most 0.99, which is what errors on 99 "
        "records can promise. Received: 0.999, which takes 999 records. Pass coverage=0.99 or less, or call "
        "conformalize with so many records that fit has not seen."
    )
    few = quick(encoder="minirocket").fit(SERIES, LABELS, groups=np.arange(24) % 4)
    assert message_of(ValueError, few.predict_set, SERIES) == (
        "The 'coverage' parameter of SeqCNNClassifier.predict_set must be at most 0.8, which is what errors on 4 "
        "groups can promise. Received: 0.9, which takes 9 groups. Pass coverage=0.8 or less, or call conformalize with "
        "so many groups that fit has not seen."
    )


def test_sets_of_labels_have_no_one_label_to_be_found() -> None:
    y = np.column_stack([FIRST, ~FIRST, FIRST]).astype(int)
    fitted = quick(encoder="minirocket").fit(SERIES, y)
    assert not hasattr(fitted, "conformity_scores_")
    for method, arguments in (("predict_set", (SERIES,)), ("conformalize", (SERIES, y))):
        assert message_of(ValueError, getattr(fitted, method), *arguments) == (
            f"SeqCNNClassifier.{method} is for records that have one label each: it tells which labels may be the one. "
            "Received: a model that was fitted on an indicator matrix, where every label is a question of its own. Use "
            "predict_proba, or fit a classifier for each label."
        )


def test_answers_that_were_not_fitted_are_refused() -> None:
    X, y = draw_values(12, 0)
    assert message_of(ValueError, trained_regressor().conformalize, X, y[:, 0]) == (
        "The y of SeqCNNRegressor.conformalize must hold as many targets as fit had, 2. Received: 1. Pass the same "
        "columns."
    )
    fitted = quick().fit(SERIES, np.where(FIRST, "a", "b"))
    assert message_of(ValueError, fitted.conformalize, SERIES[:2], ["c", "a"]) == (
        "The y of SeqCNNClassifier.conformalize must hold classes that were fitted only, 'a' and 'b'. Received: 'c'. "
        "Drop these records, or fit with records of these classes."
    )


@pytest.mark.parametrize("estimator", [SeqCNNRegressor(), SeqCNNClassifier()])
def test_what_is_not_fitted_says_so(estimator: Any) -> None:
    method = "predict_interval" if isinstance(estimator, SeqCNNRegressor) else "predict_set"
    with pytest.raises(NotFittedError):
        getattr(estimator, method)(SERIES)
    with pytest.raises(NotFittedError):
        estimator.conformalize(SERIES, LABELS)
