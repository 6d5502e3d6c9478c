"""What a spotter promises: a threshold for so many false alarms an hour, and how good it is on other recordings."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from seqcnn._checks import check_integer, check_number
from seqcnn._types import FloatArray
from seqcnn.spotting.evaluation import SpottingReport, make_report
from seqcnn.spotting.events import EventRule
from seqcnn.spotting.listening import ScoreReader
from seqcnn.spotting.mining import find_hardest, write_clips
from seqcnn.spotting.sound import open_sound
from seqcnn.spotting.sweep import sweep
from seqcnn.spotting.tracks import SpokenWords, Tracks, make_list, place_words, read_positives, stack_tracks
from seqcnn.spotting.tuning import TunedThreshold, choose_threshold


class MeasuringMixin:
    """``scores``, ``tune_threshold``, ``evaluate`` and ``mine`` of :class:`~seqcnn.spotting.KeywordSpotter`."""

    tuning_: TunedThreshold

    @property
    def keywords_(self) -> list[Any]:
        """What is listened for."""
        raise NotImplementedError

    @property
    def threshold_(self) -> float:
        """The threshold that is used."""
        raise NotImplementedError

    def _check(self) -> None:
        raise NotImplementedError

    def _hearing(self) -> Any:
        raise NotImplementedError

    def _reader(self, hearing: Any, sample_rate: int | None) -> ScoreReader:
        raise NotImplementedError

    def _rule(self, threshold: float, hop_seconds: float) -> EventRule:
        raise NotImplementedError

    def scores(self, source: Any, *, sample_rate: int | None = None) -> pd.DataFrame:
        """Return the smoothed scores of a recording, of which detections are made: a line a hop.

        Parameters
        ----------
        source, sample_rate
            As in :meth:`detect`.

        Returns
        -------
        DataFrame
            end (seconds), and a column a keyword.
        """
        tracks = self._track([source], "source", f"{type(self).__name__}.scores", sample_rate=sample_rate)
        rows = np.arange(tracks.begins[0], tracks.ends[0])
        table = pd.DataFrame(tracks.scores[rows], columns=self.keywords_)
        table.insert(0, "end", tracks.seconds_in(rows))
        return table

    def tune_threshold(
        self, positives: Any, negatives: Any, *, max_false_accepts_per_hour: float = 0.5, confidence: float = 0.95
    ) -> TunedThreshold:
        """Choose the lowest threshold that provably fires for nothing no more often than is asked for.

        False accepts are counted in events, as :meth:`detect` gives them at each threshold, and the rate is bounded
        from above by the exact Poisson limit. Thresholds are tested from the highest down to the first whose bound
        breaks the promise, so that choosing costs nothing of the confidence. Of those that pass, the lowest of the
        fewest misses is taken.

        Use recordings that the classifier was not trained on, and never report what was chosen on: measure with
        :meth:`evaluate` on others.

        Parameters
        ----------
        positives
            Clips with labels, ``(X, y)``, or a DataFrame with the columns recording (path, or waveform with its rate),
            start, end (seconds) and keyword. A word is found if it fires in its clip, or between its start and a window
            behind its end.
        negatives
            Recordings in which no keyword is said: a list of whatever :meth:`detect` takes, or one. Without any false
            accept, 0.5 an hour at 95 % takes six hours to prove.
        max_false_accepts_per_hour
            The promise.
        confidence
            Of the bound.

        Returns
        -------
        TunedThreshold
            The threshold, which is also stored as ``threshold_``, what it proves and what it misses.

        Raises
        ------
        ValueError, TypeError
            If positives hold no keyword, or anything cannot be listened to.

        Warns
        -----
        UserWarning
            If no threshold can be proven, with the hours that are missing. The one with the best proof is kept.
        """
        caller = f"{type(self).__name__}.tune_threshold"
        check_number("max_false_accepts_per_hour", max_false_accepts_per_hour, above=0, caller=caller)
        check_number("confidence", confidence, above=0, below=1, caller=caller)
        curve, silent, _, words = self._sweep(positives, negatives, caller)
        result = choose_threshold(curve, silent.hours, len(words), float(max_false_accepts_per_hour), float(confidence))
        self.__dict__["threshold_"], self.tuning_ = result.threshold, result
        if not result.proven:
            result.warn(caller)
        return result

    def evaluate(
        self, positives: Any, negatives: Any, *, confidence: float = 0.95, area_up_to: float = 10.0
    ) -> SpottingReport:
        """Measure misses against false accepts an hour, over all thresholds and at the spotter's own.

        ``seqcnn.plots.DetectionCurveDisplay.from_report(report)`` draws it.

        Parameters
        ----------
        positives, negatives
            As in :meth:`tune_threshold`, but others than those.
        confidence
            Of the limits.
        area_up_to
            False accepts an hour up to which the area under the curve is taken.

        Returns
        -------
        SpottingReport
            The numbers, with their limits.
        """
        caller = f"{type(self).__name__}.evaluate"
        check_number("confidence", confidence, above=0, below=1, caller=caller)
        check_number("area_up_to", area_up_to, above=0, caller=caller)
        curve, silent, spoken, words = self._sweep(positives, negatives, caller)
        rule = self._rule(self.threshold_, silent.hop_seconds)
        return make_report(
            silent,
            spoken,
            words,
            self.keywords_,
            rule,
            curve,
            confidence=float(confidence),
            area_up_to=float(area_up_to),
        )

    def mine(self, recordings: Any, n: int = 20, *, folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
        """List the hardest negatives: where the scores come highest in recordings without keywords.

        Listen to them: those in which a keyword is said after all are mislabelled, the others go to :meth:`fit_more`.

        Parameters
        ----------
        recordings
            As the negatives of :meth:`tune_threshold`.
        n
            How many, at most; they do not overlap.
        folder
            Where to write each as a wav file; it is made if need be. None writes none.

        Returns
        -------
        DataFrame
            From the hardest on: recording (its path, or its position), start, end (seconds), keyword, score (smoothed),
            and, with a folder, path.
        """
        caller = f"{type(self).__name__}.mine"
        check_integer("n", n, minimum=1, caller=caller)
        sources = make_list(recordings, "recordings", is_one=_is_one, caller=caller)
        rates: list[int] = []
        tracks = self._track(sources, "recordings", caller, rates=rates)
        found = find_hardest(tracks, self.keywords_, sources, n)
        if folder is not None:
            found["path"] = write_clips(found, sources, rates, folder, caller=caller)
        return found.drop(columns="position")

    def _track(
        self,
        sources: Iterable[Any],
        name: str,
        caller: str,
        *,
        sample_rate: int | None = None,
        rates: list[int] | None = None,
    ) -> Tracks:
        """Listen to recordings, each from its beginning, and return their smoothed scores."""
        self._check()
        hearing = self._hearing()
        readers: dict[int | None, ScoreReader] = {None: self._reader(hearing, None)}
        hop, window = readers[None].hop_seconds, readers[None].window_seconds

        def listen() -> Iterator[tuple[FloatArray, float]]:
            for source in sources:
                sound = open_sound(source, sample_rate, caller=caller)
                if sound.sample_rate not in readers:
                    readers[sound.sample_rate] = self._reader(hearing, sound.sample_rate)
                reader = readers[sound.sample_rate]
                rate = int(reader.stream.sample_rate)
                rows, n_samples = [], 0
                for block in sound.blocks:
                    rows.append(reader.push(block))
                    n_samples += np.shape(block)[-1]
                rows.append(reader.finish())
                if rates is not None:
                    rates.append(rate)
                yield np.concatenate(rows), n_samples / rate

        gap = self._rule(1.0, hop).refractory + self._rule(1.0, hop).minimum + math.ceil(window / hop)
        tracks = stack_tracks(listen(), len(self.keywords_), gap, hop, window)
        if tracks.hours == 0:
            raise ValueError(
                f"The '{name}' of {caller} must hold sound. Received: recordings without samples. Pass recordings that "
                f"can be listened to."
            )
        return tracks

    def _sweep(self, positives: Any, negatives: Any, caller: str) -> tuple[pd.DataFrame, Tracks, Tracks, SpokenWords]:
        keywords = self.keywords_
        recordings, table = read_positives(positives, keywords, caller=caller)
        sources = make_list(negatives, "negatives", is_one=_is_one, caller=caller)
        silent = self._track(sources, "negatives", caller)
        spoken = self._track(recordings, "positives", caller)
        words = place_words(table, spoken, keywords)
        curve = sweep(silent, spoken, words, lambda threshold: self._rule(threshold, silent.hop_seconds))
        return curve, silent, spoken, words


def _is_one(source: Any) -> bool:
    """Tell whether this is one recording, and not a list of them."""
    if isinstance(source, tuple):
        return len(source) == 2 and np.ndim(source[1]) == 0
    return isinstance(source, str | os.PathLike) or hasattr(source, "shape") or hasattr(source, "sample_rate")
