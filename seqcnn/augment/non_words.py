"""Sounds of speech that are no word: what a detector of few words may learn to ignore, made of these words alone.

A classifier that heard nothing but its words takes every other word for one of them. Words that are played backwards,
and the beginning of one with the end of another, sound like the same voices in the same rooms, and say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqcnn._checks import check_integer, count_word
from seqcnn._types import AnyArray, FloatArray, IntegerArray


def make_non_words(
    waves: Sequence[AnyArray], labels: Sequence[Any], n_records: int, *, generator: np.random.Generator
) -> tuple[list[FloatArray], IntegerArray]:
    """Make clips in which something is said that is no word.

    By turns a clip is played backwards, and the first half of one word is joined to the second half of another, each
    half having half of its word's energy. Where all clips are of one word, its halves change places.

    Parameters
    ----------
    waves
        Clips of words, ``(channels, time)`` each, all of one shape.
    labels
        What is said in each.
    n_records
        How many to make.
    generator
        The source of chance.

    Returns
    -------
    records : list of ndarray
        ``(channels, time)`` float32 each.
    sources : ndarray of shape (n_records,)
        The position of the clip that each is made of; of two, the first.

    Raises
    ------
    TypeError, ValueError
        If there are no clips, or of several shapes, or not as many labels, or ``n_records`` is no number.

    Examples
    --------
    >>> words = [np.array([[0.0, 1.0, 2.0, 0.0]]), np.array([[0.0, 3.0, 3.0, 0.0]])]
    >>> records, sources = make_non_words(words, ["one", "two"], 2, generator=np.random.default_rng(0))
    >>> records[0].tolist(), int(sources[0])
    ([[0.0, 3.0, 3.0, 0.0]], 1)
    """
    caller = "make_non_words"
    check_integer("n_records", n_records, minimum=0, caller=caller)
    if not waves or len({wave.shape for wave in waves}) > 1 or len(labels) != len(waves):
        shapes = sorted({str(wave.shape) for wave in waves})
        raise ValueError(
            f"{caller} takes clips of one shape (channels, time), and a label for each. Received: "
            f"{count_word(len(waves), 'clip')} of {', '.join(shapes) or 'no shape'}, and "
            f"{count_word(len(labels), 'label')}. Bring them to one length with place_by_energy."
        )
    names = np.unique([str(label) for label in labels], return_inverse=True)[1]
    sources = generator.integers(len(waves), size=n_records)
    records = []
    for turn, source in enumerate(sources.tolist()):
        if turn % 2 == 0:
            records.append(np.ascontiguousarray(waves[source][:, ::-1], dtype=np.float32))
            continue
        others = np.flatnonzero(names != names[source])
        if len(others):
            records.append(_join(waves[source], waves[int(generator.choice(others))]))
        else:
            records.append(_swap(waves[source]))
    return records, sources


def _join(first: AnyArray, second: AnyArray) -> FloatArray:
    """Return the first half of one word and the second half of the other, where they meet in the middle."""
    length = first.shape[1]
    middle, joined = length // 2, np.zeros(first.shape, dtype=np.float32)
    end, start = _half(first), _half(second)
    before, behind = min(end, middle), min(length - start, length - middle)
    joined[:, middle - before : middle] = first[:, end - before : end]
    joined[:, middle : middle + behind] = second[:, start : start + behind]
    return joined


def _swap(wave: AnyArray) -> FloatArray:
    """Return the second half of a word in front of its first."""
    half = _half(wave)
    return np.concatenate([wave[:, half:], wave[:, :half]], axis=1, dtype=np.float32)


def _half(wave: AnyArray) -> int:
    """Return the sample before which half of a word's energy lies."""
    energy = np.cumsum(np.square(wave, dtype=np.float64).sum(0))
    return int(np.searchsorted(energy, energy[-1] / 2))
