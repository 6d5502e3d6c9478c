"""Audio files: decode them with soundfile, and find what libsndfile passes over in silence."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import numpy as np

from seqcnn._checks import name_first
from seqcnn._types import FloatArray

INSTALL_HINT = 'Install what audio needs with: pip install "seqcnn[audio]".'

_UNKNOWN_SIZE = 0x7FFFF000
"""From here on a size is a stand-in, written by programs that stream and cannot know it (ffmpeg, sox)."""

_LAST_PAGE_WITHIN = 2**17
"""Bytes at the end of an Ogg file that hold its last page; a page has at most 65,307."""


class BadFile(Exception):
    """A file without sound, or with a part of it only; the text is the end of a sentence."""


def read_files(paths: Sequence[Path], *, caller: str) -> list[tuple[FloatArray, int]]:
    """Decode files into ``(channels, time)`` waveforms in [-1, 1] and their rates in Hz.

    Raises
    ------
    FileNotFoundError
        Where files are missing.
    ValueError
        Where files are there but hold no sound, or only a part of it. Both name all bad files at once.
    """
    soundfile = import_soundfile()
    decoded: list[tuple[FloatArray, int]] = []
    problems = []
    any_absent = False
    for row, path in enumerate(paths):
        try:
            check_file(path)
            decoded.append(_decode(path, soundfile))
        except BadFile as error:
            problems.append(f"X[{row}] ({path}) {error}")
            any_absent |= not path.exists()
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            # soundfile raises RuntimeError for what libsndfile cannot decode, TypeError for headerless formats.
            problems.append(f"X[{row}] ({path}) cannot be decoded: {one_line(error)}")
    if not problems:
        return decoded
    message = (
        f"{caller} could not read {len(problems):,} of {len(paths):,} audio files: {name_first(problems)}. "
        "Repair these files, or drop them (and their targets) from X."
    )
    raise FileNotFoundError(message) if any_absent else ValueError(message)


def import_soundfile() -> ModuleType:
    """Import soundfile, or say how to install it."""
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the package is there, but libsndfile is not
        raise ImportError(
            f"Reading audio files needs soundfile, which does not load ({error}). {INSTALL_HINT}"
        ) from error
    module: ModuleType = soundfile
    return module


def _decode(path: Path, soundfile: ModuleType) -> tuple[FloatArray, int]:
    with soundfile.SoundFile(path) as file:
        rate, promised = int(file.samplerate), int(file.frames)
        wave = file.read(dtype="float32", always_2d=True).T
    if wave.shape[1] < promised:
        raise BadFile(f"is truncated: its header promises {promised:,} samples, and {wave.shape[1]:,} are there")
    if wave.shape[1] == 0:
        raise BadFile("holds zero samples")
    if not np.isfinite(wave).all():
        raise BadFile("holds NaN or infinity")
    return np.ascontiguousarray(wave), rate


def check_file(path: Path) -> None:
    """Raise BadFile for what soundfile would not explain well, or would pass over."""
    if not path.exists():
        raise BadFile("does not exist")
    if path.is_dir():
        raise BadFile("is a folder")
    size = path.stat().st_size
    if size == 0:
        raise BadFile("is empty (0 bytes)")
    with path.open("rb") as file:
        if file.read(4) == b"OggS":
            if not _has_last_page(file, size):
                raise BadFile("is truncated: it has no last page")
            return
        file.seek(0)
        promised = _promised_bytes(file)
        held = max(size - file.tell(), 0)
    # libsndfile shortens such a file in silence, so the header is compared with the file before.
    if promised is not None and promised > held:
        raise BadFile(f"is truncated: its header promises {promised:,} bytes of sound, and {held:,} are there")


def _has_last_page(file: BinaryIO, size: int) -> bool:
    """Tell whether an Ogg file ends with a whole page that is marked as the last of its stream."""
    file.seek(max(size - _LAST_PAGE_WITHIN, 0))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27:
        return False
    # Byte 5 holds the flags (4: end of stream), byte 26 the number of segments, whose sizes follow.
    sizes = page[27 : 27 + page[26]]
    return bool(page[5] & 4) and len(sizes) == page[26] and len(page) >= 27 + len(sizes) + sum(sizes)


def _promised_bytes(file: BinaryIO) -> int | None:
    """Return the bytes of sound that a WAV, AIFF or AU header promises, with the file at their beginning.

    None for other formats, for a header without the size, and for one that is broken (soundfile will say how).
    """
    head = file.read(12)
    if head[:4] == b".snd":
        if len(head) < 12:
            return None
        start, promised = struct.unpack(">II", head[4:12])
        file.seek(start)
        return None if promised >= _UNKNOWN_SIZE else int(promised)
    layouts = {
        (b"RIFF", b"WAVE"): ("<I", b"data"),
        (b"FORM", b"AIFF"): (">I", b"SSND"),
        (b"FORM", b"AIFC"): (">I", b"SSND"),
    }
    layout = layouts.get((head[:4], head[8:12]))
    while layout is not None:
        chunk = file.read(8)
        if len(chunk) < 8:
            return None
        size = int(struct.unpack(layout[0], chunk[4:])[0])
        if chunk[:4] == layout[1]:
            return None if size >= _UNKNOWN_SIZE else size
        file.seek(size + size % 2, 1)  # chunks are padded to an even length
    return None


def one_line(error: Exception) -> str:
    """Return libsndfile's own words, without the path that soundfile puts before them."""
    text = " ".join(str(getattr(error, "error_string", None) or error).split()).rstrip(".")
    # What libsndfile says of an MP3 file without a single frame, though the file exists.
    return "no sound is found in it" if text.startswith("File does not exist") else text
