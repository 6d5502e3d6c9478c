"""The weights of a committee's members."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.weighting import drop_little, weigh_by_error, weigh_by_likelihood


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.05, 0.95, size=shape)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 40))
def test_weights_are_positive_and_have_a_sum_of_one(seed, n_members, n_records):
    likelihoods, counts = numbers(seed, n_members, n_records), numbers(seed + 1, n_records)
    errors = numbers(seed + 2, n_members, n_records, 2) - 0.5
    for weights in (weigh_by_likelihood(list(likelihoods), counts), weigh_by_error(list(errors), counts)):
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1)


def test_members_that_say_the_same_count_alike():
    answer = numbers(0, 50)
    np.testing.assert_allclose(weigh_by_likelihood([answer] * 3, np.ones(50)), 1 / 3)
    np.testing.assert_allclose(weigh_by_error([answer[:, None]] * 3, np.ones(50)), 1 / 3, atol=1e-6)


def test_who_is_not_trusted_has_to_earn_all_of_its_weight():
    answer, better = numbers(0, 50), numbers(0, 50) ** 0.5
    for weigh, same, good in (
        (weigh_by_likelihood, answer, better),
        (weigh_by_error, answer[:, None] - 0.5, (answer[:, None] - 0.5) / 3),
    ):
        weights = weigh([same] * 3, np.ones(50), [True, False, True])
        np.testing.assert_allclose(weights, [0.5, 0.0, 0.5], atol=0.03)
        assert weigh([same, good], np.ones(50), [True, False])[1] > 0.9
        # Where nobody is trusted, all are.
        np.testing.assert_allclose(weigh([same] * 2, np.ones(50), [False, False]), 0.5, atol=1e-6)


def test_the_more_records_the_more_the_better_member_counts():
    def weight_of_better(n: int) -> float:
        return float(weigh_by_likelihood([np.full(n, 0.7), np.full(n, 0.6)], np.ones(n))[0])

    weights = list(map(weight_of_better, (1, 4, 4000)))
    assert 0.5 < weights[0] < weights[1] < weights[2]
    assert weights[2] > 0.98


def test_the_unit_of_the_records_weights_means_nothing():
    likelihoods, counts = list(numbers(3, 3, 30)), numbers(4, 30)
    np.testing.assert_allclose(
        weigh_by_likelihood(likelihoods, counts), weigh_by_likelihood(likelihoods, 1000 * counts), rtol=1e-6
    )


def test_a_record_counted_twice_is_a_record_twice_where_the_prior_is_as_strong():
    likelihoods = numbers(5, 2, 2000)
    twice = np.concatenate([likelihoods, likelihoods[:, :500]], axis=1)
    counts = np.ones(2000)
    counts[:500] = 2
    np.testing.assert_allclose(
        weigh_by_likelihood(list(likelihoods), counts), weigh_by_likelihood(list(twice), np.ones(2500)), atol=0.005
    )


def test_errors_that_cancel_each_other_are_found():
    noise = np.random.default_rng(0).normal(size=(500, 1))
    other = np.random.default_rng(1).normal(size=(500, 1))
    weights = weigh_by_error([noise, -noise, 3 * other], np.ones(500))
    np.testing.assert_allclose(weights, [0.5, 0.5, 0], atol=0.02)


def test_errors_of_the_best_mixture_are_no_larger_than_of_the_best_member():
    errors = np.random.default_rng(0).normal(size=(4, 300, 2)) * np.array([1, 1.2, 2, 3])[:, None, None]
    weights = weigh_by_error(list(errors), np.ones(300))
    mixed = np.square(np.tensordot(weights, errors, axes=1)).mean()
    assert mixed < min(np.square(error).mean() for error in errors)
    assert weights[0] > weights[1] > weights[2] > weights[3]


def test_members_that_are_never_wrong_need_no_weights_but_get_equal_ones():
    np.testing.assert_allclose(weigh_by_error([np.zeros((9, 1))] * 2, np.ones(9)), 0.5, atol=1e-6)


def test_weights_too_small_to_tell_are_dropped():
    np.testing.assert_allclose(drop_little(np.array([0.6, 0.39, 0.01])), np.array([0.6, 0.39, 0]) / 0.99)
    np.testing.assert_allclose(drop_little(np.full(100, 0.01)), 0.01)
