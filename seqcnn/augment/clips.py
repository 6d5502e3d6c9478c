"""Clips of one length for training: words placed by their energy, and records of nothing but noise. Numpy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqcnn._checks import check_integer, check_number, name_first, shorten
from seqcnn._types import AnyArray, FloatArray, IntegerArray
from seqcnn.augment.colors import COLORS, color_noise

_ENOUGH = 0.99
"""A window with this share of the most energy holds the word as well: the middle one of them has it in its middle."""

_GENERATED_DB = (-80.0, -20.0)
"""Root mean square of generated silence, in dB of full scale: from a good recorder's to a loud room's."""

_RECORDED_DB = (-30.0, 0.0)
"""How recorded noise is scaled: the same kitchen from near and from far."""

_MUTED_SHARE = 0.1
"""Of generated records that are all zeros, as a muted microphone sends them."""


def place_by_energy(wave: AnyArray, length: int, *, generator: np.random.Generator | None = None) -> FloatArray:
    """Cut or fill a waveform to a length, so that what is loud lies inside.

    A longer one is cut where its energy is (deviations from its mean, so that an offset does not count): of all
    windows that hold nearly the most, the middle one. A shorter one is placed in the middle, with silence around it.
    With a ``generator`` both take one of the places by chance, so that a word does not always lie in the middle.

    Parameters
    ----------
    wave
        ``(channels, time)``, or ``(time,)`` for one channel.
    length
        Samples of the clip.
    generator
        The source of chance; None places in the middle.

    Returns
    -------
    ndarray
        ``(channels, length)`` float32, of its own memory.

    Raises
    ------
    TypeError, ValueError
        If ``wave`` has no such shape or ``length`` is no positive integer.

    Examples
    --------
    >>> place_by_energy(np.array([0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0]), 4).tolist()
    [[0.0, 1.0, -1.0, 0.0]]
    >>> place_by_energy(np.array([[1.0, 1.0]]), 4).tolist()
    [[0.0, 1.0, 1.0, 0.0]]
    """
    check_integer("length", length, minimum=1, caller="place_by_energy")
    wave = _read_wave(wave, "wave", "place_by_energy")
    spare = wave.shape[1] - length
    placed = np.zeros((wave.shape[0], length), dtype=np.float32)
    if spare <= 0:
        start = -spare // 2 if generator is None else int(generator.integers(-spare + 1))
        placed[:, start : start + wave.shape[1]] = wave
        return placed
    starts = _loudest(wave, length)
    start = int(starts[len(starts) // 2] if generator is None else generator.choice(starts))
    placed[:] = wave[:, start : start + length]
    return placed


def _loudest(wave: FloatArray, length: int) -> IntegerArray:
    """Return where windows begin that hold nearly as much energy as the loudest."""
    centred = wave - wave.mean(axis=1, keepdims=True, dtype=np.float64)
    total = np.concatenate([[0.0], np.cumsum(np.square(centred).sum(0))])
    held = total[length:] - total[:-length]
    return np.flatnonzero(held >= _ENOUGH * held.max())


def make_silence(
    n_records: int,
    length: int,
    *,
    sample_rate: float,
    noises: Sequence[AnyArray] | None = None,
    generator: np.random.Generator,
) -> list[FloatArray]:
    """Make records in which nothing is said, for a class of silence.

    Silence is no zeros: a microphone hears a room. Records are cut at random out of ``noises``, long ones the more
    often, and made up to 30 dB quieter; a recording shorter than ``length`` is repeated. Without ``noises`` they are
    white, pink and brown noise of -80 to -20 dB of full scale, and one in ten is all zeros, as a muted microphone
    sends them.

    Parameters
    ----------
    n_records
        How many.
    length
        Samples of each.
    sample_rate
        In Hz, that of ``noises``.
    noises
        Waveforms ``(channels, time)`` or ``(time,)`` of one number of channels.
    generator
        The source of chance.

    Returns
    -------
    list of ndarray
        ``(channels, length)`` float32 each; one channel where noise is generated.

    Raises
    ------
    TypeError, ValueError
        If a number is off, or ``noises`` are no waveforms of one number of channels.

    Examples
    --------
    >>> silence = make_silence(3, 8000, sample_rate=8000, generator=np.random.default_rng(0))
    >>> len(silence), silence[0].shape, silence[0].dtype
    (3, (1, 8000), dtype('float32'))
    """
    caller = "make_silence"
    check_integer("n_records", n_records, minimum=0, caller=caller)
    check_integer("length", length, minimum=1, caller=caller)
    check_number("sample_rate", sample_rate, above=0, caller=caller)
    if noises is not None:
        return _cut_noises(n_records, length, _read_noises(noises, caller), generator)
    records = []
    for _ in range(n_records):
        color = COLORS[int(generator.integers(len(COLORS)))]
        level = 0.0 if generator.random() < _MUTED_SHARE else 10 ** (generator.uniform(*_GENERATED_DB) / 20)
        noise = color_noise(color, length, sample_rate=sample_rate, generator=generator)
        records.append((noise * np.float32(level)).clip(-1, 1)[None])
    return records


def _cut_noises(
    n_records: int, length: int, noises: Sequence[FloatArray], generator: np.random.Generator
) -> list[FloatArray]:
    long_enough = [noise if noise.shape[1] >= length else _repeat(noise, length) for noise in noises]
    samples = np.array([noise.shape[1] for noise in noises], dtype=np.float64)
    records = []
    for position in generator.choice(len(noises), size=n_records, p=samples / samples.sum()).tolist():
        noise = long_enough[position]
        start = int(generator.integers(noise.shape[1] - length + 1))
        gain = np.float32(10 ** (generator.uniform(*_RECORDED_DB) / 20))
        records.append(noise[:, start : start + length] * gain)
    return records


def _repeat(noise: FloatArray, length: int) -> FloatArray:
    """Repeat a noise until any stretch of its length still fits ``length`` behind it."""
    return np.tile(noise, -(-length // noise.shape[1]) + 1)


def _read_noises(noises: Sequence[AnyArray], caller: str) -> list[FloatArray]:
    if isinstance(noises, str) or not hasattr(noises, "__len__") or len(noises) == 0:
        raise ValueError(
            f"The 'noises' parameter of {caller} must be a list of waveforms, at least one. Received: "
            f"{shorten(noises)}. Pass arrays (channels, time), or None for generated noise."
        )
    waves = [_read_wave(noise, f"noises[{position}]", caller) for position, noise in enumerate(noises)]
    other = [
        f"noises[{position}] has {wave.shape[0]}"
        for position, wave in enumerate(waves)
        if wave.shape[0] != waves[0].shape[0]
    ]
    if other:
        raise ValueError(
            f"The 'noises' of {caller} must have one number of channels. Received: noises[0] has "
            f"{waves[0].shape[0]}, but {name_first(other)}. Average their channels: wave.mean(0, keepdims=True)."
        )
    return waves


def _read_wave(wave: AnyArray, name: str, caller: str) -> FloatArray:
    array = np.asarray(wave)
    if array.dtype.kind != "f" or array.ndim not in (1, 2) or 0 in array.shape:
        raise ValueError(
            f"The '{name}' of {caller} must be a waveform of floats, (channels, time), with at least one sample. "
            f"Received: {array.dtype} of shape {array.shape}. Pass float32 in [-1, 1]."
        )
    return np.atleast_2d(array).astype(np.float32, copy=False)
