"""Reader of texts in 75 languages: sentences, pairs of words and single words."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Literal

import numpy as np

from seqcnn._checks import check_choice
from seqcnn._types import AnyArray
from seqcnn.datasets._download import Remote, downloaded, written
from seqcnn.datasets._locate import (
    DataSet,
    PathArgument,
    candidate_folders,
    corrupt_file,
    find_data_folder,
    folder_that_holds,
    missing_data,
)

LANGUAGES = DataSet("Languages", "text/lingua_lid", "languages.md", "fetch_languages")

COMMIT = "89955ce17bbde3bfd8e3eb48e5ef3929bbf6075d"
URL = f"https://raw.githubusercontent.com/pemistahl/lingua-py/{COMMIT}/language-testdata"
CODES = tuple(
    """
    af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gu he hi hr hu hy id is it ja ka kk ko la lg lt
    lv mi mk mn mr ms nb nl nn pa pl pt ro ru sk sl sn so sq sr st sv sw ta te th tl tn tr ts uk ur vi xh yo zh zu
    """.split()  # noqa: SIM905
)
"""ISO 639-1 codes of the languages."""

TEST_EVERY = 5
"""Of each file every fifth line, the fifth first, is the test split."""

Split = Literal["train", "test"]
Texts = Literal["sentences", "word-pairs", "single-words"]
TEXTS = ("sentences", "word-pairs", "single-words")


def load_languages(
    split: Split = "train", *, texts: Texts = "sentences", path: PathArgument = None
) -> tuple[list[str], AnyArray]:
    """Return texts in 75 languages, about a thousand each, to be told apart.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        There is no official split: here, every fifth line of the file is the test split.
    texts : {"sentences", "word-pairs", "single-words"}, default="sentences"
        What the texts are.
    path : str or path-like or None, default=None
        The folder that holds ``sentences.tsv.xz``, ``word-pairs.tsv.xz`` and ``single-words.tsv.xz``, each with a
        language, a tab and a text a line. None takes ``$SEQCNN_DATA/text/lingua_lid``, then the cache.

    Returns
    -------
    X : list of str
        The texts, sorted by language.
    y : str array of shape (n_cases,)
        The languages' ISO 639-1 codes, such as "de".

    Raises
    ------
    FileNotFoundError
        If the folder or the file is not found.
    ValueError
        If ``split`` or ``texts`` is not known, or the file cannot be read.

    Notes
    -----
    Source: P. M. Stahl, the test data of https://github.com/pemistahl/lingua-py, made from the Leipzig Corpora
    Collection.

    Examples
    --------
    >>> X, y = load_languages("test", texts="single-words")  # doctest: +SKIP
    >>> len(X), y[0]  # doctest: +SKIP
    (14807, 'af')
    """
    return _load(split, texts, path, caller="load_languages")


def fetch_languages(
    split: Split = "train", *, texts: Texts = "sentences", path: PathArgument = None
) -> tuple[list[str], AnyArray]:
    """Return what `load_languages` returns; download the 75 files where they are not on this machine.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        The split of `load_languages`.
    texts : {"sentences", "word-pairs", "single-words"}, default="sentences"
        What the texts are.
    path : str or path-like or None, default=None
        The folder to look in and to download to. None looks in ``$SEQCNN_DATA/text/lingua_lid``, then in the cache, and
        downloads to the cache.

    Returns
    -------
    X, y
        As `load_languages` returns them.

    Raises
    ------
    ConnectionError
        If the server is not reachable, has no such file, or breaks off.
    OSError
        If the folder cannot be written to.
    ValueError
        If ``split`` or ``texts`` is not known, or a checksum is not that of the first download.

    Notes
    -----
    Source: https://github.com/pemistahl/lingua-py at a fixed commit. No checksum is published: the first download is
    trusted, and later ones must have its SHA-256.

    Examples
    --------
    >>> X, y = fetch_languages("train")  # doctest: +SKIP
    >>> len(set(y.tolist()))  # doctest: +SKIP
    75
    """
    caller = "fetch_languages"
    check_choice("split", split, ("train", "test"), caller=caller)
    check_choice("texts", texts, TEXTS, caller=caller)
    folders = [place for place, _ in candidate_folders(LANGUAGES, path, caller=caller)]
    file = f"{texts}.tsv.xz"
    folder = folder_that_holds(folders, [file])
    if folder is None:
        folder = folders[-1]
        remotes = [Remote(f"{URL}/{texts}/{code}.txt", f"{texts}/{code}.txt") for code in CODES]
        with downloaded(LANGUAGES, remotes, folder, caller=caller) as received, written(folder / file) as target:
            _join(received, target)
    return _load(split, texts, folder, caller=caller)


def _join(files: list[Path], target: Path) -> None:
    """Write the files of all languages as one, a language, a tab and a text a line."""
    with lzma.open(target, "wt", encoding="utf-8", newline="\n") as stream:
        for code, file in zip(CODES, files, strict=True):
            lines = (line.strip().replace("\t", " ") for line in file.read_text(encoding="utf-8").split("\n"))
            stream.writelines(f"{code}\t{line}\n" for line in lines if line)


def _load(split: str, texts: str, path: PathArgument, *, caller: str) -> tuple[list[str], AnyArray]:
    check_choice("split", split, ("train", "test"), caller=caller)
    check_choice("texts", texts, TEXTS, caller=caller)
    name = f"{texts}.tsv.xz"
    file = find_data_folder(LANGUAGES, path, holds=[name], caller=caller) / name
    if not file.is_file():
        raise missing_data(LANGUAGES, f"file '{name}'", file.parent, caller=caller)
    try:
        with lzma.open(file, "rt", encoding="utf-8", newline="\n") as stream:
            lines = stream.read().split("\n")
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise corrupt_file(LANGUAGES, file, "it is no xz file of texts in UTF-8", caller=caller) from error
    X, y = [], []
    for number, line in enumerate(lines, start=1):
        code, tab, text = line.partition("\t")
        if line and not tab:
            reason = f"line {number} is not a language, a tab and a text"
            raise corrupt_file(LANGUAGES, file, reason, caller=caller)
        if line and (number % TEST_EVERY == 0) == (split == "test"):
            X.append(text)
            y.append(code)
    if not X:
        raise corrupt_file(LANGUAGES, file, "it is empty", caller=caller)
    return X, np.array(y)
