"""Hear keywords live, as they are spoken into a microphone, or from a file in real time.

Run it with ``python examples/live_microphone.py [--model words.seqcnn]``; a microphone needs
``pip install "seqcnn[microphone]"``. ``--file talk.wav`` plays a file in its place, as fast as it was spoken;
``--speed 20`` is faster. The model is what ``train_keyword_spotter.py`` saved; without it, a spotter of generated words
is trained. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_spoken_tones
from seqcnn.inputs.audio_blocks import paced, read_blocks
from seqcnn.inputs.microphone import Microphone
from seqcnn.spotting import KeywordSpotter

BLOCK_SECONDS = 0.1
"""Sound that is answered together: shorter blocks answer sooner, and cost more."""


def train_one() -> KeywordSpotter:
    """Return a spotter of two generated words; a third one teaches it what to ignore."""
    X, y = make_spoken_tones(120, n_words=3, random_state=0)
    classifier = SeqCNNClassifier("matchboxnet", encoder__causal=True, sample_rate=8000, max_epochs=20, random_state=0)
    return KeywordSpotter(classifier, keywords=["alpha", "bravo"], random_state=0).fit(X, y)


def hear(spotter: KeywordSpotter, blocks: Iterable[np.ndarray], sample_rate: int) -> None:
    """Print each keyword in the moment in which it is heard."""
    listener = spotter.listen(sample_rate)  # resamples, if the model was trained at another rate
    n_samples, busy, iterator = 0, 0.0, iter(blocks)
    while True:
        try:
            block = next(iterator, None)
        except TimeoutError as stall:
            print(stall)
            listener.reset()  # what comes next does not join what came before
            continue
        if block is None:
            break
        n_samples += block.shape[1]
        began = time.perf_counter()
        for detection in listener.push(block):
            print(f"{detection.end:8.2f} s  {detection.keyword}  (score {detection.score:.2f})", flush=True)
        busy += time.perf_counter() - began
    print(f"heard {n_samples / sample_rate:.1f} s, computed for {busy:.1f} s of them")


def main() -> None:
    parser = argparse.ArgumentParser(description="Hear keywords live.")
    parser.add_argument("--model", type=Path, help="a saved one; left out: trained on generated words")
    parser.add_argument("--file", type=Path, help="an audio file in the microphone's place")
    parser.add_argument("--speed", type=float, default=1.0, help="of the file, times real time")
    parser.add_argument("--device", help="name of a microphone; left out: the system's choice")
    asked = parser.parse_args()
    spotter = KeywordSpotter.load(asked.model) if asked.model else train_one()
    if asked.file:
        blocks = read_blocks(asked.file, block_seconds=BLOCK_SECONDS)
        hear(spotter, paced(blocks, speed=asked.speed), blocks.sample_rate)
        return
    with (
        Microphone(device=asked.device, block_seconds=BLOCK_SECONDS) as microphone,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(f"Listening to {microphone.name}. Say {' or '.join(map(str, spotter.keywords_))}; Ctrl-C ends it.")
        hear(spotter, microphone, microphone.sample_rate)


if __name__ == "__main__":
    main()
