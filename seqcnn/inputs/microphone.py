"""A microphone in blocks: what it loses, that it stalls and that it is muted are told in sentences."""

from __future__ import annotations

import queue
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from seqcnn._checks import check_integer, check_number, name_first
from seqcnn._types import FloatArray

INSTALL_HINT = 'Install it with: pip install "seqcnn[microphone]".'

_HELD_SECONDS = 10.0
"""Of sound that wait for a slow reader; more would be answered too late to be of use."""

_MUTED_SECONDS = 3.0
"""Of nothing but zeros: a microphone that is switched on has noise."""


class Microphone:
    """The sound of a microphone, one channel of float32 samples in [-1, 1], block by block as it comes.

    It is opened at the first block, and closed by ``close()`` or at the end of a ``with`` statement. Blocks come for
    ever: end the loop with ``break`` or Ctrl-C.

    Parameters
    ----------
    sample_rate : int or None, default=None
        In Hz; None is what the device has by itself.
    block_seconds : float, default=0.1
        Length of a block, and so the delay that comes with it.
    device : int or str or None, default=None
        Number or a part of the name of an input device; None is the system's choice.
    timeout_seconds : float, default=5.0
        After so long without a block, the stream stalls.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    name : str
        Of the device.
    n_overflows : int
        How often sound was lost since the microphone was opened first, because it was not read fast enough.

    Raises
    ------
    ImportError
        If sounddevice or PortAudio, which it needs, is not installed.
    OSError
        If there is no such device, or it cannot be opened.
    TimeoutError
        While blocks are taken, where the stream stalls. The microphone is closed then; taking the next block opens it
        again, so a loop may go on. A stream of scores should be reset first, because there is a gap.

    Warns
    -----
    UserWarning
        Once when sound is first lost, and once when nothing but zeros come for three seconds.
    """

    def __init__(
        self,
        sample_rate: int | None = None,
        *,
        block_seconds: float = 0.1,
        device: int | str | None = None,
        timeout_seconds: float = 5.0,
    ) -> None:
        check_integer("sample_rate", sample_rate, minimum=1, caller="Microphone", or_none=True)
        check_number("block_seconds", block_seconds, above=0, caller="Microphone")
        check_number("timeout_seconds", timeout_seconds, above=0, caller="Microphone")
        self._library = _import_sounddevice()
        self._device = device
        found = self._find_device()
        self.name = str(found["name"])
        self.sample_rate = round(found["default_samplerate"]) if sample_rate is None else int(sample_rate)
        self.block_seconds, self.timeout_seconds = block_seconds, timeout_seconds
        self.n_overflows = 0
        self._stream: Any = None
        self._blocks: queue.Queue[FloatArray] = queue.Queue(max(2, round(_HELD_SECONDS / block_seconds)))
        self._zeros = 0
        self._told: set[str] = set()

    def __enter__(self) -> Microphone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[FloatArray]:
        return self

    def __next__(self) -> FloatArray:
        if self._stream is None:
            self._open()
        try:
            block = self._blocks.get(timeout=self.timeout_seconds)
        except queue.Empty:
            self.close()
            raise TimeoutError(
                f"The microphone {self.name!r} has sent nothing for {self.timeout_seconds:g} s. Is it still plugged "
                "in? Take the next block to open it again and go on, after a reset of what remembers the sound before."
            ) from None
        self._look_at(block)
        return block

    def close(self) -> None:
        """Give the device back and drop what waits; taking a block opens it again."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        while not self._blocks.empty():
            self._blocks.get_nowait()

    def _open(self) -> None:
        try:
            stream = self._library.InputStream(
                samplerate=self.sample_rate,
                blocksize=max(1, round(self.block_seconds * self.sample_rate)),
                device=self._device,
                channels=1,
                dtype="float32",
                callback=self._take,
            )
            stream.start()
        except self._library.PortAudioError as error:
            raise OSError(
                f"The microphone {self.name!r} cannot be opened at {self.sample_rate} Hz ({_one_line(error)}). Close "
                "other programs that use it, or pass another device or sample_rate."
            ) from error
        self._stream = stream

    def _take(self, samples: FloatArray, n_samples: int, moment: Any, status: Any) -> None:
        """Keep a block; called from a thread of PortAudio's, which must never wait."""
        if status and status.input_overflow:
            self.n_overflows += 1
        if self._blocks.full():
            self.n_overflows += 1
            with suppress(queue.Empty):
                self._blocks.get_nowait()  # the oldest: a detector should answer for what is said now
        self._blocks.put_nowait(samples.T.copy())

    def _look_at(self, block: FloatArray) -> None:
        if self.n_overflows:
            self._tell(
                "lost",
                f"Sound of the microphone {self.name!r} was lost, because it was not read fast enough. Do less work "
                "for each block, or take longer ones; n_overflows counts how often it happens.",
            )
        self._zeros = 0 if np.any(block) else self._zeros + block.shape[1]
        if self._zeros >= _MUTED_SECONDS * self.sample_rate:
            self._tell(
                "muted",
                f"The microphone {self.name!r} sends nothing but zeros. It may be muted, or the system may keep it "
                "from this program: switch it on, and allow its use in the system's settings of privacy.",
            )

    def _tell(self, what: str, sentence: str) -> None:
        if what not in self._told:
            self._told.add(what)
            warnings.warn(sentence, UserWarning, stacklevel=4)

    def _find_device(self) -> Any:
        try:
            return self._library.query_devices(self._device, "input")
        except (ValueError, self._library.PortAudioError) as error:
            inputs = [
                f"{number} ({device['name']})"
                for number, device in enumerate(self._library.query_devices())
                if device["max_input_channels"] > 0
            ]
            if not inputs:
                raise OSError(
                    "This machine has no microphone that PortAudio finds. Plug one in (a virtual machine or container "
                    "must be given one), or read a file instead."
                ) from error
            wanted = "no default microphone" if self._device is None else f"no microphone {self._device!r}"
            raise OSError(
                f"There is {wanted}. The devices that record are {name_first(inputs, 12)}. Pass one of these numbers, "
                "or a part of a name, as device."
            ) from error


def _import_sounddevice() -> ModuleType:
    try:
        return import_module("sounddevice")
    except ImportError as error:
        raise ImportError(
            f"Listening to a microphone needs sounddevice, which does not load ({error}). {INSTALL_HINT}"
        ) from error
    except OSError as error:  # the package is there, but PortAudio is not
        raise ImportError(
            f"Listening to a microphone needs the PortAudio library, which sounddevice does not find ({error}). "
            "Install it with the system's packages: on Debian and Ubuntu, apt-get install libportaudio2."
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
