"""Reading y: any labels become positions, any numbers a float64 table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

from seqcnn._checks import check_choice, join_words
from seqcnn._types import AnyArray, Float64Array
from seqcnn.estimators._targets import ClassTarget, NumericTarget
from seqcnn.inputs import count_cases

Names = tuple[str, str]


def read_labels(X: Any, y: Any, weights: Float64Array, caller: str) -> ClassTarget:
    """Read class labels.

    Raises
    ------
    ValueError
        If there is not one label a record, or fewer than two classes among records of positive weight.
    """
    labels = _one_label_a_record(X, y, caller, ("X", "y"))
    check_classification_targets(labels)
    classes, positions = np.unique(labels, return_inverse=True)
    present = np.unique(positions[weights > 0])
    if len(present) < 2:
        which = " among the records of positive sample_weight" if len(classes) > 1 else ""
        raise ValueError(
            f"The y of {caller} must hold at least two classes. Received: 1 class{which}, "
            f"{classes[present].tolist()[0]!r}. "
            f"Pass records of another class too."
        )
    return ClassTarget(classes, positions)


def read_known_labels(X: Any, y: Any, fitted: ClassTarget, caller: str) -> ClassTarget:
    """Read validation labels, which must be among those of ``fitted``."""
    _both(X, y, caller)
    labels = _one_label_a_record(X, y, caller, ("X_val", "y_val"))
    unknown = np.setdiff1d(labels, fitted.classes)
    if len(unknown):
        raise ValueError(
            f"The y_val of {caller} must hold classes of y only. Received: "
            f"{join_words(map(repr, unknown.tolist()[:5]))}, "
            f"which y does not hold. Drop these records, or add some to X and y."
        )
    positions = np.searchsorted(fitted.classes, labels)
    return ClassTarget(fitted.classes, positions, fitted.class_weight, fitted.label_smoothing)


def read_numbers(
    X: Any, y: Any, caller: str, *, names: Names = ("X", "y"), n_targets: int | None = None
) -> tuple[NumericTarget, int]:
    """Read numeric targets and the number of axes y had.

    Raises
    ------
    ValueError
        If there is not one row of finite numbers a record.
    """
    if names[0] != "X":
        _both(X, y, caller)
    _demand(y, caller, names[1])
    try:
        values = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The {names[1]} of {caller} must hold numbers. Received: {error}. Pass numbers, or use "
            "SeqCNNClassifier for "
            f"labels."
        ) from error
    if values.ndim not in (1, 2):
        raise ValueError(
            f"The {names[1]} of {caller} must have shape (n_cases,) or (n_cases, n_targets). Received: {values.shape}. "
            f"Pass y.reshape(len(X), -1)."
        )
    assert_all_finite(values, input_name=names[1])
    _check_counts(X, len(values), caller, names)
    n_dimensions = values.ndim
    values = values.reshape(len(values), -1)
    if n_targets is not None and values.shape[1] != n_targets:
        raise ValueError(
            f"The {names[1]} of {caller} must hold as many targets as y, {n_targets}. Received: {values.shape[1]}. "
            f"Pass the same columns."
        )
    return NumericTarget(values), n_dimensions


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
    weights = np.asarray(sample_weight, dtype=np.float64)
    problem = None
    if weights.ndim != 1:
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
        check_choice("class_weight", class_weight, ("balanced", None), caller=caller)
        return class_weight
    unknown = [label for label in class_weight if label not in classes]
    if unknown:
        raise ValueError(
            f"The 'class_weight' parameter of {caller} must name classes of y, "
            f"{join_words(map(repr, classes.tolist()))}. "
            f"Received: {join_words(map(repr, unknown))}. Pass weights for those classes only."
        )
    return dict(class_weight)


def _one_label_a_record(X: Any, y: Any, caller: str, names: Names) -> AnyArray:
    _demand(y, caller, names[1])
    labels: AnyArray = column_or_1d(y, warn=True)
    if labels.dtype.kind == "f":
        assert_all_finite(labels, input_name=names[1])
    _check_counts(X, len(labels), caller, names)
    return labels


def _demand(y: Any, caller: str, name: str) -> None:
    if y is None:
        raise ValueError(
            f"{caller} requires {name} to be passed, but the target {name} is None. Pass one value for each "
            "record of X."
        )


def _both(X_val: Any, y_val: Any, caller: str) -> None:
    if X_val is None or y_val is None:
        absent, present = ("X_val", "y_val") if X_val is None else ("y_val", "X_val")
        raise ValueError(
            f"{caller}.fit takes X_val and y_val together. Received: {present} without {absent}. Pass both, or neither."
        )


def _check_counts(X: Any, n_targets: int, caller: str, names: Names) -> None:
    n_records = count_cases(X, caller=caller)
    if n_records != n_targets:
        raise ValueError(
            f"{names[0]} and {names[1]} of {caller} must hold equally many cases. Received: {n_records} in "
            f"{names[0]} and "
            f"{n_targets} in {names[1]}, inconsistent numbers of samples: {[n_records, n_targets]}. "
            f"Pass one value of {names[1]} for each record of {names[0]}."
        )
