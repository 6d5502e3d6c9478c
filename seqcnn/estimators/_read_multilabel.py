"""Reading y where a record has any number of labels: an indicator matrix, a column a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqcnn._checks import count_word, name_first, shorten
from seqcnn._types import AnyArray, Float64Array
from seqcnn.estimators._alignment import align_to_cases
from seqcnn.estimators._read_targets import Names, check_counts, columns_in_order, demand, demand_both
from seqcnn.estimators._read_weights import read_class_weight
from seqcnn.estimators._targets import MultilabelTarget
from seqcnn.inputs.containers import is_missing, to_plain_array


@dataclass(frozen=True)
class IndicatorForm:
    """How an indicator matrix came in, and so how it goes out.

    Attributes
    ----------
    dtype
        The name of its numpy type, such as "int64" or "bool".
    sparse
        "array" or "matrix" for scipy's sparse arrays and matrices, else an empty string.
    """

    dtype: str
    sparse: str = ""

    def restore(self, present: AnyArray) -> Any:
        """Return booleans ``(n_records, n_labels)`` in this form; sparse ones by rows (csr)."""
        indicator = present.astype(self.dtype)
        if not self.sparse:
            return indicator
        from scipy import sparse  # type: ignore[import-untyped]

        return sparse.csr_array(indicator) if self.sparse == "array" else sparse.csr_matrix(indicator)


def holds_sets_of_labels(y: Any) -> bool:
    """Tell whether y gives each record a row of its own: a matrix of several columns, or a list of rows or of sets."""
    if is_sparse(y):
        return True
    if hasattr(y, "columns"):
        return len(y.columns) > 1
    shape = getattr(y, "shape", None)
    if shape is not None and len(shape) == 2:
        return bool(shape[1] > 1)
    if shape is not None and len(shape) != 1:
        return False
    items = y.tolist() if hasattr(y, "tolist") else y
    if not isinstance(items, list | tuple):
        return False
    rows = [item for item in items if _is_row(item)]
    # A list of rows of one number is a column vector.
    return len(rows) > 0 and any(isinstance(row, set | frozenset) or len(row) != 1 for row in rows)


def is_sparse(y: Any) -> bool:
    """Tell whether this is a sparse array of scipy, without importing scipy."""
    return type(y).__module__.startswith("scipy.sparse") and hasattr(y, "toarray")


def read_multilabel(
    X: Any, y: Any, class_weight: Any, label_smoothing: float, caller: str
) -> tuple[MultilabelTarget, IndicatorForm]:
    """Read an indicator matrix.

    Parameters
    ----------
    X
        The records, to be counted.
    y
        ``(n_cases, n_labels)`` of zeros and ones, whole or boolean: an array, a list of rows, a sparse matrix, or a
        DataFrame, whose columns name the labels; else they are 0, 1, 2, ...
    class_weight, label_smoothing
        The estimator's parameters.
    caller
        Its name, for the messages.

    Raises
    ------
    ValueError
        If y is no indicator matrix of one row a record, or ``class_weight`` does not fit its labels.
    """
    present, classes, form = _read_indicator(X, y, caller, ("X", "y"))
    weight = read_class_weight(class_weight, classes, caller)
    zero = [repr(label) for label, value in weight.items() if not value] if isinstance(weight, dict) else []
    if zero:
        raise ValueError(
            f"The 'class_weight' parameter of {caller} must be above zero where records have several labels, or "
            f"nothing is learnt of a label but its absence. Received: zero for {name_first(zero)}. Pass a number above "
            f"zero, or drop the column from y."
        )
    return MultilabelTarget(classes, present, weight, label_smoothing), form


def read_known_multilabel(
    X: Any, y: Any, fitted: MultilabelTarget, caller: str, names: Names = ("X_val", "y_val")
) -> MultilabelTarget:
    """Read later labels: as many columns as ``fitted`` has labels, those of a DataFrame by name."""
    if names[0] != "X":
        demand_both(X, y, caller)
    y = columns_in_order(y, fitted.classes.tolist(), caller, names[1])
    present, classes, _ = _read_indicator(X, y, caller, names)
    if len(classes) != len(fitted.classes):
        before = "as before" if names[0] == "X" else "as y"
        raise ValueError(
            f"The {names[1]} of {caller} must have as many columns {before}, {len(fitted.classes)}. Received: "
            f"{len(classes)}. Pass the same labels."
        )
    return MultilabelTarget(fitted.classes, present, fitted.class_weight, fitted.label_smoothing)


def _read_indicator(X: Any, y: Any, caller: str, names: Names) -> tuple[Float64Array, AnyArray, IndicatorForm]:
    name = names[1]
    demand(y, caller, name)
    y = align_to_cases(X, y, caller, name)
    kind = type(y).__name__
    sparse = ("array" if kind.endswith("array") else "matrix") if is_sparse(y) else ""
    columns = list(y.columns) if hasattr(y, "columns") else None
    values = _to_matrix(y.toarray() if sparse else y, caller, name)
    present, dtype = _to_zeros_and_ones(values, caller, name)
    if present.shape[1] == 0:
        raise ValueError(f"The {name} of {caller} must have a column for each label. Received: none. Pass some.")
    check_counts(X, len(present), caller, names)
    return present, _name_labels(columns, present.shape[1], caller, name), IndicatorForm(dtype, sparse)


def _to_matrix(y: Any, caller: str, name: str) -> AnyArray:
    """Return y as one array of two dimensions, its missing values as NaN."""
    rows = None
    if not (hasattr(y, "columns") or len(getattr(y, "shape", ())) == 2):
        rows = y.tolist() if hasattr(y, "tolist") else list(y)
        lengths = {len(row) if _is_row(row) and not isinstance(row, set | frozenset) else None for row in rows}
        # A set of labels shows itself by words, or by a number of them that differs from record to record.
        has_words = any(_is_row(row) and any(isinstance(label, str) for label in row) for row in rows)
        if len(lengths) > 1 or None in lengths or has_words:
            position = next((n for n, row in enumerate(rows) if _is_row(row) and len(row)), 0)
            raise ValueError(
                f"The {name} of {caller} must be an indicator matrix where records have several labels, (n_cases, "
                f"n_labels) of zeros and ones. Received: {count_word(len(rows), 'set')} of labels, such as "
                f"{name}[{position}], {shorten(rows[position], 40)}. Pass MultiLabelBinarizer().fit_transform({name}), "
                f"from sklearn.preprocessing."
            )
    if hasattr(y, "columns"):
        values = np.asarray(y.to_numpy())
    else:
        values = to_plain_array(y) if rows is None else np.array([to_plain_array(row) for row in rows])
    if values.dtype.kind == "O":
        # pandas' own booleans and whole numbers.
        flat = [np.nan if is_missing(value) else value for value in values.ravel().tolist()]
        if all(isinstance(value, bool | int | float) for value in flat):
            only = {type(value) for value in flat}
            dtype = bool if only == {bool} else int if only <= {bool, int} else float
            values = np.array(flat, dtype=dtype).reshape(values.shape)
    return values


def _to_zeros_and_ones(values: AnyArray, caller: str, name: str) -> tuple[Float64Array, str]:
    """Check that these are zeros and ones; return them and their type's name."""
    if values.dtype.kind not in "biuf":
        first = next((value for value in values.ravel().tolist() if not isinstance(value, bool | int | float)), None)
        problem, missing = f"values of dtype {values.dtype}, such as {shorten(first, 40)}", []
    else:
        numbers = values.astype(np.float64)
        gaps = np.isnan(numbers)
        missing = [f"{name}[{row}]" for row in np.flatnonzero(gaps.any(1)).tolist()]
        other = np.argwhere(~gaps & (numbers != 0) & (numbers != 1))
        if not missing and not len(other):
            return numbers, str(values.dtype)
        phrases = [f"{values[row, column].item()!r} in {name}[{row}]" for row, column in other[:5].tolist()]
        problem = ", ".join(phrases) + (f" and {len(other) - 5:,} more" if len(other) > 5 else "")
    if missing:
        raise ValueError(
            f"Input {name} contains NaN: {name_first(missing)}. {caller} needs to know of each label whether a record "
            f"has it. Drop these records, or fill in 0 or 1."
        )
    raise ValueError(
        f"The {name} of {caller} must hold zeros and ones where it has a column for each label. Received: {problem}. "
        f"Pass an indicator matrix, such as MultiLabelBinarizer gives; for columns of several classes each, fit one "
        f"classifier a column, as MultiOutputClassifier of sklearn.multioutput does."
    )


def _name_labels(columns: list[Any] | None, n_labels: int, caller: str, name: str) -> AnyArray:
    if columns is None:
        return np.arange(n_labels)
    twice = [repr(label) for label in dict.fromkeys(columns) if columns.count(label) > 1]
    if twice:
        raise ValueError(
            f"The columns of {name} name the labels of {caller}, and each needs a name of its own. Received: "
            f"{name_first(twice)} more than once. Rename these columns."
        )
    if all(isinstance(label, str) for label in columns) or all(type(label) is int for label in columns):
        return np.array(columns)
    named = np.empty(n_labels, dtype=object)
    named[:] = columns
    return named


def _is_row(item: Any) -> bool:
    if isinstance(item, list | tuple | set | frozenset):
        return True
    return hasattr(item, "__array__") and len(getattr(item, "shape", ())) == 1
