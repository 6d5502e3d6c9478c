"""Mel filters: triangles over the bins of a spectrum, equally wide to the ear.

Stevens, Volkmann and Newman (1937), "A scale for the measurement of the psychological magnitude pitch". The formulas
are O'Shaughnessy's (1987), which HTK took over ("htk"), and Slaney's (1998, "Auditory Toolbox"), linear below 1,000 Hz.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from seqcnn._types import Float64Array, IntegerArray

MelScale = Literal["htk", "slaney"]

_BEND_HZ = 1000.0
_HZ_A_MEL = 200.0 / 3
_STEP = np.log(6.4) / 27


def hz_to_mel(hz: Float64Array, scale: MelScale) -> Float64Array:
    """Return frequencies in mel.

    >>> hz_to_mel(np.array([0.0, 1000.0]), "slaney").round(6).tolist()
    [0.0, 15.0]
    """
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    above = _BEND_HZ / _HZ_A_MEL + np.log(np.maximum(hz, _BEND_HZ) / _BEND_HZ) / _STEP
    return np.where(hz < _BEND_HZ, hz / _HZ_A_MEL, above)


def mel_to_hz(mel: Float64Array, scale: MelScale) -> Float64Array:
    """Return frequencies in Hz; the inverse of :func:`hz_to_mel`."""
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    bend = _BEND_HZ / _HZ_A_MEL
    return np.where(mel < bend, mel * _HZ_A_MEL, _BEND_HZ * np.exp(_STEP * (np.maximum(mel, bend) - bend)))


def mel_edges(n_bands: int, low_hz: float, high_hz: float, scale: MelScale) -> Float64Array:
    """Return where the bands begin, peak and end, ``(n_bands + 2,)`` Hz: each peaks where its neighbours begin and end.

    >>> mel_edges(3, 0.0, 1000.0, "slaney").round().tolist()
    [0.0, 250.0, 500.0, 750.0, 1000.0]
    """
    low, high = hz_to_mel(np.array([low_hz, high_hz]), scale)
    return mel_to_hz(np.linspace(low, high, n_bands + 2), scale)


def find_empty_bands(edges: Float64Array, bin_hz: float) -> IntegerArray:
    """Return the bands that lie between two bins of a spectrum, and so would see none."""
    first = np.floor(edges[:-2] / bin_hz) + 1
    return np.flatnonzero(first * bin_hz >= edges[2:])


def mel_filters(edges: Float64Array, n_bins: int, bin_hz: float) -> Float64Array:
    """Return what each bin counts in each band, ``(n_bins, n_bands)``: triangles of height one.

    >>> mel_filters(np.array([0.0, 2.0, 4.0]), 5, 1.0)[:, 0].tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    bins = np.arange(n_bins)[:, None] * bin_hz
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)))
