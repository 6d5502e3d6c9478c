"""``seqcnn spot`` in process, with a spotter that hears loud sound: lines, meter, bad files, microphones, endings."""

import io
import json
import sys
import time
import types
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
import soundfile
from rich.console import Console

from seqcnn.cli import main
from seqcnn.cli._meter import Meter, draw, level_of

RATE = 8000
Detection = namedtuple("Detection", "start end keyword score")


class LoudSpotter:
    """Detects "loud" or "soft" once for each second in which a sample is above the threshold."""

    threshold, keywords, keywords_ = 0.5, ["loud", "soft"], ["loud", 2]

    @classmethod
    def load(cls, path):
        assert str(path) == "model"
        return cls()

    def set_params(self, **settings):
        vars(self).update(settings)

    def listen(self, sample_rate=RATE):
        return LoudListener(self, sample_rate)


class LoudListener:
    def __init__(self, spotter, sample_rate):
        self.spotter, self.rate = spotter, sample_rate
        self.keywords, self.scores = spotter.keywords, np.zeros(len(spotter.keywords))
        self.reset()

    def reset(self):
        self.held = np.zeros(0)
        self.second = 0

    def push(self, samples):
        self.held = np.concatenate([self.held, np.abs(samples).mean(axis=0)])
        found = []
        while len(self.held) >= self.rate:
            found += self._decide(self.held[: self.rate])
            self.held = self.held[self.rate :]
        return found

    def finish(self):
        found = self._decide(self.held) if len(self.held) else []
        self.reset()
        return found

    def _decide(self, piece):
        self.second += 1
        peak = float(piece.max())
        self.scores[0] = peak
        found = peak >= self.spotter.threshold
        return [Detection(self.second - 1, self.second, self.keywords[0], peak)] if found else []


@pytest.fixture(autouse=True)
def spotting(monkeypatch):
    module = types.ModuleType("seqcnn.spotting")
    module.KeywordSpotter = LoudSpotter
    monkeypatch.setitem(sys.modules, "seqcnn.spotting", module)


@pytest.fixture
def spot(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*words, code=0):
        with pytest.raises(SystemExit) as ended:
            main(["spot", "model", *map(str, words)])
        printed, aside = capsys.readouterr()
        assert ended.value.code == code, aside
        assert "\x1b" not in printed + aside
        return printed, aside

    return run


def write(path, *peaks, rate=RATE):
    """Write a second for each peak, which stands in its middle."""
    wave = np.zeros(len(peaks) * rate)
    wave[rate // 2 :: rate] = peaks
    soundfile.write(path, wave, rate, subtype="FLOAT")
    return path


def test_detections_are_lines_of_csv_in_the_order_of_files_and_seconds(spot, tmp_path):
    write("a.wav", 0, 0.75, 0, 0.5)
    folder = tmp_path / "more"
    folder.mkdir()
    write(folder / "b.wav", *[0] * 12, 0.625, rate=4000)
    printed, aside = spot("a.wav", "more")
    assert printed == (
        "source,start,end,keyword,score\na.wav,1.0,2.0,loud,0.75\na.wav,3.0,4.0,loud,0.5\n"
        "more/b.wav,12.0,13.0,loud,0.625\n"
    )
    assert aside == ""


def test_the_settings_reach_the_spotter(spot):
    write("a.wav", 0.3, 0.75)
    printed, _ = spot("a.wav", "--threshold", "0.25", "-k", "2", "-k", "no", "--smoothing", "0.1", "--json")
    assert [json.loads(line) for line in printed.splitlines()] == [
        {"source": "a.wav", "start": 0.0, "end": 1.0, "keyword": "2", "score": 0.3},
        {"source": "a.wav", "start": 1.0, "end": 2.0, "keyword": "2", "score": 0.75},
    ]


def test_detections_go_into_a_file(spot):
    write("a.wav", 0.75)
    assert spot("a.wav", "-o", "found.csv") == ("", "1 detection in found.csv.\n")
    assert pd.read_csv("found.csv").to_dict("records") == [
        {"source": "a.wav", "start": 0.0, "end": 1.0, "keyword": "loud", "score": 0.75}
    ]
    spot("a.wav", "-o", "found.jsonl")
    with open("found.jsonl") as file:  # noqa: PTH123
        assert json.loads(file.read())["keyword"] == "loud"


def test_files_that_cannot_be_read_are_told_and_the_others_are_read(spot):
    wave = np.zeros(12 * RATE)
    wave[[100, 11 * RATE]] = 0.75, np.nan
    soundfile.write("late.wav", wave, RATE, subtype="FLOAT")
    write("a.wav", 0.75)
    printed, aside = spot("late.wav", "missing.wav", "a.wav", code=1)
    assert [line.split(",")[:2] for line in printed.splitlines()[1:]] == [["late.wav", "0.0"], ["a.wav", "0.0"]]
    assert aside == (
        "Error: seqcnn spot could not read an audio file: late.wav holds NaN or infinity. This shows after 11.0 s; "
        "what comes before was read. Repair the file, or pass another one.\n"
        "Error: seqcnn spot could not read an audio file: missing.wav does not exist. Repair the file, or pass another "
        "one.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Pass files or --microphone, one of the two."),
        (("a.wav", "--microphone"), "Pass files or --microphone, one of the two."),
        (("a.wav", "--device", "1"), "--device names a microphone. Pass --microphone, too."),
        (
            ("--microphone", "--realtime"),
            "A microphone is always in real time: --realtime is for files. Drop one of the two.",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(spot, words, sentence):
    printed, aside = spot(*words, code=2)
    assert (printed, aside) == ("", f"Error: Invalid value: {sentence} 'seqcnn spot --help' shows how.\n")


def test_realtime_reads_a_file_as_fast_as_it_was_spoken(spot, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    write("a.wav", 0.75, 0.0, 0.0)
    printed, _ = spot("a.wav", "--realtime")
    assert "a.wav,0.0,1.0,loud,0.75" in printed
    assert clock[0] == pytest.approx(3)


class FakeMicrophone:
    """Sends a loud second, stalls, sends another one and is ended by Ctrl-C."""

    name, sample_rate, n_overflows = "Headset", RATE, 2

    def __init__(self, *, device, block_seconds):
        assert (device, block_seconds) == (3, 0.1)
        loud = np.full((1, RATE // 2), 0.75, dtype=np.float32)
        self.script = [loud, loud, TimeoutError("It stalls."), loud, loud, KeyboardInterrupt()]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.script.clear()

    def __iter__(self):
        return self

    def __next__(self):
        step = self.script.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step


def test_a_microphone_is_heard_through_a_stall_until_ctrl_c(spot, monkeypatch):
    monkeypatch.setattr("seqcnn.inputs.microphone.Microphone", FakeMicrophone)
    printed, aside = spot("--microphone", "--device", "3")
    assert printed.splitlines()[1:] == ["microphone,0.0,1.0,loud,0.75", "microphone,1.0,2.0,loud,0.75"]
    assert aside == (
        "Listening to Headset at 8000 Hz. Ctrl-C ends it.\nWarning: It stalls.\nStopped after 2 detections. Sound was "
        "lost 2 times.\n"
    )


def test_ctrl_c_while_files_are_read_is_an_interruption(spot, monkeypatch):
    write("a.wav", 0.75, 0.75)

    def stop(listener, samples):
        raise KeyboardInterrupt

    monkeypatch.setattr(LoudListener, "push", stop)
    assert spot("a.wav", code=130) == ("source,start,end,keyword,score\n", "Error: Interrupted.\n")


def test_the_meter_shows_level_scores_and_detections_on_a_terminal(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with Meter("a.wav", Console(file=screen, force_terminal=True, width=80)) as meter:
        meter.tell("1.50 s  yes  0.93")
        meter.show(np.full((1, 100), 0.1, dtype=np.float32), 75.2, {"no": 0.25, "yes": 0.93})
    text = screen.getvalue()
    assert text.index("a.wav  1:15.2") < text.index("-20 dB") < text.index("0.93") < text.index("0.25")
    assert "1.50 s  yes  0.93" in text


def test_the_meter_is_silent_in_a_pipe():
    screen = io.StringIO()
    with Meter("a.wav", Console(file=screen, force_terminal=False)) as meter:
        meter.show(np.zeros((1, 100), dtype=np.float32), 1.0, {"yes": 1.0})
    assert screen.getvalue() == ""


@pytest.mark.parametrize(("value", "level"), [(0.0, "silence"), (1.0, "0 dB"), (1e-5, "-100 dB"), (30.0, "30 dB")])
def test_any_level_can_be_drawn(value, level):
    screen = io.StringIO()
    block = np.full((2, 10), value, dtype=np.float32)
    Console(file=screen, width=80).print(draw("x", level_of(block), 0.0, {}))
    assert level in screen.getvalue()
    assert level_of(block[:, :0]) == -np.inf
