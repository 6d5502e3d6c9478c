"""Estimators of fixed kernels on more windows than there is memory for their features."""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from core_helpers import relative_error, series, store_of
from torch.utils._python_dispatch import TorchDispatchMode

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, ridge_in_parts, solving
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.encoders import MiniRocket
from seqcnn.heads import CountScaler, LinearHead
from seqcnn.network import Network
from seqcnn.solving import solve_windows, works_in_parts
from seqcnn.stems import PassThrough

X, Y = make_shapes_in_noise(150, noise=0.3, random_state=0)
X_NEW, Y_NEW = make_shapes_in_noise(60, noise=0.3, random_state=1)
SMALL: dict[str, dict[str, Any]] = {
    "minirocket": {"encoder__n_features": 168},
    "multirocket": {"encoder__n_features": 672},
    "hydra": {"encoder__n_groups": 2},
}


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be held, and parts be of some dozens of windows."""
    monkeypatch.setattr(solving, "HELD_BYTES", 0)
    monkeypatch.setattr(ridge_in_parts, "_VALUES", 40 * 168)
    monkeypatch.setattr("seqcnn.symmetric._COLUMNS", 50)


def fit_both(request: pytest.FixtureRequest, fit: Any) -> tuple[Any, Any]:
    """Return what was fitted to features that were held, and to features in parts."""
    whole = fit()
    request.getfixturevalue("in_parts")
    return whole, fit()


def of_windows(model: Any) -> Any:
    """Return the network's scores of all new windows."""
    with torch.no_grad():
        return model.network_(torch.from_numpy(X_NEW.astype(np.float32))[:, None])


@pytest.mark.parametrize("name", SMALL)
def test_a_classifier_is_the_same_in_parts(request: pytest.FixtureRequest, name: str) -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2, 150)

    def fit() -> Any:
        return SeqCNNClassifier(name, random_state=0, **SMALL[name]).fit(X, Y, sample_weight=weights)

    whole, parts = fit_both(request, fit)
    assert relative_error(of_windows(parts), of_windows(whole)) < 1e-4
    pd.testing.assert_frame_equal(parts.history_.drop(columns="seconds"), whole.history_.drop(columns="seconds"))
    assert parts.score(X_NEW, Y_NEW) > 0.6


@pytest.mark.parametrize("groups", [None, np.arange(150) % 3, np.arange(150) % 40])
def test_windows_are_left_out_with_their_record_or_their_group(request: pytest.FixtureRequest, groups: Any) -> None:
    def fit() -> Any:
        options: dict[str, Any] = {"window_length": 48, "hop_length": 24, "random_state": 0}
        return SeqCNNClassifier("minirocket", **options, **SMALL["minirocket"]).fit(X, Y, groups=groups)

    whole, parts = fit_both(request, fit)
    np.testing.assert_allclose(parts.predict_proba(X_NEW), whole.predict_proba(X_NEW), atol=1e-5)
    pd.testing.assert_frame_equal(parts.history_.drop(columns="seconds"), whole.history_.drop(columns="seconds"))


def test_a_regressor_with_numbers_beside_its_records_is_the_same_in_parts(request: pytest.FixtureRequest) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"age": generator.normal(size=150), "signal": list(X)})
    values = np.c_[1000 + frame["age"], X.max(1)]

    def fit() -> Any:
        return SeqCNNRegressor("minirocket", random_state=0, **SMALL["minirocket"]).fit(frame, values)

    whole, parts = fit_both(request, fit)
    np.testing.assert_allclose(parts.predict(frame), whole.predict(frame), rtol=1e-5)
    assert parts.score(frame, values) > 0.5
    pd.testing.assert_frame_equal(parts.history_.drop(columns="seconds"), whole.history_.drop(columns="seconds"))


def test_labels_and_records_of_unequal_length_are_the_same_in_parts(request: pytest.FixtureRequest) -> None:
    ragged = [row[: 60 + 7 * position % 31] for position, row in enumerate(X)]
    labels = np.c_[np.asarray(Y) == Y[0], np.asarray(Y) == Y[1], np.arange(150) % 2].astype(int)

    def fit() -> Any:
        return SeqCNNClassifier("minirocket", random_state=0, **SMALL["minirocket"]).fit(ragged, labels)

    whole, parts = fit_both(request, fit)
    np.testing.assert_allclose(parts.predict_proba(ragged), whole.predict_proba(ragged), atol=1e-5)


@pytest.mark.usefixtures("in_parts")
def test_counts_of_many_windows_take_their_scale_from_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SAMPLE", 60)
    classifier = SeqCNNClassifier("hydra", random_state=0, **SMALL["hydra"]).fit(X, Y)
    assert classifier.score(X_NEW, Y_NEW) > 0.6
    head, features = classifier.network_.head, SeqCNNEmbedder(classifier.encoder_).fit(X).transform(X)
    assert isinstance(head, LinearHead)
    assert isinstance(head.scaler, CountScaler)
    drawn = np.sort(np.random.default_rng(0).permutation(150)[:60])
    expected = np.sqrt(np.maximum(features[drawn], 0)).mean(0)
    np.testing.assert_allclose(head.scaler.mean.numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["minirocket", "hydra"])
def test_many_features_of_more_windows_that_are_held_give_the_same_and_are_computed_once(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    few: dict[str, dict[str, Any]] = {"minirocket": {"encoder__n_features": 84}, "hydra": {"encoder__n_groups": 1}}
    x, y = make_shapes_in_noise(300, noise=0.3, random_state=0)

    def fit() -> Any:
        return SeqCNNClassifier(name, random_state=0, **few[name]).fit(x, y)

    whole, seen = fit(), []
    assert whole.network_.n_features < 300
    for module in (solving, ridge_in_parts):
        monkeypatch.setattr(module, "DECOMPOSED", 40)
    embed, solve = Network.embed, ridge_in_parts._Rows.add
    monkeypatch.setattr(Network, "embed", lambda self, x, *rest: seen.append(len(x)) or embed(self, x, *rest))
    added: list[int] = []
    monkeypatch.setattr(ridge_in_parts._Rows, "add", lambda self, rows: added.append(len(rows)) or solve(self, rows))
    held = fit()
    assert sum(seen) == sum(added) == 300
    assert relative_error(of_windows(held), of_windows(whole)) < 1e-4
    pd.testing.assert_frame_equal(held.history_.drop(columns="seconds"), whole.history_.drop(columns="seconds"))


class Rows(TorchDispatchMode):
    """Remembers the most rows that stood side by side in a tensor of so many features."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.n_features, self.n_rows = n_features, 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = function(*args, **(kwargs or {}))
        if isinstance(given, torch.Tensor) and self.n_features in given.shape:
            self.n_rows = max(self.n_rows, given.numel() // self.n_features)
        return given


def prepared(n_windows: int, n_features: int = 168) -> tuple[Network, Any]:
    """Return a network that waits for its head, and windows of twelve steps."""
    network = Network(PassThrough(1), MiniRocket(1, n_features=n_features), None, torch.nn.Identity())
    store = store_of(series([12] * n_windows))
    network.encoder.prepare(store.batch(np.arange(min(n_windows, 100))).x)
    network.head = LinearHead(network.n_features, 1)
    return network, store


@pytest.mark.parametrize("groups", [None, np.arange(1000) % 250, np.arange(1000) % 4])
@pytest.mark.usefixtures("in_parts")
def test_no_tensor_holds_the_features_of_all_windows(monkeypatch: pytest.MonkeyPatch, groups: Any) -> None:
    monkeypatch.setattr(ridge_in_parts, "SAMPLE", 50)
    network, store = prepared(1000)
    targets = torch.from_numpy(np.random.default_rng(0).normal(size=(1000, 1)))
    with Rows(168) as seen:
        solution = solve_windows(network, store, targets, torch.ones(1000), groups=groups)
    assert solution.outputs.shape == solution.left_out.shape == (1000, 1)
    # The covariance has 168 rows, and a part 40.
    assert seen.n_rows == 168


@pytest.mark.parametrize(("n_windows", "bytes_each"), [(300, 12), (100, 4)])
def test_features_are_held_up_to_the_bound_and_computed_once(
    monkeypatch: pytest.MonkeyPatch, n_windows: int, bytes_each: int
) -> None:
    network, store = prepared(n_windows)
    seen = []
    monkeypatch.setattr(network, "embed", lambda *batch: seen.append(len(batch[0])) or Network.embed(network, *batch))
    targets = torch.from_numpy(np.random.default_rng(0).normal(size=(n_windows, 1)))
    answers = []
    # All windows, and where they are too many those on which the penalty is chosen, here all, and all once more.
    for bound, times in ((n_windows * 168 * bytes_each, 1), (n_windows * 168 * bytes_each - 1, 4)):
        monkeypatch.setattr(solving, "HELD_BYTES", bound)
        seen.clear()
        answers.append(solve_windows(network, store, targets, torch.ones(n_windows)).left_out)
        assert sum(seen) == n_windows * times
    assert relative_error(answers[1], answers[0]) < 1e-4


def test_too_many_windows_and_features_are_refused_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqcnn.closed_form.LARGEST", 100)
    network, store = prepared(300)
    monkeypatch.setattr(network, "embed", None)
    with pytest.raises(ValueError) as error:
        solve_windows(network, store, torch.zeros(300, 1), torch.ones(300))
    assert str(error.value) == (
        "A head in closed form takes at most 100 records or 100 features. Received: 300 records (or windows) and 168 "
        "features. Pass fewer records, longer windows, or an encoder of fewer features."
    )


def test_more_windows_get_fewer_features_of_an_encoder_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqcnn.estimators._settings.HELD_BYTES", 4 * 49 * 50_000)
    monkeypatch.setattr("seqcnn.estimators._settings.FEATURES_OF_MANY", 1000)

    def n_features(kind: Any, n: int, **parameters: Any) -> int:
        fitted = kind("multirocket", random_state=0, **parameters).fit(
            X[:n], *([Y[:n]] if kind is SeqCNNClassifier else [])
        )
        return int(fitted.network_.n_features)

    assert n_features(SeqCNNClassifier, 49) == 49_728
    assert n_features(SeqCNNClassifier, 50) == 672
    assert n_features(SeqCNNClassifier, 50, encoder__n_features=3000) == 2688
    assert n_features(SeqCNNEmbedder, 50) == 49_728


@pytest.mark.usefixtures("in_parts")
def test_the_bar_says_what_is_being_done(capsys: pytest.CaptureFixture[str]) -> None:
    SeqCNNClassifier("minirocket", random_state=0, verbose=2, **SMALL["minirocket"]).fit(X, Y)
    lines = [line.removeprefix("SeqCNNClassifier  ") for line in capsys.readouterr().err.splitlines()]
    assert lines[:3] == ["computing features", "choosing the penalty", "leaving windows out"]
    assert lines[3].startswith("epoch 1/1  loss ")


@pytest.mark.slow
def test_thirty_thousand_records_are_learnt_in_the_memory_that_was_promised() -> None:
    x, y = make_shapes_in_noise(31_000, n_classes=4, length=60, noise=0.3, random_state=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert works_in_parts(30_000, 4956)
    classifier = SeqCNNClassifier("minirocket", encoder__n_features=5000, random_state=0).fit(x[:30_000], y[:30_000])
    # In kilobytes: two squares of 4,956 in float64, the sample and some parts. Held, features and their projections
    # alone would be 1.8 GB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_400_000
    assert classifier.score(x[30_000:], y[30_000:]) == pytest.approx(
        classifier.history_["validation_score"][0], abs=0.05
    )
    assert classifier.score(x[30_000:], y[30_000:]) > 0.7
