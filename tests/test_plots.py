"""Pictures hold the numbers that were computed, fit two and many classes, and say in full what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import (
    LABELS,
    LANGUAGES,
    RATE,
    SERIES,
    SOUNDS,
    TEXTS,
    WORDS,
    message_of,
    quick,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import PredictionErrorDisplay
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from spotting_helpers import FakeClassifier, say

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.plots import (
    ConfusionMatrixDisplay,
    DetectionCurveDisplay,
    LearningCurveDisplay,
    RecordDisplay,
    ReliabilityDisplay,
)
from seqcnn.spotting import KeywordSpotter

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

WINDOWED = quick(window_length=16, hop_length=8).fit(SERIES, LABELS)
STOPPED = quick(max_epochs=6, early_stopping=True, validation_fraction=0.25).fit(SERIES, LABELS)
SPECIES = np.array([f"species {number}" for number in range(75)])


@pytest.fixture(autouse=True)
def _no_figure_is_left_and_each_can_be_written() -> Iterator[None]:
    yield
    for number in pyplot.get_fignums():
        pyplot.figure(number).canvas.draw()
    pyplot.close("all")


def lines_of(panel: Any) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(line.get_ydata()) for line in panel.get_lines()]


def legend_of(panel: Any) -> list[str]:
    return [text.get_text() for text in panel.get_legend().get_texts()]


# Learning curves


def test_learning_curve_holds_the_history_and_marks_the_epoch_that_was_kept() -> None:
    display = LearningCurveDisplay.from_estimator(STOPPED)
    history = STOPPED.history_
    losses, score, rate = display.axes_
    np.testing.assert_array_equal(lines_of(losses)[0], history["train_loss"])
    np.testing.assert_array_equal(lines_of(losses)[1], history["validation_loss"])
    np.testing.assert_array_equal(lines_of(score)[0], history["validation_score"])
    np.testing.assert_array_equal(lines_of(rate)[0], history["learning_rate"])
    assert [panel.get_ylabel() for panel in display.axes_] == ["loss", "accuracy", "learning rate"]
    assert rate.get_xlabel() == "epoch"
    assert legend_of(losses) == ["training", "validation", f"kept: epoch {STOPPED.kept_epoch_}"]
    assert {line.get_xdata()[0] for line in (panel.get_lines()[-1] for panel in display.axes_)} == {STOPPED.kept_epoch_}
    assert display.ax_ is losses
    assert display.figure_ is losses.figure


def test_kept_epoch_is_the_one_whose_score_the_network_still_has() -> None:
    X, y = make_shapes_in_noise(60, noise=0.6, random_state=0)
    X_val, y_val = make_shapes_in_noise(60, noise=0.6, random_state=1)
    fitted = quick(max_epochs=12, encoder__width=4, early_stopping=True).fit(X, y, X_val=X_val, y_val=y_val)
    kept = fitted.history_.set_index("epoch").loc[fitted.kept_epoch_]
    assert fitted.score(X_val, y_val) == pytest.approx(kept["validation_score"])
    proba = fitted.predict_proba(X_val)[np.arange(60), np.searchsorted(fitted.classes_, y_val)]
    assert -np.log(proba).mean() == pytest.approx(kept["validation_loss"], rel=1e-5)


def test_without_validation_the_last_epoch_is_kept_and_no_mark_is_drawn() -> None:
    fitted = quick(max_epochs=3).fit(SERIES, LABELS)
    assert fitted.kept_epoch_ == 3
    display = LearningCurveDisplay.from_estimator(fitted)
    assert [panel.get_ylabel() for panel in display.axes_] == ["loss", "learning rate"]
    assert legend_of(display.ax_) == ["training"]


def test_learning_curve_of_a_regressor_shows_r_squared() -> None:
    fitted = quick(SeqCNNRegressor, early_stopping=True).fit(SERIES, SERIES.max(axis=1))
    assert LearningCurveDisplay.from_estimator(fitted).axes_[1].get_ylabel() == "R²"


def test_learning_curve_of_a_closed_form_is_its_one_line_in_figures() -> None:
    fitted = quick(encoder="minirocket").fit(SERIES, LABELS)
    display = LearningCurveDisplay.from_estimator(fitted)
    row = fitted.history_.iloc[0]
    assert [text.get_text() for text in display.ax_.texts] == [
        f"{row['train_loss']:.3g}",
        f"{row['validation_loss']:.3g}",
    ]
    assert display.axes_[-1].get_xlabel() == "solved in closed form: there are no epochs"
    assert legend_of(display.ax_) == ["training", "validation"]


def test_learning_curve_takes_pipelines_and_searches() -> None:
    pipeline = make_pipeline(FunctionTransformer(np.diff), quick()).fit(SERIES, LABELS)
    search = GridSearchCV(quick(), {"max_epochs": [3]}, cv=2).fit(SERIES, LABELS)
    assert len(lines_of(LearningCurveDisplay.from_estimator(pipeline).ax_)[0]) == 2
    assert len(lines_of(LearningCurveDisplay.from_estimator(search).ax_)[0]) == 3


def test_learning_curve_says_what_it_needs() -> None:
    model = LogisticRegression().fit(SERIES, LABELS)
    assert message_of(TypeError, LearningCurveDisplay.from_estimator, model) == (
        "LearningCurveDisplay draws the history_ of a fitted estimator of seqcnn, a pipeline that ends in one, or a "
        "search over them. Received: LogisticRegression(), which has none. Pass such an estimator."
    )
    embedder = quick(SeqCNNEmbedder).fit(SERIES)
    assert message_of(ValueError, LearningCurveDisplay.from_estimator, embedder) == (
        "LearningCurveDisplay draws a line an epoch. Received: a history without any, because nothing was trained (an "
        "embedder that was fitted without y keeps its initial filters). Fit with targets."
    )


def test_panels_can_be_given() -> None:
    figure, panels = pyplot.subplots(1, 2, layout="constrained")
    display = LearningCurveDisplay.from_estimator(STOPPED, ax=panels[0])
    assert display.figure_ is figure
    assert len(figure.axes) == 2 + 3
    own, three = pyplot.subplots(3)
    assert LearningCurveDisplay.from_estimator(STOPPED, ax=three).axes_.tolist() == three.tolist()
    assert len(own.axes) == 3
    assert message_of(ValueError, LearningCurveDisplay.from_estimator, STOPPED, ax=panels) == (
        "The 'ax' parameter of LearningCurveDisplay must be None, a subplot, whose place is divided, or 3 panels. "
        "Received: 2 panels. Pass what pyplot.subplots(nrows=3) gives, or leave ax out."
    )
    free = figure.add_axes((0.1, 0.1, 0.2, 0.2))
    assert message_of(ValueError, LearningCurveDisplay.from_estimator, STOPPED, ax=free) == (
        "The 'ax' parameter of LearningCurveDisplay must be None, a subplot, whose place is divided, or 3 panels. "
        "Received: a panel that is no subplot. Pass what pyplot.subplots(nrows=3) gives, or leave ax out."
    )


# Confusion matrices


def test_confusion_matrix_is_coloured_by_row_and_shows_counts() -> None:
    display = ConfusionMatrixDisplay.from_predictions(["no"] * 9 + ["yes"], ["no"] * 6 + ["yes"] * 4)
    assert display.confusion_matrix.tolist() == [[6, 3], [0, 1]]
    np.testing.assert_allclose(display.im_.get_array(), [[6 / 9, 3 / 9], [0, 1]])
    assert [text.get_text() for text in display.text_.ravel()] == ["6", "3", "0", "1"]
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == ["no", "yes"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("predicted", "true")


def test_confusion_matrix_of_a_classifier_has_its_classes_also_where_none_is_there() -> None:
    rows = np.flatnonzero(np.equal(LABELS, WINDOWED.classes_[0]))
    display = ConfusionMatrixDisplay.from_estimator(WINDOWED, SERIES[rows], LABELS[rows])
    assert display.confusion_matrix.sum() == len(rows)
    assert list(display.display_labels) == list(WINDOWED.classes_)
    assert np.ma.getmaskarray(display.im_.get_array())[1].all()  # no case, so no share
    assert display.ax_.get_title() == "SeqCNNClassifier"


def test_seventy_five_classes_have_their_names_and_the_worst_pairs_by_name() -> None:
    random = np.random.default_rng(0)
    true = random.integers(0, 75, 3000)
    predicted = np.where(random.random(3000) < 0.9, true, random.integers(0, 75, 3000))
    predicted[true == 7] = 9
    display = ConfusionMatrixDisplay.from_predictions(SPECIES[true], SPECIES[predicted], labels=SPECIES)
    assert display.text_ is None
    assert [tick.get_text() for tick in display.ax_.get_xticklabels()] == SPECIES.tolist()
    worst = display.most_confused(3)
    n_cases = int((true == 7).sum())
    assert worst.iloc[0].tolist() == ["species 7", "species 9", n_cases, 1.0]
    assert worst["share"].is_monotonic_decreasing
    first, *others = display.ax_.get_xlabel().splitlines()[2:]
    assert first == f"1  species 7 read as species 9: {n_cases} (100 %)"
    assert len(others) == 4
    (rings,) = display.ax_.collections
    assert rings.get_offsets()[0].tolist() == [9, 7]


def test_names_with_dollars_underscores_and_great_length_are_drawn_as_they_are() -> None:
    names = np.array(["_silence_", "$a$ or $", "a name that is much longer than there is room for"])
    display = ConfusionMatrixDisplay.from_predictions(names, names[[1, 1, 2]], n_pairs=2)
    display.figure_.canvas.draw()
    assert display.text_ is not None
    assert "1  _silence_ read as \\$a\\$ or \\$: 1 (100 %)" in display.ax_.get_xlabel()


def test_confusion_matrix_of_weights_and_of_nothing_confused() -> None:
    display = ConfusionMatrixDisplay.from_predictions(["a", "b"], ["a", "b"], sample_weight=[0.5, 1.25], n_pairs=3)
    assert [text.get_text() for text in display.text_.ravel()] == ["0.5", "0", "0", "1.25"]
    assert display.most_confused().empty
    assert display.ax_.get_xlabel() == "predicted"


def test_confusion_matrix_says_what_to_use_for_a_regressor() -> None:
    regressor = quick(SeqCNNRegressor, max_epochs=1).fit(SERIES, SERIES.max(axis=1))
    assert message_of(TypeError, ConfusionMatrixDisplay.from_estimator, regressor, SERIES, LABELS).endswith(
        ", which has no classes_. Pass a fitted classifier; for a regressor, sklearn.metrics.PredictionErrorDisplay "
        "draws predicted against true values."
    )
    assert PredictionErrorDisplay.from_estimator(regressor, SERIES, SERIES.max(axis=1)).ax_ is not None


# Reliability


@settings(deadline=None, max_examples=15)
@given(st.integers(2, 5), st.integers(1, 12), st.integers(0, 10**6))
def test_calibration_error_is_that_of_the_definition(n_classes: int, n_bins: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    said = random.dirichlet(np.ones(n_classes), 40).round(2)
    true = random.integers(0, n_classes, 40)
    classes = np.arange(n_classes)
    display = ReliabilityDisplay.from_predictions(true, np.clip(said, 0, 1), classes=classes, n_bins=n_bins)
    confidence, right = said.max(axis=1), said.argmax(axis=1) == true
    if n_classes == 2:
        confidence, right = said[:, 1], true == 1
    error = 0.0
    for number in range(n_bins):
        low, high = np.linspace(0, 1, n_bins + 1)[number : number + 2]
        inside = (confidence > low) & (confidence <= high) | (number == 0) & (confidence == 0)
        assert display.bins["count"][number] == inside.sum()
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert display.expected_calibration_error == pytest.approx(error)
    assert display.ax_.get_title() == f"expected calibration error {display.expected_calibration_error:.3f}"
    filled = display.bins[display.bins["count"] > 0]
    bars = display.ax_.containers[0]
    np.testing.assert_allclose([bar.get_height() for bar in bars], filled["share"])
    np.testing.assert_allclose([bar.get_height() for bar in display.axes_[1].patches], display.bins["count"])
    pyplot.close("all")


def test_of_two_classes_the_second_one_is_drawn_whichever_way_it_is_given() -> None:
    y, second = np.array(["no", "yes", "yes", "no"]), np.array([0.1, 0.9, 0.4, 0.3])
    display = ReliabilityDisplay.from_predictions(y, second)
    table = ReliabilityDisplay.from_predictions(y, np.column_stack([1 - second, second]))
    pd.testing.assert_frame_equal(display.bins, table.bins)
    assert display.axes_[1].get_xlabel() == "predicted probability of yes"
    assert display.ax_.get_ylabel() == "share of yes"


def test_reliability_of_a_classifier() -> None:
    display = ReliabilityDisplay.from_estimator(WINDOWED, SERIES, LABELS, n_bins=5)
    assert display.bins["count"].sum() == len(SERIES)
    assert display.ax_.get_title().startswith("SeqCNNClassifier\nexpected calibration error ")
    assert legend_of(display.ax_) == ["as it should be", "observed", "distance", "95 % interval"]


def test_reliability_says_all_that_is_wrong() -> None:
    call = ReliabilityDisplay.from_predictions
    assert message_of(ValueError, call, ["a", "b"], [[0.5, 0.5, 0.0], [0.5, 0.5, 2.0]]) == (
        "ReliabilityDisplay cannot be drawn. y_prob must have a column a class. Received: 3 columns, but y_true holds "
        "2. Pass classes= in the order of the columns. y_prob must be from 0 to 1. Received: 0 to 2. Pass "
        "probabilities."
    )
    assert message_of(ValueError, call, ["a", "b", "b"], [0.5, 0.5]) == (
        "ReliabilityDisplay cannot be drawn. y_true must be (n_cases,) and y_prob (n_cases, n_classes), of as many "
        "cases and at least one. Received: (3,) and (2,)."
    )
    assert message_of(ValueError, call, ["a", "c"], [0.5, 0.5], classes=["a", "b"]) == (
        "ReliabilityDisplay cannot be drawn. y_true must hold labels of the classes. Received: 'c'. Drop these cases."
    )
    assert message_of(ValueError, call, ["a", "b"], [0.5, 0.5], n_bins=0) == (
        "The 'n_bins' parameter of ReliabilityDisplay must be an integer of at least 1. Received: 0. Pass n_bins=1 or "
        "more."
    )
    regressor = SeqCNNRegressor()
    assert message_of(TypeError, ReliabilityDisplay.from_estimator, regressor, SERIES, LABELS) == (
        "ReliabilityDisplay needs a classifier with predict_proba. Received: SeqCNNRegressor(). Pass a fitted "
        "classifier, or from_predictions the probabilities of your own."
    )


# Records


def test_record_display_holds_the_record_and_its_window_scores() -> None:
    display = RecordDisplay.from_estimator(WINDOWED, SERIES[0], threshold=0.5)
    windows = WINDOWED.predict_windows(SERIES[:1])
    (wave,) = lines_of(display.axes_[0])
    np.testing.assert_array_equal(wave, SERIES[0])
    first, second, threshold = display.ax_.get_lines()
    np.testing.assert_array_equal(first.get_xdata(), (windows["start"] + windows["end"]) / 2)
    np.testing.assert_array_equal(first.get_ydata(), windows[WINDOWED.classes_[0]])
    np.testing.assert_array_equal(second.get_ydata(), windows[WINDOWED.classes_[1]])
    assert threshold.get_ydata()[0] == 0.5
    assert legend_of(display.ax_) == [*WINDOWED.classes_, "threshold 0.5"]
    assert [panel.get_ylabel() for panel in display.axes_] == ["value", "probability"]
    assert display.ax_.get_xlabel() == "time step"
    means = WINDOWED.predict_proba(SERIES[:1])[0]
    assert display.axes_[0].get_title() == f"SeqCNNClassifier: {WINDOWED.classes_[means.argmax()]} ({means.max():.2f})"


def scores_of(*rows: tuple[float, ...], hop: int = 10, length: int = 20) -> pd.DataFrame:
    """Windows of these scores, of labels 0, 1, 2, ..."""
    starts = hop * np.arange(len(rows))
    places = pd.DataFrame({"start": starts, "end": starts + length})
    return pd.concat([places, pd.DataFrame(rows)], axis="columns")


def test_stretches_join_neighbours_of_one_label_and_end_midway_between_windows() -> None:
    windows = scores_of((0.9, 0.1), (0.8, 0.2), (0.3, 0.7), (0.45, 0.55))
    display = RecordDisplay(np.zeros((1, 50)), windows, threshold=0.6)
    assert display.stretches.to_numpy().tolist() == [[0, 25, 0, 0.9], [25, 35, 1, 0.7], [35, 50, None, 0.55]]
    whole = RecordDisplay(np.zeros((1, 50)), windows).plot()
    assert whole.stretches.to_numpy().tolist() == [[0, 25, 0, 0.9], [25, 50, 1, 0.7]]
    (spans,) = whole.axes_[0].collections
    assert [path.get_extents().x0 for path in spans.get_paths()] == [0, 25]
    assert [path.get_extents().x1 for path in spans.get_paths()] == [25, 50]


def test_record_display_of_audio_is_in_seconds() -> None:
    classifier = quick(sample_rate=RATE, window_length=400).fit(SOUNDS, WORDS)
    display = RecordDisplay.from_estimator(classifier, np.concatenate(SOUNDS[:5]))
    n_samples = sum(map(len, SOUNDS[:5]))
    assert display.ax_.get_xlabel() == "time (s)"
    assert display.ax_.get_xlim() == pytest.approx((0, n_samples / RATE))
    assert display.axes_[0].get_ylabel() == "amplitude"
    # So many samples are drawn as their lowest and highest values.
    line = display.axes_[0].get_lines()[0]
    assert len(line.get_ydata()) <= 4000 < n_samples
    whole = np.concatenate(SOUNDS[:5])
    assert (line.get_ydata().min(), line.get_ydata().max()) == (whole.min(), whole.max())
    pair = RecordDisplay.from_estimator(classifier, (SOUNDS[0], RATE))
    np.testing.assert_array_equal(lines_of(pair.axes_[0])[0], SOUNDS[0])


def test_record_display_of_text_shows_its_characters_in_rows() -> None:
    classifier = quick(window_length=10, hop_length=5).fit(TEXTS, LANGUAGES)
    text = " ".join(TEXTS[:4]) + " $a$\n"
    display = RecordDisplay.from_estimator(classifier, text)
    shown = display.axes_[0].texts
    assert "".join(letter.get_text() for letter in shown) == text.replace(" ", "").replace("\n", "↵")
    assert [int(letter.get_position()[1]) for letter in shown] == [
        place // 80 for place, letter in enumerate(text) if letter != " "
    ]
    assert display.ax_.get_xlabel() == "character"
    assert display.ax_.get_xlim() == (0, len(text))


def test_letters_that_the_font_has_not_are_boxes_and_no_warnings() -> None:
    display = RecordDisplay("a漢\U0010fffdb", scores_of((0.2, 0.8), length=4), kind="text").plot()
    display.figure_.canvas.draw()
    shown = [letter.get_text() for letter in display.axes_[0].texts]
    assert (shown[0], shown[2], shown[3]) == ("a", "□", "b")


def test_empty_and_very_long_texts_are_drawn() -> None:
    assert RecordDisplay("", scores_of((0.2, 0.8), length=1), kind="text").plot().axes_[0].texts[:] == []
    long = RecordDisplay("x" * 5000, scores_of((0.2, 0.8), (0.9, 0.1), length=4990), kind="text").plot()
    assert len(long.axes_[0].texts) == 2000
    assert long.axes_[0].texts[-1].get_text() == "…"


def test_record_without_windows_has_one_bar_a_label() -> None:
    display = RecordDisplay.from_estimator(STOPPED, SERIES[0], threshold=0.9)
    scores = STOPPED.predict_proba(SERIES[:1])[0]
    np.testing.assert_allclose([bar.get_width() for bar in display.ax_.patches], np.sort(scores)[::-1])
    order = STOPPED.classes_[np.argsort(-scores)].tolist()
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == order
    assert display.ax_.get_xlabel() == "probability"


@pytest.mark.parametrize("n_windows", [1, 30])
def test_of_many_labels_the_best_have_colours_and_the_others_are_one(n_windows: int) -> None:
    scores = np.random.default_rng(0).dirichlet(np.full(75, 0.1), n_windows)
    windows = scores_of(*map(tuple, scores)).rename(columns=dict(enumerate(SPECIES)))
    display = RecordDisplay(np.zeros((2, 10 * n_windows + 10)), windows, sample_rate=10).plot()
    if n_windows == 1:
        widths = [bar.get_width() for bar in display.ax_.patches]
        np.testing.assert_allclose(widths[:6], np.sort(scores[0])[::-1][:6])
        assert sum(widths) == pytest.approx(1)
    else:
        assert legend_of(display.ax_)[-1] == "highest of 69 others"
        shown = set(legend_of(display.ax_)[:-1])
        others = windows[[name for name in SPECIES if name not in shown]]
        np.testing.assert_allclose(lines_of(display.ax_)[6], others.max(axis=1))


@pytest.mark.parametrize(("n_channels", "labels"), [(3, ["channel 0", "channel 1", "channel 2"]), (12, ["channel"])])
def test_channels_have_a_panel_each_or_share_a_coloured_one(n_channels: int, labels: list[str]) -> None:
    X, y = make_shapes_in_noise(12, n_classes=2, n_channels=n_channels, length=40, random_state=0)
    classifier = quick(window_length=16, max_epochs=1).fit(X, y)
    display = RecordDisplay.from_estimator(classifier, X[0])
    assert [panel.get_ylabel() for panel in display.axes_] == [*labels, "probability"]
    if n_channels == 3:
        for panel, channel in zip(display.axes_[:-1], X[0], strict=True):
            np.testing.assert_array_equal(lines_of(panel)[0], channel)
    else:
        shown = (X[0] - X[0].mean(axis=1, keepdims=True)) / X[0].std(axis=1, keepdims=True)
        np.testing.assert_allclose(display.axes_[0].get_images()[0].get_array(), shown, rtol=1e-5)


def test_record_display_of_a_regressor_has_its_predictions_and_no_label() -> None:
    regressor = quick(SeqCNNRegressor, window_length=16).fit(SERIES, SERIES.max(axis=1))
    display = RecordDisplay.from_estimator(regressor, SERIES[0])
    np.testing.assert_array_equal(lines_of(display.ax_)[0], regressor.predict_windows(SERIES[:1])["target"])
    assert display.ax_.get_ylabel() == "target"
    assert display.stretches.empty
    assert display.axes_[0].get_title() == f"SeqCNNRegressor: {regressor.predict(SERIES[:1])[0]:.4g}"


def test_record_display_takes_a_row_of_the_table_that_was_fitted() -> None:
    table = pd.DataFrame(SERIES, columns=[f"t{step}" for step in range(SERIES.shape[1])])
    classifier = quick(window_length=16, max_epochs=1).fit(table, LABELS)
    row, frame = RecordDisplay.from_estimator(classifier, table.iloc[0]), table.iloc[[0]]
    pd.testing.assert_frame_equal(row.windows, RecordDisplay.from_estimator(classifier, frame).windows)


def test_record_display_says_what_one_record_is() -> None:
    call = RecordDisplay.from_estimator
    assert message_of(ValueError, call, WINDOWED, SERIES[None]) == (
        "The 'record' parameter of RecordDisplay must be one record, such as X[0]. Received: an array of shape "
        "(1, 24, 40). Pass one of its records."
    )
    assert message_of(ValueError, call, WINDOWED, ["a", "b"]) == (
        "The 'record' parameter of RecordDisplay must be one record, such as X[0]. Received: a list of 2. Pass one of "
        "its items."
    )
    assert message_of(ValueError, call, WINDOWED, pd.DataFrame(SERIES)) == (
        "The 'record' parameter of RecordDisplay must be one record, such as X[0]. Received: a DataFrame of 24 rows. "
        "Pass X.iloc[[0]]."
    )
    pipeline = make_pipeline(quick())
    assert message_of(TypeError, call, pipeline, SERIES[0]).endswith(
        "Pass such an estimator; of a pipeline the last step, pipeline[-1], and the record as pipeline[:-1] transforms "
        "it."
    )
    assert message_of(TypeError, RecordDisplay, SERIES[:1], scores_of((1.0,)), threshold="high") == (
        "The 'threshold' parameter of RecordDisplay must be a finite number, or None. Received: 'high'. Pass a value "
        "in that range."
    )


# Without matplotlib


def test_importing_the_pictures_loads_no_matplotlib() -> None:
    code = "import json, sys, seqcnn; seqcnn.plots.RecordDisplay; print(json.dumps('matplotlib' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) is False


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("LearningCurveDisplay", lambda: LearningCurveDisplay.from_estimator(STOPPED)),
        ("ConfusionMatrixDisplay", lambda: ConfusionMatrixDisplay.from_estimator(STOPPED, SERIES, LABELS)),
        ("ConfusionMatrixDisplay", lambda: ConfusionMatrixDisplay([[1]]).plot()),
        ("ReliabilityDisplay", lambda: ReliabilityDisplay.from_estimator(STOPPED, SERIES, LABELS)),
        ("RecordDisplay", lambda: RecordDisplay.from_estimator(STOPPED, SERIES[0])),
    ],
)
def test_missing_matplotlib_is_named_with_what_to_install(
    name: str, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert message_of(ImportError, call) == (
        f"{name} draws with matplotlib, which cannot be imported here (import of matplotlib halted; None in "
        'sys.modules). Install it with pip install "seqcnn[plots]".'
    )


def test_records_of_several_labels_are_drawn_in_windows_and_label_by_label() -> None:
    X = np.random.default_rng(0).normal(size=(12, 40)).astype(np.float32)
    y = (X[:, :3] > 0).astype(int)
    classifier = SeqCNNClassifier("fcn", window_length=20, max_epochs=1, random_state=0).fit(X, y)
    assert len(RecordDisplay.from_estimator(classifier, X[0]).windows) == 3
    with pytest.raises(ValueError) as caught:
        ConfusionMatrixDisplay.from_estimator(classifier, X, y)
    assert str(caught.value) == (
        "ConfusionMatrixDisplay draws records that have one label each. Received: an indicator matrix of 3 labels. "
        "Draw one label at a time: "
        "ConfusionMatrixDisplay.from_predictions(y[:, label], estimator.predict(X)[:, label])."
    )
    with pytest.raises(ValueError) as caught:
        ReliabilityDisplay.from_estimator(classifier, X, y)
    assert str(caught.value) == (
        "ReliabilityDisplay draws records that have one label each. Received: an indicator matrix of 3 labels. Draw "
        "one label at a time: ReliabilityDisplay.from_predictions(y[:, label], estimator.predict_proba(X)[:, label])."
    )
    # What the messages advise.
    drawn = ConfusionMatrixDisplay.from_predictions(y[:, 0], classifier.predict(X)[:, 0])
    assert drawn.confusion_matrix.sum() == 12
    ReliabilityDisplay.from_predictions(y[:, 0], classifier.predict_proba(X)[:, 0])


def spotting_report() -> Any:
    clips = [say((0.4, level), seconds=1.0) for level in (0.1, 0.4, 0.9, -0.9)]
    noise = say(*[(number, 0.01 * number) for number in range(60)], seconds=60.0)
    return KeywordSpotter(FakeClassifier()).evaluate((clips, ["up", "up", "up", "down"]), noise, area_up_to=1000)


def test_a_detection_curve_falls_and_has_the_point_that_is_used_with_its_limits() -> None:
    report = spotting_report()
    display = DetectionCurveDisplay.from_report(report, name="small")
    panel = display.ax_
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("false accepts an hour", "words missed (%)")
    rates, misses = display.line_.get_xdata(), display.line_.get_ydata()
    assert (np.diff(misses) <= 0).all()
    assert set(rates) == set(report.curve["false_accepts_per_hour"])
    assert misses[-1] == pytest.approx(100 * report.curve["miss_rate"].min())
    point = panel.lines[1]
    assert (point.get_xdata()[0], point.get_ydata()[0]) == (report.false_accepts_per_hour, 100 * report.miss_rate)
    assert legend_of(panel) == [f"small: mean of misses {report.area:.1%}"]


def test_two_detection_curves_share_a_panel_and_its_legend() -> None:
    report = spotting_report()
    first = DetectionCurveDisplay.from_report(report, name="a")
    second = DetectionCurveDisplay(report.curve, name="b").plot(first.ax_)
    assert second.ax_ is first.ax_
    assert legend_of(first.ax_) == [f"a: mean of misses {report.area:.1%}", "b"]
    assert first.line_.get_color() != second.line_.get_color()


def test_what_is_no_detection_curve_is_refused_in_full_sentences() -> None:
    assert message_of(TypeError, DetectionCurveDisplay.from_report, 5) == (
        "DetectionCurveDisplay.from_report draws what KeywordSpotter.evaluate returns. Received: 5. Pass such a report."
    )
    assert message_of(ValueError, DetectionCurveDisplay(pd.DataFrame({"miss_rate": [0.5]})).plot) == (
        "DetectionCurveDisplay draws a DataFrame with the columns false_accepts_per_hour and miss_rate, a line a "
        "threshold. Received: one without false_accepts_per_hour. Pass the curve of a report."
    )
