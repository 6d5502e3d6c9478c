"""A stand-in for ``read_data`` until the readers are merged: CSV tables, folders of wav files, lines of text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from seqcnn._checks import did_you_mean
from seqcnn._types import AnyArray


def read_data(path: str | os.PathLike[str], *, target: str | None = None) -> tuple[Any, AnyArray | None]:
    """Read records and targets."""
    import pandas as pd

    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"There is no file {place}.")
    if place.is_dir():
        files = sorted(place.glob("*/*.wav"))
        return [str(file) for file in files], np.array([file.parent.name for file in files])
    if place.suffix == ".txt":
        return place.read_text(encoding="utf-8").splitlines(), None
    frame = pd.read_csv(place)
    if target is not None and target not in frame.columns:
        raise ValueError(f"There is no column {target!r}. {did_you_mean(target, frame.columns)}")
    y = None if target is None else frame.pop(target).to_numpy()
    return (frame.iloc[:, 0].tolist() if frame.shape[1] == 1 else frame), y
