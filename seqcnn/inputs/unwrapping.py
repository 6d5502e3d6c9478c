"""Unwrapping: the outermost container of X, whatever library it comes from, becomes one numpy array or one list.

Nothing here looks at what the items mean; ``detect`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqcnn._types import AnyArray
from seqcnn.inputs.containers import count_cases, is_frame, is_long_frame, is_nested_tensor, library_of, to_plain_array
from seqcnn.inputs.frame_lists import unwrap_frame_list
from seqcnn.inputs.frames import unwrap_frame, unwrap_object_table, unwrap_polars_series
from seqcnn.inputs.long_frames import unwrap_long_frame


def unwrap(X: Any, *, caller: str) -> AnyArray | list[Any]:
    """Take the outermost container off X.

    Returns
    -------
    AnyArray or list
        One array of two or more dimensions, or of numbers; or a list with one item a record.
    """
    count_cases(X, caller=caller)
    plain: Any
    if is_long_frame(X):
        plain = unwrap_long_frame(X, caller=caller)
    elif is_frame(X):
        plain = unwrap_frame(X, caller=caller)
    elif is_nested_tensor(X):
        plain = list(X.unbind())
    elif library_of(X) == "polars":
        plain = unwrap_polars_series(X)
    elif library_of(X) == "pandas":
        plain = np.asarray(X.to_numpy())
    elif isinstance(X, Sequence) and not isinstance(X, np.ndarray):
        plain = list(X)
    else:
        plain = to_plain_array(X)
    if isinstance(plain, np.ndarray):
        if plain.ndim == 2 and plain.dtype == np.dtype(object):
            return unwrap_object_table(plain, caller=caller)
        if plain.ndim > 1 or plain.dtype.kind not in "OUST":
            return plain
        plain = [str(item) if isinstance(item, str) else item for item in plain.tolist()]
    if any(library_of(item) in ("pandas", "polars") for item in plain):
        return unwrap_frame_list(plain, caller=caller)
    return list(plain)
