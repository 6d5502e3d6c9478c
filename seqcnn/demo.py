"""The demonstration behind ``python -m seqcnn demo``: series, text and audio by one estimator, without a download."""

from __future__ import annotations

import tempfile
import time
from typing import Any

import numpy as np

from seqcnn.datasets import load_digit_sequences, make_alphabet_text, make_spoken_tones, write_wav_folder
from seqcnn.estimators import SeqCNNClassifier

SAMPLE_RATE = 8000
HELD_OUT_SPEAKERS = ("speaker7", "speaker8")


def run_demo(random_state: int = 0) -> dict[str, float]:
    """Train on handwritten digits, on texts and on wav files, and print the accuracy on held-out records of each.

    Parameters
    ----------
    random_state
        The seed of the generated data and of the training.

    Returns
    -------
    dict
        The accuracy of "series", "text" and "audio", from 0 to 1.

    Raises
    ------
    ImportError
        If soundfile, which reads and writes the wav files, is not installed.
    """
    return {
        "series": _show_series(random_state),
        "text": _show_text(random_state),
        "audio": _show_audio(random_state),
    }


def _show_series(seed: int) -> float:
    print("Series: handwritten digits, read from left to right as eight channels.", flush=True)
    classifier = SeqCNNClassifier(preset="quick", random_state=seed, verbose=1)
    return _fit_and_report(classifier, load_digit_sequences("train"), load_digit_sequences("test"))


def _show_text(seed: int) -> float:
    print("Text: four invented languages, two of which share an alphabet.", flush=True)
    classifier = SeqCNNClassifier(max_epochs=10, random_state=seed, verbose=1)
    train = make_alphabet_text(400, random_state=2 * seed)
    return _fit_and_report(classifier, train, make_alphabet_text(200, random_state=2 * seed + 1))


def _show_audio(seed: int) -> float:
    print("Audio: wav files of four invented words; the test is on speakers who are not in the training.", flush=True)
    waveforms, words, speakers = make_spoken_tones(240, n_speakers=8, random_state=seed, return_groups=True)
    held = np.isin(speakers, HELD_OUT_SPEAKERS)
    with tempfile.TemporaryDirectory(prefix="seqcnn_demo_") as folder:
        paths = np.array(write_wav_folder(folder, waveforms, words, SAMPLE_RATE, speakers), dtype=object)
        classifier = SeqCNNClassifier(max_epochs=8, random_state=seed, verbose=1)
        return _fit_and_report(classifier, (paths[~held].tolist(), words[~held]), (paths[held].tolist(), words[held]))


def _fit_and_report(classifier: SeqCNNClassifier, train: tuple[Any, Any], test: tuple[Any, Any]) -> float:
    started = time.perf_counter()
    classifier.fit(*train)
    trained = time.perf_counter() - started
    accuracy = float(classifier.score(*test))
    n_train, n_test = len(train[1]), len(test[1])
    print(
        f"  accuracy {accuracy:.1%} on {n_test} held-out records, trained on {n_train:,} in {trained:.1f} s", flush=True
    )
    return accuracy
