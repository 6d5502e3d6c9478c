"""WEASEL's words, against loops over windows and steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqcnn import SeqCNNClassifier
from seqcnn.encoders import Weasel


def walks(n_records: int = 6, in_channels: int = 1, length: int = 60, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_records, in_channels, length, generator=generator, dtype=torch.float64).cumsum(2)


def prepared(x: Tensor, seed: int = 0, **parameters: int) -> Weasel:
    encoder = Weasel(x.shape[1], **{"n_features": 256, "word_length": 4, **parameters}).double()
    encoder.prepare(x, seed=seed)
    return encoder


def words_of(series: np.ndarray, encoder: Weasel, number: int) -> list[tuple[bool, ...]]:
    """Return the letters of each window of a series ``(channels, time)``, as one dictionary spells it."""
    of_differences, channel, n_steps, dilation = encoder.windows[number].tolist()
    view = np.diff(series[channel]) if of_differences else series[channel]
    span = (n_steps - 1) * dilation + 1
    view = np.pad(view, (0, max(0, span - len(view))))
    words = []
    for start in range(len(view) - span + 1):
        window = view[start : start + span : dilation]
        letters = []
        for wave, level, threshold in zip(
            encoder.waves[number].numpy(), encoder.levels[number].tolist(), encoder.thresholds[number], strict=True
        ):
            coefficient = level * window[0] + sum(
                weight * (value - window[0]) for weight, value in zip(wave, window[1:], strict=False)
            )
            letters.append(coefficient > threshold)
        words.append(tuple(letters))
    return words


def counts_of(series: np.ndarray, encoder: Weasel) -> list[float]:
    """Return how often each word occurs, dictionary by dictionary, the first letter changing the fastest."""
    features = []
    for number in range(encoder.n_dictionaries):
        counts = [0.0] * 2**encoder.word_length
        for word in words_of(series, encoder, number):
            counts[sum(2**place for place, letter in enumerate(word) if letter)] += 1
        features += counts
    return features


@settings(deadline=None, max_examples=15)
@given(
    in_channels=st.integers(1, 3),
    length=st.integers(5, 70),
    other=st.integers(5, 90),
    n_features=st.integers(16, 90),
    max_window=st.integers(4, 30),
    seed=st.integers(0, 2**16),
)
def test_features_are_how_often_each_word_occurs(
    in_channels: int, length: int, other: int, n_features: int, max_window: int, seed: int
) -> None:
    x = walks(3, in_channels, length, seed)
    encoder = prepared(x, seed, n_features=n_features, max_window=max_window)
    x = walks(2, in_channels, other, seed + 1)
    features = encoder(x)
    assert features.shape[1] == encoder.n_features == n_features // 16 * 16
    assert features.tolist() == [counts_of(series, encoder) for series in x.numpy()]


def test_waves_are_real_fourier_coefficients_of_the_window() -> None:
    encoder = prepared(walks(length=300), n_features=1600, max_window=20)
    window = np.random.default_rng(0).normal(size=300)
    for (_, _, n_steps, _), waves, levels in zip(encoder.windows.tolist(), encoder.waves, encoder.levels, strict=True):
        spectrum = np.fft.rfft(window[:n_steps])
        # Waves of length one: the mean and an even window's last cosine have twice the energy of others.
        factors = np.full(len(spectrum), math.sqrt(2 / n_steps))
        factors[0] /= math.sqrt(2)
        factors[n_steps // 2] /= math.sqrt(2) if n_steps % 2 == 0 else 1
        parts = np.abs(np.concatenate([spectrum.real * factors, spectrum.imag * factors]))
        steps = window[1:n_steps] - window[0]
        for wave, level in zip(waves[:, : n_steps - 1].numpy(), levels.tolist(), strict=True):
            coefficient = abs(wave @ steps + level * window[0])
            assert np.abs(parts - coefficient).min() < 1e-5


def test_windows_and_dilations_span_all_scales_up_to_the_records() -> None:
    encoder = prepared(walks(in_channels=2, length=500), n_features=16 * 300)
    views, channels, steps, dilations = encoder.windows.numpy().T
    assert views.mean() == 0.5
    assert set(channels) == {0, 1}
    assert (steps.min(), steps.max()) == (4, 44)
    assert ((steps - 1) * dilations < 500).all()
    assert dilations.min() == 1
    assert ((steps - 1) * dilations).max() > 400


def test_letters_are_as_often_large_as_not_in_about_half_of_the_dictionaries() -> None:
    x = walks(40, length=200)
    encoder = prepared(x, n_features=16 * 60)
    shares = []
    for number in range(60):
        letters = np.array([word for series in x[:8].numpy() for word in words_of(series, encoder, number)])
        shares.append(np.abs(letters.mean(0) - 0.5).max())
    assert 20 <= sum(share < 0.15 for share in shares) <= 50


def test_the_letters_are_those_that_differ_most_between_windows() -> None:
    # A wave of eight steps: nothing else differs between windows that hold whole periods of it.
    x = torch.sin(torch.arange(160, dtype=torch.float64) * (2 * math.pi / 8)).expand(4, 1, -1)
    encoder = prepared(x, n_features=16 * 400, max_window=16)
    whole = [
        number for number, (view, _, n_steps, dilation) in enumerate(encoder.windows.tolist())
        if not view and n_steps == 16 and dilation == 1
    ]  # fmt: skip
    assert whole
    for number in whole:
        answers = [wave[:15] @ (x[0, 0, start + 1 : start + 16] - x[0, 0, start]) for start in range(8)
                   for wave in encoder.waves[number]]  # fmt: skip
        spread = torch.stack(answers).view(8, 4).std(0)
        assert (spread > 1).sum() == 2


def test_a_flat_record_is_one_word_whatever_its_height_except_for_its_mean() -> None:
    encoder = prepared(walks(length=100)).float()
    for number in range(encoder.n_dictionaries):
        counts = [
            encoder(torch.full((1, 1, 100), height))[0].view(encoder.n_dictionaries, 16)[number]
            for height in (0.1, 1e3, 1e6)
        ]
        assert all((count > 0).sum() == 1 for count in counts)


def test_less_than_a_dictionary_or_a_window_is_refused() -> None:
    with pytest.raises(ValueError) as error:
        Weasel(1, n_features=255)
    assert str(error.value) == (
        "The 'n_features' parameter of Weasel must be at least 256, the words of one dictionary. Received: 255. Pass "
        "more, such as 25600, or shorter words."
    )
    with pytest.raises(ValueError) as error:
        Weasel(1, max_window=3)
    assert str(error.value) == (
        "The 'max_window' parameter of Weasel must be at least 4 steps, those of the shortest window. Received: 3. "
        "Pass more, such as 44."
    )


def test_a_classifier_learns_how_often_something_happens() -> None:
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, 160)
    # Bursts of two frequencies at random places; classes differ in how many there are of each.
    x = 0.3 * generator.normal(size=(160, 240))
    for row, label in enumerate(y):
        for slot in range(10):
            period = 6 if slot < (4, 6)[label] else 10
            start = int(generator.integers(0, 216))
            x[row, start : start + 24] += np.sin(np.arange(24) * (2 * np.pi / period))
    classifier = SeqCNNClassifier("weasel", random_state=0, n_jobs=1).fit(x[:120], y[:120])
    assert classifier.score(x[120:], y[120:]) > 0.75
