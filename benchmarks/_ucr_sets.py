"""The data sets of the archives' benchmark: which there are, how they are read, and their way to another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

Archive = Literal["ucr", "uea", "hapt", "regression"]
ARCHIVES: tuple[Archive, ...] = ("ucr", "uea", "hapt", "regression")

UNEQUAL = ("AllGestureWiimoteX", "GestureMidAirD1", "GesturePebbleZ1", "PLAID", "PickupGestureWiimoteZ")
WITH_GAPS = ("DodgerLoopDay", "MelbournePedestrian")
"""The UCR sets of unequal length, and those with missing values, that the second table of references has."""

FD001 = "CMAPSS-FD001"
CMAPSS_WINDOW, CMAPSS_LIFE = 30, 125
"""Cycles of a window, as Li, Ding and Sun (2018) have them for FD001, and the life above which targets are capped."""


@dataclass(frozen=True)
class DataSet:
    """A data set with its default split.

    Attributes
    ----------
    archive, name
        Where it is from.
    X_train, X_test
        An array of records, or a list of arrays ``(n_channels, time_i)`` or ``(time_i,)`` where lengths differ.
    y_train, y_test
        Labels, or numbers in the regression archive.
    groups
        Who a training record is of, where several are of one; else None.
    """

    archive: Archive
    name: str
    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray
    groups: np.ndarray | None = None

    @property
    def is_ragged(self) -> bool:
        """Whether lengths differ."""
        return isinstance(self.X_train, list)

    @property
    def has_gaps(self) -> bool:
        """Whether a value is missing in any record."""
        return any(bool(np.isnan(record).any()) for part in (self.X_train, self.X_test) for record in part)

    @property
    def size(self) -> int:
        """How many numbers the records hold."""
        return int(sum(np.size(record) for part in (self.X_train, self.X_test) for record in part))

    def describe(self) -> dict[str, Any]:
        """Return what a line of results says of it; of unequal lengths the longest."""
        records = [record for part in (self.X_train, self.X_test) for record in part]
        return {
            "archive": self.archive,
            "set": self.name,
            "n_train": len(self.y_train),
            "n_test": len(self.y_test),
            "length": max(record.shape[-1] for record in records),
            "channels": records[0].shape[0] if records[0].ndim == 2 else 1,
            "classes": None if self.archive == "regression" else len(np.unique(self.y_train)),
        }


def list_sets(archive: Archive) -> list[str]:
    """Return the names of an archive's sets that are on this machine."""
    from seqcnn.datasets import list_tser, list_ucr, list_uea

    if archive == "hapt":
        return ["HAPT"]
    if archive == "regression":
        return [*list_tser(), FD001]
    return list_ucr() if archive == "ucr" else list_uea()


def choose_sets(archive: Archive, asked: Sequence[str]) -> list[str]:
    """Return the sets that are asked for by name or as "all", "all55" or "missing".

    Raises
    ------
    ValueError
        If a set is not there.
    """
    there = list_sets(archive)
    odd = {*UNEQUAL, *WITH_GAPS}
    chosen: list[str] = []
    for name in asked:
        if name == "all" or archive != "ucr":
            chosen += there if name in ("all", "all55", "missing") else [name]
        elif name == "all55":
            chosen += [one for one in there if one not in odd]
        elif name == "missing":
            chosen += [one for one in there if one in odd]
        else:
            chosen.append(name)
    unknown = [name for name in dict.fromkeys(chosen) if name not in there]
    if unknown:
        raise ValueError(
            f"--sets must name sets of the archive '{archive}' that are on this machine, or be all, all55 or missing. "
            f"Received: {', '.join(unknown)}. There are: {', '.join(there)}."
        )
    return list(dict.fromkeys(chosen))


def load(archive: Archive, name: str) -> DataSet:
    """Read a set with its default split."""
    from seqcnn.datasets import load_cmapss, load_hapt, load_tser, load_ucr, load_uea

    if archive == "hapt":
        X, y, people = load_hapt("train", return_groups=True)
        return DataSet(archive, name, X, y, *load_hapt("test"), groups=people)
    if name == FD001:
        # benchmarks/engines.py says what the length of windows and the history are worth on training engines.
        how = {"window_length": CMAPSS_WINDOW, "maximum_life": CMAPSS_LIFE, "with_history": True}
        X, y, engines = load_cmapss("train", return_groups=True, **how)
        return DataSet(archive, name, X, y, *load_cmapss("test", **how), groups=engines)
    read = {"ucr": load_ucr, "uea": load_uea, "regression": load_tser}[archive]
    return DataSet(archive, name, *read(name, "train"), *read(name, "test"))


def write(data_set: DataSet, file: Path) -> None:
    """Write a set for another process, which need not know this library."""
    arrays = {"archive": np.array(data_set.archive), "name": np.array(data_set.name)}
    for split, X, y in (
        ("train", data_set.X_train, data_set.y_train),
        ("test", data_set.X_test, data_set.y_test),
    ):
        arrays[f"y_{split}"] = y
        if data_set.is_ragged:
            arrays[f"X_{split}"] = np.concatenate(X, axis=-1)
            arrays[f"lengths_{split}"] = np.array([record.shape[-1] for record in X])
        else:
            arrays[f"X_{split}"] = X
    if data_set.groups is not None:
        arrays["groups"] = data_set.groups
    np.savez(file, **arrays)  # type: ignore[arg-type]


def read(file: Path) -> DataSet:
    """Read what `write` wrote."""
    with np.load(file, allow_pickle=False) as arrays:
        parts: list[Any] = []
        for split in ("train", "test"):
            X = arrays[f"X_{split}"]
            if f"lengths_{split}" in arrays:
                ends = np.cumsum(arrays[f"lengths_{split}"])
                X = [part.copy() for part in np.split(X, ends[:-1], axis=-1)]
            parts += [X, arrays[f"y_{split}"]]
        groups = arrays.get("groups")
        archive: Any = str(arrays["archive"])
        return DataSet(archive, str(arrays["name"]), *parts, groups=groups)
