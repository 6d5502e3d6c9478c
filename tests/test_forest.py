"""A forest as tensors, against scikit-learn's, and how it is grown."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import sklearn.ensemble
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from seqcnn.encoders import Quant
from seqcnn.forest import ForestHead, Trees
from seqcnn.growing import deal, flatten, grow_head, join
from seqcnn.network import Network
from seqcnn.stems import PassThrough


def answers_of(head: ForestHead, features: np.ndarray) -> np.ndarray:
    return head.ask_each(torch.from_numpy(features), 1)[:, 0].numpy()


def data(n_records: int, n_features: int, seed: int) -> tuple[np.random.Generator, np.ndarray]:
    generator = np.random.default_rng(seed)
    # Some numbers that are equal, so that leaves are mixed and thresholds lie between near ones.
    return generator, generator.normal(size=(n_records, n_features)).round(1).astype(np.float32)


@given(
    st.integers(2, 60),
    st.integers(1, 6),
    st.integers(2, 5),
    st.sampled_from([None, 1, 4]),
    st.integers(1, 7),
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_a_forest_of_classes_answers_as_scikit_learn_does(
    n_records: int, n_features: int, n_classes: int, depth: int | None, n_trees: int, seed: int
) -> None:
    generator, features = data(n_records, n_features, seed)
    y = np.append(np.arange(n_classes), generator.integers(0, n_classes, n_records))[:n_records]
    weights = generator.integers(1, 4, n_records).astype(float)
    forest = ExtraTreesClassifier(n_trees, max_depth=depth, random_state=seed).fit(features, y, weights)
    trees = flatten([tree.tree_ for tree in forest.estimators_], "probabilities")
    head = ForestHead(n_features, len(forest.classes_), means="probabilities")
    head.plant(trees)
    new = np.concatenate([features, data(50, n_features, seed + 1)[1]])
    np.testing.assert_allclose(answers_of(head, new), forest.predict_proba(new), atol=1e-6)
    assert head(torch.from_numpy(new)).isfinite().all()


@given(st.integers(2, 60), st.integers(1, 4), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_a_forest_of_numbers_answers_as_scikit_learn_does(n_records: int, n_targets: int, seed: int) -> None:
    generator, features = data(n_records, 3, seed)
    targets = generator.normal(size=(n_records, n_targets))
    forest = ExtraTreesRegressor(5, random_state=seed).fit(features, targets if n_targets > 1 else targets[:, 0])
    head = ForestHead(3, n_targets, means="values")
    head.plant(flatten([tree.tree_ for tree in forest.estimators_], "values"))
    np.testing.assert_allclose(
        answers_of(head, features), forest.predict(features).reshape(n_records, n_targets), atol=1e-5
    )
    labels = (targets > 0).astype(float)
    forest = ExtraTreesRegressor(5, min_samples_leaf=3).fit(features, labels if n_targets > 1 else labels[:, 0])
    head = ForestHead(3, n_targets, means="labels")
    head.plant(flatten([tree.tree_ for tree in forest.estimators_], "labels"))
    np.testing.assert_allclose(
        answers_of(head, features), forest.predict(features).reshape(n_records, n_targets), atol=1e-6
    )


def test_numbers_at_a_threshold_go_the_same_way() -> None:
    features = np.float32([[1.0], [1.0 + 2**-21]])
    for seed in range(20):
        forest = ExtraTreesClassifier(1, random_state=seed).fit(features, [0, 1])
        head = ForestHead(1, 2, means="probabilities")
        head.plant(flatten([forest.estimators_[0].tree_], "probabilities"))
        np.testing.assert_array_equal(answers_of(head, features), np.eye(2))


def network_of(n_features: int, head: ForestHead) -> Network:
    return Network(PassThrough(1), Quant(1), None, head)


def signs(y: np.ndarray, n_classes: int) -> torch.Tensor:
    return torch.from_numpy(2.0 * np.eye(n_classes)[y] - 1)


@pytest.mark.parametrize("n_records", [80, 330])  # grown once more from all, and the mean of parts
def test_what_a_head_says_of_left_out_records_is_said_by_trees_that_have_not_seen_them(n_records: int) -> None:
    generator, features = data(n_records, 6, 0)
    y = generator.integers(0, 2, n_records)  # noise: what has seen a record knows its class, and nothing else does
    head = ForestHead(6, 2, means="probabilities")
    solution = grow_head(network_of(6, head), torch.from_numpy(features), signs(y, 2), torch.ones(n_records))
    torch.testing.assert_close(head(torch.from_numpy(features)), solution.outputs)
    assert len(head.roots) == 200
    assert (solution.outputs.argmax(1).numpy() == y).mean() > 0.95
    assert abs((solution.left_out.argmax(1).numpy() == y).mean() - 0.5) < 0.2


def test_a_group_is_left_out_together() -> None:
    generator, features = data(30, 6, 1)
    groups, y = np.repeat(np.arange(30), 4), generator.integers(0, 2, 30)
    four = torch.from_numpy(np.repeat(features, 4, axis=0))
    rights = []
    for together in (groups, None):
        head = ForestHead(6, 2, means="probabilities")
        solution = grow_head(network_of(6, head), four, signs(y[groups], 2), torch.ones(120), groups=together)
        rights.append((solution.left_out.argmax(1).numpy() == y[groups]).mean())
    assert rights[0] < 0.8
    assert rights[1] > 0.95


@pytest.mark.parametrize("n_records", [1, 2, 3, 7, 11])
def test_few_records_make_fewer_parts(n_records: int) -> None:
    generator, features = data(n_records, 4, 2)
    head = ForestHead(4, 3, means="probabilities")
    y = generator.integers(0, 3, n_records)
    solution = grow_head(
        network_of(4, head), torch.from_numpy(features), signs(y, 3), torch.ones(n_records), n_trees=40
    )
    assert solution.left_out.shape == solution.outputs.shape == (n_records, 3)
    assert solution.left_out.isfinite().all()
    assert len(head.roots) == 40


def test_weights_count() -> None:
    features = torch.zeros(40, 1)  # nothing to tell the records apart
    y, weights = np.repeat([0, 1], 20), torch.from_numpy(np.repeat([1.0, 3.0], 20))
    head = ForestHead(1, 2, means="probabilities")
    grow_head(network_of(1, head), features, signs(y, 2), weights)
    np.testing.assert_allclose(answers_of(head, features.numpy()), np.tile([0.25, 0.75], (40, 1)), atol=1e-6)


def test_a_class_without_records_is_unlikely_and_not_impossible() -> None:
    _, features = data(20, 3, 3)
    head = ForestHead(3, 3, means="probabilities")
    solution = grow_head(network_of(3, head), torch.from_numpy(features), signs(np.tile([0, 2], 10), 3), torch.ones(20))
    assert solution.outputs.isfinite().all()
    assert (solution.outputs[:, 1] == solution.outputs.min(1).values).all()


def test_numbers_beyond_all_bounds_are_large() -> None:
    features = torch.tensor([[torch.inf], [1.0], [-torch.inf], [torch.nan]] * 10)
    y = np.tile([0, 1, 2, 2], 10)
    head = ForestHead(1, 3, means="probabilities")
    solution = grow_head(network_of(1, head), features, signs(y, 3), torch.ones(40))
    # A threshold between a number and infinity is nearly never a small one: infinities are what can be told.
    assert (solution.outputs.argmax(1).numpy() == y)[y != 1].all()


@pytest.mark.parametrize(
    ("most_work", "n_trees", "n_features"), [(1e30, 40, 6), (0.6 * 60 * 6 * 40, 20, 6), (0, 20, 2)]
)
def test_of_many_rows_and_features_half_the_trees_look_at_fewer_features(
    most_work: float, n_trees: int, n_features: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqcnn.growing._MOST_WORK", most_work)
    monkeypatch.setattr("seqcnn.growing._MOST_ROWS", 60)
    monkeypatch.setattr("seqcnn.growing._SHARE_OF_FEATURES", 1.0)
    looked_at, grow = [], sklearn.ensemble.ExtraTreesClassifier

    def watch(*arguments: Any, max_features: float, **options: Any) -> Any:
        looked_at.append(round(6 * max_features))
        return grow(*arguments, max_features=max_features, **options)

    monkeypatch.setattr(sklearn.ensemble, "ExtraTreesClassifier", watch)
    generator = np.random.default_rng(0)
    features, y = generator.normal(size=(400, 6)).astype(np.float32), generator.integers(0, 2, 400)
    head = ForestHead(6, 2, means="probabilities")
    grow_head(network_of(6, head), torch.from_numpy(features), signs(y, 2), torch.ones(400), n_trees=40)
    assert len(head.roots) == n_trees
    assert set(looked_at) == {n_features}


def test_trees_of_many_records_are_grown_from_some_of_them_and_answers_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("seqcnn.growing._MOST_ROWS", 64)
    monkeypatch.setattr("seqcnn.growing._MOST_ANSWERS", 40 * 64 // 4)
    generator, features = data(500, 1, 4)
    head = ForestHead(1, 1, means="values")
    targets = torch.from_numpy(features + 0.1 * generator.normal(size=(500, 1)))
    solution = grow_head(network_of(1, head), torch.from_numpy(features), targets, torch.ones(500), n_trees=40)
    assert len(head.values) <= 40 * 64 // 4
    assert (solution.left_out - targets).square().mean() < 0.5 * targets.square().mean()


@given(st.integers(1, 50), st.integers(1, 10), st.booleans(), st.integers(0, 99))
def test_parts_are_even_in_every_class_and_keep_groups_whole(n: int, n_parts: int, grouped: bool, seed: int) -> None:
    generator = np.random.default_rng(seed)
    keys = generator.integers(0, 3, n)
    groups = np.arange(n) // 3 if grouped else None
    if grouped:
        keys = keys[np.arange(n) // 3 * 3]
    part = deal(keys, groups, n_parts, generator)
    units = np.unique(groups, return_index=True)[1] if grouped else np.arange(n)
    assert part.max() + 1 == min(n_parts, len(units))
    if grouped:
        assert (part == part[units][groups]).all()
    for key in np.unique(keys):
        counts = np.bincount(part[units][keys[units] == key], minlength=part.max() + 1)
        assert counts.max() - counts.min() <= 1


def test_a_state_dict_and_a_copy_carry_the_trees() -> None:
    generator, features = data(50, 4, 5)
    head = ForestHead(4, 2, means="probabilities")
    x = torch.from_numpy(features)
    grow_head(network_of(4, head), x, signs(generator.integers(0, 2, 50), 2), torch.ones(50), n_trees=20)
    other = ForestHead(4, 2, means="probabilities")
    other.load_state_dict(head.state_dict())
    for remade in (other, copy.deepcopy(head), copy.deepcopy(head).double()):
        torch.testing.assert_close(remade(x), head(x), check_dtype=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"child": torch.tensor([0, 1, 2])},  # a root that is a leaf and has a threshold
        {"child": torch.tensor([2, 1, 2])},  # a right child beyond the last node
        {"feature": torch.tensor([4, 0, 0])},
        {"answer": torch.tensor([0, 2, 0])},
        {"roots": torch.tensor([3])},
        {"answer": torch.tensor([0, 0])},
    ],
)
def test_trees_that_do_not_fit_together_are_refused(wrong: dict[str, torch.Tensor]) -> None:
    right = Trees(
        torch.tensor([0]),
        torch.tensor([0, 0, 0]),
        torch.tensor([0.5, torch.inf, torch.inf]),
        torch.tensor([1, 1, 2]),
        torch.tensor([0, 0, 1]),
        torch.eye(2),
    )
    ForestHead(2, 2, means="probabilities").plant(join([right, right]))
    with pytest.raises(ValueError) as error:
        ForestHead(2, 2, means="probabilities").plant(right._replace(**wrong))
    assert str(error.value) == "the trees of a ForestHead do not fit together"


@pytest.mark.slow
def test_an_export_to_onnx_gives_equal_numbers() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    generator, features = data(80, 6, 0)
    head = ForestHead(6, 3, means="probabilities").eval()
    x = torch.from_numpy(features)
    grow_head(network_of(6, head), x, signs(generator.integers(0, 3, 80), 3), torch.ones(80))
    program = torch.onnx.export(head, (x,), dynamo=True, dynamic_shapes={"features": {0: torch.export.Dim.DYNAMIC}})
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for n_records in (80, 1):
        (actual,) = session.run(None, {session.get_inputs()[0].name: features[:n_records]})
        np.testing.assert_allclose(actual, head(x[:n_records]).numpy(), atol=1e-5)
