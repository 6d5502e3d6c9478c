"""Generated sound that is a little like speech: words of vowel glides, spoken by speakers of different voice.

A voice is the harmonics of a pitch, shaped by two resonances of the mouth (formants); a word is a path of these
formants through two or three glides. Words are the same for all speakers, but pitch, mouth size and speed are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from sklearn.utils import check_random_state

from seqcnn._checks import check_boolean, check_choice, check_integer, check_number
from seqcnn._types import AnyArray, Float64Array, FloatArray

VOWELS = {"a": (730.0, 1090.0), "e": (530.0, 1840.0), "i": (270.0, 2290.0), "o": (570.0, 840.0), "u": (300.0, 870.0)}
"""First and second formant in Hz, as men speak them (G. Peterson, H. Barney, 1952)."""

WORDS = {
    "alpha": ("au", "a"),
    "bravo": ("ao", "u"),
    "charlie": ("ae", "i"),
    "delta": ("e", "ia"),
    "echo": ("ei", "ou"),
    "foxtrot": ("o", "oe", "o"),
    "golf": ("uo", "ou"),
    "hotel": ("ou", "ie", "e"),
}
"""A word is two or three syllables; a syllable is one vowel, or a glide from one vowel to another."""

BANDWIDTHS = (90.0, 130.0)
"""The width of the two formants in Hz."""

MINIMUM_SAMPLE_RATE = 6000


@dataclass(frozen=True)
class Speaker:
    """A voice: pitch in Hz, the factor on all formants (a small mouth has more than 1), and the speed."""

    pitch: float
    formant_factor: float
    speed: float


@overload
def make_spoken_tones(
    n_cases: int = ...,
    *,
    n_words: int = ...,
    sample_rate: int = ...,
    seconds: float = ...,
    n_speakers: int = ...,
    random_state: int | np.random.RandomState | None = ...,
    return_groups: Literal[False] = ...,
) -> tuple[list[FloatArray], AnyArray]: ...
@overload
def make_spoken_tones(
    n_cases: int = ...,
    *,
    n_words: int = ...,
    sample_rate: int = ...,
    seconds: float = ...,
    n_speakers: int = ...,
    random_state: int | np.random.RandomState | None = ...,
    return_groups: Literal[True],
) -> tuple[list[FloatArray], AnyArray, AnyArray]: ...
def make_spoken_tones(
    n_cases: int = 200,
    *,
    n_words: int = 4,
    sample_rate: int = 8000,
    seconds: float = 0.5,
    n_speakers: int = 6,
    random_state: int | np.random.RandomState | None = None,
    return_groups: bool = False,
) -> tuple[Any, ...]:
    """Return recordings of invented words, spoken by invented speakers, as waveforms.

    Every recording has one word at a random onset, at a random level, in white noise. The words and the speakers are
    the same for every ``random_state``: a seed of its own gives new recordings of the same words, to test on.

    Parameters
    ----------
    n_cases : int, default=200
        The number of recordings. Words, and speakers within words, are balanced as far as the number allows.
    n_words : int, default=4
        From 2 to 8: the first of "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf" and "hotel".
    sample_rate : int, default=8000
        Samples a second (Hz), at least 6,000.
    seconds : float, default=0.5
        The mean length of a recording, at least 0.1; each has from 0.8 to 1.2 of it.
    n_speakers : int, default=6
        The number of speakers.
    random_state : int, numpy.random.RandomState or None, default=None
        The seed. The same seed gives the same data.
    return_groups : bool, default=False
        Whether to return the speakers too, for splits by speaker.

    Returns
    -------
    X : list of float32 arrays of shape (time_i,)
        The waveforms, all values from -1 to 1.
    y : str array of shape (n_cases,)
        The words.
    groups : str array of shape (n_cases,)
        The speakers: "speaker1", "speaker2", ... Only if ``return_groups`` is True.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Source: made here; formants of the vowels after G. Peterson and H. Barney, "Control methods used in a study of the
    vowels", Journal of the Acoustical Society of America 24, 1952.

    Examples
    --------
    >>> X, y, speakers = make_spoken_tones(8, random_state=0, return_groups=True)
    >>> X[0].dtype.name, sorted(set(y.tolist()))
    ('float32', ['alpha', 'bravo', 'charlie', 'delta'])
    >>> all(3200 <= len(waveform) <= 4800 for waveform in X)
    True
    """
    caller = "make_spoken_tones"
    check_integer("n_cases", n_cases, minimum=1, caller=caller)
    check_integer("n_words", n_words, minimum=2, caller=caller)
    check_choice("n_words", int(n_words), tuple(range(2, len(WORDS) + 1)), caller=caller)
    check_integer("sample_rate", sample_rate, minimum=MINIMUM_SAMPLE_RATE, caller=caller)
    check_number("seconds", seconds, minimum=0.1, caller=caller)
    check_integer("n_speakers", n_speakers, minimum=1, caller=caller)
    check_boolean("return_groups", return_groups, caller=caller)
    random = check_random_state(random_state)
    order = random.permutation(n_cases)
    y = np.array(list(WORDS)[:n_words])[order % n_words]
    speaker_numbers = (order // n_words) % n_speakers
    speakers = [_speaker(number) for number in range(n_speakers)]
    X = [
        _recording(WORDS[str(word)], speakers[number], sample_rate, seconds, random)
        for word, number in zip(y, speaker_numbers, strict=True)
    ]
    if not return_groups:
        return X, y
    return X, y, np.array([f"speaker{number + 1}" for number in speaker_numbers])


def _speaker(number: int) -> Speaker:
    """Return the voice of a speaker, which depends on the number only."""
    random = np.random.RandomState(number)
    height = random.uniform()
    return Speaker(
        pitch=90.0 * 2.5 ** float(height),
        formant_factor=float(0.95 + 0.15 * height + random.uniform(-0.03, 0.03)),
        speed=float(random.uniform(0.9, 1.1)),
    )


def _recording(
    word: tuple[str, ...], speaker: Speaker, sample_rate: int, seconds: float, random: np.random.RandomState
) -> FloatArray:
    n_samples = round(random.uniform(0.8, 1.2) * seconds * sample_rate)
    n_spoken = round(n_samples * random.uniform(0.55, 0.75) / speaker.speed)
    spoken = _speak(word, speaker, n_spoken, sample_rate, random)
    level = 0.9 * 10.0 ** (-random.uniform(0.0, 12.0) / 20.0)
    waveform = random.normal(0.0, level * 10.0 ** (-random.uniform(20.0, 35.0) / 20.0), n_samples)
    onset = random.randint(0, n_samples - n_spoken + 1)
    waveform[onset : onset + n_spoken] += level * spoken
    return np.clip(waveform, -1.0, 1.0).astype(np.float32)


def _speak(
    word: tuple[str, ...], speaker: Speaker, n_samples: int, sample_rate: int, random: np.random.RandomState
) -> Float64Array:
    """Return one word without noise, with peak 1."""
    phase = np.linspace(0.0, 1.0, n_samples)
    times = [(number + edge) / len(word) for number in range(len(word)) for edge in (0.1, 0.9)]
    vowels = [vowel for syllable in word for vowel in (syllable[0], syllable[-1])]
    fall = random.uniform(0.8, 1.0)
    pitch = speaker.pitch * random.uniform(0.95, 1.05) * (1.0 + (fall - 1.0) * phase)
    angle = 2.0 * np.pi * np.cumsum(pitch) / sample_rate
    numbers = np.arange(1, int(0.45 * sample_rate / speaker.pitch) + 1)[:, None]
    frequencies = numbers * pitch
    gains = np.zeros_like(frequencies)
    for formant, bandwidth in enumerate(BANDWIDTHS):
        targets = [VOWELS[vowel][formant] * speaker.formant_factor for vowel in vowels]
        centre = np.interp(phase, times, targets) * random.uniform(0.97, 1.03)
        gains += 1.0 / (1.0 + ((frequencies - centre) / bandwidth) ** 2)
    gains *= frequencies < 0.48 * sample_rate
    syllables = 0.15 + 0.85 * np.abs(np.sin(np.pi * len(word) * phase))
    edges = np.minimum(1.0, 10.0 * np.minimum(phase, 1.0 - phase))
    wave = (gains * np.sin(numbers * angle)).sum(axis=0) * syllables * edges
    spoken: Float64Array = wave / np.abs(wave).max()
    return spoken
