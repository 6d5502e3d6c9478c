"""ROCKET's random kernels, against loops over steps and taps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from core_helpers import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqcnn import SeqCNNClassifier
from seqcnn.encoders import Rocket


def walks(n_records: int = 6, in_channels: int = 1, length: int = 60, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_records, in_channels, length, generator=generator, dtype=torch.float64).cumsum(2)


def prepared(x: Tensor, seed: int = 0, **parameters: int) -> Rocket:
    encoder = Rocket(x.shape[1], **{"n_features": 400, **parameters}).double()
    encoder.prepare(x, seed=seed)
    return encoder


def kernels_of(encoder: Rocket) -> list[tuple[int, int, bool, list[int], np.ndarray, float]]:
    """Return of each kernel its length, dilation, padding, channels, weights and bias, read from the buffers."""
    found, place = [], 0
    for length, dilation, is_padded, count, *channels in encoder.groups.tolist():
        read = [channel for channel in channels if channel >= 0]
        for _ in range(count):
            weights = encoder.weights[place : place + len(read) * length].view(len(read), length).numpy()
            found.append((length, dilation, bool(is_padded), read, weights, encoder.biases[len(found)].item()))
            place += len(read) * length
    assert place == len(encoder.weights)
    return found


def features_of(series: np.ndarray, encoder: Rocket) -> list[float]:
    """Return what the paper takes of a series ``(channels, time)``, group by group."""
    deviation = series.std(1, keepdims=True)
    series = (series - series.mean(1, keepdims=True)) / np.where(deviation == 0, 1, deviation)
    n_steps, largest, shares = series.shape[1], [], []
    for length, dilation, is_padded, channels, weights, bias in kernels_of(encoder):
        span = (length - 1) * dilation
        padding = span // 2 if is_padded or span >= n_steps else 0
        answers = []
        for start in range(-padding, n_steps + padding - span):
            places = [start + tap * dilation for tap in range(length)]
            answers.append(
                bias
                + sum(
                    weights[row, tap] * series[channel, place]
                    for row, channel in enumerate(channels)
                    for tap, place in enumerate(places)
                    if 0 <= place < n_steps
                )
            )
        largest.append(max(answers))
        shares.append(float(np.mean(np.array(answers) > 0)))
    features, place = [], 0
    for count in encoder.groups[:, 3].tolist():
        features += [*largest[place : place + count], *shares[place : place + count]]
        place += count
    return features


@settings(deadline=None, max_examples=15)
@given(
    in_channels=st.integers(1, 12),
    length=st.integers(9, 70),
    other=st.integers(9, 90),
    n_features=st.integers(2, 90),
    seed=st.integers(0, 2**16),
)
def test_features_are_what_the_paper_says(
    in_channels: int, length: int, other: int, n_features: int, seed: int
) -> None:
    encoder = prepared(walks(3, in_channels, length, seed), seed, n_features=n_features)
    x = walks(2, in_channels, other, seed + 1)
    features = encoder(x)
    assert features.shape[1] == encoder.n_features == n_features // 2 * 2
    np.testing.assert_allclose(features, [features_of(series, encoder) for series in x.numpy()], atol=1e-9)


def test_kernels_are_dealt_evenly_and_their_weights_and_biases_are_drawn_as_the_paper_says() -> None:
    encoder = prepared(walks(length=500), n_features=12_000)
    kernels = kernels_of(encoder)
    for position, values in ((0, (7, 9, 11)), (2, (False, True))):
        counts = [sum(kernel[position] == value for kernel in kernels) for value in values]
        assert max(counts) - min(counts) <= 32
    for length in (7, 9, 11):
        dilations = np.array([kernel[1] for kernel in kernels if kernel[0] == length])
        assert dilations.min() == 1
        assert dilations.max() == 499 // (length - 1)
        assert np.median(np.log2(dilations)) == pytest.approx(math.log2(499 / (length - 1)) / 2, abs=0.5)
    assert all(abs(kernel[4].sum()) < 1e-4 for kernel in kernels)
    nines = np.concatenate([kernel[4].ravel() for kernel in kernels if kernel[0] == 9])
    assert nines.std() == pytest.approx(math.sqrt(8 / 9), rel=0.02)
    biases = np.array([kernel[5] for kernel in kernels])
    assert (np.abs(biases) <= 1).all()
    assert biases.std() == pytest.approx(1 / math.sqrt(3), rel=0.03)


def test_kernels_of_several_channels_read_one_to_nine_of_them() -> None:
    encoder = prepared(walks(in_channels=12, length=300), n_features=2000)
    counts = [len(kernel[3]) for kernel in kernels_of(encoder)]
    assert set(counts) <= set(range(1, 10))
    assert min(counts) == 1
    assert max(counts) >= 8
    assert {channel for kernel in kernels_of(encoder) for channel in kernel[3]} == set(range(12))


def test_height_and_scale_of_a_record_do_not_matter_and_a_flat_one_answers_with_the_biases() -> None:
    x = walks(in_channels=2)
    encoder = prepared(x)
    assert relative_error(encoder(1000 * x + 5), encoder(x)) < 1e-9
    for height in (0.0, 0.1, 1e6):
        flat = encoder.float()(torch.full((1, 2, 60), height))
        assert torch.equal(flat, encoder(torch.zeros(1, 2, 60)))


def test_fewer_features_than_a_kernel_has_are_refused() -> None:
    with pytest.raises(ValueError) as error:
        Rocket(1, n_features=1)
    assert str(error.value) == (
        "The 'n_features' parameter of Rocket must be at least 2, those of one kernel. Received: 1. Pass more, such as "
        "10000."
    )


def test_a_classifier_learns_shapes_wherever_they_are() -> None:
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 120)
    x = 0.3 * generator.normal(size=(120, 100))
    for row, label in enumerate(y):
        start = generator.integers(0, 80)
        x[row, start : start + 20] += np.sin(np.linspace(0, 2 * np.pi, 20)) if label else np.hanning(20)
    classifier = SeqCNNClassifier("rocket", random_state=0, n_jobs=1).fit(x[:80], y[:80])
    assert classifier.score(x[80:], y[80:]) > 0.9
