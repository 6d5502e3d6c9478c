"""The head in closed form, against scikit-learn's ridge regressions and against fitting again without a row."""

import numpy as np
import pytest
import torch
from core_helpers import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.metrics import log_loss

from seqcnn.calibration import fit_temperature
from seqcnn.closed_form import ALPHAS, fit_ridge


def problem(n_rows, n_features, n_outputs=2, seed=0):
    """Return features of unequal scales, targets that hang on some of them, and weights around one."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n_rows, n_features, generator=generator, dtype=torch.float64)
    features = features * torch.logspace(-1, 1, n_features, dtype=torch.float64) + 3
    truth = torch.randn(n_features, n_outputs, generator=generator, dtype=torch.float64) / n_features
    noise = torch.randn(n_rows, n_outputs, generator=generator, dtype=torch.float64)
    weights = torch.rand(n_rows, generator=generator, dtype=torch.float64) + 0.5
    return features, features @ truth + 0.3 * noise + 5, weights


many_rows_or_many_features = pytest.mark.parametrize("shape", [(60, 8), (12, 40), (20, 20)])


@many_rows_or_many_features
def test_it_is_scikit_learns_ridge_with_the_penalty_that_leaving_one_out_chooses(shape):
    features, targets, _ = problem(*shape)
    ours = fit_ridge(features, targets, torch.ones(shape[0]), scale=False)
    theirs = RidgeCV(alphas=ALPHAS).fit(features.numpy(), targets.numpy())
    assert ours.alpha == pytest.approx(theirs.alpha_)
    assert relative_error(ours.coefficients, torch.from_numpy(theirs.coef_)) < 1e-8
    assert relative_error(ours.intercept, torch.from_numpy(theirs.intercept_)) < 1e-8


@many_rows_or_many_features
def test_weights_count_rows_and_scales_do_not_matter_when_features_are_scaled(shape):
    features, targets, weights = problem(*shape)
    ours = fit_ridge(features, targets, weights)
    features, targets, weights = (values.numpy() for values in (features, targets, weights))
    mean = np.average(features, axis=0, weights=weights)
    deviation = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
    theirs = Ridge(ours.alpha).fit((features - mean) / deviation, targets, weights)
    assert relative_error(ours.coefficients, torch.from_numpy(theirs.coef_ / deviation)) < 1e-8
    rescaled = fit_ridge(*(torch.from_numpy(values) for values in (features * 7 - 2, targets, weights)))
    assert relative_error(rescaled.coefficients * 7, ours.coefficients) < 1e-8


@settings(deadline=None, max_examples=15)
@given(st.sampled_from([(30, 5), (10, 25)]), st.booleans(), st.integers(0, 2**16))
def test_what_is_said_of_rows_left_out_is_what_a_fit_without_them_says(shape, grouped, seed):
    features, targets, weights = problem(*shape, seed=seed)
    groups = np.random.default_rng(seed).integers(0, shape[0] // 2, shape[0]) if grouped else np.arange(shape[0])
    fit = fit_ridge(features, targets, weights, groups=groups if grouped else None, alphas=[0.5], scale=False)
    for group in np.unique(groups):
        out = torch.from_numpy(groups == group)
        if out.all():
            continue
        alone = Ridge(0.5).fit(features[~out].numpy(), targets[~out].numpy(), weights[~out].numpy())
        assert relative_error(fit.left_out[out], torch.from_numpy(alone.predict(features[out].numpy()))) < 1e-6


def test_a_constant_feature_has_no_say():
    features, targets, weights = problem(30, 4)
    constant = torch.full((30, 1), 12.3, dtype=torch.float64)
    fit = fit_ridge(torch.cat([features, constant], 1), targets, weights)
    assert float(fit.coefficients[:, -1].abs().max()) < 1e-9


def test_more_rows_and_features_than_can_be_decomposed_are_refused(monkeypatch):
    monkeypatch.setattr("seqcnn.closed_form.LARGEST", 10)
    with pytest.raises(ValueError) as error:
        fit_ridge(*problem(12, 11))
    assert str(error.value) == (
        "A head in closed form takes at most 10 records or 10 features. Received: 12 records (or windows) and 11 "
        "features. Pass fewer records, longer windows, or an encoder of fewer features."
    )


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("usual", [1.0, 3.0])
def test_the_temperature_minimises_the_cross_entropy_and_its_distance_from_the_usual(n_classes, usual):
    generator = np.random.default_rng(0)
    positions = generator.integers(0, n_classes, 50)
    scores = generator.normal(size=(50, n_classes)) + 2 * np.eye(n_classes)[positions]
    weights = generator.uniform(0.5, 2, 50)

    def cost(logarithm):
        likelihoods = torch.from_numpy(scores * np.exp(logarithm)).log_softmax(1).numpy()[np.arange(50), positions]
        return float(-50 * np.average(likelihoods, weights=weights) + (logarithm - np.log(usual)) ** 2 / (2 * 0.5**2))

    expected = minimize_scalar(cost, bounds=(-5, 5), method="bounded", options={"xatol": 1e-9}).x
    arguments = [torch.from_numpy(values) for values in (scores, positions, weights)]
    factor = fit_temperature(*arguments, usual=usual)
    assert np.log(factor) == pytest.approx(expected, abs=1e-4)
    assert fit_temperature(arguments[0], arguments[1], 7 * arguments[2], usual=usual) == pytest.approx(factor)
    sharp, own = (torch.from_numpy(scores * by).softmax(1).numpy() for by in (30.0, factor))
    assert log_loss(positions, own) < log_loss(positions, sharp)


def test_the_more_records_the_less_the_usual_temperature_counts():
    scores = torch.tensor([[1.0, -1.0]] * 3 + [[-1.0, 1.0]])
    exact = 0.5 * np.log(3)
    far = [
        abs(np.log(fit_temperature(scores.repeat(n, 1), torch.zeros(4 * n, dtype=int), torch.ones(4 * n)) / exact))
        for n in (1, 10, 1000)
    ]
    assert far[0] > far[1] > far[2]
    assert far[2] < 0.01


def test_scores_that_are_never_wrong_get_a_finite_temperature():
    scores, positions = torch.eye(3).repeat(10, 1), torch.arange(3).repeat(10)
    probabilities = (fit_temperature(scores, positions, torch.ones(30)) * scores).softmax(1)
    assert 0.9 < float(probabilities.max()) < 1.0
