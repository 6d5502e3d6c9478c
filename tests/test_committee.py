"""A committee as a module."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqcnn.committee import Committee, blend
from seqcnn.encoders import FCN, Hydra
from seqcnn.heads import LinearHead
from seqcnn.layers.pooling import BinPool1d
from seqcnn.network import Network
from seqcnn.rebuilding import describe, rebuild
from seqcnn.stems import PassThrough


def make_network(seed: int, n_outputs: int = 3) -> Network:
    torch.manual_seed(seed)
    return Network(PassThrough(1), FCN(1, width=4), BinPool1d("mean"), LinearHead(4, n_outputs)).eval()


def make_committee(kind: str, weights: tuple[float, ...] = (3.0, 1.0)) -> Committee:
    members = nn.ModuleList(make_network(seed) for seed in range(len(weights)))
    return Committee(members, torch.tensor(weights), kind).eval()


X = torch.randn(5, 1, 30, generator=torch.Generator().manual_seed(0))


def test_a_softmax_of_the_scores_is_the_weighted_mean_of_the_members_probabilities():
    committee = make_committee("probabilities")
    first, second = (member(X).softmax(1) for member in committee)
    torch.testing.assert_close(committee(X).softmax(1), 0.75 * first + 0.25 * second)


def test_a_sigmoid_of_the_scores_of_labels_is_the_weighted_mean_of_the_members():
    committee = make_committee("labels")
    first, second = (member(X).sigmoid() for member in committee)
    torch.testing.assert_close(committee(X).sigmoid(), 0.75 * first + 0.25 * second)


def test_values_are_the_weighted_mean_of_the_members():
    committee = make_committee("values")
    first, second = (member(X) for member in committee)
    torch.testing.assert_close(committee(X), 0.75 * first + 0.25 * second)


@settings(deadline=None, max_examples=30)
@given(st.floats(-300, 300), st.floats(-300, 300), st.sampled_from(["probabilities", "labels"]))
def test_scores_stay_finite_however_sure_the_members_are(one, other, kind):
    scores = [torch.tensor([[one, -one]]), torch.tensor([[other, -other]])]
    blended = blend(scores, torch.tensor([0.5, 0.5]), kind)
    assert blended.isfinite().all()
    if min(one, other) > 0.01:
        assert blended[0, 0] > blended[0, 1]


def test_sharpness_moves_probabilities_but_not_which_is_largest():
    scores = [torch.tensor([[0.3, 0.1, -0.5]]), torch.tensor([[-0.2, 0.4, 0.0]])]
    plain, sharp = (blend(scores, torch.tensor([0.5, 0.5]), "probabilities", by).softmax(1) for by in (1.0, 3.0))
    assert plain.argmax() == sharp.argmax()
    assert sharp.max() > plain.max()


def test_a_committee_of_one_says_what_its_member_says():
    committee = make_committee("probabilities", (7.0,))
    torch.testing.assert_close(committee(X).softmax(1), next(iter(committee))(X).softmax(1))


def test_padding_changes_nothing():
    committee = make_committee("probabilities")
    padded = torch.cat([X, torch.zeros(5, 1, 12)], 2)
    torch.testing.assert_close(committee(padded, torch.full((5,), 30)), committee(X))


def test_features_stand_side_by_side():
    committee = make_committee("probabilities")
    features = committee.embed(X)
    assert features.shape == (5, committee.n_features)
    torch.testing.assert_close(features[:, :4], next(iter(committee)).embed(X))


def test_a_committee_needs_what_its_neediest_member_needs():
    hydra = Network(PassThrough(1), Hydra(1, n_groups=2), None, nn.Identity())
    committee = Committee(nn.ModuleList([make_network(0), hydra]), torch.ones(2), "values")
    assert committee.minimum_length == hydra.minimum_length > make_network(0).minimum_length
    assert not committee.knows_past


def test_a_committee_is_rebuilt_from_its_description():
    committee = make_committee("labels")
    copy = rebuild(describe(committee), lambda name: pytest.fail(name))
    copy.load_state_dict(committee.state_dict())
    torch.testing.assert_close(copy.eval()(X), committee(X))
    assert copy.blend == "labels"


@pytest.mark.slow
def test_a_committee_is_exported_with_any_batch_and_length(tmp_path):
    import onnxruntime

    committee = make_committee("probabilities")
    path = tmp_path / "committee.onnx"
    dynamic = {"x": {0: torch.export.Dim("batch"), 2: torch.export.Dim("time", min=4)}}
    torch.onnx.export(committee, (X,), path, dynamo=True, dynamic_shapes=dynamic, verbose=False)
    session = onnxruntime.InferenceSession(path)
    for x in (X, torch.randn(2, 1, 47)):
        (scores,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        torch.testing.assert_close(torch.from_numpy(scores), committee(x), atol=1e-5, rtol=1e-5)
