"""Reader of AG News: titles and descriptions of news in four classes."""

from __future__ import annotations

import csv
import lzma
from pathlib import Path
from typing import Literal, TextIO, cast

import numpy as np

from seqcnn._checks import check_choice
from seqcnn._types import AnyArray
from seqcnn.datasets._locate import DataSet, PathArgument, corrupt_file, find_data_folder, missing_data

AG_NEWS = DataSet("AG News", "text/ag_news", "ag_news.md")

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
        None takes ``$SEQCNN_DATA/text/ag_news``.

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
    check_choice("split", split, ("train", "test"), caller="load_ag_news")
    folder = find_data_folder(AG_NEWS, path, caller="load_ag_news")
    classes = _first_file(folder, ("classes.txt",)).read_text(encoding="utf-8").split("\n")
    names = [name.strip() for name in classes if name.strip()]
    numbers = {str(number) for number in range(1, len(names) + 1)}
    file = _first_file(folder, FILES[split])
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
                    raise corrupt_file(AG_NEWS, file, reason, caller="load_ag_news")
                label, title, description = row
                texts.append(f"{title} {description}".replace("\\", " "))
                labels.append(names[int(label) - 1])
    except (lzma.LZMAError, EOFError, UnicodeDecodeError, csv.Error) as error:
        reason = "it is no csv file in UTF-8, or its xz compression is damaged"
        raise corrupt_file(AG_NEWS, file, reason, caller="load_ag_news") from error
    if not texts:
        raise corrupt_file(AG_NEWS, file, "it is empty", caller="load_ag_news")
    return texts, np.array(labels)


def _first_file(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise missing_data(AG_NEWS, f"file '{names[0]}'", folder, caller="load_ag_news")


def _open_text(file: Path) -> TextIO:
    if file.suffix == ".xz":
        return cast(TextIO, lzma.open(file, "rt", encoding="utf-8", newline=""))
    return file.open(encoding="utf-8", newline="")
