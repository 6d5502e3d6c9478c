"""One reader for every format: the file's suffix, or that it is a folder, tells which."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqcnn._checks import join_words, shorten
from seqcnn._types import AnyArray
from seqcnn.datasets._arff import read_arff
from seqcnn.datasets._audio_folder import read_wav_folder
from seqcnn.datasets._files import check_path, format_suffix, open_text
from seqcnn.datasets._table import TABLE_SUFFIXES, read_tsv, table_to_data
from seqcnn.datasets._text import read_text
from seqcnn.datasets._ts import read_ts

SUFFIXES = (".ts", ".arff", *TABLE_SUFFIXES, ".txt")


def read_data(
    path: str | os.PathLike[str],
    *,
    target: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
) -> tuple[Any, AnyArray | None]:
    r"""Read records, and their targets where there are any, from a file or folder of any of the known formats.

    ===========================================  =======================================================
    folder                                       `read_wav_folder`: its subfolders are the classes
    ``.ts``, ``.arff``                           `read_ts`, `read_arff`: label or target are in the file
    ``.tsv`` of numbers without a header         `read_tsv`: the label is in front
    ``.csv .tsv .parquet .feather .jsonl``       `read_table`: ``target`` names the column
    ``.txt``                                     `read_text`: a text a line, labelled or not
    ===========================================  =======================================================

    Parameters
    ----------
    path : str or path-like
        The file or folder; files of text may be compressed (``.gz``, ``.xz``, ``.bz2``, ``.zip``).
    target : str or list of str or None, default=None
        The column of a table that is to be predicted, or several. The other formats tell themselves where label or
        target is.
    drop : str or list of str or None, default=None
        Columns of a table to leave out, such as a number that counts the cases, or a date.

    Returns
    -------
    X : array, list of arrays, list of str or pandas.DataFrame
        The records, n_cases of them, as the reader named above gives them.
    y : array of shape (n_cases,) or (n_cases, n_targets), or None
        The labels or targets; None where there are none, and for a table without ``target``.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If the format is not known, ``target`` is no column, or the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "reviews.csv"
    >>> _ = file.write_text("text,stars\nWhat a film,5\nWhat a bore,1\n")
    >>> X, y = read_data(file, target="stars")
    >>> X, y.tolist()
    (['What a film', 'What a bore'], [5, 1])
    >>> folder.cleanup()
    """
    for parameter, names in (("target", target), ("drop", drop)):
        listed = [names] if isinstance(names, str) else names
        if listed is not None and not (
            isinstance(listed, list | tuple) and all(isinstance(name, str) for name in listed)
        ):
            raise TypeError(
                f"The '{parameter}' parameter of read_data must be the name of a column, a list of names or None. "
                f"Received: {shorten(names)}. Pass a string, or several in a list."
            )
    if isinstance(path, str | os.PathLike) and Path(os.fsdecode(path)).expanduser().is_dir():
        _refuse_columns(target, drop, "a folder of audio files, whose subfolders are the classes")
        return read_wav_folder(path)
    checked = check_path(path, caller="read_data")
    suffix = format_suffix(checked)
    if suffix == ".ts":
        _refuse_columns(target, drop, "a '.ts' file, which holds its labels or targets in a place of their own")
        return read_ts(checked)
    if suffix == ".arff":
        _refuse_columns(target, drop, "an '.arff' file, whose last attribute is the label or target")
        return read_arff(checked)
    if suffix == ".txt":
        _refuse_columns(target, drop, "a '.txt' file, which has its labels in front of the texts")
        return read_text(checked)
    if suffix == ".tsv" and target is None and drop is None and _has_no_header(checked):
        return read_tsv(checked)
    if suffix in TABLE_SUFFIXES:
        return table_to_data(checked, target, None, None, drop=drop, caller="read_data")
    raise ValueError(
        f"read_data reads folders of audio files and files that end in {join_words(SUFFIXES, 'or')}, also compressed. "
        f"Received: '{checked}'. Rename the file, or convert it."
    )


def _refuse_columns(target: Any, drop: Any, received: str) -> None:
    for parameter, names in (("target", target), ("drop", drop)):
        if names is not None:
            raise ValueError(
                f"The '{parameter}' parameter of read_data names a column of a table (csv, tsv, parquet, feather, "
                f"jsonl). Received: {parameter}={names!r} with {received}. Leave {parameter} out."
            )


def _has_no_header(path: Path) -> bool:
    """Tell whether the first line is a label and numbers, as in the UCR archive, instead of names of columns."""
    with open_text(path, caller="read_data") as stream:
        fields = stream.readline().rstrip("\r\n").split("\t")
    try:
        values = [float(field) for field in fields[1:]]
    except ValueError:
        return False
    # Names of columns may be numbers, too: then they count the time steps, from 0 or 1.
    if not values:
        return False
    is_count = values in ([float(number + start) for number in range(len(values))] for start in (0, 1))
    return not is_count or _is_label(fields[0], values[0])


def _is_label(first: str, second: float) -> bool:
    """Tell whether what stands in front of a count is a number that does not belong to it."""
    try:
        return float(first) != second - 1
    except ValueError:
        return False
