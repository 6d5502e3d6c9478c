"""What pushing into a stream costs, against running the network over the last second anew each hop.

    OMP_NUM_THREADS=1 python benchmarks/stream_push.py [--turns N] [--encoders NAME ...] [--output FILE]

One thread, one second's window, a row of scores every 20 ms (or every stride, where that is longer). Streams and the
network over a window take turns in this process on the same noise; the table shows medians over the turns. A push's
parts are those of an application: samples are checked, the front end, the encoder, the pooled window, the head, and
probabilities. Weights are random: what they are changes no time. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from seqcnn import SeqCNNClassifier
from seqcnn.encoders import ENCODERS

RATE, WINDOW, PUSH = 16000, 16000, 320
PUSHES = {"20 ms": PUSH, "100 ms": 1600, "1 s": RATE}
DEFAULT = ("matchboxnet", "tc-resnet8", "tc-resnet14", "bc-resnet", "m3", "m5", "samplecnn", "tcn")
SECONDS_A_TURN = 2
"""Of audio, in pushes of each length; windows are computed anew for a quarter of it."""


def fit(encoder: str) -> SeqCNNClassifier:
    """Return a causal classifier of seconds of noise."""
    generator = np.random.default_rng(0)
    waves = (0.1 * generator.standard_normal((12, RATE))).astype(np.float32)
    causal = {"encoder__causal": True} if ENCODERS[encoder].can_be_causal else {}
    classifier = SeqCNNClassifier(
        encoder, input="audio", sample_rate=RATE, max_epochs=1, early_stopping=False, random_state=0, **causal
    )
    return classifier.fit(list(waves), np.arange(12) % 3)


def clock(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(encoder: str, turns: int) -> tuple[int, dict[str, float]]:
    """Return the hop in samples, and medians over the turns.

    They are seconds of computing a second of audio, for each length of pushes and by windows, and what building costs.
    """
    classifier = fit(encoder)
    network = classifier.network_.eval()
    wave = (0.1 * np.random.default_rng(1).standard_normal(SECONDS_A_TURN * RATE)).astype(np.float32)
    stream = classifier.stream(window_length=WINDOW)
    hop = stream.hop_length
    n_windows = max(SECONDS_A_TURN * RATE // hop // 4, 1)
    window = torch.from_numpy(wave[None, None, :WINDOW])

    def push_all(size: int) -> None:
        for start in range(0, len(wave), size):
            stream.push(wave[start : start + size])

    def compute_windows() -> None:
        with torch.inference_mode():
            for _ in range(n_windows):
                network(window).softmax(1).numpy()

    taken: dict[str, list[float]] = {name: [] for name in [*PUSHES, "windows", "build"]}
    for turn in range(turns + 1):
        seconds = {name: clock(lambda size=size: push_all(size)) / SECONDS_A_TURN for name, size in PUSHES.items()}
        seconds["windows"] = clock(compute_windows) / n_windows * (RATE / hop)
        seconds["build"] = clock(lambda: classifier.stream(window_length=WINDOW))
        if turn > 0:
            for name, value in seconds.items():
                taken[name].append(value)
    return hop, {name: statistics.median(values) for name, values in taken.items()}


def run(encoders: list[str], turns: int) -> list[str]:
    """Return the table's lines."""
    lines = [
        "| encoder | hop, ms | ms a push of 20 ms | s a second of audio, pushes of " + ", of ".join(PUSHES) + " "
        "| s by the window, each hop | ratio | building the stream, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for encoder in encoders:
        hop, medians = measure(encoder, turns)
        little, windows, build = medians["20 ms"], medians["windows"], medians["build"]
        each = ", ".join(f"{medians[name]:.4f}" for name in PUSHES)
        little_push = f"{1000 * hop / RATE:g} | {little * PUSH / RATE * 1e3:.2f}"
        lines.append(
            f"| {encoder} | {little_push} | {each} | {windows:.3f} | **{windows / little:.1f}** | {build:.2f} |"
        )
    return lines


def main() -> None:
    """Print the table, and the machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--encoders", nargs="+", default=list(DEFAULT))
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        f"{torch.cpu.get_capabilities().get('cpu_name') or platform.processor() or platform.machine()}, one thread, "
        f"torch {torch.__version__}, numpy {np.__version__}; {RATE} Hz, window 1 s, default front ends and widths, "
        f"float32; medians of {arguments.turns} turns",
        "",
        *run(arguments.encoders, arguments.turns),
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
