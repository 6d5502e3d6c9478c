"""The pictures of the documentation: one of each display of ``seqcnn.plots``, drawn from generated data.

    python benchmarks/pictures.py [FOLDER]

Written are ``docs/pictures/*.png``, each below 60 kB, always the same ones on the same machine: every seed is given.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot
from PIL import Image
from sklearn.metrics import PredictionErrorDisplay

from seqcnn import SeqCNNClassifier, SeqCNNRegressor
from seqcnn.datasets import make_alphabet_text, make_shapes_in_noise, make_spoken_tones
from seqcnn.plots import ConfusionMatrixDisplay, LearningCurveDisplay, RecordDisplay, ReliabilityDisplay

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
MAX_BYTES = 60_000


def series() -> dict[str, Any]:
    """Shapes in so much noise that some are confused."""
    X, y = make_shapes_in_noise(400, n_classes=6, noise=0.35, random_state=0)
    X_new, y_new = make_shapes_in_noise(600, n_classes=6, noise=0.35, random_state=1)
    classifier = SeqCNNClassifier("fcn", encoder__width=32, max_epochs=25, early_stopping=True, random_state=0)
    classifier.fit(X, y)
    windowed = SeqCNNClassifier("fcn", encoder__width=16, window_length=32, hop_length=4, max_epochs=8, random_state=0)
    X_three, y_three = make_shapes_in_noise(200, n_channels=3, random_state=0)
    regressor = SeqCNNRegressor("minirocket", random_state=0).fit(X[:300], X[:300].max(axis=1))
    return {
        "learning_curve": LearningCurveDisplay.from_estimator(classifier),
        "confusion_matrix": ConfusionMatrixDisplay.from_estimator(classifier, X_new, y_new),
        "reliability": ReliabilityDisplay.from_estimator(classifier, X_new, y_new),
        "record_series": RecordDisplay.from_estimator(windowed.fit(X_three, y_three), X_three[3], threshold=0.5),
        "record_without_windows": RecordDisplay.from_estimator(classifier, X_new[0]),
        "regression": PredictionErrorDisplay.from_estimator(
            regressor, X_new, X_new.max(axis=1), kind="actual_vs_predicted"
        ),
    }


def notes() -> dict[str, Any]:
    """Forty notes in noise, a quarter tone apart: a classifier of many classes, whose neighbours are alike."""
    names = np.array([f"{name}{octave}" for octave in (3, 4) for name in _names_of_quarter_tones()])[:40]
    random = np.random.default_rng(0)
    y = random.integers(0, len(names), 2400)
    pitch = 130.8 * 2 ** ((y + random.normal(0, 0.25, len(y))) / 24)
    time_steps = np.arange(200) / 2000
    phase = random.uniform(0, 2 * np.pi, (len(y), 1))
    X = np.sin(2 * np.pi * pitch[:, None] * time_steps + phase) + random.normal(0, 0.7, (len(y), 200))
    classifier = SeqCNNClassifier("minirocket", random_state=0).fit(X[:1200], names[y[:1200]])
    predicted = classifier.predict(X[1200:])
    return {"confusion_matrix_many": ConfusionMatrixDisplay.from_predictions(names[y[1200:]], predicted, labels=names)}


def _names_of_quarter_tones() -> list[str]:
    tones = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
    return [tone + quarter for tone in tones for quarter in ("", "+")]


def audio() -> dict[str, Any]:
    """Five words in a row, found by a classifier of single words."""
    X, y = make_spoken_tones(160, random_state=0)
    X_new, _ = make_spoken_tones(5, random_state=1)
    classifier = SeqCNNClassifier(
        "m5", sample_rate=8000, window_length=3200, hop_length=400, max_epochs=8, random_state=0
    ).fit(X, y)
    return {"record_audio": RecordDisplay.from_estimator(classifier, np.concatenate(X_new), threshold=0.6)}


def text() -> dict[str, Any]:
    """Draw a text that changes its language."""
    X, y = make_alphabet_text(400, n_languages=4, random_state=0)
    X_new, _ = make_alphabet_text(5, n_languages=4, length=(40, 50), random_state=1)
    classifier = SeqCNNClassifier(window_length=16, hop_length=4, max_epochs=5, random_state=0).fit(X, y)
    return {"record_text": RecordDisplay.from_estimator(classifier, " ".join(X_new), threshold=0.5)}


def _write(figure: Any, path: Path) -> None:
    """Write a figure in 256 colours, which takes half the space and looks the same."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90)
    Image.open(buffer).convert("RGB").quantize(256).save(path, optimize=True)


def main() -> None:
    matplotlib.use("Agg")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    for make in (series, notes, audio, text):
        for name, display in make().items():
            path = folder / f"{name}.png"
            _write(display.figure_, path)
            pyplot.close(display.figure_)
            size = path.stat().st_size
            print(f"{path}: {size / 1000:.0f} kB")
            if size > MAX_BYTES:
                raise SystemExit(f"{path} has {size:,} bytes, but must have at most {MAX_BYTES:,}. Draw it smaller.")
    print(f"{time.perf_counter() - started:.0f} s in all.")


if __name__ == "__main__":
    main()
