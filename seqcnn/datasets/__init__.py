"""Data sets, readers of a user's own files, and generators that need nothing.

``load_...`` reads a public data set that is on this machine: in an explicit ``path``, else below ``$SEQCNN_DATA``, else
in the cache. ``fetch_...`` does the same and downloads from the official place what is not there. The cards in the
project's ``datasets/`` folder say what each data set is, under which licence it stands and how to get it. ``read_...``
reads files in the formats of the field, and `read_data` any of them.
"""

from __future__ import annotations

from seqcnn.datasets._ag_news import fetch_ag_news, load_ag_news
from seqcnn.datasets._alphabets import make_alphabet_text
from seqcnn.datasets._archives import list_tser, list_ucr, list_uea, load_tser, load_ucr, load_uea
from seqcnn.datasets._arff import read_arff
from seqcnn.datasets._audio_folder import read_wav_folder
from seqcnn.datasets._banking77 import fetch_banking77, load_banking77
from seqcnn.datasets._cmapss import fetch_cmapss, load_cmapss
from seqcnn.datasets._digits import load_digit_sequences
from seqcnn.datasets._fetch_archives import fetch_tser, fetch_ucr, fetch_uea
from seqcnn.datasets._fsdd import fetch_fsdd, load_fsdd
from seqcnn.datasets._hapt import fetch_hapt, load_hapt
from seqcnn.datasets._languages import fetch_languages, load_languages
from seqcnn.datasets._names import fetch_names, load_names
from seqcnn.datasets._read import read_data
from seqcnn.datasets._shapes import make_shapes_in_noise
from seqcnn.datasets._speech_commands import fetch_speech_commands, load_speech_commands, load_speech_commands_mini
from seqcnn.datasets._table import read_table, read_tsv
from seqcnn.datasets._text import read_text
from seqcnn.datasets._tones import make_spoken_tones
from seqcnn.datasets._ts import read_ts
from seqcnn.datasets._wav_folder import write_wav_folder

__all__ = [
    "fetch_ag_news",
    "fetch_banking77",
    "fetch_cmapss",
    "fetch_fsdd",
    "fetch_hapt",
    "fetch_languages",
    "fetch_names",
    "fetch_speech_commands",
    "fetch_tser",
    "fetch_ucr",
    "fetch_uea",
    "list_tser",
    "list_ucr",
    "list_uea",
    "load_ag_news",
    "load_banking77",
    "load_cmapss",
    "load_digit_sequences",
    "load_fsdd",
    "load_hapt",
    "load_languages",
    "load_names",
    "load_speech_commands",
    "load_speech_commands_mini",
    "load_tser",
    "load_ucr",
    "load_uea",
    "make_alphabet_text",
    "make_shapes_in_noise",
    "make_spoken_tones",
    "read_arff",
    "read_data",
    "read_table",
    "read_text",
    "read_ts",
    "read_tsv",
    "read_wav_folder",
    "write_wav_folder",
]
