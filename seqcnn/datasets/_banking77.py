"""Reader of BANKING77: questions of a bank's customers and what they want, one of 77 intents."""

from __future__ import annotations

import csv
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

BANKING77 = DataSet("BANKING77", "text/banking77", "banking77.md", "fetch_banking77")

URL = "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data"
REMOTES = (
    Remote(f"{URL}/train.csv", "train.csv", "sha256:b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b"),
    Remote(f"{URL}/test.csv", "test.csv", "sha256:d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d"),
)

Split = Literal["train", "test"]


def load_banking77(split: Split = "train", *, path: PathArgument = None) -> tuple[list[str], AnyArray]:
    """Return the questions and intents of BANKING77.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split: 10,003 and 3,080 questions.
    path : str or path-like or None, default=None
        The folder that holds ``train.csv`` and ``test.csv``. None takes ``$SEQCNN_DATA/text/banking77``, then the
        cache.

    Returns
    -------
    X : list of str
        The questions, as released; some hold line breaks.
    y : str array of shape (n_cases,)
        The intents, such as "card_arrival".

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is not found.
    ValueError
        If ``split`` is not known, or the file cannot be read.

    Notes
    -----
    Source: I. Casanueva et al., "Efficient Intent Detection with Dual Sentence Encoders", 2020, arXiv:2003.04807.

    Examples
    --------
    >>> X, y = load_banking77("test")  # doctest: +SKIP
    >>> len(X), X[0], y[0]  # doctest: +SKIP
    (3080, 'How do I locate my card?', 'card_arrival')
    """
    return _load(split, path, caller="load_banking77")


def fetch_banking77(split: Split = "train", *, path: PathArgument = None) -> tuple[list[str], AnyArray]:
    """Return what `load_banking77` returns; download the data (1 MB) where they are not on this machine.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/text/banking77``, then in the cache, and
        downloads to the cache.

    Returns
    -------
    X, y
        As `load_banking77` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    ValueError
        If ``split`` is not known, or a file that came has another checksum.

    Notes
    -----
    Source: https://github.com/PolyAI-LDN/task-specific-datasets, checked by SHA-256.

    Examples
    --------
    >>> X, y = fetch_banking77("train")  # doctest: +SKIP
    >>> len(X)  # doctest: +SKIP
    10003
    """
    caller = "fetch_banking77"
    check_choice("split", split, ("train", "test"), caller=caller)
    folders = [place for place, _ in candidate_folders(BANKING77, path, caller=caller)]
    folder = folder_that_holds(folders, [f"{split}.csv"])
    if folder is None:
        folder = folders[-1]
        with downloaded(BANKING77, REMOTES, folder, caller=caller) as files:
            put(files[0].parent, folder, last="train.csv")
    return _load(split, folder, caller=caller)


def _load(split: str, path: PathArgument, *, caller: str) -> tuple[list[str], AnyArray]:
    check_choice("split", split, ("train", "test"), caller=caller)
    file = find_data_folder(BANKING77, path, holds=[f"{split}.csv"], caller=caller) / f"{split}.csv"
    if not file.is_file():
        raise missing_data(BANKING77, f"file '{file.name}'", file.parent, caller=caller)
    texts, labels = [], []
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            for row in reader:
                if len(row) != 2:
                    reason = f"line {reader.line_num} is not a text and a category, separated by a comma"
                    raise corrupt_file(BANKING77, file, reason, caller=caller)
                texts.append(row[0])
                labels.append(row[1])
    except (UnicodeDecodeError, csv.Error) as error:
        raise corrupt_file(BANKING77, file, "it is no csv file in UTF-8", caller=caller) from error
    if len(texts) < 2:
        raise corrupt_file(BANKING77, file, "it is empty", caller=caller)
    return texts[1:], np.array(labels[1:])
