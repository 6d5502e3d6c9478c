"""Keyword spotting on real recordings: accuracy, open set, false alarms in long noise; beside a tutorial's network.

    SEQCNN_DATA=... python benchmarks/keywords.py [WORK ...] [--seeds 0 1 2] [--out FILE] [--fresh]

Works:

    digits          FSDD, official split
    speakers        FSDD, each of the six speakers left out in turn
    commands        Speech Commands, 9 words of 240 training clips each, official validation list
    open-set        the same against the 21 other words of the set's small version, none of them trained on
    unknown         the same with half of the other words trained on as one class, the other half as unknown
    noise           words inside long noise: misses against false accepts an hour
    openwakeword    the same commands by openWakeWord's embedding, in an environment that the script makes

Each measured line goes to FILE as one line of JSON as soon as it is there, so that a run that was broken off goes on
where it stopped; the tables are printed from that file. Settings were chosen inside the training parts
(docs/keywords.md); a test part is scored once a run. Nothing else should run beside it: times are part of what is
reported.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from road import machine

FRONTS = ("log-mel", "raw waveform")


def settings_of(work: str, front: str) -> dict[str, Any]:
    """Return what is not a default, chosen on held-back training recordings (docs/keywords.md)."""
    from seqcnn.augment import AudioAugmentation

    own: dict[str, Any]
    if front == "raw waveform":
        own = {"encoder": "td-filterbank", "augment": "audio", "max_epochs": 36 if work == "commands" else 20}
    elif work == "digits":
        own = {}
    elif work == "speakers":
        # Longer training learns the five voices by heart.
        own = {"normalize": "level", "augment": AudioAugmentation(style_share=0.5), "max_epochs": 8}
    else:
        own = {"augment": AudioAugmentation(mixing="mixup"), "max_epochs": 60}
    # How long to train was chosen, too, so that nothing need be held back from the fit.
    return {"early_stopping": False, **own}


WANTED = {
    ("digits", "log-mel"): "99.3",
    ("digits", "raw waveform"): "98",
    ("speakers", "log-mel"): "88",
    ("commands", "log-mel"): "98.6",
    ("commands", "raw waveform"): "95",
}
N_UNKNOWN_TRAINED = 10
"""Of the 21 other words, those trained on as "unknown" in the works "unknown" and "noise"."""

RATE, N_TURNS = 16_000, 8

PEER = Path.home() / ".cache" / "seqcnn" / "peers" / "openwakeword"
PEER_PINS = ["openwakeword==0.6.0", "onnxruntime==1.20.1", "soundfile==0.13.1"]


def fit_and_score(work: str, front: str, seed: int, train: tuple[Any, Any], test: tuple[Any, Any]) -> dict[str, Any]:
    """Fit on the training part, score the test part once."""
    from seqcnn import SeqCNNClassifier

    if front == "tutorial":
        from _tutorial_m5 import EPOCHS
        from _tutorial_m5 import fit_and_score as follow_tutorial

        accuracy, seconds, parameters = follow_tutorial(*train, *test, seed)
        return {
            "accuracy": accuracy, "fit_seconds": round(seconds, 1), "parameters": parameters, "epochs": EPOCHS,
            "encoder": "TutorialM5", "n_train": len(train[1]), "n_test": len(test[1]),
        }  # fmt: skip
    classifier = SeqCNNClassifier(random_state=seed, verbose=1, **settings_of(work, front))
    started = time.perf_counter()
    classifier.fit(*train)
    seconds = time.perf_counter() - started
    return {
        "accuracy": float(classifier.score(*test)),
        "fit_seconds": round(seconds, 1),
        "parameters": sum(parameter.numel() for parameter in classifier.network_.parameters()),
        "epochs": len(classifier.history_),
        "encoder": type(classifier.encoder_).__name__,
        "n_train": len(train[1]),
        "n_test": len(test[1]),
    }


def measure_digits(front: str, seed: int) -> dict[str, Any]:
    """FSDD, indices 0 to 4 for the test."""
    from seqcnn.datasets import load_fsdd

    return fit_and_score("digits", front, seed, load_fsdd("train"), load_fsdd("test"))


def measure_speaker(front: str, seed: int, speaker: str) -> dict[str, Any]:
    """FSDD, all recordings of five speakers to learn from, all of the sixth for the test."""
    from seqcnn.datasets import load_fsdd

    parts = [load_fsdd(split, return_groups=True) for split in ("train", "test")]
    X = np.array([path for part in parts for path in part[0]])
    y, speakers = (np.concatenate([part[position] for part in parts]) for position in (1, 2))
    left_out = speakers == speaker
    return fit_and_score(
        "speakers", front, seed, (X[~left_out].tolist(), y[~left_out]), (X[left_out].tolist(), y[left_out])
    )


def measure_commands(front: str, seed: int) -> dict[str, Any]:
    """Nine words, the official validation list."""
    from seqcnn.datasets import load_speech_commands

    return fit_and_score("commands", front, seed, load_speech_commands("train"), load_speech_commands("validation"))


def measure_open_wake_word() -> dict[str, Any]:
    """Ask openWakeWord, in an environment of its own, for the same split."""
    from _side_by_side import prepare_environment

    from seqcnn.datasets import load_speech_commands

    python = prepare_environment(PEER, PEER_PINS, print)
    (X_train, y_train), (X_test, y_test) = load_speech_commands("train"), load_speech_commands("validation")
    question = {"X_train": X_train, "y_train": y_train.tolist(), "X_test": X_test, "y_test": y_test.tolist()}
    worker = [python, Path(__file__).with_name("_open_wake_word.py")]
    asked = json.dumps(question) + "\n"
    done = subprocess.run(worker, input=asked, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def other_words() -> tuple[list[str], Any]:
    """Return the recordings of the small set's words that the large set has not."""
    from seqcnn.datasets import load_speech_commands, load_speech_commands_mini

    known = set(load_speech_commands("train")[1])
    parts = [load_speech_commands_mini(split) for split in ("train", "validation", "test")]
    X = [path for part in parts for path in part[0]]
    y = np.concatenate([part[1] for part in parts])
    other = ~np.isin(y, list(known))
    return [X[row] for row in np.flatnonzero(other)], y[other]


def fit_spotter(seed: int, *, n_unknown: int) -> tuple[Any, list[str], float]:
    """Train a spotter of nine words; return it, the other words it was trained on as unknown, and the seconds."""
    from seqcnn.datasets import load_speech_commands
    from seqcnn.spotting import KeywordSpotter

    X, y = load_speech_commands("train")
    keywords = np.unique(y).tolist()
    X_other, y_other = other_words()
    words = np.unique(y_other)
    trained = sorted(words[np.random.default_rng(seed).permutation(len(words))[:n_unknown]].tolist())
    taken = np.flatnonzero(np.isin(y_other, trained))
    spotter = KeywordSpotter(keywords=keywords, random_state=seed)
    started = time.perf_counter()
    spotter.fit([*X, *(X_other[row] for row in taken)], np.concatenate([y, y_other[taken]]))
    return spotter, trained, round(time.perf_counter() - started, 1)


def measure_open_set(seed: int, *, n_unknown: int) -> dict[str, Any]:
    """How well the highest score tells a known word from one that was never heard: area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    from seqcnn.datasets import load_speech_commands

    spotter, trained, seconds = fit_spotter(seed, n_unknown=n_unknown)
    X_known, y_known = load_speech_commands("validation")
    X_other, y_other = other_words()
    X_other = [X_other[row] for row in np.flatnonzero(~np.isin(y_other, trained))]
    scores = [np.asarray(spotter.decision_function(part)) for part in (X_known, X_other)]
    is_known = np.repeat([1, 0], [len(X_known), len(X_other)])
    said = np.array(spotter.keywords_)[scores[0].argmax(1)]
    return {
        "auroc": float(roc_auc_score(is_known, np.concatenate([part.max(1) for part in scores]))),
        "accuracy": float(np.mean(said == y_known)),
        "fit_seconds": seconds,
        "n_known": len(X_known),
        "n_other": len(X_other),
        "words_trained_as_unknown": trained,
    }


def set_in_noise(X: list[str], seed: int) -> tuple[tuple[Any, int], list[tuple[float, float]]]:
    """Return one recording of clips, one to four seconds apart, with pink noise 10 dB below them, and their times."""
    import soundfile

    from seqcnn.augment.colors import color_noise

    generator = np.random.default_rng(seed)
    waves = [soundfile.read(path, dtype="float32")[0] for path in X]
    starts, end = [], 0
    for wave in waves:
        end += int(generator.uniform(1.0, 4.0) * RATE)
        starts.append(end)
        end += len(wave)
    recording = np.zeros(end + RATE, np.float32)
    for start, wave in zip(starts, waves, strict=True):
        recording[start : start + len(wave)] += wave
    loudness = float(np.sqrt(np.mean(np.concatenate(waves) ** 2)))
    noise = color_noise("pink", len(recording), sample_rate=RATE, generator=generator)
    noise *= loudness / 10**0.5 / float(np.sqrt(np.mean(noise**2)))
    return (recording + noise, RATE), [
        (start / RATE, (start + len(wave)) / RATE) for start, wave in zip(starts, waves, strict=True)
    ]


def measure_noise(seed: int) -> dict[str, Any]:
    """Misses against false accepts an hour: validation words in noise; in the negatives other words, never heard."""
    import pandas as pd

    from seqcnn.datasets import load_speech_commands

    spotter, trained, seconds = fit_spotter(seed, n_unknown=N_UNKNOWN_TRAINED)
    X_known, y_known = load_speech_commands("validation")
    X_other, y_other = other_words()
    X_other = [X_other[row] for row in np.flatnonzero(~np.isin(y_other, trained))]
    order = np.random.default_rng(seed).permutation(len(X_known))
    spoken, times = set_in_noise([X_known[row] for row in order], seed)
    table = pd.DataFrame(times, columns=["start", "end"]).assign(
        keyword=y_known[order], recording=[spoken] * len(order)
    )
    # Every other word several times, in another noise and order each time.
    shuffles = [np.random.default_rng([seed, turn]).permutation(len(X_other)) for turn in range(N_TURNS)]
    silent = [set_in_noise([X_other[row] for row in rows], turn)[0] for turn, rows in enumerate(shuffles)]
    wide = spotter.evaluate(table, silent, area_up_to=60.0)
    report = spotter.evaluate(table, silent)
    rates, curve = [0.0, 1.0, 10.0, 60.0], report.curve
    misses = [float(curve.miss_rate[curve.false_accepts_per_hour <= rate].min()) for rate in rates]
    return {
        "area": report.area,
        "area_60": wide.area,
        "misses_at_0": misses[0],
        "rates": rates[1:],
        "misses": [round(100 * share, 1) for share in misses[1:]],
        "n_words": report.n_words,
        "n_other": N_TURNS * len(X_other),
        "hours": report.hours,
        "fit_seconds": seconds,
        "words_trained_as_unknown": trained,
    }


def plan(
    works: list[str], seeds: list[int], fronts: list[str]
) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """Yield what is to be measured: the line's key, and how."""
    speakers = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    for seed in seeds:
        for front in fronts:
            key = {"front": front, "seed": seed}
            if "digits" in works:
                yield {"work": "digits", **key}, partial(measure_digits, front, seed)
            if "commands" in works:
                yield {"work": "commands", **key}, partial(measure_commands, front, seed)
        if "speakers" in works:
            for speaker in speakers:
                key = {"work": "speakers", "front": "log-mel", "seed": seed, "speaker": speaker}
                yield key, partial(measure_speaker, "log-mel", seed, speaker)
        for work, n_unknown in (("open-set", 0), ("unknown", N_UNKNOWN_TRAINED)):
            if work in works:
                yield {"work": work, "seed": seed}, partial(measure_open_set, seed, n_unknown=n_unknown)
        if "noise" in works:
            yield {"work": "noise", "seed": seed}, partial(measure_noise, seed)
    if "openwakeword" in works:
        yield {"work": "openwakeword"}, measure_open_wake_word


def report(rows: list[dict[str, Any]]) -> None:
    """Print the tables."""
    print(f"\nMachine: {machine()}")
    fits = [row for row in rows if row["work"] in ("digits", "commands")]
    if fits:
        print("\n| work | input | seed | network | parameters | epochs | accuracy | fit s | wanted |")
        print("|---|---|---|---|---|---|---|---|---|")
    for row in fits:
        print(
            f"| {row['work']}, {row['n_train']:,} / {row['n_test']} | {row['front']} | {row['seed']} "
            f"| {row['encoder']} | {row['parameters']:,} | {row['epochs']} | {100 * row['accuracy']:.1f} % "
            f"| {row['fit_seconds']:.0f} | {WANTED.get((row['work'], row['front']), '')} |"
        )
    left_out = [row for row in rows if row["work"] == "speakers"]
    for seed in sorted({row["seed"] for row in left_out}):
        own = [row for row in left_out if row["seed"] == seed]
        mean = statistics.mean(row["accuracy"] for row in own)
        each = ", ".join(f"{row['speaker']} {100 * row['accuracy']:.1f}" for row in own)
        print(f"\nFSDD, one speaker left out, seed {seed}: mean {100 * mean:.1f} % ({each}); wanted 88 %")
    for row in rows:
        if row["work"] in ("open-set", "unknown"):
            trained = row["words_trained_as_unknown"]
            what = f"{len(trained)} other words trained as unknown" if trained else "no other word trained on"
            print(
                f"\nOpen set, seed {row['seed']}, {what}: AUROC {row['auroc']:.3f} on {row['n_known']} clips of known "
                f"words and {row['n_other']} of others; accuracy among the known {100 * row['accuracy']:.1f} %; "
                f"fit {row['fit_seconds']:.0f} s; wanted .95"
            )
        if row["work"] == "openwakeword":
            what = f"did not run: {row['failed']}" if "failed" in row else f"accuracy {100 * row['accuracy']:.1f} %"
            print(f"\nSpeech Commands by openWakeWord's embedding and a linear classifier: {what}")
        if row["work"] == "noise":
            print(
                f"\nWords in noise, seed {row['seed']}: {row['n_words']} words, {row['hours']:.2f} hours with "
                f"{row['n_other']} other words; mean miss rate over 0 to 10 false accepts an hour {row['area']:.3f}, "
                f"up to 60 {row['area_60']:.3f}; at no false accept {100 * row['misses_at_0']:.1f} % missed, at "
                f"{row['rates']} an hour {row['misses']} %"
            )


def main() -> None:
    works = ["digits", "commands", "speakers", "open-set", "unknown", "noise", "openwakeword"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", choices=[*works, []], help="what to measure; all if none is named")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--fronts", nargs="+", choices=[*FRONTS, "tutorial"], default=[*FRONTS, "tutorial"])
    parser.add_argument("--out", type=Path, default=Path("keywords.jsonl"))
    parser.add_argument("--fresh", action="store_true", help="forget what the file holds")
    options = parser.parse_args()
    if options.fresh:
        options.out.unlink(missing_ok=True)
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    for key, run in plan(options.works or works, options.seeds, options.fronts):
        if any(key.items() <= row.items() for row in rows):
            continue
        rows.append(key | run())
        with options.out.open("a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(json.dumps(rows[-1]), flush=True)
    report(rows)


if __name__ == "__main__":
    main()
