"""Human activity from an accelerometer: why people, not windows, belong into folds.

Run it with ``python examples/activity_with_groups.py``; the people are generated. Each walks, climbs, sits and lies in
a way of their own, so a classifier that has seen a person does better on them than on a stranger. ``GroupKFold``
tells how it will do on strangers, and ``groups=`` of ``fit`` holds whole people back for early stopping, too.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold, KFold, cross_val_score

from seqcnn import SeqCNNClassifier

RATE = 25
ACTIVITIES = {
    "walking": (1.9, 1.0, 0.0),
    "climbing": (1.5, 1.1, 0.3),
    "sitting": (0.0, 0.05, 1.1),
    "lying": (0, 0.04, 1.5),
}
"""Steps a second, how strong they are, and how far the sensor leans (radians)."""


def make_people(n_people: int, n_each: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return windows (n, 3 axes, 4 seconds) in g, activities and people."""
    random = np.random.default_rng(seed)
    X, y, people = [], [], []
    time = np.arange(4 * RATE) / RATE
    for person in range(n_people):
        pace, strength = random.uniform(0.8, 1.2), random.uniform(0.6, 1.4)
        lean, twist = random.normal(0, 0.25), random.uniform(-0.8, 0.8)  # how the sensor is worn
        for activity, (steps, force, posture) in ACTIVITIES.items():
            for _ in range(n_each):
                phase = 2 * np.pi * (steps * pace * time + random.uniform())
                up = 1 + 0.4 * force * strength * (np.sin(phase) + 0.5 * np.sin(2 * phase)) * (steps > 0)
                angle = posture + lean + random.normal(0, 0.05)
                axes = [up * np.cos(angle), up * np.sin(angle) * np.cos(twist), up * np.sin(angle) * np.sin(twist)]
                X.append(np.stack(axes) + random.normal(0, 0.05 + 0.1 * force, (3, len(time))))
                y.append(activity)
                people.append(f"person {person}")
    order = random.permutation(len(X))
    return np.stack(X).astype(np.float32)[order], np.array(y)[order], np.array(people)[order]


def main() -> None:
    X, y, people = make_people(n_people=12, n_each=10, seed=0)
    print(f"{len(X)} windows of {X.shape[2] / RATE:g} s from {len(set(people))} people")
    classifier = SeqCNNClassifier("fcn", encoder__width=32, max_epochs=20, random_state=0)

    # Leaking: the folds share people.
    mixed = cross_val_score(classifier, X, y, cv=KFold(4, shuffle=True, random_state=0))
    print(f"folds that share people: accuracy {mixed.mean():.3f}")
    strangers = cross_val_score(classifier, X, y, cv=GroupKFold(4), groups=people)
    print(f"folds of strangers: accuracy {strangers.mean():.3f}, the worst fold {strangers.min():.3f}")

    known = people != "person 0"
    stopped = SeqCNNClassifier(
        "fcn", encoder__width=32, max_epochs=20, early_stopping=True, validation_fraction=0.25, random_state=0
    ).fit(X[known], y[known], groups=people[known])
    print(f"stopped on people who were held back: epoch {stopped.kept_epoch_} of {len(stopped.history_)} kept")
    print(f"person 0, never seen: accuracy {stopped.score(X[~known], y[~known]):.3f}")
    print("  true (rows) and predicted, of", ", ".join(stopped.classes_))
    print(confusion_matrix(y[~known], stopped.predict(X[~known]), labels=stopped.classes_))


if __name__ == "__main__":
    main()
