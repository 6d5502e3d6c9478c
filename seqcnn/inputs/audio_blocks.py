"""Audio files of any length in blocks: memory is bounded, and a fault that comes late is told in a sentence, too."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seqcnn._checks import check_number, shorten
from seqcnn._types import FloatArray
from seqcnn.inputs.audio_files import BadFile, check_file, import_soundfile, one_line


class AudioBlocks:
    """The sound of a file, block by block; each iteration reads it from its beginning.

    Attributes
    ----------
    path : pathlib.Path
        Of the file.
    sample_rate : int
        In Hz.
    n_samples : int
        A channel, as the file's header promises.
    n_channels : int
        Rows of a block.
    block_length : int
        Samples of every block but the last, which may be shorter.
    """

    def __init__(
        self, path: Path, sample_rate: int, n_samples: int, n_channels: int, block_length: int, caller: str
    ) -> None:
        self.path, self.sample_rate, self.block_length = path, sample_rate, block_length
        self.n_samples, self.n_channels = n_samples, n_channels
        self._caller = caller

    def __iter__(self) -> Iterator[FloatArray]:
        SoundFile: Any = import_soundfile().SoundFile

        class StraightOn(SoundFile):
            """Read from front to back: soundfile seeks after each read, and after that MP3 decodes to other samples."""

            def seekable(self) -> bool:
                """Say no, so that there is no seeking."""
                return False

        n_read = 0
        try:
            with StraightOn(self.path) as file:
                while len(samples := file.read(self.block_length, dtype="float32", always_2d=True)):
                    if not np.isfinite(samples).all():
                        n_read += int(np.isfinite(samples).all(axis=1).argmin())
                        raise BadFile("holds NaN or infinity")
                    yield np.ascontiguousarray(samples.T)
                    n_read += len(samples)
            if n_read < self.n_samples:
                raise BadFile(f"is truncated: its header promises {self.n_samples:,} samples, and {n_read:,} are there")
        except (BadFile, OSError, RuntimeError) as error:
            raise _refusal(self.path, error, self._caller, n_read / self.sample_rate) from error


def read_blocks(
    path: str | os.PathLike[str], *, block_seconds: float = 10.0, caller: str = "read_blocks"
) -> AudioBlocks:
    """Open an audio file that may be longer than memory, and read it in blocks of ``(channels, n)`` float32 samples.

    Parameters
    ----------
    path
        A wav, flac, ogg, mp3, aiff or au file.
    block_seconds
        Length of a block; at least a sample.
    caller
        Who reads, for the messages.

    Returns
    -------
    AudioBlocks
        Iterable, as often as is wanted, with ``sample_rate`` (Hz), ``n_samples`` and ``n_channels``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is empty, truncated, or holds no sound, NaN or infinity. What only reading finds is raised while blocks
        are taken, and says at which second; the blocks before it were sound.
    ImportError
        If soundfile is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from seqcnn.datasets import write_wav_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (file,) = write_wav_folder(folder, [np.zeros(20_000)], ["silence"], 8000)
    ...     blocks = read_blocks(file, block_seconds=1)
    ...     print(blocks.sample_rate, blocks.n_samples, [block.shape for block in blocks])
    8000 20000 [(1, 8000), (1, 8000), (1, 4000)]
    """
    check_number("block_seconds", block_seconds, above=0, caller=caller)
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"The 'path' parameter of {caller} must be a string or a pathlib.Path. Received: {shorten(path)}. Pass the "
            "path of an audio file."
        )
    checked = Path(os.fsdecode(path))
    soundfile = import_soundfile()
    try:
        check_file(checked)
        with soundfile.SoundFile(checked) as file:
            rate, n_samples, n_channels = int(file.samplerate), int(file.frames), int(file.channels)
        if n_samples == 0:
            raise BadFile("holds zero samples")
    except (BadFile, OSError, RuntimeError, TypeError, ValueError) as error:
        raise _refusal(checked, error, caller) from error
    return AudioBlocks(checked, rate, n_samples, n_channels, max(1, round(block_seconds * rate)), caller)


def _refusal(path: Path, error: Exception, caller: str, seconds: float = 0.0) -> OSError | ValueError:
    reason = str(error) if isinstance(error, BadFile) else f"cannot be decoded: {one_line(error)}"
    where = f" This shows after {seconds:,.1f} s; what comes before was read." if seconds else ""
    message = f"{caller} could not read an audio file: {path} {reason}.{where} Repair the file, or pass another one."
    return ValueError(message) if path.exists() else FileNotFoundError(message)


class Paced:
    """Blocks that come when they would be spoken; see :func:`paced`."""

    def __init__(self, blocks: Iterable[FloatArray], sample_rate: int, speed: float) -> None:
        self.sample_rate, self.speed = sample_rate, speed
        self._blocks = blocks

    def __iter__(self) -> Iterator[FloatArray]:
        # Against the clock, not block by block: what a reader takes for its work is no delay, while it keeps up.
        begin, n_samples = time.monotonic(), 0
        for block in self._blocks:
            n_samples += block.shape[-1]
            wait = begin + n_samples / self.sample_rate / self.speed - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            yield block


def paced(blocks: Any, *, sample_rate: int | None = None, speed: float = 1.0) -> Paced:
    """Let blocks come in real time, each when its last sample would be spoken: a recording in a microphone's place.

    Parameters
    ----------
    blocks
        Of :func:`read_blocks`, or any iterable of arrays whose last axis is time. Short ones, say of 0.1 s: a block
        comes as a whole.
    sample_rate
        In Hz; None asks ``blocks``.
    speed
        So many times faster than real time.

    Returns
    -------
    Paced
        Iterable over the same blocks, with their ``sample_rate``.

    Raises
    ------
    TypeError, ValueError
        If ``speed`` is not above zero, or nothing tells the rate.

    Examples
    --------
    >>> began = time.monotonic()
    >>> blocks = [np.zeros((1, 80), dtype=np.float32)] * 3
    >>> sum(block.shape[1] for block in paced(blocks, sample_rate=8000))
    240
    >>> time.monotonic() - began >= 240 / 8000
    True
    """
    check_number("speed", speed, above=0, caller="paced")
    rate = sample_rate if sample_rate is not None else getattr(blocks, "sample_rate", None)
    if rate is None:
        raise ValueError(
            f"paced needs to know how many samples a second has, and {type(blocks).__name__} does not tell. Pass "
            "sample_rate=... in Hz."
        )
    check_number("sample_rate", rate, above=0, caller="paced")
    return Paced(blocks, rate, speed)
