"""Several labels a record: an indicator matrix goes in, another comes out, and each label is learnt by itself.

Run it with ``python examples/multilabel.py``; the machines are generated. A vibration may hold any of three faults at
once, or none: a humming fan, a knocking gear, a slipping belt.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import classification_report, f1_score
from sklearn.preprocessing import MultiLabelBinarizer

import seqcnn
from seqcnn import SeqCNNClassifier

FAULTS = ["fan", "gear", "belt"]


def make_machines(n_cases: int, seed: int) -> tuple[np.ndarray, list[list[str]]]:
    """Return vibrations (n_cases, 200 steps) and the faults of each."""
    random = np.random.default_rng(seed)
    time = np.arange(200)
    X = random.normal(0, 1, (n_cases, 200))
    faults = [[fault for fault in FAULTS if random.random() < 0.4] for _ in range(n_cases)]
    for series, found in zip(X, faults, strict=True):
        if "fan" in found:
            series += 0.9 * np.sin(0.9 * time + random.uniform(0, 6))
        if "gear" in found:
            series[random.integers(0, 25) :: 25] += 4
        if "belt" in found:
            start = random.integers(0, 140)
            series[start : start + 60] += np.linspace(0, 3, 60)
    return X.astype(np.float32), faults


def main() -> None:
    X, faults = make_machines(400, seed=0)
    X_new, faults_new = make_machines(200, seed=1)
    print("a few records:", faults[:4])

    # Lists of labels become zeros and ones. The columns of a DataFrame name the labels.
    binarizer = MultiLabelBinarizer(classes=FAULTS)
    y = pd.DataFrame(binarizer.fit_transform(faults), columns=FAULTS)
    y_new = binarizer.transform(faults_new)

    classifier = SeqCNNClassifier(
        "fcn", encoder__width=32, max_epochs=20, early_stopping=True, scoring="f1_macro", random_state=0
    )
    classifier.fit(X, y)
    predicted = classifier.predict(X_new)
    print(classification_report(y_new, predicted, target_names=classifier.classes_, zero_division=0))
    print(f"every fault right, and no other: accuracy {classifier.score(X_new, y_new):.3f}")

    # Probabilities of labels do not sum to one: each says whether its label is there. Where a missed fault costs more
    # than a false alarm, a label counts from a lower probability on.
    probabilities = classifier.predict_proba(X_new)
    print(pd.DataFrame(probabilities[:3], columns=classifier.classes_).round(2))
    for threshold in (0.5, 0.2):
        found = probabilities > threshold
        missed = int(((y_new == 1) & ~found).sum())
        print(f"from {threshold} on: {missed} faults missed, F1 {f1_score(y_new, found, average='macro'):.3f}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "machines.seqcnn"
        classifier.save(path)
        same = np.array_equal(seqcnn.load(path).predict(X_new), predicted)
    print(f"the same labels after saving and loading: {same}")


if __name__ == "__main__":
    main()
