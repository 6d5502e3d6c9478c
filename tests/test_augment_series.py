"""Each change of a batch of series against its definition, and all of them together."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from seqcnn.augment import SeriesAugmentation
from seqcnn.augment.series import SeriesAugmenter, draw_moments, measure_level, read_at

NOTHING = SeriesAugmentation(warp=0)
EACH: list[dict[str, Any]] = [
    {"crop": 0.5},
    {"warp": 0.5},
    {"amplitude": 0.3},
    {"noise": 0.2},
    {"mask": 0.5},
    {"mixing": "mixup", "mixing_share": 1},
    {"mixing": "cutmix", "mixing_share": 1},
]
ALL = SeriesAugmentation(**{name: value for change in EACH for name, value in change.items()})


def noise_batch(lengths: list[int], n_channels: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """White noise around 5 that is zero behind each record's length."""
    drawn = 5 + torch.randn(len(lengths), n_channels, max(lengths), generator=torch.Generator().manual_seed(seed))
    counts = torch.tensor(lengths)
    return drawn * (torch.arange(max(lengths)) < counts[:, None, None]), counts


def change(
    values: SeriesAugmentation, x: Tensor, lengths: Tensor | None, seed: int = 0
) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
    """Change a batch whose targets are the rows' numbers."""
    augmenter = SeriesAugmenter(values, n_classes=len(x))
    return augmenter(x, lengths, torch.arange(len(x)), torch.ones(len(x)), np.random.default_rng(seed))


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([replace(NOTHING, **one) for one in EACH] + [ALL]),
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(1, 3),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_a_changed_batch_has_its_shape_its_lengths_and_zeros_behind_them(
    values: SeriesAugmentation, lengths: list[int], n_channels: int, padded: bool, seed: int
) -> None:
    lengths = lengths if padded else [max(lengths)] * len(lengths)
    x, counts = noise_batch(lengths, n_channels)
    before = x.clone()
    changed, after, targets, weights = change(values, x, counts if padded else None, seed)
    assert torch.equal(x, before)
    assert changed.shape == x.shape
    assert changed.isfinite().all()
    assert torch.allclose(weights, torch.ones(len(x)))
    if padded:
        assert after is not None
        assert not (changed * (torch.arange(x.shape[2]) >= after[:, None, None])).any()
        if values.mixing != "mixup":
            assert torch.equal(after, counts)
    if values.mixing is not None:
        assert torch.allclose(targets.sum(1), torch.ones(len(x)))
        assert targets.min() >= 0


@pytest.mark.parametrize("one", EACH, ids=str)
def test_each_change_changes_something_and_the_same_seed_changes_it_the_same(one: dict[str, Any]) -> None:
    x, lengths = noise_batch([50, 30, 40, 50])
    values = replace(NOTHING, **one)
    first, again, other = (change(values, x, lengths, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, x)
    assert not torch.equal(first, other)


def test_without_amounts_nothing_is_changed() -> None:
    x, lengths = noise_batch([50, 30])
    changed, after, targets, _ = change(NOTHING, x, lengths)
    assert torch.equal(changed, x)
    assert after is lengths
    assert targets.tolist() == [0, 1]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0.2, 5), min_size=2, max_size=6), st.integers(1, 60), st.integers(0, 10))
def test_warped_time_goes_forward_from_the_first_step_to_the_last(speeds: list[float], n: int, padding: int) -> None:
    moments = draw_moments(torch.tensor([speeds], dtype=torch.float64), torch.tensor([[n - 1.0]]), n + padding)
    assert (moments.diff() >= -1e-9).all()
    assert moments[0, 0] == 0
    assert moments[0, n - 1 :].tolist() == pytest.approx([n - 1.0] * (padding + 1))


def test_warped_time_goes_as_fast_as_the_speeds_between_the_knots_say() -> None:
    # Speeds 1, 3, 1: the integral of the two lines over a record of length 2 is t + t^2 in its first half.
    moments = draw_moments(torch.tensor([[1.0, 3.0, 1.0]], dtype=torch.float64), torch.tensor([[200.0]]), 201)
    share = torch.arange(101, dtype=torch.float64) / 100
    torch.testing.assert_close(moments[0, :101], (share + share.square()) / 4 * 200)
    torch.testing.assert_close(moments[0, 100:], (200 - moments[0, :101]).flip(0))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.integers(2, 30))
def test_reading_between_steps_is_interpolation_on_straight_lines(seed: int, n: int) -> None:
    generator = np.random.default_rng(seed)
    values, moments = generator.standard_normal(n), generator.uniform(0, n - 1, 7)
    actual = read_at(torch.from_numpy(values)[None, None], torch.from_numpy(moments)[None])
    np.testing.assert_allclose(actual[0, 0], np.interp(moments, np.arange(n), values), atol=1e-12)


def test_a_crop_is_a_stretch_of_the_record_drawn_over_its_whole_length() -> None:
    ramp = torch.arange(101.0).expand(64, 1, 101)
    cropped = change(replace(NOTHING, crop=0.4), ramp, None)[0][:, 0]
    steps = cropped.diff()
    torch.testing.assert_close(steps, steps[:, :1].expand_as(steps), atol=1e-4, rtol=0)
    assert (steps >= 0.6 - 1e-4).all()
    assert (steps <= 1 + 1e-4).all()
    assert cropped.min() >= 0
    assert cropped.max() <= 100


def test_amplitude_stretches_a_record_around_its_own_mean_in_every_channel_alike() -> None:
    x, lengths = noise_batch([50, 30], 2)
    changed = change(replace(NOTHING, amplitude=0.5), x, lengths)[0]
    for before, after, n in zip(x, changed, lengths, strict=True):
        level = before[:, :n].mean(1, keepdim=True)
        torch.testing.assert_close(after[:, :n].mean(1, keepdim=True), level)
        factors = (after[:, :n] - level) / (before[:, :n] - level)
        torch.testing.assert_close(factors, factors[:1, :1].expand_as(factors), atol=1e-3, rtol=1e-3)


def test_noise_is_as_loud_as_it_is_said_in_deviations_of_the_record_in_that_channel() -> None:
    x, lengths = noise_batch([5000, 3000], 2)
    x = torch.where(x == 0, x, 5 + (x - 5) * torch.tensor([[[1.0], [30.0]], [[7.0], [0.0]]]))
    added = change(replace(NOTHING, noise=0.1), x, lengths)[0] - x
    assert added[0].std(1).tolist() == pytest.approx([0.1, 3.0], rel=0.05)
    assert added[1, :, :3000].std(1).tolist() == pytest.approx([0.7, 0.0], rel=0.05)


def test_a_mask_hides_one_stretch_behind_the_mean() -> None:
    x, lengths = noise_batch([100, 60, 100, 80])
    masked = change(replace(NOTHING, mask=0.5), x, lengths)[0]
    level = measure_level(x, torch.arange(100) < lengths[:, None, None])
    for before, after, mean, n in zip(x[:, 0], masked[:, 0], level[:, 0, 0], lengths, strict=True):
        hidden = (before != after).nonzero().ravel()
        assert len(hidden) <= 0.5 * n + 1
        assert (after[hidden] == mean).all()
        assert (hidden.diff() == 1).all()
        assert len(hidden) == 0 or hidden[-1] < n


def test_cutmix_puts_a_stretch_of_one_record_into_another_and_mixes_targets_by_its_length() -> None:
    x, lengths = noise_batch([40, 40, 30, 20])
    mixed, after, targets, _ = change(replace(NOTHING, mixing="cutmix", mixing_share=1), x, lengths)
    assert torch.equal(after, lengths)  # type: ignore[arg-type]
    for row, n in enumerate(lengths.tolist()):
        theirs = mixed[row, 0, :n] != x[row, 0, :n]
        partner = int(targets[row].masked_fill(torch.arange(4) == row, -1).argmax())
        assert torch.equal(mixed[row, 0, :n][theirs], x[partner, 0, :n][theirs])
        assert float(targets[row, row]) == pytest.approx(1 - float(theirs.float().mean()), abs=1e-6)


def test_a_mean_is_that_of_what_is_observed() -> None:
    x = torch.tensor([[[1.0, torch.nan, 3.0, 0.0], [torch.nan] * 4]])
    assert measure_level(x, torch.tensor([[[True, True, True, False]]])).flatten().tolist() == [2.0, 0.0]


def test_a_missing_value_stays_missing() -> None:
    x = torch.randn(1, 1, 50)
    x[0, 0, 10] = torch.nan
    changed = change(replace(NOTHING, amplitude=0.2, noise=0.1), x, None)[0]
    assert changed.isnan().nonzero().tolist() == [[0, 0, 10]]


def test_settings_are_values() -> None:
    values = replace(ALL, noise=0.3)
    assert values != ALL
    assert hash(replace(values, noise=0.2)) == hash(ALL)
    assert pickle.loads(pickle.dumps(values)) == values
    assert SeriesAugmentation(**json.loads(json.dumps(values.to_dict()))) == values


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (
            {"crop": 0.95},
            ValueError,
            "The 'crop' parameter of SeriesAugmentation must be a number at least 0 and at most 0.9. Received: 0.95. "
            "Pass a value in that range.",
        ),
        (
            {"warp": -1},
            ValueError,
            "The 'warp' parameter of SeriesAugmentation must be a number at least 0 and at most 1. Received: -1. Pass "
            "a value in that range.",
        ),
        (
            {"noise": "loud"},
            TypeError,
            "The 'noise' parameter of SeriesAugmentation must be a number at least 0. Received: 'loud'. Pass a value "
            "in that range.",
        ),
        (
            {"mixing": "cut-mix"},
            ValueError,
            "The 'mixing' parameter of SeriesAugmentation must be None, 'mixup' or 'cutmix'. Received: 'cut-mix'. Did "
            "you mean 'cutmix'? Pass one of the values named.",
        ),
    ],
    ids=str,
)
def test_values_out_of_range_are_refused_in_full_sentences(
    wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        SeriesAugmentation(**wrong)
    assert str(refused.value) == message
