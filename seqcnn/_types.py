"""The few names that every layer shares: types, and the suffixes of audio files."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["series", "text", "audio"]
"""What an input is: numbers over time, characters, or a recorded wave."""

FloatArray: TypeAlias = NDArray[np.float32]
Float64Array: TypeAlias = NDArray[np.float64]
IntegerArray: TypeAlias = NDArray[np.int64]
BooleanArray: TypeAlias = NDArray[np.bool_]
AnyArray: TypeAlias = NDArray[Any]

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".au")
"""Of files that are read as audio, in small letters."""
