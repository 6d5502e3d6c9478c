"""Find a data set on this machine: an explicit path, else a folder below ``$SEQCNN_DATA``, else one in the cache.

The cache has the layout of ``$SEQCNN_DATA``; what the ``fetch_...`` functions download is put there. What is not found
is reported in full: which data set, where was looked, what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from seqcnn._checks import join_words, shorten

ENVIRONMENT_VARIABLE = "SEQCNN_DATA"
"""The environment variable that names the folder which holds all data sets."""

CACHE_VARIABLE = "SEQCNN_CACHE"
"""The environment variable that names the folder for downloads, instead of the system's place for caches."""

PathArgument: TypeAlias = str | os.PathLike[str] | None


@dataclass(frozen=True)
class DataSet:
    """What the readers need to know of a data set to find it and to speak of it.

    Parameters
    ----------
    title : str
        The name used in error messages.
    folder : str
        The folder below ``$SEQCNN_DATA`` and in the cache, with forward slashes.
    card : str
        The file in the project's ``datasets/`` folder that says what the data set is and how to get it.
    fetch : str
        The public function that downloads it; empty where there is none.
    """

    title: str
    folder: str
    card: str
    fetch: str = ""


def cache_folder() -> Path:
    """Return the folder that downloads are put into: ``$SEQCNN_CACHE``, else the system's place for caches."""
    if root := os.environ.get(CACHE_VARIABLE, ""):
        return Path(root).expanduser()
    import pooch

    return Path(pooch.os_cache("seqcnn"))


def candidate_folders(data_set: DataSet, path: PathArgument, *, caller: str) -> list[tuple[Path, str]]:
    """Return where a data set may be, the best place first, each with words for it; the last is for downloads.

    >>> candidate_folders(DataSet("a test", "test", "test.md"), "mine", caller="load_test")
    [(PosixPath('mine'), "the 'path' parameter")]
    """
    if path is not None and not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"The 'path' parameter of {caller} must be a string, a pathlib.Path or None. "
            f"Received: {shorten(path)}. Pass the folder of the data set."
        )
    if path is not None:
        return [(Path(path).expanduser(), "the 'path' parameter")]
    places = []
    if root := os.environ.get(ENVIRONMENT_VARIABLE, ""):
        places.append((Path(root).expanduser() / data_set.folder, f"under ${ENVIRONMENT_VARIABLE}"))
    return [*places, (cache_folder() / data_set.folder, "in the cache")]


def find_data_folder(data_set: DataSet, path: PathArgument, *, holds: Iterable[str] = (), caller: str) -> Path:
    """Return the folder of a data set.

    Parameters
    ----------
    data_set : DataSet
        What is looked for.
    path : str or path-like or None
        The data set's own folder (``.../ucr``, not the folder above it). None looks below ``$SEQCNN_DATA``, then in the
        cache.
    holds : iterable of str
        Patterns of files: a folder with one of them is taken before a folder without.
    caller : str
        The public function that the error is to name.

    Returns
    -------
    pathlib.Path
        An existing folder.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    TypeError
        If ``path`` is neither a string nor path-like nor None.

    Examples
    --------
    >>> find_data_folder(DataSet("a test", "test", "test.md"), ".", caller="load_test").is_dir()
    True
    """
    places = candidate_folders(data_set, path, caller=caller)
    found = [place for place, _ in places if place.is_dir()]
    if not found:
        looked = join_words([f"'{place}' ({words})" for place, words in places], "or")
        raise FileNotFoundError(
            f"{caller} finds no folder {looked} for the data set {data_set.title}. {_advice(data_set)}"
        )
    return folder_that_holds(found, holds) or found[0]


def folder_that_holds(folders: Iterable[Path], patterns: Iterable[str]) -> Path | None:
    """Return the first folder in which a file matches one of the patterns."""
    listed = list(patterns)
    return next((folder for folder in folders if any(any(folder.glob(pattern)) for pattern in listed)), None)


def _advice(data_set: DataSet) -> str:
    download = f"Call {data_set.fetch} to download it, set" if data_set.fetch else "Set"
    return (
        f"{download} {ENVIRONMENT_VARIABLE} to the folder that holds '{data_set.folder}', or pass path= with the data "
        f"set's own folder. The card datasets/{data_set.card} tells how to get the data."
    )


def missing_data(data_set: DataSet, what: str, folder: Path, *, caller: str) -> FileNotFoundError:
    """Return the error that says which part of a data set is not in its folder.

    >>> print(missing_data(DataSet("a test", "t", "t.md"), "file 'a.csv'", Path("data"), caller="load_test"))
    load_test finds no file 'a.csv' in 'data'. The card datasets/t.md tells what belongs there and how to get it.
    """
    download = f"Call {data_set.fetch} to download it. " if data_set.fetch not in ("", caller) else ""
    return FileNotFoundError(
        f"{caller} finds no {what} in '{folder}'. {download}"
        f"The card datasets/{data_set.card} tells what belongs there and how to get it."
    )


def corrupt_file(data_set: DataSet, file: Path, reason: str, *, caller: str) -> ValueError:
    """Return the error that says which file cannot be read, and why.

    >>> print(corrupt_file(DataSet("a test", "t", "t.md"), Path("a.npz"), "it is no npz file", caller="load_test"))
    load_test cannot read 'a.npz': it is no npz file. Get the file again, as the card datasets/t.md tells.
    """
    return ValueError(
        f"{caller} cannot read '{file}': {reason}. Get the file again, as the card datasets/{data_set.card} tells."
    )
