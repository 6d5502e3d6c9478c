"""What records are set in: noise and the impulse responses of rooms, read or made once a training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqcnn._types import FloatArray
from seqcnn.augment.colors import COLORS, color_noise
from seqcnn.augment.responses import make_room
from seqcnn.augment.settings import AudioAugmentation

_NOISE_SECONDS = 20.0
"""Generated noise of each colour, out of which pieces are cut."""

_N_ROOMS = 32
_LONGEST_ROOM_SECONDS = 2.0


@dataclass(frozen=True)
class Sounds:
    """Noise and rooms of one sample rate.

    Attributes
    ----------
    settings
        What they are for.
    sample_rate
        In Hz.
    noises
        Waveforms ``(time,)``; empty where no noise is added.
    rooms
        Impulse responses ``(time,)``, the direct sound first; empty where no record is set in a room.
    """

    settings: AudioAugmentation
    sample_rate: int
    noises: tuple[FloatArray, ...] = ()
    rooms: tuple[FloatArray, ...] = ()

    @property
    def n_samples(self) -> int:
        """All samples together."""
        return sum(map(len, self.noises)) + sum(map(len, self.rooms))


def gather_sounds(
    settings: AudioAugmentation,
    *,
    sample_rate: int,
    noises: tuple[FloatArray, ...] = (),
    rooms: tuple[FloatArray, ...] = (),
    generator: np.random.Generator,
) -> Sounds:
    """Return what an augmentation needs: what was recorded, and generated sounds where nothing was.

    Parameters
    ----------
    settings
        What is done to records.
    sample_rate
        In Hz, also of what was recorded.
    noises, rooms
        Recorded, ``(time,)``; a room's response is cut in front of its direct sound, so that records stay in place.
    generator
        The source of chance for what is generated.

    Examples
    --------
    >>> sounds = gather_sounds(AudioAugmentation(), sample_rate=8000, generator=np.random.default_rng(0))
    >>> len(sounds.noises), len(sounds.rooms)
    (3, 32)
    """
    if settings.noise_share == 0:
        noises = ()
    elif not noises:
        n_samples = int(_NOISE_SECONDS * sample_rate)
        noises = tuple(color_noise(color, n_samples, sample_rate=sample_rate, generator=generator) for color in COLORS)
    if settings.reverberation_share == 0:
        rooms = ()
    elif not rooms:
        decays = generator.uniform(*settings.decay_seconds, _N_ROOMS).tolist()
        rooms = tuple(make_room(decay, sample_rate=sample_rate, generator=generator) for decay in decays)
    else:
        rooms = tuple(_trim(room, int(_LONGEST_ROOM_SECONDS * sample_rate)) for room in rooms)
    return Sounds(settings, sample_rate, noises, rooms)


def _trim(room: FloatArray, n_samples: int) -> FloatArray:
    first = int(np.abs(room).argmax())
    return room[first : first + n_samples]
