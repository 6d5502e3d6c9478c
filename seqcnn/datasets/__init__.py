"""Data sets: readers of public ones that are on this machine, and generators that need nothing.

Readers look in an explicit ``path``, else under ``$SEQCNN_DATA``; nothing is downloaded. The cards in the project's
``datasets/`` folder say what each data set is, under which licence it stands and how to get it.
"""

from __future__ import annotations

from seqcnn.datasets._ag_news import load_ag_news
from seqcnn.datasets._alphabets import make_alphabet_text
from seqcnn.datasets._archives import list_ucr, list_uea, load_ucr, load_uea
from seqcnn.datasets._digits import load_digit_sequences
from seqcnn.datasets._fsdd import load_fsdd
from seqcnn.datasets._read_data_standin import read_data
from seqcnn.datasets._shapes import make_shapes_in_noise
from seqcnn.datasets._speech_commands import load_speech_commands, load_speech_commands_mini
from seqcnn.datasets._tones import make_spoken_tones
from seqcnn.datasets._wav_folder import write_wav_folder

__all__ = [
    "list_ucr",
    "list_uea",
    "load_ag_news",
    "load_digit_sequences",
    "load_fsdd",
    "load_speech_commands",
    "load_speech_commands_mini",
    "load_ucr",
    "load_uea",
    "make_alphabet_text",
    "make_shapes_in_noise",
    "make_spoken_tones",
    "read_data",
    "write_wav_folder",
]
