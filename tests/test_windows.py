"""Cutting records into windows, and taking window scores back to records."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.aggregate import average_over_windows
from seqcnn.windows import cut_windows

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=8)


def naive_windows(lengths, window_length, hop_length):
    rows = []
    for record, length in enumerate(lengths):
        start = 0
        while start + window_length < length:
            rows.append((record, start, start + window_length))
            start += hop_length
        rows.append((record, max(0, length - window_length), length))
    return rows


def rows_of(table):
    return list(zip(table.record.tolist(), table.start.tolist(), table.stop.tolist(), strict=True))


@settings(deadline=None, max_examples=200)
@given(LENGTHS, st.integers(1, 20), st.integers(1, 20))
def test_windows_are_those_of_a_plain_loop(lengths, window_length, hop_length):
    table = cut_windows(np.array(lengths), window_length, hop_length)
    assert rows_of(table) == naive_windows(lengths, window_length, hop_length)
    assert len(table) == len(table.record)
    assert table.n_records == len(lengths)


@settings(deadline=None, max_examples=100)
@given(LENGTHS, st.integers(1, 20), st.data())
def test_every_sample_is_in_a_window_and_no_window_leaves_its_record(lengths, window_length, data):
    hop_length = data.draw(st.integers(1, window_length))
    table = cut_windows(np.array(lengths), window_length, hop_length)
    covered = [np.zeros(length, dtype=bool) for length in lengths]
    for record, start, stop in rows_of(table):
        assert 0 <= start < stop <= lengths[record]
        covered[record][start:stop] = True
    assert all(record.all() for record in covered)


@settings(deadline=None, max_examples=50)
@given(LENGTHS, st.integers(1, 20))
def test_windows_are_as_long_as_asked_for_except_in_shorter_records(lengths, window_length):
    table = cut_windows(np.array(lengths), window_length)
    assert table.lengths.tolist() == [min(window_length, lengths[record]) for record in table.record]


def test_no_window_comes_twice():
    rows = rows_of(cut_windows(np.array([12, 13, 4]), 4, 4))
    assert len(set(rows)) == len(rows)


def test_without_a_window_length_each_record_is_one_window():
    assert rows_of(cut_windows(np.array([7, 1, 30]))) == [(0, 0, 7), (1, 0, 1), (2, 0, 30)]


@pytest.mark.parametrize(("window_length", "hop_length"), [(8, 4), (7, 3), (1, 1)])
def test_the_default_hop_is_half_a_window_and_one_sample_at_least(window_length, hop_length):
    lengths = np.array([30, 9])
    assert rows_of(cut_windows(lengths, window_length)) == rows_of(cut_windows(lengths, window_length, hop_length))


@settings(deadline=None, max_examples=100)
@given(LENGTHS, st.integers(1, 20), st.integers(1, 20), st.integers(1, 3))
def test_a_records_score_is_the_mean_over_its_windows(lengths, window_length, hop_length, n_outputs):
    table = cut_windows(np.array(lengths), window_length, hop_length)
    scores = np.random.default_rng(0).standard_normal((len(table), n_outputs))
    expected = [scores[table.record == record].mean(0) for record in range(len(lengths))]
    np.testing.assert_allclose(average_over_windows(scores, table), expected, rtol=1e-12, atol=1e-14)
