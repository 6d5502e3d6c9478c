"""The contract of every encoder that is causal or can be: it reads a stream piece by piece as it reads the whole."""

import copy

import pytest
import torch
from core_helpers import relative_error, small_encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqcnn.encoders import ENCODERS, build_encoder
from seqcnn.layers.layout import override_path
from seqcnn.layers.memory import begin_stream, end_stream

# Two names for one network are tested once. An entry that is added is enrolled by its signature or its attribute.
DISTINCT = list({entry.build: name for name, entry in ENCODERS.items() if not entry.is_fixed}.values())
CAN_BE_CAUSAL = [name for name in DISTINCT if ENCODERS[name].can_be_causal]
IS_CAUSAL = [name for name in DISTINCT if name not in CAN_BE_CAUSAL and small_encoder(name).causal]
every_streaming = pytest.mark.parametrize("name", CAN_BE_CAUSAL + IS_CAUSAL)

TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-10}


def lively_encoder(name, in_channels=2, **options):
    encoder = small_encoder(name, in_channels, **options)
    for parameter_name, parameter in encoder.named_parameters():
        if parameter_name.endswith(".scale"):  # ConvNeXt's paths begin at a millionth, where nothing could be seen
            nn.init.constant_(parameter, 0.5)
    return encoder


def causal_encoder(name, in_channels=2, **options):
    return lively_encoder(name, in_channels, **({"causal": True} if name in CAN_BE_CAUSAL else {}), **options)


def read_in_pieces(encoder, x, sizes):
    """Encode pieces of so many strides each, from wherever the stream is, and what is left behind the last."""
    ends = [0]
    for size in sizes:
        ends.append(min(ends[-1] + size * encoder.stride, x.shape[2]))
    pieces = [x[..., start:end] for start, end in zip(ends, [*ends[1:], x.shape[2]], strict=True) if end > start]
    return torch.cat([encoder(piece) for piece in pieces], 2)


def noise(encoder, n_steps, seed=0, batch=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, encoder.in_channels, n_steps * encoder.stride, generator=generator, dtype=dtype)


def test_the_encoders_over_bands_and_those_over_waves_can_all_be_causal():
    names = [name for name in DISTINCT if ENCODERS[name].kind == "audio"]
    assert names
    assert set(names) <= set(CAN_BE_CAUSAL)
    assert "tcn" in IS_CAUSAL


@every_streaming
@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), max_size=12),
    n_steps=st.integers(1, 60),
    batch=st.integers(1, 2),
    dtype=st.sampled_from(list(TOLERANCES)),
    with_gradients=st.booleans(),
)
def test_pieces_of_any_number_of_strides_give_what_the_whole_gives(name, sizes, n_steps, batch, dtype, with_gradients):
    encoder = causal_encoder(name).to(dtype)
    n_steps = min(n_steps, 2 + 8192 // encoder.stride)
    x = noise(encoder, n_steps, n_steps, batch, dtype)
    with torch.set_grad_enabled(with_gradients):
        whole = encoder(x)
        begin_stream(encoder)
        assert relative_error(read_in_pieces(encoder, x, sizes), whole) < TOLERANCES[dtype]


@every_streaming
def test_a_stream_of_one_stride_at_a_time_is_the_whole_far_beyond_the_receptive_field(name):
    encoder = causal_encoder(name)
    n_steps = min(600, encoder.receptive_field // encoder.stride + 40)
    x = noise(encoder, n_steps)
    with torch.inference_mode():
        whole = encoder(x)
        begin_stream(encoder)
        assert relative_error(read_in_pieces(encoder, x, [1] * n_steps), whole) < 1e-5


@every_streaming
def test_a_stream_that_begins_again_knows_nothing_of_the_one_before(name):
    encoder = causal_encoder(name).double()
    first, second = noise(encoder, 9, 1, dtype=torch.float64), noise(encoder, 9, 2, dtype=torch.float64)
    with torch.no_grad():
        whole = encoder(second)
        for x in (first, second):
            begin_stream(encoder)
            streamed = read_in_pieces(encoder, x, [2, 1, 3])
        assert relative_error(streamed, whole) < 1e-10
        # Without a new beginning the past is still there, or the test above would say nothing.
        begin_stream(encoder)
        read_in_pieces(encoder, first, [2])
        assert relative_error(read_in_pieces(encoder, second, [2, 1, 3]), whole) > 1e-3


@every_streaming
def test_weights_that_changed_count_from_the_next_beginning_on(name):
    encoder, other = causal_encoder(name), causal_encoder(name, seed=1)
    x = noise(encoder, 6)
    with torch.no_grad():
        begin_stream(encoder)
        read_in_pieces(encoder, x, [1, 2])
        encoder.load_state_dict(other.state_dict())
        begin_stream(encoder)
        assert relative_error(read_in_pieces(encoder, x, [1, 2]), other(x)) < 1e-5


@every_streaming
def test_the_end_of_a_stream_leaves_the_encoder_as_it_was(name):
    encoder = causal_encoder(name)
    x = noise(encoder, 5)
    with torch.no_grad():
        before = encoder(x)
        state = copy.deepcopy(encoder.state_dict())
        begin_stream(encoder)
        read_in_pieces(encoder, x, [1, 2])
        end_stream(encoder)
        assert torch.equal(encoder(x), before)
    assert state.keys() == encoder.state_dict().keys()
    assert all(torch.equal(value, encoder.state_dict()[key]) for key, value in state.items())


@pytest.mark.parametrize("name", CAN_BE_CAUSAL)
def test_weights_go_from_a_causal_network_to_one_that_looks_ahead_and_back(name):
    causal, centred = causal_encoder(name).double(), lively_encoder(name).double()
    state = centred.state_dict()
    assert not centred.causal
    assert causal.causal
    causal.load_state_dict(state)
    assert causal.receptive_field == centred.receptive_field
    assert causal.output_lengths(torch.tensor(100)) == centred.output_lengths(torch.tensor(100))
    x = noise(causal, 40, dtype=torch.float64)
    with torch.no_grad():
        assert relative_error(causal(x), centred(x)) > 1e-3


@pytest.mark.parametrize("name", CAN_BE_CAUSAL)
def test_a_network_that_looks_ahead_refuses_to_read_a_stream(name):
    encoder = small_encoder(name)
    begin_stream(encoder)
    with pytest.raises(AssertionError, match="ahead"):
        encoder(noise(encoder, 4))


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_causal_is_true_or_false_and_nothing_else(value):
    with pytest.raises(TypeError) as error:
        build_encoder("matchboxnet", 40, {"causal": value}, caller="SeqCNNClassifier")
    assert str(error.value) == (
        f"The 'encoder__causal' parameter of SeqCNNClassifier must be True or False. Received: {value!r}. "
        "Pass encoder__causal=True or encoder__causal=False."
    )


def test_little_pieces_and_long_ones_can_follow_each_other_on_any_path():
    encoder = causal_encoder("matchboxnet", 40)
    x = noise(encoder, 700)
    for path in ("plain", "image", None):
        with torch.no_grad(), override_path(path):
            whole = encoder(x)
            begin_stream(encoder)
            assert relative_error(read_in_pieces(encoder, x, [2, 300, 1, 1, 250, 3]), whole) < 1e-5
            end_stream(encoder)


def test_a_stream_keeps_no_more_than_it_looks_back_at():
    encoder = causal_encoder("matchboxnet", 40)
    with torch.no_grad():
        begin_stream(encoder)
        encoder(noise(encoder, 5000))
    remembered = [module._past for module in encoder.modules() if getattr(module, "_past", None) is not None]
    assert remembered
    assert all(past.untyped_storage().nbytes() <= 8 * 4 * past.numel() for past in remembered)
