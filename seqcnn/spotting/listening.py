"""Listening: samples in, detections out as they happen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqcnn._types import AnyArray, FloatArray
from seqcnn.spotting.events import EventFinder, EventRule, Smoother

DETECTION_COLUMNS = ("start", "end", "keyword", "score")


class Detection(NamedTuple):
    """A keyword that was heard.

    Attributes
    ----------
    start, end
        Seconds from the beginning: the window of sound that decided. It ends at the moment the keyword fired, so that
        the word lies within it.
    keyword
        Its label.
    score
        The smoothed score at that moment, from the threshold to 1.
    """

    start: float
    end: float
    keyword: Any
    score: float


class ScoreReader:
    """A stream of a classifier's scores, of which the columns of some keywords are smoothed.

    Until half a window was heard, scores are zero: what a network says of the first moments of sound means little.

    Parameters
    ----------
    stream
        What ``classifier.stream(...)`` gave.
    columns
        The classifier's columns that are keywords.
    smoothing
        Rows of the moving mean.
    """

    def __init__(self, stream: Any, columns: Sequence[int], smoothing: int) -> None:
        self.stream = stream
        self.columns = list(columns)
        self._smoothing = smoothing
        self.reset()

    @property
    def hop_seconds(self) -> float:
        """Seconds from row to row."""
        return float(self.stream.hop_length / self.stream.model_sample_rate)

    @property
    def window_seconds(self) -> float:
        """Seconds of sound behind a row."""
        return float(self.stream.window_length / self.stream.model_sample_rate)

    def reset(self) -> None:
        """Begin anew, with silence before."""
        self.stream.reset()
        self._smoother = Smoother(self._smoothing, len(self.columns))
        self._n_channels: tuple[int, ...] = ()
        self._n_early = int(self.window_seconds / 2 / self.hop_seconds)

    def push(self, samples: AnyArray) -> FloatArray:
        """Return the rows of smoothed scores that these samples complete, ``(n_new, n_keywords)``."""
        rows = self._smooth(self.stream.push(samples))
        if np.ndim(samples) == 2:
            self._n_channels = (len(samples),)
        return rows

    def finish(self) -> FloatArray:
        """Return the rows of half a window of silence behind the end, and what the stream held back; then begin anew.

        So a word at the very end has stood in the middle of the window, as any other.
        """
        rate = self.stream.sample_rate
        n_samples = math.ceil((self.window_seconds / 2 + self._smoothing * self.hop_seconds) * rate)
        silence = np.zeros((*self._n_channels, n_samples), np.float32)
        rows = self._smooth(np.concatenate([self.stream.push(silence), self.stream.finish()]))
        self.reset()
        return rows

    def _smooth(self, rows: AnyArray) -> FloatArray:
        scores = np.asarray(rows, np.float32)[:, self.columns]
        if self._n_early:
            scores[: self._n_early] = 0
            self._n_early = max(0, self._n_early - len(scores))
        return self._smoother.push(scores)


class Listener:
    """Hears keywords in sound that comes bit by bit; made by :meth:`KeywordSpotter.listen`.

    Attributes
    ----------
    keywords
        What it listens for.
    sample_rate
        Of the samples that are pushed, in Hz.
    scores
        The smoothed score of each keyword in the latest row, for a meter; zeros before the first.
    seconds
        Of sound whose scores are known.
    """

    def __init__(self, reader: ScoreReader, rule: EventRule, keywords: Sequence[Any]) -> None:
        self._reader, self._rule = reader, rule
        self.keywords = list(keywords)
        self.sample_rate = int(reader.stream.sample_rate)
        self._begin()

    @property
    def threshold(self) -> float:
        """The score from which on a keyword fires."""
        return self._rule.threshold

    @property
    def seconds(self) -> float:
        """Of sound whose scores are known."""
        return self._n_rows * self._reader.hop_seconds

    def push(self, samples: Any) -> list[Detection]:
        """Return what fired within these samples; the list is empty most of the time.

        Parameters
        ----------
        samples
            Any number of them, none too: ``(n,)``, or ``(channels, n)``; floats in [-1, 1] or integers of full scale.

        Raises
        ------
        ValueError, TypeError
            If they are no samples, or not finite; the listener goes on as if they had not come.
        """
        return self._find(self._reader.push(samples))

    def finish(self) -> list[Detection]:
        """Return what fires in the half window of silence behind the end of a recording, then begin anew."""
        detections = self._find(self._reader.finish())
        self.reset()
        return detections

    def reset(self) -> None:
        """Begin anew at 0 s, with silence before."""
        self._reader.reset()
        self._begin()

    def _begin(self) -> None:
        self._finder = EventFinder(self._rule, len(self.keywords))
        self._n_rows = 0
        self.scores: FloatArray = np.zeros(len(self.keywords), np.float32)

    def _find(self, rows: FloatArray) -> list[Detection]:
        if not len(rows):
            return []
        self._n_rows += len(rows)
        self.scores = rows[-1]
        hop, window = self._reader.hop_seconds, self._reader.window_seconds
        return [
            Detection(max(0.0, (row + 1) * hop - window), (row + 1) * hop, self.keywords[column], score)
            for row, column, score in self._finder.push(rows)
        ]
