"""Readers of three archives of time series: UCR (one channel), UEA (several) and TSER (numbers to be predicted).

All of them are read from one npz file a data set, with the arrays ``X_train``, ``y_train``, ``X_test`` and
``y_test``. Series of unequal length are stored with NaN at their end; the readers take this padding away and
return a list, because padding is not missing data.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from seqcnn._checks import check_choice, did_you_mean, shorten
from seqcnn._types import AnyArray, Float64Array, FloatArray, IntegerArray
from seqcnn.datasets._locate import (
    DataSet,
    PathArgument,
    candidate_folders,
    corrupt_file,
    find_data_folder,
    folder_that_holds,
    missing_data,
)

UCR = DataSet("UCR archive", "ucr", "ucr.md", "fetch_ucr")
UEA = DataSet("UEA archive", "uea", "uea.md", "fetch_uea")
TSER = DataSet("TSER archive", "regression", "tser.md", "fetch_tser")

SETS_WITH_MISSING_VALUES = frozenset({"DodgerLoopDay", "DodgerLoopGame", "DodgerLoopWeekend", "MelbournePedestrian"})
"""The UCR sets of equal length with missing values: a NaN at the end of a series is missing there, not padding."""

OTHER_FILES = frozenset({"cmapss_fd001"})
"""Files in the folder of the TSER archive that have a reader of their own."""

Split = Literal["train", "test"]


def list_ucr(path: PathArgument = None) -> list[str]:
    """Return the names of the UCR data sets that are on this machine.

    Parameters
    ----------
    path : str or path-like or None, default=None
        The folder that holds ``NAME.npz``. None takes ``$SEQCNN_DATA/ucr`` and the cache.

    Returns
    -------
    list of str
        The names, sorted.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no npz file in it.

    Examples
    --------
    >>> list_ucr()  # doctest: +SKIP
    ['ACSF1', 'AllGestureWiimoteX', 'ArrowHead', ...]
    """
    return _names(UCR, path, caller="list_ucr")


def list_uea(path: PathArgument = None) -> list[str]:
    """Return the names of the UEA data sets that are on this machine.

    Parameters
    ----------
    path : str or path-like or None, default=None
        The folder that holds ``NAME.npz``. None takes ``$SEQCNN_DATA/uea`` and the cache.

    Returns
    -------
    list of str
        The names, sorted.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no npz file in it.

    Examples
    --------
    >>> list_uea()  # doctest: +SKIP
    ['ArticularyWordRecognition', 'AtrialFibrillation', 'BasicMotions', ...]
    """
    return _names(UEA, path, caller="list_uea")


def list_tser(path: PathArgument = None) -> list[str]:
    """Return the names of the TSER data sets that are on this machine.

    Parameters
    ----------
    path : str or path-like or None, default=None
        The folder that holds ``NAME.npz``. None takes ``$SEQCNN_DATA/regression`` and the cache.

    Returns
    -------
    list of str
        The names, sorted.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no npz file in it.

    Examples
    --------
    >>> list_tser()  # doctest: +SKIP
    ['CardanoSentiment', 'Covid3Month']
    """
    return _names(TSER, path, caller="list_tser")


def load_ucr(
    name: str, split: Split = "train", *, path: PathArgument = None
) -> tuple[FloatArray | list[FloatArray], IntegerArray]:
    """Return one split of a univariate data set of the UCR archive.

    Parameters
    ----------
    name : str
        The archive's name of the data set, such as ``"GunPoint"``; `list_ucr` gives the names.
    split : {"train", "test"}, default="train"
        The archive's own split.
    path : str or path-like or None, default=None
        The folder that holds ``NAME.npz``. None takes ``$SEQCNN_DATA/ucr`` and the cache.

    Returns
    -------
    X : float32 array of shape (n_cases, n_timepoints), or list of float32 arrays of shape (time_i,)
        The values as released. A list where the lengths of the data set differ, in either split: then the padding
        at the end is taken away. Missing values stay NaN.
    y : int64 array of shape (n_cases,)
        The archive's class numbers, as stored: they need not begin at 0.

    Raises
    ------
    FileNotFoundError
        If the folder is not found or holds no data set.
    ValueError
        If ``name`` or ``split`` is not known, or the file cannot be read.

    Notes
    -----
    Source: H. A. Dau et al., "The UCR Time Series Archive", IEEE/CAA Journal of Automatica Sinica 6(6), 2019,
    https://www.cs.ucr.edu/~eamonn/time_series_data_2018/

    Examples
    --------
    >>> X, y = load_ucr("GunPoint", "train")  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((50, 150), (50,))
    """
    X, y = _read_split(UCR, name, split, path, dimensions=2, caller="load_ucr", lister="list_ucr")
    return X, y.astype(np.int64)


def load_uea(
    name: str, split: Split = "train", *, path: PathArgument = None
) -> tuple[FloatArray | list[FloatArray], AnyArray]:
    """Return one split of a multivariate data set of the UEA archive.

    Parameters
    ----------
    name : str
        The archive's name of the data set, such as ``"BasicMotions"``; `list_uea` gives the names.
    split : {"train", "test"}, default="train"
        The archive's own split.
    path : str or path-like or None, default=None
        The folder that holds ``NAME.npz``. None takes ``$SEQCNN_DATA/uea`` and the cache.

    Returns
    -------
    X : float32 array of shape (n_cases, n_channels, n_timepoints), or list of arrays of shape (n_channels, time_i)
        The values as released. A list where the lengths of the data set differ, in either split: then the steps at
        the end at which every channel is NaN are taken away. Missing values stay NaN.
    y : array of shape (n_cases,)
        The class labels as stored: integers or strings.

    Raises
    ------
    FileNotFoundError
        If the folder is not found or holds no data set.
    ValueError
        If ``name`` or ``split`` is not known, or the file cannot be read.

    Notes
    -----
    Source: A. Bagnall et al., "The UEA multivariate time series classification archive, 2018", arXiv:1811.00075,
    https://www.timeseriesclassification.com

    Examples
    --------
    >>> X, y = load_uea("BasicMotions", "train")  # doctest: +SKIP
    >>> X.shape, y[:2]  # doctest: +SKIP
    ((40, 6, 100), array(['Standing', 'Standing'], dtype='<U9'))
    """
    return _read_split(UEA, name, split, path, dimensions=3, caller="load_uea", lister="list_uea")


def load_tser(
    name: str, split: Split = "train", *, path: PathArgument = None
) -> tuple[FloatArray | list[FloatArray], Float64Array]:
    """Return one split of a data set of the TSER archive: time series, and a number to be predicted from each.

    Parameters
    ----------
    name : str
        The archive's name of the data set, such as ``"Covid3Month"``; `list_tser` gives the names.
    split : {"train", "test"}, default="train"
        The archive's own split.
    path : str or path-like or None, default=None
        The folder that holds ``NAME.npz``. None takes ``$SEQCNN_DATA/regression`` and the cache.

    Returns
    -------
    X : float32 array of shape (n_cases, n_channels, n_timepoints), or list of arrays of shape (n_channels, time_i)
        The values as released. A list where the lengths of the data set differ, in either split. Missing values stay
        NaN.
    y : float64 array of shape (n_cases,)
        The targets, in units of the data set.

    Raises
    ------
    FileNotFoundError
        If the folder is not found or holds no data set.
    ValueError
        If ``name`` or ``split`` is not known, or the file cannot be read.

    Notes
    -----
    Source: C. W. Tan, C. Bergmeir, F. Petitjean, G. I. Webb, "Time Series Extrinsic Regression", Data Mining and
    Knowledge Discovery 35, 2021; the archive is at http://tseregression.org and https://zenodo.org/communities/tsml

    Examples
    --------
    >>> X, y = load_tser("Covid3Month", "train")  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((140, 1, 84), (140,))
    """
    X, y = _read_split(TSER, name, split, path, dimensions=3, caller="load_tser", lister="list_tser")
    return X, y.astype(np.float64)


def _names(data_set: DataSet, path: PathArgument, *, caller: str) -> list[str]:
    folder = find_data_folder(data_set, path, holds=["[!.]*.npz"], caller=caller)
    folders = [place for place, _ in candidate_folders(data_set, path, caller=caller)]
    names = {file.stem for place in folders for file in place.glob("[!.]*.npz")} - OTHER_FILES
    if not names:
        raise missing_data(data_set, "npz file", folder, caller=caller)
    return sorted(names)


def _read_split(
    data_set: DataSet, name: str, split: str, path: PathArgument, *, dimensions: int, caller: str, lister: str
) -> tuple[FloatArray | list[FloatArray], AnyArray]:
    check_choice("split", split, ("train", "test"), caller=caller)
    names = _names(data_set, path, caller=caller)
    if name not in names:
        folder = find_data_folder(data_set, path, holds=["[!.]*.npz"], caller=caller)
        download = "" if path is not None else f", or {data_set.fetch} to download others"
        raise ValueError(
            f"The 'name' parameter of {caller} must be one of the {len(names)} data sets in '{folder}'. "
            f"Received: {shorten(name)}. {did_you_mean(name, names)}Call {lister} to see the names{download}."
        )
    folders = [place for place, _ in candidate_folders(data_set, path, caller=caller)]
    folder = folder_that_holds(folders, [f"{name}.npz"]) or folders[-1]
    arrays = _read_arrays(data_set, folder / f"{name}.npz", dimensions=dimensions, caller=caller)
    X, y = arrays[f"X_{split}"], arrays[f"y_{split}"]
    if name in SETS_WITH_MISSING_VALUES or not any(_is_padded(arrays[key]) for key in ("X_train", "X_test")):
        return X, y
    return [record[..., :end].copy() for record, end in zip(X, _ends(X), strict=True)], y


def _read_arrays(data_set: DataSet, file: Path, *, dimensions: int, caller: str) -> dict[str, AnyArray]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in ("X_train", "y_train", "X_test", "y_test")}
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = "it is no npz file with the arrays X_train, y_train, X_test and y_test"
        raise corrupt_file(data_set, file, reason, caller=caller) from error
    for split in ("train", "test"):
        X, y = arrays[f"X_{split}"], arrays[f"y_{split}"]
        if X.ndim != dimensions or X.size == 0 or y.shape != X.shape[:1] or X.dtype.kind not in "fiu":
            reason = (
                f"X_{split} must be numbers in {dimensions} dimensions with one label in y_{split} for each case, "
                f"but their shapes are {X.shape} and {y.shape}"
            )
            raise corrupt_file(data_set, file, reason, caller=caller)
        arrays[f"X_{split}"] = X.astype(np.float32, copy=False)
    return arrays


def _is_padded(X: FloatArray) -> bool:
    return bool((_ends(X) < X.shape[-1]).any())


def _ends(X: FloatArray) -> IntegerArray:
    """Return each record's length without the NaN at its end; a record without any value is missing, not padded."""
    channels = ~np.isnan(X).reshape(len(X), -1, X.shape[-1])
    present: AnyArray = np.logical_or.reduce(channels, axis=1)
    ends: IntegerArray = X.shape[-1] - present[:, ::-1].argmax(axis=1)
    ends[~present.any(axis=1)] = X.shape[-1]
    return ends
