"""What makes SincNet what it is; the contract of every encoder is in test_encoders.py."""

import math

import pytest
import torch

from seqcnn.encoders.sincnet import SincConv1d, SincNet


def mel(hz):
    return 2595 * torch.log10(1 + hz / 700)


def set_cut_offs(filters, low, high):
    """Move all filters to a band, in Hz."""
    with torch.no_grad():
        filters.low.fill_((low - 50) / 1000)
        filters.band.fill_((high - low - 50) / 1000)


def frequency_response(filters, n_frequencies=4001):
    """Return frequencies in Hz and the gain of each filter at them."""
    taps = filters.filters().detach().double()
    gain = torch.fft.rfft(taps, n=2 * (n_frequencies - 1)).abs()
    return torch.linspace(0, filters.nyquist, n_frequencies, dtype=torch.float64), gain


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("depth", [2, 5])
def test_the_full_size_network_has_the_papers_number_of_parameters(in_channels, depth):
    # The paper's convolutions: 80 filters of two cut-offs, then 60 channels of 5 steps, twice; ours has more of those.
    filtered = 80 * in_channels
    expected = 2 * 80 + 2 * filtered
    expected += (filtered * 60 * 5 + 60) + 2 * 60
    expected += (depth - 1) * ((60 * 60 * 5 + 60) + 2 * 60)
    encoder = SincNet(in_channels, depth=depth)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


def test_an_output_sees_about_as_far_as_the_papers_dense_layers_did():
    default, papers = SincNet(1, width=4), SincNet(1, width=4, depth=2)
    assert (papers.stride, default.stride) == (3**3, 3**6)
    assert papers.receptive_field == 251 + 2 + 3 * (4 + 2) + 9 * (4 + 2)
    assert 0.15 < default.receptive_field / 16000 < 0.2


@pytest.mark.parametrize(("sample_rate", "kernel_size"), [(16000, 251), (8000, 251), (44100, 1001)])
def test_filters_pass_their_band_and_stop_the_rest(sample_rate, kernel_size):
    filters = SincConv1d(1, 6, kernel_size, sample_rate=sample_rate)
    flank = 3.3 * sample_rate / kernel_size  # of a Hamming window
    low, high = (cut_off.detach().double() for cut_off in filters.cut_offs())
    assert (high - low > flank).all()
    frequencies, gains = frequency_response(filters)
    for row, gain in enumerate(gains):
        inside = (frequencies > low[row] + flank / 2) & (frequencies < high[row] - flank / 2)
        outside = (frequencies < low[row] - flank / 2) | (frequencies > high[row] + flank / 2)
        assert inside.any()
        assert outside.any()
        assert (gain[inside] - 1).abs().max() < 0.01
        assert gain[outside].max() < 0.01


def test_a_tone_inside_the_band_comes_out_as_it_went_in_and_one_outside_is_silenced():
    filters = SincConv1d(1, 1, 251, sample_rate=16000).double()
    set_cut_offs(filters, 800.0, 1400.0)
    seconds = torch.arange(4000, dtype=torch.float64) / 16000
    middle = slice(125, -125)  # what lies nearer to an end sees zeros beyond it
    for hz, gain in ((1100, 1.0), (400, 0.0), (3000, 0.0)):
        tone = torch.sin(2 * math.pi * hz * seconds)[None, None]
        assert (filters(tone)[..., middle] - gain * tone[..., middle]).abs().max() < 0.01


def test_filters_are_symmetric_about_their_middle():
    taps = SincConv1d(1, 5, 101).double().filters()
    assert torch.allclose(taps, taps.flip(1), rtol=0, atol=1e-8)


@pytest.mark.parametrize("sample_rate", [400, 8000, 16000, 44100.0])
def test_filters_start_side_by_side_on_the_mel_scale(sample_rate):
    filters = SincConv1d(1, 20, sample_rate=sample_rate).double()
    low, high = (cut_off.detach() for cut_off in filters.cut_offs())
    edges = torch.cat([low - 50, high[-1:] - 100])  # without the least frequency and the least width
    steps = mel(edges).diff()
    assert (steps / steps.mean() - 1).abs().max() < 1e-3
    assert torch.allclose(high[:-1] - 50, low[1:], rtol=1e-4)
    assert float(low[0]) == pytest.approx(50 + 30, rel=1e-4)
    assert float(high[-1]) == pytest.approx(sample_rate / 2 - 30, rel=1e-4)


@pytest.mark.parametrize("sample_rate", [400, 8000, 16000, 44100])
def test_every_cut_off_can_be_learnt_from_the_start(sample_rate):
    filters = SincConv1d(1, 40, sample_rate=sample_rate)
    torch.manual_seed(0)
    filters(torch.randn(4, 1, 1000)).square().mean().backward()
    assert (filters.low.grad != 0).all()
    assert (filters.band.grad != 0).all()


@pytest.mark.parametrize("value", [-1e6, -1.0, 0.0, 1.0, 3.9, 1e6])
def test_cut_offs_stay_between_50_hz_and_nyquist_whatever_is_learnt(value):
    filters = SincConv1d(1, 3, sample_rate=8000)
    for parameter in (filters.low, filters.band):
        torch.nn.init.constant_(parameter, value)
    low, high = filters.cut_offs()
    assert (low >= 50).all()
    assert (high <= 4000).all()
    assert (high - low >= 50 - 1e-3).all()
    assert filters.filters().isfinite().all()


def test_filters_are_computed_in_single_precision_in_mixed_precision_too():
    filters = SincConv1d(1, 5)
    with torch.autocast("cpu", torch.bfloat16):
        taps = filters.filters()
        assert filters(torch.randn(1, 1, 600)).dtype == torch.bfloat16
    assert taps.dtype == torch.float32
    assert torch.equal(taps, filters.filters())


def test_each_channel_goes_through_the_same_filters():
    x, alone, together = torch.randn(2, 3, 500), SincConv1d(1, 4, 51), SincConv1d(3, 4, 51)
    expected = torch.cat([alone(x[:, [channel]]) for channel in range(3)], 1)
    assert torch.allclose(together(x), expected, atol=1e-6)


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_filters_give_channels_that_lie_innermost_in_memory(in_channels):
    assert SincConv1d(in_channels, 4, 51)(torch.randn(2, in_channels, 500)).stride(1) == 1


@pytest.mark.parametrize("rate", [0, -16000, 16, 399.9, math.inf, math.nan, "16000", None, True])
def test_a_nonsensical_sample_rate_is_refused_with_the_reason(rate):
    numeric = isinstance(rate, int | float) and rate is not True
    with pytest.raises(ValueError if numeric else TypeError) as error:
        SincNet(1, sample_rate=rate)
    assert str(error.value) == (
        f"The 'sample_rate' parameter of SincConv1d must be the recordings' samples a second, at least 400. "
        f"Received: {rate!r}. Pass it in Hz, for example 16000."
    )


def test_an_even_kernel_is_refused_with_the_reason():
    with pytest.raises(ValueError) as error:
        SincNet(1, kernel_size=250)
    assert str(error.value) == (
        "The 'kernel_size' parameter of SincConv1d must be odd, so that a filter has a middle. Received: 250. "
        "Pass kernel_size=251."
    )


@pytest.mark.parametrize(
    ("parameter", "owner", "minimum", "value", "error"),
    [
        ("kernel_size", "SincConv1d", 3, 1, ValueError),
        ("kernel_size", "SincConv1d", 3, 251.0, TypeError),
        ("depth", "SincNet", 1, 0, ValueError),
        ("depth", "SincNet", 1, "2", TypeError),
    ],
)
def test_other_parameters_that_make_no_network_are_refused_with_the_reason(parameter, owner, minimum, value, error):
    with pytest.raises(error) as caught:
        SincNet(1, **{parameter: value})
    assert str(caught.value) == (
        f"The '{parameter}' parameter of {owner} must be an integer of at least {minimum}. Received: {value!r}. "
        f"Pass {parameter}={minimum} or more."
    )
