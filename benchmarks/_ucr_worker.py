"""One library in its own environment fits, predicts and writes what it predicted (``benchmarks/ucr.py`` starts it).

    python _ucr_worker.py LIBRARY THREADS

A line of JSON in, ``{"work": "run", ...}``; a line of JSON out with seconds of the clock and of the processor. The data
come in a file of `_ucr_sets.write`, what was predicted goes to another: metrics are computed by one code for all.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from _peer_worker import serve
from _ucr_sets import DataSet, read

COVERAGE = 0.9
WARM_UP = {"n_records": 20, "length": 64}
WAYS_WITH_GAPS = ("interpolate", "mask")
N_FOLDS = 3


class Clock:
    """Seconds of the clock and of this process's threads, from one look to the next."""

    def __init__(self) -> None:
        self._clock, self._processor = time.perf_counter(), time.process_time()

    def look(self) -> tuple[float, float]:
        """Return both, and start anew."""
        before = self._clock, self._processor
        self._clock, self._processor = time.perf_counter(), time.process_time()
        return self._clock - before[0], self._processor - before[1]


def warm_up_set(*, n_channels: int, is_regression: bool) -> DataSet:
    """Return noise, on which what is compiled or imported at the first use gets its first use."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(WARM_UP["n_records"], n_channels, WARM_UP["length"])).astype(np.float32)
    X[::2] += np.sin(np.arange(WARM_UP["length"]) / 4).astype(np.float32)
    y = X[:, 0, 0].astype(np.float64) if is_regression else np.arange(len(X)) % 2
    return DataSet("regression" if is_regression else "ucr", "noise", X, y, X, y)


class Runner:
    """What both libraries are asked for. A subclass builds the estimator, fits it and says what it predicts."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._warm: set[Any] = set()

    def versions(self) -> dict[str, Any]:
        """Return the versions of what is measured."""
        raise NotImplementedError

    def fit(self, data_set: DataSet, how: Mapping[str, Any], seed: int) -> tuple[Any, dict[str, Any]]:
        """Return a fitted estimator, and what else a line should say."""
        raise NotImplementedError

    def predict(self, estimator: Any, X: Any, *, is_regression: bool) -> dict[str, np.ndarray]:
        """Return ``labels`` and, where they mean something, ``probabilities``; or ``values``."""
        raise NotImplementedError

    def look_closer(self, estimator: Any, X: Any, *, is_regression: bool) -> dict[str, np.ndarray]:
        """Return what is predicted beside that, without being timed."""
        return {}

    def run(self, data: str, predictions: str, how: dict[str, Any], seed: int) -> dict[str, Any]:
        """Fit on the training part, predict the test part once, and write what was predicted."""
        data_set = read(Path(data))
        is_regression = data_set.archive == "regression"
        seconds = self._warm_up(data_set, how, is_regression=is_regression)
        clock = Clock()
        estimator, told = self.fit(data_set, how, seed)
        fit_seconds = clock.look()
        predicted = self.predict(estimator, data_set.X_test, is_regression=is_regression)
        predict_seconds = clock.look()
        predicted |= self.look_closer(estimator, data_set.X_test, is_regression=is_regression)
        np.savez(predictions, **predicted)  # type: ignore[arg-type]
        return {
            "fit_seconds": round(fit_seconds[0], 3),
            "predict_seconds": round(predict_seconds[0], 3),
            "fit_cpu_seconds": round(fit_seconds[1], 3),
            "predict_cpu_seconds": round(predict_seconds[1], 3),
            "warm_up_seconds": round(seconds, 1),
            **told,
        }

    def _warm_up(self, data_set: DataSet, how: Mapping[str, Any], *, is_regression: bool) -> float:
        """Return the seconds of a first fit on noise; none where there was one with as many channels or one more."""
        records = data_set.X_train
        n_channels = min(2, records[0].shape[0] if records[0].ndim == 2 else 1)
        key = (n_channels, is_regression, tuple(sorted((name, str(value)) for name, value in how.items())))
        if key in self._warm:
            return 0.0
        started = time.perf_counter()
        small = warm_up_set(n_channels=n_channels, is_regression=is_regression)
        estimator, _ = self.fit(small, {**how, "is_warm_up": True}, seed=0)
        self.predict(estimator, small.X_test, is_regression=is_regression)
        self._warm.add(key)
        return time.perf_counter() - started


class SeqCNN(Runner):
    """The library at hand."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import torch

        torch.set_num_threads(threads)

    def versions(self) -> dict[str, Any]:
        import sklearn
        import torch

        import seqcnn

        return {"seqcnn": seqcnn.__version__, "torch": torch.__version__, "scikit-learn": sklearn.__version__}

    def fit(self, data_set: DataSet, how: Mapping[str, Any], seed: int) -> tuple[Any, dict[str, Any]]:
        from seqcnn import SeqCNNClassifier, SeqCNNRegressor

        make: Any = SeqCNNRegressor if data_set.archive == "regression" else SeqCNNClassifier
        named, *own = how["encoder"].split(",")
        encoder = named.split("+")
        parameters = {
            "encoder": encoder[0] if len(encoder) == 1 else encoder,
            **{f"encoder__{name}": int(value) for name, value in (part.split("=") for part in own)},
            "preset": "quick" if "is_warm_up" in how else how["preset"],
            "device": "cpu",
            "random_state": seed,
        }
        told: dict[str, Any] = {}
        if data_set.has_gaps:
            told["missing"] = parameters["missing"] = choose_missing(make, parameters, data_set)
        estimator = make(**parameters).fit(data_set.X_train, data_set.y_train, groups=data_set.groups)
        if hasattr(estimator, "committee_"):
            told["members"] = plain(estimator.committee_.to_dict("records"))
        return estimator, told

    def predict(self, estimator: Any, X: Any, *, is_regression: bool) -> dict[str, np.ndarray]:
        if is_regression:
            return {"values": estimator.predict(X)}
        probabilities = estimator.predict_proba(X)
        return {
            "labels": estimator.classes_[probabilities.argmax(1)],
            "probabilities": probabilities,
            "classes": estimator.classes_,
        }

    def look_closer(self, estimator: Any, X: Any, *, is_regression: bool) -> dict[str, np.ndarray]:
        if not (is_regression and hasattr(estimator, "predict_interval")):
            return {}
        try:
            return {"interval": np.asarray(estimator.predict_interval(X, coverage=COVERAGE))}
        except ValueError as error:  # no record was held back to tell how wide intervals must be
            print(f"No intervals: {error}")
            return {}


def choose_missing(make: Any, parameters: Mapping[str, Any], data_set: DataSet) -> str:
    """Return what to do with gaps: of the training records alone, by the accuracy (or R²) of records left out."""
    from sklearn.model_selection import KFold, StratifiedKFold

    split: Any = KFold if data_set.archive == "regression" else StratifiedKFold
    folds = split(N_FOLDS, shuffle=True, random_state=0)
    X, y = data_set.X_train, data_set.y_train
    scores = {
        way: np.mean(
            [
                make(**parameters, missing=way).fit(X[fitted], y[fitted]).score(X[held], y[held])
                for fitted, held in folds.split(X, y)
            ]
        )
        for way in WAYS_WITH_GAPS
    }
    return max(scores, key=lambda way: scores[way])  # the first, simpler one of equals


def plain(value: Any) -> Any:
    """Return a value as JSON has it, numbers in four digits."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)


class Aeon(Runner):
    """aeon's estimators: numba and torch, or Keras."""

    NAMES: Mapping[str, tuple[str, str]] = {
        "minirocket": ("convolution_based", "MiniRocket"),
        "multirocket-hydra": ("convolution_based", "MultiRocketHydra"),
        "litetime": ("deep_learning", "LITETime"),
        "inceptiontime": ("deep_learning", "InceptionTime"),
    }
    N_NETWORKS, N_EPOCHS = 5, 1500
    """Of LITETime and InceptionTime as published, and aeon's defaults."""

    def versions(self) -> dict[str, Any]:
        from importlib.metadata import PackageNotFoundError, version

        found = {}
        for name in ("aeon", "numba", "torch", "tensorflow", "scikit-learn"):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found

    def fit(self, data_set: DataSet, how: Mapping[str, Any], seed: int) -> tuple[Any, dict[str, Any]]:
        from importlib import import_module

        module, name = self.NAMES[how["name"]]
        kind = "Regressor" if data_set.archive == "regression" else "Classifier"
        package = "regression" if kind == "Regressor" else "classification"
        make = getattr(import_module(f"aeon.{package}.{module}"), name + kind)
        told: dict[str, Any] = {}
        if module == "convolution_based":
            estimator = make(n_jobs=self.threads, random_state=seed)
            estimator.fit(data_set.X_train, data_set.y_train)
            return estimator, told
        epochs = 2 if "is_warm_up" in how else how["epochs"]
        seconds, watch = self._watch_epochs()
        estimator = make(n_epochs=epochs, callbacks=watch, random_state=seed)
        estimator.fit(data_set.X_train, data_set.y_train)
        told["epochs"] = epochs
        # What the published 1500 epochs of five networks would have taken; Keras compiles in a network's first epoch.
        later = [value for position, value in enumerate(seconds) if position % epochs]
        told["full_fit_seconds"] = round(float(np.median(later)) * self.N_NETWORKS * self.N_EPOCHS)
        return estimator, told

    def _watch_epochs(self) -> tuple[list[float], Any]:
        """Return a list that the seconds of each epoch come to, and the callbacks: what writes them, and aeon's own."""
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(self.threads)
        seconds: list[float] = []

        class Watch(tensorflow.keras.callbacks.Callback):  # type: ignore[name-defined,misc]
            def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
                self.started = time.perf_counter()

            def on_epoch_end(self, epoch: int, logs: object = None) -> None:
                seconds.append(time.perf_counter() - self.started)

        # Given callbacks take the place of aeon's schedule of the learning rate, which therefore stands here.
        own = tensorflow.keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=50, min_lr=0.0001)
        return seconds, [own, Watch()]

    def predict(self, estimator: Any, X: Any, *, is_regression: bool) -> dict[str, np.ndarray]:
        if is_regression:
            return {"values": estimator.predict(X)}
        if "deep_learning" not in type(estimator).__module__:
            return {"labels": estimator.predict(X)}  # a ridge classifier has no probabilities
        probabilities = estimator.predict_proba(X)
        return {
            "labels": estimator.classes_[probabilities.argmax(1)],
            "probabilities": probabilities,
            "classes": estimator.classes_,
        }


LIBRARIES: dict[str, Callable[[int], Runner]] = {"seqcnn": SeqCNN, "aeon": Aeon, "aeon-rocket": Aeon}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(LIBRARIES, ("versions", "run"))
