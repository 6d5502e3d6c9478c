"""The road on real records: short fits that must come out far above chance; `benchmarks/road.py` measures the rest."""

from __future__ import annotations

import os

import pytest

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import load_ag_news, load_fsdd, load_speech_commands_mini, load_ucr

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(
        "SEQCNN_DATA" not in os.environ,
        reason="This test needs the real data sets; set SEQCNN_DATA to the folder that holds them.",
    ),
]


def test_gestures_are_told_apart() -> None:
    classifier = SeqCNNClassifier("inception", preset="quick", n_jobs=1, random_state=0)
    assert classifier.fit(*load_ucr("GunPoint")).score(*load_ucr("GunPoint", "test")) > 0.9


def test_series_of_unequal_length_are_told_apart() -> None:
    classifier = SeqCNNClassifier("resnet", encoder__width=16, max_epochs=30, n_jobs=1, random_state=0)
    X, y = load_ucr("GesturePebbleZ1")
    assert isinstance(X, list)
    # Over seeds 0.65 to 0.74 in so short a fit; one guess in six is right by chance.
    assert classifier.fit(X, y).score(*load_ucr("GesturePebbleZ1", "test")) > 0.5


def test_spoken_digits_are_told_apart_from_their_raw_wave() -> None:
    paths, digits = load_fsdd("train")
    classifier = SeqCNNClassifier("m11", encoder__width=16, max_epochs=12, n_jobs=1, random_state=0)
    assert classifier.fit(paths[::3], digits[::3]).score(*load_fsdd("test")) > 0.6


def test_recordings_of_another_rate_are_resampled_when_a_rate_is_given() -> None:
    paths, words = load_speech_commands_mini("train", words=["yes", "no"])
    classifier = SeqCNNClassifier("m5", encoder__width=8, sample_rate=8000, max_epochs=4, n_jobs=1, random_state=0).fit(
        paths, words
    )
    assert classifier.model_.contract.sample_rate == 8000
    assert set(classifier.predict(paths)) <= {"yes", "no"}
    assert classifier.predict_windows(paths[:1])["end"].iloc[0] <= 8000


def test_news_are_told_apart_by_their_characters() -> None:
    texts, topics = load_ag_news("train")
    classifier = SeqCNNClassifier(encoder__width=64, encoder="zhang-small", max_epochs=4, n_jobs=1, random_state=0)
    test_texts, test_topics = load_ag_news("test")
    assert classifier.fit(texts[::6], topics[::6]).score(test_texts[::10], test_topics[::10]) > 0.5
