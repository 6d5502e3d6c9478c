"""The encoder parameter: names and their parameters, one's own module, another estimator's encoder_."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from estimator_helpers import LABELS, LANGUAGES, RATE, SERIES, SOUNDS, TEXTS, WORDS, message_of, quick
from torch import Tensor, nn

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, list_encoders
from seqcnn.encoders import FCN, SincConv1d, TDFilterbank

BLOCK = np.stack([SERIES, SERIES[::-1]], axis=1)
RAGGED = [series[: 30 + row % 6] for row, series in enumerate(SERIES)]


@pytest.fixture(autouse=True)
def same_modules() -> Iterator[None]:
    """Modules built in a test draw their weights from torch's global generator."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        yield


def convolution(in_channels: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv1d(in_channels, 6, 5, padding=2), nn.ReLU())


def pooled(in_channels: int = 1) -> nn.Module:
    return nn.Sequential(convolution(in_channels), nn.AdaptiveMaxPool1d(1), nn.Flatten())


class SeesNoPadding(nn.Module):
    """Keeps what it was given, so that a test can look at it."""

    shapes: list[tuple[int, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv1d(1, 4, 3)
        self.shapes = []

    def __deepcopy__(self, memo: Any) -> SeesNoPadding:
        copy = SeesNoPadding()
        copy.load_state_dict(self.state_dict())
        copy.shapes = self.shapes  # shared, unlike everything else
        return copy

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.append(tuple(x.shape))
        # The first call is a trial on zeros; records hold none, so a zero later on would be padding.
        assert not x.any() or (x != 0).all()
        out: Tensor = self.layer(x)
        return out


@pytest.mark.parametrize("build", [convolution, pooled], ids=["3-D output", "2-D output"])
@pytest.mark.parametrize("X", [SERIES, BLOCK, RAGGED], ids=["table", "channels", "ragged"])
@pytest.mark.parametrize("kind", [SeqCNNClassifier, SeqCNNRegressor, SeqCNNEmbedder])
def test_own_module_is_trained(kind: Any, X: Any, build: Any) -> None:
    y = np.arange(24.0) if kind is SeqCNNRegressor else LABELS
    module = build(2 if X is BLOCK else 1)
    estimator = quick(kind, module).fit(X, y)
    assert estimator.network_.n_features == 6
    trained = dict(estimator.encoder_.module.named_parameters())
    assert any(not torch.equal(trained[name], old) for name, old in module.named_parameters())


def test_own_module_learns() -> None:
    module = nn.Sequential(nn.Conv1d(1, 16, 9), nn.BatchNorm1d(16), nn.ReLU(), nn.Conv1d(16, 16, 5), nn.ReLU())
    assert quick(encoder=module, max_epochs=60, learning_rate=0.01).fit(SERIES, LABELS).score(SERIES, LABELS) > 0.9


def test_users_module_is_left_as_it_was() -> None:
    module = pooled().train()
    before = deepcopy(module.state_dict())
    first = quick(encoder=module).fit(SERIES, LABELS)
    second = quick(encoder=module).fit(SERIES, LABELS)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert module.training
    assert all(parameter.grad is None for parameter in module.parameters())
    np.testing.assert_array_equal(first.predict_proba(SERIES), second.predict_proba(SERIES))
    assert first.encoder is module


def test_own_module_gets_batches_of_one_length() -> None:
    module = SeesNoPadding()
    ragged = [series[: 30 + row % 6] + 10.0 for row, series in enumerate(SERIES)]
    quick(encoder=module, normalize=None).fit(ragged, LABELS).predict(ragged)
    assert {shape[2] for shape in module.shapes} == {30, 31, 32, 33, 34, 35}


def test_own_module_reads_texts_and_sounds() -> None:
    width = quick().fit(TEXTS, LANGUAGES).network_.stem.out_channels
    assert quick(encoder=convolution(width)).fit(TEXTS, LANGUAGES).predict(TEXTS).shape == (24,)
    assert quick(encoder=convolution(), sample_rate=RATE).fit(SOUNDS, WORDS).predict(SOUNDS).shape == (12,)


def test_module_without_weights_is_an_encoder_too() -> None:
    # The only feature is the mean of the record, at its own level.
    X = SERIES + np.arange(24.0)[:, None]
    features = SeqCNNEmbedder(nn.Identity(), normalize=None).fit(X).transform(X)
    np.testing.assert_allclose(features[:, 0], X.mean(axis=1), rtol=1e-6)


def test_frozen_layers_stay_as_they_are() -> None:
    module = convolution()
    module[0].weight.requires_grad_(False)
    fitted = quick(encoder=module).fit(SERIES, LABELS).encoder_.module
    assert torch.equal(fitted[0].weight, module[0].weight)
    assert not torch.equal(fitted[0].bias, module[0].bias)


def test_module_that_fails_on_the_input_is_refused() -> None:
    message = message_of(ValueError, quick(encoder=nn.Linear(7, 3)).fit, SERIES, LABELS)
    assert message.startswith(
        "The encoder Linear failed on input of shape (2, 1, 40), which is (batch, channels, time). Received: "
    )
    assert message.endswith("Pass a module that takes this shape.")


def test_module_of_another_output_is_refused() -> None:
    assert message_of(ValueError, quick(encoder=nn.Unflatten(1, (1, 1))).fit, SERIES, LABELS) == (
        "The encoder Unflatten must give (batch, features) or (batch, features, time). Received: (2, 1, 1, 40) for "
        "input of shape (2, 1, 40). Pass a module that gives one of the two."
    )


@pytest.mark.parametrize("build", ["fcn", "module"])
def test_fitted_encoder_starts_where_it_was_left(build: str) -> None:
    embedder = quick(SeqCNNEmbedder, "fcn" if build == "fcn" else pooled(), max_epochs=5).fit(SERIES, LABELS)
    classifier = quick(encoder=embedder.encoder_, max_epochs=1, learning_rate=1e-12).fit(SERIES, LABELS)
    for ours, theirs in zip(classifier.encoder_.parameters(), embedder.encoder_.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
        assert ours is not theirs


def test_library_module_is_taken_as_it_is() -> None:
    named = quick(encoder__kernel_sizes=(5, 3)).fit(SERIES, LABELS)
    built = quick(encoder=FCN(1, width=8, kernel_sizes=(5, 3)), max_epochs=1).fit(RAGGED, LABELS)
    assert str(built.network_) == str(named.network_)


def test_library_module_of_other_channels_is_refused() -> None:
    assert message_of(ValueError, quick(encoder=FCN(1, width=4)).fit, BLOCK, LABELS) == (
        "The 'encoder' parameter of SeqCNNClassifier reads 1 channels, but X gives 2. Received: FCN. Build it with "
        "in_channels=2."
    )


def test_estimator_is_refused_with_the_reason() -> None:
    fitted = quick(SeqCNNEmbedder).fit(SERIES)
    assert message_of(TypeError, quick(encoder=fitted).fit, SERIES, LABELS) == (
        "The 'encoder' parameter of SeqCNNClassifier must be a name or a torch.nn.Module. Received: the estimator "
        "SeqCNNEmbedder, whose weights scikit-learn's clone would silently drop in a search or a cross-validation. "
        "Pass its encoder_ instead."
    )


@pytest.mark.parametrize(
    ("encoder", "received"), [(nn.Conv1d, "<class 'torch.nn.modules.conv.Conv1d'>"), (None, "None"), (3, "3")]
)
def test_what_is_neither_name_nor_module_is_refused(encoder: Any, received: str) -> None:
    assert message_of(TypeError, quick(encoder=encoder).fit, SERIES, LABELS) == (
        "The 'encoder' parameter of SeqCNNClassifier must be a name or a torch.nn.Module. Received: "
        f"{received}. list_encoders() shows the names."
    )


def test_parameters_beside_a_module_are_refused() -> None:
    fit = quick(encoder=convolution(), encoder__width=3, encoder__depth=2).fit
    assert message_of(ValueError, fit, SERIES, LABELS) == (
        "The 'encoder' parameter of SeqCNNClassifier is a module, which is built already. Received: also "
        "encoder__width, encoder__depth. Build the module with these values, or name an encoder."
    )


@pytest.mark.parametrize(
    ("name", "hint"), [("fnc", "Did you mean 'fcn'? "), ("resnt", "Did you mean 'resnet'? "), ("transformer", "")]
)
def test_misspelt_encoder_is_answered_with_the_nearest(name: str, hint: str) -> None:
    names = [repr(known) for known in list_encoders()]
    assert message_of(ValueError, quick(encoder=name).fit, SERIES, LABELS) == (
        "The 'encoder' parameter of SeqCNNClassifier must be 'auto', a torch.nn.Module or one of "
        f"{', '.join(names[:-1])} or {names[-1]}. Received: {name!r}. {hint}list_encoders() shows the names."
    )


def test_misspelt_parameter_of_the_encoder_is_answered_with_the_nearest() -> None:
    own = [p.name for p in inspect.signature(FCN).parameters.values() if p.kind is p.KEYWORD_ONLY]
    known = [f"encoder__{name}" for name in own]
    assert message_of(ValueError, SeqCNNClassifier("fcn", encoder__widht=3, encoder__colour=1).fit, SERIES, LABELS) == (
        "The encoder 'fcn' of SeqCNNClassifier has no parameter 'widht' or 'colour'. Did you mean 'encoder__width'? "
        f"It takes {', '.join(known[:-1])} and {known[-1]}."
    )


def test_series_shorter_than_the_stride_are_refused() -> None:
    stride = quick(encoder="m5", sample_rate=RATE).fit(SOUNDS, WORDS).encoder_.stride
    assert stride > 40
    remedy = "Pass longer records, or take an encoder of a smaller stride such as 'fcn'."
    X = [np.ones(stride), np.ones(stride - 1), *np.ones((22, stride))]
    assert message_of(ValueError, quick(encoder="m5").fit, X, LABELS) == (
        f"The encoder of SeqCNNClassifier needs at least {stride} time steps, its stride. Received: the shortest "
        f"record in X (X[1]) with {stride - 1}. {remedy}"
    )
    assert message_of(ValueError, quick(encoder="m5", window_length=20).fit, SERIES, LABELS) == (
        f"The encoder of SeqCNNClassifier needs at least {stride} time steps, its stride. Received: a window with 20. "
        f"{remedy}"
    )


def test_sounds_shorter_than_the_stride_are_padded_with_silence() -> None:
    classifier = quick(encoder="m5", sample_rate=RATE, precision="float64").fit(SOUNDS, WORDS)
    short = SOUNDS[0][:100]
    assert classifier.predict_proba([short]).shape == (1, 2)


def test_value_that_makes_no_network_is_an_error_with_the_defaults() -> None:
    message = message_of(ValueError, quick(encoder__kernel_sizes=(8, -5)).fit, SERIES, LABELS)
    assert message.startswith(
        "The encoder 'fcn' of SeqCNNClassifier cannot be built from its parameters. Received: encoder__width=8 and "
        "encoder__kernel_sizes=(8, -5), to which torch says: "
    )
    assert message.endswith(
        ". Pass values like the defaults, encoder__width=128, encoder__kernel_sizes=(8, 5, 3), "
        "encoder__normalization='batch' and encoder__causal=False."
    )


@pytest.mark.parametrize(("width", "error"), [(0, ValueError), (-4, ValueError), (2.5, TypeError), ("wide", TypeError)])
def test_width_is_a_whole_number_of_at_least_one(width: Any, error: type[Exception]) -> None:
    assert message_of(error, quick(encoder__width=width).fit, SERIES, LABELS) == (
        f"The 'encoder__width' parameter of SeqCNNClassifier must be an integer of at least 1. Received: {width!r}. "
        "Pass encoder__width=1 or more."
    )


@pytest.mark.parametrize(("encoder", "filters"), [("sincnet", SincConv1d), ("td-filterbank", TDFilterbank)])
def test_filters_in_hertz_learn_the_sample_rate_from_the_audio_unless_told_one(encoder: str, filters: Any) -> None:
    rates = []
    for parameters in ({}, {"encoder__sample_rate": 4000}):
        classifier = SeqCNNClassifier(
            encoder, encoder__width=4, sample_rate=RATE, max_epochs=1, n_jobs=1, random_state=0, **parameters
        )
        classifier.fit(SOUNDS, WORDS)
        rates += [module.sample_rate for module in classifier.encoder_.modules() if isinstance(module, filters)]
    assert rates == [RATE, 4000]
