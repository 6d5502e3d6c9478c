"""From scores over time to events: smoothing, hysteresis, refractory time, so that a word that is said once fires once.

A row of scores is what was heard until its moment, a column is a keyword. A keyword fires where its smoothed score has
been at ``threshold`` or above for ``minimum`` rows, if it is armed and no keyword has fired within the last
``refractory`` rows; of several, the one of the highest score. Whatever reaches the threshold at this moment is
disarmed, until its score has been below ``release``.

There are two ways to the same events: :class:`EventFinder` reads rows as they come, :class:`EventCounter` has them all
and finds the events at any threshold without looking at each row.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seqcnn._types import FloatArray, IntegerArray

RELEASE_SHARE = 0.75
"""Of the threshold: where a detection ends if nothing else was asked for."""

_ROWS_AT_ONCE = 64
"""Rows that are passed over together if nothing in them comes near the release level."""


@dataclass(frozen=True)
class EventRule:
    """When scores make an event; all lengths are rows.

    Parameters
    ----------
    threshold
        The score from which on a keyword fires.
    release
        Below it a detection ends, and the keyword may fire again; at most ``threshold``, above zero.
    smoothing
        Rows of the moving mean, this one and those before it; before the first row all scores are zero.
    minimum
        Rows for which the score must have been at the threshold or above.
    refractory
        Rows from one firing to the next that is possible, whatever the keyword.
    """

    threshold: float
    release: float
    smoothing: int = 1
    minimum: int = 1
    refractory: int = 1


class Event(NamedTuple):
    """A firing: in which row, which column, at what smoothed score."""

    row: int
    column: int
    score: float


class Smoother:
    """The moving mean of each column, causal, the same to the bit for rows that come one by one or all at once."""

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self.n_rows = n_rows
        self._past = np.zeros((n_rows - 1, n_columns), np.float32)

    def push(self, scores: FloatArray) -> FloatArray:
        """Return the smoothed rows ``(n, n_columns)`` of the next ``n`` rows."""
        if self.n_rows == 1:
            return scores
        joined = np.concatenate([self._past, scores])
        self._past = joined[len(joined) - self.n_rows + 1 :]
        total = np.zeros(scores.shape, np.float32)
        for shift in range(self.n_rows):  # a running sum would carry rounding from row to row
            total += joined[shift : shift + len(scores)]
        # A mean of ones must not pass one.
        smoothed: FloatArray = np.minimum(total / np.float32(self.n_rows), 1, dtype=np.float32)
        return smoothed


class EventFinder:
    """Finds events in smoothed rows that come bit by bit.

    >>> finder = EventFinder(EventRule(threshold=0.5, release=0.3, refractory=2), n_columns=1)
    >>> [event.row for event in finder.push(np.float32([[0.1], [0.6], [0.4], [0.9], [0.2], [0.5]]))]
    [1, 5]
    """

    def __init__(self, rule: EventRule, n_columns: int) -> None:
        self.rule = rule
        self._level = np.float32(rule.threshold), np.float32(rule.release)
        self._armed = [True] * n_columns
        self._above = [0] * n_columns
        self._row = self._free_from = 0

    def push(self, smoothed: FloatArray) -> list[Event]:
        """Return the events in the next rows ``(n, n_columns)``; rows are counted from the first push."""
        events: list[Event] = []
        for begin in range(0, len(smoothed), _ROWS_AT_ONCE):
            rows = smoothed[begin : begin + _ROWS_AT_ONCE]
            if rows.max(initial=0) < self._level[1]:
                self._armed = [True] * len(self._armed)
                self._above = [0] * len(self._above)
                self._row += len(rows)
            else:
                events += [event for row in rows for event in self._read(row)]
        return events

    def _read(self, scores: FloatArray) -> list[Event]:
        threshold, release = self._level
        row = self._row
        self._row += 1
        fit: list[int] = []
        for column, score in enumerate(scores):
            if score < release:
                self._armed[column] = True
            self._above[column] = self._above[column] + 1 if score >= threshold else 0
            if self._armed[column] and self._above[column] >= self.rule.minimum:
                fit.append(column)
        if not fit or row < self._free_from:
            return []
        best = max(fit, key=lambda column: (scores[column], -column))
        for column, above in enumerate(self._above):
            self._armed[column] &= above == 0
        self._free_from = row + self.rule.refractory
        return [Event(row, best, float(scores[best]))]


class EventCounter:
    """All smoothed rows at hand: the events at any threshold, without going through the rows again.

    Only what comes up to ``lowest_release`` is kept, which of hours of other sound is little.

    Parameters
    ----------
    smoothed
        ``(n_rows, n_columns)``.
    lowest_release
        The lowest release level that will be asked for.
    """

    def __init__(self, smoothed: FloatArray, lowest_release: float) -> None:
        self.n_columns = smoothed.shape[1]
        self._smoothed = smoothed
        self._columns = [np.ascontiguousarray(column) for column in smoothed.T]
        self._rows = [np.flatnonzero(column >= np.float32(lowest_release)) for column in self._columns]
        self._values = [column[rows] for column, rows in zip(self._columns, self._rows, strict=True)]

    def find(self, rule: EventRule) -> list[Event]:
        """Return the events at a rule, in order; its ``smoothing`` has been applied before."""
        threshold = np.float32(rule.threshold)
        fit: list[list[int]] = []
        ends: list[tuple[IntegerArray, IntegerArray]] = []
        for rows, values in zip(self._rows, self._values, strict=True):
            if not len(values) or values.max() < threshold:
                fit.append([])
                ends.append((rows[:0], rows[:0]))
                continue
            above = rows[values >= threshold]
            starts, _ = _runs(above)
            first = np.repeat(starts, np.diff(np.append(np.searchsorted(above, starts), len(above))))
            fit.append(above[above - first >= rule.minimum - 1].tolist())
            ends.append(_runs(rows[values >= np.float32(rule.release)]))
        return self._walk(fit, ends, threshold, rule.refractory)

    def _walk(
        self,
        fit: list[list[int]],
        ends: list[tuple[IntegerArray, IntegerArray]],
        threshold: np.float32,
        refractory: int,
    ) -> list[Event]:
        """Go from firing to firing; ``fit``: the rows in which a column may fire, ``ends``: its runs above release."""
        events: list[Event] = []
        free_from = 0
        armed_from = [0] * self.n_columns
        while True:
            found = []
            for column, rows in enumerate(fit):
                place = bisect_left(rows, max(free_from, armed_from[column]))
                if place < len(rows):
                    found.append((rows[place], column))
            if not found:
                return events
            row = min(found)[0]
            best = max(
                (column for at, column in found if at == row), key=lambda column: (self._columns[column][row], -column)
            )
            for column in np.flatnonzero(self._smoothed[row] >= threshold).tolist():
                starts, stops = ends[column]
                armed_from[column] = int(stops[np.searchsorted(starts, row, side="right") - 1])
            free_from = row + refractory
            events.append(Event(row, best, float(self._columns[best][row])))


def _runs(rows: IntegerArray) -> tuple[IntegerArray, IntegerArray]:
    """Return where runs of consecutive numbers start, and where they stop (the first number that is not there).

    >>> _runs(np.array([3, 4, 5, 9]))
    (array([3, 9]), array([ 6, 10]))
    """
    if not len(rows):
        return rows, rows
    breaks = np.flatnonzero(np.diff(rows) > 1)
    return rows[np.r_[0, breaks + 1]], rows[np.r_[breaks, len(rows) - 1]] + 1
