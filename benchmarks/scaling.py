"""How cost grows with the data: time of an epoch and of a prediction, and peak memory, as the work doubles.

    python benchmarks/scaling.py [--encoder NAME]

Number of series, time steps and channels are doubled one at a time, each point in a process of its own, one after the
other. Written are ``docs/scaling.png``, one plot with logarithmic axes, and ``docs/scaling.md`` with the slopes fitted
to it: a slope of 1 says that twice the data cost twice as much, less is better. Small work is mostly overhead and
flattens a slope, so the slope of the last doubling stands beside the fitted one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _peer_worker import Neighbours, peak_bytes

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

# Axis: its values; and series, time steps and channels where another one is varied.
AXES = {
    "series": [64, 128, 256, 512, 1024, 2048],
    "time steps": [64, 128, 256, 512, 1024, 2048],
    "channels": [1, 2, 4, 8, 16, 32, 64, 128],
}
FIXED = {"series": 128, "time steps": 128, "channels": 1}
COSTS = {"epoch_seconds": "one epoch, s", "predict_seconds": "predict, s", "memory_bytes": "memory above imports, MB"}
BATCH, EPOCHS = 64, 5


def measure(encoder: str, sizes: dict[str, int]) -> dict[str, Any]:
    """Fit and predict at one size; the first epoch and the first prediction are warm-up."""
    import numpy as np
    import torch
    import torch._dynamo  # torch itself does so late, at the first step of an optimizer

    from seqcnn import SeqCNNClassifier

    generator = np.random.default_rng(0)
    imported, neighbours = peak_bytes(), Neighbours()
    X = generator.normal(size=tuple(sizes.values())).transpose(0, 2, 1).astype(np.float32)
    y = np.arange(len(X)) % 2
    settings: dict[str, Any] = {"batch_size": BATCH, "early_stopping": False, "device": "cpu", "random_state": 0}
    classifier = SeqCNNClassifier(encoder, max_epochs=EPOCHS, **settings).fit(X, y)
    times: list[float] = []
    for _ in range(4):
        started = time.perf_counter()
        classifier.predict_proba(X)
        times.append(time.perf_counter() - started)
    return {
        "epoch_seconds": statistics.median(np.diff(classifier.history_["seconds"])),
        "predict_seconds": statistics.median(times[1:]),
        "memory_bytes": peak_bytes() - imported,
        "neighbours": neighbours.cores(),
        "about": f"torch {torch.__version__}, threads: {torch.get_num_threads()}",
    }


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the exponent: the slope of a straight line through the logarithms, by least squares.

    >>> slope([1, 2, 4], [5, 10, 20])
    1.0
    """
    x, y = ([math.log(value) for value in values] for values in (sizes, costs))
    return statistics.linear_regression(x, y).slope


def table(figures: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return the lines of the table."""
    lines = ["| doubled | from | to | cost | at first | at last | slope | slope of the last doubling |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for axis, points in figures.items():
        values = AXES[axis]
        for cost, words in COSTS.items():
            costs = [point[cost] for point in points]
            scale = 1e-6 if cost.endswith("bytes") else 1.0
            shown = [f"{scale * value:.3g}" for value in (costs[0], costs[-1])]
            lines.append(
                f"| {axis} | {values[0]} | {values[-1]} | {words} | {shown[0]} | {shown[1]} "
                f"| {slope(values, costs):.2f} | {slope(values[-2:], costs[-2:]):.2f} |"
            )
    return lines


def draw(figures: dict[str, list[dict[str, Any]]], file: Path) -> None:
    """Plot every cost against its axis, both relative to the first point."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plot, panels = plt.subplots(1, len(COSTS), figsize=(11, 4), sharex=True, sharey=True, layout="constrained")
    for panel, (cost, words) in zip(panels, COSTS.items(), strict=True):
        widest = max(values[-1] / values[0] for values in AXES.values())
        panel.loglog([1, widest], [1, widest], "--", color="0.6", label="linear")
        for axis, points in figures.items():
            values, costs = AXES[axis], [point[cost] for point in points]
            label = f"{axis}, slope {slope(values, costs):.2f}"
            panel.loglog(
                [v / values[0] for v in values], [c / costs[0] for c in costs], "o-", markersize=4, label=label
            )
        panel.set_title(words.split(",")[0])
        panel.set_xlabel("times as much data")
        panel.set_xscale("log", base=2)
        panel.set_yscale("log", base=2)
        panel.grid(alpha=0.3)
        panel.legend(frameon=False, fontsize=8)
    panels[0].set_ylabel("times the cost")
    plot.savefig(file, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="inception", help="the network (default: %(default)s)")
    parser.add_argument("--point", help=argparse.SUPPRESS)  # what this program asks of itself in another process
    options = parser.parse_args()
    if options.point is not None:
        print(json.dumps(measure(options.encoder, json.loads(options.point))))
        return
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    figures: dict[str, list[dict[str, Any]]] = {axis: [] for axis in AXES}
    started = time.perf_counter()
    for axis, values in AXES.items():
        for value in values:
            point = json.dumps({**FIXED, axis: value})
            command = [sys.executable, __file__, "--encoder", options.encoder, "--point", point]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            figures[axis].append(json.loads(done.stdout.splitlines()[-1]))
            measured = figures[axis][-1]
            print(
                f"{axis} {value}: " + ", ".join(f"{cost} {measured[cost]:.4g}" for cost in (*COSTS, "neighbours")),
                flush=True,
            )
    lines = table(figures)
    print("\n" + "\n".join(lines) + f"\n\n{time.perf_counter() - started:.0f} s in all.")
    DOCS.mkdir(exist_ok=True)
    draw(figures, DOCS / "scaling.png")
    # Others who compute at the same time spoil the slopes, so the page says whether there were any.
    others = max(point["neighbours"] for points in figures.values() for point in points)
    fixed = ", ".join(f"{value} {axis}" for axis, value in FIXED.items())
    about = f"{platform.machine()} with {os.cpu_count()} cores, {figures['series'][0]['about']}"
    text = f"""# How cost grows

`python benchmarks/scaling.py` made this page: encoder `{options.encoder}`, batches of {BATCH}, one size doubled at a
time (else {fixed}). A slope of 1 says that twice the data cost twice as much.
Epochs are training in the default precision; memory is the peak of a fit and four predictions, less what the process
held after its imports. Measured on {about};
other processes used {others:.2f} cores at most.

"""
    (DOCS / "scaling.md").write_text(
        text + "\n".join(lines) + "\n\n![Costs over sizes, both logarithmic](scaling.png)\n"
    )


if __name__ == "__main__":
    main()
