"""Why channels lie innermost on a CPU: forward + backward of one convolution, our layer against ``torch.nn.Conv1d``.

    python benchmarks/layout.py

Both layers hold the same weights and get the same values; the input already lies in each one's own layout, as it does
in the middle of a network. They run by turns, and the table shows medians and their ratio.
"""

from __future__ import annotations

import statistics
import time
import warnings

import torch

from seqcnn.layers import Conv1d
from seqcnn.layers.layout import channels_innermost

SHAPES = [
    # in, out, kernel, batch, time
    (32, 32, 41, 64, 512),
    (32, 32, 40, 64, 512),
    (32, 32, 20, 64, 512),
    (32, 32, 10, 64, 512),
    (128, 32, 1, 64, 512),
    (64, 64, 8, 64, 512),
    (128, 256, 5, 64, 128),
    (256, 256, 7, 64, 112),
    (128, 128, 3, 64, 256),
]
TURNS = 9


def seconds(layer: torch.nn.Module, x: torch.Tensor, mixed: bool) -> float:
    """Time one forward and backward pass."""
    started = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        output = layer(x)
    output.backward(torch.ones_like(output))
    return time.perf_counter() - started


def main() -> None:
    warnings.simplefilter("ignore", UserWarning)  # nn.Conv1d pads even kernels by a copy, and says so
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, medians of {TURNS} turns, ms\n")
    print("| in, out, kernel, batch, time | precision | nn.Conv1d | ours | ratio | largest difference |")
    print("|---|---|---|---|---|---|")
    for n_in, n_out, kernel, batch, n_steps in SHAPES:
        reference = torch.nn.Conv1d(n_in, n_out, kernel, padding="same")
        ours = Conv1d(n_in, n_out, kernel, padding="same")
        ours.load_state_dict(reference.state_dict())
        x = torch.randn(batch, n_in, n_steps)
        inner = channels_innermost(x)
        difference = float((reference(x) - ours(inner)).detach().abs().max())
        x, inner = x.requires_grad_(), inner.detach().requires_grad_()
        for mixed in (False, True):
            times: dict[str, list[float]] = {"reference": [], "ours": []}
            for _ in range(TURNS):
                times["reference"].append(seconds(reference, x, mixed))
                times["ours"].append(seconds(ours, inner, mixed))
            slow, fast = (1000 * statistics.median(values) for values in times.values())
            print(
                f"| {n_in}, {n_out}, {kernel}, {batch}, {n_steps} | {'bfloat16' if mixed else 'float32'} | {slow:.1f} "
                f"| {fast:.1f} | {slow / fast:.1f} | {difference:.0e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
