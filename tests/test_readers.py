"""Layers over little pieces in numpy give what torch gives for the whole."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from core_helpers import network_around, relative_error, small_encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqcnn.encoders import ENCODERS, SequenceEncoder
from seqcnn.front_ends import MFCC, PCEN, LogMel
from seqcnn.layers import Conv1d
from seqcnn.layers.blocks import ConvBlock, build_activation
from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.pooling import MaxPool1d
from seqcnn.layers.readers import Histories, History, activation_reader, multiply
from seqcnn.layers.tracing import trace_reader
from seqcnn.piecewise import Reach, ReadingEncoder, RememberingEncoder, build_piece_encoder
from seqcnn.stems import PassThrough

CAUSAL = {
    entry.build: name
    for name, entry in ENCODERS.items()
    if not entry.is_fixed and (entry.can_be_causal or small_encoder(name).causal)
}.values()
# What lies between their layers has no reader: branches side by side, norms over channels, repeated channels, filters.
WITHOUT = {"inception", "convnext", "m34-res", "sincnet", "td-filterbank"}
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-11}

cuts = st.lists(st.integers(0, 30), max_size=8)


def lively(module, seed=0):
    """Return a module in evaluation whose batch statistics are none of the defaults."""
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean = torch.randn(layer.running_mean.shape, generator=generator)
            layer.running_var = 0.5 + torch.rand(layer.running_var.shape, generator=generator)
            nn.init.uniform_(layer.weight, -1.5, 1.5, generator=generator)
    return module.eval()


def noise(channels, n_steps, dtype=torch.float32):
    return torch.randn(1, channels, n_steps, generator=torch.Generator().manual_seed(n_steps), dtype=dtype)


def read_in_pieces(read, x, sizes, stride=1):
    """Read pieces of so many strides each, and what is left behind the last; ``(1, channels, time)`` both ways."""
    ends = [min(end * stride, x.shape[2]) for end in np.cumsum([0, *sizes])]
    steps = x[0].T.numpy()
    bounds = zip(ends, [*ends[1:], len(steps)], strict=True)
    pieces = [read(steps[start:end].copy()) for start, end in bounds if end > start]
    return torch.from_numpy(np.concatenate(pieces).T)[None]


def build_encoder_reader(encoder, histories):
    if hasattr(encoder, "piece_reader"):
        return encoder.piece_reader(histories)
    return trace_reader(partial(encoder.encode, mask=None), encoder, histories)


@given(n_before=st.integers(0, 40), sizes=st.lists(st.integers(0, 150), min_size=1, max_size=8), seed=st.integers(0, 9))
def test_a_history_shows_every_step_behind_those_before_it_also_after_a_reset(n_before, sizes, seed):
    history = History(n_before, -1.0)
    for _ in range(2):
        steps = np.random.default_rng(seed).standard_normal((sum(sizes), 3))
        before = np.concatenate([np.full((n_before, 3), -1.0), steps])
        start = 0
        for size in sizes:
            windows = history.windows(steps[start : start + size], n_before + 1)
            assert windows.shape == (size, n_before + 1, 3)
            for row, window in enumerate(windows, start):
                assert np.array_equal(window, before[row : row + n_before + 1])
            start += size
        history.reset()


@settings(max_examples=60)
@given(
    sizes=cuts,
    kernel_size=st.integers(1, 6),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 4),
    groups=st.sampled_from([1, 2, 4]),
    multiple=st.integers(1, 2),
    bias=st.booleans(),
    dtype=st.sampled_from(list(TOLERANCES)),
)
def test_a_convolution_in_pieces_is_that_of_the_whole(
    sizes, kernel_size, stride, dilation, groups, multiple, bias, dtype
):
    layer = Conv1d(4, 4 * multiple, kernel_size, stride, "causal", dilation, groups, bias).to(dtype)
    x = noise(4, 60 * stride, dtype)
    read = layer.piece_reader(Histories())
    with torch.no_grad():
        assert relative_error(read_in_pieces(read, x, sizes, stride), layer(x)) < TOLERANCES[dtype]


def test_a_layer_that_looks_ahead_has_no_reader():
    assert Conv1d(1, 1, 3, padding="same").piece_reader(Histories()) is None
    assert Conv1d(1, 1, 3, padding=2).piece_reader(Histories()) is None
    assert Conv1d(1, 1, 3).piece_reader(Histories()) is None
    assert MaxPool1d(3, 2, centred=True).piece_reader(Histories()) is None
    assert MaxPool1d(3, 2).piece_reader(Histories()) is None
    assert ConvBlock(1, 1, 3).eval().piece_reader(Histories()) is None
    assert ConvBlock(1, 1, 3, padding="causal").eval().piece_reader(Histories()) is not None
    assert BatchNorm1d(2, affine=False).piece_reader(Histories()) is None


@pytest.mark.parametrize(
    "pool", [MaxPool1d(3), MaxPool1d(2, 3), MaxPool1d(4, 2, causal=True), MaxPool1d(5, 1, causal=True)]
)
@given(sizes=cuts)
def test_a_maximum_in_pieces_is_that_of_the_whole(pool, sizes):
    x = noise(3, 60 * pool.stride) - 5.0
    assert torch.equal(read_in_pieces(pool.piece_reader(Histories()), x, sizes, pool.stride), pool(x))


@pytest.mark.parametrize("name", ["relu", "relu6", "silu", "hardswish", "none"])
@pytest.mark.parametrize("pool", [1, 2])
@torch.no_grad()
def test_a_block_of_every_activation_is_read_as_it_is_computed(name, pool):
    block = lively(ConvBlock(3, 5, 4, padding="causal", pool=pool, activation=name))
    x = 3 * noise(3, 80)
    assert relative_error(read_in_pieces(block.piece_reader(Histories()), x, [4, 1, 9], 2), block(x)) < 1e-5


def test_extreme_numbers_overflow_in_no_activation():
    x = torch.tensor([-1e30, -1e4, -100.0, 0.0, 100.0, 1e4, 1e30])
    for name in ("relu", "relu6", "silu"):
        activation = build_activation(name)
        assert torch.allclose(torch.from_numpy(activation_reader(activation)(x.clone().numpy())), activation(x))
    assert activation_reader(nn.GELU()) is None


@pytest.mark.parametrize(("rows", "shape"), [(1, (3, 5)), (1, (200, 300)), (7, (200, 300))])
def test_products_little_and_large_are_the_same_numbers(rows, shape):
    generator = np.random.default_rng(0)
    left, right = generator.standard_normal((rows, shape[0])), generator.standard_normal(shape)
    assert np.allclose(multiply(left, right), left @ right, atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(CAUSAL) - WITHOUT))
@settings(max_examples=8, deadline=None)
@given(sizes=cuts, dtype=st.sampled_from(list(TOLERANCES)))
@torch.no_grad()
def test_an_encoder_read_in_pieces_gives_what_the_whole_gives(name, sizes, dtype):
    causal = {"causal": True} if ENCODERS[name].can_be_causal else {}
    encoder = lively(small_encoder(name, 8, **causal)).to(dtype)
    x = noise(8, min(60, 2 + 8192 // encoder.stride) * encoder.stride, dtype)
    whole, histories = encoder(x), Histories()
    read = build_encoder_reader(encoder, histories)
    for _ in range(2):
        assert relative_error(read_in_pieces(read, x, sizes, encoder.stride), whole) < TOLERANCES[dtype]
        histories.reset()


@pytest.mark.parametrize("name", sorted(WITHOUT))
@torch.no_grad()
def test_of_what_has_no_reader_none_is_made_up(name):
    assert build_encoder_reader(small_encoder(name, causal=True).eval(), Histories()) is None


@pytest.mark.parametrize("kind", [LogMel, MFCC, PCEN])
@pytest.mark.parametrize("hop_seconds", [0.01, 0.025])
@torch.no_grad()
def test_a_front_end_in_pieces_gives_what_the_whole_gives(kind, hop_seconds):
    front_end = kind(sample_rate=8000, n_bands=20, hop_seconds=hop_seconds)
    x = 0.1 * noise(1, 40 * front_end.stride)
    whole = front_end(x)
    begin_stream(front_end)
    read = read_in_pieces(front_end.piece_reader(Histories()), x, [1, 2, 7, 1], front_end.stride)
    end_stream(front_end)
    assert relative_error(read, whole) < 1e-5


class Odd(nn.Module):
    def __init__(self, work):
        super().__init__()
        self.first, self.work, self.drop = Conv1d(2, 2, 3, padding="causal"), work, nn.Dropout(0.5)

    def forward(self, x):
        return self.work(self, x)


@pytest.mark.parametrize(
    "work",
    [
        lambda module, x: F.relu(x) + x,
        lambda module, x: F.relu(module.drop(x)) + module.first(x),
        lambda module, x: (
            F.leaky_relu(module.first(x), 0.3).abs() + F.relu(module.drop(module.first(x)), inplace=False)
        ),
        lambda module, x: x,
    ],
)
@torch.no_grad()
def test_what_stands_between_layers_changes_nothing_that_is_still_needed(work):
    module = Odd(work).eval()
    x = noise(2, 20)
    kept = x.clone()
    read = trace_reader(module, module, Histories())
    once = torch.from_numpy(read(x[0].T.numpy()).T)[None]
    assert torch.equal(x, kept)
    assert relative_error(once, module(kept)) < 1e-5


@pytest.mark.parametrize(
    "work",
    [
        lambda module, x: x * 2,
        lambda module, x: x + 1,
        lambda module, x: torch.add(x, x, alpha=2),
        lambda module, x: x if x.sum() > 0 else -x,
        lambda module, x: x[..., : len(x)],
        lambda module, x: F.gelu(module.first(x)),
        lambda module, x: torch.zeros(1),
    ],
)
def test_of_an_operation_that_is_not_known_there_is_no_reader(work):
    module = Odd(work).eval()
    assert trace_reader(module, module, Histories()) is None


class Doubled(Conv1d):
    """Inherits a reader that does not say what it computes."""

    def forward(self, x):
        return 2 * super().forward(x)


class OneLayer(SequenceEncoder):
    in_channels, out_channels, stride, receptive_field, causal = 2, 2, 1, 3, True

    def __init__(self, kind):
        super().__init__()
        self.layer = kind(2, 2, 3, padding="causal")

    def encode(self, x, mask):
        return self.layer(x)


@pytest.mark.parametrize(("kind", "expected"), [(Conv1d, ReadingEncoder), (Doubled, RememberingEncoder)])
@torch.inference_mode()
def test_a_reader_is_taken_for_little_pieces_if_it_gives_what_the_network_gives(kind, expected):
    network = network_around(OneLayer(kind)).eval()
    x = noise(2, 30)
    whole = network.encode(x)
    encoder = build_piece_encoder(network, Reach(None, 0), 2, little_pieces=True)
    assert type(encoder) is expected
    for _ in range(2):
        pieces = [steps for part in torch.split(x, [1, 4, 25], 2) for steps in encoder.push(part)]
        assert relative_error(torch.cat(pieces, 2), whole) < 1e-5
        encoder.reset()
    assert type(build_piece_encoder(network, Reach(None, 0), 2)) is RememberingEncoder


def test_what_is_pushed_stays_what_it_was():
    rectifier = OneLayer(Conv1d)
    rectifier.layer = nn.ReLU()
    network = network_around(rectifier, stem=PassThrough(2)).eval()
    encoder = build_piece_encoder(network, Reach(None, 0), 2, little_pieces=True)
    assert type(encoder) is ReadingEncoder
    x = noise(2, 10)
    kept = x.clone()
    with torch.inference_mode():
        encoder.push(x)
    assert torch.equal(x, kept)
