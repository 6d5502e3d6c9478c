"""tslearn's arrays, (n, time, channels) with NaN behind the shorter series, in this library's form."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqcnn._checks import name_first
from seqcnn._types import AnyArray
from seqcnn.inputs.arrays import raise_problems, to_numbers


def from_tslearn(X: Any) -> AnyArray | list[AnyArray]:
    """Turn tslearn's form of a data set into the one that the estimators read.

    tslearn keeps time before channels and fills shorter series with NaN at the end. Both are arrays of three
    dimensions, so that no estimator can tell one from the other.

    Parameters
    ----------
    X
        Array ``(n_cases, n_timepoints, n_channels)``, as ``tslearn.utils.to_time_series_dataset`` gives it.

    Returns
    -------
    ndarray or list of ndarray
        ``(n_cases, n_channels, n_timepoints)`` where all series are equally long, else one ``(n_channels,
        n_timepoints_i)`` array a series. Views of X. Time steps at the end of a series that are NaN in every channel
        are padding and fall away; a NaN before them, or in some channels only, is missing and stays.

    Raises
    ------
    ValueError
        If X has not three dimensions, is empty, or holds a series of nothing but NaN.
    TypeError
        If X holds no numbers.

    Examples
    --------
    >>> import seqcnn
    >>> nan = float("nan")
    >>> [x.tolist() for x in seqcnn.from_tslearn([[[1.0], [2.0], [3.0]], [[4.0], [5.0], [nan]]])]
    [[[1.0, 2.0, 3.0]], [[4.0, 5.0]]]
    """
    array, problem = to_numbers(X, "X")
    raise_problems([problem] if problem else [], caller="from_tslearn")
    if array.ndim != 3 or array.size == 0:
        raise ValueError(
            f"from_tslearn reads arrays (n_cases, n_timepoints, n_channels), at least 1 of each. Received: shape "
            f"{array.shape}. Pass what tslearn.utils.to_time_series_dataset gives."
        )
    present = np.asarray((array == array).any(axis=2))  # only NaN differs from itself
    empty = np.flatnonzero(~present.any(axis=1)).tolist()
    if empty:
        raise ValueError(
            f"Every series must have at least 1 time step. Received: nothing but NaN in "
            f"{name_first([f'X[{row}]' for row in empty])}. Drop these series, and their targets."
        )
    lengths = array.shape[1] - np.argmax(present[:, ::-1], axis=1)
    swapped = array.transpose(0, 2, 1)
    if lengths.min() == lengths.max():
        return swapped[:, :, : int(lengths[0])]
    return [series[:, :length] for series, length in zip(swapped, lengths.tolist(), strict=True)]
