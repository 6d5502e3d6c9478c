"""Front ends against torchaudio's transforms: the same numbers, side by side in one run.

    python benchmarks/front_ends.py [--turns N] [--output FILE]

Both sides of a row run in this process by turns on the same recordings; the table shows medians, their range and the
ratio of the medians. torchaudio is given what it needs for the same frames: zeros in front, and in a stream the samples
before each piece. It has no PCEN, which is timed alone. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor, nn
from torchaudio.transforms import MFCC as TheirMFCC
from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

from seqcnn.front_ends import MFCC, PCEN, FrontEnd, LogMel
from seqcnn.layers.memory import begin_stream, end_stream

RATE, WINDOW, HOP, BANDS, LOW_HZ, PIECE = 16000, 400, 160, 40, 20.0, 320
LEAST_SECONDS = 0.05
"""A turn repeats its work for at least so long."""

Work = Callable[[], Tensor]


def theirs(name: str) -> nn.Module | None:
    """Return torchaudio's transform of the same numbers."""
    spectrogram = {"n_fft": WINDOW, "hop_length": HOP, "f_min": LOW_HZ, "n_mels": BANDS, "center": False}
    if name == "log-mel":
        return nn.Sequential(MelSpectrogram(RATE, **spectrogram), AmplitudeToDB(top_db=None))
    if name == "mfcc":
        transform = TheirMFCC(RATE, n_mfcc=BANDS, melkwargs=spectrogram)
        transform.amplitude_to_DB = AmplitudeToDB(top_db=None)
        return transform
    return None


def whole_recordings(front_end: FrontEnd, transform: nn.Module | None, batch: int) -> tuple[Work, Work | None]:
    """Return both sides' work on a second of noise, ``batch`` times."""
    x = 0.1 * torch.randn(batch, 1, RATE, generator=torch.Generator().manual_seed(0))
    if transform is None:
        return lambda: front_end(x), None
    return lambda: front_end(x), lambda: transform(F.pad(x, (WINDOW - HOP, 0)))[:, 0]


def pieces(front_end: FrontEnd, transform: nn.Module | None) -> tuple[Work, Work | None]:
    """Return both sides' work on the next piece of a stream."""
    x = 0.1 * torch.randn(1, 1, PIECE, generator=torch.Generator().manual_seed(0))
    before = torch.zeros(1, 1, WINDOW - HOP)
    begin_stream(front_end)

    def their_piece() -> Tensor:
        nonlocal before
        joined = torch.cat([before, x], 2)
        before = joined[..., -(WINDOW - HOP) :]
        return transform(joined)[:, 0]

    return lambda: front_end(x), None if transform is None else their_piece


def clock(work: Work, n_runs: int) -> float:
    started = time.perf_counter()
    for _ in range(n_runs):
        work()
    return (time.perf_counter() - started) / n_runs


def measure(sides: list[Work], turns: int) -> list[list[float]]:
    """Let the sides take turns; the first turn finds how often to repeat, and does not count."""
    n_runs = []
    for work in sides:
        work()
        n_runs.append(max(1, round(LEAST_SECONDS / clock(work, 3))))
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(turns):
        for work, runs, seconds in zip(sides, n_runs, taken, strict=True):
            seconds.append(clock(work, runs))
    return taken


def show(seconds: list[float]) -> str:
    """Median, least and most."""
    unit, scale = ("ms", 1e3) if statistics.median(seconds) >= 1e-3 else ("µs", 1e6)
    low, middle, high = (value * scale for value in (min(seconds), statistics.median(seconds), max(seconds)))
    return f"{middle:.3g} {unit} ({low:.3g} to {high:.3g})"


def run(turns: int) -> list[str]:
    """Return the table's lines."""
    lines = ["| work | threads | ours | torchaudio | ratio |", "|---|---|---|---|---|"]
    kinds = {"log-mel": LogMel, "mfcc": MFCC, "pcen": PCEN}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for name, kind in kinds.items():
            floor = {} if name == "pcen" else {"floor_db": -100.0}
            front_end, transform = kind(sample_rate=RATE, n_bands=BANDS, low_hz=LOW_HZ, **floor), theirs(name)
            works = {f"{name}, {batch} x 1 s": whole_recordings(front_end, transform, batch) for batch in (1, 64)}
            for title in [*works, f"{name}, 20 ms of a stream"]:
                ours, their = works[title] if title in works else pieces(front_end, transform)
                with torch.inference_mode():
                    sides = [ours] if their is None else [ours, their]
                    if their is not None and title in works:
                        difference = float((ours() - their()).abs().max())
                        # torchaudio's filters are computed in single precision: in bands beside a null of the
                        # spectrum that shows in the fourth digit of a decibel, where ours are off by a tenth of it.
                        assert difference < 2e-4, f"{title}: they differ by {difference}"
                    taken = measure(sides, turns)
                ratio = "" if their is None else f"**{statistics.median(taken[1]) / statistics.median(taken[0]):.2f}**"
                lines.append(
                    f"| {title} | {threads} | {show(taken[0])} | {show(taken[1]) if their is not None else '-'} "
                    f"| {ratio} |"
                )
            end_stream(front_end)
    return lines


def main() -> None:
    """Print the table, and the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=11)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    lines = [
        f"{torch.cpu.get_capabilities().get('cpu_name') or platform.processor() or platform.machine()}, torch "
        f"{torch.__version__}, torchaudio {torchaudio.__version__}; {RATE} Hz, window {WINDOW}, hop {HOP}, {BANDS} "
        f"bands, float32; {arguments.turns} turns",
        "",
        *run(arguments.turns),
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
