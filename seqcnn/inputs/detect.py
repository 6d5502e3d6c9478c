"""Detection: which form X has, and so which kind of input it is.

Forms are what lies in X (arrays, strings, paths, pairs); kinds are what it is read as: strings can be texts or paths.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Number
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from seqcnn._checks import join_words, name_first, shorten
from seqcnn._types import AUDIO_SUFFIXES, AnyArray, Kind
from seqcnn.inputs.arrays import check_block, one_dimension_message, raise_problems, to_numbers
from seqcnn.inputs.containers import is_missing
from seqcnn.inputs.unwrapping import unwrap

Form: TypeAlias = Literal["block", "arrays", "strings", "paths", "pairs"]

FORM_WORDS: dict[Form, str] = {
    "block": "numbers",
    "arrays": "numbers",
    "strings": "strings",
    "paths": "paths",
    "pairs": "(waveform, sample_rate) pairs",
}

KIND_WORDS: dict[Kind, str] = {"series": "series (numbers)", "text": "text (strings)", "audio": "audio"}

FORMS_OF_KIND: dict[Kind, tuple[Form, ...]] = {
    "series": ("block", "arrays"),
    "text": ("strings",),
    "audio": ("block", "arrays", "strings", "paths", "pairs"),
}


@dataclass(frozen=True)
class Received:
    """X in one of five forms.

    Attributes
    ----------
    form
        "block": one array of real numbers, ``(n, time)`` or ``(n, channels, time)``; "arrays": a list of arrays of real
        numbers; "strings"; "paths"; "pairs": (waveform, sample rate).
    block
        The one array; empty for the other forms.
    items
        One item a record; empty for a block.
    """

    form: Form
    block: AnyArray = field(default_factory=lambda: np.empty((0, 0)))
    items: list[Any] = field(default_factory=list)


def recognise(X: Any, *, caller: str) -> Received:
    """Find the form of X; raise TypeError or ValueError, which names the records that fit none or mix two."""
    plain = unwrap(X, caller=caller)
    if isinstance(plain, np.ndarray):
        return _recognise_array(plain, caller)
    labels = [_label(item) for item in plain]
    kinds = set(labels)
    if "foreign" in kinds:
        _raise_foreign(plain, labels, caller)
    if "number" in kinds and kinds <= {"number", "missing"}:
        raise ValueError(one_dimension_message(len(plain), caller))
    if "missing" in kinds:
        _raise_missing(plain, labels, caller)
    if kinds == {"string"}:
        return Received("strings", items=[str(item) for item in plain])
    if kinds <= {"string", "path"}:
        return Received("paths", items=[Path(item) for item in plain])
    if kinds == {"pair"}:
        return Received("pairs", items=plain)
    if kinds == {"array"}:
        return _recognise_arrays(plain, caller)
    return _raise_mixed(plain, labels, caller)


def resolve_kind(received: Received, kind: str, sample_rate: int | None, *, caller: str) -> Kind:
    """Settle the kind: the one asked for, if X can be read so, or the one that X looks like."""
    resolved: Kind
    if kind == "auto":
        resolved = _guess_kind(received, sample_rate)
    else:
        resolved = kind  # type: ignore[assignment]  # the caller has checked it against the three names
        if received.form not in FORMS_OF_KIND[resolved]:
            readable = join_words(dict.fromkeys(FORM_WORDS[form] for form in FORMS_OF_KIND[resolved]), "or")
            raise ValueError(
                f"The 'input' parameter of {caller} is {kind!r}, which reads {readable}, but X holds "
                f"{FORM_WORDS[received.form]}. Pass input='auto', or an X that fits."
            )
    if resolved != "audio" and sample_rate is not None:
        raise ValueError(
            f"The 'sample_rate' parameter of {caller} is {sample_rate}, but X is read as {KIND_WORDS[resolved]}, which "
            "has none. Drop sample_rate, or pass input='audio' if X is audio."
        )
    return resolved


def _guess_kind(received: Received, sample_rate: int | None) -> Kind:
    if received.form in ("paths", "pairs"):
        return "audio"
    if received.form != "strings":
        return "series" if sample_rate is None else "audio"
    if not all(text.lower().endswith(AUDIO_SUFFIXES) for text in received.items):
        return "text"
    if sample_rate is not None or any(map(_is_file, received.items)):
        return "audio"
    warnings.warn(
        f"All strings in X end in an audio suffix, as {shorten(received.items[0])} does, but none of them exists as a "
        "file, so they are read as text. Pass input='audio' if they are paths (is the working folder the right one?), "
        "or input='text' if they are texts.",
        UserWarning,
        stacklevel=4,
    )
    return "text"


def looks_like_path(text: str) -> bool:
    """Tell whether a string ends as audio files do, or names a file."""
    return text.lower().endswith(AUDIO_SUFFIXES) or _is_file(text)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a text can be longer than a path may be, or hold a null character
        return False


def _recognise_array(array: AnyArray, caller: str) -> Received:
    if array.ndim >= 2 and array.dtype.kind in "UST":
        raise ValueError(
            f"{caller} reads texts as a list of strings, one a record. Received: strings in an array of shape "
            f"{array.shape}. Pass one column, X[:, 0], or join the columns to one text a record."
        )
    numbers, problem = to_numbers(array, "X")
    raise_problems([problem] if problem else [], caller=caller)
    check_block(numbers, caller=caller)
    return Received("block", block=numbers)


def _recognise_arrays(items: list[Any], caller: str) -> Received:
    """Read a list of array-likes; plain nested lists of one length are one table."""
    arrays, problems = [], []
    for row, item in enumerate(items):
        array, problem = to_numbers(item, f"X[{row}]")
        arrays.append(array)
        if problem:
            problems.append(problem)
    raise_problems(problems, caller=caller)
    if all(isinstance(item, list | tuple) for item in items) and len({array.shape for array in arrays}) == 1:
        block = np.stack(arrays)
        check_block(block, caller=caller)
        return Received("block", block=block)
    return Received("arrays", items=arrays)


def _label(item: Any) -> str:
    """Name what one item of a list is."""
    if type(item) is np.ndarray and item.ndim:
        return "array"
    if isinstance(item, str):
        return "string"
    if isinstance(item, os.PathLike):
        return "path"
    if is_missing(item):
        return "missing"
    if isinstance(item, Number | np.bool_):
        return "number"
    if isinstance(item, tuple) and len(item) == 2:
        sizes = [_dimensions(part) for part in item]
        if 0 in sizes and any(size is not None and size > 0 for size in sizes):
            return "pair"
    size = _dimensions(item)
    if size is None:
        return "foreign"
    return "number" if size == 0 else "array"


def _dimensions(item: Any) -> int | None:
    """Return 0 for a number, 1 for a list, an array's own dimensions; None for what is no array."""
    if isinstance(item, list | tuple):
        return 1
    if isinstance(item, Number | np.bool_):
        return 0
    if hasattr(item, "__array__") and not isinstance(item, str | bytes):
        shape = getattr(item, "shape", None)
        return 1 if shape is None else len(shape)
    return None


def _raise_foreign(items: Sequence[Any], labels: Sequence[str], caller: str) -> None:
    foreign = [
        f"X[{row}] is of type {type(items[row]).__name__}, {shorten(items[row], 40)}"
        for row, label in enumerate(labels)
        if label == "foreign"
    ]
    raise TypeError(
        f"The X argument must be made of strings or of numbers. Received: {name_first(foreign)}. Pass arrays, strings, "
        f"paths or (waveform, sample_rate) pairs to {caller}, one a record."
    )


def _raise_missing(items: Sequence[Any], labels: Sequence[str], caller: str) -> None:
    missing = [f"X[{row}] is {items[row]}" for row, label in enumerate(labels) if label == "missing"]
    present = next((label for label in labels if label != "missing"), None)
    replace = ", or replace them by an empty string" if present == "string" else ""
    raise ValueError(
        f"Every item of X must be a record. Received: {name_first(missing)}. "
        f"Drop these records (and their targets) before passing X to {caller}{replace}."
    )


def _raise_mixed(items: Sequence[Any], labels: Sequence[str], caller: str) -> Received:
    firsts = [f"X[{labels.index(label)}] is {_words(label)}" for label in dict.fromkeys(labels)]
    message = f"All items of X must be of one kind, but {join_words(firsts)}."
    if len(items) == 2 and set(labels) == {"array", "number"}:
        raise ValueError(f"{message} If X is one (waveform, sample_rate) pair, pass a list of it, [X], to {caller}.")
    raise ValueError(f"{message} Pass strings only, or arrays of numbers only, to {caller}.")


def _words(label: str) -> str:
    return {"array": "an array", "pair": "a (waveform, sample_rate) pair"}.get(label, f"a {label}")
