"""Find keywords in a recording of any length: a table, and a picture of the scores if it is asked for.

Run it with ``python examples/spot_in_recording.py [RECORDING --model words.seqcnn] [--picture scores.png]``. The model
is what ``train_keyword_spotter.py`` saved, or any saved classifier of audio that streams. Without it, a spotter is
trained on generated words, and hears some of them between noise.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_spoken_tones
from seqcnn.spotting import KeywordSpotter

RATE = 8000


def train_one() -> KeywordSpotter:
    """Return a spotter of two generated words; a third one teaches it what to ignore."""
    X, y = make_spoken_tones(120, n_words=3, sample_rate=RATE, random_state=0)
    classifier = SeqCNNClassifier("matchboxnet", encoder__causal=True, sample_rate=RATE, max_epochs=20, random_state=0)
    return KeywordSpotter(classifier, keywords=["alpha", "bravo"], random_state=0).fit(X, y)


def make_recording() -> tuple[np.ndarray, int]:
    """Return words with two seconds of noise between them, and say where they are."""
    X, y = make_spoken_tones(9, n_words=3, sample_rate=RATE, random_state=1)
    noise, pieces, n_samples = np.random.default_rng(0), [], 0
    for wave, word in zip(X, y, strict=True):
        pause = noise.normal(scale=0.005, size=2 * RATE).astype(np.float32)
        print(f"said: {word:8} from {(n_samples + len(pause)) / RATE:5.2f} s")
        pieces += [pause, wave]
        n_samples += len(pause) + len(wave)
    return np.concatenate(pieces), RATE


def draw(spotter: KeywordSpotter, recording: Any, found: Any, path: Path) -> None:
    """Write a picture of each keyword's score over time, with what was detected."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 3), layout="constrained")
    spotter.scores(recording).plot(x="end", ax=axes, xlabel="time [s]", ylabel="score", ylim=(0, 1.05))
    axes.axhline(spotter.threshold_, color="grey", linestyle=":")
    for start, end, word, _ in found.itertuples(index=False):
        axes.axvspan(start, end, alpha=0.15)
        axes.text(end, 1.0, word, ha="right", va="top")
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Find keywords in a recording.")
    parser.add_argument("recording", type=Path, nargs="?", help="an audio file; left out: a generated one")
    parser.add_argument(
        "--model", type=Path, help="a saved spotter or classifier; left out: trained on generated words"
    )
    parser.add_argument("--threshold", type=float, help="in the place of the saved one")
    parser.add_argument("--picture", type=Path, help="a file to draw the scores into, such as scores.png")
    asked = parser.parse_args()
    spotter = KeywordSpotter.load(asked.model) if asked.model else train_one()
    if asked.threshold is not None:
        spotter.set_params(threshold=asked.threshold)
    recording = asked.recording or make_recording()
    found = spotter.detect(recording)  # a file is read block by block: it may be hours long
    print(f"{len(found)} detections of {', '.join(map(str, spotter.keywords_))}")
    print(found.round(2).to_string(index=False))
    if asked.picture:
        draw(spotter, recording, found, asked.picture)
        print(f"picture: {asked.picture}")


if __name__ == "__main__":
    main()
