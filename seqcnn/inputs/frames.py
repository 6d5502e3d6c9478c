"""Frames of pandas and polars with one row a record: a table of numbers, a column of records, or a column a channel.

A column is sorted by what it holds: numbers, arrays (anything that is a series in one cell), or something else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Number
from typing import Any

import numpy as np

from seqcnn._checks import join_words, name_first
from seqcnn._types import AnyArray
from seqcnn.inputs.containers import is_missing, library_of, to_plain_array


@dataclass(frozen=True)
class SortedColumns:
    """Positions of a frame's columns, by what they hold.

    Attributes
    ----------
    numbers, arrays
        One number a record; one array a record.
    other
        Strings, dates and whatever else.
    """

    numbers: list[int] = field(default_factory=list)
    arrays: list[int] = field(default_factory=list)
    other: list[int] = field(default_factory=list)


def sort_columns(X: Any) -> SortedColumns:
    """Sort the columns of a pandas or polars frame by what they hold."""
    sort = _sort_of_polars if library_of(X) == "polars" else _sort_of_pandas
    columns = SortedColumns()
    for position, (column, dtype) in enumerate(_columns(X)):
        getattr(columns, sort(column, dtype)).append(position)
    return columns


def unwrap_frame(X: Any, *, caller: str) -> AnyArray | list[Any]:
    """Read a frame with one row a record.

    Returns
    -------
    AnyArray or list
        ``(n, time)`` where every column holds numbers; the items of a lone column of anything else; one ``(channels,
        time_i)`` array a record where there are several columns of arrays.

    Raises
    ------
    ValueError
        Where columns cannot be read together; the message names them.
    """
    if getattr(X.columns, "nlevels", 1) > 1:
        raise ValueError(
            f"{caller} reads the columns of a DataFrame as time steps, but those of X have {X.columns.nlevels} levels. "
            "Pass X.to_numpy() if they are the time steps of one channel, or a long frame, whose index is (case, "
            "time) and whose columns are channels: X.stack() makes one if the last level is time."
        )
    columns = sort_columns(X)
    names = list(X.columns)
    if X.shape[1] == 1 and not columns.numbers and (columns.arrays or _holds_objects(X)):
        return _cells(X, 0)
    if columns.other:
        dtypes = [dtype for _, dtype in _columns(X)]
        wrong = [f"{names[position]!r} ({dtypes[position]})" for position in columns.other]
        raise ValueError(
            f"{caller} reads the columns of a DataFrame as time steps, which must be numbers. Received: column "
            f"{name_first(wrong)}. Drop these columns, or pass one of them alone, as X[name], if it holds the texts or "
            "paths."
        )
    if not columns.arrays:
        return _to_table(X)
    assert not columns.numbers, "numbers beside arrays are split off before (static.py)"
    return stack_channels([_cells(X, position) for position in columns.arrays], [repr(name) for name in names], caller)


def unwrap_polars_series(X: Any) -> AnyArray | list[Any]:
    """Read a polars Series: numbers as one array, anything else as a list."""
    return np.asarray(X.to_numpy()) if _sort_of_polars(X, X.dtype) == "numbers" else _polars_cells(X)


def unwrap_object_table(table: AnyArray, *, caller: str) -> AnyArray | list[Any]:
    """Read an ``(n, channels)`` object array whose cells are arrays; other object arrays are given back."""
    if not table.size or not _is_array(table[0, 0]):
        return table
    channels = [list(column) for column in table.T]
    return stack_channels(channels, [f"X[:, {position}]" for position in range(len(channels))], caller)


def stack_channels(channels: Sequence[Sequence[Any]], names: Sequence[str], caller: str) -> list[Any]:
    """Give one ``(channels, time_i)`` array a record of columns whose cells are ``(time_i,)`` arrays.

    Raises
    ------
    ValueError
        Where a cell is no array of one dimension, or the channels of a record are of unequal lengths.
    """
    columns: list[list[Any]] = [[_to_array(cell) for cell in cells] for cells in channels]
    wrong = [
        f"column {name} has {'nothing' if cell is None else f'shape {cell.shape}'} in X[{row}]"
        for name, column in zip(names, columns, strict=True)
        for row, cell in enumerate(column)
        if cell is None or cell.ndim != 1
    ]
    if wrong:
        raise ValueError(
            f"{caller} reads several columns of arrays as channels, one array (time,) in each cell. Received: "
            f"{name_first(wrong)}. Drop or repair these records, or pass one column of (channels, time) arrays."
        )
    unequal = [row for row, cells in enumerate(zip(*columns, strict=True)) if len({len(cell) for cell in cells}) > 1]
    if unequal:
        pairs = list(zip(names, columns, strict=True))
        shown = [
            f"X[{row}] has " + join_words([f"{len(column[row])} in {name}" for name, column in pairs])
            for row in unequal
        ]
        raise ValueError(
            f"The channels of a record must have equally many time steps. Received: {name_first(shown, 3)}. Bring them "
            f"to one length, with NaN where a value is missing, before passing X to {caller}."
        )
    return [np.stack(cells) for cells in zip(*columns, strict=True)]


def _columns(X: Any) -> Iterator[tuple[Any, Any]]:
    """Give each column, as something that is only looked into where its dtype does not tell, with its dtype."""
    if library_of(X) == "polars":
        yield from ((column, column.dtype) for column in X.iter_columns())
    else:
        yield from (((X, position), dtype) for position, dtype in enumerate(X.dtypes))


def _sort_of_pandas(column: Any, dtype: Any) -> str:
    if dtype.kind in "biufc" and type(dtype).__name__ != "CategoricalDtype":
        return "numbers"
    if dtype.kind != "O" or type(dtype).__name__ in ("CategoricalDtype", "StringDtype"):
        return "other"
    frame, position = column
    return _sort_of_items(frame.iloc[:, position])


def _sort_of_polars(column: Any, dtype: Any) -> str:
    name = _name_of(dtype)
    if dtype.is_numeric() or name in ("Boolean", "Null"):
        return "numbers"
    if name in ("List", "Array"):
        return "arrays"
    return _sort_of_items(column) if name == "Object" else "other"


def _sort_of_items(items: Any) -> str:
    """Sort a column of Python objects by the first that is there."""
    first = next((item for item in items if not is_missing(item)), None)
    if first is None or isinstance(first, Number | np.bool_):
        return "numbers"
    return "arrays" if _is_array(first) else "other"


def _is_array(item: Any) -> bool:
    if isinstance(item, list):
        return True
    is_container = hasattr(item, "__array__") and not isinstance(item, str | bytes | os.PathLike | np.generic)
    return is_container and len(getattr(item, "shape", (0,))) > 0


def _holds_objects(X: Any) -> bool:
    """Tell whether a frame's first column holds strings, paths, pairs or the like, and no dates."""
    if library_of(X) == "polars":
        return _name_of(X.dtypes[0]) in ("String", "Categorical", "Enum", "Object")
    return X.dtypes.iloc[0].kind in "OUS"


def _name_of(dtype: Any) -> str:
    """Name a polars dtype without what it holds: "List", not "List(Float64)"."""
    return str(dtype.base_type().__name__)


def _cells(X: Any, position: int) -> list[Any]:
    """Give the cells of one column, arrays where it stores lists side by side."""
    if library_of(X) == "polars":
        return _polars_cells(X.to_series(position))
    column = X.iloc[:, position]
    storage = getattr(column.dtype, "pyarrow_dtype", None)
    if storage is not None and "list" in str(storage):
        return _arrow_cells(column)
    return list(column)


def _polars_cells(column: Any) -> list[Any]:
    if _name_of(column.dtype) == "Array":
        column = column.arr.to_list()
    if _name_of(column.dtype) != "List":
        return list(column.to_list())
    lengths = column.list.len().to_numpy()
    # A null among them makes the lengths floats.
    absent = np.isnan(lengths)
    counts = np.where(absent, 0, lengths).astype(np.int64)
    inner = column.filter(counts > 0).explode()
    is_nested = _name_of(inner.dtype) in ("List", "Array")
    return _cut(_polars_cells(inner) if is_nested else inner.to_numpy(), counts, absent)


def _arrow_cells(column: Any) -> list[Any]:
    import pyarrow

    array = pyarrow.array(column)
    array = array.combine_chunks() if isinstance(array, pyarrow.ChunkedArray) else array
    counts = array.value_lengths().to_numpy(zero_copy_only=False)
    absent = np.isnan(counts)
    flat = array.flatten()
    if pyarrow.types.is_nested(flat.type):
        return list(column)
    return _cut(flat.to_numpy(zero_copy_only=False), np.where(absent, 0, counts).astype(np.int64), absent)


def _cut(flat: Any, counts: AnyArray, absent: AnyArray) -> list[Any]:
    """Cut values that lie end to end into cells of so many; None where a cell is absent."""
    stops = np.cumsum(counts).tolist()
    starts = [0, *stops[:-1]]
    cells = [flat[start:stop] for start, stop in zip(starts, stops, strict=True)]
    for row in np.flatnonzero(absent).tolist():
        cells[row] = None
    return cells


def _to_array(cell: Any) -> AnyArray | None:
    if type(cell) is np.ndarray:
        return cell
    if is_missing(cell):
        return None
    return np.asarray(cell.to_numpy()) if library_of(cell) in ("pandas", "polars") else to_plain_array(cell)


def _to_table(X: Any) -> AnyArray:
    """Turn a frame of numbers into one array ``(n, columns)``."""
    if library_of(X) == "polars":
        if "Object" in map(_name_of, X.dtypes):
            return np.asarray(X.to_numpy())
        if not all(dtype.is_float() or dtype.is_integer() for dtype in X.dtypes):
            import polars

            X = X.cast(polars.Float64)
        return np.asarray(X.to_numpy(order="c"))
    if any(not isinstance(dtype, np.dtype) for dtype in X.dtypes):
        is_single = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in X.dtypes)
        return np.asarray(X.to_numpy(dtype=np.float32 if is_single else np.float64, na_value=np.nan))
    kinds = {dtype.kind for dtype in X.dtypes}
    if "b" in kinds and len(kinds) > 1 and kinds <= set("biuf"):
        # pandas would give objects.
        return np.asarray(X.to_numpy(dtype=np.float64))
    return np.asarray(X.to_numpy())
