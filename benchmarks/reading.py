"""What reading X adds, in every form that it may have: seconds and memory, against a float32 array of numpy.

    python benchmarks/reading.py [--records 10000] [--steps 1000] [--only NAME ...] [--output FILE]

Reading is :func:`seqcnn.inputs.read_for_fit`. "To training" is all that lies between X and the first gradient step:
reading, the statistics of the stem, and laying the records end to end; a form that is read as views of columns pays
there. A form and the array take turns in this process; the table shows medians and the median of the turns' ratios.
Memory is the process's highest use during a reading above what it used before, so what polars and Arrow allocate counts
too (Linux only); polars keeps what it frees, so that a second reading may need nothing new. Nothing else should run on
the machine.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import torch

from seqcnn.batches import WindowStore
from seqcnn.inputs import read_for_fit
from seqcnn.stems import Normalizer
from seqcnn.windows import cut_windows

TURNS = 5


def forms(table: np.ndarray, folder: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield the forms of a float32 ``(n, time)`` table, each with what makes it."""
    n, steps = table.shape
    names = [f"t{step}" for step in range(steps)]

    def columns() -> dict[str, np.ndarray]:
        return {name: column.copy() for name, column in zip(names, table.T, strict=True)}

    def mapped(dtype: Any) -> np.ndarray:
        file = folder / f"{np.dtype(dtype)}.npy"
        np.save(file, table.astype(dtype))
        return np.load(file, mmap_mode="r")

    def ragged() -> list[np.ndarray]:
        return [row[: steps - record % 100] for record, row in enumerate(table)]

    def long(records: list[np.ndarray], shuffled: bool = False) -> pd.DataFrame:
        lengths = [len(record) for record in records]
        case, clock = np.repeat(np.arange(n), lengths), np.concatenate([np.arange(length) for length in lengths])
        index = pd.MultiIndex.from_arrays([case, clock])
        frame = pd.DataFrame({"x": np.concatenate(records)}, index=index)
        return frame.iloc[np.random.default_rng(0).permutation(len(frame))] if shuffled else frame

    yield "numpy float32", lambda: table
    yield "numpy float64", lambda: table.astype(np.float64)
    yield "numpy float16", lambda: table.astype(np.float16)
    yield "numpy int16", lambda: (1000 * table).astype(np.int16)
    yield "numpy big-endian", lambda: table.astype(">f4")
    yield "numpy Fortran order", lambda: np.asfortranarray(table)
    yield "numpy negative stride", lambda: table[:, ::-1]
    yield "numpy masked", lambda: np.ma.masked_array(table, mask=np.zeros(table.shape, dtype=bool))
    yield "numpy memmap float32", lambda: mapped(np.float32)
    yield "numpy memmap float64", lambda: mapped(np.float64)
    yield "numpy objects, 2-D", lambda: table.astype(object)
    yield "torch float32", lambda: torch.from_numpy(table.copy())
    yield "torch bfloat16", lambda: torch.from_numpy(table).bfloat16()
    yield "list of arrays", lambda: list(table)
    yield "list of arrays, ragged", ragged
    yield "list of tensors", lambda: list(torch.from_numpy(table))
    yield "nested lists", table.tolist
    yield "pandas, one block", lambda: pd.DataFrame(table)
    yield "pandas, columns", lambda: pd.DataFrame(columns())
    yield "pandas Float32", lambda: pd.DataFrame(columns()).astype("Float32")
    yield "pandas float[pyarrow]", lambda: pd.DataFrame(columns()).astype("float[pyarrow]")
    yield "pandas column of arrays", lambda: pd.DataFrame({"x": list(table)})
    yield "pandas nested Series", lambda: pd.DataFrame({"x": [pd.Series(row) for row in table]})
    yield "list of frames", lambda: [pd.DataFrame({"x": row}) for row in table]
    yield "pandas long", lambda: long(list(table))
    yield "pandas long, ragged", lambda: long(ragged())
    yield "pandas long, shuffled", lambda: long(list(table), shuffled=True)
    yield "polars, columns", lambda: pl.DataFrame(columns())
    yield "polars column of arrays", lambda: pl.DataFrame({"x": pl.Series(table)})
    yield "polars column of lists", lambda: pl.DataFrame({"x": pl.Series(table).arr.to_list()})


def read(X: Any) -> tuple[float, float]:
    """Return the seconds of reading X, and of all that comes before training."""
    started = time.perf_counter()
    records, contract = read_for_fit(X, caller="SeqCNNClassifier")
    is_read = time.perf_counter()
    Normalizer(contract.n_channels).learn(records.values, np.ones(len(records)))
    WindowStore(records, cut_windows(records.lengths))
    return is_read - started, time.perf_counter() - started


def peak_megabytes(X: Any) -> float:
    """Return by how much the process's memory rises while X is read."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)  # or what earlier forms have freed would be used again
        Path("/proc/self/clear_refs").write_text("5")  # forgets the highest use until now
        before = _status("VmRSS")
        records, _ = read_for_fit(X, caller="SeqCNNClassifier")
        del records
        return (_status("VmHWM") - before) / 1e6
    except (AttributeError, OSError):
        return float("nan")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024.0 * float(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def measure(name: str, X: Any, table: np.ndarray) -> str:
    """Return a line of the table."""
    turns = [(read(table), read(X)) for _ in range(TURNS)]
    reading, to_training = (statistics.median(theirs[part] for _, theirs in turns) for part in (0, 1))
    ratio = statistics.median(theirs[1] / ours[1] for ours, theirs in turns)
    return f"| {name} | {reading:.3f} s | {to_training:.3f} s | {ratio:.2f} | {peak_megabytes(X):.0f} MB |"


def make_table(n_records: int = 10_000, n_steps: int = 1_000, only: list[str] | None = None) -> list[str]:
    """Measure every form, print each line as it comes, and return all."""
    table = np.random.default_rng(0).normal(size=(n_records, n_steps)).astype(np.float32)
    lines = [
        f"{n_records:,} records of {n_steps:,} steps, {table.nbytes / 1e6:.0f} MB as float32; numpy "
        f"{np.__version__}, pandas {pd.__version__}, polars {pl.__version__}, {platform.machine()}.",
        "",
        "| form of X | reading | to training | ratio to numpy float32 | memory of reading |",
        "|---|---|---|---|---|",
    ]
    print("\n".join(lines))
    with tempfile.TemporaryDirectory() as folder:
        for name, make in forms(table, Path(folder)):
            if only and not any(word in name for word in only):
                continue
            lines.append(measure(name, make(), table))
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="forms whose names hold one of these words")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = make_table(options.records, options.steps, options.only)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
