"""Reading y: any labels become positions, any numbers a float64 table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from seqcnn._checks import name_first, shorten
from seqcnn._types import AnyArray, Float64Array, IntegerArray
from seqcnn.estimators._alignment import align_to_cases
from seqcnn.estimators._targets import ClassTarget, NumericTarget
from seqcnn.inputs import count_cases
from seqcnn.inputs.arrays import one_dimension_message
from seqcnn.inputs.containers import is_missing, to_plain_array

Names = tuple[str, str]


def read_labels(X: Any, y: Any, weights: Float64Array, caller: str) -> ClassTarget:
    """Read class labels.

    Raises
    ------
    ValueError
        If there is not one label a record, or fewer than two classes among records of positive weight.
    """
    labels = read_one_label_a_record(X, y, caller, ("X", "y"))
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
    demand_both(X, y, caller)
    labels = read_one_label_a_record(X, y, caller, ("X_val", "y_val"))
    positions, unknown = find_positions(labels, fitted.classes)
    if unknown:
        raise ValueError(
            f"The y_val of {caller} must hold classes of y only. Received: {name_first(unknown)}, "
            f"which y does not hold. Drop these records, or add some to X and y."
        )
    return ClassTarget(fitted.classes, positions, fitted.class_weight, fitted.label_smoothing)


def find_positions(labels: AnyArray, classes: AnyArray) -> tuple[IntegerArray, list[str]]:
    """Return the position of each label in ``classes``, -1 where it is none of them, and how such labels show."""
    position_of = {label: position for position, label in enumerate(classes.tolist())}
    unknown = [repr(label) for label in dict.fromkeys(labels.tolist()) if label not in position_of]
    return np.array([position_of.get(label, -1) for label in labels.tolist()]), unknown


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
        demand_both(X, y, caller)
    demand(y, caller, names[1])
    values = _to_float64(align_to_cases(X, y, caller, names[1]), caller, names[1])
    if values.ndim not in (1, 2):
        raise ValueError(
            f"The {names[1]} of {caller} must have shape (n_cases,) or (n_cases, n_targets). Received: {values.shape}. "
            f"Pass y.reshape(len(X), -1)."
        )
    _check_finite(values, names[1], "number")
    check_counts(X, len(values), caller, names)
    n_dimensions = values.ndim
    values = values.reshape(len(values), -1)
    if n_targets is not None and values.shape[1] != n_targets:
        raise ValueError(
            f"The {names[1]} of {caller} must hold as many targets as y, {n_targets}. Received: {values.shape[1]}. "
            f"Pass the same columns."
        )
    return NumericTarget(values), n_dimensions


def name_targets(y: Any) -> list[Any] | None:
    """Return the names of a DataFrame's columns, or a Series' own name; None where y has none."""
    if hasattr(y, "columns"):
        return list(y.columns)
    name = getattr(y, "name", None)
    return [name] if isinstance(name, str) and hasattr(y, "to_numpy") else None


def columns_in_order(y: Any, known: list[Any] | None, caller: str, name: str) -> Any:
    """Return a DataFrame's columns in the order of those that were fitted, and anything else as it is.

    Raises
    ------
    ValueError
        If both have names, but not the same.
    """
    if known is None or not hasattr(y, "columns"):
        return y
    named = list(y.columns)
    if set(named) == set(known) and len(named) == len(known):
        return y[known]
    if all(isinstance(column, int) for column in known):
        # These are positions rather than names.
        return y
    problems = [f"{column!r} is missing" for column in known if column not in named]
    problems += [f"{column!r} is new" for column in named if column not in known]
    problems += [f"{column!r} stands there twice" for column in known if named.count(column) > 1]
    raise ValueError(
        f"The columns of {name} must be those of the y that {caller} was fitted on, in any order. Received: "
        f"{name_first(problems)}. Rename, add or drop columns."
    )


def read_one_label_a_record(X: Any, y: Any, caller: str, names: Names) -> AnyArray:
    """Return labels as they are, ``(n_records,)``; raise ValueError or TypeError where they are not one a record."""
    name = names[1]
    demand(y, caller, name)
    labels = to_labels(align_to_cases(X, y, caller, name))
    if labels.ndim == 2:
        labels = column_or_1d(labels, warn=True)
    missing = [f"{name}[{row}]" for row in missing_rows(labels)] if labels.dtype.kind == "O" else []
    if missing:
        raise ValueError(
            f"The {name} of {caller} must hold a label for each record. Received: none in {name_first(missing)}. "
            f"Drop these records, or give them a label."
        )
    if labels.dtype.kind == "O":
        strings = [isinstance(label, str) for label in labels.ravel().tolist()]
        if any(strings) and not all(strings):
            firsts = sorted((strings.index(True), strings.index(False)))
            shown = " but ".join(f"{name}[{row}] is {shorten(labels[row], 40)}" for row in firsts)
            raise TypeError(
                f"The {name} of {caller} must hold labels of one kind. Received: {shown}. Pass strings only, or "
                f"numbers only."
            )
        if not any(strings):
            labels = np.array(labels.tolist())
    if labels.dtype.kind == "f":
        _check_finite(labels, name, "label")
    check_classification_targets(labels)
    flat: AnyArray = column_or_1d(labels)
    check_counts(X, len(flat), caller, names)
    return flat


def to_labels(y: Any) -> AnyArray:
    """Turn labels into an array without changing what they are: a list of "a" and 1 is no list of strings."""
    if hasattr(y, "to_numpy"):
        # pandas' own integers, booleans and categories, which scikit-learn would turn into floats or objects.
        return np.asarray(y.to_numpy())
    if isinstance(y, list | tuple) and len({isinstance(label, str) for label in y}) == 2:
        return np.array(y, dtype=object)
    return to_plain_array(y)


def missing_rows(labels: AnyArray) -> list[int]:
    """Return the positions of missing labels."""
    return [row for row, label in enumerate(labels.tolist()) if is_missing(label)]


def _to_float64(y: Any, caller: str, name: str) -> Float64Array:
    is_frame = hasattr(y, "to_numpy")
    try:
        array = np.asarray(y) if is_frame else to_plain_array(y)
        items = array.ravel().tolist() if array.dtype.kind in "OUT" else []
        strings = [item for item in items if isinstance(item, str)]
        if not strings and array.dtype.kind in "Obiuf":
            # From y itself: pandas turns its missing values into NaN only where it is asked for floats.
            return np.asarray(y if is_frame else array, dtype=np.float64)
        received = f"a string, {shorten(strings[0], 40)}" if strings else f"values of dtype {array.dtype}"
    except (TypeError, ValueError) as error:
        received = f"{shorten(y, 40)} ({error})"
    else:
        if array.dtype.kind == "c":
            raise ValueError(
                f"Complex data not supported: {name} holds complex numbers. {caller} predicts real ones. Pass the real "
                f"and the imaginary part as two targets, np.column_stack([y.real, y.imag])."
            )
    raise ValueError(
        f"The {name} of {caller} must hold numbers. Received: {received}. Pass numbers, or use SeqCNNClassifier for "
        f"labels."
    )


def _check_finite(values: AnyArray, name: str, word: str) -> None:
    """Raise ValueError unless all targets are finite, in the words that scikit-learn's users know."""
    for problem, bad in (
        ("NaN", np.isnan(values)),
        (f"infinity or a value too large for dtype('{values.dtype}')", np.isinf(values)),
    ):
        if bad.any():
            rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1)).tolist()
            raise ValueError(
                f"Input {name} contains {problem}: {name_first([f'{name}[{row}]' for row in rows])}. "
                f"Drop these records, or give them a {word}."
            )


def demand(y: Any, caller: str, name: str) -> None:
    """Raise ValueError if there is no y."""
    if y is None:
        raise ValueError(
            f"{caller} requires {name} to be passed, but the target {name} is None. Pass one value for each "
            "record of X."
        )


def demand_both(X_val: Any, y_val: Any, caller: str) -> None:
    """Raise ValueError if one of a validation set's two halves is absent."""
    if X_val is None or y_val is None:
        absent, present = ("X_val", "y_val") if X_val is None else ("y_val", "X_val")
        raise ValueError(
            f"{caller}.fit takes X_val and y_val together. Received: {present} without {absent}. Pass both, or neither."
        )


def check_counts(X: Any, n_targets: int, caller: str, names: Names) -> None:
    """Raise ValueError unless there are as many targets as records."""
    n_records = count_cases(X, caller=caller)
    if n_records != n_targets:
        if getattr(X, "ndim", None) == 1 and np.asarray(X).dtype.kind in "biuf":
            raise ValueError(one_dimension_message(n_records, caller))
        raise ValueError(
            f"{names[0]} and {names[1]} of {caller} must hold equally many cases. Received: {n_records} in "
            f"{names[0]} and "
            f"{n_targets} in {names[1]}, inconsistent numbers of samples: {[n_records, n_targets]}. "
            f"Pass one value of {names[1]} for each record of {names[0]}."
        )
