"""Static columns: the number columns of a DataFrame beside those that hold the series, texts or recordings.

They are split off before the rest of reading sees the frame: one number a record and column, remembered by name.
A frame of numbers alone is a table of time steps, as ever.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqcnn._checks import count_word, name_first, shorten
from seqcnn._types import AnyArray, Float64Array
from seqcnn.inputs.columns import SORT_WORDS, sort_columns
from seqcnn.inputs.containers import is_frame, is_missing, library_of
from seqcnn.inputs.contract import InputContract


class Split(NamedTuple):
    """A frame in two parts.

    Attributes
    ----------
    records
        What holds the records: X itself, where there is nothing to split.
    static
        The numbers beside them, ``(n_records, n_columns)`` float64, or None.
    record_columns, static_columns
        The names of both, in the order of the frame; empty where there is nothing to split.
    """

    records: Any
    static: Float64Array | None = None
    record_columns: tuple[Hashable, ...] = ()
    static_columns: tuple[Hashable, ...] = ()


def split_for_fit(X: Any, *, kind: str, missing: str, caller: str) -> Split:
    """Split the number columns off a frame that an estimator is fitted on.

    Parameters
    ----------
    X
        Anything; what is no frame of records and numbers comes back as it is.
    kind
        The estimator's ``input``: "auto" refuses a column of strings that look like categories or numbers rather than
        texts.
    missing
        "error" refuses NaN in a number column; anything else leaves it for the network, which takes the column's mean.
    caller
        The estimator's class name, for the messages.

    Raises
    ------
    TypeError
        If beside the records stand columns that are neither records nor numbers.
    ValueError
        If a number column holds NaN (see ``missing``), infinity or nothing but NaN, if there are several columns of
        strings, or if two columns have one name.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"age": [31, 64], "signal": [[0.0, 1.0], [2.0, 3.0]]})
    >>> split = split_for_fit(frame, kind="auto", missing="error", caller="SeqCNNClassifier")
    >>> split.static_columns, split.static.tolist(), split.record_columns
    (('age',), [[31.0], [64.0]], ('signal',))
    """
    if not _is_flat_frame(X):
        return Split(X)
    sorts = ["array" if sort == "tuple" else sort for sort in sort_columns(X)]
    found = set(sorts)
    holders = found & {"array", "path", "text"}
    if len(sorts) < 2 or not holders or ("array" not in found and ("number" not in found or "mixed" in found)):
        # No frame of records and numbers; the other readers know what to make of it, or what is wrong with it.
        return Split(X)
    names = list(X.columns)
    _check_sorts(X, names, sorts, caller)
    if "number" not in found:
        return Split(X)
    _check_names(names, caller)
    if kind == "auto" and "text" in found:
        _check_text(X, names, sorts, caller)
    static_columns = tuple(name for name, sort in zip(names, sorts, strict=True) if sort == "number")
    record_columns = tuple(name for name, sort in zip(names, sorts, strict=True) if sort != "number")
    static = _read_numbers(X, static_columns, missing, caller)
    wholly = [repr(name) for name, column in zip(static_columns, static.T, strict=True) if np.isnan(column).all()]
    if wholly:
        raise ValueError(
            f"A number column of X must hold a number somewhere, so that {caller} can take its mean where there is "
            f"none. Received: nothing but NaN in {name_first(wholly)}. Drop these columns."
        )
    return Split(_select(X, record_columns), static, record_columns, static_columns)


def split_for_predict(X: Any, contract: InputContract, *, caller: str) -> Split:
    """Split a frame as the one that was fitted: the same columns by name, in any order.

    Raises
    ------
    ValueError
        If columns are missing or strange, or if X has number columns and what was fitted had none, or the reverse.
    """
    if not contract.static_columns:
        if not _is_flat_frame(X) or X.shape[1] < 2:
            return Split(X)
        split = split_for_fit(X, kind=contract.kind, missing="ignore", caller=caller)
        if split.static is None:
            return split
        named = name_first([repr(name) for name in split.static_columns])
        raise ValueError(
            f"{caller} was fitted without number columns, but X has {named}. Drop them, or fit {caller} again."
        )
    fitted = (*contract.record_columns, *contract.static_columns)
    if not is_frame(X):
        raise ValueError(
            f"{caller} was fitted on a DataFrame with the number columns "
            f"{name_first([repr(name) for name in contract.static_columns])}, but X is of type {type(X).__name__}. "
            f"Pass a DataFrame with the columns {name_first([repr(name) for name in fitted], limit=20)}."
        )
    names = list(X.columns)
    _check_names(names, caller)
    problems = [f"{name!r} is missing" for name in fitted if name not in names]
    problems += [f"{name!r} is new" for name in names if name not in fitted]
    if problems:
        raise ValueError(
            f"X must have the columns that {caller} was fitted on, in any order. Received: {name_first(problems)}. "
            f"Pass a DataFrame with the columns {name_first([repr(name) for name in fitted], limit=20)}."
        )
    sorts = zip(contract.static_columns, sort_columns(_select(X, contract.static_columns)), strict=True)
    wrong = [f"{SORT_WORDS[sort]} in {name!r}" for name, sort in sorts if sort != "number"]
    if wrong:
        raise TypeError(
            f"{caller} was fitted on numbers in these columns of X. Received: {name_first(wrong)}. Pass numbers there."
        )
    static = _read_numbers(X, contract.static_columns, contract.missing, caller)
    return Split(_select(X, contract.record_columns), static, contract.record_columns, contract.static_columns)


def in_fitted_order(X: Any, contract: InputContract) -> Any:
    """Return a frame with its columns in the order in which they were fitted, if it has these; anything else as it is.

    Columns beside each other are known by name, unlike time steps, so their order is no mistake.
    """
    if not contract.static_columns or not is_frame(X):
        return X
    order = {name: position for position, name in enumerate(contract.column_order)}
    names = list(X.columns)
    return _select(X, sorted(names, key=order.__getitem__)) if set(names) == set(order) else X


def _is_flat_frame(X: Any) -> bool:
    """Tell whether this is a frame with a row a record; one with an index of several levels is a long one."""
    return is_frame(X) and getattr(getattr(X, "index", None), "nlevels", 1) == 1 and len(X) > 0


def _select(X: Any, names: Iterable[Hashable]) -> Any:
    return X[list(names)]


def _check_sorts(X: Any, names: Sequence[Hashable], sorts: Sequence[str], caller: str) -> None:
    """Raise unless one sort of columns holds the records and all others are numbers."""
    columns = list(zip(names, sorts, strict=True))
    holder = "array" if "array" in sorts else "path" if "path" in sorts else "text"
    holders = [name for name, sort in columns if sort == holder]
    wrong = [(name, sort) for name, sort in columns if sort not in (holder, "number")]
    if wrong:
        phrases = [f"{SORT_WORDS[sort]} in {name!r}" for name, sort in wrong]
        raise TypeError(
            f"Beside {SORT_WORDS[holder]} in {name_first([repr(name) for name in holders])}, {caller} reads columns of "
            f"numbers only. Received: {name_first(phrases)}. Drop these columns, or turn them into numbers first: "
            f"categories by OneHotEncoder within a ColumnTransformer(..., remainder='passthrough')"
            f".set_output(transform='pandas'), times by their differences."
        )
    if holder != "array" and len(holders) > 1:
        raise ValueError(
            f"Beside columns of numbers, {caller} reads one column of {SORT_WORDS[holder]}. Received: "
            f"{name_first([repr(name) for name in holders])}. Join texts to one column; turn categories into numbers "
            f"first, by OneHotEncoder within a ColumnTransformer(..., remainder='passthrough')"
            f".set_output(transform='pandas'); drop the rest."
        )


def _check_names(names: Sequence[Hashable], caller: str) -> None:
    twice = [repr(name) for name in dict.fromkeys(names) if list(names).count(name) > 1]
    if twice:
        raise ValueError(
            f"{caller} knows the columns of X by name, and each needs one of its own. Received: {name_first(twice)} "
            f"more than once. Rename these columns."
        )


def _check_text(X: Any, names: Sequence[Hashable], sorts: Sequence[str], caller: str) -> None:
    """Raise ValueError if the column of strings is more likely one of labels, or of numbers that were not parsed.

    A table of time steps in which the labels were left, or one cell is no number, would be read as text beside numbers.
    """
    position = sorts.index("text")
    name = names[position]
    texts = [text for text in list(X[name]) if isinstance(text, str)]
    distinct = len(set(texts))
    n_numbers = sum(map(_is_number, texts))
    problem = ""
    if n_numbers > len(texts) / 2:
        example = next(text for text in texts if _is_number(text))
        problem = f"strings that are numbers, such as {shorten(example, 40)}"
        advice = f"turn them into numbers, pd.to_numeric(X[{name!r}], errors='coerce')"
    elif not texts:
        problem, advice = "nothing but missing values", "drop the column"
    elif distinct <= len(texts) / 2:
        problem = f"{count_word(distinct, 'distinct string')} in {count_word(len(texts), 'row')}, such as "
        problem += shorten(texts[0], 40)
        advice = "drop the column if it holds the labels, or turn it into numbers by OneHotEncoder if it is a category"
    if problem:
        raise ValueError(
            f"The column {name!r} of X does not look like texts, which {caller} would read beside "
            f"{count_word(sorts.count('number'), 'column')} of numbers. Received: {problem}. Pass input='text' if "
            f"these are texts; else {advice}."
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_numbers(X: Any, names: Sequence[Hashable], missing: str, caller: str) -> Float64Array:
    """Return these columns side by side, float64, NaN where a value is missing."""
    values = np.stack([_to_float64(X[name]) for name in names], axis=1)
    gaps = [] if missing != "error" else _describe(values, names, np.isnan(values))
    infinite = _describe(values, names, np.isinf(values))
    sentences = []
    if gaps:
        sentences.append(
            f"Input X contains NaN in columns of numbers: {name_first(gaps)}. Pass missing='interpolate' to {caller} "
            f"to take the column's mean there, or fill in or drop these values."
        )
    if infinite:
        sentences.append(
            f"Input X contains infinity in columns of numbers: {name_first(infinite)}. Replace or rescale these values."
        )
    if sentences:
        raise ValueError(" ".join(sentences))
    return values


def _to_float64(column: Any) -> Float64Array:
    if library_of(column) == "pandas" and column.dtype != object:
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.array([np.nan if is_missing(item) else float(item) for item in list(column)], dtype=np.float64)


def _describe(values: Float64Array, names: Sequence[Hashable], bad: AnyArray) -> list[str]:
    """Name the columns that hold bad values, and their rows: ``"'age' in X[2] and X[5]"``."""
    return [
        f"{name!r} in {name_first([f'X[{row}]' for row in np.flatnonzero(column).tolist()])}"
        for name, column in zip(names, bad.T, strict=True)
        if column.any()
    ]
