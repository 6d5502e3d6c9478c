"""Train a keyword spotter, choose a threshold that keeps a promise, measure it on other speakers, and save it.

Run it with ``python examples/train_keyword_spotter.py [FOLDER --keywords yes no] [--output words.seqcnn]``. FOLDER
has a folder of wav files a word, as Google Speech Commands; words that are no keywords teach what to ignore. Without
it, words are generated. The promise needs hours of sound without keywords: bring your own with --negatives.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_spoken_tones, write_wav_folder
from seqcnn.spotting import KeywordSpotter


def speaker_of(path: Path) -> str:
    """Return who speaks, from ``SPEAKER_nohash_0.wav`` or ``word_SPEAKER_0.wav``."""
    speaker, separator, _ = path.stem.partition("_nohash_")
    return speaker if separator or path.stem.count("_") != 2 else path.stem.split("_")[1]


def in_a_row(paths: np.ndarray, seconds: float, seed: int) -> tuple[np.ndarray, int]:
    """Return one long recording of these files in random order, as often as it takes, and its rate."""
    generator, pieces, n_samples = np.random.default_rng(seed), [], 0
    rate = soundfile.info(paths[0]).samplerate
    while n_samples < seconds * rate:
        pieces.append(soundfile.read(generator.choice(paths), dtype="float32", always_2d=True)[0].mean(axis=1))
        n_samples += len(pieces[-1])
    return np.concatenate(pieces), rate


def train(folder: Path, keywords: list[str], asked: argparse.Namespace) -> None:
    """Train on some speakers, choose the threshold on others, and measure on others again."""
    paths = np.array(sorted(folder.glob("*/*.wav")))
    words = np.array([path.parent.name for path in paths])
    speakers = np.array([speaker_of(path) for path in paths])
    part = dict(zip(np.unique(speakers), cycle(["train", "tune", "train", "test"])))
    parts = np.array([part[speaker] for speaker in speakers])

    classifier = SeqCNNClassifier("matchboxnet", encoder__causal=True, max_epochs=asked.max_epochs, random_state=0)
    spotter = KeywordSpotter(classifier, keywords=keywords, random_state=0)
    spotter.fit(list(paths[parts == "train"]), words[parts == "train"], groups=speakers[parts == "train"])

    def with_and_without(name: str, seed: int) -> tuple[tuple[list[Path], np.ndarray], list]:
        spoken = np.isin(words, keywords)
        own = sorted(asked.negatives.glob("*.wav"))[seed::2] if asked.negatives else None
        rows, others = (parts == name) & spoken, paths[(parts == name) & ~spoken]
        return (list(paths[rows]), words[rows]), own or [in_a_row(others, 90, seed)]

    tuned = spotter.tune_threshold(*with_and_without("tune", 0), max_false_accepts_per_hour=asked.per_hour)
    print(f"threshold {tuned.threshold:.3f}; proven: {tuned.proven}")
    report = spotter.evaluate(*with_and_without("test", 1))  # neither trained nor chosen on
    print(f"missed: {report.misses} of {report.n_words} words by other speakers")
    print(f"for nothing: {report.false_accepts} times in {report.hours:.2f} hours")
    spotter.save(asked.output)
    print(f"saved: {asked.output}; listen with: seqcnn spot {asked.output} --microphone")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train, tune, measure and save a keyword spotter.")
    parser.add_argument("folder", type=Path, nargs="?", help="one folder a word; left out: generated words")
    parser.add_argument("--keywords", nargs="+", default=["alpha", "bravo"], help="folders to listen for")
    parser.add_argument("--negatives", type=Path, help="folder of long wav files without keywords")
    parser.add_argument("--per-hour", type=float, default=0.5, help="false alarms an hour, at most (default 0.5)")
    parser.add_argument("--max-epochs", type=int, default=20, help="passes over the clips (default 20)")
    parser.add_argument("--output", type=Path, default=Path("words.seqcnn"), help="default words.seqcnn")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if asked.folder is None:
            X, y, speakers = make_spoken_tones(240, n_words=4, n_speakers=8, random_state=0, return_groups=True)
            write_wav_folder(temporary, X, y, 8000, speakers)
        train(asked.folder or Path(temporary), asked.keywords, asked)


if __name__ == "__main__":
    main()
