"""Series of unequal length: a list of arrays, and nothing else changes.

Run it with ``python examples/unequal_lengths.py``; it needs no download. Short records are padded inside a batch, and
the padding is masked in every layer, so a record's probabilities do not depend on which others it was predicted with.
"""

from __future__ import annotations

import numpy as np

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_shapes_in_noise


def main() -> None:
    X, y = make_shapes_in_noise(200, length=160, ragged=True, random_state=0)
    X_test, y_test = make_shapes_in_noise(100, length=160, ragged=True, random_state=1)
    lengths = [len(series) for series in X]
    print(f"{len(X)} series of {min(lengths)} to {max(lengths)} time steps")

    classifier = SeqCNNClassifier("fcn", encoder__width=32, max_epochs=12, random_state=0).fit(X, y)
    print(f"whole records: accuracy {classifier.score(X_test, y_test):.3f}")

    alone = np.concatenate([classifier.predict_proba([series]) for series in X_test[:20]])
    together = classifier.predict_proba(X_test[:20])
    print(f"alone or among longer ones, probabilities differ by {np.abs(alone - together).max():.0e} at most")

    # Longer than anything in training: no limit was learnt.
    long = np.concatenate([X_test[0], np.random.default_rng(0).normal(0, 0.2, 300)])
    print(f"{len(long)} time steps, more than any in training: {classifier.predict([long])[0]} (truth: {y_test[0]})")

    # Or windows of equal length, for records that are much longer than what tells their class.
    windowed = SeqCNNClassifier(
        "fcn", encoder__width=32, window_length=64, hop_length=16, max_epochs=12, random_state=0
    ).fit(X, y)
    print(f"in windows of 64: accuracy {windowed.score(X_test, y_test):.3f}")
    windows = windowed.predict_windows([long])
    best = windows.loc[windows[y_test[0]].idxmax()]
    print(f"{y_test[0]} is most likely from step {best['start']:.0f} to {best['end']:.0f}: {best[y_test[0]]:.2f}")

    # Too short for a window is an error that says which record and what to do.
    try:
        windowed.predict([X_test[0], np.zeros(20)])
    except ValueError as error:
        print(f"an error in full: {error}")


if __name__ == "__main__":
    main()
