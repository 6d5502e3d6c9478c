"""What can be listened to: a waveform, a waveform with its rate, a file, or blocks that come one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqcnn._checks import shorten
from seqcnn._types import AnyArray
from seqcnn.inputs.audio_blocks import read_blocks

BLOCK_SECONDS = 10.0
"""Of a file that is read at once: memory is bounded, whatever its length."""

_BLOCK_LENGTH = 160_000
"""Samples of a block of a waveform in memory."""


class Sound(NamedTuple):
    """Blocks of samples ``(n,)`` or ``(channels, n)``, and their rate in Hz; None is the rate of the model."""

    blocks: Iterable[AnyArray]
    sample_rate: int | None


def open_sound(source: Any, sample_rate: int | None, *, caller: str) -> Sound:
    """Return the blocks of a source; ``sample_rate`` is what to take for one that does not tell its own.

    Raises
    ------
    TypeError
        If it is nothing that can be listened to.
    ValueError
        If ``sample_rate`` contradicts the source, or it is empty.
    """
    if isinstance(source, str | os.PathLike):
        file = read_blocks(source, block_seconds=BLOCK_SECONDS, caller=caller)
        return Sound(file, _one_rate(sample_rate, file.sample_rate, caller))
    if isinstance(source, tuple) and len(source) == 2 and _is_number(source[1]):
        wave, rate = source
        return Sound(_cut(wave, caller), _one_rate(sample_rate, _whole(rate, caller), caller))
    if hasattr(source, "sample_rate") and hasattr(source, "__iter__"):
        return Sound(source, _one_rate(sample_rate, _whole(source.sample_rate, caller), caller))
    if hasattr(source, "shape") or (isinstance(source, list | tuple) and all(map(_is_number, source))):
        return Sound(_cut(source, caller), sample_rate)
    if isinstance(source, dict | set | bytes) or not hasattr(source, "__iter__"):
        raise TypeError(
            f"{caller} listens to a waveform, a pair (waveform, sample_rate), the path of an audio file, or an "
            f"iterable of blocks of samples. Received: {shorten(source)}. Pass one of these."
        )
    return Sound(source, sample_rate)


def read_section(source: Any, start: int, stop: int, *, caller: str) -> AnyArray:
    """Return the samples from ``start`` to ``stop`` of a source that can be read again, ``(channels, time)``."""
    if isinstance(source, str | os.PathLike):
        parts, begin = [], 0
        for block in read_blocks(source, block_seconds=BLOCK_SECONDS, caller=caller):
            parts.append(block[:, max(0, start - begin) : max(0, stop - begin)])
            begin += block.shape[1]
            if begin >= stop:
                break
        return np.concatenate(parts, axis=1)
    wave = np.asarray(source[0] if isinstance(source, tuple) else source)
    return np.atleast_2d(wave)[:, start:stop]


def can_be_read_again(source: Any) -> bool:
    """Tell whether a section can be cut out of a source afterwards."""
    if isinstance(source, tuple):
        return len(source) == 2 and _is_number(source[1])
    return isinstance(source, str | os.PathLike) or hasattr(source, "shape")


def name_source(source: Any, position: int) -> str:
    """Return what a source is called in a table: its path, or its position."""
    return str(Path(source)) if isinstance(source, str | os.PathLike) else str(position)


def _cut(wave: Any, caller: str) -> Iterator[AnyArray]:
    array = wave if hasattr(wave, "shape") else np.asarray(wave, np.float32)
    n_dimensions = len(array.shape)
    if n_dimensions not in (1, 2) or 0 in array.shape or (n_dimensions == 2 and array.shape[0] > array.shape[1]):
        axes = " The axes look swapped: pass waveform.T." if n_dimensions == 2 and 0 not in array.shape else ""
        raise ValueError(
            f"{caller} listens to waveforms of shape (time,) or (channels, time) that have samples. Received: shape "
            f"{tuple(array.shape)}.{axes or ' Pass such a waveform.'}"
        )
    return (array[..., begin : begin + _BLOCK_LENGTH] for begin in range(0, array.shape[-1], _BLOCK_LENGTH))


def _one_rate(given: int | None, own: int, caller: str) -> int:
    if given is not None and given != own:
        raise ValueError(
            f"The 'sample_rate' parameter of {caller} is for sound that does not tell its rate, and this one has {own} "
            f"Hz. Received: {given}. Leave sample_rate out: other rates than the model's are resampled."
        )
    return own


def _whole(rate: Any, caller: str) -> int:
    if not _is_number(rate) or float(rate) < 1 or not float(rate).is_integer():
        raise ValueError(
            f"{caller} needs the sample rate as a whole number of Hz. Received: {shorten(rate)}. Pass "
            "(waveform, sample_rate), the waveform first."
        )
    return int(rate)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
