"""Resampling a signal that comes in pieces, to the numbers that torchaudio gives for the whole of it.

A windowed sinc, band-limited to 99 % of the lower of both rates, over 6 of its zero crossings to either side under a
squared cosine: Smith, "Digital audio resampling" (ccrma.stanford.edu/~jos/resample), with the defaults of
``torchaudio.functional.resample``, which reads whole records.
"""

from __future__ import annotations

import math

import numpy as np

from seqcnn._types import AnyArray, FloatArray, IntegerArray

_ZEROS, _ROLLOFF = 6, 0.99

_AT_ONCE = 2**13
"""Samples that are computed together, at most: the values around each lie side by side in memory meanwhile."""


class StreamResampler:
    """Takes samples of one rate and gives those of another.

    An output comes out as soon as the input around it is there, :attr:`delay_seconds` behind its time.

    Parameters
    ----------
    orig_rate, new_rate
        In Hz.
    n_channels
        Of the signal.

    Examples
    --------
    >>> resampler = StreamResampler(16000, 8000, 1)
    >>> x = np.ones((1, 100), dtype=np.float32)
    >>> sum(part.shape[1] for part in [resampler.push(x[:, :30]), resampler.push(x[:, 30:]), resampler.finish()])
    50
    """

    def __init__(self, orig_rate: int, new_rate: int, n_channels: int) -> None:
        divisor = math.gcd(orig_rate, new_rate)
        self._orig, self._new = orig_rate // divisor, new_rate // divisor
        self._n_channels = n_channels
        cutoff = min(self._orig, self._new) * _ROLLOFF
        self._width = math.ceil(_ZEROS * self._orig / cutoff)
        self._offsets, self._taps = self._build_taps(cutoff)
        self.delay_seconds = (self._width + 1) / orig_rate
        self.reset()

    def _build_taps(self, cutoff: float) -> tuple[IntegerArray, FloatArray]:
        """Return, for each phase of an output between two inputs, the input below it and the taps around that one."""
        phases = np.arange(self._new)
        offsets = phases * self._orig // self._new
        inputs = offsets[:, None] + np.arange(-self._width, self._width + 2)
        # Rounded where torchaudio rounds: rates without a common divisor would show it, in the fourth digit.
        earlier = (-phases.astype(np.float32) / np.float32(self._new))[:, None]
        t = (earlier + inputs.astype(np.float32) / np.float32(self._orig)) * np.float32(cutoff)
        t = np.clip(t, -_ZEROS, _ZEROS)
        window = np.cos(t * np.float32(math.pi / _ZEROS / 2)) ** 2 * np.float32(cutoff / self._orig)
        angle = t * np.float32(math.pi)
        sinc = np.divide(np.sin(angle), angle, out=np.ones_like(angle), where=angle != 0)
        return offsets, (sinc * window).astype(np.float32)

    def reset(self) -> None:
        """Begin a record: silence before it."""
        self._held: AnyArray = np.zeros((self._n_channels, self._width), dtype=np.float32)
        self._held_from = -self._width  # in input samples, as all counts but the next
        self._n_taken = self._n_given = 0

    def push(self, x: FloatArray) -> FloatArray:
        """Take ``(n_channels, n)`` and return what can be computed, ``(n_channels, m)``."""
        self._n_taken += x.shape[1]
        self._held = np.concatenate([self._held, x], axis=1)
        # Output m lies at m * orig / new and needs the inputs to width + 1 behind that one.
        seen = self._n_taken - self._width - 1
        return self._give(max(0, -(-seen * self._new // self._orig)))

    def finish(self) -> FloatArray:
        """Return the rest, ``ceil(n * new / orig)`` samples in all, silence behind the record."""
        silence = np.zeros((self._n_channels, self._width + 2), dtype=np.float32)
        self._held = np.concatenate([self._held, silence], axis=1)
        return self._give(-(-self._n_taken * self._new // self._orig))

    def _give(self, n_outputs: int) -> FloatArray:
        parts: list[AnyArray] = []
        while self._n_given < n_outputs:
            stop = min(n_outputs, self._n_given + _AT_ONCE)
            blocks, phases = np.divmod(np.arange(self._n_given, stop), self._new)
            first = blocks * self._orig + self._offsets[phases] - self._width - self._held_from
            windows = np.lib.stride_tricks.sliding_window_view(self._held, self._taps.shape[1], axis=1)
            parts.append(np.einsum("cnk,nk->cn", windows[:, first], self._taps[phases]))
            self._n_given = stop
        below = self._n_given * self._orig // self._new - self._width
        if below > self._held_from:
            self._held = self._held[:, below - self._held_from :].copy()
            self._held_from = below
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts, axis=1) if parts else np.zeros((self._n_channels, 0), dtype=np.float32)
