"""Rooms and microphones: impulse responses, frequency responses, and records heard by way of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import FloatArray
from seqcnn.augment.levels import measure_energy, to_factor
from seqcnn.layers.masking import hide_padding, length_mask

_LOWEST_HZ = 62.5
"""Below this the response of a microphone is flat: the first of its octaves."""


def make_room(decay_seconds: float, *, sample_rate: float, generator: np.random.Generator) -> FloatArray:
    """Return a room's impulse response, ``(time,)``: direct sound, early reflections, and noise that decays.

    Behind the direct sound come 2 to 8 reflections within 50 ms, and from there noise under an exponential that falls
    by 60 dB in ``decay_seconds`` (Polack 1988; Schroeder's definition of reverberation time). It ends where it has
    fallen by 40 dB. The echo has as much energy as the direct sound, up to 10 dB more or less.

    Parameters
    ----------
    decay_seconds
        The time in which the echo falls by 60 dB.
    sample_rate
        In Hz.
    generator
        The source of chance.

    Examples
    --------
    >>> room = make_room(0.3, sample_rate=8000, generator=np.random.default_rng(0))
    >>> room.shape, float(room[0])
    ((1600,), 1.0)
    """
    n_samples = max(int(decay_seconds * 40 / 60 * sample_rate), 2)
    seconds = np.arange(n_samples) / sample_rate
    fall = 10.0 ** (-3.0 * seconds / decay_seconds)
    first = generator.uniform(0.002, 0.02)
    echo = np.where(seconds > first, generator.standard_normal(n_samples), 0.0) * fall
    n_early = int(generator.integers(2, 9))
    early = (generator.uniform(0.001, 0.05, n_early) * sample_rate).astype(int)
    strengths = generator.uniform(1.0, 4.0, n_early) * generator.choice([-1.0, 1.0], n_early)
    inside = (early > 0) & (early < n_samples)
    np.add.at(echo, early[inside], (strengths * fall[np.minimum(early, n_samples - 1)])[inside])
    echo[0] = 0.0
    energy = np.square(echo).sum()
    level = 10.0 ** (generator.uniform(-10.0, 10.0) / 20)
    response = echo * (level / np.sqrt(energy) if energy > 0 else 0.0)
    response[0] = 1.0
    return response.astype(np.float32)


def microphone_response(decibels: Tensor, n_frequencies: int, sample_rate: float) -> Tensor:
    """Return frequency responses, ``(batch, n_frequencies)`` from 0 Hz to half the rate.

    Parameters
    ----------
    decibels
        ``(batch, n_octaves)``: the level at 62.5, 125, 250 Hz and so on, with straight lines between them.
    n_frequencies
        How many.
    sample_rate
        In Hz.

    Examples
    --------
    >>> microphone_response(torch.tensor([[20.0, 0.0]]), 3, 250.0)
    tensor([[10., 10.,  1.]])
    """
    n_octaves = decibels.shape[1]
    hz = torch.linspace(0, sample_rate / 2, n_frequencies, dtype=torch.float64, device="cpu")
    octave = torch.log2(hz.clamp(min=_LOWEST_HZ) / _LOWEST_HZ).clamp(max=n_octaves - 1)
    # Each frequency lies between two octaves; a hat over every octave makes the lines.
    hats = (1 - (octave - torch.arange(n_octaves, dtype=torch.float64)[:, None]).abs()).clamp(min=0)
    return to_factor(decibels @ hats.to(decibels.device, decibels.dtype))


def count_octaves(sample_rate: float) -> int:
    """Return how many octaves a microphone's response has up to half the rate."""
    return max(2, int(np.ceil(np.log2(max(sample_rate / 2 / _LOWEST_HZ, 1.0)))) + 1)


def hear(
    x: Tensor,
    lengths: Tensor | None,
    *,
    rooms: Tensor | None = None,
    microphones: Tensor | None = None,
    sample_rate: float,
) -> Tensor:
    """Hear records in rooms, by microphones, and as loud as they were.

    Parameters
    ----------
    x, lengths
        The batch ``(batch, channels, time)``, zero behind the lengths ``(batch,)``; None says that nothing is padded.
    rooms
        Each record's impulse response, ``(batch, taps)``; None is none.
    microphones
        Each record's levels in dB, ``(batch, n_octaves)``, as :func:`microphone_response` takes them; None is none.
    sample_rate
        In Hz.

    Returns
    -------
    Tensor
        Of the shape of ``x``: an echo ends with its record.
    """
    n_timepoints = x.shape[2]
    n_taps = 1 if rooms is None else rooms.shape[1]
    n_fft = fast_length(n_timepoints + n_taps - 1)
    spectrum = torch.fft.rfft(x, n_fft)
    if rooms is not None:
        spectrum = spectrum * torch.fft.rfft(rooms, n_fft)[:, None]
    if microphones is not None:
        spectrum = spectrum * microphone_response(microphones, spectrum.shape[2], sample_rate)[:, None]
    heard = torch.fft.irfft(spectrum, n_fft)[:, :, :n_timepoints]
    heard = heard if lengths is None else hide_padding(heard, length_mask(lengths, n_timepoints))
    energy = measure_energy(heard)
    return heard * torch.where(energy > 0, measure_energy(x) / torch.where(energy > 0, energy, 1.0), 0.0).sqrt()


def fast_length(n: int) -> int:
    """Return the next length that is a power of two, or 3/2 or 5/4 of one, for which a Fourier transform is fast.

    >>> [fast_length(n) for n in (1, 5, 17, 20000)]
    [1, 5, 20, 20480]
    """
    power = 1
    while power < n:
        power *= 2
    return min(size for size in (power, power // 4 * 3, power // 8 * 5) if size >= n)
