"""Front ends: equal to torchaudio and scipy, blind to padding, alike in a stream, exported and rebuilt."""

import io
import json
import math
import pickle
from functools import partial

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
from core_helpers import padded, relative_error
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seqcnn.front_ends import FRONT_ENDS, MFCC, PCEN, LogMel, build_front_end
from seqcnn.front_ends.mel import hz_to_mel, mel_edges, mel_to_hz
from seqcnn.layers import SpecAugment
from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.rebuilding import describe, rebuild

KINDS = list(FRONT_ENDS.values())
WAYS = [*KINDS, partial(LogMel, top_db=25), partial(MFCC, top_db=25)]
"""All, and those that look at the whole recording."""


def sound(n_samples, batch=1, channels=1, seed=0, dtype=torch.float64):
    """Return noise that grows and fades."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(batch, channels, n_samples, generator=generator, dtype=torch.float64)
    return (noise * 0.1 * (1.1 + torch.sin(torch.arange(n_samples, dtype=torch.float64) / 700))).to(dtype)


def in_front(front_end, x):
    """Pad so that torchaudio's frames, which begin at a hop, are ours, which end with one."""
    missing = (front_end.fft_length - front_end.window_length) / 2  # torchaudio lays the window in the middle
    before = front_end.window_length - front_end.stride + math.floor(missing)
    return F.pad(x, (before, -x.shape[2] % front_end.stride + math.ceil(missing)))


def torchaudio_energies(front_end, x, scale="htk"):
    """Return torchaudio's mel spectrogram, ``(batch, bands, frames)``."""
    transforms = pytest.importorskip("torchaudio.transforms")
    low, high, _ = front_end._limits
    spectrogram = transforms.MelSpectrogram(
        int(front_end.sample_rate),
        n_fft=front_end.fft_length,
        win_length=front_end.window_length,
        hop_length=front_end.stride,
        f_min=low,
        f_max=high,
        n_mels=front_end.n_bands,
        mel_scale=scale,
        center=False,
        # In single precision its ends, where a window is nearly zero, have few digits.
        window_fn=lambda n: torch.hann_window(n, dtype=torch.float64),
    )
    return spectrogram.to(x.dtype)(in_front(front_end, x))[:, 0]


def decibels(energies, floor_db):
    return 10 * energies.clamp(min=10 ** (floor_db / 10)).log10()


any_front_end = st.fixed_dictionaries(
    {
        "sample_rate": st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]),
        "window_seconds": st.sampled_from([0.016, 0.025, 0.032]),
        "hop_seconds": st.sampled_from([0.005, 0.01, 0.016]),
        "n_bands": st.integers(1, 40),
        "low_hz": st.sampled_from([0.0, 20.0, 125.0]),
        "high_hz": st.sampled_from([None, 3800.0]),
        "mel_scale": st.sampled_from(["htk", "slaney"]),
        "fft_length": st.sampled_from([None, 2048]),
    }
)


def as_torchaudio_can(front_end):
    """Leave out what torchaudio lays off its frequency: bins at an odd rate, or of an odd number of samples."""
    assume(front_end.fft_length % 2 == 0)
    assume(front_end.sample_rate % 2 == 0)
    return front_end.double()


@settings(deadline=None, max_examples=60)
@given(any_front_end, st.integers(1, 5000), st.integers(1, 3), st.sampled_from([-100.0, -60.0]), st.integers(0, 99))
def test_log_mel_is_torchaudios(parameters, n_samples, batch, floor_db, seed):
    front_end = as_torchaudio_can(build_or_skip(LogMel, floor_db=floor_db, **parameters))
    x = sound(n_samples, batch, seed=seed)
    expected = decibels(torchaudio_energies(front_end, x, parameters["mel_scale"]), floor_db)
    actual = front_end(x)
    assert actual.shape == expected.shape == (batch, front_end.out_channels, math.ceil(n_samples / front_end.stride))
    assert (actual - expected).abs().max() < 1e-4
    assert (front_end.float()(x.float()) - expected).abs().max() < 1e-2  # least in bands of next to no energy


def build_or_skip(kind, **parameters):
    """Build a front end, if its bands are wide enough for its spectrum."""
    try:
        return kind(**parameters)
    except ValueError as error:
        assume("asks for more bands than the spectrum resolves" not in str(error))
        raise


@settings(deadline=None, max_examples=60)
@given(any_front_end, st.integers(1, 3000))
def test_energies_are_those_of_a_plain_spectrum_at_any_rate(parameters, n_samples):
    front_end = build_or_skip(LogMel, floor_db=-300, **parameters).double()
    x = sound(n_samples)
    length, hop = front_end.window_length, front_end.stride
    n_frames = math.ceil(n_samples / hop)
    signal = np.concatenate([np.zeros(length - hop), x[0, 0].numpy(), np.zeros(hop)])
    window = scipy.signal.get_window("hann", length)
    power = [
        np.abs(np.fft.rfft(signal[i * hop : i * hop + length] * window, front_end.fft_length)) ** 2
        for i in range(n_frames)
    ]
    rate, (low, high, scale) = parameters["sample_rate"], front_end._limits
    edges = mel_edges(front_end.n_bands, low, high, scale)
    hz = np.fft.rfftfreq(front_end.fft_length, 1 / rate)
    triangles = np.stack([np.interp(hz, edges[i : i + 3], [0, 1, 0]) for i in range(front_end.n_bands)], 1)
    expected = 10 * np.log10(np.maximum(np.array(power) @ triangles, 1e-30)).T
    assert np.abs(front_end(x)[0].numpy() - expected).max() < 1e-6


def test_mel_scales_are_each_others_inverse_and_meet_the_published_points():
    hz = np.linspace(0, 20000, 500)
    for scale in ("htk", "slaney"):
        assert np.allclose(mel_to_hz(hz_to_mel(hz, scale), scale), hz)
    assert hz_to_mel(np.array([1000.0]), "htk") == pytest.approx(1000.0, abs=0.1)
    assert hz_to_mel(np.array([200 / 3, 1000.0, 6400.0]), "slaney").tolist() == pytest.approx([1.0, 15.0, 42.0])


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("seed", range(3))
def test_in_single_precision_log_mel_is_torchaudios_too(rate, seed):
    transforms = pytest.importorskip("torchaudio.transforms")
    front_end = LogMel(sample_rate=rate, floor_db=-100)
    x = sound(rate, batch=4, seed=seed, dtype=torch.float32)
    expected = transforms.AmplitudeToDB(top_db=None)(torchaudio_energies(front_end, x))
    assert (front_end(x) - expected).abs().max() < 1e-4


@settings(deadline=None, max_examples=40)
@given(any_front_end, st.integers(1, 3000), st.integers(1, 2), st.floats(1, 90), st.integers(0, 99))
def test_top_db_is_torchaudios_for_each_recording(parameters, n_samples, channels, top_db, seed):
    transforms = pytest.importorskip("torchaudio.transforms")
    front_end = as_torchaudio_can(build_or_skip(LogMel, top_db=top_db, floor_db=-100, **parameters))
    loudness = torch.tensor([1.0, 0.01, 1e-4], dtype=torch.float64)[:, None, None]
    x = sound(n_samples, 3, channels, seed=seed) * loudness
    # torchaudio looks at all channels of a recording together, too, where there is an axis for them.
    energies = torch.stack(
        [torchaudio_energies(front_end, x[:, [i]], parameters["mel_scale"]) for i in range(channels)], 1
    )
    expected = transforms.AmplitudeToDB(top_db=top_db)(energies).flatten(1, 2)
    assert (front_end(x) - expected).abs().max() < 1e-4


@settings(deadline=None, max_examples=30)
@given(any_front_end, st.integers(1, 3000), st.data())
def test_mfcc_is_torchaudios(parameters, n_samples, data):
    functional = pytest.importorskip("torchaudio.functional")
    n_coefficients = data.draw(st.integers(1, parameters["n_bands"]))
    front_end = as_torchaudio_can(build_or_skip(MFCC, n_coefficients=n_coefficients, **parameters))
    x = sound(n_samples)
    bands = decibels(torchaudio_energies(front_end, x, parameters["mel_scale"]), front_end.floor_db)
    transform = functional.create_dct(n_coefficients, front_end.n_bands, "ortho").double()
    expected = (bands.transpose(1, 2) @ transform).transpose(1, 2)
    # torchaudio's cosines are float32, which shows where all bands lie at the floor and only their sum is left.
    assert (front_end(x) - expected).abs().max() < 1e-6 * expected.abs().max().clamp(min=100.0)


def test_mfcc_is_what_torchaudios_transform_gives_where_nothing_is_near_the_floor():
    transforms = pytest.importorskip("torchaudio.transforms")
    front_end, x = MFCC(n_coefficients=13), sound(16000, dtype=torch.float32)
    settings = {"n_fft": 400, "hop_length": 160, "f_min": 20.0, "n_mels": 40, "center": False}
    expected = transforms.MFCC(16000, n_mfcc=13, melkwargs=settings)(in_front(front_end, x))[:, 0]
    assert (front_end(x) - expected).abs().max() < 1e-4


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 60000),
    st.floats(0.02, 5.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 4.0),
    st.floats(0.1, 1.0),
    st.integers(0, 99),
)
def test_pcen_is_scipys_filter_and_the_papers_formula(n_samples, seconds, gain, bias, power, seed):
    parameters = {"sample_rate": 8000, "n_bands": 5}
    front_end = PCEN(smoothing_seconds=seconds, gain=gain, bias=bias, power=power, **parameters).double()
    x = sound(n_samples, batch=2, seed=seed)
    energies = 10 ** (LogMel(floor_db=-300, **parameters).double()(x).numpy() / 10)
    keeps = np.exp(-0.01 / seconds)

    def smooth(values):
        return scipy.signal.lfilter([1 - keeps], [1, -keeps], values)

    mean = smooth(energies) / smooth(np.ones_like(energies))
    expected = (energies / (1e-6 + mean) ** gain + bias) ** power - bias**power
    assert relative_error(front_end(x), torch.from_numpy(expected)) < 1e-8


def test_with_top_db_noise_below_it_changes_next_to_nothing():
    word, noise = sound(8000, dtype=torch.float32), sound(16000, seed=1, dtype=torch.float32)
    word = torch.cat([word, torch.zeros(1, 1, 8000)], 2)
    for top_db, low, high in ((None, 10.0, 40.0), (40, 0.0, 0.5)):
        front_end = LogMel(top_db=top_db)
        changed = (front_end(word + 1e-3 * noise) - front_end(word)).abs().mean()
        assert low <= changed < high


@pytest.mark.parametrize("kind", [LogMel, MFCC])
def test_what_looks_at_the_whole_recording_says_so(kind):
    assert kind(top_db=40).whole_record
    assert not kind().whole_record


def test_pcen_forgets_the_level_and_keeps_what_changes():
    front_end, noise = PCEN(sample_rate=8000), sound(16000, dtype=torch.float32)
    quiet, loud = front_end(0.03 * noise), front_end(noise)
    assert (loud - quiet).abs().mean() < 0.1
    jump = front_end(torch.cat([0.03 * noise[..., :8000], noise[..., 8000:]], 2))
    assert jump[..., 101:105].mean() > 5 * jump[..., 60:100].mean()


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("n_samples", [1, 79, 80, 81, 199, 200, 4000])
def test_there_is_a_frame_for_each_hop_that_began(kind, n_samples):
    front_end = kind(sample_rate=8000)
    assert front_end(torch.zeros(2, 1, n_samples)).shape == (2, 40, -(-n_samples // 80))
    assert front_end.output_lengths(torch.tensor([n_samples])).item() == -(-n_samples // 80)
    assert front_end(torch.zeros(2, 1, 0)).shape == (2, 40, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_silence_stays_finite_and_as_low_as_asked(kind):
    bands = kind()(torch.zeros(1, 1, 16000))
    assert bands.isfinite().all()
    if kind is LogMel:
        assert (bands == -80).all()
        assert (kind(floor_db=-55)(torch.zeros(1, 1, 16000)) == -55).all()
    if kind is PCEN:
        assert not bands.any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_tone_is_loudest_in_the_band_around_its_pitch(kind):
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(16000) / 16000)[None, None]
    if kind is MFCC:  # back from the coefficients
        front_end = MFCC()
        bands = (front_end(tone).transpose(1, 2) @ front_end.transform.T).transpose(1, 2)
    else:
        bands = kind(**({"gain": 0.0} if kind is PCEN else {}))(tone)
    mel = 2595 * np.log10(1 + np.array([20.0, 8000.0, 1000.0]) / 700)
    expected = (mel[2] - mel[0]) / (mel[1] - mel[0]) * 41 - 1
    assert abs(int(bands[0, :, 50].argmax()) - expected) <= 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_frames_see_their_window_and_nothing_later(kind):
    front_end = kind(sample_rate=8000).double()
    x = sound(1600)
    x.requires_grad_()
    gradient = torch.autograd.grad(front_end(x)[0, :, 9].square().sum(), x)[0][0, 0]
    touched = gradient.nonzero()[:, 0]
    assert touched.max() == 10 * 80 - 1
    if kind is PCEN:  # the mean goes back to the beginning
        assert touched.min() == 0
    else:
        assert touched.min() == 10 * 80 - 200 + 1  # the first sample of a Hann window counts nothing
    assert (front_end(x) - front_end(x.detach())).abs().max() < 1e-10


@pytest.mark.parametrize("kind", WAYS)
@settings(deadline=None, max_examples=15)
@given(lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=5), extra=st.integers(0, 500))
def test_padding_changes_nothing(kind, lengths, extra):
    front_end = kind(sample_rate=8000).double()
    records = [sound(n, seed=n)[0] for n in lengths]
    batch, n_samples = padded(records, max(lengths) + extra)
    bands = front_end(batch, n_samples)
    for row, record in zip(bands, records, strict=True):
        alone = front_end(record[None])[0]
        assert (row[:, : alone.shape[1]] - alone).abs().max() < 1e-8
        assert not row[:, alone.shape[1] :].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hop_seconds", [0.004, 0.01, 0.025])
@settings(deadline=None, max_examples=15)
@given(pieces=st.lists(st.integers(1, 150), min_size=1, max_size=8), channels=st.integers(1, 2))
def test_a_stream_gives_what_the_whole_gives(kind, hop_seconds, pieces, channels):
    front_end = kind(sample_rate=8000, hop_seconds=hop_seconds).double()
    x = sound(sum(pieces) * front_end.stride, batch=2, channels=channels)
    whole = front_end(x)
    for _ in range(2):  # beginning anew forgets
        begin_stream(front_end)
        parts = [front_end(piece) for piece in x.split([n * front_end.stride for n in pieces], 2)]
        assert (torch.cat(parts, 2) - whole).abs().max() < 1e-9
    end_stream(front_end)
    assert torch.equal(front_end(x), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_channels_have_bands_of_their_own_side_by_side(kind):
    front_end, x = kind(n_bands=30, **({"n_coefficients": 12} if kind is MFCC else {})), sound(4000, 3, 2).float()
    left, right = front_end(x[:, :1]), front_end(x[:, 1:])
    assert relative_error(front_end(x), torch.cat([left, right], 1)) < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_recording_is_worked_on_in_parts_that_do_not_show(kind):
    front_end = kind(sample_rate=8000, hop_seconds=0.002, window_seconds=0.01, n_bands=5).double()
    x = sound(16 * 2500 + 3, batch=3)
    begin, end = 16 * 1000, 16 * 1100
    if kind is not PCEN:
        assert relative_error(front_end(x)[..., 1010:1100], front_end(x[..., begin:end])[..., 10:]) < 1e-10
    assert relative_error(front_end(x)[1:2], front_end(x[1:2])) < 1e-10


@pytest.mark.parametrize("kind", WAYS)
def test_the_exported_program_convolves_and_gives_the_same_for_any_batch_and_length(kind):
    front_end = kind(sample_rate=8000).eval()
    dynamic = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC}
    program = torch.export.export(front_end, (sound(8000, 2).float(),), dynamic_shapes=(dynamic,))
    assert "fft" not in str(program.graph)
    for batch, n_samples in ((1, 8000), (5, 401), (3, 100), (2, 20001)):
        x = sound(n_samples, batch).float()
        assert (program.module()(x) - front_end(x)).abs().max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.filterwarnings("ignore")  # torch's exporter warns of packages that it does not find
def test_onnx_runtime_gives_the_same_for_any_batch_and_length(kind):
    onnxruntime = pytest.importorskip("onnxruntime")
    front_end = kind(sample_rate=8000).eval()
    dynamic = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC}
    program = torch.onnx.export(front_end, (sound(8000, 2).float(),), dynamo=True, dynamic_shapes=(dynamic,))
    file = io.BytesIO()
    program.save(file)
    session = onnxruntime.InferenceSession(file.getvalue())
    for batch, n_samples in ((1, 8000), (5, 401), (3, 60)):
        x = sound(n_samples, batch).float()
        (bands,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        assert np.abs(bands - front_end(x).numpy()).max() < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_trained_and_nothing_stands_in_the_state(kind):
    front_end = kind()
    assert not list(front_end.parameters())
    assert not front_end.state_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_and_rebuilt_from_json_it_gives_the_same_bits(kind):
    front_end = kind(sample_rate=8000, hop_seconds=0.012, n_bands=24, **({"n_coefficients": 9} if kind is MFCC else {}))
    x = sound(3000).float()
    for other in (
        pickle.loads(pickle.dumps(front_end)),
        rebuild(json.loads(json.dumps(describe(front_end))), lambda name: pytest.fail(name)),
    ):
        assert torch.equal(other(x), front_end(x))
        assert repr(other) == repr(front_end)


@pytest.mark.parametrize("kind", WAYS)
def test_double_precision_is_double_and_half_precision_never_computed(kind):
    x = sound(8000)
    single = kind()
    expected = kind().double()(x)
    assert expected.dtype == torch.float64
    # Tables in double precision are not those of single precision, widened.
    assert torch.equal(kind().float().double()(x), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(single(x.float()), kind()(x.float()))
    low = kind().bfloat16()
    assert low.mel.dtype == torch.float32
    assert low(x.bfloat16()).dtype == torch.bfloat16
    assert torch.equal(low(x.bfloat16()), single(x.bfloat16().float()).bfloat16())


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_samples(kind):
    front_end = kind(sample_rate=8000, window_seconds=0.004, hop_seconds=0.002, n_bands=3).double()
    assert torch.autograd.gradcheck(front_end, sound(50).requires_grad_())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"sample_rate": 8000, "high_hz": 8000},
            "The 'high_hz' parameter of LogMel must be at most 4000, half the sample rate of 8000 Hz. Received: 8000. "
            "Pass high_hz=4000 or less, or None for all there is.",
        ),
        (
            {"low_hz": 4000, "high_hz": 3000},
            "The 'low_hz' parameter of LogMel must be less than 3000, where the highest band ends. Received: 4000. "
            "Pass low_hz=20 or so.",
        ),
        (
            {"n_bands": 128},
            "The 'n_bands' parameter of LogMel asks for more bands than the spectrum resolves: of 400 samples at 16000 "
            "Hz it has a value every 40 Hz, so that bands 3, 8 and 17 would see none of it. Received: 128. Pass "
            "n_bands=110 or fewer or fft_length=1024.",
        ),
        (
            {"n_bands": 1000},
            "The 'n_bands' parameter of LogMel asks for more bands than the spectrum resolves: of 400 samples at 16000 "
            "Hz it has a value every 40 Hz. Received: 1000. Pass n_bands=110 or fewer or fft_length=8192.",
        ),
        (
            {"hop_seconds": 0.03},
            "The 'hop_seconds' parameter of LogMel must be at most 0.025, the window_seconds, or samples between "
            "frames would be lost. Received: 0.03. Pass hop_seconds=0.025 or less, or a longer window.",
        ),
        (
            {"hop_seconds": 1e-5},
            "The 'hop_seconds' parameter of LogMel must be at least 6.25e-05, a sample at 16000 Hz. Received: 1e-05. "
            "Pass hop_seconds=0.01 or so.",
        ),
        (
            {"window_seconds": 25},
            "The 'window_seconds' parameter of LogMel must be from 0.00025 to 0.512, which is 4 to 8,192 samples at "
            "16000 Hz. Received: 25. Pass window_seconds=0.025 or so.",
        ),
        (
            {"fft_length": 256},
            "The 'fft_length' parameter of LogMel must be from 400, the samples of its window, to 8192, or None. "
            "Received: 256. Pass fft_length=None for a spectrum of the window as it is.",
        ),
        (
            {"mel_scale": "htx"},
            "The 'mel_scale' parameter of LogMel must be 'htk' or 'slaney'. Received: 'htx'. Did you mean 'htk'? Pass "
            "one of the values named.",
        ),
        (
            {"top_db": 0},
            "The 'top_db' parameter of LogMel must be a number greater than 0, or None. Received: 0. Pass a value in "
            "that range.",
        ),
        (
            {"sample_rate": 0},
            "The 'sample_rate' parameter of LogMel must be a number at least 100 and at most 1e+06. Received: 0. Pass "
            "a value in that range.",
        ),
    ],
)
def test_parameters_that_make_no_front_end_are_answered(parameters, message):
    with pytest.raises(ValueError) as error:
        LogMel(**parameters)
    assert str(error.value) == message


def test_what_the_error_about_bands_advises_works():
    assert LogMel(n_bands=110).out_channels == 110
    assert LogMel(n_bands=128, fft_length=1024).out_channels == 128
    assert not (LogMel(n_bands=110).mel.sum(0) == 0).any()
    with pytest.raises(ValueError):
        LogMel(n_bands=111)


def test_more_coefficients_than_bands_are_answered():
    with pytest.raises(ValueError) as error:
        MFCC(n_coefficients=41)
    assert str(error.value) == (
        "The 'n_coefficients' parameter of MFCC must be at most 40, its n_bands. Received: 41. Pass n_coefficients=40 "
        "or less, or more bands."
    )


def test_input_of_other_axes_is_answered():
    with pytest.raises(ValueError) as error:
        LogMel()(torch.zeros(2, 16000))
    assert str(error.value) == (
        "LogMel takes input of shape (batch, channels, samples). Received: (2, 16000). Pass three axes, x[:, None] for "
        "a batch of mono recordings."
    )


def test_misspelt_names_and_parameters_are_answered_with_the_nearest():
    with pytest.raises(ValueError) as error:
        build_front_end("logmel", {}, caller="SeqCNNClassifier")
    assert str(error.value) == (
        "The 'front_end' parameter of SeqCNNClassifier must be 'auto', 'log-mel', 'mfcc' and 'pcen', a module of "
        "seqcnn.front_ends, or None for the raw waveform. Received: 'logmel'. Did you mean 'log-mel'? Pass one of the "
        "values named."
    )
    with pytest.raises(ValueError) as error:
        build_front_end("log-mel", {"n_band": 3}, caller="SeqCNNClassifier")
    assert str(error.value) == (
        "The front end 'log-mel' of SeqCNNClassifier has no parameter 'n_band'. Did you mean 'front_end__n_bands'? It "
        "takes front_end__sample_rate, front_end__window_seconds, front_end__hop_seconds, front_end__n_bands, "
        "front_end__low_hz, front_end__high_hz, front_end__mel_scale, front_end__fft_length, front_end__floor_db and "
        "front_end__top_db."
    )


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 80), min_size=1, max_size=6), st.integers(1, 40), st.integers(0, 999))
def test_masks_hide_no_more_than_they_may_and_only_what_is_real(lengths, n_bands, seed):
    torch.manual_seed(seed)
    masks = SpecAugment(time_seconds=0.1, n_time_masks=1, bands=3, n_band_masks=1, frame_seconds=0.01)
    x, real = padded([torch.ones(n_bands, n) for n in lengths], max(lengths) + 2)
    masked = masks(x, real)
    for row, length in zip(masked, lengths, strict=True):
        assert not row[:, length:].any()
        gone_frames = int((row[:, :length] == 0).all(0).sum())
        gone_bands = int((row[:, :length] == 0).all(1).sum())
        assert gone_frames <= min(10, 0.2 * length)
        assert gone_bands <= min(3, 0.2 * n_bands)
        hidden = n_bands * length - int(row.sum())
        assert hidden == gone_frames * n_bands + gone_bands * length - gone_frames * gone_bands


def test_masks_of_every_width_are_drawn_anywhere_and_another_time_elsewhere():
    torch.manual_seed(0)
    masked = SpecAugment(time_seconds=0.05, n_time_masks=1, n_band_masks=0)(torch.ones(2000, 3, 100))
    hidden = (masked[:, 0] == 0).sum(1)
    assert torch.bincount(hidden).tolist() == pytest.approx([2000 / 6] * 6, rel=0.25)
    share = (masked[:, 0] == 0).float().mean(0)
    assert (share[5:-5] > 0.015).all()
    assert (share > 0).all()
