"""What the readers of a user's own files share: the path, its suffixes, its lines, and the sentence for a bad file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from seqcnn._checks import shorten
from seqcnn._types import AnyArray

COMPRESSIONS = (".gz", ".xz", ".bz2", ".zip")
"""Suffixes of compressed files; they stand after the suffix that tells the format, as in ``train.csv.gz``."""


def check_path(path: Any, *, caller: str, folder: bool = False) -> Path:
    """Return an existing file, or folder, as a path."""
    wanted = "folder" if folder else "file"
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"The 'path' parameter of {caller} must be a string or a pathlib.Path. Received: {shorten(path)}. "
            f"Pass the path of a {wanted}."
        )
    checked = Path(os.fsdecode(path)).expanduser()
    if not checked.exists():
        raise FileNotFoundError(f"{caller} finds no {wanted} '{checked}'. Check the spelling, and the working folder.")
    if folder and not checked.is_dir():
        raise NotADirectoryError(f"{caller} reads folders, but '{checked}' is a file. Pass the folder that holds it.")
    if not folder and checked.is_dir():
        raise IsADirectoryError(f"{caller} reads files, but '{checked}' is a folder. Pass a file in it.")
    return checked


def format_suffix(path: Path) -> str:
    """Return the suffix that tells the format, in lower case and without that of a compression.

    >>> format_suffix(Path("data/train.CSV.gz"))
    '.csv'
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def bad_file(path: Path, reason: str, advice: str, *, caller: str) -> ValueError:
    """Return the error that says which file cannot be read, why, and what to do.

    >>> print(bad_file(Path("a.ts"), "line 3 has no label", "Add it.", caller="read_ts"))
    read_ts cannot read 'a.ts': line 3 has no label. Add it.
    """
    return ValueError(f"{caller} cannot read '{path}': {reason}. {advice}")


@contextmanager
def open_text(path: Path, *, caller: str) -> Iterator[IO[str]]:
    """Open a file of text, compressed or not; a byte-order mark at its beginning is passed over.

    Bytes that are no UTF-8 become U+FFFD, because the comments of many published files are in other encodings.
    """
    try:
        with _open_bytes(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace") as text:
            yield text
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise bad_file(path, "its compression is damaged", "Get the file again.", caller=caller) from error
    except PermissionError as error:
        raise PermissionError(f"{caller} may not read '{path}'. Change its permissions.") from error


def _open_bytes(path: Path) -> IO[bytes]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if suffix == ".xz":
        return lzma.open(path, "rb")
    if suffix == ".bz2":
        return bz2.open(path, "rb")
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise ValueError(
                    f"'{path}' must hold one file to be read as one, but it holds {len(members)}. "
                    "Unpack it and pass one of its files."
                )
            return io.BytesIO(archive.read(members[0]))
    return path.open("rb")


def labels_to_array(labels: Sequence[str]) -> AnyArray:
    """Return labels that are all whole numbers as int64, others as strings.

    >>> labels_to_array(["1", "-1", "2.0"]), labels_to_array(["1", "b"])
    (array([ 1, -1,  2]), array(['1', 'b'], dtype='<U1'))
    """
    try:
        numbers = np.array([float(label) for label in labels])
    except ValueError:
        return np.array(labels, dtype=str)
    whole = np.isfinite(numbers) & (np.floor(numbers) == numbers) & (np.abs(numbers) < 2**53)
    return numbers.astype(np.int64) if whole.all() else np.array(labels, dtype=str)


def stack_or_list(records: list[AnyArray]) -> Any:
    """Return records of shape (channels, time_i) as the estimators take them.

    One channel: ``(n_cases, n_timepoints)`` or a list of ``(time_i,)``; several: ``(n_cases, n_channels,
    n_timepoints)`` or a list of ``(n_channels, time_i)``. An array where all lengths are equal.

    >>> stack_or_list([np.zeros((1, 5)), np.zeros((1, 5))]).shape
    (2, 5)
    """
    if records and records[0].shape[0] == 1:
        records = [record[0] for record in records]
    return np.stack(records) if len({record.shape[-1] for record in records}) == 1 else records
