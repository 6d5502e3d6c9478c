"""Train a keyword spotter, choose a threshold that keeps a promise, measure it on other speakers, and save it.

Run it with ``python examples/train_keyword_spotter.py [FOLDER --keywords yes no] [--output words.seqcnn]``. FOLDER
has a folder of wav files a word; words that are no keywords teach what to ignore. Without it, words are generated. The
promise needs hours of sound without keywords: bring your own with --negatives.
"""

from __future__ import annotations

import argparse
import tempfile
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
    """Return one long recording of these files in random order, and its rate."""
    rate = soundfile.info(paths[0]).samplerate
    waves = [soundfile.read(path, dtype="float32", always_2d=True)[0].mean(axis=1) for path in paths]
    n_clips = int(seconds * rate / np.mean([len(wave) for wave in waves]))
    return np.concatenate([waves[row] for row in np.random.default_rng(seed).integers(len(waves), size=n_clips)]), rate


def train(folder: Path, keywords: list[str], asked: argparse.Namespace) -> None:
    """Train on half of the speakers, choose the threshold on a quarter, and measure on the rest."""
    paths = np.array(sorted(folder.glob("*/*.wav")))
    if not len(paths):
        raise SystemExit(f"{folder} must hold folders of wav files, one a word; no */*.wav is there.")
    words = np.array([path.parent.name for path in paths])
    speakers = np.array([speaker_of(path) for path in paths])
    is_keyword = np.isin(words, keywords)
    _, numbers = np.unique(speakers, return_inverse=True)
    parts = np.array(["train", "tune", "train", "test"])[numbers % 4]
    classifier = SeqCNNClassifier("matchboxnet", encoder__causal=True, max_epochs=40, random_state=0)
    spotter = KeywordSpotter(classifier, keywords=keywords, random_state=0)
    spotter.fit(list(paths[parts == "train"]), words[parts == "train"], groups=speakers[parts == "train"])

    def with_and_without(name: str, seed: int) -> tuple[tuple[list[Path], np.ndarray], list]:
        rows, others = (parts == name) & is_keyword, paths[(parts == name) & ~is_keyword]
        own = sorted(asked.negatives.glob("*.wav"))[seed::2] if asked.negatives else [in_a_row(others, 180, seed)]
        return (list(paths[rows]), words[rows]), own

    tuned = spotter.tune_threshold(*with_and_without("tune", 0), max_false_accepts_per_hour=asked.per_hour)
    report = spotter.evaluate(*with_and_without("test", 1))  # neither trained nor chosen on
    print(f"threshold {tuned.threshold:.3f}; proven: {tuned.proven}")
    print(f"missed: {report.misses} of {report.n_words} words by other speakers")
    print(f"for nothing: {report.false_accepts} times in {report.hours:.2f} hours")
    spotter.save(asked.output)  # seqcnn spot words.seqcnn --microphone listens with it


def main() -> None:
    parser = argparse.ArgumentParser(description="Train, tune, measure and save a keyword spotter.")
    parser.add_argument("folder", type=Path, nargs="?", help="one folder a word; left out: generated words")
    parser.add_argument("--keywords", nargs="+", default=["alpha", "bravo"], help="folders to listen for")
    parser.add_argument("--negatives", type=Path, help="folder of long wav files without keywords")
    parser.add_argument("--per-hour", type=float, default=0.5, help="false alarms an hour (default 0.5)")
    parser.add_argument("--output", type=Path, default=Path("words.seqcnn"), help="default words.seqcnn")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if asked.folder is None:
            X, y, speakers = make_spoken_tones(320, n_words=4, n_speakers=16, random_state=0, return_groups=True)
            write_wav_folder(temporary, X, y, 8000, speakers)
        train(asked.folder or Path(temporary), asked.keywords, asked)


if __name__ == "__main__":
    main()
