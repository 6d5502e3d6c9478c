"""The hardest negatives: where a spotter comes nearest to firing, though no keyword is said."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seqcnn._checks import shorten
from seqcnn.inputs.audio_files import import_soundfile
from seqcnn.spotting.sound import can_be_read_again, name_source, read_section
from seqcnn.spotting.tracks import Tracks


def find_hardest(tracks: Tracks, keywords: Sequence[Any], sources: Sequence[Any], n: int) -> pd.DataFrame:
    """Return the windows of the highest scores that do not overlap, from the hardest on.

    Returns
    -------
    DataFrame
        recording (its path, or its position), start, end (seconds), keyword, score, and position (in ``sources``).
    """
    apart = max(1, round(tracks.window_seconds / tracks.hop_seconds))
    best = tracks.scores.max(1)
    taken: list[int] = []
    free = best > 0
    # The best row that is left, again and again, without sorting hours of rows.
    while len(taken) < n and free.any():
        row = int(np.argmax(np.where(free, best, -1)))
        taken.append(row)
        free[max(0, row - apart + 1) : row + apart] = False
    rows = np.array(taken, np.int64)
    positions = tracks.recording_of(rows)
    end = tracks.seconds_in(rows)
    return pd.DataFrame(
        {
            "recording": pd.Series([name_source(sources[position], position) for position in positions], dtype=object),
            "start": np.maximum(end - tracks.window_seconds, 0.0),
            "end": end,
            "keyword": pd.Series([keywords[column] for column in tracks.scores[rows].argmax(1)], dtype=object),
            "score": best[rows].astype(np.float64),
            "position": positions,
        }
    )


def write_clips(
    found: pd.DataFrame, sources: Sequence[Any], rates: Sequence[int], folder: str | os.PathLike[str], *, caller: str
) -> list[str]:
    """Write each line's sound to a wav file of its own, the hardest first by name, and return the paths.

    Raises
    ------
    ValueError
        If a source was a stream, which cannot be read again.
    """
    gone = [position for position, source in enumerate(sources) if not can_be_read_again(source)]
    if gone:
        raise ValueError(
            f"{caller} with folder= cuts clips out of recordings that can be read again: paths and waveforms. "
            f"Received: {shorten(sources[gone[0]])}. Pass its file, or leave folder out."
        )
    soundfile = import_soundfile()
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, line in enumerate(found.to_dict("records")):
        source, rate = sources[line["position"]], rates[line["position"]]
        clip = read_section(source, round(line["start"] * rate), round(line["end"] * rate), caller=caller)
        word = re.sub(r"[^\w-]+", "_", str(line["keyword"]))
        path = home / f"{number:04d}_{word}_{line['score']:.3f}.wav"
        soundfile.write(path, np.asarray(clip).T, rate)
        paths.append(str(path))
    return paths
