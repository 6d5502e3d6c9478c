"""Reader of AG News: titles and descriptions of news in four classes."""

from __future__ import annotations

import csv
import lzma
from pathlib import Path
from typing import Literal, TextIO, cast

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

AG_NEWS = DataSet("AG News", "text/ag_news", "ag_news.md", "fetch_ag_news")

URL = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"
REMOTES = (
    Remote(f"{URL}/train.csv", "train.csv", "md5:b1a00f826fdfbd249f79597b59e1dc12"),
    Remote(f"{URL}/test.csv", "test.csv", "md5:d52ea96a97a2d943681189a97654912d"),
)
CLASSES = ("World", "Sports", "Business", "Sci/Tech")

FILES = {
    "train": ("train.csv", "train.csv.xz", "train_subset.csv", "train_subset.csv.xz"),
    "test": ("test.csv", "test.csv.xz"),
}
"""The files looked for, in this order: the whole training split before a part of it."""


def load_ag_news(split: Literal["train", "test"] = "train", *, path: PathArgument = None) -> tuple[list[str], AnyArray]:
    r"""Return the texts and classes of AG News.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split: 120,000 and 7,600 texts. Where the folder holds only ``train_subset.csv`` or
        ``train_subset.csv.xz``, the training split is that part of it.
    path : str or path-like or None, default=None
        The folder that holds ``classes.txt``, ``train.csv`` and ``test.csv``, each csv plain or as ``.csv.xz``.
        None takes ``$SEQCNN_DATA/text/ag_news``, then the cache.

    Returns
    -------
    X : list of str
        Title and description, joined by one space, in the file's order. The text is as released, HTML remains such as
        ``#39;`` and ``&lt;`` included, except that a backslash becomes a space: the release writes line breaks as
        ``\`` ("a second\team of") and dollars as ``\$``.
    y : str array of shape (n_cases,)
        The class names of ``classes.txt``: "World", "Sports", "Business" or "Sci/Tech".

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files is not found.
    ValueError
        If ``split`` is not known, or a row of the file is not a label, a title and a description.

    Notes
    -----
    Source: X. Zhang, J. Zhao, Y. LeCun, "Character-level Convolutional Networks for Text Classification",
    NIPS 2015, arXiv:1509.01626.

    Examples
    --------
    >>> X, y = load_ag_news("test")  # doctest: +SKIP
    >>> len(X), y.tolist()[0], X[0][:33]  # doctest: +SKIP
    (7600, 'Business', 'Fears for T N pension after talks')
    """
    return _load(split, path, caller="load_ag_news")


def fetch_ag_news(
    split: Literal["train", "test"] = "train", *, path: PathArgument = None
) -> tuple[list[str], AnyArray]:
    """Return the texts and classes of AG News, all of them; download the data (31 MB) where they are not here.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The official split: 120,000 and 7,600 texts. A folder with a part of the training split does not count here.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/text/ag_news``, then in the cache, and
        downloads to the cache.

    Returns
    -------
    X, y
        As `load_ag_news` returns them.

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
    Source: the release's files in https://github.com/mhjabreel/CharCnn_Keras, checked by MD5.

    Examples
    --------
    >>> X, y = fetch_ag_news("train")  # doctest: +SKIP
    >>> len(X)  # doctest: +SKIP
    120000
    """
    caller = "fetch_ag_news"
    check_choice("split", split, ("train", "test"), caller=caller)
    folders = [place for place, _ in candidate_folders(AG_NEWS, path, caller=caller)]
    folder = folder_that_holds(folders, [f"{split}.csv", f"{split}.csv.xz"])
    if folder is None:
        folder = folders[-1]
        with downloaded(AG_NEWS, REMOTES, folder, caller=caller) as files:
            (files[0].parent / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES), encoding="utf-8")
            put(files[0].parent, folder, last="train.csv")
    return _load(split, folder, caller=caller)


def _load(split: str, path: PathArgument, *, caller: str) -> tuple[list[str], AnyArray]:
    check_choice("split", split, ("train", "test"), caller=caller)
    folder = find_data_folder(AG_NEWS, path, holds=FILES[split], caller=caller)
    classes = _first_file(folder, ("classes.txt",), caller=caller).read_text(encoding="utf-8").split("\n")
    names = [name.strip() for name in classes if name.strip()]
    numbers = {str(number) for number in range(1, len(names) + 1)}
    file = _first_file(folder, FILES[split], caller=caller)
    texts, labels = [], []
    try:
        with _open_text(file) as stream:
            reader = csv.reader(stream)
            for row in reader:
                if len(row) != 3 or row[0] not in numbers:
                    reason = (
                        f"line {reader.line_num} is not a label from 1 to {len(names)}, a title and a description, "
                        "separated by commas"
                    )
                    raise corrupt_file(AG_NEWS, file, reason, caller=caller)
                label, title, description = row
                texts.append(f"{title} {description}".replace("\\", " "))
                labels.append(names[int(label) - 1])
    except (lzma.LZMAError, EOFError, UnicodeDecodeError, csv.Error) as error:
        reason = "it is no csv file in UTF-8, or its xz compression is damaged"
        raise corrupt_file(AG_NEWS, file, reason, caller=caller) from error
    if not texts:
        raise corrupt_file(AG_NEWS, file, "it is empty", caller=caller)
    return texts, np.array(labels)


def _first_file(folder: Path, names: tuple[str, ...], *, caller: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise missing_data(AG_NEWS, f"file '{names[0]}'", folder, caller=caller)


def _open_text(file: Path) -> TextIO:
    if file.suffix == ".xz":
        return cast(TextIO, lzma.open(file, "rt", encoding="utf-8", newline=""))
    return file.open(encoding="utf-8", newline="")
