"""Ten hours of generated audio through a stream: memory, and the difference from the network run at once.

    python benchmarks/stream_long.py [--hours 10] [--encoder tcn] [--piece-seconds 0.5]

A line an hour: seconds of computing a second of audio, the most memory the process used, and the largest difference
between the last rows (features, as a share of the largest) and those of a stream that begins a few seconds earlier,
more than a window and what it looks back. Noise of changing loudness, so that a sum which was not made anew would
show what it rounded.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from seqcnn import SeqCNNEmbedder
from seqcnn.datasets import make_spoken_tones

RATE = 16_000


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=10)
    parser.add_argument("--encoder", default="tcn", help="a causal one, or one that takes causal=True")
    parser.add_argument("--front-end", default=None, help="such as log-mel")
    parser.add_argument("--piece-seconds", type=float, default=0.5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    parameters = {"encoder__width": 4, "encoder__depth": 3} if options.encoder == "tcn" else {"encoder__causal": True}
    if options.front_end is not None:
        parameters["front_end"] = options.front_end
    X, y = make_spoken_tones(12, n_words=2, sample_rate=RATE, seconds=1.0, random_state=0)
    embedder = SeqCNNEmbedder(options.encoder, sample_rate=RATE, max_epochs=1, random_state=0, **parameters)
    embedder.fit(X, y)
    stream = embedder.stream()
    hop = stream.hop_length
    generator = np.random.default_rng(0)
    size = int(options.piece_seconds * RATE)
    n_kept = 4 * RATE // hop * hop + hop
    print("hour  compute/audio  memory MB  difference")
    for hour in range(1, options.hours + 1):
        spent, tail, rows = 0.0, np.empty(0, np.float32), np.empty((0, stream.n_outputs))
        for second in np.arange(0, 3600, options.piece_seconds):
            samples = generator.standard_normal(size, dtype=np.float32) * np.float32(1e3 if second % 600 == 0 else 0.1)
            started = time.perf_counter()
            new = stream.push(samples)
            spent += time.perf_counter() - started
            rows, tail = np.concatenate([rows, new])[-50:], np.concatenate([tail, samples])[-2 * n_kept :]
        # The tail begins where a hop begins, and ends where the last row does.
        behind = hour * (3600 // options.piece_seconds) * size - stream.n_scores * hop
        tail = tail[: len(tail) - int(behind)]
        fresh = embedder.stream()
        expected = fresh.push(tail[len(tail) % hop :])
        difference = float(np.abs(expected[-50:] - rows).max() / np.abs(expected).max())
        assert np.ptp(expected) > 0
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{hour:4}  {spent / 3600:13.5f}  {memory:9.1f}  {difference:10.1e}", flush=True)


if __name__ == "__main__":
    main()
