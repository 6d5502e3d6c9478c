"""Reader of the Free Spoken Digit Dataset: ten digits, six speakers, 3,000 recordings at 8,000 Hz."""

from __future__ import annotations

import re
from typing import Any, Literal, overload

import numpy as np

from seqcnn._checks import check_boolean, check_choice
from seqcnn._types import AnyArray, IntegerArray
from seqcnn.datasets._locate import DataSet, PathArgument, find_data_folder, missing_data

FSDD = DataSet("Free Spoken Digit Dataset", "fsdd", "fsdd.md")

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
        The folder that holds ``recordings/``. None takes ``$SEQCNN_DATA/fsdd``.
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
    check_choice("split", split, ("train", "test"), caller="load_fsdd")
    check_boolean("return_groups", return_groups, caller="load_fsdd")
    folder = find_data_folder(FSDD, path, caller="load_fsdd") / "recordings"
    found = []
    for file in folder.glob("*.wav"):
        parts = _FILE_NAME.fullmatch(file.name)
        if parts and (int(parts["index"]) < N_TEST_RECORDINGS) == (split == "test"):
            found.append((int(parts["digit"]), parts["speaker"], int(parts["index"]), str(file)))
    if not found:
        what = f"recording of the split {split!r} named DIGIT_SPEAKER_INDEX.wav"
        raise missing_data(FSDD, what, folder, caller="load_fsdd")
    found.sort()
    X = [file for *_, file in found]
    y = np.array([digit for digit, *_ in found], dtype=np.int64)
    if not return_groups:
        return X, y
    return X, y, np.array([speaker for _, speaker, *_ in found])
