"""Keyword spotting on real recordings: accuracy, open set, false alarms in long noise; beside a tutorial's network.

    SEQCNN_DATA=... python benchmarks/keywords.py [WORK ...] [--seeds 0 1 2] [--out FILE] [--fresh]

Works:

    digits          FSDD, official split
    speakers        FSDD, each of the six speakers left out in turn
    commands        Speech Commands, 9 words of 240 training clips each, official validation list
    open-set        the same against the 21 other words of the set's small version, none of them trained on
    unknown         the same with half of the other words trained on as one class, the other half as unknown
    noise           words inside long noise: misses against false accepts an hour

Each measured line goes to FILE as one line of JSON as soon as it is there, so that a run that was broken off goes on
where it stopped; the tables are printed from that file. Settings were chosen inside the training parts (docs/keywords.md
says how); a test part is scored once a run. Nothing else should run beside it: times are part of what is reported.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from road import machine

# What the rows differ in; all else is the defaults of the estimator.
FRONTS: dict[str, dict[str, Any]] = {
    "log-mel": {"augment": "audio"},
    "raw waveform": {"front_end": None, "encoder": "filterbank", "augment": "audio"},
}
WANTED = {
    ("digits", "log-mel"): "99.3",
    ("digits", "raw waveform"): "98",
    ("speakers", "log-mel"): "88",
    ("commands", "log-mel"): "98.6",
    ("commands", "raw waveform"): "95",
}
N_UNKNOWN_TRAINED = 10
"""Of the 21 other words, those trained on as "unknown" in the work of that name."""


def fit_and_score(front: str, seed: int, train: tuple[Any, Any], test: tuple[Any, Any]) -> dict[str, Any]:
    """Fit on the training part, score the test part once."""
    from seqcnn import SeqCNNClassifier

    if front == "tutorial":
        from _tutorial_m5 import EPOCHS
        from _tutorial_m5 import fit_and_score as follow_tutorial

        accuracy, seconds, parameters = follow_tutorial(*train, *test, seed)
        return {
            "accuracy": accuracy, "fit_seconds": round(seconds, 1), "parameters": parameters, "epochs": EPOCHS,
            "encoder": "TutorialM5", "n_train": len(train[1]), "n_test": len(test[1]),
        }  # fmt: skip
    classifier = SeqCNNClassifier(random_state=seed, verbose=1, **FRONTS[front])
    started = time.perf_counter()
    classifier.fit(*train)
    seconds = time.perf_counter() - started
    return {
        "accuracy": float(classifier.score(*test)),
        "fit_seconds": round(seconds, 1),
        "parameters": sum(parameter.numel() for parameter in classifier.network_.parameters()),
        "epochs": len(classifier.history_),
        "encoder": type(classifier.encoder_).__name__,
        "n_train": len(train[1]),
        "n_test": len(test[1]),
    }


def measure_digits(front: str, seed: int) -> dict[str, Any]:
    """FSDD, indices 0 to 4 for the test."""
    from seqcnn.datasets import load_fsdd

    return fit_and_score(front, seed, load_fsdd("train"), load_fsdd("test"))


def measure_speaker(front: str, seed: int, speaker: str) -> dict[str, Any]:
    """FSDD, all recordings of five speakers to learn from, all of the sixth for the test."""
    from seqcnn.datasets import load_fsdd

    parts = [load_fsdd(split, return_groups=True) for split in ("train", "test")]
    X = np.array([path for part in parts for path in part[0]])
    y, speakers = (np.concatenate([part[position] for part in parts]) for position in (1, 2))
    left_out = speakers == speaker
    return fit_and_score(
        front, seed, (X[~left_out].tolist(), y[~left_out]), (X[left_out].tolist(), y[left_out])
    )


def measure_commands(front: str, seed: int) -> dict[str, Any]:
    """Nine words, the official validation list."""
    from seqcnn.datasets import load_speech_commands

    return fit_and_score(front, seed, load_speech_commands("train"), load_speech_commands("validation"))


def other_words() -> tuple[list[str], Any]:
    """Return the recordings of the small set's words that the large set has not."""
    from seqcnn.datasets import load_speech_commands, load_speech_commands_mini

    known = set(load_speech_commands("train")[1])
    parts = [load_speech_commands_mini(split) for split in ("train", "validation", "test")]
    X = [path for part in parts for path in part[0]]
    y = np.concatenate([part[1] for part in parts])
    other = ~np.isin(y, list(known))
    return [X[row] for row in np.flatnonzero(other)], y[other]


def measure_open_set(seed: int, *, trains_unknown: bool) -> dict[str, Any]:
    """How well the score tells a known word from another: area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    from seqcnn.datasets import load_speech_commands
    from seqcnn.spotting import KeywordSpotter

    X, y = load_speech_commands("train")
    X_known, y_known = load_speech_commands("validation")
    X_other, y_other = other_words()
    words = np.unique(y_other)
    trained = words[np.random.default_rng(seed).permutation(len(words))[:N_UNKNOWN_TRAINED]]
    if trains_unknown:
        taken = np.isin(y_other, trained)
        X = [*X, *(X_other[row] for row in np.flatnonzero(taken))]
        y = np.concatenate([y, y_other[taken]])
        X_other = [X_other[row] for row in np.flatnonzero(~taken)]
    spotter = KeywordSpotter(keywords=np.unique(y_known).tolist(), random_state=seed)
    started = time.perf_counter()
    spotter.fit(X, y)
    seconds = time.perf_counter() - started
    confidence = [np.asarray(spotter.decision_function(part)).max(1) for part in (X_known, X_other)]
    is_known = np.repeat([1, 0], [len(X_known), len(X_other)])
    return {
        "auroc": float(roc_auc_score(is_known, np.concatenate(confidence))),
        "fit_seconds": round(seconds, 1),
        "n_known": len(X_known),
        "n_other": len(X_other),
        "words_trained_as_unknown": sorted(trained.tolist()) if trains_unknown else [],
    }


def plan(works: list[str], seeds: list[int]) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """Yield what is to be measured: the line's key, and how."""
    speakers = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    for seed in seeds:
        for front in (*FRONTS, "tutorial"):
            key = {"front": front, "seed": seed}
            if "digits" in works:
                yield {"work": "digits", **key}, lambda front=front, seed=seed: measure_digits(front, seed)
            if "commands" in works:
                yield {"work": "commands", **key}, lambda front=front, seed=seed: measure_commands(front, seed)
        if "speakers" in works:
            for speaker in speakers:
                yield (
                    {"work": "speakers", "front": "log-mel", "seed": seed, "speaker": speaker},
                    lambda speaker=speaker, seed=seed: measure_speaker("log-mel", seed, speaker),
                )
        for work in ("open-set", "unknown"):
            if work in works:
                yield (
                    {"work": work, "seed": seed},
                    lambda work=work, seed=seed: measure_open_set(seed, trains_unknown=work == "unknown"),
                )
