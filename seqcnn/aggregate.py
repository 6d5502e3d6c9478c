"""From scores of windows to scores of records."""

from __future__ import annotations

import numpy as np

from seqcnn._types import Float64Array
from seqcnn.windows import WindowTable


def average_over_windows(scores: Float64Array, table: WindowTable) -> Float64Array:
    """Return each record's mean score over its windows.

    Parameters
    ----------
    scores
        ``(n_windows, n_outputs)``.
    table
        Where the windows lie.

    Returns
    -------
    ndarray
        ``(n_records, n_outputs)``.

    Examples
    --------
    >>> from seqcnn.windows import cut_windows
    >>> table = cut_windows(np.array([4, 2]), window_length=2, hop_length=2)
    >>> average_over_windows(np.array([[0.0], [1.0], [5.0]]), table).tolist()
    [[0.5], [5.0]]
    """
    if len(table) == table.n_records:
        return scores
    sums = np.zeros((table.n_records, scores.shape[1]))
    np.add.at(sums, table.record, scores)
    return sums / np.bincount(table.record, minlength=table.n_records)[:, None]
