"""Long files in blocks, microphones and real time: the same samples as a whole, a sentence for whatever goes wrong."""

from __future__ import annotations

import subprocess
import sys
import time
import types
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.inputs import read_for_fit
from seqcnn.inputs.audio_blocks import paced, read_blocks
from seqcnn.inputs.microphone import Microphone

RATE = 8000
PCM = np.random.default_rng(0).integers(-(2**15), 2**15, size=(2, 4000), dtype=np.int16)
WAVE = (PCM / 2**15).astype(np.float32)


def write(path: Path, wave: np.ndarray = PCM, rate: int = RATE, **how: Any) -> Path:
    soundfile.write(path, wave.T, rate, **how)
    return path


def message_of(error: type[BaseException], call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is error
    return str(caught.value)


@pytest.fixture(scope="module")
def stereo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("blocks") / "a.wav")


@settings(max_examples=30, deadline=None)
@given(seconds=st.floats(1e-5, 2, allow_nan=False))
def test_blocks_are_the_file_whatever_their_length(stereo: Path, seconds: float) -> None:
    blocks = read_blocks(stereo, block_seconds=max(seconds, 0.002))
    assert (blocks.sample_rate, blocks.n_samples, blocks.n_channels) == (RATE, 4000, 2)
    taken = list(blocks)
    assert all(block.dtype == np.float32 and block.flags.c_contiguous for block in taken)
    assert {block.shape[1] for block in taken[:-1]} <= {blocks.block_length}
    np.testing.assert_array_equal(np.concatenate(taken, axis=1), WAVE)


def test_blocks_can_be_read_again_and_be_a_sample_long(tmp_path: Path) -> None:
    blocks = read_blocks(write(tmp_path / "a.wav", PCM[:, :5]), block_seconds=1e-9)
    for _ in range(2):
        assert [block.shape for block in blocks] == [(2, 1)] * 5


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff", "au"])
def test_blocks_of_every_format_are_what_reading_the_whole_gives(tmp_path: Path, suffix: str) -> None:
    tone = np.sin(np.arange(20_000) * 0.1) * 0.5
    path = write(tmp_path / f"a.{suffix}", tone)
    whole = read_for_fit([path], caller="me")[0].values[0][0]
    blocks = list(read_blocks(path, block_seconds=0.3))
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1)[0], whole)


def test_a_bad_file_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    ending = " Repair the file, or pass another one."
    empty, words, silent = tmp_path / "empty.wav", tmp_path / "words.wav", write(tmp_path / "no.wav", np.zeros(0))
    empty.write_bytes(b"")
    words.write_text("no sound")
    cut = write(tmp_path / "cut.wav", PCM[0])
    cut.write_bytes(cut.read_bytes()[:-100])
    for path, reason in (
        (empty, "is empty (0 bytes)."),
        (words, "cannot be decoded: Format not recognised."),
        (silent, "holds zero samples."),
        (tmp_path, "is a folder."),
        (cut, "is truncated: its header promises 8,000 bytes of sound, and 7,900 are there."),
    ):
        assert message_of(ValueError, read_blocks, path, caller="detect") == (
            f"detect could not read an audio file: {path} {reason}{ending}"
        )
    missing = tmp_path / "missing.wav"
    assert message_of(FileNotFoundError, read_blocks, missing) == (
        f"read_blocks could not read an audio file: {missing} does not exist.{ending}"
    )


def test_what_is_no_path_or_no_length_is_refused() -> None:
    assert message_of(TypeError, read_blocks, 3) == (
        "The 'path' parameter of read_blocks must be a string or a pathlib.Path. Received: 3. Pass the path of an "
        "audio file."
    )
    assert message_of(ValueError, read_blocks, "a.wav", block_seconds=0) == (
        "The 'block_seconds' parameter of read_blocks must be a number greater than 0. Received: 0. Pass a value in "
        "that range."
    )


def test_nan_late_in_a_file_is_told_with_its_place_after_the_sound_before_it(tmp_path: Path) -> None:
    wave = np.zeros(4000)
    wave[3333] = np.nan
    path = write(tmp_path / "a.wav", wave, subtype="FLOAT")
    blocks = iter(read_blocks(path, block_seconds=0.1))
    assert sum(next(blocks).shape[1] for _ in range(4)) == 3200
    assert message_of(ValueError, next, blocks) == (
        f"read_blocks could not read an audio file: {path} holds NaN or infinity. This shows after 0.4 s; what comes "
        "before was read. Repair the file, or pass another one."
    )


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_a_compressed_file_damaged_late_is_told_before_or_after_the_sound_before_it(
    tmp_path: Path, suffix: str
) -> None:
    tone = np.random.default_rng(0).normal(size=200_000) * 0.1
    path = write(tmp_path / f"a.{suffix}", tone)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(0.8 * len(whole))])
    with pytest.raises(ValueError) as error:
        for _ in read_blocks(path, block_seconds=1):
            pass
    sentence = str(error.value)
    assert sentence.startswith(f"read_blocks could not read an audio file: {path} ")
    assert sentence.endswith(" Repair the file, or pass another one.")


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.tile(PCM[0], 100))
    blocks = iter(read_blocks(path, block_seconds=1))
    next(blocks)
    path.write_bytes(path.read_bytes()[:400_044])
    assert message_of(ValueError, lambda: list(blocks)) == (
        f"read_blocks could not read an audio file: {path} is truncated: its header promises 400,000 samples, and "
        "200,000 are there. This shows after 25.0 s; what comes before was read. Repair the file, or pass another one."
    )


@pytest.mark.slow
def test_a_recording_of_three_hours_takes_the_memory_of_a_block(tmp_path: Path) -> None:
    path, rate = tmp_path / "long.wav", 16_000
    minute = np.random.default_rng(0).integers(-1000, 1000, size=60 * rate, dtype=np.int16)
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for _ in range(180):
            file.write(minute)
    code = (
        "import resource, sys\n"
        "from seqcnn.inputs.audio_blocks import read_blocks\n"
        "blocks = read_blocks(sys.argv[1]); next(iter(blocks))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "n = sum(block.shape[1] for block in blocks)\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    n_samples, grown = map(int, done.stdout.split())
    assert n_samples == 3 * 3600 * rate
    unit = 1 if sys.platform == "darwin" else 1024
    assert grown * unit < 16 * 2**20  # the whole would be 691 MB


class Clock:
    """A clock that only sleeping and working move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept = 0.0, []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_paced_blocks_come_when_they_would_be_spoken(stereo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    blocks = paced(read_blocks(stereo, block_seconds=0.1))
    assert blocks.sample_rate == RATE
    moments = []
    for block in blocks:
        assert block.shape == (2, 800)
        moments.append(clock.now)
        clock.now += 0.03  # work, which is no delay
    np.testing.assert_allclose(moments, [0.1, 0.2, 0.3, 0.4, 0.5])


def test_paced_blocks_catch_up_after_slow_work_and_can_be_sped_up(
    stereo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    moments = []
    for _ in paced(read_blocks(stereo, block_seconds=0.1), speed=10):
        moments.append(clock.now)
        clock.now += 0.025 if len(moments) == 1 else 0.0
    np.testing.assert_allclose(moments, [0.01, 0.035, 0.035, 0.04, 0.05])


def test_pace_needs_a_rate_and_a_speed() -> None:
    assert message_of(ValueError, paced, [WAVE]) == (
        "paced needs to know how many samples a second has, and list does not tell. Pass sample_rate=... in Hz."
    )
    assert message_of(ValueError, paced, [WAVE], sample_rate=RATE, speed=0) == (
        "The 'speed' parameter of paced must be a number greater than 0. Received: 0. Pass a value in that range."
    )


class PortAudioError(Exception):
    pass


class FakeSounddevice(types.ModuleType):
    """sounddevice with one input device, whose stream sends what a test gives it as soon as it is started."""

    def __init__(self, *pieces: np.ndarray, overflows: tuple[int, ...] = (), busy: bool = False) -> None:
        super().__init__("sounddevice")
        self.PortAudioError = PortAudioError
        self.pieces, self.overflows, self.busy = list(pieces), overflows, busy
        self.devices = [
            {"name": "Loudspeaker", "max_input_channels": 0, "default_samplerate": 48_000.0},
            {"name": "Headset", "max_input_channels": 1, "default_samplerate": 16_000.0},
        ]
        self.opened: list[dict[str, Any]] = []
        self.n_closed = 0

    def query_devices(self, device: Any = None, kind: str | None = None) -> Any:
        if kind is None and device is None:
            return self.devices
        for number, found in enumerate(self.devices):
            if found["max_input_channels"] and (device is None or device == number or device == found["name"]):
                return found
        raise ValueError(f"No input device matching {device!r}")

    def InputStream(self, *, callback: Any, **how: Any) -> Any:
        library = self

        class Stream:
            def start(self) -> None:
                if library.busy:
                    raise PortAudioError("Error opening InputStream: Device unavailable [PaErrorCode -9985]")
                library.opened.append(how)
                for number, piece in enumerate(library.pieces):
                    status = types.SimpleNamespace(input_overflow=number in library.overflows)
                    callback(piece.reshape(-1, 1), len(piece), None, status)
                library.pieces.clear()

            def close(self) -> None:
                library.n_closed += 1

        return Stream()


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what puts a stand-in in sounddevice's place."""

    def put(*pieces: np.ndarray, **how: Any) -> FakeSounddevice:
        fake = FakeSounddevice(*pieces, **how)
        monkeypatch.setitem(sys.modules, "sounddevice", fake)
        return fake

    return put


def test_a_microphone_gives_what_it_hears(plug: Any) -> None:
    fake = plug(WAVE[0, :1600], WAVE[1, :1600])
    with Microphone() as microphone:
        assert (microphone.name, microphone.sample_rate) == ("Headset", 16_000)
        assert not fake.opened
        blocks = iter(microphone)
        np.testing.assert_array_equal([next(blocks)[0], next(blocks)[0]], WAVE[:, :1600])
    assert fake.opened == [{"samplerate": 16_000, "blocksize": 1600, "device": None, "channels": 1, "dtype": "float32"}]
    assert fake.n_closed == 1
    assert Microphone(8000, device="Headset", block_seconds=1).sample_rate == 8000


def test_a_microphone_that_stalls_is_told_and_can_be_read_on(plug: Any) -> None:
    fake = plug(WAVE[0])
    microphone = Microphone(RATE, timeout_seconds=0.01)
    blocks = iter(microphone)
    next(blocks)
    assert message_of(TimeoutError, next, blocks) == (
        "The microphone 'Headset' has sent nothing for 0.01 s. Is it still plugged in? Take the next block to open it "
        "again and go on, after a reset of what remembers the sound before."
    )
    assert fake.n_closed == 1
    fake.pieces.append(WAVE[1])
    np.testing.assert_array_equal(next(blocks)[0], WAVE[1])
    assert len(fake.opened) == 2


def test_lost_sound_is_counted_and_told_once(plug: Any) -> None:
    plug(*[WAVE[0]] * 4, overflows=(1, 3))
    microphone = Microphone(RATE)
    with pytest.warns(UserWarning, match="was lost") as told:
        list(islice(microphone, 4))
    assert [str(warning.message) for warning in told] == [
        "Sound of the microphone 'Headset' was lost, because it was not read fast enough. Do less work for each block, "
        "or take longer ones; n_overflows counts how often it happens."
    ]
    assert microphone.n_overflows == 2


def test_a_slow_reader_loses_the_oldest_sound_and_no_memory(plug: Any) -> None:
    plug(*[np.full(800, number, dtype=np.float32) for number in range(130)])
    microphone = Microphone(RATE)  # ten seconds are a hundred blocks
    with pytest.warns(UserWarning, match="was lost"):
        assert next(microphone)[0, 0] == 30
    assert microphone.n_overflows == 30


def test_a_muted_microphone_is_noticed_once(plug: Any) -> None:
    silence = np.zeros(RATE, dtype=np.float32)
    plug(silence, silence, WAVE[0], *[silence] * 8)
    microphone = Microphone(RATE)
    for _ in range(5):
        next(microphone)
    with pytest.warns(UserWarning, match="nothing but zeros") as told:
        list(islice(microphone, 6))
    assert [str(warning.message) for warning in told] == [
        "The microphone 'Headset' sends nothing but zeros. It may be muted, or the system may keep it from this "
        "program: switch it on, and allow its use in the system's settings of privacy."
    ]


def test_devices_that_are_not_there_or_taken_are_told(plug: Any) -> None:
    fake = plug(busy=True)
    assert message_of(OSError, Microphone, device="Webcam") == (
        "There is no microphone 'Webcam'. The devices that record are 1 (Headset). Pass one of these numbers, or a "
        "part of a name, as device."
    )
    assert message_of(OSError, next, Microphone()) == (
        "The microphone 'Headset' cannot be opened at 16000 Hz (Error opening InputStream: Device unavailable "
        "[PaErrorCode -9985]). Close other programs that use it, or pass another device or sample_rate."
    )
    fake.devices.pop()
    assert message_of(OSError, Microphone) == (
        "This machine has no microphone that PortAudio finds. Plug one in (a virtual machine or container must be "
        "given one), or read a file instead."
    )


def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert message_of(ImportError, Microphone) == (
        "Listening to a microphone needs sounddevice, which does not load (import of sounddevice halted; None in "
        'sys.modules). Install it with: pip install "seqcnn[microphone]".'
    )


def test_a_missing_portaudio_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert message_of(ImportError, Microphone) == (
        "Listening to a microphone needs the PortAudio library, which sounddevice does not find (PortAudio library not "
        "found). Install it with the system's packages: on Debian and Ubuntu, apt-get install libportaudio2."
    )
