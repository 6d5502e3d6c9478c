"""What takes the place of a ridge where features mean something beside thresholds: a forest, grown in one go.

Extremely randomised trees (Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees"), as QUANT has them (Dempster
et al. 2024, arXiv 2308.00928): 200 trees, entropy, a tenth of the features looked at at each node. scikit-learn grows
them, and what is kept of them is tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import AnyArray, BooleanArray, Float64Array, IntegerArray
from seqcnn.calibration import Calibrate
from seqcnn.closed_form import Solution
from seqcnn.forest import ForestHead, Means, Trees
from seqcnn.network import Network

N_TREES = 200
N_PARTS = 10
"""Parts of the records, each unknown to as large a part of the trees."""
ENOUGH = 300
"""Records of which a tenth can be spared. Of fewer, the head is grown from all of them: on held-back parts of training
parts, trees that know nine tenths of so few are right less often, and of more next to nothing is lost."""
_SHARE_OF_FEATURES = 0.1
_MOST_ROWS = 2**14
"""Rows that a tree is grown from, at most; the trees that leave out one part draw them together."""
_MOST_WORK = 4e8
"""Rows, times features looked at at each node, times trees: some minutes. Of more, half of the parts and of the trees
do, and fewer features are looked at, but a third of them. On some thousand records of HAPT that was a quarter of the
time and half a point (95.7 of 96.2 % of others right); trees of fewer rows, or fewer trees a part, cost more points."""
_MOST_ANSWERS = 2**25
"""Numbers that leaves hold at a time, at most."""
_LARGEST = 1e30
"""Of a feature: a sum of many such is still a number."""
_COPIES = 30
"""How often a number beside the records stands among the features: so it is looked at at nearly every node."""


def grow_head(
    network: Network,
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    *,
    groups: IntegerArray | None = None,
    calibrate: Calibrate | None = None,
    n_trees: int = N_TREES,
) -> Solution:
    """Grow the trees of a network's head, a tenth of them without each tenth of the records.

    So every record has trees that have not seen it, which say what the head would have said of it, and the head is all
    trees together. That costs no more than growing all of them from all records. Where records are few, as many trees
    once more are grown from all of them, and these are the head. Bootstrap, which leaves records out by itself, keeps
    more than a third of them from each tree, and costs accuracy.

    Chance comes from torch's own source.

    Parameters
    ----------
    network
        Its head is a :class:`ForestHead`, which is filled.
    features
        Of the windows, ``(n_windows, n_features)``.
    targets
        ``(n_windows, n_outputs)``; for classes and labels 1 for a window's own and -1 else, for numbers in units of
        their deviation.
    weights
        ``(n_windows,)``.
    groups
        ``(n_windows,)``: windows of one number are left out together; None leaves out single windows.
    calibrate
        For classes and labels: takes the scores of windows that were left out and gives the factor and the offset under
        which they become probabilities.
    n_trees
        In all; a few less where each part has as many and there are not ten, and half where rows and features are so
        many that they would take minutes.
    """
    head = network.head
    assert isinstance(head, ForestHead)
    generator = np.random.default_rng(int(torch.randint(2**31, ())))
    matrix, columns = _columns(features, 0 if network.static is None else network.static.n_columns)
    wanted = targets.cpu().numpy() if head.means == "values" else (targets.cpu().numpy() > 0).astype(np.float64)
    keys = wanted.argmax(1) if head.means == "probabilities" else wanted[:, 0]
    n_rows, n_parts, share = min(len(keys), _MOST_ROWS), N_PARTS, _SHARE_OF_FEATURES
    work = n_rows * share * matrix.shape[1] * n_trees
    if work > _MOST_WORK:
        n_parts, n_trees = n_parts // 2, max(1, n_trees // 2)
        share *= min(1.0, max(1 / 3, 2 * _MOST_WORK / work))
    part = deal(keys, groups, n_parts, generator)
    n_parts = int(part.max()) + 1
    n_a_part = max(1, n_trees // n_parts)
    n_held = n_a_part * (n_parts if head.means == "values" else 1)

    def plant(known: Sequence[BooleanArray], n_each: int) -> None:
        grown = []
        for rows in map(np.flatnonzero, known):
            drawn = generator.choice(rows, n_rows, replace=False) if len(rows) > n_rows else rows
            kept = np.zeros(len(part))
            kept[drawn] = weights.cpu().numpy()[drawn]
            smallest_leaf = -(-n_held * n_rows * head.n_outputs // _MOST_ANSWERS)
            seed = int(generator.integers(2**31))
            grown.append(_grow(matrix, wanted, kept, head.means, n_each, smallest_leaf, share, seed))
        trees = join(grown)
        head.plant(trees._replace(feature=torch.from_numpy(columns)[trees.feature]))

    n_units = len(part) if groups is None else len(np.unique(groups))
    if n_parts > 1:
        plant([part != number for number in range(n_parts)], n_a_part)
        answers = head.ask_each(features, n_parts)
        own = torch.from_numpy(part).to(features.device)
        left_out = head.score(answers[torch.arange(len(part), device=features.device), own])
        outputs = head.score(answers.mean(1))
    if n_units < ENOUGH:
        plant([part >= 0], n_trees)
        outputs = head.score(head.ask_each(features, 1)[:, 0])
    if n_parts == 1:
        # There is nothing to leave out.
        left_out = outputs
    if calibrate is not None:
        factor, offset = calibrate(left_out.double(), weights)
        head.calibrate(factor, offset)
        outputs, left_out = outputs * head.factor + head.offset, left_out * head.factor + head.offset
    return Solution(head.in_units(outputs), head.in_units(left_out))


def deal(keys: AnyArray, groups: IntegerArray | None, n_parts: int, generator: np.random.Generator) -> IntegerArray:
    """Deal rows out to parts, ``(n_rows,)`` numbers from 0, so that each part has its share of every key.

    Parameters
    ----------
    keys
        ``(n_rows,)``: classes, or numbers, of which near ones are dealt to different parts.
    groups
        ``(n_rows,)``: rows of one number are dealt to one part, by the key of one of them; None deals out single rows.
    n_parts
        Parts; there are fewer where there are fewer groups.
    generator
        The source of chance.

    Examples
    --------
    >>> deal(np.array([0, 0, 1, 1]), None, 2, np.random.default_rng(0)).tolist()
    [1, 0, 1, 0]
    """
    first, of = np.arange(len(keys)), np.arange(len(keys))
    if groups is not None:
        _, first, of = np.unique(groups, return_index=True, return_inverse=True)
    order = np.lexsort((generator.random(len(first)), keys[first]))
    part = np.empty(len(first), dtype=np.int64)
    part[order] = np.arange(len(first)) % n_parts
    return part[of]


def flatten(trees: Sequence[Any], means: Means) -> Trees:
    """Return scikit-learn's trees (the ``tree_`` of each) as tensors, which send every float32 number the same way."""
    sizes = np.array([tree.node_count for tree in trees])
    roots = np.cumsum(sizes) - sizes
    shift = np.repeat(roots, sizes)
    left, right = (
        np.concatenate([getattr(tree, name) for tree in trees]) for name in ("children_left", "children_right")
    )
    is_leaf = left < 0
    left, right = left + shift, right + shift
    # Level by level, over all trees, siblings side by side.
    levels, level = [], roots
    while len(level):
        levels.append(level)
        inner = level[~is_leaf[level]]
        level = np.stack([left[inner], right[inner]], 1).reshape(-1)
    order = np.concatenate(levels)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))

    is_leaf = is_leaf[order]
    feature = np.concatenate([tree.feature for tree in trees])[order]
    threshold = np.concatenate([tree.threshold for tree in trees])[order]
    rounded = threshold.astype(np.float32)
    rounded = np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    values = np.concatenate([tree.value for tree in trees])[order[is_leaf]]
    answer = np.zeros(len(order), dtype=np.int64)
    answer[is_leaf], values = _distinct(values[:, 0] if means == "probabilities" else values[:, :, 0], means)
    arrays = (
        np.arange(len(roots)),
        np.where(is_leaf, 0, feature),
        np.where(is_leaf, np.float32(np.inf), rounded),
        np.where(is_leaf, np.arange(len(order)), place[left[order]]),
        answer,
        values,
    )
    return Trees(*(torch.from_numpy(array) for array in arrays))


def join(grown: Sequence[Trees]) -> Trees:
    """Return the trees of several as one."""
    nodes, answers, moved = 0, 0, []
    for trees in grown:
        moved.append(
            trees._replace(roots=trees.roots + nodes, child=trees.child + nodes, answer=trees.answer + answers)
        )
        nodes, answers = nodes + len(trees.child), answers + len(trees.values)
    return Trees(*(torch.cat(parts) for parts in zip(*moved, strict=True)))


def _grow(
    matrix: AnyArray,
    wanted: Float64Array,
    weights: Float64Array,
    means: Means,
    n_trees: int,
    smallest_leaf: int,
    share_of_features: float,
    seed: int,
) -> Trees:
    """Grow trees from the rows of positive weight."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    kind = ExtraTreesClassifier if means == "probabilities" else ExtraTreesRegressor
    forest = kind(
        n_trees,
        criterion="entropy" if means == "probabilities" else "squared_error",
        max_features=share_of_features,
        min_samples_leaf=max(1, smallest_leaf),
        n_jobs=torch.get_num_threads(),
        random_state=seed,
    )
    if means == "probabilities":
        forest.fit(matrix, wanted.argmax(1), weights)
        trees = flatten([tree.tree_ for tree in forest.estimators_], means)
        # Not every class need have records.
        values = trees.values.new_zeros(len(trees.values), wanted.shape[1])
        values[:, torch.from_numpy(forest.classes_)] = trees.values
        return trees._replace(values=values)
    forest.fit(matrix, wanted if wanted.shape[1] > 1 else wanted[:, 0], weights)
    return flatten([tree.tree_ for tree in forest.estimators_], means)


def _columns(features: Tensor, n_beside: int) -> tuple[AnyArray, IntegerArray]:
    """Return what trees are grown from, ``(n_rows, n_columns)`` float32, and the feature in each column."""
    # Numbers beyond all bounds go the way that the largest go, and those that are none to the left.
    matrix = features.cpu().float().nan_to_num(-_LARGEST).clamp(-_LARGEST, _LARGEST).numpy()
    columns = np.arange(matrix.shape[1])
    if n_beside:
        columns = np.concatenate([columns, np.tile(columns[-n_beside:], _COPIES - 1)])
        matrix = np.ascontiguousarray(matrix[:, columns])
    return matrix, columns


def _distinct(values: Float64Array, means: Means) -> tuple[IntegerArray, Float64Array]:
    """Return distinct answers, and which of them each leaf gives: most leaves hold one class, or one set of labels."""
    if means == "values":
        return np.arange(len(values)), values
    if means == "labels":
        distinct, which = np.unique(values, axis=0, return_inverse=True)
        return which.reshape(-1), distinct
    shares = values / values.sum(1, keepdims=True)
    which, mixed = shares.argmax(1), shares.max(1) < 1
    which[mixed] = shares.shape[1] + np.arange(mixed.sum())
    return which, np.concatenate([np.eye(shares.shape[1]), shares[mixed]])
