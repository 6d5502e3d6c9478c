"""Long frames: a line a time step, an index (case, time) and a column a channel become one array a case."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqcnn._checks import join_words, name_first, shorten
from seqcnn._types import AnyArray
from seqcnn.inputs.columns import sort_columns
from seqcnn.inputs.frames import NUMBERS


def unwrap_long_frame(X: Any, *, caller: str) -> list[AnyArray]:
    """Read a pandas frame with an index (case, time), which aeon and sktime call "pd-multiindex", or such a Series.

    Returns
    -------
    list of ndarray
        One ``(channels, time_i)`` array a case, in the order in which the cases first appear; the times of a case are
        sorted.

    Raises
    ------
    ValueError
        Where the index has other than two levels, lacks a case or a time, or holds a pair twice, and where a column
        holds no numbers; the message names them.

    Examples
    --------
    >>> import pandas as pd
    >>> index = pd.MultiIndex.from_tuples([("b", 1), ("b", 0), ("a", 0)])
    >>> [case.tolist() for case in unwrap_long_frame(pd.DataFrame({"x": [2, 1, 3]}, index=index), caller="A")]
    [[[1, 2]], [[3]]]
    """
    if not hasattr(X, "columns"):
        X = X.to_frame()
    _check(X, caller)
    cases, times = np.asarray(X.index.codes[0]), _as_order(X)
    changes = cases[1:] != cases[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    order = None
    if len(np.unique(cases[starts])) < len(starts) or not (changes | (times[1:] > times[:-1])).all():
        # One number a line, by which to sort: cases by the line in which they first appear, then the time.
        n_lines, n_times = len(cases), len(X.index.levels[1])
        first = np.full(len(X.index.levels[0]), n_lines)
        first[cases[::-1]] = np.arange(n_lines)[::-1]  # of several lines for one case the last to be written stays
        n_keys = len(first) * n_times
        offset = np.empty(len(first), dtype=np.int32 if n_keys < 2**31 else np.int64)
        offset[np.argsort(first)] = np.arange(0, n_keys, n_times)
        order, keys = _sort(offset[cases] + times, n_keys)
        _check_no_pair_twice(X, order[1:][keys[1:] == keys[:-1]], caller)
        cases = keys // n_times
        starts = np.concatenate([[0], np.flatnonzero(cases[1:] != cases[:-1]) + 1])
    values = X.to_numpy() if all(isinstance(dtype, np.dtype) for dtype in X.dtypes) else _to_floats(X)
    if order is not None:
        values = values[order]
    stops = [*starts[1:].tolist(), len(values)]
    return [values[start:stop].T for start, stop in zip(starts.tolist(), stops, strict=True)]


def _check(X: Any, caller: str) -> None:
    if X.index.nlevels > 2:
        raise ValueError(
            f"{caller} reads long frames with two index levels, (case, time), but the index of X has "
            f"{X.index.nlevels}: {join_words([repr(name) for name in X.index.names])}. Join those that name the case "
            "into one, for example X.set_axis(pd.MultiIndex.from_tuples([(row[:-1], row[-1]) for row in X.index]))."
        )
    columns = zip(X.columns, X.dtypes, sort_columns(X, by_first=True), strict=True)
    wrong = [f"{name!r} ({dtype})" for name, dtype, sort in columns if sort not in NUMBERS]
    if wrong:
        raise ValueError(
            f"{caller} reads the columns of a long frame, whose index is (case, time), as channels, which must be "
            f"numbers. Received: column {name_first(wrong)}. Drop these columns, or X.reset_index(drop=True) if "
            "each row is a record."
        )
    if X.shape[1] == 0:
        raise ValueError(f"{caller} reads the columns of a long frame as channels, but X has none. Pass at least one.")
    for level, word in enumerate(("case", "time")):
        rows = np.flatnonzero(np.asarray(X.index.codes[level]) < 0).tolist()
        if rows:
            raise ValueError(
                f"Every line of a long frame must tell its case and its time. Received: no {word} in "
                f"{name_first([f'line {row}' for row in rows])}. Drop these lines before passing X to {caller}."
            )


def _as_order(X: Any) -> AnyArray:
    """Give numbers that are ordered as the times are."""
    codes, values = np.asarray(X.index.codes[1]), X.index.levels[1]
    if values.is_monotonic_increasing:
        return codes
    rank = np.empty(len(values), dtype=np.int64)
    rank[values.argsort()] = np.arange(len(values))
    ranked: AnyArray = rank[codes]
    return ranked


def _sort(keys: AnyArray, n_keys: int) -> tuple[AnyArray, AnyArray]:
    """Return the order that sorts keys below ``n_keys``, and the keys in it."""
    if n_keys <= 4 * len(keys):
        # Nearly all are there: each line is laid where its key says, unless two say the same.
        line_of = np.full(n_keys, -1, dtype=keys.dtype)
        line_of[keys] = np.arange(len(keys), dtype=keys.dtype)
        used = np.flatnonzero(line_of >= 0)
        if len(used) == len(keys):
            return line_of[used], used
    order = np.argsort(keys)
    return order, keys[order]


def _check_no_pair_twice(X: Any, again: AnyArray, caller: str) -> None:
    """Raise ValueError if there are lines, given by their numbers, whose case and time another line has."""
    if len(again):
        # As Python's own objects, which show without numpy's type names.
        names = [level.tolist() for level in X.index.levels]
        codes = [np.asarray(code) for code in X.index.codes]
        rows = np.sort(again).tolist()
        pairs = dict.fromkeys(shorten((names[0][codes[0][row]], names[1][codes[1][row]])) for row in rows)
        raise ValueError(
            f"A long frame holds one line for each case and time. Received: several lines for "
            f"{name_first(list(pairs))}. Keep one of each, for example X.groupby(level=[0, 1], sort=False).mean(), "
            f"before passing X to {caller}."
        )


def _to_floats(X: Any) -> AnyArray:
    return np.asarray(X.to_numpy(dtype=np.float64, na_value=np.nan))
