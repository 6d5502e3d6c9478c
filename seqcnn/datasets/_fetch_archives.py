"""Download data sets of the UCR, UEA and TSER archives, as the npz files that their readers read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from seqcnn._checks import check_choice, did_you_mean, shorten
from seqcnn._types import AnyArray, Float64Array, FloatArray, IntegerArray
from seqcnn.datasets._archive_names import TSER_RECORDS, UCR_NAMES, UEA_NAMES
from seqcnn.datasets._archives import TSER, UCR, UEA, Split, load_tser, load_ucr, load_uea
from seqcnn.datasets._download import Remote, downloaded, save_arrays
from seqcnn.datasets._locate import DataSet, PathArgument, candidate_folders, corrupt_file, folder_that_holds
from seqcnn.datasets._ts import read_ts

CLASSIFICATION_URL = "https://timeseriesclassification.com/aeon-toolkit"
"""The site of the UCR and UEA archives: a zip file a data set, with the pair of ``.ts`` files."""

ZENODO_URL = "https://zenodo.org/records"
"""Where the TSER archive is: a record a data set, with the pair of ``.ts`` files."""


def fetch_ucr(
    name: str, split: Split = "train", *, path: PathArgument = None
) -> tuple[FloatArray | list[FloatArray], IntegerArray]:
    """Return one split of a data set of the UCR archive; download the data set where it is not on this machine.

    Parameters
    ----------
    name : str
        One of the archive's 128 data sets, such as ``"GunPoint"``.
    split : {"train", "test"}, default="train"
        The archive's own split.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/ucr``, then in the cache, and downloads
        to the cache.

    Returns
    -------
    X, y
        As `load_ucr` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    ValueError
        If ``name`` or ``split`` is not known, or the checksum is not that of the first download.

    Notes
    -----
    Source: https://timeseriesclassification.com, as in `load_ucr`. No checksum is published: the first download is
    trusted, and later ones must have its SHA-256.

    Examples
    --------
    >>> X, y = fetch_ucr("GunPoint")  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((50, 150), (50,))
    """
    folder = _ensure(UCR, name, split, path, UCR_NAMES, caller="fetch_ucr")
    return load_ucr(name, split, path=folder)


def fetch_uea(
    name: str, split: Split = "train", *, path: PathArgument = None
) -> tuple[FloatArray | list[FloatArray], AnyArray]:
    """Return one split of a data set of the UEA archive; download the data set where it is not on this machine.

    Parameters
    ----------
    name : str
        One of the archive's 30 data sets, such as ``"BasicMotions"``.
    split : {"train", "test"}, default="train"
        The archive's own split.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/uea``, then in the cache, and downloads
        to the cache.

    Returns
    -------
    X, y
        As `load_uea` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    ValueError
        If ``name`` or ``split`` is not known, or the checksum is not that of the first download.

    Notes
    -----
    Source: https://timeseriesclassification.com, as in `load_uea`. No checksum is published: the first download is
    trusted, and later ones must have its SHA-256.

    Examples
    --------
    >>> X, y = fetch_uea("BasicMotions")  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((40, 6, 100), (40,))
    """
    folder = _ensure(UEA, name, split, path, UEA_NAMES, caller="fetch_uea")
    return load_uea(name, split, path=folder)


def fetch_tser(
    name: str, split: Split = "train", *, path: PathArgument = None
) -> tuple[FloatArray | list[FloatArray], Float64Array]:
    """Return one split of a data set of the TSER archive; download the data set where it is not on this machine.

    Parameters
    ----------
    name : str
        One of the archive's 63 data sets, such as ``"Covid3Month"``.
    split : {"train", "test"}, default="train"
        The archive's own split.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/regression``, then in the cache, and
        downloads to the cache.

    Returns
    -------
    X, y
        As `load_tser` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    ValueError
        If ``name`` or ``split`` is not known, or the checksum is not that of the first download.

    Notes
    -----
    Source: a record a data set in https://zenodo.org/communities/tsml. The first download is trusted, and later ones
    must have its SHA-256.

    Examples
    --------
    >>> X, y = fetch_tser("Covid3Month")  # doctest: +SKIP
    >>> X.shape, y.shape  # doctest: +SKIP
    ((140, 1, 84), (140,))
    """
    folder = _ensure(TSER, name, split, path, TSER_RECORDS, caller="fetch_tser")
    return load_tser(name, split, path=folder)


def _ensure(
    data_set: DataSet,
    name: str,
    split: str,
    path: PathArgument,
    names: dict[str, int] | tuple[str, ...],
    *,
    caller: str,
) -> Path:
    """Return the folder that holds ``NAME.npz``, downloaded if need be."""
    check_choice("split", split, ("train", "test"), caller=caller)
    folders = [place for place, _ in candidate_folders(data_set, path, caller=caller)]
    if isinstance(name, str) and name in names and (found := folder_that_holds(folders, [f"{name}.npz"])):
        return found
    if not isinstance(name, str) or name not in names:
        raise ValueError(
            f"The 'name' parameter of {caller} must be one of the {len(names)} data sets of the {data_set.title}. "
            f"Received: {shorten(name)}. {did_you_mean(name, names)}The card datasets/{data_set.card} tells where "
            "their names are listed."
        )
    files = [f"{name}_TRAIN.ts", f"{name}_TEST.ts"]
    if data_set is TSER:
        record = TSER_RECORDS[name]
        remotes = [Remote(f"{ZENODO_URL}/{record}/files/{file}", file) for file in files]
    else:
        remotes = [Remote(f"{CLASSIFICATION_URL}/{name}.zip", f"{name}.zip")]
    with downloaded(data_set, remotes, folders[-1], caller=caller) as received:
        sources = received
        if data_set is not TSER:
            sources = _from_zip(data_set, received[0], files, caller=caller)
        arrays = {}
        parts = [read_ts(source) for source in sources]
        width = max(series.shape[-1] for X, _ in parts for series in X)
        for part, (X, y) in zip(("train", "test"), parts, strict=True):
            if y is None:
                raise corrupt_file(data_set, received[0], f"there are no labels in its {part} split", caller=caller)
            arrays[f"X_{part}"] = _padded(X, width, n_dimensions=2 if data_set is UCR else 3)
            arrays[f"y_{part}"] = y
        save_arrays(folders[-1] / f"{name}.npz", **arrays)
    return folders[-1]


def _from_zip(data_set: DataSet, archive: Path, names: list[str], *, caller: str) -> list[Path]:
    """Unpack the files of these names, wherever they lie in the archive."""
    unpacked = []
    with zipfile.ZipFile(archive) as opened:
        for name in names:
            member = next((member for member in opened.namelist() if member.split("/")[-1] == name), None)
            if member is None:
                raise corrupt_file(data_set, archive, f"it holds no file '{name}'", caller=caller)
            file = archive.with_name(name)
            file.write_bytes(opened.read(member))
            unpacked.append(file)
    return unpacked


def _padded(X: AnyArray | list[FloatArray], width: int, *, n_dimensions: int) -> FloatArray:
    """Return series as one array, with NaN behind the shorter ones."""
    filled = [np.pad(np.atleast_2d(s), ((0, 0), (0, width - s.shape[-1])), constant_values=np.nan) for s in X]
    stacked: FloatArray = np.stack(filled).astype(np.float32)
    return stacked[:, 0] if n_dimensions == 2 and stacked.shape[1] == 1 else stacked
