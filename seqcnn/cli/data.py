"""Records for the commands: from files and folders, and from standard input line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from seqcnn._checks import join_words, name_first, shorten
from seqcnn._types import AUDIO_SUFFIXES, AnyArray, IntegerArray, Kind
from seqcnn.cli._wording import in_shell_words

LINES_AT_ONCE = 4096
"""Lines of standard input that are answered together: what comes slowly is not held until it ends."""


def read_labelled(
    path: Path, targets: list[str] | None, drop: list[str] | None = None, columns: AnyArray | None = None
) -> tuple[Any, Any]:
    """Read records and their targets; of a table whose columns a model knows by name, those columns.

    Returns
    -------
    X
        The records.
    y
        Array ``(n_cases,)``; a DataFrame of several targets by name.

    Raises
    ------
    ValueError
        If there are no targets, or the data cannot be read.
    FileNotFoundError
        If there is no such file or folder.
    """
    with in_shell_words():
        X, y = _read(path, targets, drop, columns)
    if y is None:
        names = [str(name) for name in getattr(X, "columns", ())] if columns is None else []
        among = f" The columns are {name_first([repr(name) for name in names], 12)}." if names else ""
        forms = {
            ".txt": "Write a label and a tab in front of each text.",
            ".ts": "Write '@classLabel true' and the labels, or '@targetLabel true', into its header.",
        }
        advice = forms.get(path.suffix.lower(), "Pass --target and the name of its column.")
        raise ValueError(f"The data in {path} have no target to learn or to compare with.{among} {advice}")
    if y.ndim > 1:
        import pandas as pd

        y = pd.DataFrame(y, columns=targets)
    return X, y


def read_records(path: Path, targets: list[str] | None, drop: list[str] | None, columns: AnyArray | None) -> Any:
    """Read records to predict; of a table whose columns a model knows by name, those columns."""
    if path.is_dir():  # whatever it has subfolders for
        return find_audio(path)
    if path.suffix.lower() in AUDIO_SUFFIXES and path.exists():
        return [str(path)]
    with in_shell_words():
        X, _ = _read(path, targets, drop, columns)
    return align(X, columns)


def _read(path: Path, targets: list[str] | None, drop: list[str] | None, columns: AnyArray | None) -> tuple[Any, Any]:
    from seqcnn.datasets import read_data
    from seqcnn.datasets._files import format_suffix
    from seqcnn.datasets._table import TABLE_SUFFIXES, table_to_data

    target: Any = targets[0] if targets is not None and len(targets) == 1 else targets
    suffix = format_suffix(path)
    if columns is None or suffix not in TABLE_SUFFIXES or (suffix == ".tsv" and target is None):
        return read_data(path, target=target, drop=drop)
    return table_to_data(path, target, None, None, drop=drop, columns=list(columns), caller="read_data")


def align(X: Any, columns: AnyArray | None) -> Any:
    """Return a table as a model was fitted: its columns by name and in its order, or as numbers without names."""
    if not hasattr(X, "columns"):
        return X
    if columns is None:
        return X.to_numpy() if all(dtype.kind in "biuf" for dtype in X.dtypes) else X
    return X[list(columns)] if set(columns) <= set(X.columns) else X


def find_audio(folder: Path) -> list[str]:
    """Return the paths of all audio files in a folder and its subfolders, sorted.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    found = sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    if not found:
        suffixes = join_words(AUDIO_SUFFIXES, "or")
        raise FileNotFoundError(
            f"There are no audio files in the folder {folder}. Pass one that holds {suffixes} files."
        )
    return found


def read_lines(stream: Iterable[str], kind: Kind, columns: AnyArray | None) -> Iterator[tuple[int, Any]]:
    """Yield the number of the first record and some records, from lines of the model's kind.

    Text: a text a line. Audio: a path a line. Series: values with commas (or tabs or semicolons) between them, with or
    without a line of column names.
    """
    lines = (line.rstrip("\r\n") for line in stream)
    if kind == "series":
        yield from _read_series(lines, columns)
        return
    if kind == "audio":
        lines = (line for line in lines if line.strip())
    start = 0
    while chunk := list(islice(lines, LINES_AT_ONCE)):
        yield start, chunk
        start += len(chunk)


def _read_series(lines: Iterator[str], columns: AnyArray | None) -> Iterator[tuple[int, Any]]:
    import numpy as np
    import pandas as pd

    lines = (line for line in lines if line.strip())
    first = next(lines, None)
    if first is None:
        return
    separator = max(",\t;", key=first.count)
    rows = csv.reader(chain([first], lines), delimiter=separator)
    names = _find_names(next(csv.reader([first], delimiter=separator)), columns)
    start, line = 0, 1
    if names is not None:
        next(rows)
        line = 2
    while chunk := list(islice(rows, LINES_AT_ONCE)):
        values = [
            np.array(_read_line(row, names, columns, line + offset), dtype=np.float64)
            for offset, row in enumerate(chunk)
        ]
        records: Any = np.stack(values) if len({len(row) for row in values}) == 1 else values
        if columns is not None:
            records = pd.DataFrame(records, columns=columns if names is None else names)[list(columns)]
        yield start, records
        start, line = start + len(chunk), line + len(chunk)
    if start == 0:
        raise ValueError(
            f"The input must hold a series a line, numbers with commas between them. Received: the one line "
            f"{shorten(first, 40)}. This model reads series."
        )


def _find_names(cells: list[str], columns: AnyArray | None) -> list[str] | None:
    """Return the first line's cells if they are names of columns; None if they are values."""
    known = set() if columns is None else set(columns)
    if known and known <= set(cells):  # which may be numbers
        return cells
    if not any(_to_number(cell) is None for cell in cells):
        return None
    missing = [repr(name) for name in known.difference(cells)]
    if missing:
        raise ValueError(
            f"The first line of the input must name the columns that the model was fitted on. Missing: "
            f"{name_first(sorted(missing))}. Received: {shorten(','.join(cells), 60)}. Add these columns, or give "
            "values alone, a series a line."
        )
    return cells


def _read_line(row: list[str], names: list[str] | None, columns: AnyArray | None, number: int) -> list[float | None]:
    """Return a line's numbers; what stands in columns that the model does not know is not read."""
    known = None if names is None or columns is None else set(columns)
    numbers = [
        0.0 if known is not None and name not in known else _to_number(cell)
        for name, cell in zip(row if names is None else names, row, strict=False)
    ]
    if None in numbers:
        raise ValueError(
            f"Line {number:,} of the input must hold numbers with commas between them. Received: "
            f"{shorten(row[numbers.index(None)], 40)}. This model reads series; give a series a line."
        )
    expected = columns if names is None else names
    if expected is not None and len(row) != len(expected):
        raise ValueError(
            f"Line {number:,} of the input must have a value for each of the {len(expected):,} columns. Received: "
            f"{len(row):,} values. Complete the line."
        )
    return numbers


def _to_number(cell: str) -> float | None:
    """Return a cell's number; an empty one is a missing value."""
    try:
        return float(cell) if cell.strip() else float("nan")
    except ValueError:
        return None


def take(X: Any, rows: IntegerArray) -> Any:
    """Return some records of any form that a reader gives."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else [X[row] for row in rows]


def match_labels(y: AnyArray, classes: AnyArray) -> AnyArray:
    """Return labels as the model has them: a file may hold words where the model has numbers of the same writing."""
    import numpy as np

    if y.ndim != 1 or y.dtype.kind == classes.dtype.kind:
        return y
    same = {str(label): label for label in classes.tolist()}
    if not {str(label) for label in y.tolist()} <= same.keys():
        return y
    return np.array([same[str(label)] for label in y.tolist()], dtype=classes.dtype)
