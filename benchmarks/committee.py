"""What the members of a committee are worth, and how they are weighed, inside the training parts of the UCR archive.

    SEQCNN_DATA=... python benchmarks/committee.py [--members NAME ...] [--sets NAME ...] [--seeds 0 1] [--out FILE]
    python benchmarks/committee.py --report [--out FILE]

Training parts are split anew, by class, into 70 % to learn from (700 records at most) and the rest to answer for (1,000
at most); the archive's test parts are never opened. Each member is fitted once, and every rule combines the same
members, so that differences are paired. Each line goes to FILE (committee.jsonl) as one line of JSON as soon as it is
there, so a run that was broken off goes on where it stopped; the tables are printed from that file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from seqcnn import SeqCNNClassifier
from seqcnn._types import Float64Array, IntegerArray
from seqcnn.datasets import load_ucr
from seqcnn.estimators import _members
from seqcnn.estimators._committee import CommitteeFit, CommitteeResult, Fitted
from seqcnn.weighting import drop_little, weigh_by_likelihood

MEMBERS = ("multirocket", "hydra", "minirocket", "shapelets", "quant", "fourier", "weasel")
SETS = [
    "ArrowHead",
    "BME",
    "Beef",
    "BirdChicken",
    "CBF",
    "Car",
    "ChlorineConcentration",
    "Coffee",
    "CricketY",
    "CricketZ",
    "DistalPhalanxOutlineAgeGroup",
    "DistalPhalanxOutlineCorrect",
    "DistalPhalanxTW",
    "ECG200",
    "ECG5000",
    "FaceAll",
    "FaceFour",
    "Fish",
    "GunPoint",
    "GunPointAgeSpan",
    "Herring",
    "ItalyPowerDemand",
    "Lightning7",
    "MedicalImages",
    "MiddlePhalanxOutlineAgeGroup",
    "MiddlePhalanxOutlineCorrect",
    "MiddlePhalanxTW",
    "OSULeaf",
    "OliveOil",
    "PhalangesOutlinesCorrect",
    "ProximalPhalanxTW",
    "ShapeletSim",
    "SmoothSubspace",
    "Strawberry",
    "SwedishLeaf",
    "SyntheticControl",
    "ToeSegmentation1",
    "TwoPatterns",
    "UMD",
    "Wafer",
    "Wine",
    "WordSynonyms",
    "Crop",
]
MOST_TO_LEARN, MOST_TO_ANSWER = 700, 1000

Rule = Callable[[Sequence[Float64Array], IntegerArray, Sequence[bool]], Float64Array]
"""From what members say, the known answers, and which members are trusted, to weights."""


def weigh_equally(answers: Sequence[Float64Array], positions: IntegerArray, trusted: Sequence[bool]) -> Float64Array:
    """Give every member the same weight."""
    return np.full(len(answers), 1 / len(answers))


def weigh_by_accuracy(
    answers: Sequence[Float64Array], positions: IntegerArray, trusted: Sequence[bool]
) -> Float64Array:
    """Weigh by the fourth power of the accuracy (Large, Lines and Bagnall 2019, the HIVE-COTE family's rule)."""
    weights: Float64Array = np.array([float((answer.argmax(1) == positions).mean()) ** 4 for answer in answers])
    return weights / weights.sum() if weights.any() else weigh_equally(answers, positions, trusted)


def take_the_best(answers: Sequence[Float64Array], positions: IntegerArray, trusted: Sequence[bool]) -> Float64Array:
    """Take the member whose answers are the likeliest."""
    losses = [-np.log(answer[np.arange(len(positions)), positions].clip(1e-12)).mean() for answer in answers]
    return np.eye(len(answers))[int(np.argmin(losses))]


def weigh_as_shipped(answers: Sequence[Float64Array], positions: IntegerArray, trusted: Sequence[bool]) -> Float64Array:
    """Weigh as a committee does."""
    rows = np.arange(len(positions))
    likelihoods = [answer[rows, positions] for answer in answers]
    return drop_little(weigh_by_likelihood(likelihoods, np.ones(len(rows)), trusted))


def weigh_with_trust_in_all(
    answers: Sequence[Float64Array], positions: IntegerArray, trusted: Sequence[bool]
) -> Float64Array:
    """Weigh as a committee does whose members are all trusted."""
    return weigh_as_shipped(answers, positions, [True] * len(trusted))


RULES: Mapping[str, Rule] = {
    "likelihood (shipped)": weigh_as_shipped,
    "likelihood, trust in all": weigh_with_trust_in_all,
    "equal": weigh_equally,
    "accuracy to the fourth": weigh_by_accuracy,
    "the best one": take_the_best,
}


class _Witness(CommitteeFit):
    """Keeps every member, also those that get no weight."""

    fitted: Sequence[Fitted] = ()

    def _join(self, fitted: Sequence[Fitted]) -> CommitteeResult:
        _Witness.fitted = fitted
        return super()._join(fitted)


def split(labels: Any, seed: int) -> tuple[IntegerArray, IntegerArray]:
    """Return which records are learnt from and which are answered for: both of every class that has two."""
    generator = np.random.default_rng([seed, len(labels)])
    learnt, answered = [], []
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        n_learnt = min(max(1, round(0.7 * len(rows))), max(1, len(rows) - 1))
        learnt.append(rows[:n_learnt])
        answered.append(rows[n_learnt:])
    first, second = (generator.permutation(np.concatenate(part)) for part in (learnt, answered))
    return np.sort(first[:MOST_TO_LEARN]), np.sort(second[:MOST_TO_ANSWER])


def judge(probabilities: Float64Array, positions: IntegerArray) -> dict[str, float]:
    """Return accuracy and mean log-loss."""
    likelihood = probabilities[np.arange(len(positions)), positions].clip(1e-6)
    return {
        "accuracy": float((probabilities.argmax(1) == positions).mean()),
        "log_loss": float(-np.log(likelihood).mean()),
    }


def measure(name: str, seed: int, members: Sequence[str]) -> dict[str, Any]:
    """Fit the members on one split, and judge each of them, and every rule."""
    X, y = load_ucr(name, "train")
    learnt, answered = split(y, seed)
    X_learnt, X_answered = ([X[row] for row in rows] for rows in (learnt, answered))
    started = time.perf_counter()
    classifier = SeqCNNClassifier(list(members), random_state=seed).fit(X_learnt, y[learnt])
    seconds = time.perf_counter() - started
    fitted = _Witness.fitted
    records = classifier._read(X_answered)
    said = []
    for one in fitted:
        models = [replace(classifier.model_, network=network) for network in one.networks]
        said.append(np.mean([model.score_records(records, caller="committee.py") for model in models], axis=0))
    known, wanted = (np.searchsorted(classifier.classes_, y[rows]) for rows in (learnt, answered))
    line: dict[str, Any] = {"set": name, "seed": seed, "members": list(members), "n": len(learnt), "seconds": seconds}
    line["alone"] = {one.name: judge(answer, wanted) for one, answer in zip(fitted, said, strict=True)}
    line["rules"] = {}
    for size in range(1, len(fitted) + 1):
        # Families join in the order in which they stand.
        for rule, weigh in RULES.items() if size == len(fitted) else [("likelihood (shipped)", weigh_as_shipped)]:
            first = fitted[:size]
            # A class of one record is learnt by every copy of a network: it cannot tell members apart.
            there = np.all([np.isfinite(one.answers).all(1) for one in first], axis=0)
            weights = weigh([one.answers[there] for one in first], known[there], [one.is_trusted for one in first])
            mixed = np.tensordot(weights, np.stack(said[:size]), axes=1)
            key = rule if size == len(fitted) else f"the first {size}"
            line["rules"][key] = judge(mixed, wanted)
    line["calibrated"] = judge(classifier.predict_proba(X_answered), wanted)
    return line


def report(lines: Sequence[dict[str, Any]]) -> None:
    """Print what members say alone, and every rule beside the one that is shipped, paired over sets."""
    names = sorted({line["set"] for line in lines})
    print(
        f"{len(names)} sets, {len(lines)} splits inside training parts; means over sets, ± standard error over sets\n"
    )
    table: dict[str, dict[str, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        for kind, entries in (("alone", line["alone"]), ("rule", line["rules"])):
            for key, judged in entries.items():
                table[f"{kind}: {key}"][line["set"]].append(judged)
        table["rule: with the committee's sharpness"][line["set"]].append(line["calibrated"])
    base = table["rule: likelihood (shipped)"]
    print("| what | accuracy | difference | log-loss | difference |\n|---|---|---|---|---|")
    for key, by_set in table.items():
        cells = [key]
        for measure_name, digits in (("accuracy", 2), ("log_loss", 3)):
            factor = 100 if measure_name == "accuracy" else 1
            own = [factor * fmean(judged[measure_name] for judged in by_set[name]) for name in names]
            beside = [factor * fmean(judged[measure_name] for judged in base[name]) for name in names]
            differences = [one - other for one, other in zip(own, beside, strict=True)]
            error = stdev(differences) / len(names) ** 0.5 if len(names) > 1 else 0.0
            cells += [f"{fmean(own):.{digits}f}", f"{fmean(differences):+.{digits}f} ± {error:.{digits}f}"]
        print("| " + " | ".join(cells) + " |")
    print(f"\n{fmean(line['seconds'] for line in lines):.1f} s a fit")


def main() -> None:
    """Measure what is not there yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", nargs="+", default=list(MEMBERS))
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--out", type=Path, default=Path("committee.jsonl"))
    parser.add_argument("--report", action="store_true", help="print the tables and measure nothing")
    arguments = parser.parse_args()
    lines = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    done = {(line["set"], line["seed"], tuple(line["members"])) for line in lines}
    _members.CommitteeFit = _Witness  # type: ignore[misc]
    if not arguments.report:
        for seed in arguments.seeds:
            for name in arguments.sets:
                if (name, seed, tuple(arguments.members)) in done:
                    continue
                line = measure(name, seed, arguments.members)
                with arguments.out.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(
                    name, seed, {key: round(judged["accuracy"], 4) for key, judged in line["rules"].items()}, flush=True
                )
                lines.append(line)
    report([line for line in lines if line["members"] == arguments.members])


if __name__ == "__main__":
    main()
