"""Reader of surnames in the languages that they come from."""

from __future__ import annotations

from typing import Literal

import numpy as np

from seqcnn._checks import check_choice
from seqcnn._types import AnyArray
from seqcnn.datasets._download import Remote, downloaded, put
from seqcnn.datasets._locate import (
    DataSet,
    PathArgument,
    candidate_folders,
    corrupt_file,
    find_data_folder,
    folder_that_holds,
    missing_data,
)

NAMES = DataSet("Names", "text/names", "names.md", "fetch_names")

URL = "https://raw.githubusercontent.com/spro/practical-pytorch/master/data/names"
LANGUAGES = (
    *("Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish", "Italian", "Japanese"),
    *("Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Vietnamese"),
)

TEST_EVERY = 5
"""Of each file every fifth line, the fifth first, is the test split."""

Split = Literal["train", "test"]


def load_names(split: Split = "train", *, path: PathArgument = None) -> tuple[list[str], AnyArray]:
    """Return surnames and the languages they come from.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        There is no official split: here, every fifth line of each file is the test split.
    path : str or path-like or None, default=None
        The folder that holds ``LANGUAGE.txt``. None takes ``$SEQCNN_DATA/text/names``, then the cache.

    Returns
    -------
    X : list of str
        The names, of each file in its order.
    y : str array of shape (n_cases,)
        The 18 languages, such as "Greek"; very unbalanced: nearly half of the names are Russian.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is not found.
    ValueError
        If ``split`` is not known, or a file cannot be read.

    Notes
    -----
    Source: S. Robertson, https://github.com/spro/practical-pytorch

    Examples
    --------
    >>> X, y = load_names("test")  # doctest: +SKIP
    >>> len(X), X[0], y[0]  # doctest: +SKIP
    (4000, 'Nazari', 'Arabic')
    """
    return _load(split, path, caller="load_names")


def fetch_names(split: Split = "train", *, path: PathArgument = None) -> tuple[list[str], AnyArray]:
    """Return what `load_names` returns; download the data (160 kB) where they are not on this machine.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The split of `load_names`.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/text/names``, then in the cache, and
        downloads to the cache.

    Returns
    -------
    X, y
        As `load_names` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    ValueError
        If ``split`` is not known, or a checksum is not that of the first download.

    Notes
    -----
    Source: https://github.com/spro/practical-pytorch. No checksum is published: the first download is trusted, and
    later ones must have its SHA-256.

    Examples
    --------
    >>> X, y = fetch_names("train")  # doctest: +SKIP
    >>> len(set(y.tolist()))  # doctest: +SKIP
    18
    """
    caller = "fetch_names"
    check_choice("split", split, ("train", "test"), caller=caller)
    folders = [place for place, _ in candidate_folders(NAMES, path, caller=caller)]
    last = f"{LANGUAGES[-1]}.txt"
    folder = folder_that_holds(folders, [last])
    if folder is None:
        folder = folders[-1]
        remotes = [Remote(f"{URL}/{language}.txt", f"{language}.txt") for language in LANGUAGES]
        with downloaded(NAMES, remotes, folder, caller=caller) as files:
            put(files[0].parent, folder, last=last)
    return _load(split, folder, caller=caller)


def _load(split: str, path: PathArgument, *, caller: str) -> tuple[list[str], AnyArray]:
    check_choice("split", split, ("train", "test"), caller=caller)
    folder = find_data_folder(NAMES, path, holds=["Vietnamese.txt"], caller=caller)
    names: list[str] = []
    languages: list[str] = []
    for language in LANGUAGES:
        file = folder / f"{language}.txt"
        if not file.is_file():
            raise missing_data(NAMES, f"file '{file.name}'", folder, caller=caller)
        try:
            lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        except UnicodeDecodeError as error:
            raise corrupt_file(NAMES, file, "it is not in UTF-8", caller=caller) from error
        chosen = [line for n, line in enumerate(lines, start=1) if (n % TEST_EVERY == 0) == (split == "test")]
        names += chosen
        languages += [language] * len(chosen)
    return names, np.array(languages)
