"""Windowing: records are cut, and what windows say comes back by record or by window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from estimator_helpers import LABELS, LANGUAGES, RATE, SERIES, SOUNDS, TEXTS, WORDS, message_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.datasets import make_shapes_in_noise

NUMBERS = np.arange(24.0)


@pytest.mark.parametrize(
    ("X", "y", "parameters"),
    [
        (SERIES, LABELS, {"window_length": 16, "hop_length": 7}),
        ([series[: 20 + row] for row, series in enumerate(SERIES[:20])], LABELS[:20], {"window_length": 16}),
        (TEXTS, LANGUAGES, {"window_length": 10, "hop_length": 10}),
        (SOUNDS, WORDS, {"window_length": 400, "sample_rate": RATE}),
    ],
    ids=["table", "ragged", "text", "audio"],
)
def test_record_has_the_mean_probability_of_its_windows(X: Any, y: Any, parameters: dict[str, Any]) -> None:
    classifier = quick(**parameters).fit(X, y)
    windows = classifier.predict_windows(X)
    assert list(windows.columns) == ["record", "start", "end", *classifier.classes_]
    means = windows.groupby("record")[list(classifier.classes_)].mean()
    assert means.index.tolist() == list(range(len(y)))
    np.testing.assert_allclose(classifier.predict_proba(X), means, rtol=1e-6)
    assert (windows["end"] - windows["start"] == parameters["window_length"]).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(4, 20), st.integers(1, 20), st.lists(st.integers(20, 60), min_size=1, max_size=5))
def test_windows_of_any_length_and_hop_cover_every_sample_of_every_record(
    window_length: int, hop_length: int, lengths: list[int]
) -> None:
    hop_length = min(hop_length, window_length)
    classifier = quick(max_epochs=1, encoder__width=2, window_length=window_length, hop_length=hop_length)
    fitted = classifier.fit([SERIES[0], SERIES[1][:25]], ["a", "b"])
    windows = fitted.predict_windows([np.zeros(length) for length in lengths])
    assert sorted(set(windows["record"])) == list(range(len(lengths)))
    for record, length in enumerate(lengths):
        own = windows[windows["record"] == record]
        covered = np.zeros(length, dtype=bool)
        for start, end in zip(own["start"], own["end"], strict=True):
            assert end - start == window_length
            covered[start:end] = True
        assert covered.all()
        assert (np.diff(own["start"]) > 0).all()
        assert (np.diff(own["start"]) <= hop_length).all()


def test_hop_is_half_a_window_unless_given() -> None:
    classifier = quick(window_length=16).fit(SERIES, LABELS)
    assert classifier.predict_windows(SERIES[:1])["start"].tolist() == [0, 8, 16, 24]


def test_without_windows_each_record_is_one() -> None:
    classifier = quick().fit(SERIES, LABELS)
    windows = classifier.predict_windows(SERIES)
    assert windows["record"].tolist() == list(range(24))
    assert set(windows["start"]) == {0}
    assert set(windows["end"]) == {40}
    np.testing.assert_array_equal(windows[list(classifier.classes_)], classifier.predict_proba(SERIES))


def test_window_is_scored_as_a_record_that_holds_just_it() -> None:
    classifier = quick(window_length=16, precision="float64").fit(list(SERIES), LABELS)
    windows = classifier.predict_windows(list(SERIES))
    cut = [SERIES[row.record][row.start : row.end] for row in windows.itertuples()]
    np.testing.assert_allclose(windows[list(classifier.classes_)], classifier.predict_proba(cut), atol=1e-10)


def test_windows_tell_where_the_shape_stands() -> None:
    # A series of silence, with a burst in one place: windows that hold it are of the class, the others are not.
    rng = np.random.default_rng(0)
    X = rng.normal(scale=0.1, size=(60, 64))
    y = np.array(["quiet", "burst"])[np.arange(60) % 2]
    X[y == "burst"] += np.sin(np.arange(64))
    classifier = quick(window_length=16, hop_length=16, max_epochs=10).fit(X, y)
    long = rng.normal(scale=0.1, size=(1, 64))
    long[0, 16:32] += np.sin(np.arange(16))
    windows = classifier.predict_windows(long)
    assert windows["burst"].idxmax() == 1
    assert (windows["burst"] > 0.5).tolist() == [False, True, False, False]


def test_each_window_is_trained_on() -> None:
    whole = quick(batch_size=8, max_epochs=1).fit(SERIES, LABELS)
    cut = quick(batch_size=8, max_epochs=1, window_length=10, hop_length=10).fit(SERIES, LABELS)
    batches = [int(fitted.network_.encoder.blocks[0].normalization.num_batches_tracked) for fitted in (whole, cut)]
    assert batches == [24 // 8, 4 * 24 // 8]


@pytest.mark.parametrize("n_targets", [1, 2])
def test_value_of_a_record_is_the_mean_of_its_windows(n_targets: int) -> None:
    y = NUMBERS if n_targets == 1 else np.column_stack([NUMBERS, -NUMBERS])
    regressor = quick(SeqCNNRegressor, window_length=16).fit(SERIES, y)
    windows = regressor.predict_windows(SERIES)
    names = ["target"] if n_targets == 1 else ["target_0", "target_1"]
    assert list(windows.columns) == ["record", "start", "end", *names]
    means = windows.groupby("record")[names].mean().to_numpy()
    np.testing.assert_allclose(regressor.predict(SERIES), means[:, 0] if n_targets == 1 else means, rtol=1e-6)


def test_features_of_a_record_are_the_mean_of_its_windows() -> None:
    embedder = quick(SeqCNNEmbedder, window_length=16, hop_length=12).fit(list(SERIES))
    pieces = [embedder.transform([series[start : start + 16] for series in SERIES]) for start in (0, 12, 24)]
    np.testing.assert_allclose(embedder.transform(list(SERIES)), np.mean(pieces, axis=0), atol=1e-6)


def test_window_that_is_longer_than_the_shortest_record_is_refused() -> None:
    X, y = make_shapes_in_noise(12, n_classes=2, length=128, random_state=0)
    X = [*X[:5], X[5][:96], *X[6:]]
    assert message_of(ValueError, quick(window_length=128).fit, X, y) == (
        "The 'window_length' parameter of SeqCNNClassifier must be at most 96, the shortest record in X (X[5]). "
        "Received: 128. Pass window_length=96 or drop the shorter records."
    )


def test_record_that_is_shorter_than_the_window_is_refused_at_predict() -> None:
    classifier = quick(window_length=30).fit(list(SERIES), LABELS)
    assert message_of(ValueError, classifier.predict, [SERIES[0], SERIES[1][:20]]) == (
        "The 'window_length' parameter of SeqCNNClassifier must be at most 20, the shortest record in X (X[1]). "
        "Received: 30. Pass window_length=20 or drop the shorter records."
    )


def test_texts_and_sounds_that_are_shorter_than_the_window_are_padded() -> None:
    texts = quick(window_length=30).fit(TEXTS, LANGUAGES)
    windows = texts.predict_windows([TEXTS[0][:7], ""])
    assert windows["end"].tolist() == [7, 1]
    sounds = quick(window_length=1000, sample_rate=RATE).fit(SOUNDS, WORDS)
    assert sounds.predict_windows([SOUNDS[0][:300]])["end"].tolist() == [300]


def test_hop_needs_a_window() -> None:
    assert message_of(ValueError, quick(hop_length=4).fit, SERIES, LABELS) == (
        "The 'hop_length' parameter of SeqCNNClassifier needs a window_length. Received: hop_length=4 and "
        "window_length=None. Pass window_length too, or leave out hop_length."
    )


def test_hop_that_leaves_gaps_is_refused() -> None:
    assert message_of(ValueError, quick(window_length=8, hop_length=9).fit, SERIES, LABELS) == (
        "The 'hop_length' parameter of SeqCNNClassifier must be at most 8, the window_length, or samples between "
        "windows would be lost. Received: 9. Pass hop_length=8 or less."
    )
