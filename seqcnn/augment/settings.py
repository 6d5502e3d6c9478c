"""What is done to recordings in training, as one value: numbers with units, compared, hashed and written as JSON."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqcnn._checks import check_choice, check_integer, check_number, shorten

Range = tuple[float, float]

MIXING = (None, "mixup", "between-class")

SPEED_STEPS = 20
"""Speeds are multiples of 1 / 20: few filters, each of few taps."""


@dataclass(frozen=True, kw_only=True)
class AudioAugmentation:
    """How recordings are changed in training, anew in every epoch; ``augment="audio"`` is this one with its defaults.

    They are spoken faster or slower, mixed, shifted, heard in a room, in noise, by another microphone and louder or
    quieter, in this order. Records that are only predicted or held back are never changed. A share of 0, and a range
    without extent, leave a change out. Same values, same hash; ``dataclasses.replace`` makes a changed copy.

    Parameters
    ----------
    speed
        The slowest and the fastest, 1 being as recorded: by resampling, so that pitch goes along as with a tape (Ko
        et al. 2015, "Audio augmentation for speech recognition"). Each record gets a multiple of 0.05 in this range.
    shift_seconds
        Each record is moved by up to so much, earlier or later, but never by more than a tenth of its length. What is
        moved out is lost, zeros move in.
    reverberation_share
        The share of records that are heard in a room; their energy stays.
    decay_seconds
        Range of the time in which a room's echo falls by 60 dB.
    rooms
        A folder of recorded impulse responses, read with all folders below it; None generates them: a direct sound,
        early reflections, and noise that decays.
    noise_share
        The share of records that noise is added to.
    noise_db
        Range of the signal-to-noise ratio, over the length of a record.
    noises
        A folder of recordings of noise, read once a fit with all folders below it; None generates white, pink and
        brown noise.
    babble_share
        The share of the noisy records whose noise are other records of the batch, backwards, so that there are voices
        and no words.
    equalizer_share
        The share of records that are heard by another microphone.
    equalizer_db
        Deviation of its response, drawn for every octave.
    gain_db
        Range by which a record's level is changed.
    mixing
        None; "mixup" (Zhang et al. 2018, arXiv 1710.09412): two records are averaged, with a weight that is mostly near
        one or the other, and so are their labels; "between-class" (Tokozume et al. 2018, arXiv 1711.10282): with any
        weight, and so that each is as loud as its weight says. For classifiers only.
    mixing_share
        The share of records that another one is mixed into.
    time_masks, time_mask_seconds, band_masks, band_mask_share
        SpecAugment (Park et al. 2019, arXiv 1904.08779), where there are bands, of a front end or learnt: how
        many stretches of time, each up to so long, and how many groups of neighbouring bands, each up to this share of
        all, are hidden.
    style_share
        The share of records that take on another one's mean and deviation in each band, to a degree drawn by lot
        (MixStyle, Zhou et al. 2021, arXiv 2104.02008), where there are bands: for few voices or microphones to learn
        from, and others to come.

    Raises
    ------
    TypeError, ValueError
        If a value is off; the message says what, what was received, and what to do.

    Examples
    --------
    >>> from seqcnn.augment import AudioAugmentation
    >>> AudioAugmentation(speed=(0.9, 1.1), noise_db=(10, 20)) == AudioAugmentation(speed=(0.9, 1.1), noise_db=(10, 20))
    True
    >>> AudioAugmentation(noise_share=1.5)
    Traceback (most recent call last):
        ...
    ValueError: The 'noise_share' parameter of AudioAugmentation must be a number at least 0 and at most 1. Received: \
1.5. Pass a value in that range.
    """

    speed: Range = (0.9, 1.1)
    shift_seconds: float = 0.1
    reverberation_share: float = 0.2
    decay_seconds: Range = (0.1, 0.6)
    rooms: str | None = None
    noise_share: float = 0.5
    noise_db: Range = (5.0, 30.0)
    noises: str | None = None
    babble_share: float = 0.25
    equalizer_share: float = 0.2
    equalizer_db: float = 3.0
    gain_db: Range = (-6.0, 6.0)
    mixing: str | None = None
    mixing_share: float = 0.5
    time_masks: int = 2
    time_mask_seconds: float = 0.1
    band_masks: int = 2
    band_mask_share: float = 0.15
    style_share: float = 0.0

    def __post_init__(self) -> None:
        caller = type(self).__name__
        for name in ("rooms", "noises"):
            object.__setattr__(self, name, _read_folder(name, getattr(self, name), caller))
        self._keep_range("speed", minimum=0.5, maximum=2.0)
        self._keep_range("decay_seconds", minimum=0.01, maximum=10.0)
        self._keep_range("noise_db", minimum=-30.0, maximum=100.0)
        self._keep_range("gain_db", minimum=-60.0, maximum=60.0)
        for name in (name for name in self.__dataclass_fields__ if name.endswith("_share")):
            check_number(name, getattr(self, name), minimum=0, maximum=1, caller=caller)
        for name in ("shift_seconds", "equalizer_db", "time_mask_seconds"):
            check_number(name, getattr(self, name), minimum=0, caller=caller)
        for name in ("time_masks", "band_masks"):
            check_integer(name, getattr(self, name), minimum=0, caller=caller)
        check_choice("mixing", self.mixing, MIXING, caller=caller)

    def _keep_range(self, name: str, *, minimum: float, maximum: float) -> None:
        """Check a range, and keep it as a tuple of floats, so that it can be hashed."""
        value, caller = getattr(self, name), type(self).__name__
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise TypeError(
                f"The '{name}' parameter of {caller} must be a pair (lowest, highest). Received: {shorten(value)}. "
                f"Pass two numbers."
            )
        for end in value:
            check_number(name, end, minimum=minimum, maximum=maximum, caller=caller)
        if value[0] > value[1]:
            raise ValueError(
                f"The '{name}' parameter of {caller} must be a pair (lowest, highest). Received: {shorten(value)}. "
                f"Swap the two."
            )
        object.__setattr__(self, name, (float(value[0]), float(value[1])))

    @property
    def hides(self) -> bool:
        """Whether anything of the bands is hidden."""
        return bool((self.time_masks and self.time_mask_seconds) or (self.band_masks and self.band_mask_share))

    @property
    def speeds(self) -> tuple[int, ...]:
        """The speeds there are, in twentieths."""
        low, high = self.speed
        twentieths = range(round(SPEED_STEPS * 0.5), round(SPEED_STEPS * 2.0) + 1)
        inside = tuple(n for n in twentieths if low - 1e-9 <= n / SPEED_STEPS <= high + 1e-9)
        return inside or (SPEED_STEPS,)

    def to_dict(self) -> dict[str, Any]:
        """Return the values that ``AudioAugmentation(**values)`` takes, as JSON holds them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def _read_folder(name: str, value: Any, caller: str) -> str | None:
    """Return a folder's path as text; whether it is there is seen at fit."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Path):
        return os.fspath(value)
    raise TypeError(
        f"The '{name}' parameter of {caller} must be the path of a folder of recordings, or None for generated ones. "
        f"Received: {shorten(value)}. Pass a str or Path."
    )
