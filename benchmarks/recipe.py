"""What each piece of the recipe for small learned networks is worth: one thing changed at a time.

    SEQCNN_DATA=... python benchmarks/recipe.py [--changes NAME ...] [--sets NAME ...] [--seeds 0 1] [--out FILE]
    python benchmarks/recipe.py --report [--base NAME] [--out FILE]

Training parts of UCR sets are split anew, by class, into records to learn from and records to answer for; the archive's
test parts are never opened. Every change sees the same splits, so that differences to the base are paired; --base names
another change to which they are taken, as one of "alone": five copies that are trained as `SeqCNNClassifier` trains one
network alone. Each line goes to FILE (recipe.jsonl) as one line of JSON as soon as it is there, so a run that was
broken off goes on where it stopped; the table is printed from that file. One thread; a run of all takes hours, one
change over all sets some minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from seqcnn.allocation import keep_freed_memory
from seqcnn.augment import SeriesAugmentation
from seqcnn.augment.series import SeriesAugmenter
from seqcnn.datasets import load_ucr
from seqcnn.descent import descend
from seqcnn.encoders import build_encoder
from seqcnn.estimators._settings import multiplies_bfloat16
from seqcnn.heads import CopiesHead, LinearHead
from seqcnn.layers import BinPool1d
from seqcnn.network import Network
from seqcnn.schedule import one_cycle
from seqcnn.stems import Normalize, Normalizer

SETS = {
    # Records to learn from and, at most, to answer for. What tells one recipe from another are many answers.
    "Crop": (480, 1000),
    "PhalangesOutlinesCorrect": (400, 800),
    "MiddlePhalanxTW": (240, 159),
    "MedicalImages": (200, 181),
    "TwoPatterns": (60, 800),
    "SwedishLeaf": (250, 250),
    "FaceAll": (250, 300),
    "ECG5000": (250, 250),
    "ChlorineConcentration": (300, 167),
    "Strawberry": (200, 413),
    "WordSynonyms": (150, 117),
    "CricketY": (200, 190),
    "Lightning7": (42, 28),
    "OSULeaf": (120, 80),
    "Fish": (105, 70),
    "Car": (36, 24),
    "LargeKitchenAppliances": (220, 155),
    "ACSF1": (60, 40),
    "PigAirwayPressure": (52, 52),
    "FordA": (300, 600),
    "OliveOil": (21, 9),
    "BirdChicken": (14, 6),
    "ShapeletSim": (14, 6),
    "ArrowHead": (25, 11),
    "Wine": (40, 17),
    "Herring": (45, 19),
    "ECG200": (70, 30),
    # Two records of each of 52 classes: the first halves are learnt from, the second ones answered for.
    "PigAirwayPressure, halves": (104, 104),
}
HALVES = ", halves"


@dataclass(frozen=True)
class Recipe:
    """How a network is made and trained; the defaults are the base that the changes are measured against.

    ``pooled_length`` sets the stride of an encoder that takes one, ``n_seen`` counts records, each time anew: steps are
    ``n_seen / batch_size``. ``n_steps`` makes that many instead, in batches of a sixteenth of the records, 8 to 64, and
    with ``room_for_classes`` of no fewer records than there are classes; at least 20 passes. ``averaged`` is the share
    of the steps, at the end, whose weights are averaged.
    """

    encoder: str = "h-inception"
    width: int | None = None
    depth: int | None = None
    pooled_length: int | None = 128
    pooling: str = "mean"
    n_bins: int = 1
    dropout: float = 0.0
    normalize: Normalize = "dataset"
    differences: bool = False
    n_copies: int = 1
    n_seen: int = 6000
    n_steps: int | None = None
    room_for_classes: bool = True
    batch_size: int = 16
    learning_rate: float = 0.003
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    averaged: float = 0.0
    augment: SeriesAugmentation | None = None


BASE = Recipe()
_ALONE = {"n_copies": 5, "n_steps": 1000, "learning_rate": 0.006}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "base": {},
    "LITE": {"encoder": "lite"},
    "Inception, 3 modules of 16": {"encoder": "inception", "width": 16, "depth": 3},
    "Inception, 6 modules of 32": {"encoder": "inception"},
    "FCN": {"encoder": "fcn"},
    "ResNet": {"encoder": "resnet"},
    "width 32": {"width": 32},
    "width 8": {"width": 8},
    "depth 2": {"depth": 2},
    "depth 6": {"depth": 6},
    "every step kept": {"pooled_length": None},
    "pooled to 64": {"pooled_length": 64},
    "pooled to 256": {"pooled_length": 256},
    "maximum over time": {"pooling": "max"},
    "2 bins": {"n_bins": 2},
    "3 bins": {"n_bins": 3},
    "dropout 0.3": {"dropout": 0.3},
    "each record normalized": {"normalize": "record"},
    "first differences beside": {"differences": True},
    "3,000 records seen": {"n_seen": 3000},
    "12,000 records seen": {"n_seen": 12000},
    "24,000 records seen": {"n_seen": 24000},
    "batch 8": {"batch_size": 8},
    "batch 32": {"batch_size": 32},
    "batch 64": {"batch_size": 64},
    "learning rate 0.0015": {"learning_rate": 0.0015},
    "learning rate 0.006": {"learning_rate": 0.006},
    "weight decay 0.1": {"weight_decay": 0.1},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "weights averaged": {"averaged": 0.25},
    "crop": {"augment": SeriesAugmentation(warp=0, crop=0.2)},
    "warp": {"augment": SeriesAugmentation(warp=0.2)},
    "amplitude": {"augment": SeriesAugmentation(warp=0, amplitude=0.2)},
    "noise": {"augment": SeriesAugmentation(warp=0, noise=0.1)},
    "mask": {"augment": SeriesAugmentation(warp=0, mask=0.2)},
    "mixup": {"augment": SeriesAugmentation(warp=0, mixing="mixup")},
    "cutmix": {"augment": SeriesAugmentation(warp=0, mixing="cutmix")},
    "learning rate 0.012": {"learning_rate": 0.012},
    "rate 0.006, 2 bins": {"learning_rate": 0.006, "n_bins": 2},
    "rate 0.006, 2 bins, smoothing 0.05": {"learning_rate": 0.006, "n_bins": 2, "label_smoothing": 0.05},
    "alone": _ALONE,
    "alone, 2 bins": {**_ALONE, "n_bins": 2},
    "alone, batches whatever the classes": {**_ALONE, "room_for_classes": False},
    "alone, 600 steps": {**_ALONE, "n_steps": 600},
    "alone, 2,000 steps": {**_ALONE, "n_steps": 2000},
    "alone, pooled to 512": {**_ALONE, "pooled_length": 512},
    "alone, width 32": {**_ALONE, "width": 32},
    "alone, depth 6": {**_ALONE, "depth": 6},
    "alone, each step shifted": {**_ALONE, "normalize": "step"},
    "24,000 seen, warp and cutmix": {"n_seen": 24000, "augment": SeriesAugmentation(mixing="cutmix")},
}


def split(name: str, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return records to learn from, their classes, records to answer for, and theirs: all of the training part."""
    X, labels = load_ucr(name.removesuffix(HALVES), "train")
    y = np.unique(labels, return_inverse=True)[1]
    if name.endswith(HALVES):
        values, classes = torch.from_numpy(np.asarray(X, np.float32))[:, None], torch.from_numpy(y)
        first, second = values.chunk(2, dim=2)
        return first.contiguous(), classes, second.contiguous(), classes
    generator = np.random.default_rng([seed, len(y)])
    # Taken from every class in proportion: a record's place is its share of the way through its class.
    place = np.empty(len(y))
    for rows in (generator.permutation(np.flatnonzero(y == c)) for c in range(y.max() + 1)):
        place[rows] = (np.arange(len(rows)) + generator.random()) / len(rows)
    n_learnt, n_answered = SETS[name]
    order = np.argsort(place, kind="stable")
    learnt, answered = order[:n_learnt], generator.permutation(order[n_learnt:])[:n_answered]
    values, classes = torch.from_numpy(np.asarray(X, np.float32))[:, None], torch.from_numpy(y)
    return values[learnt], classes[learnt], values[answered], classes[answered]


def build(recipe: Recipe, x: torch.Tensor, n_classes: int) -> Network:
    """Build a network for records ``(n, channels, time)``."""
    stem = Normalizer(x.shape[1], recipe.normalize, n_steps=x.shape[2] if recipe.normalize == "step" else 1)
    stem.learn(list(x.numpy()), np.ones(len(x)))
    parameters = {name: value for name in ("width", "depth") if (value := getattr(recipe, name)) is not None}
    if recipe.encoder == "h-inception" and recipe.pooled_length is not None:
        parameters["stride"] = max(1, round(x.shape[2] / recipe.pooled_length))
    if recipe.n_copies > 1:
        parameters["n_copies"] = recipe.n_copies
    encoder = build_encoder(recipe.encoder, x.shape[1], parameters, caller="recipe.py")
    pooling = BinPool1d("max" if recipe.pooling == "max" else "mean", recipe.n_bins)
    n_features = encoder.out_channels * recipe.n_bins
    head: LinearHead
    if recipe.n_copies > 1:
        head = CopiesHead(n_features, n_classes, n_copies=recipe.n_copies, dropout=recipe.dropout)
    else:
        head = LinearHead(n_features, n_classes, dropout=recipe.dropout)
    return Network(stem, encoder, pooling, head)


def draw_rows(n: int, batch_size: int, n_steps: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the rows of each step: every record as often as every other, in an order that is always new."""
    rows = np.empty(0, np.int64)
    for _ in range(n_steps):
        while len(rows) < batch_size:
            rows = np.concatenate([rows, generator.permutation(n)])
        batch, rows = rows[:batch_size], rows[batch_size:]
        yield batch


def train(network: Network, x: torch.Tensor, y: torch.Tensor, n_classes: int, recipe: Recipe, seed: int) -> None:
    """Train in place; a scratch of seqcnn.training.train that can also do what is measured and not (yet) built in."""
    generator = np.random.default_rng(seed)
    batch_size = min(recipe.batch_size, len(x))
    n_steps = max(1, recipe.n_seen // batch_size)
    if recipe.n_steps is not None:
        wanted_size = max(len(x) // 16, n_classes if recipe.room_for_classes else 0)
        batch_size = min(int(np.clip(wanted_size, 8, 64)), len(x))
        n_steps = max(recipe.n_steps, 20 * math.ceil(len(x) / batch_size))
    change = None
    if recipe.augment is not None:
        change = SeriesAugmenter(recipe.augment, n_classes=n_classes)
    mean: dict[str, torch.Tensor] | None = None
    n_averaged = 0
    network.train()
    with (
        keep_freed_memory(),
        descend(
            network, weight_decay=recipe.weight_decay, max_gradient_norm=5.0 * math.sqrt(recipe.n_copies)
        ) as descent,
    ):
        for step, rows in enumerate(draw_rows(len(x), batch_size, n_steps, generator)):
            batch, wanted = x[rows], F.one_hot(y[rows], n_classes).float()
            if change is not None:
                batch, _, wanted, _ = change(batch, None, wanted, torch.ones(len(rows)), generator)
            with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16(torch.device("cpu"))):
                scores = network(batch)
            if recipe.n_copies > 1:  # the sum of what each would descend on
                scores, wanted = scores.flatten(0, 1), wanted.repeat_interleave(recipe.n_copies, 0)
            loss = recipe.n_copies * F.cross_entropy(scores.float(), wanted, label_smoothing=recipe.label_smoothing)
            descent.step(loss, recipe.learning_rate * one_cycle(step / n_steps))
            if step >= n_steps * (1 - recipe.averaged):
                n_averaged += 1
                now = network.state_dict()
                if mean is None:
                    mean = {name: value.clone() for name, value in now.items()}
                for name, value in now.items():
                    if value.is_floating_point():
                        mean[name].lerp_(value, 1 / n_averaged)
    if mean is not None:
        network.load_state_dict(mean)
    network.eval()


def measure(name: str, seed: int, recipe: Recipe) -> dict[str, Any]:
    """Train on one split of one set, and answer."""
    x, y, x_answered, y_answered = split(name, seed)
    if recipe.differences:
        x, x_answered = (torch.cat([v, F.pad(v.diff(dim=2), (1, 0))], 1) for v in (x, x_answered))
    n_classes = int(max(y.max(), y_answered.max())) + 1
    torch.manual_seed(seed)
    started, started_cpu = time.perf_counter(), time.process_time()
    network = build(recipe, x, n_classes)
    train(network, x, y, n_classes, recipe, seed)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
    with torch.inference_mode():
        scores = torch.cat([network(part) for part in x_answered.split(64)])
    return {
        "accuracy": float((scores.argmax(1) == y_answered).double().mean()),
        "log_loss": float(F.cross_entropy(scores, y_answered)),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "n_learnt": len(x),
        "n_answered": len(x_answered),
        "length": x.shape[2],
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
    }


def read(out: Path) -> list[dict[str, Any]]:
    """Return the lines there are."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def report(rows: list[dict[str, Any]], base: str) -> str:
    """Return the table: differences to a change over the same sets and seeds, with their standard error over sets."""
    by_change: dict[str, dict[tuple[str, int], dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        by_change[row["change"]][row["set"], row["seed"]] = row
    to = "to the base" if base == "base" else f"to {base}"
    lines = [
        f"| change | sets | seeds | accuracy, % | {to} | log-loss | {to} | seconds of a processor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for change in CHANGES:
        both = sorted(by_change[change].keys() & by_change[base].keys())
        if not both:
            continue
        differences = {
            kind: _over_sets({key: by_change[change][key][kind] - by_change[base][key][kind] for key in both})
            for kind in ("accuracy", "log_loss")
        }
        means = {kind: fmean(by_change[change][key][kind] for key in both) for kind in ("accuracy", "log_loss")}
        seconds = fmean(by_change[change][key]["cpu_seconds"] for key in both)
        gain, error = (100 * value for value in differences["accuracy"])
        more, error_of_loss = differences["log_loss"]
        beside = ("", "") if change == base else (f"{gain:+.2f} ± {error:.2f}", f"{more:+.3f} ± {error_of_loss:.3f}")
        lines.append(
            f"| {change} | {len({name for name, _ in both})} | {len({seed for _, seed in both})} | "
            f"{100 * means['accuracy']:.2f} | {beside[0]} | {means['log_loss']:.3f} | {beside[1]} | {seconds:.1f} |"
        )
    return "\n".join(lines)


def _over_sets(differences: dict[tuple[str, int], float]) -> tuple[float, float]:
    """Return the mean and its standard error over sets, the seeds of a set averaged."""
    of_sets: dict[str, list[float]] = defaultdict(list)
    for (name, _), difference in differences.items():
        of_sets[name].append(difference)
    means = [fmean(values) for values in of_sets.values()]
    return fmean(means), stdev(means) / math.sqrt(len(means)) if len(means) > 1 else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", nargs="+", choices=list(CHANGES), default=list(CHANGES), metavar="NAME")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--out", type=Path, default=Path("recipe.jsonl"))
    parser.add_argument("--base", choices=list(CHANGES), default="base", metavar="NAME", help="what others differ from")
    parser.add_argument("--report", action="store_true", help="only print the table")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if not arguments.report:
        done = {(row["change"], row["set"], row["seed"]) for row in read(arguments.out)}
        wanted = [
            (change, name, seed) for seed in arguments.seeds for change in arguments.changes for name in arguments.sets
        ]
        for change, name, seed in wanted:
            if (change, name, seed) in done:
                continue
            row = {"change": change, "set": name, "seed": seed} | measure(name, seed, replace(BASE, **CHANGES[change]))
            with arguments.out.open("a") as lines:
                lines.write(json.dumps(row) + "\n")
            print(f"{change}, {name}, seed {seed}: {row['accuracy']:.3f} in {row['seconds']:.0f} s", flush=True)
    print(report(read(arguments.out), arguments.base))


if __name__ == "__main__":
    main()
