"""Recordings as tracks of smoothed scores, made once, and the keywords that are said in them.

All recordings stand behind each other in one track, with rows of zeros between them in which everything is armed again,
so that an event is counted as if each recording were listened to alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from seqcnn._checks import count_word, did_you_mean, join_words, name_first, shorten
from seqcnn._types import AnyArray, BooleanArray, FloatArray, IntegerArray
from seqcnn.spotting.events import Event

WORD_COLUMNS = ("recording", "start", "end", "keyword")


@dataclass(frozen=True)
class Tracks:
    """Smoothed scores of recordings.

    Attributes
    ----------
    scores
        ``(n_rows, n_keywords)``, with rows of zeros between the recordings.
    begins, ends
        The rows of each recording, ``(n_recordings,)``; ``ends`` is the row behind its last.
    hours
        Of sound, without the silence that was added behind the end of each recording.
    hop_seconds, window_seconds
        From row to row, and what is behind a row.
    """

    scores: FloatArray
    begins: IntegerArray
    ends: IntegerArray
    hours: float
    hop_seconds: float
    window_seconds: float

    def recording_of(self, rows: IntegerArray) -> IntegerArray:
        """Return the recordings that rows belong to."""
        return np.searchsorted(self.begins, rows, side="right") - 1

    def seconds_in(self, rows: IntegerArray) -> AnyArray:
        """Return where rows end, in seconds from the beginning of their recording."""
        return (rows - self.begins[self.recording_of(rows)] + 1) * self.hop_seconds


def stack_tracks(
    recordings: Iterable[tuple[FloatArray, float]], n_keywords: int, gap: int, hop_seconds: float, window_seconds: float
) -> Tracks:
    """Put tracks behind each other.

    Parameters
    ----------
    recordings
        Smoothed rows of each, and the seconds of its sound.
    n_keywords
        Columns.
    gap
        Rows of zeros between two recordings.
    hop_seconds, window_seconds
        Of a row.
    """
    between = np.zeros((gap, n_keywords), np.float32)
    parts: list[FloatArray] = []
    begins, ends, at, total = [], [], 0, 0.0
    for rows, seconds in recordings:
        parts += [rows, between]
        begins.append(at)
        ends.append(at + len(rows))
        at += len(rows) + gap
        total += seconds
    scores = np.concatenate(parts) if parts else between
    begin, end = np.array(begins, np.int64), np.array(ends, np.int64)
    return Tracks(scores, begin, end, total / 3600, hop_seconds, window_seconds)


@dataclass(frozen=True)
class SpokenWords:
    """Keywords that are said in recordings, in the order of recordings and time.

    Attributes
    ----------
    columns
        Which keyword, ``(n_words,)``.
    first_rows, last_rows
        Between which rows of the tracks it has to fire, both included.
    """

    columns: IntegerArray
    first_rows: IntegerArray
    last_rows: IntegerArray

    def __len__(self) -> int:
        return len(self.columns)

    def found(self, events: Sequence[Event]) -> tuple[BooleanArray, BooleanArray]:
        """Return which words fired, ``(n_words,)``, and which events are a word, ``(n_events,)``.

        An event belongs to the latest word of its keyword that had begun; a word that fires twice was found once.
        """
        found = np.zeros(len(self), bool)
        explained = np.zeros(len(events), bool)
        rows = np.array([event.row for event in events], np.int64)
        columns = np.array([event.column for event in events], np.int64)
        for column in np.unique(self.columns):
            words = np.flatnonzero(self.columns == column)
            at = np.flatnonzero(columns == column)
            latest = np.searchsorted(self.first_rows[words], rows[at], side="right") - 1
            begun, at = words[latest[latest >= 0]], at[latest >= 0]
            hit = rows[at] <= self.last_rows[begun]
            found[begun[hit]] = True
            # The second firing of a word is one too many.
            first_of_word = np.unique(begun[hit], return_index=True)[1]
            explained[at[hit][first_of_word]] = True
        return found, explained


def read_positives(positives: Any, keywords: Sequence[Any], *, caller: str) -> tuple[list[Any], pd.DataFrame]:
    """Return the recordings of ``positives``, and a line a word: recording (its position), start, end, keyword.

    ``start`` and ``end`` are NaN where the word is a whole clip. Words that are no keywords are left out: their clips
    are no positives.

    Raises
    ------
    TypeError, ValueError
        If they have neither form, or hold none of the keywords.
    """
    if isinstance(positives, pd.DataFrame):
        recordings, words = _read_table(positives, caller)
    elif isinstance(positives, tuple) and len(positives) == 2:
        recordings, words = _read_clips(*positives, caller=caller)
    else:
        raise TypeError(
            f"The 'positives' parameter of {caller} must be clips with their labels, (X, y), or a DataFrame with the "
            f"columns {join_words(WORD_COLUMNS)} (seconds). Received: {shorten(positives)}. Pass one of these."
        )
    is_keyword = words["keyword"].isin(list(keywords))
    if not is_keyword.any():
        hints = [did_you_mean(word, map(str, keywords)) for word in words["keyword"].unique()[:5]]
        received = name_first([repr(word) for word in words["keyword"].unique().tolist()]) or "no word at all"
        raise ValueError(
            f"The positives of {caller} must hold some of the keywords, {name_first(list(map(repr, keywords)))}. "
            f"Received: {received}. {next(filter(None, hints), '')}Pass recordings in which keywords are said."
        )
    kept = words[is_keyword]
    if isinstance(positives, pd.DataFrame):  # a recording without keywords is listened to, too
        return recordings, kept
    positions = kept["recording"].to_numpy()
    return [recordings[position] for position in positions], kept.assign(recording=range(len(kept)))


def _read_clips(X: Any, y: Any, *, caller: str) -> tuple[list[Any], pd.DataFrame]:
    clips, labels = list(X), list(y)
    if len(clips) != len(labels):
        raise ValueError(
            f"The positives of {caller} must have a label for each clip. Received: {count_word(len(clips), 'clip')} "
            f"and {count_word(len(labels), 'label')}. Pass (X, y) of one length."
        )
    words = {"recording": range(len(clips)), "start": np.nan, "end": np.nan, "keyword": pd.Series(labels, dtype=object)}
    return clips, pd.DataFrame(words)


def _read_table(table: pd.DataFrame, caller: str) -> tuple[list[Any], pd.DataFrame]:
    missing = [column for column in WORD_COLUMNS if column not in table]
    if missing:
        raise ValueError(
            f"The positives of {caller} must have the columns {join_words(WORD_COLUMNS)}. Received: a DataFrame "
            f"without {join_words(missing)}. Rename or add these columns; start and end are seconds."
        )
    start, end = table["start"].to_numpy(np.float64), table["end"].to_numpy(np.float64)
    wrong = np.flatnonzero(~((start >= 0) & (start < end)))
    if len(wrong):
        named = name_first([f"row {row} from {start[row]:g} to {end[row]:g}" for row in wrong])
        raise ValueError(
            f"In the positives of {caller}, each word must start at 0 s or later and end after it starts. Received: "
            f"{named}. Correct these rows; start and end are seconds."
        )
    recordings: list[Any] = []
    numbers: dict[Any, int] = {}
    positions = []
    for recording in table["recording"]:
        key = str(recording) if isinstance(recording, str | os.PathLike) else id(recording)
        if key not in numbers:
            numbers[key] = len(recordings)
            recordings.append(recording)
        positions.append(numbers[key])
    words = {"recording": positions, "start": start, "end": end, "keyword": table["keyword"].to_numpy(object)}
    return recordings, pd.DataFrame(words)


def place_words(words: pd.DataFrame, tracks: Tracks, keywords: Sequence[Any]) -> SpokenWords:
    """Say between which rows of the tracks each word has to fire: from its start to a window behind its end."""
    recording = words["recording"].to_numpy(np.int64)
    begins, last = tracks.begins[recording], tracks.ends[recording] - 1
    start, end = words["start"].to_numpy(np.float64), words["end"].to_numpy(np.float64)
    whole = np.isnan(start)
    first = np.where(whole, begins, begins + np.nan_to_num(start) // tracks.hop_seconds).astype(np.int64)
    until = np.ceil((np.nan_to_num(end) + tracks.window_seconds) / tracks.hop_seconds)
    last = np.where(whole, last, np.minimum(last, begins + until - 1)).astype(np.int64)
    numbers = {keyword: column for column, keyword in enumerate(keywords)}
    columns = words["keyword"].map(numbers).to_numpy(np.int64)
    order = np.argsort(first, kind="stable")
    return SpokenWords(columns[order], first[order], last[order])


def make_list(sources: Any, name: str, *, is_one: Callable[[Any], bool], caller: str) -> list[Any]:
    """Return the recordings of a list, or of one recording; raise ValueError if there are none."""
    listed = [sources] if is_one(sources) else list(sources)
    if not listed:
        raise ValueError(
            f"The '{name}' parameter of {caller} must hold at least one recording. Received: an empty list. Pass "
            "paths, waveforms, or pairs (waveform, sample_rate)."
        )
    return listed
