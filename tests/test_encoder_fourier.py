"""Random Fourier features, against the Gaussian kernels that they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from core_helpers import padded, relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqcnn import SeqCNNClassifier, SeqCNNRegressor
from seqcnn.encoders import RandomFourier


def walks(n_records: int = 40, in_channels: int = 1, length: int = 60, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_records, in_channels, length, generator=generator, dtype=torch.float64).cumsum(2)


def views_of(x: Tensor) -> list[Tensor]:
    """Return the records, their differences and their spectra, in the words of numpy."""
    series = x.numpy()
    return [
        torch.from_numpy(view.reshape(len(series), -1))
        for view in (series, np.diff(series, axis=2), np.abs(np.fft.rfft(series, axis=2)))
    ]


def kernel_of(view: Tensor) -> Tensor:
    """Return the mean of the three Gaussian kernels of every two records."""
    squares = torch.cdist(view, view).square()
    median = torch.pdist(view).square().median()
    return torch.stack([(-squares / (width * median)).exp() for width in (0.3, 1.0, 3.0)]).mean(0)


@pytest.mark.parametrize("in_channels", [1, 2])
@pytest.mark.parametrize("length", [60, 61])
def test_products_of_features_are_gaussian_kernels_of_the_distances(in_channels: int, length: int) -> None:
    x = walks(in_channels=in_channels, length=length)
    encoder = RandomFourier(in_channels, n_features=30_000).double()
    encoder.prepare(x, seed=0)
    features = encoder(x)
    for part, view in zip(features.chunk(3, 1), views_of(x), strict=True):
        products = part @ part.T * 2 / part.shape[1]
        assert (products - kernel_of(view)).abs().max() < 0.05


def test_orthogonal_kernels_are_nearer_to_the_gaussian_than_independent_ones_would_be() -> None:
    x = walks()
    view = views_of(x)[0]
    squares, median = torch.cdist(view, view).square(), torch.pdist(view).square().median()
    # The variance of the mean of n cosines of independent normal numbers (Yu et al. 2016, lemma 1), without shifts.
    n_kernels, wanted = 200, kernel_of(view)
    exact = torch.stack([(-squares / (width * median)).exp() for width in (0.3, 1.0, 3.0)])
    independent = ((1 + exact.pow(4)) / 2 - wanted.square()).mean(0) / n_kernels
    errors = []
    for seed in range(30):
        encoder = RandomFourier(1, n_features=3 * n_kernels).double()
        encoder.prepare(x, seed=seed)
        angles = view @ encoder.kernels[:60]
        products = (angles.cos() @ angles.cos().T + angles.sin() @ angles.sin().T) / n_kernels
        errors.append((products - wanted).square())
    assert torch.stack(errors).mean() < 0.8 * independent.mean()


@settings(deadline=None, max_examples=40)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=2, max_size=5),
    in_channels=st.integers(1, 3),
    extra=st.integers(0, 20),
    n_steps=st.integers(3, 150),
    seed=st.integers(0, 2**16),
)
def test_records_of_any_length_are_brought_to_so_many_steps_by_means(
    lengths: list[int], in_channels: int, extra: int, n_steps: int, seed: int
) -> None:
    rows = [walks(1, in_channels, length, seed=seed + number)[0] for number, length in enumerate(lengths)]
    batch, ends = padded(rows, max(3, *lengths) + extra)
    encoder = RandomFourier(in_channels, n_features=30, n_steps=n_steps).double()
    encoder.prepare(batch, ends, seed=seed)
    together = encoder(batch, ends)
    assert together.isfinite().all()
    for features, row in zip(together, rows, strict=True):
        alone, end = padded([row], max(3, row.shape[1]))
        assert relative_error(features[None], encoder(alone, end)) < 1e-6
        # Each value said twice is the same record, seen more finely.
        twice = alone.repeat_interleave(2, 2)
        assert relative_error(features[None], encoder(twice, 2 * end.clamp_min(3))) < 1e-6


def test_many_steps_and_many_channels_are_summarised() -> None:
    for in_channels, length, n_steps in ((1, 1000, 128), (24, 1000, 21), (600, 40, 3), (1, 50, 50)):
        encoder = RandomFourier(in_channels, n_features=30)
        encoder.prepare(walks(5, in_channels, length).float())
        assert encoder.length.item() == n_steps
        assert len(encoder.kernels) == in_channels * (2 * n_steps - 1 + n_steps // 2 + 1)


def test_records_that_are_all_alike_have_features() -> None:
    encoder = RandomFourier(1, n_features=30)
    for n_records in (1, 4):
        encoder.prepare(torch.ones(n_records, 1, 20))
        assert encoder(torch.ones(2, 1, 20)).isfinite().all()


def test_fewer_features_than_views_are_refused() -> None:
    with pytest.raises(ValueError) as error:
        RandomFourier(1, n_features=2)
    assert str(error.value) == (
        "The 'n_features' parameter of RandomFourier must be at least 3, one for each view. Received: 2. Pass more, "
        "such as 8190."
    )


def test_what_depends_on_products_of_values_is_told_where_sliding_kernels_fail() -> None:
    # Two places agree in sign or they do not, at a height of their own; everything else is noise of many shapes.
    generator = np.random.default_rng(0)
    x = generator.normal(size=(1200, 12)).astype(np.float32)
    x[:, [3, 8]] *= 2
    y = np.where(x[:, 3] * x[:, 8] > 0, "agree", "differ")
    scores = {
        name: SeqCNNClassifier(name, random_state=0, n_jobs=1).fit(x[:900], y[:900]).score(x[900:], y[900:])
        for name in ("fourier", "minirocket", "hydra")
    }
    assert scores["fourier"] > 0.85
    assert scores["fourier"] > max(scores["minirocket"], scores["hydra"]) + 0.1


def test_a_regressor_follows_a_curved_function_of_levels() -> None:
    generator = np.random.default_rng(0)
    level = generator.uniform(-2, 2, 300)
    x = level[:, None] + 0.2 * generator.normal(size=(300, 30))
    y = np.sin(math.pi * level)
    assert SeqCNNRegressor("fourier", random_state=0, n_jobs=1).fit(x[:200], y[:200]).score(x[200:], y[200:]) > 0.9
