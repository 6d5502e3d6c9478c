"""The whole road: series, text and audio go in, and what comes out is right far more often than chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_helpers import quick

from seqcnn import SeqCNNClassifier, list_encoders
from seqcnn.datasets import (
    load_digit_sequences,
    make_alphabet_text,
    make_shapes_in_noise,
    make_spoken_tones,
    write_wav_folder,
)

SERIES = {"length": 64, "noise": 0.1}


def test_series_in_a_table_are_learnt_in_every_form_of_it() -> None:
    X, y = make_shapes_in_noise(90, **SERIES, random_state=0)
    X_new, y_new = make_shapes_in_noise(60, **SERIES, random_state=1)
    classifier = quick(encoder__width=16, max_epochs=20).fit(X, y)
    assert classifier.score(X_new, y_new) > 0.85
    expected = classifier.predict_proba(X_new)
    frame = pd.DataFrame(X, columns=[f"t{step}" for step in range(64)])
    forms: list[tuple[Any, Any]] = [
        (frame, pd.DataFrame(X_new, columns=frame.columns)),
        (torch.from_numpy(X), torch.from_numpy(X_new)),
        (X[:, None, :], X_new[:, None, :]),
        (list(X), list(X_new)),
        (X.tolist(), X_new.tolist()),
        (X.astype(np.float64), X_new.astype(np.float64)),
    ]
    for form, new in forms:
        again = quick(encoder__width=16, max_epochs=20).fit(form, y)
        np.testing.assert_array_equal(again.predict_proba(new), expected)


@pytest.mark.parametrize(
    "more", [{"n_channels": 3}, {"ragged": True}, {"n_channels": 2, "ragged": True}], ids=["3-D", "ragged", "both"]
)
def test_series_of_channels_and_of_unequal_lengths_are_learnt(more: dict[str, Any]) -> None:
    X, y = make_shapes_in_noise(90, **SERIES, **more, random_state=0)
    X_new, y_new = make_shapes_in_noise(60, **SERIES, **more, random_state=1)
    classifier = quick(encoder__width=16, max_epochs=20).fit(X, y)
    assert classifier.score(X_new, y_new) > 0.8
    assert classifier.model_.contract.n_channels == more.get("n_channels", 1)


def test_digits_are_learnt_from_their_strokes() -> None:
    X, y = load_digit_sequences("train")
    X_new, y_new = load_digit_sequences("test")
    classifier = quick(encoder__width=32, max_epochs=15, batch_size=32).fit(X[:600], y[:600])
    assert classifier.n_features_in_ == 8
    assert classifier.score(X_new, y_new) > 0.85


def test_texts_are_learnt_from_a_list_and_from_a_series_alike() -> None:
    X, y = make_alphabet_text(120, n_languages=3, random_state=0)
    X_new, y_new = make_alphabet_text(60, n_languages=3, random_state=1)
    classifier = quick(encoder__width=16, max_epochs=10).fit(X, y)
    assert classifier.score(X_new, y_new) > 0.85
    again = quick(encoder__width=16, max_epochs=10).fit(pd.Series(X, index=range(7, 127)), pd.Series(y))
    np.testing.assert_array_equal(again.predict_proba(pd.Series(X_new)), classifier.predict_proba(X_new))


def test_sounds_are_learnt_from_files_and_from_arrays_alike(tmp_path: Path) -> None:
    words = {"n_words": 3, "seconds": 0.2, "sample_rate": 8000}
    X, y = make_spoken_tones(60, **words, random_state=0)
    X_new, y_new = make_spoken_tones(45, **words, random_state=1)
    settings = {"encoder__width": 16, "max_epochs": 15, "learning_rate": 0.005}
    paths, new_paths = (
        write_wav_folder(tmp_path / name, *data, 8000) for name, data in (("a", (X, y)), ("b", (X_new, y_new)))
    )
    from_files = quick(encoder="m5", **settings).fit(paths, y)
    assert from_files.model_.contract.sample_rate == 8000
    assert from_files.score(new_paths, y_new) > 0.7
    from_arrays = quick(encoder="m5", sample_rate=8000, **settings).fit(X, y)
    assert from_arrays.score(X_new, y_new) > 0.7
    # Files of 16 bits round what the arrays hold, so answers agree closely and not to the bit.
    np.testing.assert_allclose(from_files.predict_proba(X_new), from_files.predict_proba(new_paths), atol=2e-3)
    pairs = [(wave, 8000) for wave in X_new]
    np.testing.assert_array_equal(from_files.predict_proba(pairs), from_files.predict_proba(X_new))
    as_paths = [Path(path) for path in new_paths]
    np.testing.assert_array_equal(from_files.predict_proba(as_paths), from_files.predict_proba(new_paths))


def test_every_encoder_trains_on_its_kind_of_input() -> None:
    texts, languages = make_alphabet_text(12, n_languages=2, length=(20, 30), random_state=0)
    sounds, words = make_spoken_tones(8, n_words=2, seconds=0.2, random_state=0)
    series, shapes = make_shapes_in_noise(12, n_classes=2, length=40, random_state=0)
    data: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "text": (texts, languages, {}),
        "audio": (sounds, words, {"sample_rate": 8000}),
        "series": (series, shapes, {}),
    }
    for kind, (X, y, more) in data.items():
        for name in list_encoders(kind):  # type: ignore[arg-type]
            classifier = quick(encoder=name, max_epochs=1, **more).fit(X, y)
            assert classifier.predict_proba(X).shape == (len(y), 2), name


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_unit_and_level_of_a_series_make_no_difference(scale: float) -> None:
    X, y = make_shapes_in_noise(30, length=40, n_channels=2, random_state=0)
    plain = quick().fit(X, y).predict_proba(X)
    moved = X.astype(np.float64) * scale + 5.0 * scale
    np.testing.assert_allclose(quick().fit(moved, y).predict_proba(moved), plain, atol=2e-2)


def test_amplitude_is_information_unless_each_record_is_normalized() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 48)) * (1.0 + 2.0 * y[:, None])
    settings = {"max_epochs": 15, "encoder__width": 16}
    assert quick(**settings).fit(X[:40], y[:40]).score(X[40:], y[40:]) > 0.85
    assert quick(normalize="record", **settings).fit(X[:40], y[:40]).score(X[40:], y[40:]) < 0.8


def test_history_has_a_line_an_epoch() -> None:
    X, y = make_shapes_in_noise(30, length=40, random_state=0)
    history = quick(max_epochs=4).fit(X, y).history_
    assert list(history.columns) == ["epoch", "train_loss", "learning_rate", "seconds"]
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert (history["learning_rate"] > 0).all()
    assert history["seconds"].is_monotonic_increasing


def test_what_was_padded_in_a_batch_changes_no_answer() -> None:
    X, y = make_shapes_in_noise(30, length=40, ragged=True, random_state=0)
    classifier: SeqCNNClassifier = quick(precision="float64").fit(X, y)
    alone = np.concatenate([classifier.predict_proba([series]) for series in X])
    np.testing.assert_allclose(classifier.predict_proba(X), alone, atol=1e-10)
