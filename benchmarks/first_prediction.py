"""From ``import seqcnn`` to the first prediction of a wav file with a saved model, against what Python needs anyway.

    python benchmarks/first_prediction.py [--turns 7] [--encoder m5]

A small model is fitted and saved. Then two programs take turns, each in a fresh process: one loads the model and
predicts one file, the other only imports torch, scikit-learn and pandas. Each takes its own time, without the start of
the interpreter; the medians and the median of the turns' ratios are printed. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_spoken_tones, write_wav_folder

OURS = "import seqcnn; seqcnn.load(sys.argv[1]).predict([sys.argv[2]])"
THEIRS = "import torch, sklearn, pandas"
ROOT = Path(__file__).parent.parent


def seconds_of(code: str, *arguments: str) -> float:
    """Run code in a fresh process, and return the seconds that it took by its own clock."""
    timed = f"import sys, time; began = time.perf_counter(); {code}; print(time.perf_counter() - began)"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", timed, *arguments]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--encoder", default="m5")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        waves, words = make_spoken_tones(24, random_state=0)
        files = [str(path) for path in write_wav_folder(f"{folder}/words", waves, words, sample_rate=8000)]
        model = f"{folder}/words.seqcnn"
        SeqCNNClassifier(asked.encoder, max_epochs=1, random_state=0).fit(files, words).save(model)
        for code in (THEIRS, OURS):
            seconds_of(code, model, files[0])  # what is read from the disk, and compiled, for the first time
        turns = [(seconds_of(OURS, model, files[0]), seconds_of(THEIRS)) for _ in range(asked.turns)]
    ours, theirs = (statistics.median(times) for times in zip(*turns, strict=True))
    ratio = statistics.median(one / other for one, other in turns)
    print(f"import to first prediction with {asked.encoder}: {ours:.2f} s")
    print(f"{THEIRS}: {theirs:.2f} s")
    print(f"ratio (median of {asked.turns} turns): {ratio:.2f}")


if __name__ == "__main__":
    main()
