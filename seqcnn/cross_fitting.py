"""Cross-fitting: each of several copies of a network does not learn one fold of the records, and can tell of it.

The copies stand side by side in one network (``n_copies`` of :class:`~seqcnn.encoders.LITE` or
:class:`~seqcnn.encoders.Inception`, :class:`~seqcnn.heads.CopiesHead` behind it) and are trained in one go, each on its
own share of every batch. What copy ``k`` says about fold ``k`` was not learnt by heart, so every record gets an honest
output at the price of an ensemble (Chernozhukov et al. 2018, "Double/debiased machine learning", arXiv 1608.00060,
name the idea; Breiman 1996, "Stacked regressions", uses it to weigh models).

A held-back record's target never reaches its copy, by no loss and by no mixture of records. Its input may: statistics
of a batch, of the stem's normalization and of the targets' units are those of all records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._checks import check_integer
from seqcnn._types import AnyArray, Float64Array, IntegerArray
from seqcnn.batches import Batch, WindowStore
from seqcnn.heads import CopiesHead
from seqcnn.inference import run_batches
from seqcnn.network import Network

LEARNT_BY_ALL = -1
"""The fold of what no copy is without."""


def make_folds(
    n_records: int,
    n_folds: int,
    generator: np.random.Generator,
    *,
    labels: AnyArray | None = None,
    groups: AnyArray | None = None,
) -> IntegerArray:
    """Deal records into folds of about one size, with about as much of each class in each.

    Parameters
    ----------
    n_records
        How many there are.
    n_folds
        How many folds; there are fewer if there are fewer records, or groups, to deal.
    generator
        The source of chance.
    labels
        Class labels ``(n_records,)``. No class is wholly in one fold: the copy without that fold would not know it.
        None takes all records as one class.
    groups
        ``(n_records,)``: records of one group are in one fold.

    Returns
    -------
    ndarray
        The fold of each record, ``(n_records,)`` integers from 0; -1 for records that all copies have to learn, because
        no other record, or no other group, has their class. Of a group with such a record, that is every record.

    Raises
    ------
    TypeError, ValueError
        If ``n_folds`` is not an integer of at least 2.

    Examples
    --------
    >>> folds = make_folds(7, 3, np.random.default_rng(0), labels=np.array(list("aaabbbc")))
    >>> sorted(folds[:3].tolist()), sorted(folds[3:6].tolist()), folds[6].item()
    ([0, 1, 2], [0, 1, 2], -1)
    """
    check_integer("n_folds", n_folds, minimum=2, caller="make_folds")
    classes = np.zeros(n_records, dtype=np.int64)
    if labels is not None:
        classes = np.unique(labels, return_inverse=True)[1]
    if groups is None:
        return _deal_records(classes, n_folds, generator)
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), int(classes.max(initial=0)) + 1))
    np.add.at(counts, (group, classes), 1)
    dealt: IntegerArray = _deal_groups(counts, n_folds, generator)[group]
    return dealt


def _deal_records(classes: IntegerArray, n_folds: int, generator: np.random.Generator) -> IntegerArray:
    """Deal one class after the other, each on from the fold at which the one before it ended."""
    folds = np.full(len(classes), LEARNT_BY_ALL)
    order = generator.permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    order = order[(np.bincount(classes) > 1)[classes[order]]]
    if len(order):
        folds[order] = np.arange(len(order)) % min(n_folds, len(order))
    return folds


def _deal_groups(counts: Float64Array, n_folds: int, generator: np.random.Generator) -> IntegerArray:
    """Deal groups, the largest first, each to the fold that has least of its classes.

    ``counts`` tells how many records of each class a group has, ``(n_groups, n_classes)``.
    """
    folds = np.full(len(counts), LEARNT_BY_ALL)
    has = counts > 0
    lone = has[:, has.sum(0) == 1].any(1)
    order = generator.permutation(np.flatnonzero(~lone))
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    n_folds = min(n_folds, len(order))
    held = np.zeros((n_folds, counts.shape[1]))
    known_to_all = has[lone].any(0)
    left = has[order].sum(0)
    for group in order.tolist():
        own = has[group]
        # The last group of a class must not join all others in one fold.
        last = own & (left == 1) & ~known_to_all & ((held > 0).sum(0) == 1)
        allowed = ~(held[:, last] > 0).any(1)
        left[own] -= 1
        if not allowed.any():
            known_to_all |= own
            continue
        crowding = held @ (counts[group] / counts.sum(0))
        best = np.lexsort((held.sum(1), crowding, ~allowed))[0]
        folds[group] = best
        held[best] += counts[group]
    return folds


def measure_copies(
    loss: Callable[[Tensor, Tensor], Tensor],
    scores: Tensor,
    targets: Tensor,
    weights: Tensor,
    folds: IntegerArray | None,
) -> tuple[Tensor, Tensor, int]:
    """Return what copies descend on, and for the history the sum of their losses and how many losses counted.

    Each copy descends on its own mean over the windows it learns, as it would alone; what is returned is the sum of
    these means.

    Parameters
    ----------
    loss
        Gives each window's loss.
    scores
        ``(batch, n_copies, n_outputs)``.
    targets, weights
        Of each window, ``(batch, ...)`` and ``(batch,)``.
    folds
        The fold of each window, ``(batch,)``; None says that all copies learn everything.
    """
    batch, n_copies, _ = scores.shape
    repeated = targets.repeat_interleave(n_copies, 0)
    losses = loss(scores.flatten(0, 1), repeated).view(batch, n_copies) * weights[:, None]
    if folds is None:
        return losses.mean(0).sum(), losses.detach().sum(), losses.numel()
    learns = torch.from_numpy(folds[:, None] != np.arange(n_copies)).to(losses.device)
    losses = torch.where(learns, losses, 0.0)
    n_learnt = learns.sum(0)
    return (losses.sum(0) / n_learnt.clamp(min=1)).sum(), losses.detach().sum(), int(n_learnt.sum())


def augment_by_fold(
    augment: Callable[[Batch, Tensor, Tensor, np.random.Generator], tuple[Batch, Tensor, Tensor]],
    store: WindowStore,
    windows: IntegerArray,
    folds: IntegerArray,
    targets: Tensor,
    weights: Tensor,
    generator: np.random.Generator,
) -> tuple[Batch, Tensor, Tensor, IntegerArray]:
    """Change the windows of each fold by themselves, so that none is mixed with one of another fold.

    A mixture would carry a target to the copy that must not learn it.

    Parameters
    ----------
    augment
        What changes a batch.
    store, windows
        The windows of the batch.
    folds, targets, weights
        Of all windows of the store.
    generator
        The source of chance.

    Returns
    -------
    batch, targets, weights, folds
        All in the order of the folds.
    """
    parts = [windows[folds[windows] == fold] for fold in np.unique(folds[windows])]
    changed = []
    for part in parts:
        rows = torch.from_numpy(part).to(weights.device)
        changed.append(augment(store.batch(part), targets[rows], weights[rows], generator))
    batches, new_targets, new_weights = zip(*changed, strict=True)
    return _join(batches), torch.cat(new_targets), torch.cat(new_weights), folds[np.concatenate(parts)]


def _join(batches: Sequence[Batch]) -> Batch:
    """Join batches of records, padded to the longest."""
    if len(batches) == 1:
        return batches[0]
    longest = max(batch.x.shape[-1] for batch in batches)
    lengths, static, kept = None, None, None
    if any(batch.lengths is not None or batch.x.shape[-1] < longest for batch in batches):
        lengths = torch.cat([_fill(batch, batch.lengths, batch.x.shape[-1]) for batch in batches])
    if batches[0].static is not None:
        static = torch.cat([batch.static for batch in batches if batch.static is not None])
    if batches[0].kept is not None:
        kept = torch.cat([_fill(batch, batch.kept, 0) for batch in batches])
    # Steps are padded where they lie outermost, so that channels stay innermost.
    x = [F.pad(batch.x.movedim(-1, 1).flatten(2), (0, 0, 0, longest - batch.x.shape[-1])) for batch in batches]
    joined = torch.cat(x)
    return Batch(joined.transpose(1, 2) if batches[0].x.ndim == 3 else joined[..., 0], lengths, static, kept)


def _fill(batch: Batch, numbers: Tensor | int | None, otherwise: int) -> Tensor:
    """Return a number for each record, where one may stand for all."""
    if isinstance(numbers, Tensor):
        return numbers
    return torch.full((len(batch.x),), otherwise if numbers is None else numbers, device=batch.x.device)


def out_of_fold(network: Network, store: WindowStore, folds: IntegerArray) -> Float64Array:
    """Return scores of windows from the copy that did not learn them; of fold -1, what all copies say together.

    Parameters
    ----------
    network
        Trained with these folds, a :class:`~seqcnn.heads.CopiesHead` at its end.
    store
        The windows it was trained on.
    folds
        The fold of each window, ``(n_windows,)``.

    Returns
    -------
    ndarray
        ``(n_windows, n_outputs)`` float64, in the windows' order.
    """
    head = network.head
    assert isinstance(head, CopiesHead)
    apart = run_batches(network, store, lambda batch: head.apart(network.embed(*batch)))
    scores = apart[np.arange(len(apart)), np.maximum(folds, 0)]
    by_all = folds == LEARNT_BY_ALL
    scores[by_all] = head.combine(torch.from_numpy(apart[by_all])).numpy()
    return scores
