"""Reader of ``.ts`` files, the text format of sktime, aeon and the UCR, UEA and TSER archives.

A header of lines that begin with ``@`` tells what follows ``@data``: a case a line, its channels separated by colons,
the values of a channel by commas, and behind the last colon the class label or the regression target.
"""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from seqcnn._checks import count_word, did_you_mean, join_words, name_first, shorten
from seqcnn._types import AnyArray, FloatArray
from seqcnn.datasets._files import bad_file, check_path, labels_to_array, open_text, stack_or_list

MISSING = "?"

KEYS = ("timestamps", "classlabel", "targetlabel", "data")
"""The words of the header, in lower case, that change how a file is read; all others are passed over."""

MISSPELT = 0.75
"""How much an unknown word must resemble one of `KEYS`, by difflib's ratio, to be taken for a slip."""


@dataclass
class _Header:
    """What the lines in front of ``@data`` say that a reader cannot see for itself."""

    timestamps: bool = False
    labelled: bool = False
    labels: frozenset[str] = frozenset()
    target: bool = False

    def names_number(self, label: str) -> bool:
        """Tell whether a label is one of the header's in another spelling, as 1.0 is 1."""
        return _is_number(label) and float(label) in {float(known) for known in self.labels if _is_number(known)}


def read_ts(path: str | os.PathLike[str]) -> tuple[Any, AnyArray | None]:
    r"""Read a ``.ts`` file: series of equal or unequal length, of one or several channels.

    Parameters
    ----------
    path : str or path-like
        The file, plain or compressed (``.ts.gz``, ``.ts.xz``, ``.ts.bz2``, ``.ts.zip``).

    Returns
    -------
    X : float32 array or list of float32 arrays
        ``(n_cases, n_timepoints)`` for one channel and ``(n_cases, n_channels, n_timepoints)`` for several; where
        lengths differ, a list of ``(time_i,)`` or ``(n_channels, time_i)``. A missing value (``?``) is NaN.
    y : array of shape (n_cases,) or None
        Class labels (int64 where all of them are whole numbers, else strings) under ``@classLabel true``; targets
        (float64) under ``@targetLabel true``; None where the header announces neither.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line cannot be read (the error names it), cases differ in channels, the channels of a case differ in
        length, or the file has time stamps.

    Notes
    -----
    Format: https://www.aeon-toolkit.org/en/stable/api_reference/file_specifications/ts.html

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "gestures.ts"
    >>> _ = file.write_text("@univariate true\n@classLabel true left right\n@data\n1,2,?:left\n4,5:right\n")
    >>> X, y = read_ts(file)
    >>> X
    [array([ 1.,  2., nan], dtype=float32), array([4., 5.], dtype=float32)]
    >>> y.tolist()
    ['left', 'right']
    >>> folder.cleanup()
    """
    checked = check_path(path, caller="read_ts")
    with open_text(checked, caller="read_ts") as stream:
        lines = enumerate(stream, start=1)
        header = _read_header(checked, lines)
        return _read_cases(checked, lines, header)


def _read_header(path: Path, lines: Iterable[tuple[int, str]]) -> _Header:
    header = _Header()
    for number, line in lines:
        words = line.split()
        if not words or words[0][0] in "#%":
            continue
        if words[0][0] != "@":
            raise bad_file(
                path,
                f"line {number} stands in front of '@data' and does not begin with '@'. Received: {shorten(line, 40)}",
                "Put a line '@data' in front of the first case.",
                caller="read_ts",
            )
        key, values = words[0][1:].lower(), words[1:]
        if key == "data":
            if header.timestamps:
                raise bad_file(
                    path,
                    "its header says '@timeStamps true', and values with time stamps are not supported",
                    "Resample the series to equal steps and write the values alone, with '@timeStamps false'.",
                    caller="read_ts",
                )
            return header
        if key not in KEYS and (meant := difflib.get_close_matches(key, KEYS, n=1, cutoff=MISSPELT)):
            raise bad_file(
                path,
                f"line {number} begins with '{words[0]}', which the format does not know",
                f"Did you mean '@{meant[0]}'? Correct the line or take it out.",
                caller="read_ts",
            )
        _read_key(path, number, key, values, header)
    raise bad_file(path, "it has no line '@data'", "Put one in front of the first case.", caller="read_ts")


def _read_key(path: Path, number: int, key: str, values: list[str], header: _Header) -> None:
    if key not in ("timestamps", "classlabel", "targetlabel"):
        return
    answer = values[0].lower() if values else ""
    if answer not in ("true", "false"):
        raise bad_file(
            path,
            f"line {number} must say 'true' or 'false' behind '@{key}'. Received: {answer!r}",
            "Correct the line.",
            caller="read_ts",
        )
    true = answer == "true"
    if key == "timestamps":
        header.timestamps = true
    elif true:
        header.labelled = True
        header.target = key == "targetlabel"
        header.labels = frozenset(values[1:]) if key == "classlabel" else frozenset()


def _read_cases(path: Path, lines: Iterable[tuple[int, str]], header: _Header) -> tuple[Any, AnyArray | None]:
    records: list[FloatArray] = []
    labels: list[str] = []
    numbers: list[int] = []
    with warnings.catch_warnings():
        # numpy stops at what is no number and says so by a DeprecationWarning; later versions raise ValueError.
        warnings.simplefilter("error", DeprecationWarning)
        for number, line in lines:
            text = line.strip()
            if not text or text[0] in "#%":
                continue
            channels = text.split(":")
            if header.labelled:
                label = channels.pop().strip()
                if not channels:
                    raise bad_file(
                        path,
                        f"line {number} has no colon, but a label or target must stand behind the last one",
                        "Write ':label' at the end of the line.",
                        caller="read_ts",
                    )
                if header.labels and label not in header.labels and not header.names_number(label):
                    raise bad_file(
                        path,
                        f"line {number} has the label {shorten(label)}, which the header does not name",
                        f"{did_you_mean(label, sorted(header.labels))}Add it to the line '@classLabel'.",
                        caller="read_ts",
                    )
                labels.append(label)
            records.append(_read_record(path, number, channels))
            numbers.append(number)
    if not records:
        raise bad_file(path, "no case follows '@data'", "Get the file again, or write cases.", caller="read_ts")
    _check_channels(path, records, numbers)
    y: AnyArray | None = None
    if header.target:
        y = _read_targets(path, labels, numbers)
    elif header.labelled:
        y = labels_to_array(labels)
    return stack_or_list(list(records)), y


def _read_record(path: Path, number: int, channels: list[str]) -> FloatArray:
    read = []
    for place, channel in enumerate(channels):
        text = channel.replace(MISSING, "nan") if MISSING in channel else channel
        try:
            values = np.fromstring(text, dtype=np.float64, sep=",")
        except (ValueError, DeprecationWarning):
            values = np.empty(0)
        if len(values) != text.count(",") + 1:
            wrong = next((value for value in text.split(",") if not _is_number(value)), text)
            raise bad_file(
                path,
                f"line {number} has in channel {place} a value that is no number. Received: {shorten(wrong.strip())}",
                "Write a missing value as '?', and separate values by commas and channels by colons.",
                caller="read_ts",
            )
        read.append(values)
    lengths = [len(values) for values in read]
    if len(set(lengths)) > 1:
        raise bad_file(
            path,
            f"the channels of line {number} have unequal lengths ({join_words(lengths[:5])})",
            "Resample the channels of a case to one length.",
            caller="read_ts",
        )
    return np.stack(read).astype(np.float32)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_channels(path: Path, records: list[FloatArray], numbers: list[int]) -> None:
    first = records[0].shape[0]
    wrong = [
        f"line {number} has {count_word(record.shape[0], 'channel')}"
        for record, number in zip(records, numbers, strict=True)
        if record.shape[0] != first
    ]
    if wrong:
        raise bad_file(
            path,
            f"all cases must have the channels of the first (line {numbers[0]}), {first}, but {name_first(wrong)}",
            "Write a colon behind every channel.",
            caller="read_ts",
        )


def _read_targets(path: Path, labels: list[str], numbers: list[int]) -> AnyArray:
    wrong = (number for label, number in zip(labels, numbers, strict=True) if not _is_number(label))
    named = [f"line {number}" for number in islice(wrong, 6)]
    if named:
        raise bad_file(
            path,
            f"the header says '@targetLabel true', but the target is no number in {name_first(named)}",
            "Write a number behind the last colon, or '@classLabel true' with the labels in the header.",
            caller="read_ts",
        )
    return np.array([float(label) for label in labels])
