"""Each change of a batch against its definition, and all of them together."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqcnn.augment import AudioAugmentation
from seqcnn.augment.audio import AudioAugmenter
from seqcnn.augment.levels import add_noise, change_gain, measure_energy, shift_in_time
from seqcnn.augment.mixing import mix_lengths, mix_targets, mix_waves
from seqcnn.augment.responses import count_octaves, fast_length, hear, make_room, microphone_response
from seqcnn.augment.sounds import gather_sounds
from seqcnn.augment.speed import change_speed

RATE = 8000
NOTHING = AudioAugmentation(
    speed=(1, 1), shift_seconds=0, reverberation_share=0, noise_share=0, equalizer_share=0, gain_db=(0, 0)
)
MUCH = AudioAugmentation(
    speed=(0.8, 1.25), reverberation_share=1, noise_share=1, equalizer_share=1, mixing="mixup", mixing_share=1
)


def noise_batch(lengths: list[int], n_channels: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """White noise that is zero behind each record's length."""
    drawn = torch.randn(len(lengths), n_channels, max(lengths), generator=torch.Generator().manual_seed(seed))
    counts = torch.tensor(lengths)
    return drawn * (torch.arange(max(lengths)) < counts[:, None, None]), counts


def tone(hz: float, n_samples: int, rate: int = RATE) -> Tensor:
    return torch.sin(2 * torch.pi * hz * torch.arange(n_samples, dtype=torch.float64) / rate).float()


def pitch_of(wave: Tensor, rate: int = RATE) -> float:
    spectrum = torch.fft.rfft(wave * torch.hann_window(len(wave)), 16 * len(wave)).abs()
    return float(spectrum.argmax()) * rate / (16 * len(wave))


def augmenter(values: AudioAugmentation, **more: Any) -> AudioAugmenter:
    sounds = gather_sounds(values, sample_rate=RATE, generator=np.random.default_rng(0))
    return AudioAugmenter(sounds, **more)


def padding_is_zero(x: Tensor, lengths: Tensor | None) -> bool:
    if lengths is None:
        return True
    behind = torch.arange(x.shape[2]) >= lengths[:, None, None]
    return not (x * behind).any()


# --- levels


@settings(deadline=None)
@given(st.floats(-60, 60))
def test_gain_of_so_many_decibels_changes_the_energy_by_so_many(decibels: float) -> None:
    x, _ = noise_batch([500])
    louder = change_gain(x, torch.tensor([decibels]))
    assert float(10 * torch.log10(measure_energy(louder) / measure_energy(x))) == pytest.approx(decibels, abs=1e-3)


@settings(deadline=None)
@given(st.floats(-20, 60), st.integers(1, 3), st.booleans())
def test_noise_lies_so_many_decibels_below_the_record(decibels: float, n_channels: int, alike: bool) -> None:
    x, lengths = noise_batch([800, 300], n_channels)
    noise, _ = noise_batch([800, 800], 1 if alike else n_channels, seed=1)
    added = add_noise(x, lengths, 7 * noise, torch.tensor([decibels, decibels + 3])) - x
    ratio = 10 * torch.log10(measure_energy(x) / measure_energy(added)).ravel()
    torch.testing.assert_close(ratio, torch.tensor([decibels, decibels + 3]), atol=0.05, rtol=0)
    assert padding_is_zero(added, lengths)


def test_silence_gets_no_noise_and_silent_noise_adds_none() -> None:
    x, _ = noise_batch([50, 50])
    x[0] = 0
    noise = torch.ones(2, 1, 50)
    noise[1] = 0
    torch.testing.assert_close(add_noise(x, None, noise, torch.tensor([5.0, 5.0])), x, rtol=0, atol=0)


@settings(deadline=None)
@given(st.lists(st.integers(-30, 30), min_size=2, max_size=2))
def test_shift_moves_a_record_inside_its_own_length(steps: list[int]) -> None:
    x, lengths = noise_batch([25, 40])
    moved = shift_in_time(x, lengths, torch.tensor(steps))
    for row, step in enumerate(steps):
        record = x[row, 0, : lengths[row]].numpy()
        expected = np.zeros_like(record)
        for place in range(len(record)):
            if 0 <= place - step < len(record):
                expected[place] = record[place - step]
        np.testing.assert_array_equal(moved[row, 0, : lengths[row]], expected)
    assert padding_is_zero(moved, lengths)


# --- speed


@pytest.mark.parametrize(("speed", "expected"), [(22, 484.0), (18, 396.0), (20, 440.0), (10, 220.0), (40, 880.0)])
def test_speed_moves_a_tone_and_changes_its_length(speed: int, expected: float) -> None:
    x, lengths = change_speed(tone(440, 4000)[None, None], None, torch.tensor([speed]))
    assert lengths is None
    assert x.shape == (1, 1, -(-4000 * 20 // speed))
    assert pitch_of(x[0, 0]) == pytest.approx(expected, abs=1)
    middle = slice(100, x.shape[2] - 100)
    torch.testing.assert_close(x[0, 0, middle], tone(expected, x.shape[2])[middle], atol=5e-3, rtol=0)


def test_constant_stays_constant_and_what_would_come_back_as_another_tone_is_gone() -> None:
    constant, _ = change_speed(torch.ones(1, 1, 2000), None, torch.tensor([23]))
    torch.testing.assert_close(constant[..., 50:-50], torch.ones_like(constant[..., 50:-50]))
    too_high, _ = change_speed(tone(3900, 4000)[None, None], None, torch.tensor([24]))  # 4,680 Hz, beyond half the rate
    assert float(too_high[..., 100:-100].abs().max()) < 0.02


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.integers(10, 40)), min_size=1, max_size=5), st.integers(1, 300))
def test_every_record_is_played_as_it_would_be_alone(drawn: list[tuple[int, int]], minimum: int) -> None:
    x, lengths = noise_batch([length for length, _ in drawn], 2)
    speeds = torch.tensor([speed for _, speed in drawn])
    played, after = change_speed(x, lengths, speeds, minimum_length=minimum)
    expected = [-(-length * 20 // speed) for length, speed in drawn]
    assert played.shape[2] == max(*expected, minimum)
    assert (after is None) == all(length == played.shape[2] for length in expected)
    assert (expected if after is None else after.tolist()) == expected
    assert padding_is_zero(played, torch.tensor(expected))
    for row, (length, speed) in enumerate(drawn):
        alone, _ = change_speed(x[row : row + 1, :, :length], None, torch.tensor([speed]))
        torch.testing.assert_close(played[row, :, : expected[row]], alone[0], atol=1e-5, rtol=1e-5)


# --- rooms and microphones


@pytest.mark.parametrize("decay_seconds", [0.2, 0.5])
def test_echo_of_a_room_falls_by_sixty_decibels_in_its_decay_time(decay_seconds: float) -> None:
    rooms = [
        make_room(decay_seconds, sample_rate=RATE, generator=np.random.default_rng(seed)).astype(np.float64)
        for seed in range(40)
    ]
    # Behind the early reflections, and normalized: every room's echo has a level of its own.
    tails = [np.square(room[int(0.05 * RATE) :]) for room in rooms]
    power = np.mean([tail / tail.sum() for tail in tails], axis=0)
    seconds = np.arange(len(power)) / RATE
    slope = np.polyfit(seconds, 10 * np.log10(power + 1e-30), 1)[0]
    assert -60 / slope == pytest.approx(decay_seconds, rel=0.1)
    assert all(room[0] == 1 for room in rooms)


@settings(deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_energy_length_and_padding_stay_in_rooms_and_by_other_microphones(
    lengths: list[int], in_room: bool, by_other: bool
) -> None:
    x, counts = noise_batch(lengths, 2)
    generator = np.random.default_rng(0)
    room = torch.from_numpy(make_room(0.2, sample_rate=RATE, generator=generator))
    heard = hear(
        x,
        counts,
        rooms=room.expand(len(x), -1) if in_room else None,
        microphones=torch.randn(len(x), count_octaves(RATE)) * 6 if by_other else None,
        sample_rate=RATE,
    )
    assert heard.shape == x.shape
    assert padding_is_zero(heard, counts)
    torch.testing.assert_close(measure_energy(heard), measure_energy(x), rtol=1e-3, atol=1e-6)
    if not (in_room or by_other):
        torch.testing.assert_close(heard, x, atol=1e-5, rtol=1e-5)


def test_room_is_a_convolution_with_its_response() -> None:
    x, _ = noise_batch([300, 300])
    room = torch.from_numpy(make_room(0.1, sample_rate=RATE, generator=np.random.default_rng(3)))
    heard = hear(x, None, rooms=room.expand(2, -1), sample_rate=RATE)
    for row in range(2):
        whole = np.convolve(x[row, 0], room)[:300]
        whole *= np.sqrt(float(measure_energy(x[row : row + 1])) / np.square(whole).sum())
        np.testing.assert_allclose(heard[row, 0], whole, atol=1e-4)


def test_silence_in_a_room_stays_silence() -> None:
    assert not hear(torch.zeros(1, 1, 40), None, rooms=torch.ones(1, 5), sample_rate=RATE).any()


def test_microphone_amplifies_the_octave_it_is_told_to() -> None:
    levels = torch.zeros(1, count_octaves(RATE))
    levels[0, 4] = 12.0  # 1,000 Hz
    response = microphone_response(levels, 4001, RATE)[0]  # a frequency a Hz
    assert 20 * np.log10(float(response[1000])) == pytest.approx(12)
    torch.testing.assert_close(response[[0, 250, 500, 2000, 4000]], torch.ones(5))


@settings(deadline=None)
@given(st.integers(1, 10**6))
def test_length_of_a_transform_is_enough_and_not_much_more(n: int) -> None:
    assert n <= fast_length(n) <= max(1.34 * n, n + 2)


# --- mixing


def test_mixup_averages_samples() -> None:
    x, lengths = noise_batch([30, 50, 40])
    partners, shares = torch.tensor([1, 2, 0]), torch.tensor([0.25, 1.0, 0.5])
    mixed = mix_waves(x, lengths, partners, shares, by_energy=False)
    torch.testing.assert_close(mixed, shares[:, None, None] * x + (1 - shares[:, None, None]) * x[partners])
    after = mix_lengths(lengths, partners, shares)
    assert after is not None
    assert after.tolist() == [50, 50, 40]
    assert padding_is_zero(mixed, after)
    assert mix_lengths(None, partners, shares) is None


@settings(deadline=None)
@given(st.floats(0.05, 0.95), st.floats(-30, 30))
def test_between_class_mixture_holds_each_sound_at_its_share_however_loud_it_was(share: float, decibels: float) -> None:
    # Two tones do not overlap, so that what is left of each can be measured.
    x = torch.stack([tone(400, 800), tone(1000, 800) * 10 ** (decibels / 20)])[:, None]
    mixed = mix_waves(x, None, torch.tensor([1, 0]), torch.tensor([share, 1.0]), by_energy=True)
    spectrum = torch.fft.rfft(mixed[0, 0]).abs()
    heard = spectrum[[40, 100]]
    assert float(heard[0] / heard.sum()) == pytest.approx(share, abs=1e-3)
    torch.testing.assert_close(mixed[1], x[1], rtol=1e-4, atol=1e-4)


def test_between_class_mixture_of_silence_is_finite() -> None:
    x, _ = noise_batch([20, 20])
    x[1] = 0
    mixed = mix_waves(x, None, torch.tensor([1, 0]), torch.tensor([0.5, 0.5]), by_energy=True)
    assert torch.isfinite(mixed).all()
    assert mixed[0].any()


def test_loss_of_a_mixture_is_that_of_both_with_their_weights() -> None:
    scores = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    classes, weights = torch.tensor([2, 0, 3]), torch.tensor([1.0, 2.0, 0.5])
    partners, shares = torch.tensor([1, 2, 0]), torch.tensor([0.3, 0.9, 1.0])
    targets, counted = mix_targets(torch.eye(4)[classes], weights, partners, shares)
    cross_entropy = torch.nn.functional.cross_entropy
    mixed = cross_entropy(scores, targets, reduction="none") * counted
    both = cross_entropy(scores, classes, reduction="none") * weights * shares + cross_entropy(
        scores, classes[partners], reduction="none"
    ) * weights[partners] * (1 - shares)
    torch.testing.assert_close(mixed, both)


# --- all together


@pytest.mark.parametrize("values", [AudioAugmentation(), MUCH, replace(MUCH, mixing="between-class")])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_same_seed_gives_the_same_bits_and_the_batch_given_stays_as_it_was(
    values: AudioAugmentation, n_channels: int
) -> None:
    x, lengths = noise_batch([900, 1500, 700, 1200, 1], n_channels)
    before, classes, weights = x.clone(), torch.tensor([0, 1, 2, 0, 1]), torch.ones(5)
    change = augmenter(values, n_classes=3)
    first, again, other = (change(x, lengths, classes, weights, np.random.default_rng(seed)) for seed in (4, 4, 5))
    for one, two in zip(first, again, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert first[0].shape != other[0].shape or not torch.equal(first[0], other[0])
    assert torch.equal(x, before)
    assert first[0].shape[:2] == x.shape[:2]
    assert padding_is_zero(first[0], first[1])
    assert torch.isfinite(first[0]).all()
    assert first[2].shape == ((5,) if values.mixing is None else (5, 3))


def test_with_nothing_to_do_nothing_is_done() -> None:
    x, lengths = noise_batch([900, 1500])
    changed = augmenter(NOTHING)(x, lengths, torch.tensor([0, 1]), torch.ones(2), np.random.default_rng(0))
    assert torch.equal(changed[0], x)
    assert torch.equal(changed[1], lengths)  # type: ignore[arg-type]


@pytest.mark.parametrize("low", [0.7, 1.1])
def test_records_that_keep_their_length_keep_their_middle(low: float) -> None:
    values = replace(NOTHING, speed=(low, low))
    x = torch.zeros(1, 1, 1001)
    x[..., 480:521] = tone(400, 41)
    targets, weights = torch.zeros(1, dtype=torch.long), torch.ones(1)
    kept, lengths, *_ = augmenter(values, keeps_length=True)(x, None, targets, weights, np.random.default_rng(0))
    loud = torch.nonzero(kept[0, 0].abs() > 0.1).ravel()
    assert (kept.shape, lengths) == (x.shape, None)
    assert abs(float(loud[0] + loud[-1]) / 2 - 500) < 8


def test_shift_is_never_more_than_a_tenth_of_the_record() -> None:
    x, lengths = torch.zeros(200, 1, 1000), torch.full((200,), 400)
    x[..., 200] = 1
    change = augmenter(replace(NOTHING, shift_seconds=5.0))
    moved, *_ = change(x, lengths, torch.zeros(200), torch.ones(200), np.random.default_rng(0))
    places = moved[:, 0].argmax(1)
    assert 160 <= int(places.min()) < 170
    assert 230 < int(places.max()) <= 240


def test_shares_are_those_of_the_records_that_are_changed() -> None:
    x = torch.randn(400, 1, 200, generator=torch.Generator().manual_seed(0))
    for values, share in (
        (replace(NOTHING, noise_share=0.3), 0.3),
        (replace(NOTHING, reverberation_share=0.2), 0.2),
        (replace(NOTHING, equalizer_share=0.6), 0.6),
    ):
        changed, *_ = augmenter(values)(x, None, torch.zeros(400), torch.ones(400), np.random.default_rng(1))
        touched = (changed != x).flatten(1).any(1).float().mean()
        assert float(touched) == pytest.approx(share, abs=0.08)


def test_babble_is_made_of_the_other_records_only() -> None:
    # Each record is a tone of its own, so that one hears who speaks.
    x = torch.stack([tone(100 * (row + 1), 800) for row in range(8)])[:, None]
    values = replace(NOTHING, noise_share=1.0, babble_share=1.0, noise_db=(10, 10))
    changed, *_ = augmenter(values)(x, None, torch.zeros(8), torch.ones(8), np.random.default_rng(0))
    added = torch.fft.rfft((changed - x)[:, 0]).abs()[:, [10 * (row + 1) for row in range(8)]]
    assert float(added.diagonal().max()) < 1e-2
    assert ((added > 1).sum(1) == 3).all()
    ratio = 10 * torch.log10(measure_energy(x) / measure_energy(changed - x))
    torch.testing.assert_close(ratio.ravel(), torch.full((8,), 10.0), atol=0.01, rtol=0)


def test_recorded_noise_shorter_than_a_record_is_repeated() -> None:
    values = replace(NOTHING, noise_share=1.0, babble_share=0.0, noise_db=(0, 0))
    sounds = gather_sounds(
        values,
        sample_rate=RATE,
        noises=(np.array([1.0, -1.0], np.float32),),
        generator=np.random.default_rng(0),
    )
    x = torch.ones(3, 1, 9)
    changed, *_ = AudioAugmenter(sounds)(x, None, torch.zeros(3), torch.ones(3), np.random.default_rng(0))
    assert torch.equal((changed - x).abs().round(decimals=5), torch.ones(3, 1, 9))
    assert ((changed - x).sign().diff(dim=2) != 0).all()


def test_response_of_a_recorded_room_begins_with_its_direct_sound() -> None:
    recorded = np.array([0.0, 0.01, -2.0, 1.0, 0.5], np.float32)
    sounds = gather_sounds(AudioAugmentation(), sample_rate=RATE, rooms=(recorded,), generator=np.random.default_rng(0))
    np.testing.assert_array_equal(sounds.rooms, [[-2.0, 1.0, 0.5]])


@pytest.mark.parametrize("n", [1, 2])
def test_batches_of_one_or_two_records_are_changed_too(n: int) -> None:
    x, _ = noise_batch([500] * n)
    changed, _, targets, weights = augmenter(replace(MUCH, babble_share=1), n_classes=2)(
        x, None, torch.zeros(n, dtype=torch.long), torch.ones(n), np.random.default_rng(0)
    )
    assert torch.isfinite(changed).all()
    torch.testing.assert_close(targets, torch.tensor([[1.0, 0.0]]).expand(n, -1))
    torch.testing.assert_close(weights, torch.ones(n))


def test_silent_batch_stays_silent_and_double_precision_stays_double() -> None:
    x = torch.zeros(5, 1, 600, dtype=torch.float64)
    changed, *_ = augmenter(MUCH, n_classes=2, dtype=torch.float64)(
        x, None, torch.zeros(5, dtype=torch.long), torch.ones(5), np.random.default_rng(0)
    )
    assert changed.dtype == torch.float64
    assert not changed.any()


# --- the settings


def test_augmentation_is_a_value() -> None:
    values = AudioAugmentation(speed=[0.8, 1.2], noises=Path("noises"), mixing="mixup")  # type: ignore[arg-type]
    again = AudioAugmentation(**json.loads(json.dumps(values.to_dict())))
    assert again == values
    assert hash(again) == hash(values)
    assert pickle.loads(pickle.dumps(values)) == values
    assert values.speed == (0.8, 1.2)
    assert values.noises == "noises"
    assert values != AudioAugmentation()
    with pytest.raises(AttributeError):
        values.noise_share = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("speed", "twentieths"),
    [((0.9, 1.1), (18, 19, 20, 21, 22)), ((1, 1), (20,)), ((1.01, 1.02), (20,)), ((1.15, 1.15), (23,))],
)
def test_speeds_are_the_multiples_of_a_twentieth_in_the_range(
    speed: tuple[float, float], twentieths: tuple[int, ...]
) -> None:
    assert AudioAugmentation(speed=speed).speeds == twentieths


def test_nothing_is_hidden_by_masks_without_extent() -> None:
    assert AudioAugmentation(time_masks=1, band_mask_share=0.0).hides
    assert not AudioAugmentation(time_masks=0, band_mask_share=0.0).hides
    assert not AudioAugmentation(time_mask_seconds=0.0, band_masks=0).hides


PAIR = "a pair (lowest, highest)"


@pytest.mark.parametrize(
    ("error", "name", "value", "wanted", "advice"),
    [
        (ValueError, "speed", (1.1, 0.9), PAIR, "Swap the two."),
        (TypeError, "noise_db", 10, PAIR, "Pass two numbers."),
        (ValueError, "noise_share", 2, "a number at least 0 and at most 1", "Pass a value in that range."),
        (ValueError, "shift_seconds", -1, "a number at least 0", "Pass a value in that range."),
        (TypeError, "time_masks", 1.5, "an integer of at least 0", "Pass time_masks=0 or more."),
        (ValueError, "mixing", "mixupp", "None, 'mixup' or 'between-class'", "Did you mean 'mixup'? Pass one of the "
         "values named."),
        (TypeError, "noises", 3, "the path of a folder of recordings, or None for generated ones", "Pass a str or "
         "Path."),
    ],
)  # fmt: skip
def test_value_that_is_off_is_answered(error: Any, name: str, value: Any, wanted: str, advice: str) -> None:
    with pytest.raises(error) as caught:
        AudioAugmentation(**{name: value})
    assert type(caught.value) is error
    assert str(caught.value) == (
        f"The '{name}' parameter of AudioAugmentation must be {wanted}. Received: {value!r}. {advice}"
    )
