"""Regression: how many hours a machine will still run, told from the last hours of its sensors.

Run it with ``python examples/regression_remaining_life.py``; the machines are generated. A machine wears out: two of
its sensors drift and shake more the nearer its end is, and a third one shows the load, which says nothing. Windows are
cut from records of unequal length by hand here, because each window has a target of its own.
"""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GroupShuffleSplit

from seqcnn import SeqCNNRegressor

WINDOW, HOP, MOST = 48, 12, 125
"""Hours of a window, from one to the next, and the most that is told apart: new machines all look alike."""


def make_machines(n_machines: int, seed: int) -> list[np.ndarray]:
    """Return a record (3 sensors, hours until the end) a machine."""
    random = np.random.default_rng(seed)
    machines = []
    for _ in range(n_machines):
        hours = random.integers(150, 300)
        left = np.arange(hours)[::-1]
        wear = np.exp(-left / random.uniform(35, 50))
        load = np.sin(2 * np.pi * np.arange(hours) / 24 + random.uniform(0, 6)) + random.normal(0, 0.2, hours)
        heat = 0.5 * load + 2 * wear + random.normal(0, 0.15, hours)
        vibration = random.normal(0, 0.2 + 1.2 * wear, hours)
        machines.append(np.stack([heat, vibration, load]).astype(np.float32))
    return machines


def cut(machines: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return windows (n, 3, WINDOW), the hours left behind each, and the number of its machine."""
    windows, left, machine = [], [], []
    for number, record in enumerate(machines):
        for end in range(WINDOW, record.shape[1] + 1, HOP):
            windows.append(record[:, end - WINDOW : end])
            left.append(min(record.shape[1] - end, MOST))
            machine.append(number)
    return np.stack(windows), np.array(left, dtype=float), np.array(machine)


def main() -> None:
    X, y, machine = cut(make_machines(60, seed=0))
    # No machine is on both sides: windows of one machine are alike.
    train, test = next(GroupShuffleSplit(1, test_size=0.25, random_state=0).split(X, y, machine))
    print(f"{len(set(machine))} machines, {len(X)} windows of {WINDOW} hours")

    guess = DummyRegressor(strategy="median").fit(X[train], y[train]).predict(X[test])
    print(f"the same answer for all: wrong by {mean_absolute_error(y[test], guess):.1f} hours on average")

    regressor = SeqCNNRegressor("fcn", encoder__width=32, loss="huber", max_epochs=15, random_state=0)
    regressor.fit(X[train], y[train], groups=machine[train])
    predicted = regressor.predict(X[test])
    print(f"network: wrong by {mean_absolute_error(y[test], predicted):.1f} hours on average")
    for low, high in ((0, 25), (25, 75), (75, MOST)):
        near = (y[test] >= low) & (y[test] < high)
        error = mean_absolute_error(y[test][near], predicted[near])
        print(f"  with {low} to {high} hours left: wrong by {error:.1f} hours")
    print(f"score: R² {regressor.score(X[test], y[test]):.3f}")


if __name__ == "__main__":
    main()
