"""Rows left out by Cholesky factors: what the decomposition says of them, and the penalty it chooses."""

import numpy as np
import pytest
import torch
from core_helpers import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import leaving_out
from seqcnn.closed_form import ALPHAS, fit_ridge


def problem(n_rows, n_features, n_outputs, noise, seed):
    """Return features of unequal scales, far from zero, targets that hang on them, and weights around one."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n_rows, n_features, generator=generator, dtype=torch.float64)
    features = features * torch.logspace(-1, 1, n_features, dtype=torch.float64) + 30
    truth = torch.randn(n_features, n_outputs, generator=generator, dtype=torch.float64) / n_features
    wrong = torch.randn(n_rows, n_outputs, generator=generator, dtype=torch.float64)
    weights = torch.rand(n_rows, generator=generator, dtype=torch.float64) + 0.5
    return features, features @ truth + noise * wrong + 5, weights


def by_factors(*data, rows=0, **options):
    """Fit by Cholesky factors, ten rows left out at a time, starting from the penalty that some rows choose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leaving_out, "DECOMPOSED", rows)
        patch.setattr(leaving_out, "_ROWS", 10)
        patch.setattr(leaving_out, "_decompose", only_some(rows))
        patch.setattr("seqcnn.symmetric._COLUMNS", 7)
        return fit_ridge(*data, **options)


def only_some(rows, decompose=leaving_out._decompose):
    """Return a decomposition that refuses more rows than these."""

    def refuse(gram, *others):
        assert len(gram) <= rows
        return decompose(gram, *others)

    return refuse


def assert_equal(ours, whole, share):
    assert ours.alpha == whole.alpha
    assert relative_error(ours.coefficients, whole.coefficients) < share
    assert relative_error(ours.left_out - whole.intercept, whole.left_out - whole.intercept) < share
    assert relative_error(ours.intercept, whole.intercept) < share


@settings(deadline=None, max_examples=60)
@given(
    st.integers(5, 60),
    st.integers(0, 60),
    st.integers(1, 4),
    st.sampled_from([None, 1, 2, 3, 12, 60]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([torch.float64, torch.float32]),
    st.floats(0.01, 10),
    st.sampled_from(ALPHAS),
    st.integers(0, 2**16),
)
def test_a_factor_gives_what_the_decomposition_gives(
    n_rows, more_features, n_outputs, n_groups, scale, emphasised, dtype, noise, alpha, seed
):
    features, targets, weights = problem(n_rows, n_rows + more_features, n_outputs, noise, seed)
    options = {
        "groups": None if n_groups is None else 10 * np.random.default_rng(seed).integers(0, n_groups, n_rows),
        "scale": scale,
        "emphasis": torch.linspace(1, 5, features.shape[1], dtype=torch.float64) if emphasised else None,
        "alphas": [alpha],
    }
    data = (features.to(dtype), targets, weights)
    assert_equal(by_factors(*data, rows=3, **options), fit_ridge(*data, **options), 1e-5)


@settings(deadline=None, max_examples=60)
@given(st.integers(30, 60), st.sampled_from([None, 12]), st.floats(0.01, 10), st.booleans(), st.integers(0, 2**16))
def test_the_penalty_is_one_whose_neighbours_are_worse(n_rows, n_groups, noise, falling, seed):
    data = problem(n_rows, 80, 2, noise, seed)
    groups = None if n_groups is None else np.random.default_rng(seed).integers(0, n_groups, n_rows)
    alphas = ALPHAS[::-1] if falling else ALPHAS
    ours = by_factors(*data, rows=15, groups=groups, alphas=alphas)
    each = [fit_ridge(*data, groups=groups, alphas=[alpha]) for alpha in alphas]
    losses = [float((data[2] @ (data[1] - fit.left_out).square()).mean()) for fit in each]
    best = alphas.index(ours.alpha)
    for neighbour in (best - 1, best + 1):
        if 0 <= neighbour < len(alphas):
            assert losses[best] <= losses[neighbour] * (1 + 1e-8)
    assert_equal(ours, each[best], 1e-5)


@pytest.mark.parametrize("start", range(10))
def test_from_every_penalty_the_best_is_found_and_nothing_is_tried_twice(monkeypatch, start):
    data = problem(40, 80, 2, 0.1, 0)
    whole = fit_ridge(*data)
    assert ALPHAS[0] < whole.alpha < ALPHAS[-1]
    best, tried = ALPHAS.index(whole.alpha), []
    dual = leaving_out._decompose
    monkeypatch.setattr(leaving_out, "DECOMPOSED", 20)
    monkeypatch.setattr(leaving_out, "_decompose", lambda *given: dual(*given)._replace(best=start))
    factorise = leaving_out.factorise
    monkeypatch.setattr(leaving_out, "factorise", lambda *given: tried.append(given[1]) or factorise(*given))
    assert_equal(fit_ridge(*data), whole, 1e-8)
    # The start, the way, one beyond the best, and where that is not the way up one above the start if there is one.
    assert len(tried) == len(set(tried)) == abs(best - start) + 2 + (best <= start < 9)


@pytest.mark.parametrize("groups", [None, np.arange(40) % 9])
def test_where_small_penalties_have_no_factor_a_larger_one_is_chosen(groups):
    features, targets, weights = problem(40, 60, 1, 0.3, 0)
    huge = torch.cat([features, features[:, :1] * 1e8], 1)
    huge[20:] = huge[:20]
    alphas = [1e-300, 1e-200, 1e10, 1e12]
    ours = by_factors(huge, targets, weights, rows=15, scale=False, groups=groups, alphas=alphas)
    assert ours.alpha >= 1e10
    assert ours.left_out.isfinite().all()
    assert_equal(ours, fit_ridge(huge, targets, weights, scale=False, groups=groups, alphas=[ours.alpha]), 1e-4)


def test_where_no_penalty_has_a_factor_the_whole_is_decomposed(monkeypatch):
    features, targets, weights = problem(40, 60, 1, 0.3, 0)
    huge = torch.cat([features, features[:, :1] * 1e8], 1)
    huge[20:] = huge[:20]
    options = {"scale": False, "alphas": [1e-300, 1e-3]}
    whole = fit_ridge(huge, targets, weights, **options)
    monkeypatch.setattr(leaving_out, "DECOMPOSED", 15)
    ours = fit_ridge(huge, targets, weights, **options)
    assert ours.alpha == whole.alpha
    torch.testing.assert_close(ours.left_out, whole.left_out)


def test_equal_rows_and_constant_features_are_no_trouble():
    features, targets, weights = problem(40, 60, 2, 1.0, 0)
    features[20:], features[:, 5] = features[:20].clone(), 12.3
    assert_equal(by_factors(features, targets, weights, rows=30), fit_ridge(features, targets, weights), 1e-5)
