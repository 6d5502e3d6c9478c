"""Conformity scores: what is promised holds for any scores, weights and groups, and no more than is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from estimator_helpers import message_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from seqcnn.conformal import ConformityScores

COVERAGES = (0.5, 0.8, 0.9, 0.95)


def of_errors(errors: Any, **beside: Any) -> ConformityScores:
    errors = np.asarray(errors, dtype=np.float64).reshape(len(errors), -1)
    return ConformityScores.of_values(errors, np.zeros_like(errors), **beside)


def threshold(known: ConformityScores, coverage: float) -> Any:
    return known.threshold(coverage, caller="Here")


def assert_binomial(n_covered: int, n_trials: int, chance: float) -> None:
    """The count is one that a coin of this chance gives, but for once in ten thousand times."""
    low, high = stats.binom.ppf([0.5e-4, 1 - 0.5e-4], n_trials, chance)
    assert low <= n_covered <= high


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60), st.floats(0.02, 0.98), st.integers(0, 10**6))
def test_the_threshold_is_the_order_statistic_of_the_definition(n: int, coverage: float, seed: int) -> None:
    errors = np.random.default_rng(seed).standard_cauchy((n, 2))
    rank = int(np.ceil((n + 1) * coverage - 1e-9 * (n + 1)))
    if rank > n:
        with pytest.raises(ValueError, match="must be at most"):
            threshold(of_errors(errors), coverage)
    else:
        np.testing.assert_array_equal(threshold(of_errors(errors), coverage), np.sort(np.abs(errors), 0)[rank - 1])


@pytest.mark.parametrize("coverage", COVERAGES)
@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "exponential"])
def test_a_new_record_is_covered_as_often_as_promised_whatever_the_noise(draw: str, coverage: float) -> None:
    random = np.random.default_rng(0)
    errors = getattr(random, draw)(size=(2000, 20))
    covered = sum(abs(row[-1]) <= threshold(of_errors(row[:-1]), coverage)[0] for row in errors)
    # Of 19 others, 20 places of which all are equally likely.
    assert_binomial(covered, 2000, np.ceil(20 * coverage) / 20)


@pytest.mark.parametrize("coverage", [0.5, 0.8])
def test_a_record_of_a_new_group_is_covered_though_records_of_a_group_are_alike(coverage: float) -> None:
    random, covered, taken_for_single = np.random.default_rng(0), 0, 0
    for _ in range(1500):
        # The group decides all but a little of the error, and the largest group has most of the records.
        groups = np.repeat(np.arange(10), [60, *[3] * 9])
        errors = random.normal(size=10)[groups] + 0.1 * random.normal(size=len(groups))
        new = abs(random.normal() + 0.1 * random.normal())
        covered += new <= threshold(of_errors(errors, groups=groups), coverage)[0]
        taken_for_single += new <= threshold(of_errors(errors), coverage)[0]
    assert covered >= stats.binom.ppf(1e-4, 1500, coverage)
    assert taken_for_single < covered


def test_weights_tell_of_which_population_a_new_record_is() -> None:
    random, coverage, covered, unweighted = np.random.default_rng(0), 0.9, 0, 0
    for _ in range(1500):
        # Hard records are three times as frequent in what is to come as among those that are known.
        hard = random.random(60) < 0.25
        errors = random.normal(size=60) * np.where(hard, 5.0, 1.0)
        new = abs(random.normal()) * (5.0 if random.random() < 0.5 else 1.0)
        covered += new <= threshold(of_errors(errors, weights=np.where(hard, 3.0, 1.0)), coverage)[0]
        unweighted += new <= threshold(of_errors(errors), coverage)[0]
    # The weights stand for the population as far as 60 records do.
    assert covered / 1500 == pytest.approx(coverage, abs=0.03)
    assert unweighted / 1500 < coverage - 0.03


@settings(deadline=None, max_examples=60)
@given(st.integers(3, 40), st.floats(0.1, 100.0), st.integers(0, 10**6))
def test_only_the_ratio_of_weights_and_neither_order_nor_names_of_groups_matter(n: int, unit: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    errors, weights = random.normal(size=(n, 2)), random.uniform(0.5, 2.0, n)
    groups = np.append(random.integers(0, 4, n - 2), [7, 8])
    known, order = of_errors(errors, weights=weights, groups=groups), random.permutation(n)
    other = of_errors(errors[order], weights=unit * weights[order], groups=(5 - groups)[order])
    np.testing.assert_array_equal(known.scores, other.scores)
    np.testing.assert_allclose(known.counts, other.counts)
    alike = of_errors(errors, weights=np.full(n, unit))
    np.testing.assert_allclose(alike.counts, 1.0)
    assert repr(alike) == f"<scores of {n} records>"
    assert repr(known) == f"<scores of {int(known.n_witnesses + 1e-9)} group{'s' * (known.n_witnesses >= 2 - 1e-9)}>"


def test_sets_are_those_of_the_definition_with_the_best_class_always() -> None:
    random = np.random.default_rng(0)
    known_said, said = random.dirichlet(np.ones(4), 99), random.dirichlet(np.ones(4), 500)
    positions = np.array([random.choice(4, p=p) for p in known_said])
    known = ConformityScores.of_classes(positions, known_said)
    before = np.zeros((500, 4), dtype=bool)
    for coverage in (0.05, 0.2, 0.5, 0.8, 0.9, 0.99):
        inside = known.sets(said, coverage, caller="Here")
        least = np.sort(known_said[np.arange(99), positions])[::-1][int(np.ceil(100 * coverage - 1e-9)) - 1]
        best = said == said.max(axis=1, keepdims=True)
        np.testing.assert_array_equal(inside, (said >= least) | best)
        assert (inside | ~before).all(), "a larger coverage takes no class away"
        before = inside
    assert known.sets(said, 0.01, caller="Here").sum() == 500


def test_equal_probabilities_are_in_the_set_in_which_a_known_one_is() -> None:
    said = np.array([[0.1, 0.9]] * 4 + [[0.9, 0.1]] * 5)
    known = ConformityScores.of_classes(np.zeros(9, dtype=np.int64), said)
    assert known.sets(said[:1], 0.9, caller="Here").tolist() == [[True, True]]


def test_intervals_have_a_width_a_target() -> None:
    known = of_errors(np.column_stack([np.arange(9.0), 10 * np.arange(9.0)]))
    low, high = known.interval(np.array([[1.0, 2.0]]), 0.9, caller="Here")
    assert low.tolist() == [[-7.0, -78.0]]
    assert high.tolist() == [[9.0, 82.0]]


@pytest.mark.parametrize(
    ("known", "coverage", "sentence"),
    [
        (
            of_errors(np.arange(12)),
            0.95,
            "The 'coverage' parameter of Here must be at most 0.923, which is what errors on 12 records can promise. "
            "Received: 0.95, which takes 19 records. Pass coverage=0.923 or less, or call conformalize with so many "
            "records that fit has not seen.",
        ),
        (
            of_errors(np.arange(12), groups=np.repeat([0, 1, 2], 4)),
            0.9,
            "The 'coverage' parameter of Here must be at most 0.75, which is what errors on 3 groups can promise. "
            "Received: 0.9, which takes 9 groups. Pass coverage=0.75 or less, or call conformalize with so many "
            "groups that fit has not seen.",
        ),
        (
            of_errors(np.arange(12), weights=np.array([10.0] * 4 + [1.0] * 8)),
            0.9,
            "The 'coverage' parameter of Here must be at most 0.849, which is what errors on 12 records that by their "
            "weights count as 5 can promise. Received: 0.9, which takes 9 records. Pass coverage=0.849 or less, or "
            "call conformalize with so many records that fit has not seen.",
        ),
    ],
)
def test_a_coverage_beyond_what_is_known_is_refused(known: ConformityScores, coverage: float, sentence: str) -> None:
    assert message_of(ValueError, threshold, known, coverage) == sentence
    named = float(sentence.split("at most ")[1].split(",")[0])
    assert np.isfinite(threshold(known, named)).all()


@pytest.mark.parametrize(
    ("coverage", "error"), [(0, ValueError), (1.0, ValueError), (np.nan, ValueError), ("0.9", TypeError)]
)
def test_a_coverage_is_a_probability(coverage: Any, error: type[Exception]) -> None:
    assert message_of(error, threshold, of_errors(np.arange(9)), coverage) == (
        f"The 'coverage' parameter of Here must be a number greater than 0 and less than 1. Received: {coverage!r}. "
        "Pass a value in that range."
    )
