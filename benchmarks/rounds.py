"""What a trained member is worth to a committee after each round of its training, inside the training parts.

    SEQCNN_DATA=... python benchmarks/rounds.py [--sets NAME ...] [--encoder h-inception] [--epochs 2.0] [--out FILE]
    python benchmarks/rounds.py --report [--out FILE]

The fixed members and the copies of the encoder are fitted to the training part of each set, of `--epochs` times the
default's length with a round at an eighth, a quarter, a half and the end; nothing is given up. After each round stands
what the copies say of the records that they did not learn: their log-loss as a multiple of that of the fixed members
together, the weight they would have, and by how many nats over all records the committee is better for them. The
archive's test parts are never opened. Each line goes to FILE (rounds.jsonl) as soon as it is there, so a run that was
broken off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from peers import processor

from seqcnn import SeqCNNClassifier
from seqcnn._types import Float64Array
from seqcnn.datasets import load_ucr
from seqcnn.estimators import _members
from seqcnn.estimators._committee import CommitteeFit
from seqcnn.estimators._race import Race
from seqcnn.estimators._settings import Settings
from seqcnn.training import Verdict

FIXED = ("multirocket", "hydra", "minirocket", "shapelets", "quant", "fourier")
N_ROUNDS = 4
SETS = [
    "DistalPhalanxTW",
    "ProximalPhalanxTW",
    "SyntheticControl",
    "ToeSegmentation1",
    "Lightning7",
    "SonyAIBORobotSurface2",
    "ECG200",
    "SwedishLeaf",
    "WordSynonyms",
    "ChlorineConcentration",
    "MedicalImages",
    "Wine",
    "GunPointAgeSpan",
    "ArrowHead",
    "UMD",
    "MiddlePhalanxOutlineCorrect",
    "CricketY",
    "FaceAll",
    "Strawberry",
    "ECG5000",
]


class Watched(Race):
    """A race that nobody leaves, and that says how it goes."""

    told: ClassVar[list[dict[str, float]]] = []

    def judge(self, answers: Float64Array) -> Verdict:
        """Write down how it stands."""
        without, _ = self._measure(self._others, self._known)
        alone, _ = self._measure([answers], self._known)
        together, weights = self._measure([*self._others, answers], self._known)
        self.told.append(
            {
                "log_loss": round(float(alone.mean()), 4),
                "times_the_others": round(float(alone.sum() / without.sum()), 2),
                "weight": round(float(weights[-1]), 3),
                "nats_without": round(float(without.sum()), 2),
                "nats": round(float(together.sum()), 2),
                "at": time.process_time(),
            }
        )
        return Verdict(keeps=True, goes_on=True)


class Long(CommitteeFit):
    """Trains for so many times the usual epochs, in so many rounds, to the end."""

    epochs: ClassVar[float] = 2.0
    begun: ClassVar[float] = 0.0

    def _race(self) -> Race:
        return Watched(self._target, self._examples.weights, [one.answers for one in self._fitted])

    def _train_for(self, settings: Settings, n_parts: int) -> Settings:
        training = settings.training
        n_epochs = round(self.epochs * training.max_epochs)
        type(self).begun = time.process_time()
        return replace(settings, training=replace(training, max_epochs=n_epochs, n_rounds=N_ROUNDS))


def measure(name: str, encoder: str, epochs: float) -> dict[str, Any]:
    """Return the line of a set."""
    Watched.told.clear()
    Long.epochs = epochs
    X, y = load_ucr(name, "train")
    SeqCNNClassifier([*FIXED, encoder], random_state=0).fit(X, y)
    rounds = [one | {"seconds": round(one.pop("at") - Long.begun, 1)} for one in map(dict, Watched.told)]
    machine = f"{processor()}, {os.cpu_count()} cores"
    return {"set": name, "encoder": encoder, "epochs": epochs, "n": len(y), "rounds": rounds, "machine": machine}


def report(lines: list[dict[str, Any]]) -> str:
    """Return the table: of each round the multiple of the others' log-loss, the weight, and the nats won."""
    shares = [f"{0.5**halvings * 100:g} %" for halvings in reversed(range(N_ROUNDS))]
    rows = [
        "| set | encoder | records | nats without | " + " | ".join(shares) + " | seconds |",
        "|---|---|---|---|" + "---|" * (N_ROUNDS + 1),
    ]
    for line in lines:
        rounds = line["rounds"]
        cells = [
            f"{one['times_the_others']:.1f} x, {one['weight']:.2f}, {won:+.1f}"
            for one in rounds
            for won in [one["nats_without"] - one["nats"]]
        ]
        seconds = f"{rounds[-1]['seconds']:.0f}"
        facts = [line["set"], line["encoder"], str(line["n"]), f"{rounds[0]['nats_without']:.1f}"]
        rows.append("| " + " | ".join([*facts, *cells, seconds]) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="NAME")
    parser.add_argument("--encoder", default="h-inception", help="one that has copies")
    parser.add_argument("--epochs", type=float, default=2.0, help="times those of the default")
    parser.add_argument("--out", type=Path, default=Path("rounds.jsonl"), metavar="FILE")
    parser.add_argument("--report", action="store_true", help="run nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    text = options.out.read_text(encoding="utf-8") if options.out.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    done = {(line["set"], line["encoder"], line["epochs"]) for line in lines}
    _members.CommitteeFit = Long  # type: ignore[misc]
    for name in options.sets:
        if options.report or (name, options.encoder, options.epochs) in done:
            continue
        lines.append(measure(name, options.encoder, options.epochs))
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(lines[-1]) + "\n")
        print(json.dumps(lines[-1]), flush=True)
    print(f"Multiple of the others' log-loss, weight, nats won by round.\n\n{report(lines)}")


if __name__ == "__main__":
    main()
