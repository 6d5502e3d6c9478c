"""Answers beside a long frame: those with an index of case names are taken by name, all others by position."""

from __future__ import annotations

from typing import Any

from seqcnn._checks import name_first
from seqcnn.inputs.containers import is_long_frame


def align_to_cases(X: Any, y: Any, caller: str, name: str) -> Any:
    """Return what belongs to the cases of a long frame in the order in which its cases first appear.

    Parameters
    ----------
    X
        The records. Of a pandas frame with an index (case, time) the cases have names; anything else has none.
    y
        What each case has: a label, numbers, a weight, a group. A Series or DataFrame whose index holds exactly the
        cases is taken by name; one with pandas' default index, and all without an index, by position.
    caller, name
        The estimator's name and that of ``y``, for the messages.

    Raises
    ------
    ValueError
        If y has an index of names that are not those of the cases.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.Series([1.0, 2.0], index=pd.MultiIndex.from_tuples([("b", 0), ("a", 0)]))
    >>> align_to_cases(X, pd.Series(["A", "B"], index=["a", "b"]), "SeqCNNClassifier", "y").tolist()
    ['B', 'A']
    """
    if not is_long_frame(X) or X.index.nlevels != 2 or not hasattr(y, "reindex") or y.index.nlevels > 1:
        return y
    cases = X.index.get_level_values(0).unique()
    if y.index.equals(cases):
        return y
    twice = y.index[y.index.duplicated()].unique()
    missing, extra = cases.difference(y.index, sort=False), y.index.difference(cases, sort=False)
    if not len(twice) and not len(missing) and not len(extra):
        return y.loc[cases]
    if type(y.index).__name__ == "RangeIndex" and y.index.start == 0 and y.index.step == 1:
        return y  # an index that nobody gave: positions
    problems = [
        f"{words} {name_first([repr(case) for case in found.tolist()])}"
        for words, found in ((f"no {name} for", missing), (f"{name} for", extra), (f"several {name} for", twice))
        if len(found)
    ]
    raise ValueError(
        f"The {name} of {caller} has an index of names, which must be the cases of X, the first level of its index, "
        f"in any order. Received: {'; '.join(problems)}. Give every case one entry, or pass {name}.to_numpy() if they "
        "are in the order in which the cases appear in X."
    )
