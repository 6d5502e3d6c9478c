"""Columns of a frame of pandas or polars, sorted by what they hold: numbers, arrays, strings, dates, ..."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Number
from typing import Any

import numpy as np

from seqcnn.inputs.containers import is_missing, library_of

SORT_WORDS = {
    "array": "arrays",
    "tuple": "tuples",
    "path": "paths",
    "text": "strings",
    "number": "numbers",
    "category": "categories",
    "date": "dates or times",
    "complex": "complex numbers",
    "mixed": "values of several kinds",
    "other": "something else",
}
"""What a column may hold, in the words of the messages."""


def sort_columns(X: Any, *, by_first: bool = False) -> list[str]:
    """Return what each column of a frame holds, one of the keys of ``SORT_WORDS``.

    Columns of Python objects are looked through; with ``by_first``, the first item that is there stands for all of
    them. A column without any is one of numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> sort_columns(pd.DataFrame({"age": [31, 64], "signal": [[0.0, 1.0], [2.0, 3.0]], "name": ["Ada", None]}))
    ['number', 'array', 'text']
    """
    if library_of(X) == "polars":
        return [_sort_of_polars(column, by_first) for column in X.iter_columns()]
    # A column is taken out of a wide frame only where its type does not tell.
    return [
        _sort_of_pandas(dtype) or _sort_of_items(X.iloc[:, position], by_first)
        for position, dtype in enumerate(X.dtypes)
    ]


def is_array(item: Any) -> bool:
    """Tell whether one cell holds an array of any library, or a list."""
    return _sort_of_item(item) == "array"


def dtype_name(dtype: Any) -> str:
    """Name a polars dtype without what it holds: "List", not "List(Float64)"."""
    return str(dtype.base_type().__name__)


def _sort_of_pandas(dtype: Any) -> str | None:
    """Return what a column of this dtype holds; None where its items must tell."""
    if type(dtype).__name__ == "CategoricalDtype":
        return "category"
    if type(dtype).__name__ == "StringDtype":
        return "text"
    if dtype.kind in "biuf":
        return "number"
    return "date" if dtype.kind in "mM" else "complex" if dtype.kind == "c" else None


def _sort_of_polars(column: Any, by_first: bool) -> str:
    dtype = column.dtype
    name = dtype_name(dtype)
    if dtype.is_numeric() or name in ("Boolean", "Null"):
        return "number"
    if dtype.is_temporal():
        return "date"
    if name in ("Categorical", "Enum"):
        return "category"
    if name in ("List", "Array"):
        return "array"
    if name == "String":
        return "text"
    return _sort_of_items(column, by_first) if name == "Object" else "other"


def _sort_of_items(items: Iterable[Any], by_first: bool) -> str:
    present = (_sort_of_item(item) for item in items if not is_missing(item))
    found = {next(present, "number")} if by_first else set(present)
    for general, special in (("path", "text"), ("array", "tuple")):
        if found == {general, special}:
            return general
    return next(iter(found)) if len(found) == 1 else "mixed" if found else "number"


def _sort_of_item(item: Any) -> str:
    if isinstance(item, str):
        return "text"
    if isinstance(item, os.PathLike):
        return "path"
    if isinstance(item, list | tuple):
        return "array" if isinstance(item, list) else "tuple"
    if isinstance(item, Number | np.bool_):
        return "complex" if isinstance(item, complex) else "number"
    return "array" if hasattr(item, "__array__") and len(getattr(item, "shape", (0,))) > 0 else "other"
