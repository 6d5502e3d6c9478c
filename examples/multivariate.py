"""Series of several channels: one array ``(n_cases, n_channels, n_timepoints)``, and which channels matter.

Run it with ``python examples/multivariate.py``; the motors are generated. Of six sensors, the fault shows in how two of
them move together: each alone looks as it always does.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from seqcnn import SeqCNNClassifier

SENSORS = ["current", "speed", "oil", "air", "hum", "load"]


def make_motors(n_cases: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return records (n_cases, 6 sensors, 96 steps) and whether speed follows the current or goes against it."""
    random = np.random.default_rng(seed)
    y = np.where(np.arange(n_cases) % 2, "faulty", "sound")
    X = random.normal(0, 1, (n_cases, len(SENSORS), 96))
    smooth = np.hanning(9) / np.linalg.norm(np.hanning(9))
    X = np.apply_along_axis(np.convolve, 2, X, smooth, mode="same")
    # The fault: half a second long, somewhere, the speed goes against the current instead of with it.
    X[:, 1] = X[:, 0] + 0.3 * random.normal(size=(n_cases, 96))
    for row in np.flatnonzero(y == "faulty"):
        start = random.integers(0, 56)
        X[row, 1, start : start + 40] -= 2 * X[row, 0, start : start + 40]
    return X.astype(np.float32), y


def main() -> None:
    X, y = make_motors(400, seed=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
    print(f"{len(X)} records, {X.shape[1]} sensors, {X.shape[2]} time steps")

    flat = LogisticRegression(max_iter=1000).fit(X_train.reshape(len(X_train), -1), y_train)
    linear = flat.score(X_test.reshape(len(X_test), -1), y_test)
    print(f"a linear model of all numbers: {linear:.3f}, hardly more than chance")

    classifier = SeqCNNClassifier("fcn", encoder__width=32, max_epochs=25, random_state=0).fit(X_train, y_train)
    score = classifier.score(X_test, y_test)
    print(f"network of all sensors: accuracy {score:.3f}")

    # Permutation importance, sensor by sensor: exchange a sensor between records, and see what is lost.
    random = np.random.default_rng(0)
    print("lost when a sensor is exchanged between records:")
    for channel, sensor in enumerate(SENSORS):
        lost = []
        for _ in range(3):
            changed = X_test.copy()
            changed[:, channel] = X_test[random.permutation(len(X_test)), channel]
            lost.append(score - classifier.score(changed, y_test))
        print(f"  {sensor:8} {np.mean(lost):+.3f}")

    # One sensor is two dimensions: (n_cases, n_timepoints).
    alone = SeqCNNClassifier("fcn", encoder__width=32, max_epochs=25, random_state=0).fit(X_train[:, 1], y_train)
    print(f"network of the speed alone: {alone.score(X_test[:, 1], y_test):.3f}")


if __name__ == "__main__":
    main()
