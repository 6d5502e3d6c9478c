"""Styles of bands, mixed in training."""

import pytest
import torch

from seqcnn.layers import MixStyle


@pytest.fixture
def bands():
    torch.manual_seed(0)
    scale, level = torch.rand(6, 5, 1) + 0.5, 3 * torch.randn(6, 5, 1)
    return torch.randn(6, 5, 400) * scale + level


def statistics(x):
    return x.mean(2), x.std(2, correction=0)


def test_a_record_takes_mean_and_deviation_between_its_own_and_those_of_one_other(bands):
    torch.manual_seed(1)
    (mean, deviation), (new_mean, new_deviation) = statistics(bands), statistics(MixStyle(share=1.0)(bands))
    for row in range(6):
        candidates = []
        for other in range(6):
            apart = mean[other] - mean[row]
            weight = ((new_mean[row] - mean[row]) * apart).sum() / apart.square().sum().clamp(min=1e-9)
            mixed_mean = mean[row] + weight * apart
            mixed_deviation = deviation[row] + weight * (deviation[other] - deviation[row])
            gap = (mixed_mean - new_mean[row]).abs().max() + (mixed_deviation - new_deviation[row]).abs().max()
            candidates.append(float(gap) if -1e-3 <= weight <= 1 + 1e-3 else float("inf"))
        assert min(candidates) < 1e-2


def test_the_shape_of_a_band_over_time_stays(bands):
    torch.manual_seed(1)
    before, behind = (
        ((x - x.mean(2, keepdim=True)) / x.std(2, keepdim=True)) for x in (bands, MixStyle(share=1.0)(bands))
    )
    torch.testing.assert_close(behind, before, atol=1e-3, rtol=0)


def test_only_a_share_of_the_records_is_changed(bands):
    torch.manual_seed(0)
    many = bands.repeat(200, 1, 1)
    changed = (MixStyle(share=0.3)(many) != many).flatten(1).any(1)
    assert 0.2 < changed.float().mean() < 0.4
    assert MixStyle(share=0.0)(bands).equal(bands)


def test_padding_has_no_part_in_a_style_and_stays_zero(bands):
    lengths = torch.tensor([400, 300, 200, 100, 50, 1])
    for row, length in enumerate(lengths):
        bands[row, :, length:] = 0.0
    tight, wide = bands, torch.cat([bands, torch.zeros(6, 5, 77)], 2)
    outputs = []
    for x in (tight, wide):
        torch.manual_seed(3)
        outputs.append(MixStyle(share=1.0)(x, lengths))
    torch.testing.assert_close(outputs[1][..., :400], outputs[0])
    assert not outputs[1][..., 400:].any()
    assert all(not outputs[0][row, :, length:].any() for row, length in enumerate(lengths))


def test_silence_stays_finite():
    assert MixStyle(share=1.0)(torch.zeros(3, 4, 20)).isfinite().all()


def test_values_that_are_off_are_refused():
    with pytest.raises(ValueError) as error:
        MixStyle(share=1.5)
    assert str(error.value) == (
        "The 'share' parameter of MixStyle must be a number at least 0 and at most 1. Received: 1.5. Pass a value in "
        "that range."
    )
