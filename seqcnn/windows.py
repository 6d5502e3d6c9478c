"""Cutting records into windows, and remembering which window came from which record. Needs numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqcnn._types import IntegerArray


@dataclass(frozen=True)
class WindowTable:
    """Where each window lies.

    Attributes
    ----------
    record
        Position of the window's record, ``(n_windows,)``, ascending.
    start, stop
        First sample, and one past the last, within that record, ``(n_windows,)``.
    n_records
        How many records were cut.
    """

    record: IntegerArray
    start: IntegerArray
    stop: IntegerArray
    n_records: int

    def __len__(self) -> int:
        return len(self.record)

    @property
    def lengths(self) -> IntegerArray:
        """Samples of each window."""
        return self.stop - self.start


def cut_windows(lengths: IntegerArray, window_length: int | None = None, hop_length: int | None = None) -> WindowTable:
    """Cut records of these lengths into windows.

    Parameters
    ----------
    lengths
        Samples of each record, ``(n_records,)``.
    window_length
        Samples of a window; None makes each record one window.
    hop_length
        Samples from one window's start to the next; None takes half the window.

    Returns
    -------
    WindowTable
        Every sample is in a window: where the hops do not reach the record's end, one more window is laid against it.
        A record shorter than ``window_length`` is one window, as long as itself.

    Examples
    --------
    >>> table = cut_windows(np.array([10, 4]), window_length=4, hop_length=4)
    >>> list(zip(table.record.tolist(), table.start.tolist(), table.stop.tolist()))
    [(0, 0, 4), (0, 4, 8), (0, 6, 10), (1, 0, 4)]
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    records = np.arange(len(lengths))
    if window_length is None:
        return WindowTable(records, np.zeros_like(lengths), lengths, len(lengths))
    hop = max(1, window_length // 2) if hop_length is None else hop_length
    # ceil((length - window) / hop) hops reach the end; the last of them is pulled back onto it.
    counts = np.maximum(0, -(-(lengths - window_length) // hop)) + 1
    record = np.repeat(records, counts)
    position = np.arange(len(record)) - np.repeat(np.cumsum(counts) - counts, counts)
    last_start = np.maximum(0, lengths - window_length)[record]
    start = np.minimum(position * hop, last_start)
    return WindowTable(record, start, np.minimum(start + window_length, lengths[record]), len(lengths))


@dataclass(frozen=True)
class Reading:
    """What a causal network reads for each window, so that it knows what was before it.

    Attributes
    ----------
    start, stop
        The first sample, and one past the last, within the window's record, ``(n_windows,)``; ``start`` is a multiple
        of the network's stride, so that its steps lie as in the whole record.
    first_step
        The encoded step of the whole record that the reading begins with, ``(n_windows,)``.
    end_step, kept
        One past the last encoded step, counted in the whole record, and how many up to there are the window's own,
        ``(n_windows,)`` each.
    """

    start: IntegerArray
    stop: IntegerArray
    first_step: IntegerArray
    end_step: IntegerArray
    kept: IntegerArray


def read_with_past(table: WindowTable, lengths: IntegerArray, *, stride: int, receptive_field: int | None) -> Reading:
    """Tell what a causal network has to read for each window, and which of its encoded steps are the window's.

    A window's own are the ``ceil(length / stride)`` last steps that are complete where it ends. (The last step of a
    record always counts: silence follows it.)

    Parameters
    ----------
    table
        Where the windows lie.
    lengths
        Samples of each record, ``(n_records,)``.
    stride
        Samples from one encoded step to the next.
    receptive_field
        Samples that an encoded step sees; None is everything before.

    Examples
    --------
    >>> table = cut_windows(np.array([10]), window_length=4, hop_length=3)
    >>> reading = read_with_past(table, np.array([10]), stride=2, receptive_field=4)
    >>> reading.start.tolist(), reading.stop.tolist(), reading.kept.tolist()
    ([0, 0, 2], [4, 6, 10], [2, 2, 2])
    """
    whole = np.asarray(lengths, dtype=np.int64)[table.record]
    end_step = np.where(table.stop == whole, -(-whole // stride), np.maximum(table.stop // stride, 1))
    kept = np.minimum(np.maximum(-(-table.lengths // stride), 1), end_step)
    first_step = np.zeros_like(end_step)
    if receptive_field is not None:
        first_step = np.maximum(0, (end_step - kept) - -(-(receptive_field - 1) // stride))
    stop = np.minimum(end_step * stride, whole)
    return Reading(first_step * stride, stop, first_step, end_step, kept)
