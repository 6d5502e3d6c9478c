"""Reader of files with a text a line, with or without a label in front."""

from __future__ import annotations

import os

import numpy as np

from seqcnn._checks import name_first
from seqcnn._types import AnyArray
from seqcnn.datasets._files import bad_file, check_path, open_text

FASTTEXT_MARK = "__label__"
"""What fastText writes in front of a label."""


def read_text(path: str | os.PathLike[str]) -> tuple[list[str], AnyArray | None]:
    r"""Read a text file, a record a line, in UTF-8. Empty lines are passed over.

    Three forms are told apart: ``__label__sports A text`` (fastText), ``sports<TAB>A text`` where every line has a
    tab, and texts alone where none has.

    Parameters
    ----------
    path : str or path-like
        The file, plain or compressed (``.txt.gz`` and so on).

    Returns
    -------
    X : list of str
        The texts, n_cases long.
    y : str array of shape (n_cases,) or None
        The labels; None where the lines have none.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If only some of the lines have a label, a label has no text, a line has several labels, the file is empty or
        not in UTF-8. The error names the lines.

    Notes
    -----
    Format of fastText: https://fasttext.cc/docs/en/supervised-tutorial.html

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "reviews.txt"
    >>> _ = file.write_text("good\tWhat a film\nbad\tWhat a bore\n")
    >>> X, y = read_text(file)
    >>> X, y.tolist()
    (['What a film', 'What a bore'], ['good', 'bad'])
    >>> folder.cleanup()
    """
    checked = check_path(path, caller="read_text")
    with open_text(checked, caller="read_text") as stream:
        lines = [(number, line.rstrip("\r\n")) for number, line in enumerate(stream, start=1) if line.strip()]

    def refuse(reason: str, advice: str) -> ValueError:
        return bad_file(checked, reason, advice, caller="read_text")

    if not lines:
        raise refuse("it has no text", "Write a text a line.")
    if wrong := [f"line {number}" for number, line in lines if "\ufffd" in line]:
        raise refuse(f"it is not in UTF-8: {name_first(wrong)}", "Save the file again in UTF-8.")
    if any(line.startswith(FASTTEXT_MARK) for _, line in lines):
        if wrong := [f"line {number}" for number, line in lines if not line.startswith(FASTTEXT_MARK)]:
            raise refuse(f"other lines begin with '{FASTTEXT_MARK}', but not {name_first(wrong)}", "Add the label.")
        pairs = [(number, line.removeprefix(FASTTEXT_MARK).partition(" ")) for number, line in lines]
        if wrong := [f"line {number}" for number, (*_, text) in pairs if text.lstrip().startswith(FASTTEXT_MARK)]:
            raise refuse(f"there are several labels in {name_first(wrong)}", "Keep one label a line.")
    elif any("\t" in line for _, line in lines):
        if wrong := [f"line {number}" for number, line in lines if "\t" not in line]:
            raise refuse(
                f"other lines have a label and a tab in front of the text, but not {name_first(wrong)}",
                "Add the label, or write the tabs of texts without labels as spaces.",
            )
        pairs = [(number, line.partition("\t")) for number, line in lines]
    else:
        return [line for _, line in lines], None
    if wrong := [f"line {number}" for number, (label, _, text) in pairs if not text.strip() or not label.strip()]:
        raise refuse(f"a label or its text is empty in {name_first(wrong)}", "Complete the lines or take them out.")
    return [text.strip() for _, (*_, text) in pairs], np.array([label.strip() for _, (label, *_) in pairs])
