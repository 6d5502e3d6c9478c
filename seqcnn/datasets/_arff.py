r"""Reader of ``.arff`` files as the UCR and UEA archives have them.

A univariate case is a line of numbers, separated by commas, and a label. A multivariate case is one value of a
relational attribute, in quotes, in which ``\n`` (two characters) separates the channels, and a label.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqcnn._checks import name_first, shorten
from seqcnn._types import AnyArray
from seqcnn.datasets._files import bad_file, check_path, labels_to_array, open_text, stack_or_list

TARGET_NAMES = frozenset({"target", "class", "classvalue", "label", "y"})
"""Names that make a last attribute of numbers the target; a nominal one (``{a,b}``) is always the class."""

_ATTRIBUTE = re.compile(r"""@attribute\s+("[^"]*"|'[^']*'|[^\s{]+)\s*(.+)""", re.IGNORECASE)


@dataclass
class _Attributes:
    names: list[str]
    kinds: list[str]
    relational: bool = False

    @property
    def target(self) -> str | None:
        """Return "class" or "number" for the kind of target in the last place, None where there is none."""
        if not self.kinds or len(self.kinds) < 2:
            return None
        if self.kinds[-1].startswith("{") or self.kinds[-1] == "string":
            return "class"
        return "number" if self.names[-1].lower() in TARGET_NAMES else None


def read_arff(path: str | os.PathLike[str]) -> tuple[Any, AnyArray | None]:
    r"""Read an ``.arff`` file of the UCR or UEA archive, univariate or relational.

    Parameters
    ----------
    path : str or path-like
        The file, plain or compressed (``.arff.gz`` and so on).

    Returns
    -------
    X : float32 array or list of float32 arrays
        ``(n_cases, n_timepoints)`` for lines of numbers; ``(n_cases, n_channels, n_timepoints)`` for a relational
        attribute, or a list of ``(n_channels, time_i)`` where lengths differ. A missing value (``?``) is NaN.
    y : array of shape (n_cases,) or None
        The last attribute: class labels if it is nominal (int64 where all are whole numbers, else strings), float64
        if it is numeric and named target, class, label or y; None otherwise.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line cannot be read (the error names it).

    Notes
    -----
    Format: https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "motions.arff"
    >>> _ = file.write_text(
    ...     "@relation motions\n@attribute r relational\n@attribute t1 numeric\n@attribute t2 numeric\n@end r\n"
    ...     "@attribute class {walk,run}\n@data\n'1,2\\n3,4',walk\n'5,6\\n7,8',run\n"
    ... )
    >>> X, y = read_arff(file)
    >>> X.shape, X[1].tolist(), y.tolist()
    ((2, 2, 2), [[5.0, 6.0], [7.0, 8.0]], ['walk', 'run'])
    >>> folder.cleanup()
    """
    checked = check_path(path, caller="read_arff")
    with open_text(checked, caller="read_arff") as stream:
        lines = enumerate(stream, start=1)
        attributes = _read_attributes(checked, lines)
        return _read_cases(checked, lines, attributes)


def _read_attributes(path: Path, lines: Iterable[tuple[int, str]]) -> _Attributes:
    attributes = _Attributes([], [])
    inside = False
    for number, line in lines:
        text = line.strip()
        lowered = text.lower()
        if not text or text[0] == "%" or lowered.startswith("@relation"):
            continue
        if lowered.startswith("@data"):
            if not attributes.kinds:
                raise bad_file(path, "no line '@attribute' precedes '@data'", "Add the header.", caller="read_arff")
            return attributes
        if lowered.startswith("@end"):
            inside = False
            continue
        match = _ATTRIBUTE.fullmatch(text)
        if match is None:
            raise bad_file(
                path,
                f"line {number} of the header is no '@attribute name type'. Received: {shorten(text, 40)}",
                "Correct the line.",
                caller="read_arff",
            )
        if inside:
            continue
        kind = match[2].strip().lower()
        attributes.names.append(match[1].strip("\"'"))
        attributes.kinds.append(kind)
        if kind == "relational":
            attributes.relational = inside = True
    raise bad_file(path, "it has no line '@data'", "Put one in front of the first case.", caller="read_arff")


def _read_cases(path: Path, lines: Iterable[tuple[int, str]], attributes: _Attributes) -> tuple[Any, AnyArray | None]:
    records: list[AnyArray] = []
    labels: list[str] = []
    numbers: list[int] = []
    width = len(attributes.kinds)
    target = attributes.target
    for number, line in lines:
        text = line.strip()
        if not text or text[0] == "%":
            continue
        fields = _split(text)
        if len(fields) != width:
            raise bad_file(
                path,
                f"line {number} has {len(fields)} values, but the header has {width} attributes",
                "Correct the line: values are separated by commas, a relational value stands in quotes.",
                caller="read_arff",
            )
        if target:
            labels.append(fields.pop().strip().strip("\"'"))
        numbers.append(number)
        if attributes.relational:
            records.append(_read_relational(path, number, fields[0]))
        else:
            records.append(_numbers(path, number, fields)[None])
    if not records:
        raise bad_file(path, "no case follows '@data'", "Get the file again, or write cases.", caller="read_arff")
    wrong = [
        f"line {number} has {record.shape[0]}"
        for record, number in zip(records, numbers, strict=True)
        if record.shape[0] != records[0].shape[0]
    ]
    if wrong:
        raise bad_file(
            path,
            f"all cases must have the channels of the first (line {numbers[0]}), {records[0].shape[0]}, but "
            f"{name_first(wrong)}",
            "Separate the channels of a case by \\n.",
            caller="read_arff",
        )
    y: AnyArray | None = None
    if target == "number":
        y = np.array([_numbers(path, number, [label])[0] for label, number in zip(labels, numbers, strict=True)], float)
    elif target:
        y = labels_to_array(labels)
    return stack_or_list(records), y


def _split(text: str) -> list[str]:
    quote = "'" if "'" in text else '"'
    return next(csv.reader([text], quotechar=quote, skipinitialspace=True))


def _read_relational(path: Path, number: int, value: str) -> AnyArray:
    channels = [channel for channel in value.strip("\"'").replace("\n", "\\n").split("\\n") if channel.strip()]
    read = [_numbers(path, number, channel.split(",")) for channel in channels]
    if not read or len({len(channel) for channel in read}) > 1:
        raise bad_file(
            path,
            f"the channels of line {number} have unequal lengths, or there is none",
            "Write the channels with as many values each, '?' for a missing one.",
            caller="read_arff",
        )
    return np.stack(read)


def _numbers(path: Path, number: int, values: list[str]) -> AnyArray:
    try:
        return np.array([float("nan" if value.strip() == "?" else value) for value in values], dtype=np.float32)
    except ValueError as error:
        raise bad_file(
            path,
            f"line {number} has a value that is no number ({error})",
            "Write a missing value as '?'.",
            caller="read_arff",
        ) from error
