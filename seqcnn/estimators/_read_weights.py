"""Reading what is said of records beside y: weights, weights of classes, groups."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from seqcnn._checks import check_choice, count_word, join_words, name_first, shorten
from seqcnn._types import AnyArray, Float64Array
from seqcnn.estimators._alignment import align_to_cases
from seqcnn.estimators._read_targets import missing_rows, to_labels
from seqcnn.inputs import count_cases
from seqcnn.inputs.containers import to_plain_array


def read_weights(X: Any, sample_weight: Any, caller: str) -> Float64Array:
    """Read sample weights; None is one for each record.

    Raises
    ------
    ValueError
        If there is not one finite number of at least zero a record, or if all are zero.
    """
    n_records = count_cases(X, caller=caller)
    if sample_weight is None:
        return np.ones(n_records)
    sample_weight = align_to_cases(X, sample_weight, caller, "sample_weight")
    problem = None
    try:
        weights = np.asarray(to_plain_array(sample_weight), dtype=np.float64)
    except (TypeError, ValueError):
        weights, problem = np.empty(0), f"{shorten(sample_weight)}, which are no numbers"
    if problem is not None:
        pass
    elif weights.ndim != 1:
        problem = f"an array of shape {weights.shape}"
    elif len(weights) != n_records:
        problem = f"{len(weights)} weights for {n_records} records"
    elif not np.isfinite(weights).all():
        problem = "weights that are NaN or infinite"
    elif (weights < 0).any():
        problem = f"a negative weight, {weights.min():g}"
    elif not (weights > 0).any():
        problem = "no weight above zero"
    if problem is not None:
        raise ValueError(
            f"The 'sample_weight' of {caller} must be one finite number of at least zero for each record, "
            f"and not all of them zero. Received: {problem}. Pass weights of shape ({n_records},)."
        )
    return weights


def read_class_weight(class_weight: Any, classes: AnyArray, caller: str) -> Any:
    """Check ``class_weight`` against the classes.

    Raises
    ------
    ValueError
        If it is neither None, "balanced" nor a dict, or names classes that y does not hold.
    """
    if not isinstance(class_weight, Mapping):
        if isinstance(class_weight, str | None):
            check_choice("class_weight", class_weight, ("balanced", None), caller=caller)
            return class_weight
        raise TypeError(
            f"The 'class_weight' parameter of {caller} must be 'balanced', None or a dict. "
            f"Received: {shorten(class_weight)}. Pass a dict of labels and weights, such as "
            f"{{{classes.tolist()[0]!r}: 2.0}}."
        )
    known = classes.tolist()
    # A label that was taken from an array of them shows as np.str_('a') otherwise.
    class_weight = {getattr(label, "item", lambda label=label: label)(): w for label, w in class_weight.items()}
    unknown = [label for label in class_weight if label not in known]
    if unknown:
        raise ValueError(
            f"The 'class_weight' parameter of {caller} must name classes of y, "
            f"{join_words(map(repr, classes.tolist()))}. "
            f"Received: {join_words(map(repr, unknown))}. Pass weights for those classes only."
        )
    wrong = [f"{label!r}: {shorten(weight, 20)}" for label, weight in class_weight.items() if not _is_weight(weight)]
    if wrong or not any(class_weight.get(label, 1) for label in known):
        raise ValueError(
            f"The 'class_weight' parameter of {caller} must give classes finite numbers of at least zero, and not all "
            f"of them zero. Received: {name_first(wrong) or shorten(class_weight)}. Pass a larger weight for a "
            f"class that is to count more."
        )
    return class_weight


def read_groups(X: Any, groups: Any, caller: str) -> AnyArray | None:
    """Read the group of each record as a number; None if there are no groups.

    Raises
    ------
    ValueError
        If there is not one group a record.
    """
    if groups is None:
        return None
    n_records = count_cases(X, caller=caller)
    names = to_labels(align_to_cases(X, groups, caller, "groups"))
    problem = None
    missing = [f"groups[{row}]" for row in missing_rows(names)] if names.ndim == 1 else []
    if names.ndim != 1:
        problem = f"an array of shape {names.shape}"
    elif len(names) != n_records:
        problem = f"{count_word(len(names), 'group name')} for {count_word(n_records, 'record')}"
    elif missing:
        problem = f"no name in {name_first(missing)}"
    if problem is not None:
        raise ValueError(
            f"The 'groups' of {caller} must name the group of each record. Received: {problem}. "
            f"Pass groups of shape ({n_records},)."
        )
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names.tolist()])


def _is_weight(weight: object) -> bool:
    return isinstance(weight, Real) and not isinstance(weight, bool) and 0 <= float(weight) < np.inf
