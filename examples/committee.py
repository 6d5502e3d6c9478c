"""A committee for series: who is in it, how much each member counts, and how sure the answers are.

Run it with ``python examples/committee.py``; it needs no download.
"""

from __future__ import annotations

import numpy as np

from seqcnn import SeqCNNClassifier, SeqCNNRegressor
from seqcnn.datasets import make_shapes_in_noise


def classify() -> None:
    """Fit fixed kernels alone, which takes a second, and then a committee of one's own."""
    X, y = make_shapes_in_noise(120, noise=0.6, random_state=0)
    X_test, y_test = make_shapes_in_noise(300, noise=0.6, random_state=1)
    quick = SeqCNNClassifier(preset="quick", random_state=0).fit(X, y)
    print(f"quick: accuracy {quick.score(X_test, y_test):.3f}")
    own = SeqCNNClassifier(["hydra", "quant", "lite"], max_epochs=20, random_state=0).fit(X, y)
    print(f"own: accuracy {own.score(X_test, y_test):.3f}")
    # "score" is that on records which the member did not learn, and decides the weight.
    print(own.committee_.round(3).to_string(index=False))
    sets = own.predict_set(X_test, coverage=0.9)
    inside = np.array([sets[label].iloc[row] for row, label in enumerate(y_test)])
    print(f"sets of {sets.sum(axis=1).mean():.2f} classes on average hold {inside.mean():.3f} of the true ones")


def estimate() -> None:
    """Predict the height of the highest point beneath the noise, with an interval for each."""
    X, _ = make_shapes_in_noise(150, noise=0.3, random_state=2)
    height = np.random.default_rng(0).uniform(1, 3, len(X))
    X = X * height[:, None]
    regressor = SeqCNNRegressor(preset="quick", random_state=0).fit(X[:100], height[:100])
    print(f"numbers: R2 {regressor.score(X[100:], height[100:]):.3f}")
    interval = regressor.predict_interval(X[100:], coverage=0.9)
    inside = ((interval["lower"] <= height[100:]) & (height[100:] <= interval["upper"])).mean()
    width = (interval["upper"] - interval["lower"]).mean()
    print(f"intervals {width:.2f} wide hold {inside:.2f} of the true ones")


if __name__ == "__main__":
    classify()
    estimate()
