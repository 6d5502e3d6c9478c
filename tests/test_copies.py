"""Copies of a network side by side: each gives, and learns, what it would alone."""

import json

import numpy as np
import pytest
import torch
from core_helpers import padded, relative_error, series, small_encoder, store_of
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqcnn.cost import count_multiply_accumulates
from seqcnn.encoders import LITE, HInception, Inception, LeNet
from seqcnn.encoders.lite import HandcraftedFilters
from seqcnn.heads import CopiesHead, LinearHead
from seqcnn.inference import run_network
from seqcnn.layers import BinPool1d
from seqcnn.layers.layout import override_path
from seqcnn.layers.memory import begin_stream
from seqcnn.losses import cross_entropy
from seqcnn.network import Network
from seqcnn.rebuilding import describe, rebuild
from seqcnn.stems import PassThrough
from seqcnn.training import TrainingSettings, train

encoders = st.sampled_from(["lite", "inception", "h-inception", "lenet"])


def copy_of(state, position, n_copies):
    """Return the share of one copy in everything that copies hold side by side."""
    return {name: value.chunk(n_copies)[position] if value.ndim else value for name, value in state.items()}


def alone(encoder, name, **options):
    """Return the copies of an encoder as encoders of their own, in its mode and precision."""
    singles = []
    for position in range(encoder.n_copies):
        single = small_encoder(name, encoder.in_channels, **options).to(next(encoder.parameters()).dtype)
        single.load_state_dict(copy_of(encoder.state_dict(), position, encoder.n_copies))
        singles.append(single.train(encoder.training))
    return singles


def gradients_and_buffers(encoder, position=0, n_copies=1):
    state = {name: parameter.grad for name, parameter in encoder.named_parameters()} | dict(encoder.named_buffers())
    state.pop("first.handcrafted.bank", None)
    return copy_of(state, position, n_copies)


@settings(deadline=None, max_examples=30)
@given(
    name=encoders,
    in_channels=st.integers(1, 3),
    n_copies=st.integers(2, 4),
    lengths=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    with_lengths=st.booleans(),
    training=st.booleans(),
    double=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_copies_side_by_side_give_what_each_gives_alone_and_so_do_their_gradients(
    name, in_channels, n_copies, lengths, with_lengths, training, double, seed
):
    generator = torch.Generator().manual_seed(seed)
    dtype, tolerance = (torch.float64, 1e-9) if double else (torch.float32, 2e-3)
    records = [torch.randn(in_channels, length, generator=generator, dtype=dtype) for length in lengths]
    x, lengths = padded(records, max(lengths) + 3)
    lengths = lengths if with_lengths else None
    encoder = small_encoder(name, in_channels, n_copies=n_copies, seed=seed % 1000).to(dtype).train(training)
    singles = alone(encoder, name)
    together = encoder(x, lengths)
    wanted = torch.randn(together.shape, generator=generator, dtype=dtype)
    together.backward(wanted)
    assert encoder.out_channels == together.shape[1] == n_copies * singles[0].out_channels
    for position, single in enumerate(singles):
        output = single(x, lengths)
        output.backward(wanted.chunk(n_copies, 1)[position])
        assert relative_error(together.chunk(n_copies, 1)[position], output) < tolerance
        own = gradients_and_buffers(encoder, position, n_copies)
        for what, expected in gradients_and_buffers(single).items():
            assert relative_error(own[what], expected) < tolerance, what


@pytest.mark.parametrize("name", ["lite", "inception", "h-inception", "lenet"])
@pytest.mark.parametrize("in_channels", [1, 2])
@pytest.mark.parametrize("with_lengths", [False, True])
def test_copies_without_gradients_give_what_each_gives_alone(name, in_channels, with_lengths):
    encoder = small_encoder(name, in_channels, n_copies=3)
    x, lengths = padded([torch.randn(in_channels, n) for n in (30, 12)], 33)
    lengths = lengths if with_lengths else None
    with torch.inference_mode():
        expected = torch.cat([single(x, lengths) for single in alone(encoder, name)], 1)
        assert relative_error(encoder(x, lengths), expected) < 1e-5
        with override_path("plain"):
            assert relative_error(encoder(x, lengths), expected) < 1e-5


@pytest.mark.parametrize("name", ["lite", "inception", "h-inception", "lenet"])
def test_copies_can_be_trained_in_mixed_precision(name):
    encoder = small_encoder(name, n_copies=3).train()
    with torch.autocast("cpu", torch.bfloat16):
        output = encoder(torch.randn(4, 1, 50))
    output.float().square().sum().backward()
    for parameter in encoder.parameters():
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("build", [LITE, Inception, HInception, LeNet])
def test_one_copy_is_the_network_itself(build):
    torch.manual_seed(0)
    plain = build(2)
    torch.manual_seed(0)
    one = build(2, n_copies=1)
    assert plain.state_dict().keys() == one.state_dict().keys()
    assert all(torch.equal(*pair) for pair in zip(plain.state_dict().values(), one.state_dict().values(), strict=True))
    assert build(2, n_copies=3).receptive_field == plain.receptive_field
    counts = [sum(p.numel() for p in encoder.parameters()) for encoder in (plain, build(2, n_copies=3))]
    assert counts[1] == 3 * counts[0]


@pytest.mark.parametrize("in_channels", [1, 3])
def test_copies_cost_as_much_as_they_would_alone_but_for_what_they_share(in_channels):
    one, three = (count_multiply_accumulates(Inception(in_channels, width=4, n_copies=n), 60) for n in (1, 3))
    assert three == 3 * one
    handcrafted = 60 * in_channels * HandcraftedFilters().bank.numel()
    for build in (LITE, HInception):
        one, three = (count_multiply_accumulates(build(in_channels, width=4, n_copies=n), 60) for n in (1, 3))
        assert three - handcrafted == 3 * (one - handcrafted)


@pytest.mark.parametrize("in_channels", [1, 2])
def test_causal_copies_read_a_stream_as_they_read_the_whole(in_channels):
    encoder = small_encoder("inception", in_channels, n_copies=3, causal=True)
    x = torch.randn(1, in_channels, 70)
    with torch.inference_mode():
        whole = encoder(x)
        begin_stream(encoder)
        pieces = [encoder(piece) for piece in x.split([1, 30, 2, 37], 2)]
    assert relative_error(torch.cat(pieces, 2), whole) < 1e-5


def test_copies_start_as_different_networks():
    first, second = (copy_of(LITE(1, n_copies=2).state_dict(), position, 2) for position in range(2))
    kernels = [name for name, value in first.items() if value.ndim == 3]
    assert kernels
    assert not any(torch.equal(first[name], second[name]) for name in kernels)


@pytest.mark.parametrize("build", [LITE, Inception, HInception, LeNet])
def test_a_number_of_copies_that_makes_no_network_is_refused(build):
    with pytest.raises(ValueError) as error:
        build(1, n_copies=0)
    assert str(error.value) == (
        f"The 'n_copies' parameter of {build.__name__} must be an integer of at least 1. Received: 0. "
        "Pass n_copies=1 or more."
    )


def heads_alone(head):
    """Return the dense layers of a head's copies as heads of their own."""
    singles = []
    for position in range(head.n_copies):
        single = LinearHead(head.dense.in_features, head.dense.out_features // head.n_copies)
        single.dense.load_state_dict(copy_of(head.dense.state_dict(), position, head.n_copies))
        singles.append(single)
    return singles


@settings(deadline=None, max_examples=30)
@given(
    output=st.sampled_from(["probabilities", "labels", "values"]),
    n_copies=st.integers(1, 4),
    n_outputs=st.integers(1, 3),
    n_shared=st.integers(0, 2),
    scale=st.floats(0.1, 30.0),
)
def test_the_head_of_copies_is_a_head_each_and_answers_with_their_mean(output, n_copies, n_outputs, n_shared, scale):
    head = CopiesHead(4 * n_copies + n_shared, n_outputs, n_copies=n_copies, n_shared=n_shared, output=output)
    own, shared = scale * torch.randn(5, n_copies, 4), torch.randn(5, n_shared)
    features = torch.cat([own.flatten(1), shared], 1)
    expected = [single(torch.cat([own[:, k], shared], 1)) for k, single in enumerate(heads_alone(head))]
    assert relative_error(head.train()(features), torch.stack(expected, 1)) < 1e-5
    assert torch.equal(head.apart(features), head(features))
    answers = {
        "probabilities": lambda scores: scores.softmax(-1),
        "labels": torch.sigmoid,
        "values": lambda scores: scores,
    }[output]
    mean = torch.stack([answers(scores) for scores in expected]).mean(0)
    assert relative_error(answers(head.eval()(features)), mean) < 1e-5


def test_the_answer_of_many_labels_is_exact_where_probabilities_round_to_one():
    head = CopiesHead(2, 1, n_copies=2, output="labels")
    assert head.combine(torch.tensor([[[200.0], [200.0]], [[-90.0], [-90.0]]])).flatten().tolist() == [200.0, -90.0]


def test_the_head_of_copies_answers_in_the_targets_units_in_full_precision():
    center, scale = torch.tensor([1e6, 0.0], dtype=torch.float64), torch.tensor([2.0, 1.0], dtype=torch.float64)
    head = CopiesHead(6, 2, n_copies=3, output="values", center=center, scale=scale).float()
    features = torch.randn(4, 6)
    raw = torch.stack([single(features[:, 2 * k : 2 * k + 2]) for k, single in enumerate(heads_alone(head))], 1)
    expected = raw.double() * scale + center
    assert head.eval()(features).dtype == torch.float64
    assert relative_error(head(features), expected.mean(1)) < 1e-12
    assert relative_error(head.apart(features), expected) < 1e-12


def test_the_head_of_copies_is_rebuilt_from_its_description():
    head = CopiesHead(8, 2, n_copies=3, output="values", n_shared=2, dropout=0.25, scale=torch.ones(2).double())
    again = rebuild(json.loads(json.dumps(describe(head))), stand_in=lambda name: nn.Identity())
    again.load_state_dict(head.state_dict())
    features = torch.randn(4, 8)
    assert torch.equal(again.eval()(features), head.eval()(features))


def network_of_copies(n_copies=3, n_outputs=2, n_bins=2, name="lite", seed=0, output="probabilities", **options):
    encoder = small_encoder(name, n_copies=n_copies, seed=seed, **options)
    head = CopiesHead(encoder.out_channels * n_bins, n_outputs, n_copies=n_copies, output=output)
    return Network(PassThrough(encoder.in_channels), encoder, BinPool1d("mean", n_bins), head).eval()


def networks_alone(network, name="lite"):
    heads = heads_alone(network.head)
    encoders = alone(network.encoder, name)
    return [
        Network(PassThrough(1), encoder, BinPool1d("mean", network.pooling.n_bins), head).eval()
        for encoder, head in zip(encoders, heads, strict=True)
    ]


@pytest.mark.parametrize("n_bins", [1, 3])
@pytest.mark.parametrize("name", ["lite", "inception", "h-inception", "lenet"])
def test_a_network_of_copies_answers_with_the_mean_of_networks(name, n_bins):
    network = network_of_copies(name=name, n_bins=n_bins)
    store = store_of(series([20, 33, 27]))
    scores = [torch.from_numpy(run_network(single, store)) for single in networks_alone(network, name)]
    mean = torch.stack(scores).softmax(-1).mean(0)
    assert relative_error(torch.from_numpy(run_network(network, store)).exp(), mean) < 1e-5


def test_copies_that_learn_everything_learn_what_each_would_alone():
    network = network_of_copies(n_bins=2).double()
    store = store_of(series([24] * 12), dtype=torch.float64)
    singles = [single.double() for single in networks_alone(network)]
    training = TrainingSettings(4, 12, 0.01, 0.01, n_iter_no_change=None, max_gradient_norm=1e9)
    losses = []
    for learner in (network, *singles):
        arguments = (torch.arange(12) % 2, torch.ones(12), cross_entropy(), training)
        result = train(learner, store, *arguments, generator=np.random.default_rng(0))
        losses.append(result.history[-1]["train_loss"])
    assert losses[0] == pytest.approx(np.mean(losses[1:]), rel=1e-6)
    for position, single in enumerate(singles):
        own = copy_of(network.state_dict(), position, 3)
        for name, expected in single.state_dict().items():
            assert relative_error(own[name], expected) < 1e-6, name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lite", "inception", "h-inception", "lenet"])
@pytest.mark.parametrize("output", ["probabilities", "labels"])
def test_a_network_of_copies_is_exported_to_onnx(name, output):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    network, dynamic = network_of_copies(name=name, n_bins=2, output=output), torch.export.Dim.DYNAMIC
    shapes = {"x": {0: dynamic, 2: dynamic}}
    program = torch.onnx.export(network, (torch.randn(2, 1, 70),), dynamo=True, dynamic_shapes=shapes)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for shape in ((1, 1, 30), (5, 1, 120)):
        x = torch.randn(shape)
        (actual,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        assert relative_error(torch.from_numpy(actual), network(x)) < 1e-4
