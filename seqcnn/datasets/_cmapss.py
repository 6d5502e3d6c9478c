"""Reader of C-MAPSS FD001: the remaining life of jet engines from what their sensors measured."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seqcnn._checks import check_boolean, check_choice, check_integer
from seqcnn._types import AnyArray
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

CMAPSS = DataSet("C-MAPSS FD001", "regression", "cmapss.md", "fetch_cmapss")
FILE = "cmapss_fd001.npz"
REMOTE = Remote(
    "https://phm-datasets.s3.amazonaws.com/NASA/6.+Turbofan+Engine+Degradation+Simulation+Data+Set.zip",
    "cmapss.zip",
    "sha256:c9c5dec12a945a82e8bb4446589d7fb3cc057b5e5d81fa1a12e25ee9912ad3b2",
)
INNER = "CMAPSSData.zip"
"""The archive inside the archive, which holds the tables."""

N_COLUMNS = 26
"""Unit, cycle, three settings and 21 sensors."""

SHORTEST = 31
"""Cycles of the shortest engine of the test split: the longest window that every engine has. So much of an engine is
known wherever its life is to be told, and longer windows begin before the record does."""

Split = Literal["train", "test"]


def load_cmapss(
    split: Split = "train",
    *,
    window_length: int = 30,
    maximum_life: int = 125,
    with_history: bool = False,
    path: PathArgument = None,
    return_groups: bool = False,
) -> tuple[Any, ...]:
    """Return windows of an engine's cycles and how many cycles it has left, from C-MAPSS FD001.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split: 100 engines that ran until they failed, cut into a window a cycle; and 100 others whose
        record breaks off before, of which the last window is taken.
    window_length : int, default=30
        Cycles of a window. The shortest test engine has 31: a longer window that begins before the record does is
        filled up with the record's first cycle.
    maximum_life : int, default=125
        Targets above are set to it, as is usual: an engine that is still sound does not show how long it will last.
    with_history : bool, default=False
        Whether to add what a window does not show of an engine's past: the mean of each channel over all cycles so
        far, and in the last channel how many these are.
    path : str or path-like or None, default=None
        The folder that holds ``cmapss_fd001.npz``. None takes ``$SEQCNN_DATA/regression``, then the cache.
    return_groups : bool, default=False
        Whether to return the engines' numbers too, for splits by engine.

    Returns
    -------
    X : float32 array of shape (n_cases, 24, window_length)
        Three settings and 21 sensors, some of them constant, as released; a step a cycle. With the history 49
        channels.
    y : float64 array of shape (n_cases,)
        The cycles left after the window's last.
    groups : int64 array of shape (n_cases,)
        The engines, from 1 to 100 in each split. Only if ``return_groups`` is True.

    Raises
    ------
    FileNotFoundError
        If the folder or the file is not found.
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of its range, or the file cannot be read.

    Notes
    -----
    Source: A. Saxena, K. Goebel, D. Simon, N. Eklund, "Damage Propagation Modeling for Aircraft Engine Run-to-Failure
    Simulation", PHM 2008.

    Examples
    --------
    >>> X, y = load_cmapss("test")  # doctest: +SKIP
    >>> X.shape, y[:3]  # doctest: +SKIP
    ((100, 24, 30), array([112.,  98.,  69.]))
    """
    return _load(split, window_length, maximum_life, with_history, path, return_groups, caller="load_cmapss")


def fetch_cmapss(
    split: Split = "train",
    *,
    window_length: int = 30,
    maximum_life: int = 125,
    with_history: bool = False,
    path: PathArgument = None,
    return_groups: bool = False,
) -> tuple[Any, ...]:
    """Return what `load_cmapss` returns; download the data (12 MB) where they are not on this machine.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split.
    window_length : int, default=30
        Cycles of a window; one that begins before the record does is filled up with the record's first cycle.
    maximum_life : int, default=125
        Targets above are set to it.
    with_history : bool, default=False
        Whether to add the mean of each channel over all cycles so far, and how many these are.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/regression``, then in the cache, and
        downloads to the cache.
    return_groups : bool, default=False
        Whether to return the engines' numbers too.

    Returns
    -------
    X, y, groups
        As `load_cmapss` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of its range, or the file that came has another checksum.

    Notes
    -----
    Source: NASA's Prognostics Center of Excellence, checked by its SHA-256.

    Examples
    --------
    >>> X, y = fetch_cmapss("train")  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (17731, 24, 30)
    """
    caller = "fetch_cmapss"
    check_choice("split", split, ("train", "test"), caller=caller)
    folders = [place for place, _ in candidate_folders(CMAPSS, path, caller=caller)]
    folder = folder_that_holds(folders, [FILE])
    if folder is None:
        folder = folders[-1]
        with downloaded(CMAPSS, [REMOTE], folder, caller=caller) as (archive,):
            save_arrays(folder / FILE, **read_release(archive))
    return _load(split, window_length, maximum_life, with_history, folder, return_groups, caller=caller)


def _load(
    split: str,
    window_length: int,
    maximum_life: int,
    with_history: bool,
    path: PathArgument,
    return_groups: bool,
    *,
    caller: str,
) -> tuple[Any, ...]:
    check_choice("split", split, ("train", "test"), caller=caller)
    check_integer("window_length", window_length, minimum=1, caller=caller)
    check_integer("maximum_life", maximum_life, minimum=1, caller=caller)
    check_boolean("with_history", with_history, caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    file = find_data_folder(CMAPSS, path, holds=[FILE], caller=caller) / FILE
    if not file.is_file():
        raise missing_data(CMAPSS, f"file '{FILE}'", file.parent, caller=caller)
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            table, lives = archive[split], archive["test_rul"]
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = "it is no npz file with the arrays train, test and test_rul"
        raise corrupt_file(CMAPSS, file, reason, caller=caller) from error
    if table.ndim != 2 or table.shape[1] != N_COLUMNS:
        reason = f"{split} must have {N_COLUMNS} columns, but its shape is {table.shape}"
        raise corrupt_file(CMAPSS, file, reason, caller=caller)
    X, y, engines = [], [], []
    for number, engine in enumerate(np.unique(table[:, 0])):
        record = table[table[:, 0] == engine, 2:].T
        n_cycles = record.shape[1]
        if with_history:
            ages = np.arange(1, n_cycles + 1)
            record = np.vstack([record, np.cumsum(record, axis=1, dtype=np.float64) / ages, ages])
        first = min(window_length, SHORTEST)
        record = np.pad(record.astype(np.float32), [(0, 0), (window_length - first, 0)], mode="edge")
        for end in range(first, n_cycles + 1) if split == "train" else [n_cycles]:
            X.append(record[:, end - first : end - first + window_length])
            y.append(float(n_cycles - end if split == "train" else lives[number]))
            engines.append(int(engine))
    targets = np.minimum(np.array(y), maximum_life)
    return (np.stack(X), targets, np.array(engines)) if return_groups else (np.stack(X), targets)


def read_release(archive: Path) -> dict[str, AnyArray]:
    """Read the official release into the arrays of ``cmapss_fd001.npz``."""
    with zipfile.ZipFile(archive) as outer:
        inner = next((name for name in outer.namelist() if name.endswith(INNER)), None)
        if inner is None:
            raise corrupt_file(CMAPSS, archive, f"it holds no file '{INNER}'", caller="fetch_cmapss")
        with zipfile.ZipFile(io.BytesIO(outer.read(inner))) as opened:
            tables = {}
            for key, ending in (
                ("train", "train_FD001.txt"),
                ("test", "test_FD001.txt"),
                ("test_rul", "RUL_FD001.txt"),
            ):
                name = next((name for name in opened.namelist() if name.endswith(ending)), None)
                if name is None:
                    raise corrupt_file(CMAPSS, archive, f"it holds no file '{ending}'", caller="fetch_cmapss")
                tables[key] = np.loadtxt(io.BytesIO(opened.read(name)), dtype=np.float32)
    return tables
