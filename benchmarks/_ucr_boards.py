"""Results of several contestants over the same sets: what was measured, beside what was published."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _ucr_sets import UNEQUAL, WITH_GAPS

Row = dict[str, Any]
Columns = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Group:
    """Sets that are reported together.

    Attributes
    ----------
    key
        Of its pictures.
    title, about
        Heading, and where the published figures are from.
    table
        The file of the published figures.
    """

    key: str
    title: str
    about: str
    table: str

    def holds(self, archive: str, name: str) -> bool:
        """Whether a set belongs here."""
        if self.key == "uea":
            return archive == "uea"
        return archive == "ucr" and (name in UNEQUAL or name in WITH_GAPS) == (self.key == "odd")


GROUPS = (
    Group(
        "ucr",
        "UCR, equal lengths",
        "Published: results of tsml-eval (https://github.com/time-series-machine-learning/tsml-eval), default split.",
        "ucr_default_split_accuracy.csv",
    ),
    Group(
        "odd",
        "UCR, unequal lengths and missing values",
        "Published: from another source than those of equal lengths, on the default split, too.",
        "ucr_default_split_accuracy_all_lengths.csv",
    ),
    Group(
        "uea",
        "UEA, several channels",
        "Published: ConvTran (arXiv 2305.16642), LITEMVTime and those they were compared with; default split.",
        "uea_accuracy.csv",
    ),
)


@dataclass(frozen=True)
class References:
    """Published accuracies.

    Attributes
    ----------
    tables
        By file, by method, by set. Empty where the folder is not there.
    folder
        Where they were looked for.
    """

    tables: Mapping[str, Columns]
    folder: Path | None

    @classmethod
    def read(cls, folder: Path | None) -> References:
        """Read the tables that a folder holds."""
        tables = {}
        for group in GROUPS:
            file = None if folder is None else folder / group.table
            if file is None or not file.is_file():
                continue
            with file.open(newline="", encoding="utf-8") as stream:
                titles, *lines = csv.reader(stream)
            tables[group.table] = {
                method: {line[0]: float(line[place]) for line in lines if line[place]}
                for place, method in enumerate(titles)
                if place
            }
        return cls(tables, folder)


@dataclass(frozen=True)
class Measured:
    """What a contestant did on some sets.

    Attributes
    ----------
    name
        Of the contestant.
    rows
        Its lines, by set.
    """

    name: str
    rows: Mapping[str, Sequence[Row]]

    @property
    def is_ours(self) -> bool:
        """Whether it is this library."""
        return self.name.startswith("seqcnn")

    def figures(self, key: str) -> dict[str, float]:
        """Return a figure of each set, the mean over its seeds; sets without it are left out."""
        found = {}
        for name, rows in self.rows.items():
            values = [row[key] for row in rows if row.get(key) is not None]
            if values:
                found[name] = statistics.fmean(values)
        return found

    def mean(self, key: str) -> float | None:
        """Return the mean over all sets; None if one has no such figure."""
        found = self.figures(key)
        return statistics.fmean(found.values()) if found and len(found) == len(self.rows) else None

    def seconds(self, clock: str = "") -> dict[str, float]:
        """Return seconds of fit and prediction of each set; clock "cpu_" is the processor's."""
        fit, predict = self.figures(f"fit_{clock}seconds"), self.figures(f"predict_{clock}seconds")
        return {name: fit[name] + predict[name] for name in fit}

    def seeds(self) -> list[int]:
        """Return the seeds that every set has."""
        seeds = [{row["seed"] for row in rows} for rows in self.rows.values()]
        return sorted(set.intersection(*seeds)) if seeds else []

    def by_seed(self, key: str = "accuracy") -> list[float]:
        """Return the mean over the sets for each of those seeds."""
        return [
            statistics.fmean(row[key] for rows in self.rows.values() for row in rows if row["seed"] == seed)
            for seed in self.seeds()
        ]


@dataclass(frozen=True)
class Board:
    """Sets, and who did what on them.

    Attributes
    ----------
    group
        The sets' group.
    sets
        All that the group has, measured or published.
    measured, published
        The contestants.
    """

    group: Group
    sets: Sequence[str]
    measured: Sequence[Measured]
    published: Columns

    @classmethod
    def collect(cls, group: Group, rows: Iterable[Row], references: References) -> Board:
        """Sort lines by contestant and set."""
        table = references.tables.get(group.table, {})
        archive = "uea" if group.key == "uea" else "ucr"
        published = {
            method: {name: value for name, value in column.items() if group.holds(archive, name)}
            for method, column in table.items()
        }
        by_name: dict[str, dict[str, list[Row]]] = {}
        for row in rows:
            if group.holds(row["archive"], row["set"]):
                by_name.setdefault(row["contestant"], {}).setdefault(row["set"], []).append(row)
        sets = {name for column in published.values() for name in column}
        sets |= {name for own in by_name.values() for name in own}
        measured = [Measured(name, own) for name, own in by_name.items()]
        measured.sort(key=lambda one: (not one.is_ours, one.name))  # lines come in the order of turns
        return cls(group, sorted(sets), measured, published)

    def columns(self) -> dict[str, Mapping[str, float]]:
        """Return everybody's accuracies, those that were measured first."""
        own: dict[str, Mapping[str, float]] = {one.name: one.figures("accuracy") for one in self.measured}
        return own | {f"{method} (published)": column for method, column in self.published.items()}

    def ranked(self) -> tuple[list[str], list[str], np.ndarray]:
        """Return who is ranked, on which sets, and the accuracies ``(n_sets, n_contestants)``.

        The sets are those of the contestant that was measured on most of them; who lacks one of them is not ranked.
        """
        columns = self.columns()
        most = max((one.figures("accuracy") for one in self.measured), key=len, default={})
        sets = [name for name in self.sets if name in most]
        # A set that nobody published would leave all published methods out.
        known = [name for name in sets if any(name in column for column in self.published.values())]
        sets = known or sets
        names = [name for name, column in columns.items() if all(one in column for one in sets)]
        return names, sets, np.array([[columns[name][one] for name in names] for one in sets])
