"""The archives of time series: accuracy, calibration and seconds, beside other libraries and published results.

    SEQCNN_DATA=... python benchmarks/ucr.py [--archive ucr] [--sets all55] [--preset default] [--seeds 0 1 2]
                                             [--encoder NAME ...] [--peers NAME ...] [--time-limit SECONDS]
    SEQCNN_DATA=... python benchmarks/ucr.py --report [--docs]

Archives:

    ucr          one channel; --sets all55 (equal lengths), missing (unequal lengths, missing values), all, or names
    uea          several channels
    hapt         HAPT, twelve activities, split by people
    regression   Covid3Month, CardanoSentiment; C-MAPSS FD001 in windows of 30 cycles with the means and the age of
                 the engine so far, the last one scored

Fits use the default training part alone; the test part is predicted once a run, and nothing is chosen on it. What to do
with missing values ("interpolate" or "mask") is chosen by cross-validation within the training part, which counts as
time of the fit. Each line of JSON - a set, a contestant, a seed - goes to the file as soon as it is there, so a run
that was broken off goes on where it stopped. Sets are taken smallest first.

Ours and the peers each have a process of their own and take turns, never two at the same time, with the same number of
threads, on the same arrays. Each has one small fit on noise that does not count: aeon compiles in it, ours imports. The
first run with --peers makes virtual environments in DIR (some GB), as benchmarks/peers.py does; aeon-rocket has aeon
with torch, which its Hydra needs. InceptionTime and LITETime are five networks of 1500 epochs, hours a set on a
processor: here they get --peer-epochs, which says what an epoch costs, not how good they get; their published
accuracies stand beside. HIVE-COTE 2 takes days: it is never run. Peers are not asked for sets of unequal length or with
missing values, which they do not read.

Seconds are those of the clock; those of the processor stand beside, because they hardly change where others compute,
too. With --report nothing is run: tables are printed, and --docs writes docs/ucr.md and its pictures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _side_by_side import Worker, WorkerError, prepare_environment
from _ucr_metrics import score
from _ucr_sets import ARCHIVES, DataSet, choose_sets, load, write
from peers import PINS, default_folder, processor

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).with_name("_ucr_worker.py")
RESULTS = Path(__file__).with_name("results") / "ucr.jsonl"
PRESETS = ("quick", "default", "best")
PEERS = {"minirocket": "aeon-rocket", "multirocket-hydra": "aeon-rocket", "litetime": "aeon", "inceptiontime": "aeon"}
"""The peers, and the environment of each."""

ENVIRONMENTS = {
    "aeon": PINS["aeon"],
    "aeon-rocket": [
        "aeon==1.6.0",
        "numba==0.63.1",
        "scikit-learn==1.7.2",
        "numpy==2.3.5",
        "torch==2.14.1",
    ],
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Contestant:
    """Who is measured.

    Attributes
    ----------
    name
        As it stands in the results.
    library
        Whose process does it.
    how
        What the process is told.
    preset
        Of ours; None of others.
    """

    name: str
    library: str
    how: Mapping[str, Any]
    preset: str | None = None

    def can_read(self, data_set: DataSet) -> bool:
        """Whether it reads records like these."""
        return self.library == "seqcnn" or not (data_set.is_ragged or data_set.has_gaps)


def list_contestants(
    encoders: Sequence[str], presets: Sequence[str], peers: Sequence[str], peer_epochs: int
) -> list[Contestant]:
    """Return who is measured, ours first."""
    found = []
    for encoder in encoders:
        for preset in presets:
            name = "seqcnn" if encoder == "auto" else f"seqcnn {encoder}"
            how: dict[str, Any] = {"encoder": encoder, "preset": preset}
            found.append(Contestant(f"{name}, {preset}", "seqcnn", how, preset))
    for peer in peers:
        is_deep = PEERS[peer] == "aeon"
        name = f"aeon {peer}, {peer_epochs} epochs" if is_deep else f"aeon {peer}"
        how = {"name": peer, "epochs": peer_epochs} if is_deep else {"name": peer}
        found.append(Contestant(name, PEERS[peer], how))
    return found


class Results:
    """The lines of the file; one that was broken off while it was written is taken out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        self.rows: list[Row] = [json.loads(line) for line in whole.splitlines()]

    def has(self, archive: str, name: str, contestant: Contestant, seed: int) -> bool:
        """Whether this was measured."""
        wanted = (archive, name, contestant.name, seed)
        return any((row["archive"], row["set"], row["contestant"], row["seed"]) == wanted for row in self.rows)

    def add(self, row: Row) -> None:
        """Keep a line, in the file too."""
        self.rows.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def expect_seconds(rows: Iterable[Row], contestant: str, facts: Mapping[str, Any]) -> float:
    """Return how long a run may take, from the three runs of the contestant that are nearest in size; 0 without any.

    Time grows at least in proportion to what is read; a smaller set is taken to cost as much as its neighbour.
    """

    def size(line: Mapping[str, Any]) -> int:
        return int((line["n_train"] + line["n_test"]) * line["length"] * line["channels"])

    own = [row for row in rows if row["contestant"] == contestant]
    own.sort(key=lambda row: abs(math.log(size(row) / size(facts))))
    return max(
        ((row["fit_seconds"] + row["predict_seconds"]) * max(1.0, size(facts) / size(row)) for row in own[:3]),
        default=0.0,
    )


class Arena:
    """The processes, each started when it is first needed."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder, self.threads = folder, threads
        self._workers: dict[str, Worker] = {}
        self._versions: dict[str, dict[str, Any]] = {}
        self.commit = describe_commit()

    def measure(self, contestant: Contestant, data_set: DataSet, data: Path, seed: int) -> Row:
        """Return the line of a run.

        Raises
        ------
        WorkerError
            If the library failed.
        """
        predictions = data.with_name("predictions.npz")
        try:
            worker = self._worker(contestant.library)
            worker.neighbours = 0.0
            answer = worker.ask(
                "run", data=str(data), predictions=str(predictions), how=dict(contestant.how), seed=seed
            )
        except WorkerError:
            used = self._workers.get(contestant.library)
            if used is not None and not used.is_running:  # else it has only refused, and knows what it compiled
                self._workers.pop(contestant.library).close()
            raise
        with np.load(predictions, allow_pickle=False) as predicted:
            figures = score(data_set.y_test, dict(predicted))
        predictions.unlink()
        return {
            **data_set.describe(),
            "contestant": contestant.name,
            "preset": contestant.preset,
            "seed": seed,
            **{name: value if value is None else round(value, 6) for name, value in figures.items()},
            **answer,
            "threads": self.threads,
            "neighbours": round(worker.neighbours, 2),
            "machine": f"{processor()}, {os.cpu_count()} cores",
            "versions": self._versions[contestant.library],
        }

    def _worker(self, library: str) -> Worker:
        if library not in self._workers:
            python = Path(sys.executable)
            self.folder.mkdir(parents=True, exist_ok=True)
            if library != "seqcnn":
                python = prepare_environment(self.folder / library, ENVIRONMENTS[library], print)
            log = self.folder / f"ucr-{library}.log"
            log.unlink(missing_ok=True)
            worker = Worker(library, python, self.threads, log, script=WORKER)
            try:
                versions = worker.ask("versions")
            except WorkerError:
                worker.close()
                raise
            self._workers[library] = worker
            self._versions[library] = versions | ({"commit": self.commit} if library == "seqcnn" else {})
        return self._workers[library]

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()


def describe_commit() -> str | None:
    """Return the commit that is measured, with "+" if files were changed since; None outside of a repository."""
    try:
        ask = ["git", "-C", str(ROOT)]
        commit = subprocess.run([*ask, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changes = subprocess.run(
            [*ask, "status", "--porcelain", "--untracked-files=no", "seqcnn"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if changes.stdout.strip() else "")


def measure(
    results: Results,
    arena: Arena,
    data_sets: list[DataSet],
    contestants: list[Contestant],
    seeds: list[int],
    limit: float,
) -> tuple[list[str], list[str]]:
    """Measure what is missing; return what failed, which is tried again next time, and what time was too short for."""
    started = time.monotonic()
    failed, left = [], []
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "data.npz"
        for turn, data_set in enumerate(sorted(data_sets, key=lambda one: one.size)):
            first = turn % len(contestants)
            # Nobody always goes first.
            todo = [
                (contestant, seed)
                for seed in seeds
                for contestant in contestants[first:] + contestants[:first]
                if contestant.can_read(data_set) and not results.has(data_set.archive, data_set.name, contestant, seed)
            ]
            if not todo:
                continue
            write(data_set, file)
            for contestant, seed in todo:
                name = f"{data_set.name}, {contestant.name}, seed {seed}"
                expected = expect_seconds(results.rows, contestant.name, data_set.describe())
                if time.monotonic() - started + expected > limit:
                    left.append(f"{name} (expected: {expected:.0f} s)")
                    continue
                try:
                    results.add(arena.measure(contestant, data_set, file, seed))
                except WorkerError as error:  # one set that fails must not end a long run
                    print(f"{name}: {error}", file=sys.stderr, flush=True)
                    failed.append(name)
    return failed, left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", choices=ARCHIVES, default="ucr")
    parser.add_argument("--sets", nargs="+", default=["all55"], metavar="NAME", help="all55, missing, all, or names")
    parser.add_argument(
        "--preset", nargs="*", choices=[*PRESETS, []], default=["default"], help="of ours; none leaves ours out"
    )
    parser.add_argument(
        "--encoder",
        nargs="+",
        default=["auto"],
        metavar="NAME",
        help="of ours; A+B is a list of encoders; A,n_copies=5 sets a parameter",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--peers", nargs="*", choices=[*PEERS, []], default=[], metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--peer-epochs", type=int, default=20, help="of litetime and inceptiontime (published: 1500)")
    parser.add_argument("--threads", type=int, default=1, help="of each library")
    parser.add_argument("--time-limit", type=float, default=math.inf, metavar="SECONDS", help="start nothing beyond it")
    parser.add_argument("--environment", type=Path, default=default_folder(), metavar="DIR")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument("--fresh", action="store_true", help="forget what the file holds")
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument(
        "--docs", type=Path, nargs="?", const=ROOT / "docs", metavar="DIR", help="also write the page and its pictures"
    )
    parser.add_argument("--references", type=Path, metavar="DIR", help="published results ($SEQCNN_DATA/../references)")
    options = parser.parse_args()
    if options.fresh:
        options.output.unlink(missing_ok=True)
    results = Results(options.output)
    failed: list[str] = []
    if not options.report:
        contestants = list_contestants(options.encoder, options.preset, options.peers, options.peer_epochs)
        if not contestants:
            parser.error("there is nobody to measure; name a --preset or one of --peers")
        try:
            names = choose_sets(options.archive, options.sets)
        except ValueError as error:
            parser.error(str(error))
        arena = Arena(options.environment.expanduser().resolve(), options.threads)
        try:
            data_sets = [load(options.archive, name) for name in names]
            failed, left = measure(results, arena, data_sets, contestants, options.seeds, options.time_limit)
        finally:
            arena.close()
        if left:
            print(f"\nThe time limit left out {len(left)} runs: {'; '.join(left)}.")
    from _ucr_boards import References
    from _ucr_report import write_report

    references = options.references
    if references is None and "SEQCNN_DATA" in os.environ:
        references = Path(os.environ["SEQCNN_DATA"]).parent / "references"
    print(write_report(results.rows, References.read(references), options.docs))
    if failed:
        sys.exit(f"Failed, see above: {'; '.join(failed)}.")


if __name__ == "__main__":
    main()
