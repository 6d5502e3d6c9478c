"""One estimator from raw input to saved model: series of eight channels first, then text, then audio.

Run it with ``python examples/quickstart.py``; it needs no download.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import joblib
import numpy as np

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import load_digit_sequences, make_alphabet_text, make_spoken_tones


def classify_series() -> SeqCNNClassifier:
    """Read handwritten digits as sequences, of shape (n_cases, 8 channels, 8 time steps)."""
    X, y = load_digit_sequences("train")
    X_test, y_test = load_digit_sequences("test")
    # A committee; max_epochs=8 keeps the training of its network short.
    classifier = SeqCNNClassifier(max_epochs=8, random_state=0).fit(X, y)
    print(f"series: accuracy {classifier.score(X_test, y_test):.3f} on {len(y_test)} held-out records")
    print("its members:")
    print(classifier.committee_.round(3).to_string(index=False))
    return classifier


def classify_text() -> None:
    """Tell languages apart; the characters are learnt from the training texts."""
    X, y = make_alphabet_text(300, random_state=0)
    X_test, y_test = make_alphabet_text(200, random_state=1)
    classifier = SeqCNNClassifier(max_epochs=8, random_state=0).fit(X, y)
    print(
        f"text: accuracy {classifier.score(X_test, y_test):.3f}; {X_test[0][:30]!r} is {classifier.predict(X_test)[0]}"
    )


def classify_audio() -> None:
    """Tell words apart in waveforms of unequal length; sample_rate says that the numbers are audio."""
    X, y = make_spoken_tones(160, random_state=0)
    X_test, y_test = make_spoken_tones(100, random_state=1)
    classifier = SeqCNNClassifier(sample_rate=8000, max_epochs=5, random_state=0).fit(X, y)
    print(f"audio: accuracy {classifier.score(X_test, y_test):.3f} on {len(y_test)} held-out recordings")


def save_and_load(classifier: SeqCNNClassifier) -> None:
    """Keep a model in a file; load such files only from sources you trust, as with every pickle."""
    X_test, _ = load_digit_sequences("test")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.joblib"
        joblib.dump(classifier, path)
        loaded = joblib.load(path)
    same = np.array_equal(loaded.predict_proba(X_test), classifier.predict_proba(X_test))
    print(f"saved and loaded: the same probabilities: {same}")


def main() -> None:
    classifier = classify_series()
    classify_text()
    classify_audio()
    save_and_load(classifier)


if __name__ == "__main__":
    main()
