"""Every form of input through every operation: a table with a mark a cell, from running it.

    python benchmarks/rooms.py [--output docs/rooms.md]

Each form is a small data set of its own, written down as a user would hold it. "cli" fits, predicts and evaluates in
processes of their own with the form's file; forms that no file holds are marked so. A cell that is no "yes" has its
reason below the table. The second table is what reading costs: 10,000 records of 1,000 steps in each form, against one
float32 array (``benchmarks/reading.py``).
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import reading
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import seqcnn
from seqcnn import SeqCNNClassifier, SeqCNNRegressor
from seqcnn.datasets import make_alphabet_text, make_shapes_in_noise, make_spoken_tones, write_wav_folder

N_CASES, N_STEPS, RATE = 24, 48, 8000
OPERATIONS = ("fit", "predict", "clone", "pickle", "save", "grid search", "cli")


@dataclass
class Form:
    """X in one form.

    ``write`` writes it into a folder as a file and gives the arguments of the command line; None says that it is a
    form of memory only.
    """

    X: Any
    y: Any
    kind: type = SeqCNNClassifier
    parameters: dict[str, Any] | None = None
    write: Callable[[Path], list[str]] | None = None

    def estimator(self) -> Any:
        """Return an estimator that fits in a moment."""
        parameters = {"encoder": "fcn", "encoder__width": 4, "max_epochs": 2, "n_jobs": 1, "random_state": 0}
        return self.kind(**parameters | (self.parameters or {}))


def make_forms(folder: Path) -> dict[str, Form]:
    """Return every form; audio files lie in ``folder``."""
    block, y = make_shapes_in_noise(N_CASES, n_classes=2, length=N_STEPS, random_state=0)
    block = block.astype(np.float32)
    cube = np.stack([block, -block], 1)
    ragged = [series[: N_STEPS - row % 9] for row, series in enumerate(block)]
    texts, languages = make_alphabet_text(N_CASES, n_languages=2, length=(20, 40), random_state=0)
    sounds, words = make_spoken_tones(N_CASES, n_words=2, sample_rate=RATE, seconds=0.2, random_state=0)
    paths = write_wav_folder(folder / "wavs", sounds, words, sample_rate=RATE)
    wide = pd.DataFrame(block, columns=[f"t{step}" for step in range(N_STEPS)])
    arrays = pd.Series(list(block))
    index = pd.MultiIndex.from_product([range(N_CASES), range(N_STEPS)], names=["case", "time"])
    long = pd.DataFrame(cube.transpose(0, 2, 1).reshape(-1, 2), index=index, columns=["a", "b"])
    holes = block.copy()
    holes[:, ::7] = np.nan
    objects = np.empty(N_CASES, object)
    objects[:] = ragged
    numbers = np.array([series.max() for series in block])
    mapped = np.memmap(folder / "mapped.npy", np.float32, "w+", shape=block.shape)
    mapped[:] = block
    read_only = block.copy()
    read_only.setflags(write=False)

    def csv(frame: pd.DataFrame, name: str, **options: Any) -> Callable[[Path], list[str]]:
        def write(folder: Path) -> list[str]:
            frame.assign(label=y if len(frame) == len(y) else None).to_csv(folder / name, index=False, **options)
            return [str(folder / name), "--target", "label"]

        return write

    def parquet(folder: Path) -> list[str]:
        wide.assign(label=y).to_parquet(folder / "wide.parquet")
        return [str(folder / "wide.parquet"), "--target", "label"]

    def tsv(folder: Path) -> list[str]:
        table = np.column_stack([np.unique(y, return_inverse=True)[1] + 1, block])
        np.savetxt(folder / "series_TRAIN.tsv", table, delimiter="\t")
        return [str(folder / "series_TRAIN.tsv")]

    def ts(records: list[np.ndarray], equal: bool) -> Callable[[Path], list[str]]:
        def write(folder: Path) -> list[str]:
            head = ["@problemName rooms", "@timeStamps false", "@missing false"]
            head += [f"@univariate {str(records[0].ndim == 1).lower()}", f"@equalLength {str(equal).lower()}"]
            head += [f"@classLabel true {' '.join(sorted(set(y)))}", "@data"]
            rows = [
                ":".join(",".join(f"{value:.6g}" for value in channel) for channel in np.atleast_2d(record))
                for record in records
            ]
            text = "\n".join(head + [f"{row}:{label}" for row, label in zip(rows, y, strict=True)])
            (folder / "series.ts").write_text(text + "\n", encoding="utf-8")
            return [str(folder / "series.ts")]

        return write

    def lines(folder: Path) -> list[str]:
        rows = [f"{label}\t{text}" for label, text in zip(languages, texts, strict=True)]
        (folder / "texts.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
        return [str(folder / "texts.txt")]

    def text_table(folder: Path) -> list[str]:
        pd.DataFrame({"text": texts, "label": languages}).to_csv(folder / "texts.csv", index=False)
        return [str(folder / "texts.csv"), "--target", "label"]

    def wav_folder(_: Path) -> list[str]:
        return [str(folder / "wavs")]

    def wav_table(target: Path) -> list[str]:
        frame = pd.DataFrame({"path": [str(path) for path in paths], "label": words})
        frame.to_csv(target / "paths.csv", index=False)
        return [str(target / "paths.csv"), "--target", "label"]

    def targets(folder: Path) -> list[str]:
        wide.assign(target=numbers).to_csv(folder / "numbers.csv", index=False)
        return [str(folder / "numbers.csv"), "--target", "target", "--regression"]

    text = {"encoder": "zhang-small"}
    return {
        "array (n, time), float32": Form(block, y, write=tsv),
        "array (n, time), float64": Form(block.astype(float), y),
        "array (n, time), integers": Form((100 * block).astype(int), y),
        "array (n, time), big-endian": Form(block.astype(">f4"), y),
        "array (n, time), strided and reversed": Form(np.repeat(block, 2, 1)[::-1, ::-2], y[::-1]),
        "array (n, time), read-only": Form(read_only, y),
        "array (n, time), memory-mapped": Form(mapped, y),
        "array (n, channels, time)": Form(cube, y, write=ts(list(cube), True)),
        "torch tensor": Form(torch.from_numpy(block), y),
        "list of (time,) arrays, unequal": Form(ragged, y, write=ts(ragged, False)),
        "list of (channels, time) arrays, unequal": Form([np.stack([row, -row]) for row in ragged], y),
        "object array of arrays": Form(objects, y),
        "nested lists": Form(block.tolist(), y),
        "pandas, wide": Form(wide, y, write=csv(wide, "wide.csv")),
        "pandas, wide, parquet": Form(wide, y, write=parquet),
        "pandas, long (case, time)": Form(long, y),
        "pandas, column of arrays": Form(pd.DataFrame({"series": arrays}), y),
        "pandas, two columns of arrays": Form(pd.DataFrame({"a": arrays, "b": -arrays}), y),
        "pandas, arrays and numbers": Form(pd.DataFrame({"series": arrays, "age": numbers}), y),
        "polars, wide": Form(pl.from_pandas(wide), y),
        "polars, column of lists": Form(pl.DataFrame({"series": block.tolist()}), y),
        "list of DataFrames": Form([pd.DataFrame(record) for record in cube], y),
        "tslearn (n, time, channels)": Form(seqcnn.from_tslearn(cube.transpose(0, 2, 1)), y),
        "missing values, interpolated": Form(holes, y, parameters={"missing": "interpolate"}),
        "missing values, masked": Form(holes, y, parameters={"missing": "mask"}),
        "list of strings": Form(texts, languages, parameters=text, write=lines),
        "pandas Series of strings": Form(pd.Series(texts), languages, parameters=text, write=text_table),
        "polars Series of strings": Form(pl.Series(texts), languages, parameters=text),
        "list of audio paths": Form(paths, words, parameters={"encoder": "m3"}, write=wav_folder),
        "pandas Series of audio paths": Form(
            pd.Series([str(path) for path in paths]), words, parameters={"encoder": "m3"}, write=wav_table
        ),
        "list of (waveform, sample rate)": Form([(s, RATE) for s in sounds], words, parameters={"encoder": "m3"}),
        "arrays with sample_rate=": Form(sounds, words, parameters={"encoder": "m3", "sample_rate": RATE}),
        "labels: several at once": Form(block, np.column_stack([y == y[0], y != y[0], numbers > 0]).astype(int)),
        "target: a number": Form(block, numbers, SeqCNNRegressor, write=targets),
        "target: several numbers": Form(block, np.column_stack([numbers, -numbers]), SeqCNNRegressor),
    }


def take(X: Any, rows: np.ndarray) -> Any:
    if hasattr(X, "iloc") and getattr(X.index, "nlevels", 1) == 2:
        return X.loc[X.index.unique(0)[rows]]
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return [X[row] for row in rows] if isinstance(X, list) else X[rows]


def run_operations(form: Form, folder: Path) -> dict[str, str]:
    """Return "yes", or the reason, for each operation."""
    found: dict[str, str] = {}
    held: dict[str, Any] = {}

    def fit() -> None:
        held["fitted"] = form.estimator().fit(form.X, form.y)

    def predict() -> None:
        predicted = held["fitted"].predict(form.X)
        assert len(predicted) == len(form.y)
        few = held["fitted"].predict(take(form.X, np.arange(3)))
        if form.kind is SeqCNNRegressor:
            # Sums of a batch of another size are rounded elsewhere.
            np.testing.assert_allclose(few, predicted[:3], rtol=1e-5)
        else:
            np.testing.assert_array_equal(few, predicted[:3])

    def copy() -> None:
        again = clone(held["fitted"]).fit(form.X, form.y)
        np.testing.assert_array_equal(again.predict(form.X), held["fitted"].predict(form.X))

    def store() -> None:
        again = pickle.loads(pickle.dumps(held["fitted"]))
        np.testing.assert_array_equal(again.predict(form.X), held["fitted"].predict(form.X))

    def save() -> None:
        held["fitted"].save(folder / "saved.seqcnn")
        again = seqcnn.load(folder / "saved.seqcnn")
        np.testing.assert_array_equal(again.predict(form.X), held["fitted"].predict(form.X))

    def search() -> None:
        if hasattr(form.X, "index") and getattr(form.X.index, "nlevels", 1) == 2:
            raise NotImplementedError("scikit-learn splits rows, and a long frame has many a case")
        grid = GridSearchCV(form.estimator(), {"max_epochs": [1, 2]}, cv=2, error_score="raise")
        grid.fit(form.X, form.y)
        assert len(grid.predict(form.X)) == len(form.y)

    def command_line() -> None:
        if form.write is None:
            raise NotImplementedError("a form of memory, no file")
        data, *options = form.write(folder)
        model = str(folder / "model.seqcnn")
        encoder = form.estimator().encoder
        call("fit", data, "-o", model, "--encoder", encoder, "--max-epochs", "2", "--force", *options)
        target = options[:2] if "--target" in options else []
        predicted = call("predict", model, data, *target)
        assert len(predicted.splitlines()) == len(form.y) + 1, predicted[:300]
        call("evaluate", model, data, *target)

    steps = (fit, predict, copy, store, save, search, command_line)
    for name, step in zip(OPERATIONS, steps, strict=True):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                step()
            found[name] = "yes"
        except Exception as error:
            if not isinstance(error, NotImplementedError):
                traceback.print_exc()
            found[name] = str(error) or type(error).__name__
    return found


def call(*arguments: str) -> str:
    """Run the command line as a user does."""
    command = [sys.executable, "-W", "error", "-m", "seqcnn", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"seqcnn {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def make_table() -> list[str]:
    """Run everything, and return the lines of the page."""
    reasons: dict[str, int] = {}
    lines = ["| form | " + " | ".join(OPERATIONS) + " |", "|---" * (len(OPERATIONS) + 1) + "|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, form in make_forms(folder).items():
            cells = []
            for found in run_operations(form, folder).values():
                if found != "yes":
                    found = f"no: {reasons.setdefault(found, len(reasons) + 1)}"
                cells.append(found)
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    notes = [f"{number}. {' '.join(reason.split())[:300]}" for reason, number in reasons.items()]
    print("\n".join(notes), flush=True)
    return [*lines, "", *notes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="also write the page here")
    arguments = parser.parse_args()
    page = ["# Every form, every operation", "", "`python benchmarks/rooms.py --output docs/rooms.md` made this page."]
    page += ["", *make_table(), "", "## What reading costs", "", *reading.make_table()]
    if arguments.output is not None:
        arguments.output.write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
