"""How long windows of C-MAPSS FD001 should be, and what the history is worth, by cross-validation over engines.

    SEQCNN_DATA=... python benchmarks/engines.py [--windows 30 40 50 60 80] [--with-history]
                                                 [--encoder fourier lenet] [--seed 0] [--out FILE]
    python benchmarks/engines.py --report [--out FILE]

The 100 engines of the training split are dealt into four parts of 25 by chance; what was fitted without a part is asked
about all windows of it. A window that begins before its engine's record does is filled up with the first cycle. The
error is the root of the mean square over all windows, lives capped at 125 cycles; the test split is never opened. Each
line of JSON goes to FILE (engines.jsonl) as soon as it is there, so a run that was broken off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers import processor

from seqcnn import SeqCNNRegressor
from seqcnn.datasets import load_cmapss

N_PARTS = 4


def measure(window_length: int, with_history: bool, encoder: list[str], part: int, seed: int) -> dict[str, Any]:
    """Fit without a part of the engines, and return the error on it."""
    X, y, engines = load_cmapss("train", window_length=window_length, with_history=with_history, return_groups=True)
    dealt = np.random.default_rng(seed).permutation(np.unique(engines))
    asked = np.isin(engines, dealt[part::N_PARTS])
    started = time.process_time()
    regressor = SeqCNNRegressor(encoder, random_state=seed)
    regressor.fit(X[~asked], y[~asked], groups=engines[~asked])
    seconds = time.process_time() - started
    errors = regressor.predict(X[asked]) - y[asked]
    return {
        "window_length": window_length,
        "with_history": with_history,
        "encoder": "+".join(encoder),
        "part": part,
        "seed": seed,
        "rmse": float(np.sqrt(np.square(errors).mean())),
        "cpu_seconds": seconds,
        "weights": dict(regressor.committee_[["member", "weight"]].itertuples(index=False)),
    }


def report(rows: list[dict[str, Any]]) -> None:
    """Print a line a window and encoder."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        key = row["encoder"], row["with_history"], row["window_length"], row["seed"]
        groups.setdefault(key, []).append(row)
    parts = " | ".join(f"part {part + 1}" for part in range(N_PARTS))
    print(f"| encoder | history | cycles | seed | {parts} | RMSE of all | seconds of a processor a fit |")
    print("|---|" + "---|" * (N_PARTS + 5))
    for (encoder, with_history, window_length, seed), found in sorted(groups.items()):
        errors = {row["part"]: row["rmse"] for row in found}
        each = " | ".join(f"{errors[part]:.2f}" if part in errors else "" for part in range(N_PARTS))
        # Every part counts the same.
        mean = np.sqrt(np.mean(np.square(list(errors.values()))))
        seconds = np.mean([row["cpu_seconds"] for row in found])
        setting = f"{encoder} | {'yes' if with_history else 'no'} | {window_length} | {seed}"
        print(f"| {setting} | {each} | {mean:.2f} | {seconds:.0f} |")


def main() -> None:
    """Measure what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, nargs="+", default=[30, 40, 50, 60, 80])
    parser.add_argument("--with-history", action="store_true", help="means and age so far are channels, too")
    parser.add_argument("--encoder", nargs="+", default=["fourier", "lenet"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("engines.jsonl"))
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.is_file() else []
    known = {(row["window_length"], row["with_history"], row["encoder"], row["part"], row["seed"]) for row in rows}
    wanted = [] if options.report else [(length, part) for part in range(N_PARTS) for length in options.windows]
    torch.set_num_threads(1)
    for length, part in wanted:
        if (length, options.with_history, "+".join(options.encoder), part, options.seed) in known:
            continue
        rows.append(measure(length, options.with_history, options.encoder, part, options.seed))
        line = json.dumps(rows[-1])
        print(line, flush=True)
        with options.out.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    print(f"Machine: {processor()}, {os.cpu_count()} cores, one thread.\n")
    report(rows)


if __name__ == "__main__":
    main()
