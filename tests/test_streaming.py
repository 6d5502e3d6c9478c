"""Streams of models: rows equal those of the whole record, whatever it is cut into."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from core_helpers import network_around, series, small_encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from seqcnn.encoders import ENCODERS, FCN, PlainEncoder, SequenceEncoder
from seqcnn.heads import LinearHead
from seqcnn.inputs import InputContract, Records
from seqcnn.layers import BinPool1d, ConvBlock
from seqcnn.layers.memory import Remembers
from seqcnn.model import Model
from seqcnn.network import Network
from seqcnn.piecewise import Reach, RememberingEncoder, SlidingEncoder, find_reach
from seqcnn.stems import CharacterEmbedding, Normalizer, PassThrough
from seqcnn.stems.base import Stem
from seqcnn.streaming import Stream
from seqcnn.streaming.pooling import WindowPool
from seqcnn.streaming.resampling import StreamResampler

RATE = 8000


class Frames(Remembers, Stem):
    """A front end of its simplest kind: frame ``i`` is a window that ends with sample ``(i + 1) * stride - 1``."""

    def __init__(self, n_channels: int, window: int, stride: int) -> None:
        super().__init__()
        self.out_channels, self.stride, self.window_length = n_channels * window, stride, window

    @property
    def front_end(self) -> Frames:
        return self

    def output_lengths(self, lengths: Tensor) -> Tensor:
        return (lengths + self.stride - 1) // self.stride

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        before, behind = self.window_length - self.stride, -x.shape[2] % self.stride
        x = self.with_past(x, before) if self.reads_stream else F.pad(x, (before, 0))
        frames = F.pad(x, (0, behind)).unfold(2, self.window_length, self.stride)
        return frames.permute(0, 1, 3, 2).flatten(1, 2)


class Strided(SequenceEncoder):
    """Two causal convolutions, the second of stride 3."""

    causal = True

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride, self.receptive_field = in_channels, 3, 3, 5 + 3
        self.first = ConvBlock(in_channels, 4, 5, padding="causal")
        self.second = ConvBlock(4, 3, 4, stride=3, padding="causal")

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.first(x, mask)
        encoded: Tensor = self.second(x, mask)
        return encoded


class Forgetful(SequenceEncoder):
    """A causal convolution of torch's own, which remembers nothing."""

    causal = True

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.stride, self.receptive_field = in_channels, 2, 1, 6
        self.convolution = nn.Conv1d(in_channels, 2, 6)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        encoded: Tensor = self.convolution(F.pad(x, (5, 0))).tanh()
        return encoded if mask is None else encoded * mask


class Endless(Forgetful):
    """The sum of everything before, by one product with a triangle of ones, which NaN passes through."""

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return super().encode(x @ torch.ones(x.shape[2], x.shape[2], dtype=x.dtype).triu(), mask)


def causal_encoders() -> list[str]:
    """Every name of the table that is causal, or can be."""
    return [
        name
        for name, entry in ENCODERS.items()
        if not entry.is_fixed and ("causal" in entry.defaults or getattr(entry.build, "causal", False) is True)
    ]


def causal_encoder(name: str, in_channels: int) -> SequenceEncoder:
    """Build an entry of the table, causal and with lively statistics; a deep one shallower."""
    entry = ENCODERS[name]
    chosen = {"causal": True, "width": 8, "depth": 3}
    parameters = {key: value for key, value in chosen.items() if key in entry.defaults}
    if name != "tcn":
        parameters.pop("depth", None)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return enliven(entry.build(in_channels, **parameters))  # type: ignore[arg-type]


def enliven(encoder: SequenceEncoder) -> SequenceEncoder:
    generator = torch.Generator().manual_seed(1)
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0.0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            nn.init.normal_(module.bias, 0.2, 0.3, generator=generator)
    return encoder.eval()


def model_around(
    encoder: SequenceEncoder,
    *,
    stem: nn.Module | None = None,
    pooling: BinPool1d | None = None,
    n_channels: int | None = None,
    sample_rate: int | None = None,
    **options: Any,
) -> Model:
    pooling = BinPool1d("mean") if pooling is None else pooling
    stem = PassThrough(encoder.in_channels) if stem is None else stem
    with torch.random.fork_rng([]):
        torch.manual_seed(2)
        head = LinearHead(encoder.out_channels * pooling.n_bins, 3)
    network = Network(stem, encoder, pooling, head).eval()
    channels = encoder.in_channels if n_channels is None else n_channels
    kind = "series" if sample_rate is None else "audio"
    contract = InputContract(kind, channels, sample_rate=sample_rate)
    return Model(network, contract, **{"output": "probabilities", "record_length": 50} | options)


def small_networks() -> list[tuple[str, Callable[[], dict[str, Any]]]]:
    def framed(pooling: BinPool1d) -> dict[str, Any]:
        return {
            "encoder": enliven(Strided(7)),
            "stem": Frames(1, 7, 2),
            "n_channels": 1,
            "pooling": pooling,
        }

    return [
        ("tcn", lambda: {"encoder": causal_encoder("tcn", 2)}),
        ("tcn, maximum", lambda: {"encoder": causal_encoder("tcn", 2), "pooling": BinPool1d("max")}),
        ("strided", lambda: {"encoder": enliven(Strided(2)), "stem": Normalizer(2)}),
        ("strided, bins", lambda: {"encoder": enliven(Strided(1)), "pooling": BinPool1d("mean", 3)}),
        ("frames", lambda: framed(BinPool1d("mean"))),
        ("frames, bins of maxima", lambda: framed(BinPool1d("max", 2))),
        ("forgetful", lambda: {"encoder": Forgetful(2).eval()}),
        ("fcn", lambda: {"encoder": small_encoder("fcn", 2)}),
        ("waveform", lambda: {"encoder": small_encoder("m3", 1)}),
    ]


NETWORKS = dict(small_networks())


def pieces_of(x: np.ndarray[Any, Any], sizes: Sequence[int]) -> list[np.ndarray[Any, Any]]:
    """Cut ``(channels, n)`` into pieces of these sizes, again and again until it is used up."""
    parts, start, turn = [], 0, 0
    while start < x.shape[1]:
        parts.append(x[:, start : start + sizes[turn % len(sizes)]])
        start, turn = start + sizes[turn % len(sizes)], turn + 1
    return parts


def rows_of(stream: Stream, x: np.ndarray[Any, Any], sizes: Sequence[int]) -> np.ndarray[Any, Any]:
    rows = np.concatenate([*[stream.push(part) for part in pieces_of(x, sizes)], stream.finish()])
    assert stream.n_scores == 0
    return rows


def expected_rows(model: Model, x: np.ndarray[Any, Any], window: int, hop: int) -> np.ndarray[Any, Any]:
    """Run the network once over everything, and pool the last window at each hop."""
    network = model.network
    if x.shape[1] < hop:
        return np.empty((0, 3))
    with torch.inference_mode():
        encoded = network.encode(torch.from_numpy(x)[None])
        n_steps, hop_steps = -(-window // network.stride), hop // network.stride
        ends = range(hop_steps, x.shape[1] // hop * hop_steps + 1, hop_steps)
        assert network.pooling is not None
        pooled = [network.pooling(encoded[..., max(0, end - n_steps) : end]) for end in ends]
        scores = network.head(torch.cat(pooled))
    return model.finish(scores.double().numpy())


@pytest.mark.parametrize("name", NETWORKS)
@settings(deadline=None, max_examples=15)
@given(st.data())
def test_rows_are_those_of_the_whole_record_however_it_is_cut(name: str, data: st.DataObject) -> None:
    model = model_around(**NETWORKS[name]())
    stride = model.network.stride
    hop = stride * data.draw(st.integers(1, 7), "hop in strides")
    window = data.draw(st.integers(1, 40 * stride), "window")
    length = data.draw(st.integers(1, 300 if stride < 64 else 1500), "length")
    sizes = data.draw(st.lists(st.integers(0, 100), min_size=1, max_size=6).filter(any), "sizes")
    x = series([length], model.contract.n_channels, seed=3).values[0]
    stream = Stream(model, window_length=window, hop_length=hop, look_ahead=10_000)
    rows = rows_of(stream, x, sizes)
    np.testing.assert_allclose(rows, expected_rows(model, x, window, hop), atol=1e-5)
    np.testing.assert_array_equal(rows_of(stream, x, sizes), rows)  # again, after a reset


@pytest.mark.parametrize("name", causal_encoders())
def test_every_causal_encoder_remembers_and_streams_to_the_offline_numbers(name: str) -> None:
    model = model_around(causal_encoder(name, 2))
    stride = model.network.stride
    x = series([40 * stride + 5], 2).values[0]
    stream = Stream(model, window_length=9 * stride, hop_length=2 * stride)
    assert isinstance(stream._encoder, RememberingEncoder)
    rows = rows_of(stream, x, [1, 3 * stride, 7, 2 * stride])
    np.testing.assert_allclose(rows, expected_rows(model, x, 9 * stride, 2 * stride), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("fcn", "waveform")])
def test_rows_of_a_causal_network_equal_the_windows_that_end_there(name: str) -> None:
    options = NETWORKS[name]()
    stride = model_around(**options).network.stride
    window, hop = 8 * stride, 2 * stride
    model = model_around(**options, window_length=window, hop_length=hop)
    records = Records("series", [series([30 * stride], model.contract.n_channels).values[0]])
    table, scores = model.score_windows(records, caller="SeqCNNClassifier")
    rows = rows_of(Stream(model, hop_length=hop), records.values[0], [5])
    np.testing.assert_allclose(rows[table.stop // hop - 1], scores, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(["tcn", "strided, bins", "frames", "tcn, maximum"]),
    st.lists(st.integers(20, 90), min_size=1, max_size=4),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_windows_read_with_their_past_score_as_in_one_pass_over_the_record(
    name: str, lengths: list[int], window: int, hop: int
) -> None:
    # What training reads of a window, against what prediction computes.
    from seqcnn.inference import run_network

    model = model_around(**NETWORKS[name](), window_length=window, hop_length=min(hop, window))
    records = series(lengths, model.contract.n_channels)
    if window < model.network.minimum_length:
        return
    table, scores = model.score_windows(records, caller="SeqCNNClassifier")
    each = model.finish(run_network(model.network, model.store(records, table)))
    np.testing.assert_allclose(each, scores, atol=1e-5)


def test_a_long_record_in_pieces_has_the_windows_of_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqcnn import continuous

    model = model_around(**NETWORKS["strided"](), window_length=100, hop_length=37)
    records = series([1000, 100, 1203], 2)
    _, whole = model.score_windows(records, caller="SeqCNNClassifier")
    monkeypatch.setattr(continuous, "_LONG", 70)
    monkeypatch.setattr(continuous, "_NUMBERS_AT_ONCE", 500)
    _, in_pieces = model.score_windows(records, caller="SeqCNNClassifier")
    np.testing.assert_allclose(in_pieces, whole, atol=1e-6)


def test_a_network_that_looks_ahead_is_cut_into_windows_as_before() -> None:
    model = model_around(small_encoder("fcn", 2), window_length=20, hop_length=10)
    records = series([50], 2)
    table, scores = model.score_windows(records, caller="SeqCNNClassifier")
    cut = Records("series", [records.values[0][:, a:b] for a, b in zip(table.start, table.stop, strict=True)])
    np.testing.assert_allclose(model.score_windows(cut, caller="SeqCNNClassifier")[1], scores, atol=1e-6)


@pytest.mark.parametrize(
    ("encoder", "n_channels", "ahead"),
    [(small_encoder("fcn", 2), 2, 7), (Strided(2), 2, 0), (Forgetful(1), 1, 0), (small_encoder("m3", 1), 1, 53)],
)
def test_what_a_network_looks_ahead_is_found_exactly(encoder: SequenceEncoder, n_channels: int, ahead: int) -> None:
    network = network_around(encoder)
    for parameter in encoder.parameters():
        parameter.data.abs_()  # so that no rectifier hides anything from the gradient
    reach = find_reach(network, n_channels)
    assert reach is not None
    assert reach.ahead == ahead
    # By gradients: what a step in the middle hangs on.
    x = torch.rand(1, n_channels, 60 * network.stride, dtype=torch.float64, requires_grad=True)
    step = 30
    network.double().eval().encode(x)[0, :, step].sum().backward()
    assert x.grad is not None
    seen = torch.nonzero(x.grad[0].abs().sum(0)).flatten()
    assert int(seen[-1]) <= (step + 1) * network.stride - 1 + ahead
    assert int(seen[0]) >= step * network.stride - reach.back  # type: ignore[operator]


def test_rows_that_look_ahead_come_that_much_later_and_finish_brings_the_rest() -> None:
    model = model_around(FCN(1, width=4).eval(), window_length=12)
    x = series([40]).values[0]
    stream = Stream(model, hop_length=4, look_ahead=7)
    assert stream.look_ahead == 7
    counts = [len(stream.push(x[:, [k]])) for k in range(40)]
    assert [k + 1 for k, count in enumerate(counts) if count] == [4 * row + 7 for row in range(1, 9)]
    assert stream.n_scores == 8
    assert len(stream.finish()) == 2


def test_a_sliding_stream_holds_no_more_than_it_needs() -> None:
    stream = Stream(model_around(FCN(1, width=4).eval()), look_ahead=7)
    for part in np.split(series([100_000]).values[0], 10, axis=1):
        stream.push(part)
    encoder = stream._encoder
    assert isinstance(encoder, SlidingEncoder)
    assert encoder._held is not None
    assert encoder._held.untyped_storage().nbytes() <= 4 * 20


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["mean", "max"]),
    st.integers(1, 4),
    st.integers(1, 30),
    st.integers(1, 30),
    st.lists(st.integers(0, 25), min_size=1, max_size=12),
)
def test_pooled_windows_are_those_of_the_steps_they_hold(
    kind: Any, n_bins: int, n_steps: int, hop: int, sizes: list[int]
) -> None:
    pooling = BinPool1d(kind, n_bins)
    steps = torch.randn(1, 3, sum(sizes))
    pool = WindowPool(pooling, n_steps, hop)
    rows = torch.cat([pool.push(part) for part in torch.split(steps, sizes, 2)])
    ends = range(hop, steps.shape[2] + 1, hop)
    expected = [pooling(steps[..., max(0, end - n_steps) : end]) for end in ends]
    torch.testing.assert_close(rows, torch.cat(expected) if expected else torch.empty(0, 3 * n_bins))


def test_a_loud_moment_leaves_no_trace_once_it_is_past() -> None:
    pool = WindowPool(BinPool1d("mean"), 4, 1)
    steps = torch.full((1, 1, 20), 0.1)
    steps[..., 3] = 1e9
    assert pool.push(steps)[8:].flatten().tolist() == pytest.approx([0.1] * 12, rel=1e-6)


RATES = [(16000, 8000), (8000, 16000), (44100, 16000), (48000, 16000), (11025, 8000), (441, 440)]


@pytest.mark.parametrize(("orig", "new"), RATES)
@settings(deadline=None, max_examples=8)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=5).filter(any), st.integers(1, 3000))
def test_resampled_pieces_are_what_torchaudio_makes_of_the_whole(
    orig: int, new: int, sizes: list[int], length: int
) -> None:
    functional = pytest.importorskip("torchaudio.functional")
    x = series([length], 2).values[0]
    resampler = StreamResampler(orig, new, 2)
    parts = [*[resampler.push(part) for part in pieces_of(x, sizes)], resampler.finish()]
    expected = functional.resample(torch.from_numpy(x), orig, new).numpy()
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-5)


@pytest.mark.parametrize(("orig", "new"), RATES)
def test_a_resampled_sample_comes_with_the_delay_that_is_told(orig: int, new: int) -> None:
    resampler = StreamResampler(orig, new, 1)
    n_given = 0
    for taken in range(1, 400):
        n_given += resampler.push(np.ones((1, 1), np.float32)).shape[1]
        # Output m stands for the time m / new.
        due = max((taken / orig - resampler.delay_seconds) * new, 0)
        assert n_given >= np.floor(due + 1e-9)
        assert n_given <= np.ceil(due + 1e-9) + new / orig + 1


def test_audio_of_another_rate_scores_as_its_resampled_record() -> None:
    functional = pytest.importorskip("torchaudio.functional")
    model = model_around(enliven(Strided(1)), sample_rate=RATE)
    x = series([4411]).values[0]
    stream = Stream(model, 44100, window_length=300, hop_length=30)
    assert (stream.sample_rate, stream.model_sample_rate) == (44100, RATE)
    assert stream.delay_seconds == pytest.approx(35 / 44100)
    resampled = functional.resample(torch.from_numpy(x), 44100, RATE).numpy()
    np.testing.assert_allclose(rows_of(stream, x, [441]), expected_rows(model, resampled, 300, 30), atol=1e-5)


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x,
        lambda x: x[0],
        lambda x: x[0].tolist(),
        lambda x: torch.from_numpy(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x.astype(np.float64),
        lambda x: np.concatenate([x - 0.25, x + 0.25]),
        lambda x: np.round(x * 2**15).astype(np.int16),
        lambda x: np.round(x * 2**31).astype(np.int32),
    ],
    ids=["2-D", "1-D", "list", "tensor", "not contiguous", "double", "stereo", "int16", "int32"],
)
def test_every_form_of_samples_gives_the_same_rows(convert: Callable[[Any], Any]) -> None:
    model = model_around(enliven(Strided(1)), sample_rate=RATE)
    x = np.round(0.1 * series([900]).values[0] * 2**15) / np.float32(2**15)
    stream = Stream(model)
    expected = stream.push(x)
    stream.reset()
    np.testing.assert_allclose(stream.push(convert(x.astype(np.float32))), expected, atol=1e-6)


@pytest.mark.parametrize("empty", [[], np.zeros(0), np.zeros((1, 0), np.float32), torch.zeros(1, 0)])
def test_nothing_gives_nothing(empty: Any) -> None:
    stream = Stream(model_around(enliven(Strided(1)), sample_rate=RATE), 16000)
    assert stream.push(empty).shape == (0, 3)
    assert stream.finish().shape == (0, 3)


BAD_SAMPLES: list[tuple[Any, type[Exception], str]] = [
    (
        np.array([0.0, np.nan, np.inf]),
        ValueError,
        "A stream takes finite samples. Received: nan at position 1 of 3, 2 such samples in all. Nothing of these "
        "samples was taken: fill the gap and push them again, or call reset().",
    ),
    (
        np.array([1e300]),
        ValueError,
        "A stream takes finite samples. Received: 1e+300 at position 0 of 1, 1 such sample in all. Nothing of these "
        "samples was taken: fill the gap and push them again, or call reset().",
    ),
    (
        "hello",
        TypeError,
        "A stream takes samples as real numbers, (n,) or (channels, n). Received: values of dtype <U5. Pass an array "
        "of floats or of integers.",
    ),
    (
        np.ones(3) * 1j,
        TypeError,
        "A stream takes samples as real numbers, (n,) or (channels, n). Received: complex numbers. Pass an array of "
        "floats or of integers.",
    ),
    (
        np.zeros((1, 1, 4)),
        ValueError,
        "A stream takes samples of shape (n,) or (channels, n). Received: (1, 1, 4). Pass one of the two.",
    ),
    (
        3.0,
        ValueError,
        "A stream takes samples of shape (n,) or (channels, n). Received: (). Pass one of the two.",
    ),
    (
        np.zeros((160, 2)),
        ValueError,
        "A stream takes samples of shape (n,) or (channels, n). Received: (160, 2). The axes look swapped, as "
        "soundfile and sounddevice give them: pass samples.T.",
    ),
    (
        np.zeros(4, np.int64),
        ValueError,
        "A stream of audio scales int8, int16, int32 and uint8 to [-1, 1], and cannot tell the full scale of others. "
        "Received: int64. Pass one of these types, or floats in [-1, 1].",
    ),
]


@pytest.mark.parametrize(("samples", "error", "message"), BAD_SAMPLES)
def test_bad_samples_are_refused_and_leave_the_stream_as_it_was(
    samples: Any, error: type[Exception], message: str
) -> None:
    stream = Stream(model_around(enliven(Strided(1)), sample_rate=RATE), 16000)
    x = series([2000]).values[0]
    expected = rows_of(stream, x, [700])
    first = stream.push(x[:, :700])
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        stream.push(samples)
    rest = [stream.push(x[:, 700:]), stream.finish()]
    np.testing.assert_allclose(np.concatenate([first, *rest]), expected, atol=1e-6)


def test_samples_of_other_channels_are_refused() -> None:
    stream = Stream(model_around(enliven(Strided(3))))
    messages = {
        (5,): "This stream reads 3 channels. Received: samples of shape (5,). Pass an array of shape (3, n); one time "
        "step is an array of shape (3, 1).",
        (5, 3): "This stream reads 3 channels. Received: samples of shape (5, 3). The axes look swapped: pass "
        "samples.T.",
        (2, 9): "This stream reads 3 channels. Received: samples of shape (2, 9). Pass an array of shape (3, n); one "
        "time step is an array of shape (3, 1).",
    }
    for shape, message in messages.items():
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            stream.push(np.zeros(shape))


def test_a_hop_is_20_milliseconds_of_audio_or_the_stride() -> None:
    audio = model_around(enliven(Strided(1)), sample_rate=RATE)
    assert Stream(audio).hop_length == 159  # of 160 the nearest multiple of 3
    assert Stream(model_around(enliven(Strided(1)))).hop_length == 3
    with pytest.raises(ValueError) as error:
        Stream(audio, hop_length=160, caller="SeqCNNClassifier")
    assert str(error.value) == (
        "The 'hop_length' parameter of SeqCNNClassifier.stream must be a multiple of 3 samples, the stride of its "
        "network. Received: 160. Pass hop_length=159 or 162."
    )
    with pytest.raises(ValueError, match=r"Pass hop_length=3\.$"):
        Stream(audio, hop_length=2)


def test_a_window_is_the_models_own_or_as_long_as_its_training_records() -> None:
    encoder = enliven(Strided(1))
    assert Stream(model_around(encoder)).window_length == 50
    assert Stream(model_around(encoder, window_length=33)).window_length == 33
    assert Stream(model_around(encoder, window_length=33), window_length=12).window_length == 12
    with pytest.raises(ValueError) as error:
        Stream(model_around(encoder, record_length=None), caller="SeqCNNClassifier")
    assert str(error.value) == (
        "The 'window_length' parameter of SeqCNNClassifier.stream must be given for this model, which an earlier "
        "version saved without the length of its training records. Received: None. Pass window_length=..., in "
        "samples; the length of a training record suits."
    )


def test_a_network_that_looks_ahead_is_refused_with_what_it_needs() -> None:
    with pytest.raises(ValueError) as error:
        Stream(model_around(FCN(1, width=2), sample_rate=RATE), look_ahead=6, caller="SeqCNNClassifier")
    has_causal = "causal" in inspect.signature(FCN).parameters
    advice = "fit it with encoder__causal=True" if has_causal else "take a causal encoder, such as 'tcn'"
    assert str(error.value) == (
        "The encoder of SeqCNNClassifier, FCN, looks 7 samples (0.000875 s) ahead, and those have not come yet. "
        f"Received: look_ahead=6. Pass look_ahead=7 to have scores that much later, or {advice}."
    )


def test_a_network_that_sees_the_whole_record_is_refused() -> None:
    with pytest.raises(ValueError) as error:
        Stream(model_around(small_encoder("convtran", 1, width=8)), look_ahead=100, caller="SeqCNNClassifier")
    assert str(error.value) == (
        "The encoder of SeqCNNClassifier sees the whole record at every step, by attention or squeeze and excitation, "
        "and a stream has no end. Received: ConvTran. To stream, take a causal encoder, such as 'tcn'."
    )


def test_what_needs_the_whole_record_is_refused_with_the_reason() -> None:
    tcn = causal_encoder("tcn", 2)
    refused: list[tuple[Model, str]] = [
        (
            model_around(tcn, stem=Normalizer(2, "record")),
            "The network of Stream scales each record by its own mean and deviation, which need the whole record. "
            "Received: a model with normalize='record'. Fit it with normalize='dataset' to stream.",
        ),
        (
            Model(
                model_around(tcn, stem=PassThrough(1, mask_missing=True)).network,
                InputContract("series", 1, missing="mask"),
                "probabilities",
            ),
            "The network of Stream draws a line through each gap, which needs the gap's end. Received: a model with "
            "missing='mask'. Fit it with another value of missing to stream.",
        ),
        (
            Model(
                model_around(causal_encoder("tcn", 4), stem=CharacterEmbedding(20, width=4)).network,
                InputContract("text"),
                "probabilities",
            ),
            "Stream streams series and audio. Received: a model of text. Score texts whole, with predict.",
        ),
        (
            model_around(PlainEncoder(nn.Conv1d(1, 3, 3), 1, 20)),
            "The encoder of Stream is a module of your own, and how its steps lie in time is not known. Received: "
            "Conv1d. Derive it from seqcnn.encoders.SequenceEncoder, which states its stride and its receptive field, "
            "or take a causal encoder, such as 'tcn', to stream.",
        ),
    ]
    for model, message in refused:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            Stream(model)


def test_a_stream_leaves_the_model_alone_and_shares_nothing_with_it() -> None:
    model = model_around(causal_encoder("tcn", 1))
    x = series([80]).values[0]
    before = model.score_records(Records("series", [x]), caller="SeqCNNClassifier")
    one, other = Stream(model), Stream(model)
    first = one.push(x[:, :40])
    other.push(x[:, 10:60])
    np.testing.assert_array_equal(model.score_records(Records("series", [x]), caller="SeqCNNClassifier"), before)
    rest = one.push(x[:, 40:])
    assert not any(module.reads_stream for module in model.network.modules() if isinstance(module, Remembers))
    np.testing.assert_allclose(np.concatenate([first, rest]), expected_rows(model, x, 50, 1), atol=1e-5)


def test_a_network_that_forgets_is_run_over_stretches_unless_these_have_no_end() -> None:
    from seqcnn.piecewise import build_piece_encoder

    network = model_around(Forgetful(1).eval()).network
    assert isinstance(build_piece_encoder(network, Reach(None, 0), 1), SlidingEncoder)
    network = model_around(Endless(1).eval()).network
    assert find_reach(network, 1) == Reach(None, 0)
    assert build_piece_encoder(network, Reach(None, 0), 1) is None
    with pytest.raises(ValueError) as error:
        Stream(model_around(Endless(1).eval()))
    assert str(error.value) == (
        "The network of Stream sees everything before a step, as PCEN's smoother does, and looks ahead or forgets, so "
        "that no piece of a stream holds what it needs. Received: Endless. To stream, take a causal encoder, such as "
        "'tcn'."
    )


def test_a_stream_in_double_precision_is_as_exact_as_its_model() -> None:
    model = model_around(enliven(Strided(1)).double())
    model.network.double()
    x = series([90]).values[0]
    rows = rows_of(Stream(model, hop_length=3), x, [7])
    np.testing.assert_allclose(rows, expected_rows(model, x.astype(np.float64), 50, 3), atol=1e-12)


@pytest.mark.slow
def test_an_hour_of_sound_neither_drifts_nor_grows() -> None:
    # What the last window holds is compared with the network run once over the last four seconds.
    import resource

    model = model_around(enliven(Strided(7)), stem=Frames(1, 7, 2), n_channels=1, sample_rate=RATE)
    generator = np.random.default_rng(0)
    stream = Stream(model, window_length=RATE, hop_length=162)
    after_a_minute = 0
    tail = np.empty(0, np.float32)
    for second in range(3600):
        samples = generator.standard_normal(RATE).astype(np.float32) * (1e3 if second % 600 == 0 else 1.0)
        rows = stream.push(samples)
        tail = np.concatenate([tail, samples])[-4 * RATE :]
        if second == 60:
            after_a_minute = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - after_a_minute
    assert grown < 20_000  # kilobytes
    # A hop ends where the whole signal's does: drop what comes before a border of the tail's.
    skip = -(3600 * RATE - len(tail)) % 162
    expected = expected_rows(model, tail[None, skip:], RATE, 162)
    np.testing.assert_allclose(rows[-20:], expected[-20:], atol=1e-5)
