"""What makes TDFilterbankNet what it is; the contract of every encoder is in test_encoders.py."""

import copy
import math

import numpy as np
import pytest
import torch
from core_helpers import padded, relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.cost import count_multiply_accumulates, count_parameters
from seqcnn.encoders import MatchboxNet, TDFilterbankNet
from seqcnn.encoders.td_filterbank import TDFilterbank
from seqcnn.front_ends import LogMel
from seqcnn.front_ends.mel import hz_to_mel, mel_edges
from seqcnn.layers import SpecAugment

RATES = [8000, 16000, 44100]
every_rate = pytest.mark.parametrize("sample_rate", RATES)


def power_response(bank, n_frequencies=20001):
    """Return frequencies in Hz and the power of each filter at them; that of negative ones is left out."""
    spectrum = torch.fft.fft(bank.filters().detach().to(torch.complex128), 2 * (n_frequencies - 1))
    frequencies = torch.linspace(0, bank.sample_rate / 2, n_frequencies, dtype=torch.float64)
    return frequencies, spectrum[:, :n_frequencies].abs().square()


def tone(hz, sample_rate, seconds=0.5, amplitude=1.0):
    steps = torch.arange(round(seconds * sample_rate), dtype=torch.float64)
    return amplitude * torch.sin(2 * math.pi * hz * steps / sample_rate)[None, None]


def energies(bank, x):
    """Return what stands in front of the logarithm."""
    return bank(x).exp() - 1e-5


@every_rate
def test_filters_begin_at_the_mel_scales_frequencies(sample_rate):
    bank = TDFilterbank(sample_rate=sample_rate)
    frequencies, power = power_response(bank)
    peaks = frequencies[power.argmax(1)].numpy()
    expected = mel_edges(40, 60.0, sample_rate / 2, "htk")[1:-1]
    assert np.abs(peaks - expected).max() < 5.0  # a real and an imaginary part overlap a little near 0 Hz
    steps = np.diff(hz_to_mel(expected, "htk"))
    assert np.allclose(steps, steps[0])


def test_filters_begin_as_wide_at_half_their_height_as_mel_bands_are():
    edges = mel_edges(40, 60.0, 8000.0, "htk")
    frequencies, power = power_response(TDFilterbank(window_seconds=0.1))  # long enough to cut nothing off
    above = power > power.amax(1, keepdim=True) / 2
    widths = above.sum(1).numpy() * float(frequencies[1])
    np.testing.assert_allclose(widths, (edges[2:] - edges[:-2]) / 2, rtol=0.02)


@every_rate
def test_each_filter_has_an_energy_of_one_and_white_noise_has_it_in_every_band(sample_rate):
    bank = TDFilterbank(sample_rate=sample_rate, causal=True)
    np.testing.assert_allclose(bank.filters().detach().abs().square().sum(1), 1.0, rtol=1e-5)
    noise = torch.randn(1, 1, 20 * sample_rate, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        means = energies(bank, noise)[..., 10:-10].mean(2)
    assert (means - 1).abs().max() < 0.2


@every_rate
def test_no_tap_begins_so_faint_that_processors_multiply_it_slowly(sample_rate):
    taps = TDFilterbank(sample_rate=sample_rate).taps.detach().abs()
    assert (taps == 0).any()
    assert taps[taps > 0].min() > 1e-15


@every_rate
@pytest.mark.parametrize("band", [0, 7, 20, 39])
def test_a_tone_is_loudest_in_its_band(sample_rate, band):
    bank = TDFilterbank(sample_rate=sample_rate).double()
    hz = mel_edges(40, 60.0, sample_rate / 2, "htk")[band + 1]
    with torch.no_grad():
        bands = bank(tone(hz, sample_rate))[0, :, 5:-5]
    assert (bands.argmax(0) == band).all()
    assert bands[band].std() < 0.05 * bands.std()  # its energy is steady


def test_a_tone_twice_as_loud_has_four_times_the_energy():
    bank = TDFilterbank().double()
    with torch.no_grad():
        quiet, loud = (energies(bank, tone(1000.0, 16000, amplitude=amplitude)) for amplitude in (0.5, 1.0))
    np.testing.assert_allclose(loud, 4 * quiet, rtol=1e-6, atol=1e-12)


@every_rate
def test_untrained_bands_tell_of_a_sound_what_log_mel_bands_tell(sample_rate):
    generator = torch.Generator().manual_seed(0)
    # Three seconds of noise whose level and pitch change.
    envelope = torch.randn(1, 1, 30, generator=generator).repeat_interleave(sample_rate // 10, 2).exp()
    x = envelope * torch.randn(envelope.shape, generator=generator).cumsum(2).diff(prepend=torch.zeros(1, 1, 1))
    bank, mel = TDFilterbank(sample_rate=sample_rate, causal=True), LogMel(sample_rate=sample_rate, low_hz=60.0)
    with torch.no_grad():
        ours, theirs = bank(x).mean(1)[0], mel(x).mean(1)[0]
    n_frames = min(len(ours), len(theirs))
    # A low-pass behind filters sees the sound later than one window does.
    shifted = [np.corrcoef(ours[lag:n_frames], theirs[: n_frames - lag])[0, 1] for lag in range(4)]
    assert max(shifted) > 0.95


def test_silence_is_the_floor_and_nothing_below():
    with torch.no_grad():
        bands = TDFilterbank()(torch.zeros(1, 1, 16000))
    np.testing.assert_allclose(bands, math.log(1e-5), rtol=1e-6)


@every_rate
@pytest.mark.parametrize(("window_seconds", "hop_seconds"), [(0.025, 0.01), (0.032, 0.016), (0.01, 0.01)])
@pytest.mark.parametrize("causal", [False, True])
def test_windows_and_hops_are_rounded_to_samples_and_frames_follow(sample_rate, window_seconds, hop_seconds, causal):
    bank = TDFilterbank(
        sample_rate=sample_rate, window_seconds=window_seconds, hop_seconds=hop_seconds, n_bands=3, causal=causal
    )
    assert bank.window_length == round(window_seconds * sample_rate)
    assert bank.stride % 4 == 0
    assert abs(bank.stride - hop_seconds * sample_rate) <= 2
    assert bank.taps.shape == (6, bank.window_length)
    for n_samples in (1, bank.stride, bank.stride + 1, 10 * bank.stride + 3):
        assert bank(torch.zeros(1, 1, n_samples)).shape == (1, 3, -(-n_samples // bank.stride))


def test_a_frame_that_may_look_ahead_looks_as_far_back():
    bank = TDFilterbank().double()
    x = torch.randn(1, 1, 4000, dtype=torch.float64).requires_grad_()
    bank(x)[0, :, 12].sum().backward()
    seen = x.grad[0, 0].nonzero()[:, 0]
    first, last = 12 * 160, 13 * 160 - 1
    assert first - int(seen.min()) == int(seen.max()) - last == (bank.receptive_field - 160) // 2


def parameters_of_the_network(n_bands, n_taps, width, depth=3, repeats=2):
    """Count by hand: taps, a normalization, and MatchboxNet's kernels, mixtures and normalizations."""

    def separable(inputs, outputs, size):
        return inputs * size + inputs * outputs + 2 * outputs

    total, channels = 2 * n_bands * n_taps + 2 * n_bands + separable(n_bands, 2 * width, 11), 2 * width
    for position in range(depth):
        total += channels * width + 2 * width
        for repeat in range(repeats):
            total += separable(width if repeat else channels, width, 13 + 2 * position)
        channels = width
    return total + separable(width, 2 * width, 29) + 2 * width * 2 * width + 4 * width


@pytest.mark.parametrize(("sample_rate", "n_taps"), [(8000, 200), (16000, 400)])
def test_the_network_has_the_parameters_of_its_taps_and_of_its_body_and_fewer_than_100_thousand(sample_rate, n_taps):
    encoder = TDFilterbankNet(1, sample_rate=sample_rate)
    assert count_parameters(encoder) == parameters_of_the_network(40, n_taps, 48)
    assert count_parameters(encoder) + 96 * 35 + 35 < 100_000  # with a head for all words of Speech Commands
    assert count_parameters(TDFilterbankNet(2, sample_rate=sample_rate).filterbank) == 80 * n_taps


def test_a_second_of_sound_takes_the_multiplications_of_some_400_positions_and_of_the_body():
    bank, low_pass = (4 * 99 + 10) * 80 * 400, 100 * 40 * 10  # the last frame, too, looks at ten positions
    body = count_multiply_accumulates(MatchboxNet(40, width=48), 100)
    assert count_multiply_accumulates(TDFilterbankNet(1), 16000) == bank + low_pass + body


@every_rate
def test_every_filter_is_learnt_and_no_step_of_the_optimizer_undoes_its_beginning(sample_rate):
    torch.manual_seed(0)
    encoder = TDFilterbankNet(1, width=4, sample_rate=sample_rate).train()
    before = encoder.filterbank.filters().detach()
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=0.003)
    for _ in range(3):
        optimizer.zero_grad()
        output = encoder(torch.randn(4, 1, sample_rate // 4))
        (output * torch.randn(output.shape)).mean().backward()
        optimizer.step()
    change = (encoder.filterbank.filters().detach() - before).abs().square().sum(1).sqrt()
    assert (change > 1e-4).all()
    assert (change < 0.05).all()  # of filters whose norm is one


def test_each_channel_goes_through_the_same_filters():
    x, bank = torch.randn(2, 3, 2000), TDFilterbank(n_bands=4)
    expected = torch.cat([bank(x[:, [channel]]) for channel in range(3)], 1)
    assert torch.allclose(bank(x), expected, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    n_samples=st.integers(160, 3000),
    batch=st.integers(1, 3),
    causal=st.booleans(),
    with_gradients=st.booleans(),
    seed=st.integers(0, 99),
)
def test_products_of_windows_are_the_plain_convolutions(n_samples, batch, causal, with_gradients, seed):
    bank = TDFilterbank(n_bands=5, causal=causal)
    x = torch.randn(batch, 1, n_samples, generator=torch.Generator().manual_seed(seed))
    with torch.set_grad_enabled(with_gradients):
        fast, plain = bank(x), copy.deepcopy(bank).double()(x.double())
        assert relative_error(fast, plain) < 1e-5
    if with_gradients:
        doubled = copy.deepcopy(bank).double()
        doubled(x.double()).sum().backward()
        fast.sum().backward()
        assert relative_error(bank.taps.grad, doubled.taps.grad) < 1e-4


def test_quiet_bands_beside_a_loud_one_survive_mixed_precision():
    bank = TDFilterbank()
    loud, quiet = tone(300.0, 16000), tone(5000.0, 16000, amplitude=0.03)  # 30 dB below
    with torch.no_grad():
        expected = bank((loud + quiet).float())[..., 5:-5]
        with torch.autocast("cpu", torch.bfloat16):
            mixed = bank((loud + quiet).float())[..., 5:-5]
    assert mixed.dtype == torch.float32
    band = int(np.abs(mel_edges(40, 60.0, 8000.0, "htk")[1:-1] - 5000.0).argmin())
    assert (mixed[:, band] - expected[:, band]).abs().max() < 0.2  # nepers of energy, 0.9 dB


def test_masks_hide_learnt_bands_in_training_only_and_never_padding():
    encoder = TDFilterbankNet(1, width=4)
    records = [torch.randn(1, n) for n in (8000, 3000)]
    batch, lengths = padded(records, 9000)
    encoder.eval()
    expected = encoder(batch, lengths)
    seen = []

    class Listening(SpecAugment):
        def forward(self, x, lengths=None):
            seen.append((x.shape, lengths))
            return super().forward(x, lengths)

    encoder.masks = Listening(bands=6)
    assert torch.equal(encoder(batch, lengths), expected)
    assert not seen
    encoder.train()
    encoder(batch, lengths)
    ((shape, frames),) = seen
    assert shape == (2, 40, 57)
    assert frames.tolist() == [50, 19]
    encoder(batch)
    assert seen[1][1] is None


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"sample_rate": 200},
            ValueError,
            "The 'sample_rate' parameter of TDFilterbank must be a number at least 400 and at most 1e+06. Received: "
            "200. Pass a value in that range.",
        ),
        (
            {"sample_rate": "16000"},
            TypeError,
            "The 'sample_rate' parameter of TDFilterbank must be a number at least 400 and at most 1e+06. Received: "
            "'16000'. Pass a value in that range.",
        ),
        (
            {"n_bands": 0},
            ValueError,
            "The 'n_bands' parameter of TDFilterbank must be an integer of at least 1. Received: 0. Pass n_bands=1 or "
            "more.",
        ),
        (
            {"high_hz": 9000},
            ValueError,
            "The 'high_hz' parameter of TDFilterbank must be at most 8000, half the sample rate of 16000 Hz. Received: "
            "9000. Pass high_hz=8000 or less, or None for all there is.",
        ),
        (
            {"hop_seconds": 0.03},
            ValueError,
            "The 'hop_seconds' parameter of TDFilterbank must be at most 0.025, the window_seconds, or samples between "
            "frames would be lost. Received: 0.03. Pass hop_seconds=0.025 or less, or a longer window.",
        ),
        (
            {"depth": 0},
            ValueError,
            "The 'depth' parameter of MatchboxNet must be an integer of at least 1. Received: 0. Pass depth=1 or more.",
        ),
    ],
)
def test_parameters_that_make_no_network_are_refused_with_the_reason(parameters, error, message):
    with pytest.raises(error) as raised:
        TDFilterbankNet(1, **parameters)
    assert str(raised.value) == message
