"""Quantiles of intervals, against what the paper says in loops, and what trees learn of them."""

from __future__ import annotations

import itertools
import math
import pickle
from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import seqcnn
from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.encoders import Quant


def views_of(series: list[float]) -> list[list[float]]:
    """Return a series, its smoothed first difference, its second difference and its Fourier amplitudes."""
    first = [after - before for before, after in itertools.pairwise(series)]
    held = [first[0]] * 2 + first + [first[-1]] * 2
    smooth = [sum(held[step : step + 5]) / 5 for step in range(len(first))]
    second = [after - before for before, after in itertools.pairwise(first)]
    n = len(series)
    amplitudes = [
        abs(sum(value * complex(math.cos(angle), math.sin(angle)) for value, angle in zip(series, angles, strict=True)))
        for angles in ([-2 * math.pi * k * step / n for step in range(n)] for k in range(n // 2 + 1))
    ]
    return [series, smooth, second, amplitudes]


def quantiles_of(values: list[float], divisor: int) -> list[float]:
    """Return evenly spaced quantiles of an interval; every second one tells how far it lies from the mean."""
    count = 1 + (len(values) - 1) // divisor
    if count == 1:
        return [float(np.median(values))]
    found = np.quantile(values, [number / (count - 1) for number in range(count)])
    return [float(value - (np.mean(values) if number % 2 else 0.0)) for number, value in enumerate(found)]


def features_of(series: list[float], depth: int, divisor: int) -> list[float]:
    """Return what the paper takes of a series, width by width."""
    features: list[float] = []
    for level in range(depth):
        for view in views_of(series):
            n = 2**level
            if level > math.log2(len(view)):
                continue
            ends = [len(view) * position // n for position in range(n + 1)]
            parts = list(itertools.pairwise(ends))
            widths = sorted(end - start for start, end in parts)
            if n > 1 and widths[(n - 1) // 2] > 1:
                shift = math.ceil(len(view) / n / 2)
                parts += [(start + shift, end + shift) for start, end in parts[:-1]]
            for start, end in parts:
                features += quantiles_of(view[start:end], divisor)
    return features


@given(st.integers(3, 90), st.integers(1, 7), st.integers(1, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_features_are_what_the_paper_says(n_timepoints: int, depth: int, divisor: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(2, 2, n_timepoints)).cumsum(2)
    encoder = Quant(2, depth=depth, divisor=divisor).double()
    encoder.prepare(torch.from_numpy(x))
    expected = [[f for channel in record.tolist() for f in features_of(channel, depth, divisor)] for record in x]
    features = encoder(torch.from_numpy(x))
    assert encoder.n_features == features.shape[1]
    np.testing.assert_allclose(features.numpy(), expected, atol=1e-9)


def test_a_record_of_a_step_or_two_counts_as_three_in_a_batch_of_longer_ones() -> None:
    encoder = Quant(1)
    encoder.prepare(torch.randn(5, 1, 40))
    x = torch.zeros(3, 1, 40)
    x[0, 0, 0], x[1, 0, :2], x[2] = 3.0, torch.tensor([1.0, 2.0]), torch.randn(40)
    features = encoder(x, torch.tensor([1, 2, 40]))
    assert features.isfinite().all()
    assert torch.equal(features[2], encoder(x[2:])[0])
    assert torch.equal(features[:2], encoder(x[:2], torch.tensor([3, 3])))
    assert features[0, 0] == 0.0  # the least of 3, 0 and 0


def test_a_record_that_is_stretched_keeps_its_medians() -> None:
    encoder = Quant(1, depth=3, divisor=100)
    time = torch.linspace(0, 1, 64)
    encoder.prepare(time.reshape(1, 1, -1))
    longer = torch.linspace(0, 1, 200).reshape(1, 1, -1)
    assert torch.allclose(encoder(longer)[0, :1], encoder(time.reshape(1, 1, -1))[0, :1], atol=1e-6)
    assert encoder(longer).shape == (1, encoder.n_features)


def phases(n_records: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return series with a bump, early or late; where it lies is the class."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 3, n_records)
    middle = 15 + 20 * y + generator.uniform(-4, 4, n_records)
    x = np.exp(-(((np.arange(70) - middle[:, None]) / 3) ** 2)) + 0.2 * generator.normal(size=(n_records, 70))
    return x.astype(np.float32), np.array(["early", "middle", "late"])[y]


X, Y = phases(60, 0)
X_NEW, Y_NEW = phases(60, 1)


def test_a_classifier_tells_when_something_happens_and_how_sure_it_is(tmp_path: Path) -> None:
    classifier = SeqCNNClassifier("quant", random_state=0, n_jobs=1).fit(X, Y)
    assert classifier.score(X_NEW, Y_NEW) > 0.95
    probabilities = classifier.predict_proba(X_NEW)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert np.log(probabilities[np.arange(60), np.searchsorted(classifier.classes_, Y_NEW)]).mean() > -0.25
    assert classifier.history_["validation_score"].between(0.9, 1).all()
    for other in (pickle.loads(pickle.dumps(classifier)), SeqCNNClassifier("quant", random_state=0).fit(X, Y)):
        np.testing.assert_array_equal(other.predict_proba(X_NEW), probabilities)
    classifier.save(tmp_path / "model.seqcnn")
    np.testing.assert_array_equal(seqcnn.load(tmp_path / "model.seqcnn").predict_proba(X_NEW), probabilities)


def test_what_is_measured_on_left_out_records_is_no_better_than_new_ones() -> None:
    generator = np.random.default_rng(0)
    noise, labels = generator.normal(size=(80, 30)), generator.integers(0, 2, 80)
    classifier = SeqCNNClassifier("quant", random_state=0, n_jobs=1).fit(noise, labels)
    assert classifier.score(noise, labels) == 1.0  # learnt by heart
    assert classifier.history_["validation_score"].item() < 0.7
    assert classifier.predict_proba(noise).max() < 0.9  # and not trusted


def test_a_regressor_answers_in_the_targets_units_one_or_several() -> None:
    generator = np.random.default_rng(0)
    level = generator.uniform(0, 5, (160, 2))
    series = np.repeat(level, 20, axis=1) + 0.1 * generator.normal(size=(160, 40))
    targets = 1e5 + 100 * level
    for columns in ([0], [0, 1]):
        regressor = SeqCNNRegressor("quant", random_state=0, n_jobs=1).fit(series[:100], targets[:100, columns])
        assert regressor.score(series[100:], targets[100:, columns]) > 0.9
        assert regressor.history_["validation_score"].item() > 0.9


def test_an_embedder_gives_the_features_and_windows_of_a_record_are_left_out_together() -> None:
    embedder = SeqCNNEmbedder("quant").fit(X)
    assert embedder.transform(X_NEW).shape == (60, embedder.network_.n_features)
    # Windows of a record are alike, records are noise: only who left them out together can tell.
    generator = np.random.default_rng(0)
    noise, labels = np.tile(generator.normal(size=(60, 20)), 4), generator.integers(0, 2, 60)
    classifier = SeqCNNClassifier("quant", window_length=20, hop_length=20, random_state=0, n_jobs=1)
    assert classifier.fit(noise, labels).history_["validation_score"].item() < 0.7


def test_records_of_unequal_length_are_read() -> None:
    ragged = [row[: 60 + position % 11] for position, row in enumerate(X)]
    classifier = SeqCNNClassifier("quant", random_state=0, n_jobs=1).fit(ragged, Y)
    assert classifier.score([row[:64] for row in X_NEW], Y_NEW) > 0.9
    together, alone = classifier.predict_proba(ragged[:6]), [classifier.predict_proba([row])[0] for row in ragged[:6]]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_several_labels_a_record_are_learnt() -> None:
    generator = np.random.default_rng(0)
    present = generator.integers(0, 2, (120, 2))
    series = np.repeat(present, 20, axis=1) + 0.3 * generator.normal(size=(120, 40))
    classifier = SeqCNNClassifier("quant", random_state=0, n_jobs=1).fit(series[:80], present[:80])
    assert (classifier.predict(series[80:]) == present[80:]).mean() > 0.95


def test_numbers_beside_the_records_are_not_drowned_by_features() -> None:
    import pandas as pd

    generator = np.random.default_rng(0)
    number = generator.normal(size=160)
    records = pd.DataFrame({"series": list(generator.normal(size=(160, 100))), "number": number})
    classifier = SeqCNNClassifier("quant", random_state=0, n_jobs=1).fit(records[:80], number[:80] > 0)
    assert classifier.score(records[80:], number[80:] > 0) > 0.9
