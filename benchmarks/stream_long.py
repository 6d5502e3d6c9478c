"""Ten hours of generated audio through a stream: memory, and the difference from the network run at once.

    python benchmarks/stream_long.py [--hours 10] [--encoder tcn] [--piece-seconds 0.5]

A line an hour: seconds of computing a second of audio, the most memory the process used, and the largest difference
between the last rows (features, as a share of the largest) and what one pass of torch's network gives for the last
seconds, more than a window and what it looks back. Noise of changing loudness, so that a sum which was not made anew
would show what it rounded.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from seqcnn import SeqCNNEmbedder
from seqcnn.datasets import make_spoken_tones
from seqcnn.streaming import Stream

RATE, N_ROWS = 16_000, 50


def run_at_once(embedder: SeqCNNEmbedder, stream: Stream, samples: np.ndarray) -> np.ndarray:
    """Return the last rows by one pass of the network over these samples, its steps averaged a window at a time."""
    network = embedder.network_
    with torch.inference_mode():
        encoded = network.encode(torch.from_numpy(samples)[None, None])[0].double().numpy()
    n_steps, step = -(-stream.window_length // network.stride), stream.hop_length // network.stride
    ends = encoded.shape[1] - step * np.arange(N_ROWS)[::-1]
    return np.stack([encoded[:, end - n_steps : end].mean(1) for end in ends])


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
            rows, tail = np.concatenate([rows, new])[-N_ROWS:], np.concatenate([tail, samples])[-2 * n_kept :]
        # The tail begins where a hop begins, and ends where the last row does.
        behind = hour * (3600 // options.piece_seconds) * size - stream.n_scores * hop
        tail = tail[: len(tail) - int(behind)]
        expected = run_at_once(embedder, stream, tail[len(tail) % hop :])
        difference = float(np.abs(expected - rows).max() / np.abs(expected).max())
        assert np.ptp(expected) > 0
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{hour:4}  {spent / 3600:13.5f}  {memory:9.1f}  {difference:10.1e}", flush=True)


if __name__ == "__main__":
    main()
