"""The ridge regression of features read part by part is that of features held at once."""

import numpy as np
import pytest
import torch
from core_helpers import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import ridge_in_parts
from seqcnn.closed_form import ALPHAS, fit_ridge
from seqcnn.ridge_in_parts import fit_ridge_in_parts


def problem(n_rows, n_features, n_outputs, seed):
    """Return features of unequal scales, far from zero, targets that hang on them, and weights around one."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n_rows, n_features, generator=generator, dtype=torch.float64)
    features = features * torch.logspace(-1, 1, n_features, dtype=torch.float64) + 30
    truth = torch.randn(n_features, n_outputs, generator=generator, dtype=torch.float64) / n_features
    noise = torch.randn(n_rows, n_outputs, generator=generator, dtype=torch.float64)
    weights = torch.rand(n_rows, generator=generator, dtype=torch.float64) + 0.5
    return features, features @ truth + 0.3 * noise + 5, weights


def reader(features):
    """Return a function that reads rows."""
    return lambda rows: features[torch.from_numpy(rows)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Work on some dozens of rows at a time, and on some columns."""
    monkeypatch.setattr(ridge_in_parts, "_VALUES", 300)
    monkeypatch.setattr("seqcnn.symmetric._COLUMNS", 7)


def assert_equal(parts, whole, features):
    (ridge, fitted), share = parts, 1e-4
    assert ridge.alpha == whole.alpha
    # Differences of targets matter, not how far from zero they lie.
    assert relative_error(ridge.coefficients, whole.coefficients) < share
    outputs = features.double() @ whole.coefficients.T + whole.intercept
    assert relative_error(fitted - whole.intercept, outputs - whole.intercept) < share
    assert relative_error(ridge.left_out - whole.intercept, whole.left_out - whole.intercept) < share
    assert relative_error(ridge.intercept, whole.intercept) < share


@settings(deadline=None, max_examples=25)
@given(
    st.integers(5, 90),
    st.integers(1, 30),
    st.integers(1, 4),
    st.sampled_from([None, 1, 2, 3, 12, 60]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([torch.float64, torch.float32]),
    st.integers(0, 2**16),
)
def test_parts_give_what_the_whole_gives(n_rows, n_features, n_outputs, n_groups, scale, emphasised, dtype, seed):
    features, targets, weights = problem(n_rows, n_features, n_outputs, seed)
    features, generator = features.to(dtype), np.random.default_rng(seed)
    options = {
        "groups": None if n_groups is None else 10 * generator.integers(0, n_groups, n_rows),
        "scale": scale,
        "emphasis": torch.linspace(1, 5, n_features, dtype=torch.float64) if emphasised else None,
    }
    whole = fit_ridge(features, targets, weights, **options)
    order = generator.permutation(n_rows)
    parts = fit_ridge_in_parts(reader(features), n_features, targets, weights, order=order, **options)
    assert_equal(parts, whole, features)


def test_some_features_are_scaled_and_a_constant_one_has_no_say():
    features, targets, weights = problem(60, 6, 1, 0)
    features[:, 2] = 12.3
    ridge, _ = fit_ridge_in_parts(reader(features), 6, targets, weights, alphas=[0.5])
    assert float(ridge.coefficients[:, 2].abs().max()) < 1e-9
    chosen = torch.tensor([True, False] * 3)
    own = torch.where(chosen, features.std(0, correction=0), 1.0)
    own[2] = 1.0
    some, _ = fit_ridge_in_parts(reader(features / own), 6, targets, torch.ones(60), alphas=[0.5], scale=False)
    ours, _ = fit_ridge_in_parts(reader(features), 6, targets, torch.ones(60), alphas=[0.5], scale=chosen)
    assert relative_error(ours.coefficients, some.coefficients / own) < 1e-8


@pytest.mark.parametrize("n_groups", [None, 20, 5])
def test_of_many_rows_the_penalty_is_chosen_on_some_and_all_are_left_out(monkeypatch, n_groups):
    monkeypatch.setattr(ridge_in_parts, "SAMPLE", 30)
    features, targets, weights = problem(300, 20, 2, 3)
    groups = None if n_groups is None else np.arange(300) % n_groups
    seen = []

    def read(rows):
        seen.append(rows)
        return features[torch.from_numpy(rows)]

    ridge, fitted = fit_ridge_in_parts(read, 20, targets, weights, groups=groups)
    assert_equal((ridge, fitted), fit_ridge(features, targets, weights, groups=groups, alphas=[ridge.alpha]), features)
    drawn = ridge_in_parts._draw(np.arange(300) if groups is None else groups)
    assert len(drawn) == (240 if n_groups == 5 else 60 if n_groups == 20 else 30)
    answers = [fit_ridge(features, targets, weights, groups=groups, alphas=[alpha]).left_out for alpha in ALPHAS]
    squares = [float((weights[:, None] * (targets - left_out).square())[drawn].sum()) for left_out in answers]
    assert ridge.alpha == ALPHAS[int(np.argmin(squares))]
    assert max(map(len, seen)) <= 15
    if n_groups is None:
        assert sum(map(len, seen)) <= 2 * 300 + 15 + 30


@settings(deadline=None, max_examples=15)
@given(st.sampled_from([None, 25, 80]), st.floats(0.05, 5), st.booleans(), st.integers(0, 2**16))
def test_of_many_features_the_penalty_is_one_whose_neighbours_are_worse(n_groups, noise, falling, seed):
    features, targets, weights = problem(120, 20, 2, seed)
    targets = targets + noise * torch.randn(120, 2, generator=torch.Generator().manual_seed(seed))
    groups = None if n_groups is None else np.random.default_rng(seed).integers(0, n_groups, 120)
    alphas = ALPHAS[::-1] if falling else ALPHAS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ridge_in_parts, "DECOMPOSED", 15)
        ridge, fitted = fit_ridge_in_parts(reader(features), 20, targets, weights, groups=groups, alphas=alphas)
    each = [fit_ridge(features, targets, weights, groups=groups, alphas=[alpha]) for alpha in alphas]
    losses = [float((weights @ (targets - fit.left_out).square()).mean()) for fit in each]
    best = alphas.index(ridge.alpha)
    for neighbour in (best - 1, best + 1):
        if 0 <= neighbour < len(alphas):
            assert losses[best] <= losses[neighbour] * (1 + 1e-8)
    assert_equal((ridge, fitted), each[best], features)


def test_a_penalty_too_small_for_the_features_is_not_chosen():
    features, targets, weights = problem(60, 4, 1, 0)
    huge = torch.cat([features, features[:, :1] * 1e12], 1)
    ridge, fitted = fit_ridge_in_parts(reader(huge), 5, targets, weights, scale=False, alphas=[1e-300, 1.0])
    assert ridge.alpha == 1.0
    assert fitted.isfinite().all()
    assert ridge.left_out.isfinite().all()


def test_it_tells_what_it_does_and_how_far_it_is():
    told = []
    features, targets, weights = problem(60, 20, 1, 0)
    fit_ridge_in_parts(reader(features), 20, targets, weights, report=lambda *what: told.append(what))
    stages = list(dict.fromkeys(what for what, _ in told))
    assert stages == ["computing features", "choosing the penalty", "leaving windows out"]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
