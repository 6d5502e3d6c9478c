"""Frames of pandas and polars with one row a record: a table of numbers, a column of records, or a column a channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqcnn._checks import join_words, name_first
from seqcnn._types import AnyArray
from seqcnn.inputs.columns import dtype_name, is_array, sort_columns
from seqcnn.inputs.containers import is_missing, library_of, to_plain_array

NUMBERS = ("number", "complex")
"""Columns that become a table; that complex ones are none of time steps is said later."""


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
    names, sorts = list(X.columns), sort_columns(X, by_first=True)
    if len(sorts) == 1 and sorts[0] not in NUMBERS and (sorts[0] == "array" or _holds_objects(X)):
        return _cells(X, 0)
    columns = list(zip(names, X.dtypes, sorts, strict=True))
    wrong = [f"{name!r} ({dtype})" for name, dtype, sort in columns if sort not in ("array", *NUMBERS)]
    if wrong:
        raise ValueError(
            f"{caller} reads the columns of a DataFrame as time steps, which must be numbers. Received: column "
            f"{name_first(wrong)}. Drop these columns, or pass one of them alone, as X[name], if it holds the texts or "
            "paths."
        )
    if "array" not in sorts:
        return _to_table(X)
    if set(sorts) != {"array"}:
        # Whole columns of arrays are parted from numbers before (static.py).
        mixed = [repr(name) for name, sort in zip(names, sort_columns(X), strict=True) if sort == "mixed"]
        raise ValueError(
            f"{caller} reads columns of arrays beside columns of numbers, each of one kind. Received: values of "
            f"several kinds in column {name_first(mixed)}. Drop or repair the records that differ."
        )
    return stack_channels(
        [_cells(X, position) for position in range(len(sorts))], [repr(name) for name in names], caller
    )


def unwrap_polars_series(X: Any) -> AnyArray | list[Any]:
    """Read a polars Series: numbers as one array, anything else as a list."""
    is_numbers = sort_columns(X.to_frame(), by_first=True)[0] in NUMBERS
    return np.asarray(X.to_numpy()) if is_numbers else _polars_cells(X)


def unwrap_object_table(table: AnyArray, *, caller: str) -> AnyArray | list[Any]:
    """Read an ``(n, channels)`` object array whose cells are arrays; other object arrays are given back."""
    if not table.size or not is_array(table[0, 0]):
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


def _holds_objects(X: Any) -> bool:
    """Tell whether a frame's first column holds strings, paths, pairs or the like, and no dates."""
    if library_of(X) == "polars":
        return dtype_name(X.dtypes[0]) in ("String", "Categorical", "Enum", "Object")
    return X.dtypes.iloc[0].kind in "OUS"


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
    if dtype_name(column.dtype) == "Array":
        column = column.arr.to_list()
    if dtype_name(column.dtype) != "List":
        return list(column.to_list())
    lengths = column.list.len().to_numpy()
    # A null among them makes the lengths floats.
    absent = np.isnan(lengths)
    counts = np.where(absent, 0, lengths).astype(np.int64)
    inner = column.filter(counts > 0).explode()
    is_nested = dtype_name(inner.dtype) in ("List", "Array")
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
        if "Object" in map(dtype_name, X.dtypes):
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
