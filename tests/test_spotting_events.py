"""A word that is said once fires once, at every threshold and in pieces of any size; counts prove what they prove."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.signal import find_peaks

from seqcnn.spotting.bounds import binomial_interval, hours_to_prove, poisson_interval, poisson_upper_bound
from seqcnn.spotting.events import Event, EventCounter, EventFinder, EventRule, Smoother
from seqcnn.spotting.sweep import choose_thresholds

LEVELS = [0.0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0]


@st.composite
def tracks(draw):
    shape = (draw(st.integers(0, 60)), draw(st.integers(1, 3)))
    return draw(arrays(np.float32, shape, elements=st.sampled_from([np.float32(level) for level in LEVELS])))


@st.composite
def rules(draw):
    threshold = draw(st.sampled_from([0.2, 0.3, 0.5, 0.55, 0.75, 0.9, 1.0]))
    release = threshold * draw(st.sampled_from([0.3, 0.75, 1.0]))
    return EventRule(threshold, release, 1, draw(st.integers(1, 4)), draw(st.integers(1, 12)))


def events_by_definition(smoothed, rule):
    """The events, row by row, as the module's first lines say it."""
    events, fired_at = [], -math.inf
    n_rows, n_columns = smoothed.shape
    threshold, release = np.float32(rule.threshold), np.float32(rule.release)
    disarmed_at = [None] * n_columns
    for row in range(n_rows):
        fit = []
        for column in range(n_columns):
            last = smoothed[max(0, row - rule.minimum + 1) : row + 1, column]
            was = disarmed_at[column]
            armed = was is None or (smoothed[was : row + 1, column] < release).any()
            if armed and len(last) == rule.minimum and (last >= threshold).all():
                fit.append(column)
        if fit and row - fired_at >= rule.refractory:
            best = max(fit, key=lambda column: (smoothed[row, column], -column))
            events.append(Event(row, best, float(smoothed[row, best])))
            fired_at = row
            for column in range(n_columns):
                if smoothed[row, column] >= threshold:
                    disarmed_at[column] = row
    return events


def found_in_pieces(smoothed, rule, sizes):
    finder, events, begin = EventFinder(rule, smoothed.shape[1]), [], 0
    for size in [*sizes, len(smoothed)]:
        events += finder.push(smoothed[begin : begin + size])
        begin += size
    return events


@settings(max_examples=300, deadline=None)
@given(tracks(), rules(), st.lists(st.integers(0, 9), max_size=8))
def test_the_finder_in_any_pieces_and_the_counter_give_the_events_of_the_definition(smoothed, rule, sizes):
    wanted = events_by_definition(smoothed, rule)
    assert found_in_pieces(smoothed, rule, sizes) == wanted
    assert EventCounter(smoothed, 0.05).find(rule) == wanted


@settings(max_examples=100, deadline=None)
@given(tracks(), st.integers(1, 9), st.lists(st.integers(0, 9), max_size=8))
def test_smoothing_is_the_mean_of_the_last_rows_to_the_bit_in_any_pieces(scores, n_rows, sizes):
    whole = Smoother(n_rows, scores.shape[1]).push(scores)
    in_pieces, parts, begin = Smoother(n_rows, scores.shape[1]), [], 0
    for size in [*sizes, len(scores)]:
        parts.append(in_pieces.push(scores[begin : begin + size]))
        begin += size
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    padded = np.concatenate([np.zeros((n_rows - 1, scores.shape[1])), scores])
    means = [padded[row : row + n_rows].mean(0) for row in range(len(scores))]
    np.testing.assert_allclose(whole, np.reshape(means, whole.shape), atol=1e-6)


def test_a_word_that_wavers_around_the_threshold_fires_once():
    wavering = np.float32([0.1, 0.6, 0.45, 0.7, 0.42, 0.8, 0.1, 0.0])[:, None]
    assert len(EventCounter(wavering, 0.1).find(EventRule(0.5, 0.5))) == 3
    assert [event.row for event in EventCounter(wavering, 0.1).find(EventRule(0.5, 0.4))] == [1]


def test_nothing_fires_within_the_refractory_time_whatever_the_keyword():
    scores = np.float32([[0.9, 0], [0, 0.9], [0, 0], [0, 0.8], [0.7, 0]])
    assert [event[:2] for event in EventCounter(scores, 0.1).find(EventRule(0.5, 0.4, refractory=3))] == [
        (0, 0),
        (3, 1),
    ]


def test_of_two_words_at_once_the_better_one_fires_and_the_other_does_not_follow():
    scores = np.float32([[0.6, 0.7], [0.6, 0.7], [0.6, 0.1], [0.6, 0.1]])
    assert [event[:2] for event in EventCounter(scores, 0.1).find(EventRule(0.5, 0.4, refractory=1))] == [(0, 1)]


def test_hours_of_low_scores_are_passed_over_and_change_nothing():
    quiet = np.zeros((1000, 2), np.float32)
    quiet[70, 0] = quiet[990, 1] = 0.9
    finder = EventFinder(EventRule(0.5, 0.4), 2)
    assert [event[:2] for event in finder.push(quiet)] == [(70, 0), (990, 1)]
    assert finder.push(np.float32([[0, 0.9]])) == [Event(1000, 1, pytest.approx(0.9))]


@settings(max_examples=100, deadline=None)
@given(tracks())
def test_a_threshold_lies_between_any_two_peaks(smoothed):
    levels = choose_thresholds(smoothed, 0.01)
    assert levels[0] == pytest.approx(0.01)
    assert levels[-1] == 1
    padded = np.pad(smoothed, ((1, 1), (0, 0)))
    peaks = {float(column[place]) for column in padded.T for place in find_peaks(column)[0]}
    apart = [np.searchsorted(levels, peak, side="right") for peak in peaks if peak < 1]
    assert len(set(apart)) == len(apart)


def test_the_number_of_thresholds_is_bounded_for_hours_of_peaks():
    noise = np.random.default_rng(0).random((20_000, 2)).astype(np.float32)
    levels = choose_thresholds(noise, 0.01)
    assert len(levels) <= 303
    assert (noise > levels[-20]).sum() < 40  # the highest are told apart


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("count", [0, 1, 7, 200])
def test_the_poisson_bounds_are_chi_square_quantiles_and_hold_their_tails(count, confidence):
    upper = poisson_upper_bound(count, confidence)
    assert upper == pytest.approx(stats.chi2.ppf(confidence, 2 * (count + 1)) / 2)
    assert stats.poisson.cdf(count, upper) == pytest.approx(1 - confidence)
    lower, higher = poisson_interval(count, confidence)
    assert stats.poisson.cdf(count, higher) == pytest.approx((1 - confidence) / 2)
    assert lower == (pytest.approx(stats.chi2.ppf((1 - confidence) / 2, 2 * count) / 2) if count else 0)


def test_no_event_in_h_hours_proves_minus_ln_of_the_rest_over_h():
    assert poisson_upper_bound(0, 0.95) == pytest.approx(-math.log(0.05))
    assert hours_to_prove(0, 0.5, 0.95) == pytest.approx(-math.log(0.05) / 0.5)


@pytest.mark.parametrize(("count", "n_cases"), [(0, 10), (3, 20), (10, 10)])
def test_the_binomial_limits_are_those_of_clopper_and_pearson(count, n_cases):
    wanted = stats.binomtest(count, n_cases).proportion_ci(0.95, method="exact")
    assert binomial_interval(count, n_cases, 0.95) == pytest.approx((wanted.low, wanted.high))
