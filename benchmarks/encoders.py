"""The catalogue of encoders: what each costs and how fast it is, and what it learns in a short fit.

    python benchmarks/encoders.py [--only NAME ...] [--fresh]          measure what is missing, write the page
    python benchmarks/encoders.py --accuracy [--only NAME ...]         fit what is missing, write the page
    python benchmarks/encoders.py --render                             write the page from what was measured

The first takes some five seconds an encoder. The second takes about as long as the budgets of TASKS say, 12 to 15
seconds an encoder, and fits on real data where SEQCNN_DATA names their folder. Each measured line goes to
benchmarks/results/encoders.jsonl as soon as it is there, so a run that was broken off goes on where it stopped. A line
counts as missing when the encoder's parameters or MACs, the machine, or the task has changed; ``--fresh`` measures the
named encoders (or all) again. The page is docs/encoders.md with docs/encoders.png. Let nothing else run meanwhile.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _encoders_page import render
from torch import nn

from seqcnn.cost import count_multiply_accumulates, count_parameters
from seqcnn.encoders import ENCODERS
from seqcnn.info import collect_info
from seqcnn.stems import CharacterEmbedding

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "encoders.jsonl"
DOCS = ROOT / "docs"

INPUTS = {"series": (1, 256), "text": (CharacterEmbedding(2).out_channels, 1014), "audio": (1, 16000)}
"""Channels and time steps of the record whose cost is counted: text as the estimators embed it, audio of one second."""

BANDS = (40, 100)
"""What an encoder over bands reads of a second: mel bands, and frames of 10 ms."""

BATCHES, THREADS = (1, 64), (1, 2)
SECONDS, FEWEST_RUNS, MOST_RUNS = 0.5, 3, 50
"""A timing is the median of at least so many runs and at most so many, for about so many seconds."""

SEED = 0

Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """Records to learn from, half of them validation, and how long to learn."""

    name: str
    kind: str
    load: Callable[[], tuple[Any, Any]]
    max_epochs: int
    max_fit_seconds: float
    about: str
    real: bool = False
    sample_rate: int | None = None


@cache
def shapes() -> tuple[Any, Any]:
    from seqcnn.datasets import make_shapes_in_noise

    return make_shapes_in_noise(600, n_classes=6, noise=0.3, random_state=SEED)


@cache
def alphabets() -> tuple[Any, Any]:
    from seqcnn.datasets import make_alphabet_text

    return make_alphabet_text(400, n_languages=8, length=(8, 24), random_state=SEED)


@cache
def tones() -> tuple[Any, Any]:
    from seqcnn.datasets import make_spoken_tones

    return make_spoken_tones(160, n_words=8, n_speakers=12, seconds=0.4, random_state=SEED)


def ucr(name: str) -> Callable[[], tuple[Any, Any]]:
    @cache
    def load() -> tuple[Any, Any]:
        from seqcnn.datasets import load_ucr

        return load_ucr(name)

    return load


@cache
def fsdd() -> tuple[Any, Any]:
    from seqcnn.datasets import load_fsdd

    paths, digits = load_fsdd()
    return paths[::3], digits[::3]


@cache
def ag_news() -> tuple[Any, Any]:
    from seqcnn.datasets import load_ag_news

    texts, topics = load_ag_news()
    return [text[:200] for text in texts[::8]], topics[::8]


TASKS = [
    Task("shapes", "series", shapes, 20, 3, "`make_shapes_in_noise(600, n_classes=6, noise=0.3)`"),
    *(
        Task(name, "series", ucr(name), 20, 3, f"the training part of UCR's {name}", real=True)
        for name in ("SwedishLeaf", "FaceAll", "MedicalImages")
    ),
    Task("alphabets", "text", alphabets, 10, 3, "`make_alphabet_text(400, n_languages=8, length=(8, 24))`"),
    Task(
        "AG News",
        "text",
        ag_news,
        8,
        12,
        "every eighth training row of AG News, the first 200 characters of each",
        real=True,
    ),
    Task(
        "tones",
        "audio",
        tones,
        20,
        3,
        "`make_spoken_tones(160, n_words=8, n_speakers=12, seconds=0.4)`",
        sample_rate=8000,
    ),
    Task("FSDD", "audio", fsdd, 20, 12, "every third recording of the training part of FSDD, as raw waves", real=True),
]


# What is known without a clock.


def find_input(name: str) -> tuple[int, int]:
    """Return the channels and time steps of the record that an encoder's cost is counted for."""
    entry = ENCODERS[name]
    return BANDS if entry.reads == "bands" else INPUTS[entry.kind]


def build(name: str) -> nn.Module:
    """Build an encoder with its defaults for the input of its kind, kernels prepared where it takes them from data."""
    n_channels, n_timepoints = find_input(name)
    with torch.random.fork_rng([]):
        torch.manual_seed(SEED)
        encoder: Any = ENCODERS[name].build(n_channels)
        if hasattr(encoder, "prepare"):
            encoder.prepare(torch.randn(16, n_channels, n_timepoints), seed=SEED)
    built: nn.Module = encoder.eval()
    return built


def describe(name: str, encoder: nn.Module) -> Row:
    """Return what the table says of an encoder, times aside."""
    kind = ENCODERS[name].kind
    n_channels, n_timepoints = find_input(name)
    stride = getattr(encoder, "stride", None)  # fixed kernels give features, no sequence
    n_timepoints = max(n_timepoints, stride or 1)
    field = getattr(encoder, "receptive_field", None)
    # As it is by default, or with encoder__causal=True.
    causal = bool(getattr(encoder, "causal", False)) or ENCODERS[name].can_be_causal
    return {
        "work": "cost",
        "name": name,
        "kind": kind,
        **({"reads": "bands"} if ENCODERS[name].reads == "bands" else {}),
        "papers": find_papers(name, encoder),
        "input": [n_channels, n_timepoints],
        "parameters": count_parameters(encoder),
        "n_features": getattr(encoder, "n_features", None),
        "macs": count_multiply_accumulates(encoder, n_timepoints),
        "receptive_field": field,
        "stride": stride,
        "causal": causal,
        "streams": causal and field is not None,
    }


NAME = r"(?:(?:van|de|der|den|von) )*[A-Z][\w'\u2019-]*(?: (?:(?:van|de|der|den|von) )*[A-Z][\w'\u2019-]*)*"
CITATION = re.compile(rf"(?P<authors>{NAME}(?:,? and {NAME}|, {NAME}| et al\.)*) \((?P<year>(?:19|20)\d\d)\)")
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


def find_papers(name: str, encoder: nn.Module) -> list[list[str | None]]:
    """Return the paper as "First et al. (year)" and arXiv number, from the first docstring that names one.

    Where it has no number, the next paper of that docstring that has one follows.
    """
    build = ENCODERS[name].build
    module = inspect.getmodule(type(encoder))
    for document in (build.__doc__, type(encoder).__doc__, module.__doc__ if module else None):
        text = " ".join((document or "").split("NOTE")[0].split())
        found = list(CITATION.finditer(text))
        ends = [match.start() for match in re.finditer(r"\((?:19|20)\d\d\)", text)] + [len(text)]
        papers: list[list[str | None]] = []
        for match in found:
            # A number belongs to the year before it.
            number = ARXIV.search(text, match.end(), next(end for end in ends if end >= match.end()))
            papers.append([shorten_authors(match), number.group(1) if number else None])
        if papers:
            return papers[:1] if papers[0][1] else papers[:1] + [paper for paper in papers[1:] if paper[1]][:1]
    return []


def shorten_authors(citation: re.Match[str]) -> str:
    """Return "Tan and Le (2019)", or with more than two authors "He et al. (2016)"."""
    authors = re.split(r",? and |, | et al\.", citation["authors"])
    several = len(authors) > 2 or citation["authors"].endswith("et al.")
    return f"{f'{authors[0]} et al.' if several else citation['authors']} ({citation['year']})"


# What a clock tells.


def machine() -> str:
    """Say what this is measured on."""
    info = collect_info()
    processor, versions = info["processor"], info["versions"]
    able = [name for name, has in processor["capabilities"].items() if has]
    return (
        f"{processor['name']}, {processor['cores']} cores ({', '.join(able)}), torch {versions['torch']}, "
        f"Python {versions['Python']}"
    )


def time_forward(encoder: nn.Module, batch_size: int, n_channels: int, n_timepoints: int) -> float:
    """Return the milliseconds a record takes in a batch, the median of some runs."""
    generator = torch.Generator().manual_seed(SEED)
    x = torch.randn(batch_size, n_channels, n_timepoints, generator=generator)
    seconds: list[float] = []
    with torch.inference_mode():
        encoder(x)
        while len(seconds) < FEWEST_RUNS or (sum(seconds) < SECONDS and len(seconds) < MOST_RUNS):
            started = time.perf_counter()
            encoder(x)
            seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds) / batch_size


def measure_speed(encoder: nn.Module, facts: Row) -> Row:
    """Return the milliseconds by threads and batch size, ``{"2 x 64": ...}``."""
    before, times = torch.get_num_threads(), {}
    for n_threads in THREADS:
        torch.set_num_threads(n_threads)
        for batch_size in BATCHES:
            times[f"{n_threads} x {batch_size}"] = float(f"{time_forward(encoder, batch_size, *facts['input']):.4g}")
    torch.set_num_threads(before)
    return {"milliseconds": times}


def measure_accuracy(name: str, task: Task) -> Row:
    """Fit on one half of a task's records and score on the other."""
    from sklearn.model_selection import train_test_split

    from seqcnn import SeqCNNClassifier

    X, y = task.load()
    training, validation = train_test_split(np.arange(len(y)), test_size=0.5, stratify=y, random_state=SEED)
    classifier = SeqCNNClassifier(
        name,
        sample_rate=task.sample_rate,
        max_epochs=task.max_epochs,
        max_fit_seconds=task.max_fit_seconds,
        early_stopping=False,
        random_state=SEED,
    )
    started = time.perf_counter()
    classifier.fit(take(X, training), y[training])
    fitted, epochs = time.perf_counter() - started, len(classifier.history_)
    return {
        "accuracy": round(float(classifier.score(take(X, validation), y[validation])), 4),
        "n_train": len(training),
        "n_validation": len(validation),
        "epochs": epochs,
        # What has no epochs, as a fit in closed form, is not cut short.
        "cut_short": 0 < epochs < task.max_epochs and fitted >= task.max_fit_seconds,
        "fit_seconds": round(fitted, 1),
        "threads": torch.get_num_threads(),
    }


def take(X: Any, rows: Any) -> Any:
    """Return these records of an array or a list."""
    return X[rows] if isinstance(X, np.ndarray) else [X[row] for row in rows]


# What was measured, line by line.


class Results:
    """The lines of the file; a later line of the same encoder and task replaces an earlier one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[tuple[str, ...], Row] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for line in lines:
            row = json.loads(line)
            self.rows[self.key(row)] = row

    @staticmethod
    def key(row: Row) -> tuple[str, ...]:
        """Return what a line is about."""
        return row["work"], row["name"], row.get("task", "")

    def has(self, facts: Row) -> bool:
        """Tell whether a line says the same of everything that stands in ``facts``."""
        return self.rows.get(self.key(facts), {}).items() >= facts.items()

    def add(self, row: Row) -> None:
        """Keep a line, in the file too."""
        self.rows[self.key(row)] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def works(name: str, *, accuracy: bool, where: str) -> Iterator[tuple[Row, Callable[[], Row]]]:
    """Yield what is known of each measurement of an encoder beforehand, and how to make it."""
    encoder = build(name)
    facts = {**describe(name, encoder), "machine": where}
    if not accuracy:
        yield facts, lambda: measure_speed(encoder, facts)
        return
    for task in TASKS:
        if task.kind == facts["kind"] and (not task.real or "SEQCNN_DATA" in os.environ):
            plan = {
                "work": "accuracy",
                "task": task.name,
                "about": task.about,
                "real": task.real,
                "seed": SEED,
                "max_epochs": task.max_epochs,
                "max_fit_seconds": task.max_fit_seconds,
            }
            shared = {key: facts[key] for key in ("name", "kind", "parameters", "macs", "machine")}
            yield {**shared, **plan}, partial(measure_accuracy, name, task)


def measure(results: Results, names: list[str], *, accuracy: bool, fresh: bool) -> list[str]:
    """Measure what is missing; return the encoders that failed, which are tried again next time."""
    failed, where = [], machine()
    for name in names:
        try:
            for facts, run in works(name, accuracy=accuracy, where=where):
                if fresh or not results.has(facts):
                    results.add({**facts, **run()})
        except Exception:  # one encoder that fails must not end a long run
            traceback.print_exc()
            failed.append(name)
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--accuracy", action="store_true", help="fit and score, instead of measuring cost and speed")
    mode.add_argument("--render", action="store_true", help="measure nothing")
    parser.add_argument("--only", nargs="+", choices=list(ENCODERS), metavar="NAME", help="these encoders, not all")
    parser.add_argument("--fresh", action="store_true", help="measure again what the file holds already")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of what was measured")
    parser.add_argument("--docs", type=Path, default=DOCS, help="the folder of the page")
    options = parser.parse_args()
    results, failed = Results(options.results), []
    started = time.perf_counter()
    if not options.render:
        names = options.only or list(ENCODERS)
        failed = measure(results, names, accuracy=options.accuracy, fresh=options.fresh)
        print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
    render([row for row in results.rows.values() if row["name"] in ENCODERS], list(ENCODERS), options.docs)
    if failed:
        sys.exit(f"Failed, see above: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
