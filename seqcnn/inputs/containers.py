"""Containers: the outermost layer of X, whatever library it comes from, becomes one numpy array or one list.

Nothing here looks at what the items mean; ``detect`` does. torch, pandas and scipy are recognised without an import.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from seqcnn._checks import name_first, shorten
from seqcnn._types import AnyArray


def count_cases(X: Any, *, caller: str) -> int:
    """Count the records of X without reading them.

    Parameters
    ----------
    X
        Anything an estimator takes: ``(n, time)``, ``(n, channels, time)``, a list of arrays, strings or paths, ...
    caller
        The estimator's class name, for the messages.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    TypeError
        Where X is sparse, or no container of records (None, a dict, a generator).
    ValueError
        Where X is empty, one number, or one string.

    Examples
    --------
    >>> count_cases([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], caller="SeqCNNClassifier")
    3
    """
    _refuse_what_holds_no_records(X, caller)
    shape = getattr(X, "shape", None)
    if shape is None:
        shape = (len(X),) if hasattr(X, "__len__") else to_plain_array(X).shape
    if len(shape) == 0:
        raise ValueError(_one_number(X, caller))
    if shape[0] == 0:
        raise ValueError(
            f"X is empty: found 0 sample(s) (shape={tuple(shape)}) while a minimum of 1 is required by {caller}. "
            "Pass at least one record."
        )
    return int(shape[0])


def unwrap(X: Any, *, caller: str) -> AnyArray | list[Any]:
    """Take the outermost container off X.

    Returns
    -------
    AnyArray or list
        One array of two or more dimensions, or of numbers; or a list with one item a record.
    """
    count_cases(X, caller=caller)
    if is_pandas(X) and hasattr(X, "columns"):
        return _unwrap_frame(X, caller)
    if is_pandas(X):
        array = np.asarray(X.to_numpy())
    elif isinstance(X, Sequence) and not isinstance(X, np.ndarray):
        return list(X)
    else:
        array = to_plain_array(X)
    if array.ndim == 1 and array.dtype.kind in "OUST":
        return [str(item) if isinstance(item, str) else item for item in array.tolist()]
    return array


def to_plain_array(value: Any) -> AnyArray:
    """Turn a torch tensor, a masked array or whatever has ``__array__`` into a plain numpy array, a view if it can."""
    if type(value).__module__.split(".")[0] == "torch":
        tensor = value.detach().cpu()
        # numpy has no bfloat16, which tensors often have after autocast.
        return np.asarray(tensor.float().numpy() if "bfloat16" in str(tensor.dtype) else tensor.numpy())
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        # np.asarray would drop the mask and show what lies beneath as if it had been measured.
        return np.where(np.ma.getmaskarray(value), np.nan, value.data)
    return np.asarray(value)


def is_pandas(value: Any) -> bool:
    """Tell whether this is a pandas object, without importing pandas."""
    return type(value).__module__.split(".")[0] == "pandas"


def is_missing(value: Any) -> bool:
    """Tell whether this is None, a NaN, pandas' NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _refuse_what_holds_no_records(X: Any, caller: str) -> None:
    """Raise unless X is a container that can hold records."""
    if type(X).__module__.startswith("scipy.sparse") and hasattr(X, "toarray"):
        raise TypeError(
            f"{caller} reads dense data, but X is a sparse {type(X).__name__}. A convolution needs every time step: "
            "pass X.toarray()."
        )
    if isinstance(X, str | bytes):
        raise ValueError(f"Received one string; pass a list of strings. X is {shorten(X)}.")
    if isinstance(X, os.PathLike):
        raise ValueError(f"Received one path; pass a list of paths. X is {shorten(os.fspath(X))}.")
    if isinstance(X, Number) or (isinstance(X, np.generic) and X.ndim == 0):
        raise ValueError(_one_number(X, caller))
    is_container = hasattr(X, "__array__") or (isinstance(X, Sequence) and not isinstance(X, dict))
    if not is_container:
        raise TypeError(
            f"{caller} reads X as an array, a DataFrame, or a list with one item a record; the X argument must be made "
            f"of strings or of numbers. Received: {type(X).__name__}, {shorten(X)}. Pass an array, or a list of "
            "records."
        )


def _one_number(X: Any, caller: str) -> str:
    return (
        f"Expected 2D array, got scalar array instead: X is one number, {shorten(X)}. {caller} reads "
        "(n_records, n_timepoints). Reshape your data, or pass a list of series."
    )


def _unwrap_frame(X: Any, caller: str) -> AnyArray | list[Any]:
    """Read a wide frame (rows are records, numeric columns are time steps), or one column of records."""
    if X.index.nlevels > 1:
        raise ValueError(
            f"{caller} reads wide frames, one row a record, but the index of X has {X.index.nlevels} levels, as a long "
            "frame has. Pass one array a record, for example [g.to_numpy().T for _, g in X.groupby(level=0)], or "
            "X.to_numpy() if each row is a record."
        )
    if X.shape[1] == 1 and X.dtypes.iloc[0].kind not in "biufcmM":
        column: list[Any] = X.iloc[:, 0].tolist()
        # An object column of plain numbers is still a table of one time step.
        if not all(isinstance(item, Number) or is_missing(item) for item in column):
            return column
    wrong = [
        f"{name!r} ({dtype})"
        for name, dtype in zip(X.columns, X.dtypes, strict=True)
        if dtype.kind not in "biufc" and dtype != np.dtype(object)
    ]
    if wrong:
        raise ValueError(
            f"{caller} reads the columns of a DataFrame as time steps, which must be numbers. Received: column "
            f"{name_first(wrong)}. Drop these columns, or pass one of them alone, as X[name], if it holds the texts or "
            "paths."
        )
    if any(not isinstance(dtype, np.dtype) for dtype in X.dtypes):
        return np.asarray(X.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(X.to_numpy())
