"""The contract of every encoder of fixed kernels in the table."""

import copy
import pickle
import re
import sys

import pytest
import torch
from core_helpers import padded, relative_error
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqcnn.encoders import ENCODERS, FeatureEncoder, Joined, build_encoder

FIXED = [*(name for name, entry in ENCODERS.items() if entry.is_fixed), "joined"]
SMALL = {
    "rocket": {"n_features": 500, "max_dilations": 4},
    "minirocket": {"n_features": 500},
    "multirocket": {"n_features": 2000},
    "hydra": {"n_groups": 4},
    "shapelets": {"n_shapelets": 400},
    "weasel": {"n_features": 640, "word_length": 5},
    "quant": {"depth": 4},
    "fourier": {"n_features": 300},
}
every_fixed_encoder = pytest.mark.parametrize("name", FIXED)


def records(in_channels=1, n_timepoints=60, n_records=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_records, in_channels, n_timepoints, generator=generator).cumsum(2)


def build(name, in_channels=1):
    if name == "joined":
        return Joined(nn.ModuleList(build(part, in_channels) for part in ("minirocket", "hydra")))
    return build_encoder(name, in_channels, SMALL[name], caller="SeqCNNClassifier")


def prepared(name, in_channels=1, n_timepoints=60, seed=0):
    encoder = build(name, in_channels)
    encoder.prepare(records(in_channels, n_timepoints), seed=seed)
    return encoder


@every_fixed_encoder
@pytest.mark.parametrize("in_channels", [1, 3])
def test_a_batch_becomes_as_many_features_as_the_encoder_says(name, in_channels):
    encoder = prepared(name, in_channels)
    assert isinstance(encoder, FeatureEncoder)
    for n_timepoints in (40, 60, 61, 90):
        features = encoder(records(in_channels, n_timepoints, seed=1))
        assert features.shape == (12, encoder.n_features)
        assert features.isfinite().all()
        assert not features.requires_grad
        assert features.std(0).max() > 0


@every_fixed_encoder
@settings(deadline=None, max_examples=10)
@given(
    lengths=st.lists(st.integers(1, 80), min_size=2, max_size=5),
    in_channels=st.integers(1, 3),
    extra=st.integers(0, 20),
    seed=st.integers(0, 2**16),
)
def test_records_of_any_lengths_give_together_what_each_gives_alone(name, lengths, in_channels, extra, seed):
    rows = [records(in_channels, length, 1, seed=seed + number)[0].double() for number, length in enumerate(lengths)]
    encoder = build(name, in_channels).double()
    batch, ends = padded(rows, max(encoder.minimum_length, *lengths) + extra)
    # Of other records, lest a threshold be exactly what a step of these answers.
    encoder.prepare(*padded(records(in_channels, 40, 6, seed=seed + 9).double().unbind(), 40), seed=seed)
    together = encoder(batch, ends)
    assert together.isfinite().all()
    for features, row in zip(together, rows, strict=True):
        alone = encoder(*padded([row], max(encoder.minimum_length, row.shape[1])))
        assert relative_error(features[None], alone) < 1e-9


@every_fixed_encoder
def test_what_is_exported_is_what_is_run(name):
    encoder = prepared(name, in_channels=2).double()
    for n_timepoints in (12, 33, 60, 91):
        x = records(2, n_timepoints, seed=3).double()
        assert relative_error(encoder._trace(x), encoder(x)) < 1e-10


@every_fixed_encoder
def test_single_precision_is_close_to_double(name):
    encoder, x = prepared(name), records(seed=1)
    # A step whose response lies within rounding of a bias may fall on either side of it.
    differences = (encoder(x) - encoder.double()(x.double())).abs()
    assert float(differences.mean()) < 1e-3 * float(encoder(x.double()).abs().mean())


@every_fixed_encoder
@pytest.mark.parametrize("remake", [copy.deepcopy, lambda encoder: pickle.loads(pickle.dumps(encoder))])
def test_copies_and_pickles_give_the_same_numbers(name, remake):
    encoder, x = prepared(name), records(seed=1)
    assert torch.equal(remake(encoder)(x), encoder(x))


@every_fixed_encoder
def test_a_state_dict_prepares_another_encoder_of_the_same_settings(name):
    encoder, x = prepared(name), records(seed=1)
    other = build(name)
    assert not other.is_prepared
    other.load_state_dict(encoder.state_dict())
    assert other.is_prepared
    assert torch.equal(other(x), encoder(x))


@every_fixed_encoder
def test_the_same_seed_gives_the_same_features_and_another_one_others(name):
    x = records(seed=1)
    first, again, other = (prepared(name, seed=seed)(x) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (name == "quant")  # which leaves nothing to chance


@every_fixed_encoder
def test_an_encoder_that_was_not_prepared_says_what_to_do(name):
    encoder = build(name)
    with pytest.raises(RuntimeError) as error:
        encoder(records())
    assert str(error.value) == (
        f"{type(encoder).__name__} takes {encoder.taken} from training records first. Received: a batch before any. "
        f"Call prepare(x), or load a state dict."
    )


@every_fixed_encoder
def test_input_too_short_or_of_another_shape_is_refused_with_the_reason(name):
    encoder = prepared(name, in_channels=2)
    kind = type(encoder).__name__
    with pytest.raises(ValueError) as error:
        encoder(torch.zeros(1, 2, encoder.minimum_length - 1))
    assert str(error.value) == (
        f"{kind} needs records of at least {encoder.minimum_length} time steps, {encoder.minimum_reason}. Received: "
        f"{encoder.minimum_length - 1}. Pass longer records or take another encoder, such as FCN."
    )
    for shape in ((2, 3, 60), (2, 60)):
        with pytest.raises(ValueError) as error:
            encoder(torch.zeros(shape))
        assert str(error.value) == (
            f"{kind} takes input of shape (batch, 2, time). Received: {shape}. Pass three axes with 2 channels second."
        )


@every_fixed_encoder
def test_an_encoder_names_its_paper(name):
    kind = type(prepared(name))
    assert re.search(r"arXiv \d{4}\.\d{4,5}", f"{kind.__doc__} {sys.modules[kind.__module__].__doc__}")


@pytest.mark.slow
@every_fixed_encoder
@pytest.mark.parametrize("in_channels", [1, 3])
def test_an_export_to_onnx_gives_equal_numbers_for_another_batch_and_length(name, in_channels):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    encoder, dynamic = prepared(name, in_channels).eval(), torch.export.Dim.DYNAMIC
    traced = records(in_channels)
    program = torch.onnx.export(encoder, (traced,), dynamo=True, dynamic_shapes={"x": {0: dynamic, 2: dynamic}})
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for n_records, n_timepoints in ((2, 60), (1, 60), (5, 91), (3, 33)):
        x = records(in_channels, n_timepoints, n_records, seed=2)
        (actual,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        # A step whose response lies within rounding of a bias may fall on either side of it.
        unequal = (torch.from_numpy(actual) - encoder(x)).abs() > 1e-3 * encoder(x).abs().clamp_min(1.0)
        assert float(unequal.float().mean()) < 1e-3
