"""Batches: which windows share one, and what stands in it."""

import warnings
from collections import Counter

import numpy as np
import pytest
import torch
from core_helpers import series, store_of, text
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.batches import WindowStore, balanced_batches, prediction_batches, training_batches
from seqcnn.windows import cut_windows

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=300).map(np.array)


def draw(lengths, batch_size, seed=0, **options):
    return training_batches(lengths, batch_size, np.random.default_rng(seed), **options)


@settings(deadline=None, max_examples=60)
@given(LENGTHS, st.integers(1, 70), st.booleans())
def test_an_epoch_holds_every_window_exactly_once_in_batches_no_larger_than_asked_for(lengths, batch_size, equal):
    trained = draw(lengths, batch_size, equal_length=equal)
    predicted = prediction_batches(lengths, batch_size, equal_length=equal)
    for batches in (trained, predicted):
        np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(len(lengths)))
        assert all(1 <= len(batch) <= batch_size for batch in batches)


@settings(deadline=None, max_examples=60)
@given(LENGTHS, st.integers(1, 70))
def test_batches_of_equal_length_hold_one_length_and_nearly_equal_numbers_of_it(lengths, batch_size):
    batches = draw(lengths, batch_size, equal_length=True)
    sizes = {length: [] for length in np.unique(lengths)}
    for batch in batches:
        assert len(np.unique(lengths[batch])) == 1
        sizes[lengths[batch[0]]].append(len(batch))
    assert all(max(group) - min(group) <= 1 for group in sizes.values())
    assert all(len(np.unique(lengths[b])) == 1 for b in prediction_batches(lengths, batch_size, equal_length=True))


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 400), st.integers(3, 70), st.booleans())
def test_no_batch_is_left_with_a_lone_window(n_windows, batch_size, ragged):
    lengths = np.random.default_rng(0).integers(5, 9, n_windows) if ragged else np.full(n_windows, 5)
    sizes = [len(batch) for batch in draw(lengths, batch_size)]
    assert min(sizes) > 1
    if n_windows <= 32 * batch_size:  # one stretch
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("lengths", [np.full(50, 4), np.arange(1, 51)])
def test_the_same_generator_gives_the_same_batches_and_another_gives_others(lengths):
    first, again, other = (np.concatenate(draw(lengths, 8, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_epochs_differ_in_which_windows_share_a_batch_and_in_the_order_of_batches():
    generator = np.random.default_rng(0)
    lengths = np.random.default_rng(1).integers(10, 1000, 500)
    first, second = ([frozenset(b) for b in training_batches(lengths, 2, generator)] for _ in range(2))
    assert len(set(first) & set(second)) < len(first) / 2
    longest = [max(lengths[list(batch)]) for batch in first]
    assert longest != sorted(longest)


def test_windows_of_like_length_share_batches_so_that_little_is_padded():
    lengths = np.random.default_rng(0).integers(10, 1000, 2000)

    def padding(batches):
        return sum(len(b) * lengths[b].max() - lengths[b].sum() for b in batches) / lengths.sum()

    unsorted = np.array_split(np.random.default_rng(0).permutation(2000), 125)
    assert padding(draw(lengths, 16)) < 0.1 * padding(unsorted)
    assert padding(prediction_batches(lengths, 16)) < 0.1 * padding(unsorted)


def expected_batch(records, table, rows, minimum_length):
    longest = max(int(table.lengths[rows].max()), minimum_length)
    expected = np.zeros((len(rows), *records.values[0].shape[:-1], longest), records.values[0].dtype)
    for position, row in enumerate(rows):
        window = records.values[table.record[row]][..., table.start[row] : table.stop[row]]
        expected[position, ..., : window.shape[-1]] = window
    return expected


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.one_of(st.none(), st.integers(1, 12)),
    st.integers(1, 12),
    st.sampled_from([0, 1, 3]),
    st.integers(1, 25),
    st.data(),
)
def test_a_batch_holds_the_records_slices_and_zeros_behind_them(lengths, window, hop, channels, minimum, data):
    records = series(lengths, channels) if channels else text(lengths)
    table = cut_windows(records.lengths, window, hop)
    store = WindowStore(records, table, minimum_length=minimum)
    assert len(store) == len(table)
    chosen = data.draw(st.lists(st.integers(0, len(table) - 1), min_size=1, max_size=6))
    x, real, *_ = store.batch(np.array(chosen))
    expected = expected_batch(records, table, chosen, minimum)
    np.testing.assert_array_equal(x.numpy(), expected)
    assert x.dtype == (torch.float32 if channels else torch.int64)
    # Lengths are given exactly when something is padded.
    if (table.lengths[chosen] == expected.shape[-1]).all():
        assert real is None
    else:
        assert real.tolist() == table.lengths[chosen].tolist()


def test_numbers_come_in_the_precision_asked_for_and_codes_stay_integers():
    assert store_of(series([5]), dtype=torch.float64).batch(np.array([0])).x.dtype == torch.float64
    assert store_of(text([5]), dtype=torch.float64).batch(np.array([0])).x.dtype == torch.int64


def test_overlapping_windows_share_one_copy_of_the_data():
    store = store_of(series([10_000]), window_length=1000, hop_length=1)
    held = [value for value in vars(store).values() if isinstance(value, torch.Tensor)]
    assert len(store) == 9001
    assert sum(tensor.numel() for tensor in held) <= 10_000 + 2 * len(store)


def test_what_is_done_to_a_batch_leaves_the_data_alone():
    records = series([8, 8])
    before = [value.copy() for value in records.values]
    store = store_of(records)
    store.batch(np.array([0, 1])).x.fill_(7.0)
    np.testing.assert_array_equal(store.batch(np.array([0, 1])).x.numpy(), before)
    np.testing.assert_array_equal(records.values, before)


@pytest.mark.parametrize("n_records", [1, 3])
def test_read_only_arrays_are_taken_without_a_warning(n_records):
    records = series([6] * n_records)
    for value in records.values:
        value.flags.writeable = False
    table = cut_windows(records.lengths)
    for array in (table.record, table.start, table.stop):
        array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, *_ = WindowStore(records, table).batch(np.arange(n_records))
    np.testing.assert_array_equal(x.numpy(), records.values)


def test_prediction_batches_keep_the_order_of_windows_of_one_length():
    batches = prediction_batches(np.full(10, 3), 4)
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(10))
    assert Counter(map(len, batches)) == {4: 1, 3: 2}


@settings(deadline=None, max_examples=60)
@given(LENGTHS, st.integers(1, 70), st.integers(1, 5), st.booleans(), st.integers(0, 9))
def test_balanced_batches_are_as_many_as_others_and_draw_the_classes_evenly(
    lengths, batch_size, n_classes, equal, seed
):
    generator = np.random.default_rng(seed)
    # One class holds most of the windows.
    classes = np.where(generator.random(len(lengths)) < 0.8, 0, generator.integers(0, n_classes, len(lengths)))
    lengths = np.full_like(lengths, 5) if seed % 2 else lengths
    batches = balanced_batches(lengths, classes, batch_size, generator, equal_length=equal)
    assert len(batches) == len(draw(lengths, batch_size, equal_length=equal))
    assert sum(map(len, batches)) == len(lengths)
    for batch in batches:
        assert 1 <= len(batch) <= batch_size
        if equal:
            assert len(np.unique(lengths[batch])) == 1
        if equal or seed % 2:
            there = np.unique(classes[lengths == lengths[batch[0]]] if equal else classes)
            counts = [(classes[batch] == name).sum() for name in there]
            assert max(counts) - min(counts) <= 2


def test_balanced_batches_take_every_window_of_a_rare_class_before_one_again():
    classes = np.repeat([0, 1], [90, 10])
    batches = balanced_batches(np.full(100, 5), classes, 20, np.random.default_rng(0))
    drawn = Counter(np.concatenate(batches).tolist())
    assert [drawn[row] for row in range(90, 100)] == [5] * 10
    assert sum(drawn[row] for row in range(90)) == 50
    assert max(drawn[row] for row in range(90)) == 1


def test_balanced_batches_of_unequal_lengths_pad_little():
    generator = np.random.default_rng(0)
    lengths, classes = generator.integers(1, 1000, 640), generator.integers(0, 4, 640)
    batches = balanced_batches(lengths, classes, 32, generator)
    longest = sum(lengths[batch].max() * len(batch) for batch in batches)
    assert longest < 1.2 * sum(lengths[batch].sum() for batch in batches)
    for batch in batches:
        assert np.bincount(classes[batch], minlength=4).tolist() == [8, 8, 8, 8]
