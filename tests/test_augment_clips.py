"""Clips placed by their energy, and silence made of noise."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.augment import make_silence, place_by_energy
from seqcnn.augment.colors import COLORS, color_noise


def level_db(wave: Any) -> float:
    return float(10 * np.log10(np.square(wave, dtype=np.float64).mean()))


def word_in_silence(n_before: int, n_word: int, n_behind: int, offset: float = 0.0) -> Any:
    word = np.sin(np.arange(n_word)).astype(np.float32)
    return np.concatenate([np.zeros(n_before), word, np.zeros(n_behind)]).astype(np.float32)[None] + np.float32(offset)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(20, 60), st.integers(0, 300), st.floats(-0.5, 0.5))
def test_longer_clip_is_cut_where_the_word_is(n_before: int, n_word: int, n_behind: int, offset: float) -> None:
    wave = word_in_silence(n_before + 20, n_word, n_behind + 20, offset)
    placed = place_by_energy(wave, n_word + 30)
    held = np.square(placed - placed.mean()).sum()
    assert placed.shape == (1, n_word + 30)
    assert held > 0.9 * np.square(wave - wave.mean()).sum()


def test_word_comes_to_the_middle_of_the_window() -> None:
    placed = place_by_energy(word_in_silence(300, 100, 700), 200)
    loud = np.flatnonzero(np.abs(placed[0]) > 0)
    assert abs((loud[0] + loud[-1]) / 2 - 100) < 5


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 2**32))
def test_shorter_clip_lies_whole_in_silence(n_wave: int, n_more: int, seed: int) -> None:
    wave = np.arange(1, n_wave + 1, dtype=np.float32)[None].repeat(2, 0)
    for generator in (None, np.random.default_rng(seed)):
        placed = place_by_energy(wave, n_wave + n_more, generator=generator)
        assert placed.shape == (2, n_wave + n_more)
        start = int(placed[0].argmax()) - n_wave + 1
        np.testing.assert_array_equal(placed[:, start : start + n_wave], wave)
        assert np.count_nonzero(placed) == wave.size
        if generator is None:
            assert start == n_more // 2


def test_generator_gives_different_places_and_the_same_seed_the_same_ones() -> None:
    for wave, length in ((word_in_silence(0, 30, 0), 90), (word_in_silence(300, 30, 300), 90)):
        seeds = [place_by_energy(wave, length, generator=np.random.default_rng(seed)) for seed in range(8)]
        assert len({placed.tobytes() for placed in seeds}) > 2
        again = place_by_energy(wave, length, generator=np.random.default_rng(3))
        np.testing.assert_array_equal(again, seeds[3])


def test_silent_clip_is_cut_as_well_and_the_wave_itself_is_left_alone() -> None:
    wave = np.zeros((1, 100), dtype=np.float32)
    placed = place_by_energy(wave, 100)
    placed += 1
    assert not wave.any()
    assert not place_by_energy(wave, 30).any()


@pytest.mark.parametrize(
    ("wave", "received"),
    [
        (np.zeros((1, 0), dtype=np.float32), "float32 of shape (1, 0)"),
        (np.zeros((1, 2, 3)), "float64 of shape (1, 2, 3)"),
        (np.zeros(4, dtype=np.int16), "int16 of shape (4,)"),
    ],
)
def test_what_is_no_waveform_is_refused(wave: Any, received: str) -> None:
    with pytest.raises(ValueError) as error:
        place_by_energy(wave, 4)
    assert str(error.value) == (
        "The 'wave' of place_by_energy must be a waveform of floats, (channels, time), with at least one sample. "
        f"Received: {received}. Pass float32 in [-1, 1]."
    )


def test_length_must_be_positive() -> None:
    with pytest.raises(ValueError) as error:
        place_by_energy(np.zeros(4, dtype=np.float32), 0)
    assert str(error.value) == (
        "The 'length' parameter of place_by_energy must be an integer of at least 1. Received: 0. Pass length=1 or "
        "more."
    )


@pytest.mark.parametrize(("color", "octave_db"), [("white", 3.0), ("pink", 0.0), ("brown", -3.0)])
def test_power_of_an_octave_rises_or_falls_with_the_colour(color: Any, octave_db: float) -> None:
    noise = color_noise(color, 2**17, sample_rate=16000, generator=np.random.default_rng(0))
    power, hz = np.abs(np.fft.rfft(noise)) ** 2, np.fft.rfftfreq(2**17, 1 / 16000)
    octaves = [10 * np.log10(power[(hz >= low) & (hz < 2 * low)].sum()) for low in (250, 500, 1000, 2000)]
    np.testing.assert_allclose(np.diff(octaves), octave_db, atol=0.3)
    assert noise.dtype == np.float32
    np.testing.assert_allclose(np.square(noise).mean(), 1.0, rtol=1e-4)


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("n_samples", [0, 1, 2])
def test_noise_of_hardly_a_sample_is_finite(color: Any, n_samples: int) -> None:
    noise = color_noise(color, n_samples, sample_rate=16000, generator=np.random.default_rng(0))
    assert noise.shape == (n_samples,)
    assert np.isfinite(noise).all()


def test_generated_silence_has_many_levels_inside_full_scale_and_some_zeros() -> None:
    records = make_silence(200, 1000, sample_rate=8000, generator=np.random.default_rng(0))
    assert {(record.shape, record.dtype) for record in records} == {((1, 1000), np.dtype("float32"))}
    muted = [record for record in records if not record.any()]
    levels = [level_db(record) for record in records if record.any()]
    assert 5 < len(muted) < 40
    assert -80.1 < min(levels) < -70
    assert -30 < max(levels) < -19.9
    assert max(np.abs(record).max() for record in records) <= 1


def test_recorded_silence_is_cut_from_the_noises_and_made_quieter() -> None:
    noises = [np.full((2, 5000), 0.5, np.float32), np.full((2, 50), -0.5, np.float32)]
    records = make_silence(300, 400, sample_rate=8000, noises=noises, generator=np.random.default_rng(1))
    values = np.array([record[0, 0] for record in records])
    assert {record.shape for record in records} == {(2, 400)}
    assert all((record == record[0, 0]).all() for record in records)
    assert 0.5 * 10 ** (-30 / 20) - 1e-6 <= np.abs(values).min() < 0.05
    assert 0.4 < np.abs(values).max() <= 0.5
    assert 0 < (values < 0).sum() < 30  # one in a hundred and one samples


def test_same_generator_gives_the_same_silence() -> None:
    first, again = (make_silence(4, 100, sample_rate=8000, generator=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert make_silence(0, 100, sample_rate=8000, generator=np.random.default_rng(5)) == []


def test_noises_of_unequal_channels_or_none_at_all_are_refused() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError) as error:
        make_silence(1, 4, sample_rate=8000, noises=[np.zeros((1, 9)), np.zeros((2, 9))], generator=generator)
    assert str(error.value) == (
        "The 'noises' of make_silence must have one number of channels. Received: noises[0] has 1, but noises[1] has "
        "2. Average their channels: wave.mean(0, keepdims=True)."
    )
    with pytest.raises(ValueError) as error:
        make_silence(1, 4, sample_rate=8000, noises=[], generator=generator)
    assert str(error.value) == (
        "The 'noises' parameter of make_silence must be a list of waveforms, at least one. Received: []. Pass arrays "
        "(channels, time), or None for generated noise."
    )


def test_clips_need_no_torch() -> None:
    code = "import json, sys, seqcnn.augment.clips; print(json.dumps('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) is False
