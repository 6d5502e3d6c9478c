"""One library in its own environment, asked for one work after the other (``benchmarks/peers.py`` starts it).

    python _peer_worker.py LIBRARY THREADS

A line of JSON in, ``{"work": ..., parameters}``; a line of JSON out with the figures, seconds and bytes. What the
library prints goes to the standard error. Data are made here, from a seed, by the same code for every library.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import resource
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

# The networks that are compared: series, time steps, windows of a batch.
DATA = {"inception": (320, 256, 64), "lite": (320, 256, 64), "tiny": (30, 128, 8)}
TINY_WIDTH, TINY_KERNELS = 8, (7, 5, 3)  # odd kernels: torch pads even ones by a copy
PREDICTED, BARE_BATCH = 1000, 256
ROCKET_SERIES, ROCKET_STEPS = 217, 301
LEARNING_RATE = 1e-3


def make_series(n_series: int, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return series ``(n_series, 1, n_steps)`` in float32, noise with a slow wave in every second one, and labels."""
    generator = np.random.default_rng(0)
    labels = np.arange(n_series) % 2
    wave = np.sin(np.arange(n_steps) / 9 + generator.uniform(0, 6, (n_series, 1)))
    values = generator.normal(size=(n_series, n_steps)) + wave * labels[:, None]
    return values[:, None].astype(np.float32), labels


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def peak_bytes() -> int:
    """Return the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Neighbours:
    """Tells how many cores other processes keep busy from here on; on Linux alone, elsewhere it says none."""

    def __init__(self) -> None:
        self._started, self._own, self._all = time.perf_counter(), time.process_time(), self._busy()

    @staticmethod
    def _busy() -> float:
        try:
            with Path("/proc/stat").open() as file:
                user, nice, system, _, _, interrupts, soft, stolen = map(int, file.readline().split()[1:9])
        except OSError:
            return math.nan
        return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")

    def cores(self) -> float:
        """Return their mean number; the clock ticks 100 times a second, so little time says little."""
        passed = time.perf_counter() - self._started
        others = (self._busy() - self._all - (time.process_time() - self._own)) / max(passed, 1.0)
        return max(others, 0.0) if math.isfinite(others) else 0.0


class Library:
    """What every library is asked for. A subclass imports it, builds a model, fits and predicts."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._fitted: dict[str, Any] = {}

    def versions(self) -> dict[str, Any]:
        """Return the versions of what is measured."""
        raise NotImplementedError

    def fit(self, network: str, epochs: int, precision: str) -> tuple[Any, list[float], int]:
        """Return a model fitted from scratch, the seconds of each epoch, and the number of its parameters."""
        raise NotImplementedError

    def probabilities(self, model: Any, series: np.ndarray) -> object:
        """Predict as a user does."""
        raise NotImplementedError

    def forward(self, model: Any, series: np.ndarray) -> object:
        """Run the network alone, in inference mode, on one batch."""
        raise NotImplementedError

    def load(self) -> None:
        """Import what a fit needs, as far as that is still to be done."""
        importlib.import_module("torch._dynamo")  # torch itself does so late, at the first step of an optimizer

    def rocket(self) -> Callable[[np.ndarray], Any]:
        """Return MiniRocket's fit and transform in one call."""
        raise NotImplementedError

    def train(self, network: str, epochs: int, skip: int, precision: str = "float32") -> dict[str, Any]:
        """Time the epochs of a fit behind the first ``skip``."""
        _, seconds, n_parameters = self.fit(network, epochs, precision)
        epoch = statistics.median(seconds[skip:])
        n_series, _, batch = DATA[network]
        return {"epoch": epoch, "step": epoch / math.ceil(n_series / batch), "parameters": n_parameters}

    def remember(self, network: str, epochs: int, precision: str = "float32") -> dict[str, Any]:
        """Find the peak of memory in a fit; for a fresh process, where only imports went before."""
        self.load()
        before = peak_bytes()
        self.fit(network, epochs, precision)
        return {"peak_bytes": peak_bytes(), "added_bytes": peak_bytes() - before}

    def predict(self, network: str, bare: bool = False) -> dict[str, Any]:
        """Time prediction, by the library's own method or of the network alone; the median of three calls."""
        if network not in self._fitted:
            self._fitted[network] = self.fit(network, 1, "float32")[0]
        model = self._fitted[network]
        series, _ = make_series(PREDICTED, DATA[network][1])

        def run() -> None:
            if bare:
                for start in range(0, PREDICTED, BARE_BATCH):
                    self.forward(model, series[start : start + BARE_BATCH])
            else:
                self.probabilities(model, series)

        return {"seconds": statistics.median(timed(run) for _ in range(3))}

    def minirocket(self) -> dict[str, Any]:
        """Time MiniRocket's first and second call in this process; its modules are loaded before."""
        series, _ = make_series(ROCKET_SERIES, ROCKET_STEPS)
        call = self.rocket()
        found: list[Any] = []
        first, second = (timed(lambda: found.append(call(series))) for _ in range(2))
        return {"first": first, "second": second, "features": int(found[0].shape[1])}


class SeqCNN(Library):
    """The library at hand."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import torch

        from seqcnn import SeqCNNClassifier

        self.torch, self.estimator = torch, SeqCNNClassifier
        torch.set_num_threads(threads)

    def versions(self) -> dict[str, Any]:
        import sklearn

        import seqcnn

        capabilities = self.torch.cpu.get_capabilities()
        special = [name for name in ("amx_bf16", "avx512_bf16", "avx512_f", "avx2") if capabilities.get(name)]
        return {
            "versions": {"seqcnn": seqcnn.__version__, "torch": self.torch.__version__, "sklearn": sklearn.__version__},
            "instructions": special,
        }

    def fit(self, network: str, epochs: int, precision: str) -> tuple[Any, list[float], int]:
        parameters: dict[str, Any] = {}
        if network == "tiny":
            parameters = {"encoder__width": TINY_WIDTH, "encoder__kernel_sizes": TINY_KERNELS}
        n_series, n_steps, batch = DATA[network]
        classifier = self.estimator(
            "fcn" if network == "tiny" else network,
            max_epochs=epochs,
            batch_size=batch,
            precision=precision,
            early_stopping=False,
            device="cpu",
            random_state=0,
            **parameters,
        ).fit(*make_series(n_series, n_steps))
        seconds = np.diff(classifier.history_["seconds"], prepend=0).tolist()
        return classifier, seconds, sum(value.numel() for value in classifier.network_.parameters())

    def probabilities(self, model: Any, series: np.ndarray) -> object:
        return model.predict_proba(series)

    def forward(self, model: Any, series: np.ndarray) -> object:
        with self.torch.inference_mode():
            return model.network_(self.torch.from_numpy(series))

    def rocket(self) -> Callable[[np.ndarray], Any]:
        from seqcnn.encoders.minirocket import MiniRocket

        def call(series: np.ndarray) -> Any:
            x, encoder = self.torch.from_numpy(series), MiniRocket(1)
            encoder.prepare(x)
            return encoder(x)

        return call


class Tsai(Library):
    """skorch around tsai's InceptionTime, and around plain torch modules where tsai has no such network."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import skorch
        import torch
        from tsai.models.InceptionTime import InceptionTime

        self.torch, self.skorch, self.inception = torch, skorch, InceptionTime
        torch.set_num_threads(threads)

    def versions(self) -> dict[str, Any]:
        from importlib.metadata import version

        names = ("skorch", "tsai")
        return {"versions": {name: version(name) for name in names} | {"torch": self.torch.__version__}}

    def fit(self, network: str, epochs: int, precision: str) -> tuple[Any, list[float], int]:
        torch = self.torch
        torch.manual_seed(0)
        n_series, n_steps, batch = DATA[network]
        build = {"inception": lambda: self.inception(1, 2), "lite": self._lite, "tiny": self._tiny}[network]
        net = self.skorch.NeuralNetClassifier(
            build(),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW if network == "tiny" else torch.optim.Adam,
            lr=LEARNING_RATE,
            batch_size=batch,
            max_epochs=epochs,
            train_split=None,
            iterator_train__shuffle=True,
            verbose=0,
        )
        series, labels = make_series(n_series, n_steps)
        net.fit(series, labels.astype(np.int64))
        return (
            net,
            net.history[:, "dur"],
            sum(value.numel() for value in net.module_.parameters() if value.requires_grad),
        )

    def probabilities(self, model: Any, series: np.ndarray) -> object:
        return model.predict_proba(series)

    def forward(self, model: Any, series: np.ndarray) -> object:
        model.module_.eval()
        with self.torch.inference_mode():
            return model.module_(self.torch.from_numpy(series))

    def _tiny(self) -> Any:
        """Return the three blocks of the fully convolutional network, as one writes them in torch."""
        nn = self.torch.nn
        layers: list[Any] = []
        channels = 1
        for out_channels, size in zip((TINY_WIDTH, 2 * TINY_WIDTH, TINY_WIDTH), TINY_KERNELS, strict=True):
            layers.append(nn.Conv1d(channels, out_channels, size, padding="same", bias=False))
            layers += [nn.BatchNorm1d(out_channels), nn.ReLU()]
            channels = out_channels
        return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(channels, 2))

    def _lite(self) -> Any:
        """Return LITE (Ismail-Fawaz et al. 2023, arXiv 2409.02869) as one writes it in torch."""
        torch, nn = self.torch, self.torch.nn

        class Lite(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.fixed = nn.ModuleList()
                for size in (2, 4, 8, 16, 32, 64):
                    rising = torch.ones(size)
                    rising[::2] = -1
                    self.hold(rising)
                    self.hold(-rising)
                    if size >= 4:
                        left = torch.linspace(0, 1, size // 4 + 1)[1:] ** 2
                        bump = torch.cat([left, left.flip(0)])
                        self.hold(torch.cat([-bump, 2 * bump, -bump]))
                self.learned = nn.ModuleList(
                    nn.Conv1d(1, 32, size, padding="same", bias=False) for size in (40, 20, 10)
                )
                self.first = nn.Sequential(nn.BatchNorm1d(113), nn.ReLU())
                self.rest = nn.Sequential(*self.separable(113, 20, 2), *self.separable(32, 10, 4))
                self.dense = nn.Linear(32, 2)

            def hold(self, kernel: Any) -> None:
                layer = nn.Conv1d(1, 1, len(kernel), padding="same", bias=False)
                layer.weight.data[:] = kernel
                self.fixed.append(layer.requires_grad_(False))

            @staticmethod
            def separable(channels: int, size: int, dilation: int) -> list[Any]:
                each = nn.Conv1d(
                    channels, channels, size, padding="same", dilation=dilation, groups=channels, bias=False
                )
                return [each, nn.Conv1d(channels, 32, 1, bias=False), nn.BatchNorm1d(32), nn.ReLU()]

            def forward(self, x: Any) -> Any:
                fixed = torch.relu(torch.cat([layer(x) for layer in self.fixed], 1))
                x = self.first(torch.cat([*(layer(x) for layer in self.learned), fixed], 1))
                return self.dense(self.rest(x).mean(2))

        return Lite()


class Aeon(Library):
    """aeon: Keras networks, and MiniRocket compiled by numba."""

    keras: Any = None

    def load(self) -> None:
        if self.keras is not None:
            return
        import tensorflow
        from aeon.classification.deep_learning import IndividualInceptionClassifier, IndividualLITEClassifier

        tensorflow.config.threading.set_intra_op_parallelism_threads(self.threads)
        self.keras = tensorflow.keras
        self.classifiers = {"inception": IndividualInceptionClassifier, "lite": IndividualLITEClassifier}

    def versions(self) -> dict[str, Any]:
        from importlib.metadata import version

        return {"versions": {name: version(name) for name in ("aeon", "keras", "tensorflow", "numba")}}

    def fit(self, network: str, epochs: int, precision: str) -> tuple[Any, list[float], int]:
        self.load()
        seconds: list[float] = []

        class Clock(self.keras.callbacks.Callback):  # type: ignore[name-defined,misc]
            def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
                self.started = time.perf_counter()

            def on_epoch_end(self, epoch: int, logs: object = None) -> None:
                # The clock stands first, so that the checkpoint which aeon writes an epoch is not counted.
                seconds.append(time.perf_counter() - self.started)

        n_series, n_steps, batch = DATA[network]
        self.keras.backend.clear_session()
        classifier = self.classifiers[network](n_epochs=epochs, batch_size=batch, callbacks=[Clock()], random_state=0)
        classifier.fit(*make_series(n_series, n_steps))
        return classifier, seconds, sum(math.prod(value.shape) for value in classifier.model_.trainable_weights)

    def probabilities(self, model: Any, series: np.ndarray) -> object:
        return model.predict_proba(series)

    def rocket(self) -> Callable[[np.ndarray], Any]:
        from aeon.transformations.collection.convolution_based import MiniRocket

        return MiniRocket(random_state=0, n_jobs=self.threads).fit_transform


LIBRARIES: dict[str, type[Library]] = {"seqcnn": SeqCNN, "tsai": Tsai, "aeon": Aeon}
WORKS = ("versions", "train", "remember", "predict", "minirocket")


def serve(libraries: Mapping[str, Callable[[int], Any]], works: Collection[str]) -> None:
    """Answer the lines that come in, until there are no more.

    Parameters
    ----------
    libraries
        What makes the library that is named on the command line, given the threads named there.
    works
        The methods of it that may be asked for.
    """
    # Libraries print to the standard output: keep it for the answers and let their words go to the standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    library: Any = None
    stopped, used = time.perf_counter(), time.process_time()
    for line in sys.stdin:
        waited = time.perf_counter() - stopped
        idle_share = (time.process_time() - used) / waited if library is not None and waited > 1 else 0.0
        command, neighbours = json.loads(line), Neighbours()
        try:
            if library is None:
                library = libraries[sys.argv[1]](int(sys.argv[2]))
            work = command.pop("work")
            assert work in works
            answer = getattr(library, work)(**command)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps({**answer, "idle_share": idle_share, "neighbours": neighbours.cores()}) + "\n")
        answers.flush()
        stopped, used = time.perf_counter(), time.process_time()


if __name__ == "__main__":
    serve(LIBRARIES, WORKS)
