"""Holding records back for validation: whole records, or whole groups, never windows."""

from __future__ import annotations

import numpy as np

from seqcnn._types import AnyArray, IntegerArray


def hold_back(
    n_records: int,
    fraction: float,
    generator: np.random.Generator,
    *,
    labels: AnyArray | None,
    groups: AnyArray | None,
    caller: str,
) -> tuple[IntegerArray, IntegerArray]:
    """Split records into training and validation.

    Parameters
    ----------
    n_records
        How many there are.
    fraction
        The share held back.
    generator
        The source of chance.
    labels
        Class labels ``(n_records,)``: the share is taken of each class. None takes it of the whole.
    groups
        ``(n_records,)``: records of one group stay together.
    caller
        The estimator's name, for the messages.

    Returns
    -------
    training, validation
        Positions, ascending.

    Raises
    ------
    ValueError
        If a side would be empty, or a class would have no training record.
    """
    if groups is not None:
        held = _hold_groups(fraction, generator, groups, caller)
    elif labels is not None:
        held = _hold_of_each_class(fraction, generator, labels)
    else:
        held = np.zeros(n_records, dtype=bool)
        held[generator.permutation(n_records)[: round(fraction * n_records)]] = True
    if labels is not None:
        _check_classes(labels, held, fraction, groups is not None, caller)
    if held.all() or not held.any():
        side = "training" if held.all() else "validation"
        raise ValueError(
            f"The 'validation_fraction' parameter of {caller} must leave records for training and for validation. "
            f"Received: {fraction:g} of {n_records} records, which leaves none for {side}. Pass another fraction, more "
            f"records, X_val and y_val, or early_stopping=False."
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


def _hold_of_each_class(fraction: float, generator: np.random.Generator, labels: AnyArray) -> AnyArray:
    """Hold back the share of the whole, and of each class as nearly as whole records allow."""
    _, positions, counts = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = fraction * counts
    n_held = np.floor(wanted).astype(int)
    # Of small classes a fraction of a record is wanted. The largest fractions become a record, in random order, but
    # never a class's last one.
    order = generator.permutation(np.flatnonzero(n_held + 1 < counts))
    order = order[np.argsort((n_held - wanted)[order], kind="stable")]
    n_held[order[: round(fraction * len(labels)) - int(n_held.sum())]] += 1
    held = np.zeros(len(labels), dtype=bool)
    for position, n_of_class in enumerate(n_held.tolist()):
        held[generator.permutation(np.flatnonzero(positions == position))[:n_of_class]] = True
    return held


def _hold_groups(fraction: float, generator: np.random.Generator, groups: AnyArray, caller: str) -> AnyArray:
    names = np.unique(groups)
    if len(names) < 2:
        raise ValueError(
            f"The 'groups' of {caller} must name at least two groups, so that one can be held back for validation. "
            f"Received: {len(names)} group. Pass more groups, or early_stopping=False."
        )
    held = np.zeros(len(groups), dtype=bool)
    for name in generator.permutation(names)[:-1]:
        if held.sum() >= fraction * len(groups):
            break
        held |= groups == name
    return held


def _check_classes(labels: AnyArray, held: AnyArray, fraction: float, by_group: bool, caller: str) -> None:
    lost = np.setdiff1d(labels, labels[~held])
    if len(lost):
        named = ", ".join(repr(label) for label in lost.tolist()[:5])
        held_back = "groups" if by_group else "records"
        raise ValueError(
            f"The 'validation_fraction' parameter of {caller} must leave every class a record to train on. "
            f"Received: {fraction:g}, which holds back all {held_back} with class {named}. Pass a smaller fraction, "
            f"X_val and y_val, or early_stopping=False."
        )
