"""The contract of every encoder in the table: an entry that is added is enrolled in all of these tests."""

import copy
import pickle
import re
import sys

import numpy as np
import pytest
import torch
from core_helpers import network_around, padded, relative_error, small_encoder, store_of
from torch import nn

from seqcnn.encoders import ENCODERS, build_encoder, find_encoder, list_encoders
from seqcnn.inputs import Records
from seqcnn.training import TrainingSettings, local_seed, train

# Two names for one network ("vgg" and "vgg11") are tested once.
# Those of fixed kernels have a contract of their own (test_feature_encoders.py).
DISTINCT = list({entry.build: name for name, entry in ENCODERS.items() if not entry.is_fixed}.values())
every_encoder = pytest.mark.parametrize("name", DISTINCT)

# Where an encoder can look back only, that is another network.
CAN_BE_CAUSAL = [name for name in DISTINCT if ENCODERS[name].can_be_causal]
every_form = pytest.mark.parametrize(
    ("name", "options"),
    [
        *(pytest.param(name, {}, id=name) for name in DISTINCT),
        *(pytest.param(name, {"causal": True}, id=f"{name}, causal") for name in CAN_BE_CAUSAL),
    ],
)


def ragged_records(encoder, n_records=3, seed=0):
    """Return noise of unequal lengths, from the shortest that is allowed upwards."""
    generator = torch.Generator().manual_seed(seed)
    lengths = [encoder.stride * (row + 1) + 5 * row for row in range(n_records)]
    dtype = next(encoder.parameters()).dtype
    return [torch.randn(encoder.in_channels, n, generator=generator, dtype=dtype) for n in lengths]


@every_encoder
@pytest.mark.parametrize("in_channels", [1, 3])
def test_output_has_the_channels_and_time_steps_the_attributes_promise(name, in_channels):
    encoder = small_encoder(name, in_channels)
    assert encoder.in_channels == in_channels
    for n_timepoints in (encoder.stride, encoder.stride + 1, 3 * encoder.stride + 7):
        output = encoder(torch.randn(2, in_channels, n_timepoints))
        n_steps = int(encoder.output_lengths(torch.tensor(n_timepoints)))
        assert output.shape == (2, encoder.out_channels, n_steps)
        assert n_steps == -(-n_timepoints // encoder.stride)
        assert output.isfinite().all()


@every_form
def test_gradients_reach_exactly_the_receptive_field_and_never_the_future_of_a_causal_network(name, options):
    encoder = small_encoder(name, **options).double()
    stride, whole_record = encoder.stride, encoder.receptive_field is None
    span = 4 * stride + 5 if whole_record else encoder.receptive_field
    n_timepoints = span if whole_record else 2 * (span + stride)
    middle = n_timepoints // stride // 2
    touched = torch.zeros(n_timepoints, dtype=torch.bool)
    for seed in range(20):  # a maximum and a ReLU let through a part of the gradient only
        encoder = small_encoder(name, seed=seed, **options).double()
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(8, 1, n_timepoints, generator=generator, dtype=torch.float64).requires_grad_()
        output = encoder(x)[:, :, middle]
        output.backward(torch.randn(output.shape, generator=generator, dtype=torch.float64))
        touched |= (x.grad != 0).any(0)[0]
        if touched.sum() >= span:
            break
    places = touched.nonzero()[:, 0]
    first, last = int(places.min()), int(places.max())
    assert len(places) == last - first + 1 == span
    if not whole_record:  # which is seen to have an end on either side
        assert first > 0
        assert last < n_timepoints - 1
    assert encoder.causal == (last < (middle + 1) * stride)
    assert encoder.causal or not options


# An output that sees the whole record sees its ends, too.
SHIFTING = [name for name in DISTINCT if small_encoder(name).receptive_field is not None]


@pytest.mark.parametrize("name", SHIFTING)
def test_input_that_moves_by_a_stride_moves_the_output_by_a_step(name):
    encoder = small_encoder(name).double()
    steps = -(-encoder.receptive_field // encoder.stride) + 1  # what lies nearer to an end sees zeros beyond it
    x = torch.randn(2, 1, (2 * steps + 4) * encoder.stride, dtype=torch.float64)
    still, moved = encoder(x)[..., steps:-steps], encoder(x[..., encoder.stride :])[..., steps - 1 : -steps]
    assert still.shape[2] == 4
    assert still.std() > 0
    assert relative_error(moved, still) < 1e-10


@every_form
def test_a_record_gives_in_a_padded_batch_what_it_gives_alone(name, options):
    encoder = small_encoder(name, **options).double()
    records = ragged_records(encoder)
    batch, lengths = padded(records, records[-1].shape[1] + encoder.stride + 3)
    together = encoder(batch, lengths)
    for row, record in zip(together, records, strict=True):
        alone = encoder(record[None])[0]
        assert relative_error(row[:, : alone.shape[1]], alone) < 1e-10
        assert not row[:, alone.shape[1] :].any()


@every_form
def test_padding_further_changes_nothing_in_training_either(name, options):
    records = ragged_records(small_encoder(name, **options).double())
    outcomes = []
    for extra in (0, 50):
        encoder = small_encoder(name, **options).double().train()
        batch, lengths = padded(records, records[-1].shape[1] + extra)
        torch.manual_seed(0)  # for paths that are dropped at random
        output = encoder(batch, lengths)
        output.square().sum().backward()
        gradients = [parameter.grad for parameter in encoder.parameters()]
        outcomes.append([output[..., : int(encoder.output_lengths(lengths).max())], *encoder.buffers(), *gradients])
        behind = torch.arange(output.shape[2]) >= encoder.output_lengths(lengths)[:, None]
        assert not output.transpose(1, 2)[behind].any()
    for tight, wide in zip(*outcomes, strict=True):
        assert relative_error(wide, tight) < 1e-8


@every_encoder
def test_lengths_that_say_nothing_is_padded_change_nothing(name):
    for training in (False, True):
        encoder = small_encoder(name).double().train(training)
        x = torch.randn(3, 1, 2 * encoder.stride + 5, dtype=torch.float64)
        outputs = []
        for lengths in (None, torch.full((3,), x.shape[2])):
            torch.manual_seed(0)  # for paths that are dropped at random
            outputs.append(copy.deepcopy(encoder)(x, lengths))
        assert relative_error(*outputs) < 1e-8


@every_encoder
def test_eight_cases_can_be_learnt_by_heart(name):
    torch.manual_seed(0)
    encoder = small_encoder(name, width=8)
    # Enough steps behind the stride for normalization to tell training from noise.
    n_timepoints = max(32, 2 * encoder.stride, min(8 * encoder.stride, 512))
    generator = np.random.default_rng(0)
    values = [generator.standard_normal((1, n_timepoints)).astype(np.float32) for _ in range(8)]
    targets = torch.tensor([0, 1] * 4)
    settings = TrainingSettings(80, 8, learning_rate=0.02, weight_decay=0.0, n_iter_no_change=80)
    with local_seed(0, torch.device("cpu")):
        network = network_around(encoder)
        store = store_of(Records("series", values))
        loss = nn.CrossEntropyLoss(reduction="none")
        result = train(network, store, targets, torch.ones(8), loss, settings, generator=generator)
    assert result.history[-1]["train_loss"] < 0.1 < result.history[0]["train_loss"]
    with torch.no_grad():
        assert network(*store.batch(np.arange(8))).argmax(1).tolist() == targets.tolist()


@every_encoder
@pytest.mark.parametrize("remake", [copy.deepcopy, lambda encoder: pickle.loads(pickle.dumps(encoder))])
def test_copies_and_pickles_give_the_same_numbers(name, remake):
    encoder = small_encoder(name)
    x = torch.randn(2, 1, 2 * encoder.stride + 9)
    assert torch.equal(remake(encoder)(x), encoder(x))


@every_encoder
def test_a_state_dict_carries_everything_that_was_learnt(name):
    encoder, other = small_encoder(name, seed=0), small_encoder(name, seed=1)
    x = torch.randn(2, 1, 2 * encoder.stride + 9)
    assert not torch.equal(other(x), encoder(x))
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(other(x), encoder(x))


@every_encoder
def test_single_precision_is_close_to_double(name):
    encoder = small_encoder(name)
    x = torch.randn(2, 1, 2 * encoder.stride + 9)
    single, double = encoder(x), encoder.double()(x.double())
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    assert relative_error(single, double) < 1e-4


@every_encoder
@pytest.mark.parametrize("with_lengths", [False, True])
def test_training_works_in_mixed_precision(name, with_lengths):
    encoder = small_encoder(name).train()
    records = ragged_records(encoder)
    batch, lengths = padded(records, records[-1].shape[1])
    with torch.autocast("cpu", torch.bfloat16):
        output = encoder(batch, lengths if with_lengths else None)
    output.float().square().sum().backward()
    for parameter in encoder.parameters():
        assert parameter.grad.dtype == torch.float32
        assert parameter.grad.isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(pytest.param(name, {}, id=name) for name in DISTINCT),
        # A kernel that looks back is exported alike wherever it stands: those for microphones, and layers of their own.
        *(
            pytest.param(name, {"causal": True}, id=f"{name}, causal")
            for name in CAN_BE_CAUSAL
            if ENCODERS[name].reads == "bands" or name in ("sincnet", "td-filterbank", "inception", "m5")
        ),
    ],
)
def test_an_export_to_onnx_gives_equal_numbers_for_another_batch_and_length(name, options):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    encoder, dynamic = small_encoder(name, **options), torch.export.Dim.DYNAMIC
    traced = torch.randn(2, 1, 3 * encoder.stride + 16)
    program = torch.onnx.export(encoder, (traced,), dynamo=True, dynamic_shapes={"x": {0: dynamic, 2: dynamic}})
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for shape in ((1, 1, encoder.stride), (5, 1, 4 * encoder.stride + 33)):
        x = torch.randn(shape)
        (actual,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        assert relative_error(torch.from_numpy(actual), encoder(x)) < 1e-5


@every_encoder
def test_input_shorter_than_the_stride_is_refused_with_the_reason(name):
    encoder = small_encoder(name)
    with pytest.raises(ValueError) as error:
        encoder(torch.zeros(1, 1, encoder.stride - 1))
    assert str(error.value) == (
        f"{type(encoder).__name__} needs records of at least {encoder.stride} time steps, its stride. Received: "
        f"{encoder.stride - 1}. Pass longer records or take an encoder of a smaller stride."
    )


@every_encoder
@pytest.mark.parametrize("shape", [(2, 3, 4096), (2, 4096)])
def test_input_of_another_shape_is_refused_with_the_reason(name, shape):
    encoder = small_encoder(name, in_channels=2)
    with pytest.raises(ValueError) as error:
        encoder(torch.zeros(shape))
    assert str(error.value) == (
        f"{type(encoder).__name__} takes input of shape (batch, 2, time). Received: {shape}. "
        f"Pass three axes with 2 channels second."
    )


@every_encoder
def test_an_encoder_names_its_paper(name):
    encoder = small_encoder(name)
    docstrings = f"{type(encoder).__doc__} {sys.modules[type(encoder).__module__].__doc__}"
    assert re.search(r"arXiv \d{4}\.\d{4,5}|doi 10\.\d{4}", docstrings)


def test_encoders_are_listed_by_what_they_are_made_for():
    assert list_encoders() == list(ENCODERS)
    by_kind = [list_encoders(kind) for kind in ("series", "text", "audio")]
    assert all(by_kind)
    assert sorted(name for names in by_kind for name in names) == sorted(ENCODERS)


def test_an_unknown_kind_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError) as error:
        list_encoders("sereis")
    assert str(error.value) == (
        "The 'kind' parameter of list_encoders must be 'series', 'text', 'audio' or None. Received: 'sereis'. "
        "Did you mean 'series'? Pass one of the values named."
    )


@pytest.mark.parametrize(("name", "hint"), [("resnt", "Did you mean 'resnet'? "), ("xyz", "")])
def test_an_unknown_encoder_is_refused_with_the_nearest_one(name, hint):
    names = [repr(known) for known in ENCODERS]
    with pytest.raises(ValueError) as error:
        find_encoder(name, caller="SeqCNNClassifier")
    assert str(error.value) == (
        "The 'encoder' parameter of SeqCNNClassifier must be 'auto', a torch.nn.Module or one of "
        f"{', '.join(names[:-1])} or {names[-1]}. Received: {name!r}. {hint}list_encoders() shows the names."
    )


@pytest.mark.parametrize(
    ("wrong", "named", "hint"),
    [
        (["widht"], "'widht'", "Did you mean 'encoder__width'? "),
        (["widht", "widths"], "'widht' or 'widths'", "Did you mean 'encoder__width'? "),
        (["kernel_size", "bias"], "'kernel_size' or 'bias'", "Did you mean 'encoder__kernel_sizes'? "),
        (["bias"], "'bias'", ""),
    ],
)
def test_unknown_parameters_are_refused_all_at_once_with_the_nearest_ones(wrong, named, hint):
    with pytest.raises(ValueError) as error:
        build_encoder("resnet", 1, {"width": 8} | dict.fromkeys(wrong, 1), caller="SeqCNNClassifier")
    assert str(error.value) == (
        f"The encoder 'resnet' of SeqCNNClassifier has no parameter {named}. {hint}"
        "It takes encoder__width, encoder__kernel_sizes and encoder__causal."
    )


@every_encoder
def test_defaults_come_from_the_signature_and_parameters_reach_the_encoder(name):
    defaults = find_encoder(name, caller="SeqCNNClassifier").defaults
    built, default = (build_encoder(name, 2, options, caller="SeqCNNClassifier") for options in (defaults, {}))
    assert repr(built) == repr(default)
    narrower = {"width": defaults["width"] // 2}
    assert build_encoder(name, 2, narrower, caller="SeqCNNClassifier").out_channels < default.out_channels
