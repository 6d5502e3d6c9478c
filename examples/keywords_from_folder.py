"""Spoken words from a folder that has one folder of wav files a word.

Run it with ``python examples/keywords_from_folder.py [FOLDER]``; without a folder it generates words. Speakers are read
from names such as ``word_SPEAKER_0.wav`` and ``SPEAKER_nohash_0.wav`` (Google Speech Commands), so that nobody is in
both training and test; a file of another name counts as a speaker of its own.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from sklearn.metrics import classification_report
from sklearn.model_selection import GroupShuffleSplit

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_spoken_tones, write_wav_folder


def speaker_of(path: Path) -> str:
    """Return the speaker that a file's name tells."""
    speaker, separator, _ = path.stem.partition("_nohash_")
    if not separator and path.stem.count("_") == 2:
        speaker = path.stem.split("_")[1]
    return speaker


def train_and_report(folder: Path, sample_rate: int, seconds: float, max_epochs: int) -> None:
    """Train on most speakers, report on the others, and score a long recording window by window."""
    paths = sorted(folder.glob("*/*.wav"))
    if not paths:
        raise SystemExit(f"{folder} must hold folders of wav files, one a word; no */*.wav is there.")
    words = np.array([path.parent.name for path in paths])
    speakers = np.array([speaker_of(path) for path in paths])
    train, test = next(GroupShuffleSplit(1, test_size=0.25, random_state=0).split(paths, groups=speakers))
    print(f"{len(paths)} files of {len(set(words))} words by {len(set(speakers))} speakers")

    # window_length is in samples. groups holds speakers together in the validation split, too.
    classifier = SeqCNNClassifier(
        sample_rate=sample_rate,
        window_length=round(seconds * sample_rate),
        max_epochs=max_epochs,
        early_stopping=True,
        random_state=0,
        verbose=1,
    )
    classifier.fit([paths[row] for row in train], words[train], groups=speakers[train])
    print(classification_report(words[test], classifier.predict([paths[row] for row in test]), zero_division=0))

    # Several words in a row, as one recording: the rate comes with the waveform and is changed if it is another.
    some = test[:: max(1, len(test) // 4)]
    pieces = [soundfile.read(paths[row], dtype="float32", always_2d=True) for row in some]
    recording = np.concatenate([samples.mean(axis=1) for samples, _ in pieces])
    print(f"one recording of {', '.join(words[some])}, scored in windows (start and end in seconds):")
    windows = classifier.predict_windows([(recording, pieces[0][1])])
    windows.insert(3, "word", classifier.classes_[windows[classifier.classes_].to_numpy().argmax(axis=1)])
    windows[["start", "end"]] /= sample_rate
    print(windows.drop(columns="record").round(2).to_string(index=False))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on a folder of folders of wav files, and report.")
    parser.add_argument("folder", type=Path, nargs="?", help="one folder a word; left out: generated words")
    parser.add_argument("--sample-rate", type=int, default=8000, help="Hz; other files are resampled (default 8000)")
    parser.add_argument("--window-seconds", type=float, default=0.4, help="length of a window (default 0.4)")
    parser.add_argument("--max-epochs", type=int, default=8, help="passes over the windows (default 8)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if asked.folder is None:
            X, y, speakers = make_spoken_tones(160, n_speakers=8, random_state=0, return_groups=True)
            write_wav_folder(temporary, X, y, 8000, speakers)
        train_and_report(asked.folder or Path(temporary), asked.sample_rate, asked.window_seconds, asked.max_epochs)


if __name__ == "__main__":
    main()
