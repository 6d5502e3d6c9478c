"""Clips for training a spotter: keywords, other words as "unknown", noise as "silence", all of one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqcnn._checks import count_word, did_you_mean, join_words, name_first, shorten
from seqcnn._types import AnyArray, FloatArray, IntegerArray
from seqcnn.augment import make_silence, place_by_energy
from seqcnn.inputs import InputContract, read_for_fit, read_for_predict

UNKNOWN, SILENCE = "unknown", "silence"
"""The classes that are no keywords."""

NOT_KEYWORDS = frozenset(
    {UNKNOWN, SILENCE, "_unknown_", "_silence_", "background", "_background_", "noise", "_noise_", "_background_noise_"}
)
"""Labels that a fitted classifier may have for what is no keyword, besides the two of this library."""

_UNKNOWN_SHARE = 1.0
"""Unknown clips for one of a keyword, at most: the world says more other words than keywords."""

_LEAST_SILENCE = 10


class Clips(NamedTuple):
    """Records of one length with their labels and groups, and the contract they were read by."""

    waves: list[FloatArray]
    labels: AnyArray
    groups: AnyArray | None
    contract: InputContract

    @property
    def length(self) -> int:
        """Samples of each."""
        return int(self.waves[0].shape[1])


def read_clips(
    X: Any,
    y: Any,
    groups: Any,
    noise: Any,
    *,
    keywords: Sequence[Any] | None,
    sample_rate: int | None,
    mono: bool,
    length: int | None,
    generator: np.random.Generator,
    caller: str,
) -> Clips:
    """Make the training set of a spotter.

    Parameters
    ----------
    X, y, groups
        Clips of words, their labels, and who spoke them or None.
    noise
        Recordings without words, for the class of silence; None generates noise.
    keywords
        Those of the labels that are to be heard; None is all but those that mean nothing is said.
    sample_rate, mono
        How X is read.
    length
        Samples of the window; None is the median length of the clips.
    generator
        The source of chance.
    caller
        For the messages.
    """
    records, contract = read_for_fit(X, kind="audio", sample_rate=sample_rate, mono=mono, caller=caller)
    labels = np.array(list(y), dtype=object)
    if len(labels) != len(records):
        raise ValueError(
            f"{caller} needs a label for each clip. Received: {count_word(len(records), 'clip')} and "
            f"{count_word(len(labels), 'label')}. Pass X and y of one length."
        )
    wanted = settle_keywords(keywords, labels.tolist(), caller)
    who = None if groups is None else np.asarray(list(groups), dtype=object)
    if who is not None and len(who) != len(records):
        raise ValueError(
            f"The 'groups' of {caller} must name a group for each clip. Received: {count_word(len(records), 'clip')} "
            f"and {count_word(len(who), 'group')}. Pass X and groups of one length."
        )
    is_keyword, is_silence = np.isin(labels, wanted), np.isin(labels, [SILENCE, "_silence_", "_background_noise_"])
    mapped = np.where(is_keyword, labels, np.where(is_silence, SILENCE, UNKNOWN))
    unknown = _thin(labels, np.flatnonzero(mapped == UNKNOWN), int(is_keyword.sum() * _UNKNOWN_SHARE), generator)
    kept = np.sort(np.concatenate([np.flatnonzero(mapped != UNKNOWN), unknown]))
    length = length or int(np.median(records.lengths[is_keyword]))
    waves = [place_by_energy(records.values[row], length, generator=generator) for row in kept]
    n_silence = max(_LEAST_SILENCE, round(is_keyword.sum() / len(wanted)) - int(is_silence.sum()))
    waves += _make_silence(noise, n_silence, length, contract, generator, caller)
    mapped = np.concatenate([mapped[kept], np.full(n_silence, SILENCE, dtype=object)])
    if who is not None:
        # A piece of silence belongs to nobody.
        nobody = np.array([f"silence {number}" for number in range(n_silence)], dtype=object)
        who = np.concatenate([np.array([f"group {name}" for name in who[kept]], dtype=object), nobody])
    return Clips(waves, np.array(mapped.tolist()), who, contract)


def read_more(clips: Any, contract: InputContract, length: int, generator: Any, caller: str) -> list[FloatArray]:
    """Read further clips by the contract of the first ones, and bring them to their length."""
    records = read_for_predict(clips, contract, sample_rate=contract.sample_rate, caller=caller)
    return [place_by_energy(wave, length, generator=generator) for wave in records.values]


def settle_keywords(keywords: Any, classes: Sequence[Any], caller: str) -> list[Any]:
    """Return the keywords, all of which must be among the classes; None is all but those that mean no keyword.

    Raises
    ------
    TypeError, ValueError
        If they are no list, empty, given twice, or not among the classes.
    """
    known = sorted(set(classes), key=str)
    if keywords is None:
        wanted = [word for word in known if str(word) not in NOT_KEYWORDS]
        if not wanted:
            raise ValueError(
                f"{caller} needs classes that are keywords. Received: {join_words(map(repr, known))}. Train on "
                "recordings of keywords, labelled by what is said."
            )
        return wanted
    if isinstance(keywords, str) or not hasattr(keywords, "__iter__"):
        raise TypeError(
            f"The 'keywords' parameter of {caller} must be a list of labels, or None for all classes. Received: "
            f"{shorten(keywords)}. Pass keywords=[{keywords!r}]."
        )
    wanted = list(keywords)
    absent = [word for word in wanted if word not in known]
    if absent or not wanted or len(set(wanted)) < len(wanted):
        received = f"{name_first(list(map(repr, absent)))}, which it does not hold" if absent else repr(wanted)
        hint = next(filter(None, (did_you_mean(word, [str(one) for one in known]) for word in absent)), "")
        raise ValueError(
            f"The 'keywords' parameter of {caller} must name classes, each once: {name_first(list(map(repr, known)))}. "
            f"Received: {received}. {hint}Pass one or more of these."
        )
    return wanted


def _thin(labels: AnyArray, rows: IntegerArray, most: int, generator: np.random.Generator) -> IntegerArray:
    """Take at most so many rows, as evenly over the words as they allow."""
    if len(rows) <= most:
        return rows
    order = generator.permutation(rows)
    turn = np.zeros(len(order), np.int64)
    for word in set(labels[order].tolist()):
        mine = np.flatnonzero(labels[order] == word)
        turn[mine] = np.arange(len(mine))
    return order[np.argsort(turn, kind="stable")[:most]]


def _make_silence(
    noise: Any, n: int, length: int, contract: InputContract, generator: np.random.Generator, caller: str
) -> list[FloatArray]:
    noises = None
    if noise is not None:
        by = read_for_predict(noise, contract, sample_rate=contract.sample_rate, caller=f"{caller} (noise)")
        noises = by.values
    assert contract.sample_rate is not None  # an audio contract has one
    made = make_silence(n, length, sample_rate=contract.sample_rate, noises=noises, generator=generator)
    return [np.broadcast_to(wave, (contract.n_channels, length)).copy() for wave in made]
