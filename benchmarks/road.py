"""The whole road on real data: series, text and audio with default settings; and what importing costs.

    SEQCNN_DATA=... python benchmarks/road.py [fsdd] [ag_news] [ucr] [imports] [--seeds 0 1] [--out FILE] [--fresh]

Each measured line goes to FILE as one line of JSON as soon as it is there, so a run that was broken off goes on where
it stopped (``--fresh`` starts anew), and the tables are printed from that file. Fits use the training part alone; the
test part is touched once a run, by ``score``. Times are those of ``fit`` (with reading the files) and of ``score``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

UCR_SETS = {
    # InceptionTime's accuracy on the default split (mean of five networks, 1500 epochs), from the published results of
    # the archive's bake-off (Middlehurst, Schäfer and Bagnall 2024, arXiv 2304.13029).
    "ArrowHead": 0.8629,
    "ECG200": 0.9100,
    "ECG5000": 0.9416,
    "FaceFour": 0.9545,
    "GunPoint": 1.0000,
    "ItalyPowerDemand": 0.9660,
    "SwedishLeaf": 0.9696,
    "SyntheticControl": 0.9967,
    "TwoPatterns": 1.0000,
}
IMPORT_RUNS = 7


def measure(
    work: str, name: str, seed: int, load: Callable[[str], tuple[Any, Any]], **parameters: Any
) -> dict[str, Any]:
    """Fit on the training part and score on the test part once."""
    from seqcnn import SeqCNNClassifier

    X_train, y_train = load("train")
    X_test, y_test = load("test")
    classifier = SeqCNNClassifier(random_state=seed, verbose=1, **parameters)
    started = time.perf_counter()
    classifier.fit(X_train, y_train)
    fitted = time.perf_counter()
    accuracy = float(classifier.score(X_test, y_test))
    return {
        "work": work,
        "name": name,
        "seed": seed,
        "encoder": type(classifier.encoder_).__name__,
        "parameters": sum(parameter.numel() for parameter in classifier.network_.parameters()),
        "n_train": len(y_train),
        "n_test": len(y_test),
        "epochs": len(classifier.history_),
        "accuracy": accuracy,
        "fit_seconds": round(fitted - started, 1),
        "score_seconds": round(time.perf_counter() - fitted, 1),
    }


def plan(works: list[str], seeds: list[int]) -> Iterator[tuple[str, str, int, Callable[[], dict[str, Any]]]]:
    """Yield what is to be measured: work, name, seed, and how."""
    from seqcnn.datasets import load_ag_news, load_fsdd, load_ucr

    for seed in seeds:
        if "fsdd" in works:
            yield "fsdd", "FSDD", seed, lambda seed=seed: measure("fsdd", "FSDD", seed, load_fsdd, encoder="m11")
        if "ucr" in works:
            for name in UCR_SETS:

                def load(split: str, name: str = name) -> tuple[Any, Any]:
                    return load_ucr(name, split)

                # One learned network is asked for by name: "auto" would treat the shortest set as tiny.
                yield (
                    "ucr",
                    name,
                    seed,
                    lambda name=name, seed=seed, load=load: measure("ucr", name, seed, load, encoder="inception"),
                )
        if "ag_news" in works:
            yield "ag_news", "AG News", seed, lambda seed=seed: measure("ag_news", "AG News", seed, load_ag_news)
    if "imports" in works:
        yield "imports", "imports", 0, measure_imports


def measure_imports() -> dict[str, Any]:
    """Time ``import seqcnn`` and ``import torch`` in fresh processes, by turns, less the interpreter's own start."""
    seconds: dict[str, list[float]] = {"pass": [], "import seqcnn": [], "import torch": []}
    for _ in range(IMPORT_RUNS):
        for code, times in seconds.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - started)
    median = {code: statistics.median(times) for code, times in seconds.items()}
    own, torch = (median[code] - median["pass"] for code in ("import seqcnn", "import torch"))
    heavy = ["torch", "matplotlib", "torchaudio", "soundfile", "sklearn", "pandas", "numpy"]
    check = f"import seqcnn, sys; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True).stdout.strip()
    return {
        "work": "imports",
        "name": "imports",
        "seed": 0,
        "seqcnn_ms": round(own * 1000, 1),
        "torch_ms": round(torch * 1000, 1),
        "ratio": round(own / torch, 4),
        "runs": IMPORT_RUNS,
        "loaded": loaded,
    }


def machine() -> str:
    """Say what this was measured on."""
    import sklearn
    import torch

    capabilities = torch.cpu.get_capabilities()
    special = [name for name in ("amx_bf16", "avx512_bf16", "avx512_f", "avx2") if capabilities.get(name)]
    return (
        f"{capabilities.get('cpu_name', platform.processor())}, {os.cpu_count()} cores "
        f"({', '.join(special)}), torch {torch.__version__} on {torch.get_num_threads()} threads, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
    )


def report(rows: list[dict[str, Any]]) -> None:
    """Print the tables."""
    print(f"\nMachine: {machine()}")
    fits = [row for row in rows if row["work"] != "imports"]
    if fits:
        print("\n| data | split | seed | encoder | parameters | epochs | accuracy | fit s | score s |")
        print("|---|---|---|---|---|---|---|---|---|")
    for row in fits:
        print(
            f"| {row['name']} | official, {row['n_train']} / {row['n_test']} | {row['seed']} | {row['encoder']} "
            f"| {row['parameters']:,} | {row['epochs']} | {100 * row['accuracy']:.2f} % | {row['fit_seconds']:.0f} "
            f"| {row['score_seconds']:.0f} |"
        )
    for seed in sorted({row["seed"] for row in fits}):
        by_set = {row["name"]: row for row in fits if row["work"] == "ucr" and row["seed"] == seed}
        if set(by_set) == set(UCR_SETS):
            ours = statistics.mean(row["accuracy"] for row in by_set.values())
            theirs = statistics.mean(UCR_SETS.values())
            slowest = max(row["fit_seconds"] + row["score_seconds"] for row in by_set.values())
            print(
                f"\nNine UCR sets, seed {seed}: mean {100 * ours:.2f} % (InceptionTime, five networks, published: "
                f"{100 * theirs:.2f} %, difference {100 * (ours - theirs):+.2f} points); slowest set {slowest:.0f} s."
            )
    for row in rows:
        if row["work"] == "imports":
            print(
                f"\nimport seqcnn {row['seqcnn_ms']} ms, import torch {row['torch_ms']} ms, ratio {row['ratio']} "
                f"(medians of {row['runs']}, interpreter start taken off); heavy packages loaded: {row['loaded']}"
            )


def main() -> None:
    works = ["fsdd", "ucr", "ag_news", "imports"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", choices=[*works, []], help="what to measure; all if none is named")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--out", type=Path, default=Path("road.jsonl"))
    parser.add_argument("--fresh", action="store_true", help="forget what the file holds")
    options = parser.parse_args()
    if options.fresh:
        options.out.unlink(missing_ok=True)
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    done = {(row["work"], row["name"], row["seed"]) for row in rows}
    for work, name, seed, run in plan(options.works or works, options.seeds):
        if (work, name, seed) in done:
            continue
        rows.append(run())
        with options.out.open("a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(json.dumps(rows[-1]), flush=True)
    report(rows)


if __name__ == "__main__":
    main()
