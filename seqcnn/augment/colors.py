"""Coloured noise: white, pink and brown, by their spectra."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from seqcnn._types import FloatArray

Color: TypeAlias = Literal["white", "pink", "brown"]

COLORS: tuple[Color, ...] = ("white", "pink", "brown")

_EXPONENTS: dict[Color, float] = {"white": 0.0, "pink": 0.5, "brown": 1.0}
"""By which power of the frequency the amplitude falls: 0, 3 and 6 dB an octave."""

_LOWEST_HZ = 20.0
"""Below, the spectrum is flat and falls no more: microphones hear little there, and brown noise would be all drift."""


def color_noise(color: Color, n_samples: int, *, sample_rate: float, generator: np.random.Generator) -> FloatArray:
    """Return noise of a colour at unit power, ``(n_samples,)``.

    Parameters
    ----------
    color
        "white" has as much power in every Hz, "pink" in every octave; "brown" falls by 6 dB an octave.
    n_samples
        Its length.
    sample_rate
        In Hz.
    generator
        The source of chance.

    Examples
    --------
    >>> noise = color_noise("pink", 8000, sample_rate=8000, generator=np.random.default_rng(0))
    >>> noise.shape, round(float(np.square(noise).mean()), 3)
    ((8000,), 1.0)
    """
    white = generator.standard_normal(n_samples, dtype=np.float32)
    if color != "white" and n_samples > 1:
        frequencies = np.fft.rfftfreq(n_samples, 1 / sample_rate)
        spectrum = np.fft.rfft(white) / np.maximum(frequencies, _LOWEST_HZ) ** _EXPONENTS[color]
        spectrum[0] = 0.0
        white = np.fft.irfft(spectrum, n_samples).astype(np.float32)
    power = float(np.square(white, dtype=np.float64).mean()) if n_samples else 0.0
    return white / np.float32(np.sqrt(power)) if power > 0 else white
