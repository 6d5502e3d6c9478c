"""Containers: what holds the records of X is recognised and counted, whatever library it comes from.

torch, pandas, polars and scipy are recognised without an import. ``unwrapping`` takes the containers apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Set, ValuesView
from numbers import Number
from typing import Any

import numpy as np

from seqcnn._checks import shorten
from seqcnn._types import AnyArray


def count_cases(X: Any, *, caller: str) -> int:
    """Count the records of X without reading them.

    Parameters
    ----------
    X
        Anything an estimator takes: ``(n, time)``, ``(n, channels, time)``, a list of arrays, strings or paths, ...
        A record of a long frame, whose index is (case, time), is a case.
    caller
        The estimator's class name, for the messages.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    TypeError
        Where X is sparse, or no container of records (None, a dict, a generator, a set, a LazyFrame).
    ValueError
        Where X is empty, one number, or one string.

    Examples
    --------
    >>> count_cases([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], caller="SeqCNNClassifier")
    3
    """
    _refuse_what_holds_no_records(X, caller)
    if is_long_frame(X):
        shape: Any = (_count_used(X.index.codes[0], len(X.index.levels[0])), *X.shape[1:])
    elif is_nested_tensor(X):
        shape = (X.size(0),)
    else:
        shape = getattr(X, "shape", None)
    if shape is None:
        shape = (len(X),) if hasattr(X, "__len__") else to_plain_array(X).shape
    if len(shape) == 0:
        raise ValueError(_one_number(X, caller))
    if shape[0] == 0:
        raise ValueError(
            f"X is empty: found 0 sample(s) (shape={tuple(shape)}) while a minimum of 1 is required by {caller}. "
            "Pass at least one record."
        )
    return int(shape[0])


def to_plain_array(value: Any) -> AnyArray:
    """Turn a torch tensor, a masked array or whatever has ``__array__`` into a plain numpy array, a view if it can."""
    if library_of(value) == "torch":
        try:
            return np.asarray(value.numpy(force=True))
        except TypeError:
            # numpy has no bfloat16, which tensors often have after autocast.
            return np.asarray(value.float().numpy(force=True))
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        # np.asarray would drop the mask and show what lies beneath as if it had been measured.
        if value.dtype.kind in "biufc":
            return np.where(np.ma.getmaskarray(value), np.nan, value.data)
        items = value.data.astype(object)
        items[np.ma.getmaskarray(value)] = None
        return np.asarray(items)
    return np.asarray(value)


def library_of(value: Any) -> str:
    """Name the library that a value's type comes from, without importing it.

    >>> library_of(np.zeros(2)), library_of(2)
    ('numpy', 'builtins')
    """
    return type(value).__module__.split(".", 1)[0]


def is_frame(value: Any) -> bool:
    """Tell whether this is a DataFrame of pandas or polars."""
    # A LazyFrame, which has no shape, would have to find out what its columns are.
    return library_of(value) in ("pandas", "polars") and hasattr(value, "shape") and hasattr(value, "columns")


def is_long_frame(value: Any) -> bool:
    """Tell whether this is a pandas frame (or Series of numbers) with several lines a record: its index has levels."""
    if library_of(value) != "pandas" or getattr(getattr(value, "index", None), "nlevels", 1) == 1:
        return False
    return hasattr(value, "columns") or value.dtype.kind in "biuf"


def is_nested_tensor(value: Any) -> bool:
    """Tell whether this is one of torch's nested tensors, which hold tensors of unequal lengths."""
    return library_of(value) == "torch" and bool(getattr(value, "is_nested", False))


def is_missing(value: Any) -> bool:
    """Tell whether this is None, a NaN, pandas' NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _refuse_what_holds_no_records(X: Any, caller: str) -> None:
    """Raise unless X is a container that can hold records."""
    if type(X).__module__.startswith("scipy.sparse") and hasattr(X, "toarray"):
        raise TypeError(
            f"{caller} reads dense data, but X is a sparse {type(X).__name__}. A convolution needs every time step: "
            "pass X.toarray()."
        )
    if library_of(X) == "torch" and "sparse" in str(getattr(X, "layout", "")):
        raise TypeError(
            f"{caller} reads dense data, but X is a sparse tensor. A convolution needs every time step: pass "
            "X.to_dense()."
        )
    if library_of(X) == "polars" and type(X).__name__ == "LazyFrame":
        raise TypeError(
            f"{caller} reads data that are there, but X is a polars LazyFrame, a query that has not been run. Pass "
            "X.collect()."
        )
    if isinstance(X, Iterator):
        raise TypeError(
            f"{caller} reads X more than once, to count and then to read its records, but X is an iterator "
            f"({type(X).__name__}), which gives them once. Pass list(X): an array, or a list of records."
        )
    if isinstance(X, Set):
        raise TypeError(
            f"{caller} needs records in an order, so that each has its target, but X is a {type(X).__name__}, which "
            "has none. Pass an array, or a list of records."
        )
    if isinstance(X, str | bytes):
        raise ValueError(f"Received one string; pass a list of strings. X is {shorten(X)}.")
    if isinstance(X, os.PathLike):
        raise ValueError(f"Received one path; pass a list of paths. X is {shorten(os.fspath(X))}.")
    if isinstance(X, Number) or (isinstance(X, np.generic) and X.ndim == 0):
        raise ValueError(_one_number(X, caller))
    is_container = hasattr(X, "__array__") or (isinstance(X, Sequence) and not isinstance(X, dict))
    if not is_container:
        values = "X" if isinstance(X, ValuesView) else "X.values()" if isinstance(X, Mapping) else None
        advice = "Pass an array, or a list of records" + (f": list({values})." if values else ".")
        raise TypeError(
            f"{caller} reads X as an array, a DataFrame, or a list with one item a record; the X argument must be made "
            f"of strings or of numbers. Received: {type(X).__name__}, {shorten(X)}. {advice}"
        )


def _count_used(codes: Any, n_names: int) -> int:
    """Count the names that the codes of an index level use; what has no name (-1) counts as one."""
    used = np.zeros(n_names + 1, dtype=bool)
    used[codes] = True
    return int(used.sum())


def _one_number(X: Any, caller: str) -> str:
    return (
        f"Expected 2D array, got scalar array instead: X is one number, {shorten(X)}. {caller} reads "
        "(n_records, n_timepoints). Reshape your data, or pass a list of series."
    )
