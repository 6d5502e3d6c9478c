"""Non-words made of words."""

import numpy as np
import pytest

from seqcnn.augment import make_non_words


def clips(n, length=400, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal((1, length)).astype(np.float32) for _ in range(n)]


def half(wave):
    energy = np.cumsum(np.square(wave, dtype=np.float64).sum(0))
    return int(np.searchsorted(energy, energy[-1] / 2))


def test_every_other_one_is_a_word_played_backwards():
    waves = clips(6)
    records, sources = make_non_words(waves, list("aabbcc"), 20, generator=np.random.default_rng(0))
    assert len(records) == len(sources) == 20
    for record, source in zip(records[::2], sources[::2], strict=True):
        assert np.array_equal(record, waves[source][:, ::-1])
        assert record.flags.c_contiguous


def test_the_others_begin_as_one_word_and_end_as_another():
    waves, labels = clips(6), list("aabbcc")
    records, sources = make_non_words(waves, labels, 40, generator=np.random.default_rng(0))
    middle = 200
    for record, source in zip(records[1::2], sources[1::2], strict=True):
        end = half(waves[source])
        before = min(end, middle)
        assert np.array_equal(record[:, middle - before : middle], waves[source][:, end - before : end])
        ends = {
            label
            for wave, label in zip(waves, labels, strict=True)
            if np.array_equal(record[:, middle : middle + 50], wave[:, half(wave) : half(wave) + 50])
        }
        assert len(ends) == 1
        assert labels[source] not in ends


def test_the_halves_of_an_only_word_change_places():
    waves = clips(2)
    records, sources = make_non_words(waves, ["hey", "hey"], 2, generator=np.random.default_rng(0))
    wave = waves[sources[1]]
    assert np.array_equal(records[1], np.concatenate([wave[:, half(wave) :], wave[:, : half(wave)]], axis=1))


def test_the_same_seed_makes_the_same_ones_and_the_words_stay_what_they_are():
    waves = clips(4)
    before = [wave.copy() for wave in waves]
    first, again = (make_non_words(waves, list("abab"), 9, generator=np.random.default_rng(3))[0] for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(waves, before, strict=True))


def test_silence_makes_silence():
    records, _ = make_non_words([np.zeros((1, 50), np.float32)] * 3, list("abc"), 6, generator=np.random.default_rng(0))
    assert all(record.shape == (1, 50) and not record.any() for record in records)


def test_clips_of_several_lengths_are_refused():
    with pytest.raises(ValueError) as error:
        make_non_words([*clips(2), *clips(1, 300)], ["a", "b"], 2, generator=np.random.default_rng(0))
    assert str(error.value) == (
        "make_non_words takes clips of one shape (channels, time), and a label for each. Received: 3 clips of "
        "(1, 300), (1, 400), and 2 labels. Bring them to one length with place_by_energy."
    )
