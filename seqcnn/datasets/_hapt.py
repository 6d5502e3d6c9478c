"""Reader of HAPT: twelve activities of people with a phone at the waist, in windows of 2.56 seconds."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from seqcnn._checks import check_boolean, check_choice
from seqcnn._types import AnyArray, FloatArray, IntegerArray
from seqcnn.datasets._download import Remote, downloaded, save_arrays
from seqcnn.datasets._locate import (
    DataSet,
    PathArgument,
    candidate_folders,
    corrupt_file,
    find_data_folder,
    folder_that_holds,
    missing_data,
)

HAPT = DataSet("HAPT", "har", "hapt.md", "fetch_hapt")
FILE = "hapt_windows.npz"
REMOTE = Remote(
    "https://archive.ics.uci.edu/static/public/341/"
    "smartphone+based+recognition+of+human+activities+and+postural+transitions.zip",
    "hapt.zip",
    "sha256:4ac4ae064227c07045a99551876b54d204837e995e298b6488559e209b3deb09",
)

WINDOW, HOP = 128, 64
"""Samples of a window and from window to window, at 50 Hz: those of the release's own features."""

Split = Literal["train", "test"]


@overload
def load_hapt(
    split: Split = ..., *, path: PathArgument = ..., return_groups: Literal[False] = ...
) -> tuple[FloatArray, AnyArray]: ...
@overload
def load_hapt(
    split: Split = ..., *, path: PathArgument = ..., return_groups: Literal[True]
) -> tuple[FloatArray, AnyArray, IntegerArray]: ...
def load_hapt(split: Split = "train", *, path: PathArgument = None, return_groups: bool = False) -> tuple[Any, ...]:
    """Return windows of movement, their activities and the people of HAPT.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split by people: 21 with 7,767 windows, 9 with 3,162.
    path : str or path-like or None, default=None
        The folder that holds ``hapt_windows.npz``. None takes ``$SEQCNN_DATA/har``, then the cache.
    return_groups : bool, default=False
        Whether to return the people's numbers too, for splits by person.

    Returns
    -------
    X : float32 array of shape (n_cases, 6, 128)
        Acceleration in g, then angular velocity in radians a second, along x, y and z; 50 Hz. Neighbouring windows of
        an activity overlap by half.
    y : str array of shape (n_cases,)
        "WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING", or one of the transitions
        "STAND_TO_SIT", "SIT_TO_STAND", "SIT_TO_LIE", "LIE_TO_SIT", "STAND_TO_LIE", "LIE_TO_STAND".
    groups : int64 array of shape (n_cases,)
        The people, from 1 to 30. Only if ``return_groups`` is True.

    Raises
    ------
    FileNotFoundError
        If the folder or the file is not found.
    TypeError
        If ``return_groups`` is not True or False.
    ValueError
        If ``split`` is not known, or the file cannot be read.

    Notes
    -----
    Source: J.-L. Reyes-Ortiz, L. Oneto, A. Samà, X. Parra, D. Anguita, "Transition-Aware Human Activity Recognition
    Using Smartphones", Neurocomputing 171, 2016, https://doi.org/10.24432/C54G7M

    Examples
    --------
    >>> X, y, people = load_hapt("test", return_groups=True)  # doctest: +SKIP
    >>> X.shape, y[0], people[0]  # doctest: +SKIP
    ((3162, 6, 128), 'STANDING', 2)
    """
    return _load(split, path, return_groups, caller="load_hapt")


def fetch_hapt(split: Split = "train", *, path: PathArgument = None, return_groups: bool = False) -> tuple[Any, ...]:
    """Return what `load_hapt` returns; download the data (80 MB) where they are not on this machine.

    The windows are cut from the release's recordings as its features were: 128 samples every 64 within each labelled
    stretch. Their number, activities and people are compared with the release's own lists.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split by people.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/har``, then in the cache, and downloads
        to the cache.
    return_groups : bool, default=False
        Whether to return the people's numbers too.

    Returns
    -------
    X, y, groups
        As `load_hapt` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    ValueError
        If ``split`` is not known, or the file that came has another checksum.

    Notes
    -----
    Source: https://archive.ics.uci.edu/dataset/341, checked by its SHA-256.

    Examples
    --------
    >>> X, y = fetch_hapt("train")  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (7767, 6, 128)
    """
    caller = "fetch_hapt"
    check_choice("split", split, ("train", "test"), caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    folders = [place for place, _ in candidate_folders(HAPT, path, caller=caller)]
    folder = folder_that_holds(folders, [FILE])
    if folder is None:
        folder = folders[-1]
        with downloaded(HAPT, [REMOTE], folder, caller=caller) as (archive,):
            save_arrays(folder / FILE, **cut_release(archive))
    return _load(split, folder, return_groups, caller=caller)


def _load(split: str, path: PathArgument, return_groups: bool, *, caller: str) -> tuple[Any, ...]:
    check_choice("split", split, ("train", "test"), caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    file = find_data_folder(HAPT, path, holds=[FILE], caller=caller) / FILE
    if not file.is_file():
        raise missing_data(HAPT, f"file '{FILE}'", file.parent, caller=caller)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            X, y, people = (archive[f"{name}_{split}"] for name in ("X", "y", "subject"))
            classes = archive["classes"]
        y = classes[y.astype(np.int64) - 1]
    except (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, zipfile.BadZipFile, zlib.error) as error:
        reason = "it is no npz file with the arrays X, y and subject of both splits, and classes"
        raise corrupt_file(HAPT, file, reason, caller=caller) from error
    X = X.astype(np.float32, copy=False)
    return (X, y, people.astype(np.int64)) if return_groups else (X, y)


def cut_release(archive: Path) -> dict[str, AnyArray]:
    """Cut the official release into the arrays of ``hapt_windows.npz``."""
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()

        def table(ending: str, dtype: Any = np.int64) -> AnyArray:
            name = next((name for name in names if name.endswith(ending)), None)
            if name is None:
                raise corrupt_file(HAPT, archive, f"it holds no file '{ending}'", caller="fetch_hapt")
            return np.loadtxt(io.BytesIO(opened.read(name)), dtype=dtype, ndmin=2)

        stretches = table("RawData/labels.txt")
        official = {
            split: (table(f"y_{split}.txt")[:, 0], table(f"subject_id_{split}.txt")[:, 0])
            for split in ("train", "test")
        }
        classes = table("activity_labels.txt", dtype=str)
        recordings = {}
        for experiment, person in sorted({(int(row[0]), int(row[1])) for row in stretches}):
            ending = f"exp{experiment:02d}_user{person:02d}.txt"
            parts = [table(f"RawData/{sensor}_{ending}", np.float32) for sensor in ("acc", "gyro")]
            recordings[experiment] = np.concatenate(parts, axis=1).T
    windows = [
        (int(activity), int(person), recordings[int(experiment)][:, start : start + WINDOW])
        for experiment, person, activity, first, last in stretches
        for start in range(int(first) - 1, int(last) - WINDOW + 1, HOP)
    ]
    arrays: dict[str, AnyArray] = {
        "classes": classes[:, 1],
        "channels": np.array(["acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"]),
    }
    for split, (y, people) in official.items():
        here = set(people.tolist())
        chosen = [window for window in windows if window[1] in here]
        if [window[0] for window in chosen] != y.tolist() or [window[1] for window in chosen] != people.tolist():
            reason = f"its recordings give other windows in the {split} split than its own lists name"
            raise corrupt_file(HAPT, archive, reason, caller="fetch_hapt")
        arrays[f"X_{split}"] = np.stack([window[2] for window in chosen])
        arrays[f"y_{split}"] = y.astype(np.int8)
        arrays[f"subject_{split}"] = people.astype(np.int8)
    return arrays
