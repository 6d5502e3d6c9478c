"""Readers of tables: csv, tsv, parquet, feather and lines of JSON; and of the UCR archive's tsv."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqcnn._checks import did_you_mean, join_words, name_first, shorten
from seqcnn._types import AUDIO_SUFFIXES, AnyArray, FloatArray
from seqcnn.datasets._files import bad_file, check_path, format_suffix, labels_to_array
from seqcnn.datasets._frames import holds_strings, is_number, read_frame

if TYPE_CHECKING:
    import pandas

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".feather", ".jsonl")


def read_tsv(path: str | os.PathLike[str]) -> tuple[FloatArray | list[FloatArray], AnyArray]:
    r"""Read a ``.tsv`` file of the UCR archive (2018): no header, the label, then the values, separated by tabs.

    Parameters
    ----------
    path : str or path-like
        The file, plain or compressed (``.tsv.gz`` and so on).

    Returns
    -------
    X : float32 array of shape (n_cases, n_timepoints), or list of float32 arrays of shape (time_i,)
        A list where series end in NaN: the archive fills series of unequal length up with NaN, which is taken away.
        NaN inside a series is a missing value and stays.
    y : array of shape (n_cases,)
        The labels: int64 where all of them are whole numbers, else strings.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a value is no number or a line is longer than the first. The error names the line.

    Notes
    -----
    Format: https://www.cs.ucr.edu/~eamonn/time_series_data_2018/

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "Gun_TRAIN.tsv"
    >>> _ = file.write_text("1\t0.5\t0.25\n2\t1.5\t1.25\n")
    >>> X, y = read_tsv(file)
    >>> X.tolist(), y.tolist()
    ([[0.5, 0.25], [1.5, 1.25]], [1, 2])
    >>> folder.cleanup()
    """
    checked = check_path(path, caller="read_tsv")
    frame = read_frame(checked, ".tsv", caller="read_tsv", header=False)
    if frame.shape[1] < 2:
        raise bad_file(
            checked,
            "its lines have one value, but a label and at least one more must stand there, separated by tabs",
            "Read files with other separators with read_table.",
            caller="read_tsv",
        )
    values = frame.iloc[:, 1:]
    for name in values.columns:
        if values[name].dtype.kind not in "iufb":
            row = next(row for row, value in enumerate(values[name]) if not is_number(value))
            raise bad_file(
                checked,
                f"line {row + 1} has a value that is no number. Received: {shorten(values[name].iloc[row])}",
                "Read tables with a header with read_table.",
                caller="read_tsv",
            )
    if row_numbers := np.flatnonzero(frame.iloc[:, 0].isna().to_numpy()).tolist():
        lines = name_first([f"line {row + 1}" for row in row_numbers])
        raise bad_file(checked, f"there is no label in {lines}", "Add the label in front.", caller="read_tsv")
    X = values.to_numpy(dtype=np.float32)
    y = labels_to_array([str(label) for label in frame.iloc[:, 0]])
    present = ~np.isnan(X)
    ends = X.shape[1] - present[:, ::-1].argmax(axis=1)
    ends[~present.any(axis=1)] = X.shape[1]
    if (ends == X.shape[1]).all():
        return X, y
    return [series[:end].copy() for series, end in zip(X, ends, strict=True)], y


def read_table(
    path: str | os.PathLike[str],
    target: str | Sequence[str] | None = None,
    *,
    text: str | None = None,
    audio: str | None = None,
    drop: str | Sequence[str] | None = None,
) -> tuple[Any, AnyArray | None]:
    r"""Read a table with a row a case: a wide table of numbers, or a column of texts or of paths of audio files.

    Parameters
    ----------
    path : str or path-like
        A ``.csv``, ``.tsv`` or ``.jsonl`` file with names of columns, plain or compressed (``.csv.gz`` and so on), or
        a ``.parquet`` or ``.feather`` file (these need pyarrow). A first column of a csv file that has no name and
        counts the rows, as pandas writes it, is left out.
    target : str or list of str or None, default=None
        The column to be predicted, or several. None reads none.
    text : str or None, default=None
        The column of texts; the others are left out. None takes it for granted if it is the only one beside the target.
    audio : str or None, default=None
        The column of paths of audio files, relative to the folder of the table; the others are left out. None takes
        it for granted if it is the only one beside the target, and all of its values end in an audio suffix.
    drop : str or list of str or None, default=None
        Columns to leave out, such as a number that counts the cases, or a date.

    Returns
    -------
    X : pandas.DataFrame or list of str
        The other columns, where they hold numbers (a column a time step) or arrays (a column a channel), beside which
        numbers may stand; n_cases rows. For a column of
        texts the texts, for a column of paths the paths; n_cases long.
    y : array of shape (n_cases,) or (n_cases, n_targets), or None
        The target as numbers or strings; None where ``target`` is.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If pyarrow is needed and not installed.
    ValueError
        If the file cannot be read, a column is not there, a target or text is missing, or columns are of several
        kinds and neither ``text`` nor ``audio`` chooses one.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "calls.csv"
    >>> _ = file.write_text("file,species\na.wav,wren\nb.wav,robin\n")
    >>> X, y = read_table(file, target="species")
    >>> [Path(path).relative_to(folder.name).name for path in X], y.tolist()
    (['a.wav', 'b.wav'], ['wren', 'robin'])
    >>> _ = file.write_text("t0,t1,kind\n0.5,1.5,7\n2.5,3.5,8\n")
    >>> X, y = read_table(file, target="kind")
    >>> X.shape, y.tolist()
    ((2, 2), [7, 8])
    >>> folder.cleanup()
    """
    return table_to_data(path, target, text, audio, drop=drop, caller="read_table")


def table_to_data(
    path: str | os.PathLike[str],
    target: str | Sequence[str] | None,
    text: str | None,
    audio: str | None,
    *,
    drop: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    caller: str,
) -> tuple[Any, AnyArray | None]:
    """Read a table, as `read_table` does, in the name of another function.

    ``columns`` are those to learn from, known by name: then they may be of any kinds, and stay a table.
    """
    checked = check_path(path, caller=caller)
    suffix = format_suffix(checked)
    if suffix not in TABLE_SUFFIXES:
        raise ValueError(
            f"{caller} reads files that end in {join_words(TABLE_SUFFIXES, 'or')}. Received: '{checked}'. "
            "Rename the file, or convert it."
        )
    if text is not None and audio is not None:
        raise ValueError(f"{caller} takes one of 'text' and 'audio'. Received: both. Pass one of them.")
    targets, dropped = (
        [] if names is None else [names] if isinstance(names, str) else list(names) for names in (target, drop)
    )
    frame = read_frame(checked, suffix, caller=caller)
    frame.columns = frame.columns.map(str)
    if frame.empty:
        raise bad_file(checked, "it has no row", "Write a row a case.", caller=caller)
    for parameter, names in (("target", targets), ("text", [text]), ("audio", [audio]), ("drop", dropped)):
        for name in names:
            _check_column(parameter, name, frame, checked, caller=caller)
    y = _target(frame, targets, checked, caller=caller)
    if columns is not None:
        return _known_columns(frame, columns, checked, caller=caller), y
    rest = frame.drop(columns=[*targets, *dropped])
    if text is not None or audio is not None:
        rest = rest[[text if text is not None else audio]]
    return _inputs(rest, checked, text, audio, caller=caller), y


def _known_columns(frame: pandas.DataFrame, columns: Sequence[str], path: Path, *, caller: str) -> Any:
    """Return these columns; paths of audio files are relative to the folder of the table."""
    names = [str(column) for column in frame.columns]
    spare = [name for name in names if name not in set(columns)]
    if absent := [name for name in columns if name not in names]:
        hints = [did_you_mean(name, spare).strip() for name in absent]
        missing = [f"{name!r} ({hint})" if hint else repr(name) for name, hint in zip(absent, hints, strict=True)]
        raise bad_file(
            path,
            f"it lacks columns that the model was fitted on, {name_first(missing)}",
            "Add them; others may stand beside them.",
            caller=caller,
        )
    chosen = frame[list(columns)]
    for name in chosen.columns:
        if holds_strings(chosen[name]) and all(str(value).lower().endswith(AUDIO_SUFFIXES) for value in chosen[name]):
            paths = [str(path.parent / Path(value).expanduser()) for value in chosen[name]]
            chosen = chosen.assign(**{str(name): paths})
    return chosen


def _check_column(parameter: str, name: Any, frame: pandas.DataFrame, path: Path, *, caller: str) -> None:
    columns = [str(column) for column in frame.columns]
    if name is None or name in columns:
        return
    if not isinstance(name, str):
        raise TypeError(
            f"The '{parameter}' parameter of {caller} must be the name of a column. Received: {shorten(name)}. "
            f"The columns are {name_first([repr(column) for column in columns], 20)}."
        )
    raise ValueError(
        f"The '{parameter}' parameter of {caller} must be a column of '{path}'. Received: {shorten(name)}. "
        f"{did_you_mean(name, columns)}The columns are {name_first([repr(column) for column in columns], 20)}."
    )


def _target(frame: pandas.DataFrame, targets: list[str], path: Path, *, caller: str) -> AnyArray | None:
    if not targets:
        return None
    if rows := np.flatnonzero(frame[targets].isna().any(axis=1).to_numpy()).tolist():
        raise bad_file(
            path,
            f"there is no target in {name_first([f'row {row}' for row in rows])} (rows count from 0 behind the header)",
            "Fill it in, or take the rows out.",
            caller=caller,
        )
    columns = [_to_array(frame[name]) for name in targets]
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def _to_array(column: pandas.Series[Any]) -> AnyArray:
    if _holds_numbers(column):
        kinds = {"i": np.int64, "u": np.uint64, "f": np.float64, "b": np.bool_}
        return column.to_numpy(dtype=kinds[column.dtype.kind])
    return np.array([str(value) for value in column])


def _inputs(frame: pandas.DataFrame, path: Path, text: str | None, audio: str | None, *, caller: str) -> Any:
    if frame.shape[1] == 0:
        raise bad_file(path, "there is no column beside the target", "Add the columns to learn from.", caller=caller)
    strings = [str(name) for name in frame.columns if holds_strings(frame[name])]
    others = [str(name) for name in frame.columns if str(name) not in strings and not _holds_numbers(frame[name])]
    if others and not strings and all(_holds_arrays(frame[name]) for name in others):
        return frame
    slips = [slip for name in strings if frame.shape[1] > 1 and (slip := _slip_among_numbers(frame[name]))]
    if slips:
        reason = f"there is a value that is no number in a column of numbers: {name_first(slips)}"
        advice = "Correct it, or leave a missing value empty (rows count from 0 behind the header)."
        raise bad_file(path, reason, advice, caller=caller)
    if frame.shape[1] > 1 and (strings or others):
        raise bad_file(
            path,
            f"beside the target it has {frame.shape[1]} columns, and not all of them hold numbers: "
            f"{name_first([repr(name) for name in [*strings, *others]])}",
            "Name the column to be predicted with target=, leave out others with drop=, and keep either columns of "
            "numbers, one a time step, or one column of texts or of audio files.",
            caller=caller,
        )
    if others or not strings:
        if text or audio:
            reason = f"the column {(text or audio)!r} holds no strings"
            raise bad_file(path, reason, "Pass the name of a column of strings.", caller=caller)
        if others and not _holds_arrays(frame[others[0]]):
            reason = f"the column {others[0]!r} holds neither numbers nor strings nor arrays ({frame[others[0]].dtype})"
            raise bad_file(path, reason, "Convert it.", caller=caller)
        return frame
    column = frame[strings[0]]
    if rows := np.flatnonzero(column.isna().to_numpy()).tolist():
        raise bad_file(
            path,
            f"the column {strings[0]!r} is empty in {name_first([f'row {row}' for row in rows])} (rows count from 0 "
            "behind the header)",
            "Fill it in, or take the rows out.",
            caller=caller,
        )
    values = [str(value) for value in column]
    if audio or (not text and all(value.lower().endswith(AUDIO_SUFFIXES) for value in values)):
        return [str(path.parent / Path(value).expanduser()) for value in values]
    return values


def _slip_among_numbers(column: pandas.Series[Any]) -> str | None:
    """Return words for the first value that is no number, where more than half of the values are numbers."""
    import pandas

    wrong = pandas.to_numeric(column, errors="coerce").isna().to_numpy() & column.notna().to_numpy()
    if not 0 < wrong.sum() < len(column) / 2:
        return None
    row = int(wrong.argmax())
    return f"{shorten(column.iloc[row])} in column {str(column.name)!r}, row {row}"


def _holds_numbers(column: pandas.Series[Any]) -> bool:
    return getattr(column.dtype, "kind", "O") in "iufb"


def _holds_arrays(column: pandas.Series[Any]) -> bool:
    return all(isinstance(value, np.ndarray | list | tuple) for value in column)
