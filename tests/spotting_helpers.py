"""A classifier whose scores are a known function of the samples, so that tests of spotting need no training."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

RATE, WINDOW, HOP = 1000, 200, 20
"""Hz, samples, samples: a row each 0.02 s."""


def loudness(wave: Any) -> Any:
    """The probabilities of "down", "unknown" and "up" of each window's end, (n, 3), given the last 100 samples."""
    up = np.clip(wave, 0, None).mean(-1)
    down = np.clip(-wave, 0, None).mean(-1)
    return np.stack([down, 1 - up - down, up], axis=-1)


class FakeStream:
    """Rows that depend on the last 100 samples."""

    model_sample_rate, window_length, hop_length, look_ahead = RATE, WINDOW, HOP, 0
    classes = np.array(["down", "unknown", "up"])

    def __init__(self, sample_rate: int | None) -> None:
        self.sample_rate = sample_rate or RATE
        self.n_seen_at_most = 0
        self.reset()

    def reset(self) -> None:
        self.n_scores = 0
        self._rest = np.zeros(100, np.float32)
        self._n_new = 0

    def push(self, samples: Any) -> Any:
        samples = np.asarray(samples, np.float32)
        if not np.isfinite(samples).all():
            raise ValueError("A stream takes finite samples.")
        samples = samples.mean(0) if samples.ndim == 2 else samples
        self.n_seen_at_most = max(self.n_seen_at_most, len(samples))
        step = self.sample_rate // RATE  # "resampling"
        self._rest = np.concatenate([self._rest, samples[::step]])
        self._n_new += len(samples[::step])
        n_rows = self._n_new // HOP
        first = len(self._rest) - self._n_new
        starts = first - 100 + HOP * np.arange(1, n_rows + 1)
        rows = np.lib.stride_tricks.sliding_window_view(self._rest.astype(np.float64), 100)[starts]
        self._n_new -= n_rows * HOP
        self._rest = self._rest[len(self._rest) - 100 - self._n_new :]
        self.n_scores += n_rows
        return loudness(rows)

    def finish(self) -> Any:
        self.reset()
        return np.empty((0, 3))


class FakeClassifier(BaseEstimator):
    """Says "up" for samples above zero, "down" for samples below, else "unknown"."""

    classes_ = FakeStream.classes
    streams: list[FakeStream]

    def __init__(self) -> None:
        self.streams = []

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any) -> FakeClassifier:
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.array([loudness(np.asarray(wave)) for wave in X])

    def stream(
        self, sample_rate: int | None = None, *, hop_length: int | None = None, look_ahead: int = 0
    ) -> FakeStream:
        assert hop_length in (None, HOP)
        assert look_ahead == 0
        self.streams.append(FakeStream(sample_rate))
        return self.streams[-1]


def say(*words: tuple[float, float], seconds: float = 5.0, rate: int = RATE) -> Any:
    """A waveform with a word of 0.15 s at each (second, level); a level below zero says "down"."""
    wave = np.zeros(round(seconds * rate), np.float32)
    for second, level in words:
        begin = round(second * rate)
        wave[begin : begin + round(0.15 * rate)] = level
    return wave
