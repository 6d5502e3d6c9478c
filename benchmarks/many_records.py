"""Fixed kernels, or a committee, on very many records: seconds, and the most memory the process used.

    python benchmarks/many_records.py [--records 30 1000 10000 100000] [--encoder minirocket] [--preset quick]

Generated bursts of ten pitches at any place, 150 steps, in noise; 2,000 fresh ones are scored. Each size has a process
of its own, so that memory is its own, too: "before" is what it held with the data and after a small fit, "peak" the
most until the fit was done. What is said of records left out stands beside the score of the fresh ones.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

N_STEPS, N_CLASSES, N_FRESH = 150, 10, 2000


def make_bursts(n_records: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return records ``(n_records, 150)`` and their classes."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, N_CLASSES, n_records)
    places = np.linspace(0, 1, N_STEPS, dtype=np.float32) - generator.uniform(0, 0.7, (n_records, 1)).astype(np.float32)
    bursts = np.sin(2 * np.pi * (3 + classes[:, None]) * places) * np.exp(-np.square((places - 0.15) / 0.1))
    return (bursts + 0.8 * generator.standard_normal(places.shape, dtype=np.float32)).astype(np.float32), classes


def measure(n_records: int, encoder: str, preset: str) -> dict[str, object]:
    """Fit in this process."""
    from seqcnn import SeqCNNClassifier

    X, y = make_bursts(n_records + N_FRESH, 0)
    SeqCNNClassifier("minirocket", random_state=0, encoder__n_features=84).fit(X[:100], y[:100])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, computed = time.perf_counter(), time.process_time()
    classifier = SeqCNNClassifier(encoder, preset=preset, random_state=0).fit(X[:n_records], y[:n_records])
    seconds, processor = time.perf_counter() - started, time.process_time() - computed
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    committee = getattr(classifier, "committee_", None)
    return {
        "records": n_records,
        "seconds": round(seconds, 1),
        "processor": round(processor, 1),
        "before_mb": before // 1000,
        "peak_mb": peak // 1000,
        "left_out": None
        if committee is not None
        else round(float(classifier.history_["validation_score"].iloc[-1]), 4),
        "fresh": round(classifier.score(X[n_records:], y[n_records:]), 4),
        "members": None if committee is None else committee.round(3).to_dict("records"),
    }


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", nargs="+", type=int, default=[30, 1000, 10_000, 100_000])
    parser.add_argument("--encoder", default="minirocket", help='"auto" is a committee')
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.records[0], options.encoder, options.preset)))
        return
    for n_records in options.records:
        own = ["--here", "--records", str(n_records), "--encoder", options.encoder, "--preset", options.preset]
        done = subprocess.run([sys.executable, __file__, *own], check=True, capture_output=True, text=True)
        print(done.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
