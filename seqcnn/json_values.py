"""Values that JSON has no word for, written as values that it has: tuples, arrays, numpy's numbers, tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from seqcnn._checks import shorten
from seqcnn._types import AnyArray

_MOST_BYTES = 2**26
"""Of an array in JSON: labels and histories are small, and a file must not ask for more memory than it has bytes."""


class NotWritableError(ValueError):
    """A value that a file cannot hold."""


def encode(value: Any) -> Any:
    """Return a value as JSON holds it; what JSON does not know becomes ``{"$type": ...}``.

    Raises
    ------
    NotWritableError
        For objects, functions and all else that only a pickle holds.

    Examples
    --------
    >>> encode((1, "a")), encode(np.float32(0.5))
    ({'$tuple': [1, 'a']}, {'$scalar': {'dtype': '<f4', 'shape': [], 'values': [0.5]}})
    >>> decode(encode({1: (True, None)}))
    {1: (True, None)}
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.generic):
        return {"$scalar": _encode_array(np.asarray(value))}
    if isinstance(value, np.ndarray):
        return {"$array": _encode_array(value)}
    if type(value) is list:
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"$tuple": [encode(item) for item in value]}
    if type(value) is dict:
        return {"$dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if type(value).__name__ == "DataFrame" and type(value).__module__.startswith("pandas"):
        columns = [[encode(name), encode(value[name].to_numpy())] for name in value.columns]
        return {"$frame": {"rows": len(value), "columns": columns}}
    raise NotWritableError(f"{shorten(value, 60)}, of type {type(value).__name__}")


def decode(value: Any) -> Any:
    """Return what :func:`encode` was given.

    Raises
    ------
    ValueError, TypeError, KeyError
        If ``value`` is nothing that :func:`encode` gives.
    """
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, held),) = value.items()
    if tag == "$float":
        return float(held)
    if tag == "$scalar":
        return _decode_array(held)[()]
    if tag == "$array":
        return _decode_array(held)
    if tag == "$tuple":
        return tuple(decode(item) for item in held)
    if tag == "$dict":
        return {decode(key): decode(item) for key, item in held}
    if tag == "$frame":
        import pandas as pd

        frame = pd.DataFrame({decode(name): decode(column) for name, column in held["columns"]})
        if len(frame.columns) and len(frame) != held["rows"]:
            raise ValueError(f"a table of {held['rows']} rows has columns of {len(frame)}")
        return frame
    raise ValueError(f"there is no value of type {tag!r}")


def _encode_array(array: AnyArray) -> dict[str, Any]:
    shape = list(array.shape)
    if array.dtype.kind == "O":
        return {"dtype": "object", "shape": shape, "values": [encode(item) for item in array.ravel().tolist()]}
    if array.dtype.kind == "T":  # numpy's strings of any length
        return {"dtype": "string", "shape": shape, "values": [str(item) for item in array.ravel()]}
    if array.dtype.kind in "mM":
        values = array.ravel().view(np.int64).tolist()
    elif array.dtype.kind == "S":
        values = [item.decode("latin-1") for item in array.ravel().tolist()]
    elif array.dtype.kind in "bU" or (array.dtype.kind in "iuf" and array.dtype.itemsize <= 8):
        values = [encode(item) for item in array.ravel().tolist()]
    else:
        raise NotWritableError(f"an array of type {array.dtype}")
    return {"dtype": array.dtype.str, "shape": shape, "values": values}


def _decode_array(held: dict[str, Any]) -> AnyArray:
    values, shape = held["values"], tuple(held["shape"])
    if held["dtype"] == "object":
        array: AnyArray = np.empty(len(values), dtype=object)
        for position, item in enumerate(values):
            array[position] = decode(item)
        return array.reshape(shape)
    if held["dtype"] == "string":
        return np.array(values, dtype=np.dtypes.StringDType()).reshape(shape)
    dtype = np.dtype(str(held["dtype"]))
    if dtype.kind not in "biufUSmM" or dtype.itemsize * max(len(values), 1) > _MOST_BYTES:
        raise ValueError(f"an array of type {shorten(held['dtype'])} is not one that a model file holds")
    if dtype.kind in "mM":
        return np.array(values, dtype=np.int64).view(dtype).reshape(shape)
    if dtype.kind == "S":
        values = [item.encode("latin-1") for item in values]
    return np.array([decode(item) for item in values], dtype=dtype).reshape(shape)
