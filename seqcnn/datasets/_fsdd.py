"""Reader of the Free Spoken Digit Dataset: ten digits, six speakers, 3,000 recordings at 8,000 Hz."""

from __future__ import annotations

import re
from typing import Any, Literal, overload

import numpy as np

from seqcnn._checks import check_boolean, check_choice
from seqcnn._types import AnyArray, IntegerArray
from seqcnn.datasets._download import Remote, downloaded, put, unpack
from seqcnn.datasets._locate import (
    DataSet,
    PathArgument,
    candidate_folders,
    corrupt_file,
    find_data_folder,
    folder_that_holds,
    missing_data,
)

FSDD = DataSet("Free Spoken Digit Dataset", "fsdd", "fsdd.md", "fetch_fsdd")

REMOTE = Remote("https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.tar.gz", "fsdd-v1.0.10.tar.gz")
N_RECORDINGS = 3000

N_TEST_RECORDINGS = 5
"""The recordings 0 to 4 of each digit and speaker are the official test split."""

_FILE_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)\.wav")


@overload
def load_fsdd(
    split: Literal["train", "test"] = ..., *, path: PathArgument = ..., return_groups: Literal[False] = ...
) -> tuple[list[str], IntegerArray]: ...
@overload
def load_fsdd(
    split: Literal["train", "test"] = ..., *, path: PathArgument = ..., return_groups: Literal[True]
) -> tuple[list[str], IntegerArray, AnyArray]: ...
def load_fsdd(
    split: Literal["train", "test"] = "train", *, path: PathArgument = None, return_groups: bool = False
) -> tuple[Any, ...]:
    """Return the file paths, digits and speakers of the Free Spoken Digit Dataset.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split: recordings 0-4 of each digit and speaker are the test split, 5-49 the training split.
        The speakers of both are the same.
    path : str or path-like or None, default=None
        The folder that holds ``recordings/``. None takes ``$SEQCNN_DATA/fsdd``, then the cache.
    return_groups : bool, default=False
        Whether to return the speakers too, for splits by speaker.

    Returns
    -------
    X : list of str
        The paths of the wav files (8,000 Hz, one channel), sorted by digit, speaker and index.
    y : int64 array of shape (n_cases,)
        The digits, 0 to 9.
    groups : str array of shape (n_cases,)
        The speakers' names. Only if ``return_groups`` is True.

    Raises
    ------
    FileNotFoundError
        If the folder is not found or holds no recording of the split.
    TypeError
        If ``return_groups`` is not True or False.
    ValueError
        If ``split`` is not known.

    Notes
    -----
    Source: https://github.com/Jakobovski/free-spoken-digit-dataset

    Examples
    --------
    >>> X, y, groups = load_fsdd("test", return_groups=True)  # doctest: +SKIP
    >>> len(X), y.tolist()[0], groups.tolist()[0]  # doctest: +SKIP
    (300, 0, 'george')
    """
    return _load(split, path, return_groups, caller="load_fsdd")


def fetch_fsdd(
    split: Literal["train", "test"] = "train", *, path: PathArgument = None, return_groups: bool = False
) -> tuple[Any, ...]:
    """Return what `load_fsdd` returns; download the recordings (16 MB) where they are not on this machine.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/fsdd``, then in the cache, and downloads
        to the cache.
    return_groups : bool, default=False
        Whether to return the speakers too.

    Returns
    -------
    X, y, groups
        As `load_fsdd` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    TypeError
        If ``return_groups`` is not True or False.
    ValueError
        If ``split`` is not known, the archive does not hold 3,000 recordings, or its checksum is not that of the first
        download.

    Notes
    -----
    Source: release 1.0.10 of https://github.com/Jakobovski/free-spoken-digit-dataset. No checksum is published: the
    first download is trusted, and later ones must have its SHA-256.

    Examples
    --------
    >>> X, y, speakers = fetch_fsdd("train", return_groups=True)  # doctest: +SKIP
    >>> len(X), len(set(speakers))  # doctest: +SKIP
    (2700, 6)
    """
    caller = "fetch_fsdd"
    check_choice("split", split, ("train", "test"), caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    folders = [place for place, _ in candidate_folders(FSDD, path, caller=caller)]
    folder = folder_that_holds(folders, ["recordings/*.wav"])
    if folder is None:
        folder = folders[-1]
        with downloaded(FSDD, [REMOTE], folder, caller=caller) as (archive,):
            unpacked = archive.parent / "unpacked"
            unpack(archive, unpacked, _choose)
            count = len(list(unpacked.glob("recordings/*.wav")))
            if count != N_RECORDINGS:
                reason = f"it holds {count:,} recordings instead of {N_RECORDINGS:,}"
                raise corrupt_file(FSDD, archive, reason, caller=caller)
            put(unpacked, folder, last="recordings")
    return _load(split, folder, return_groups, caller=caller)


def _choose(name: str) -> str | None:
    """Return where a file of the release belongs: only recordings are kept."""
    *_, parent, file = ("", "", *name.split("/"))
    return f"recordings/{file}" if parent == "recordings" and _FILE_NAME.fullmatch(file) else None


def _load(split: str, path: PathArgument, return_groups: bool, *, caller: str) -> tuple[Any, ...]:
    check_choice("split", split, ("train", "test"), caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    folder = find_data_folder(FSDD, path, holds=["recordings/*.wav"], caller=caller) / "recordings"
    found = []
    for file in folder.glob("*.wav"):
        parts = _FILE_NAME.fullmatch(file.name)
        if parts and (int(parts["index"]) < N_TEST_RECORDINGS) == (split == "test"):
            found.append((int(parts["digit"]), parts["speaker"], int(parts["index"]), str(file)))
    if not found:
        what = f"recording of the split {split!r} named DIGIT_SPEAKER_INDEX.wav"
        raise missing_data(FSDD, what, folder, caller=caller)
    found.sort()
    X = [file for *_, file in found]
    y = np.array([digit for digit, *_ in found], dtype=np.int64)
    if not return_groups:
        return X, y
    return X, y, np.array([speaker for _, speaker, *_ in found])
