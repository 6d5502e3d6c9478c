"""Find a data set's folder on this machine: an explicit path, else a folder under ``$SEQCNN_DATA``.

Nothing is downloaded. What is not found is reported in full: which data set, where was looked, what to do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from seqcnn._checks import shorten

ENVIRONMENT_VARIABLE = "SEQCNN_DATA"
"""The environment variable that names the folder which holds all data sets."""

PathArgument: TypeAlias = str | os.PathLike[str] | None


@dataclass(frozen=True)
class DataSet:
    """What the readers need to know of a data set to find it and to speak of it.

    Parameters
    ----------
    title : str
        The name used in error messages.
    folder : str
        The folder below ``$SEQCNN_DATA``, with forward slashes.
    card : str
        The file in the project's ``datasets/`` folder that says what the data set is and how to get it.
    """

    title: str
    folder: str
    card: str


def find_data_folder(data_set: DataSet, path: PathArgument, *, caller: str) -> Path:
    """Return the folder of a data set.

    Parameters
    ----------
    data_set : DataSet
        What is looked for.
    path : str or path-like or None
        The data set's own folder (``.../ucr``, not the folder above it). None looks under ``$SEQCNN_DATA``.
    caller : str
        The public function that the error is to name.

    Returns
    -------
    pathlib.Path
        An existing folder.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or ``path`` is None and ``$SEQCNN_DATA`` is not set.
    TypeError
        If ``path`` is neither a string nor path-like nor None.

    Examples
    --------
    >>> find_data_folder(DataSet("a test", "test", "test.md"), ".", caller="load_test").is_dir()
    True
    """
    if path is not None and not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"The 'path' parameter of {caller} must be a string, a pathlib.Path or None. "
            f"Received: {shorten(path)}. Pass the folder of the data set."
        )
    if path is not None:
        folder = Path(path).expanduser()
        looked = f"'{folder}' (the 'path' parameter)"
    elif root := os.environ.get(ENVIRONMENT_VARIABLE, ""):
        folder = Path(root).expanduser().joinpath(*data_set.folder.split("/"))
        looked = f"'{folder}' (under ${ENVIRONMENT_VARIABLE})"
    else:
        raise FileNotFoundError(
            f"{caller} does not know where the data set {data_set.title} is: path is None and the environment "
            f"variable {ENVIRONMENT_VARIABLE} is not set. {_advice(data_set)}"
        )
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{caller} finds no folder {looked} for the data set {data_set.title}. {_advice(data_set)}"
        )
    return folder


def _advice(data_set: DataSet) -> str:
    return (
        f"Set {ENVIRONMENT_VARIABLE} to the folder that holds '{data_set.folder}', or pass path= with the data set's "
        f"own folder. The card datasets/{data_set.card} tells how to get the data."
    )


def missing_data(data_set: DataSet, what: str, folder: Path, *, caller: str) -> FileNotFoundError:
    """Return the error that says which part of a data set is not in its folder.

    >>> print(missing_data(DataSet("a test", "t", "t.md"), "file 'a.csv'", Path("data"), caller="load_test"))
    load_test finds no file 'a.csv' in 'data'. The card datasets/t.md tells what belongs there and how to get it.
    """
    return FileNotFoundError(
        f"{caller} finds no {what} in '{folder}'. "
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
