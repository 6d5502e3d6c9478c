"""Lists of frames: one DataFrame or Series a record; how its columns are labelled tells which axis is time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqcnn._checks import name_first, shorten
from seqcnn.inputs.containers import is_frame, library_of

_TIMES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "period", "time")


def unwrap_frame_list(items: Sequence[Any], *, caller: str) -> list[Any]:
    """Turn frames in a list into ``(channels, time)`` arrays, Series into ``(time,)``; give other items back.

    Columns that have names (or an index of dates and times) say that a row is a time step and a column a channel: so
    pandas users and sktime write it, and every polars frame, whose columns always have names. Columns that are
    numbered, as ``pd.DataFrame(array)`` numbers them, say that the frame is that ``(channels, time)`` array: aeon's
    "df-list".

    Raises
    ------
    ValueError
        Where frames differ in the names of their columns, or in their axes.

    Examples
    --------
    >>> import pandas as pd
    >>> unwrap_frame_list([pd.DataFrame({"x": [1, 2], "y": [3, 4]})], caller="A")[0].tolist()
    [[1, 2], [3, 4]]
    >>> unwrap_frame_list([pd.DataFrame([[1, 2, 3], [4, 5, 6]])], caller="A")[0].tolist()
    [[1, 2, 3], [4, 5, 6]]
    """
    items = [item.to_numpy() if type(item).__name__ == "Series" else item for item in items]
    frames = {row: item for row, item in enumerate(items) if is_frame(item)}
    if not frames:
        return items
    rows_are_time = {row: _rows_are_time(frame) for row, frame in frames.items()}
    (first, expected), *others = rows_are_time.items()
    mixed = [f"X[{row}]" for row, found in others if found != expected]
    if mixed:
        axes = ("(channels, time)", "(time, channels)")
        raise ValueError(
            "All frames in X must have the same axes. Columns with names are channels, numbered ones are time steps: "
            f"so X[{first}] is {axes[expected]}, but {name_first(mixed)} {axes[not expected]}. Give all frames in the "
            f"X of {caller} columns with names, or none."
        )
    if expected:
        names = list(frames[first].columns)
        other = [
            f"X[{row}] has {shorten(list(frames[row].columns))}"
            for row, _ in others
            if not _same(frames[row].columns, frames[first].columns)
        ]
        if other:
            raise ValueError(
                "All frames in X must have the same columns in the same order, one a channel. Received: "
                f"X[{first}] has {shorten(names)}, but {name_first(other)}. Select the columns of each before passing "
                f"X to {caller}."
            )
    return [
        item if row not in frames else (item.to_numpy().T if expected else np.asarray(item.to_numpy()))
        for row, item in enumerate(items)
    ]


def _rows_are_time(frame: Any) -> bool:
    if library_of(frame) == "polars":
        return True
    columns = frame.columns.inferred_type
    if columns in _TIMES:
        return False
    return columns not in ("integer", "floating") or frame.index.inferred_type in _TIMES


def _same(columns: Any, others: Any) -> bool:
    if hasattr(columns, "equals"):
        return bool(columns.equals(others))
    return list(columns) == list(others)
