"""The table of ``seqcnn.layers.layout`` by measurement: every way to compute a convolution, on every class of shapes.

    python benchmarks/layout.py [--only WORDS] [--output FILE]

Forward and backward of one layer (without the input's gradient where the layer is a network's first), all ways by turns
on the same numbers, each given its input in the layout it likes, as in the middle of a network. The table shows medians
in milliseconds; the way that the rules take is in bold, and a line ends with how far it is from the fastest.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import warnings
from pathlib import Path
from typing import Any, get_args

import torch

from seqcnn.layers import Conv1d
from seqcnn.layers import layout as rules

# (what, options of the layer, batch, time, first of a network)
SHAPES: list[tuple[str, dict[str, Any], int, int, bool]] = [
    ("dense, long kernel", {"in_channels": 32, "out_channels": 32, "kernel_size": 40}, 64, 256, False),
    ("dense, long kernel", {"in_channels": 32, "out_channels": 32, "kernel_size": 20}, 64, 256, False),
    ("dense, middle kernel", {"in_channels": 32, "out_channels": 32, "kernel_size": 10}, 64, 256, False),
    ("dense, middle kernel", {"in_channels": 64, "out_channels": 64, "kernel_size": 8}, 64, 256, False),
    ("dense, short kernel", {"in_channels": 128, "out_channels": 256, "kernel_size": 5}, 64, 128, False),
    ("dense, short kernel", {"in_channels": 256, "out_channels": 256, "kernel_size": 7}, 64, 112, False),
    ("dense, short kernel", {"in_channels": 128, "out_channels": 128, "kernel_size": 3}, 64, 256, False),
    ("dense, one tap", {"in_channels": 128, "out_channels": 32, "kernel_size": 1}, 64, 256, False),
    (
        "dense, one tap, strided",
        {"in_channels": 64, "out_channels": 128, "kernel_size": 1, "stride": 2},
        64,
        256,
        False,
    ),
    ("dense, strided", {"in_channels": 64, "out_channels": 128, "kernel_size": 3, "stride": 2}, 64, 256, False),
    ("dense, dilated", {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "dilation": 4}, 64, 256, False),
    ("dense, dilated", {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "dilation": 16}, 64, 256, False),
    ("first, one channel", {"in_channels": 1, "out_channels": 32, "kernel_size": 40}, 64, 256, True),
    ("first, one channel", {"in_channels": 1, "out_channels": 128, "kernel_size": 8}, 64, 256, True),
    (
        "first, one channel, strided",
        {"in_channels": 1, "out_channels": 64, "kernel_size": 80, "stride": 4},
        16,
        8000,
        True,
    ),
    ("first, three channels", {"in_channels": 3, "out_channels": 64, "kernel_size": 8}, 64, 256, True),
    ("first, nine channels", {"in_channels": 9, "out_channels": 64, "kernel_size": 8}, 64, 128, True),
    (
        "depthwise, long kernel",
        {"in_channels": 32, "out_channels": 32, "kernel_size": 41, "groups": 32},
        64,
        512,
        False,
    ),
    (
        "depthwise, long kernel, dilated",
        {"in_channels": 32, "out_channels": 32, "kernel_size": 41, "groups": 32, "dilation": 4},
        64,
        512,
        False,
    ),
    (
        "depthwise, middle kernel, dilated",
        {"in_channels": 113, "out_channels": 113, "kernel_size": 20, "groups": 113, "dilation": 2},
        64,
        256,
        False,
    ),
    (
        "depthwise, middle kernel",
        {"in_channels": 96, "out_channels": 96, "kernel_size": 7, "groups": 96},
        64,
        64,
        False,
    ),
    (
        "depthwise, short kernel",
        {"in_channels": 96, "out_channels": 96, "kernel_size": 3, "groups": 96},
        64,
        128,
        False,
    ),
    (
        "depthwise, short kernel, strided",
        {"in_channels": 96, "out_channels": 96, "kernel_size": 3, "groups": 96, "stride": 2},
        64,
        128,
        False,
    ),
    ("grouped", {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "groups": 8}, 64, 128, False),
    (
        "in groups, one tap",
        {"in_channels": 565, "out_channels": 160, "kernel_size": 1, "groups": 5},
        16,
        128,
        False,
    ),
    (
        "in groups, long kernel",
        {"in_channels": 160, "out_channels": 160, "kernel_size": 40, "groups": 5},
        16,
        128,
        False,
    ),
]
TURNS = 7


def seconds(layer: Conv1d, x: torch.Tensor, gradient: torch.Tensor, mixed: bool) -> float:
    """Time one forward and backward pass."""
    started = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        output = layer(x)
    output.backward(gradient)
    return time.perf_counter() - started


def measure(
    options: dict[str, Any], batch: int, n_steps: int, first: bool, mixed: bool
) -> tuple[str, dict[str, float]]:
    """Return the way that the rules take, and the median milliseconds of each way that can compute this shape."""
    layer = Conv1d(**options, padding="same", bias=False)
    x = torch.randn(batch, options["in_channels"], n_steps)
    inputs, gradients, times = {}, {}, {}
    for path in get_args(rules.Path):
        with rules.override_path(path):
            arranged = x if path == "plain" else rules.channels_innermost(x)
            arranged = arranged.detach().requires_grad_(not first)
            if layer.path(arranged) != path or (path == "windows" and not first):
                continue  # gathered windows have a gradient too, but a slow one
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                output = layer(arranged)
            inputs[path], times[path] = arranged, []
            gradients[path] = torch.randn(output.shape, dtype=output.dtype)
            if path != "plain":
                gradients[path] = rules.channels_innermost(gradients[path])
    for turn in range(TURNS + 1):
        for path, values in times.items():
            with rules.override_path(path):
                value = seconds(layer, inputs[path], gradients[path], mixed)
            if turn:
                values.append(value)
    return layer.path(inputs["image"]), {path: 1000 * statistics.median(values) for path, values in times.items()}


def _capabilities() -> str:
    there = torch.cpu.get_capabilities()
    return (
        ", ".join(name for name in ("amx_bf16", "avx512_bf16", "avx512_f", "avx2") if there.get(name)) or "none named"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, help="also write the table here")
    parser.add_argument("--only", default="", help="shapes whose description holds these words")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # nn.Conv1d pads even kernels by a copy, and says so
    paths = get_args(rules.Path)
    lines = [
        "# How convolutions are computed",
        "",
        "`python benchmarks/layout.py --output docs/convolutions.md` made this page: every way to compute a",
        "convolution (`seqcnn/layers/layout.py` says what they are) on every class of shapes, forward and backward on",
        "noise, all ways by turns in one run.",
        "",
        f"torch {torch.__version__}, {platform.machine()} with {_capabilities()}, {torch.get_num_threads()} threads, "
        f"medians of {TURNS} turns, ms; bold: what the rules take",
        "",
        f"| shape | in, out, kernel, stride, dilation, groups; batch x time | precision | {' | '.join(paths)} "
        "| plain / rule | rule / fastest |",
        f"|---|---|---|{'---|' * len(paths)}---|---|",
    ]
    print("\n".join(lines), flush=True)
    for what, options, batch, n_steps, first in SHAPES:
        if arguments.only not in what:
            continue
        for mixed in (False, True):
            taken, times = measure(options, batch, n_steps, first, mixed)
            cells = [
                "" if path not in times else f"**{times[path]:.2f}**" if path == taken else f"{times[path]:.2f}"
                for path in paths
            ]
            numbers = [options["in_channels"], options["out_channels"], options["kernel_size"]]
            numbers += [options.get(name, 1) for name in ("stride", "dilation", "groups")]
            precision = "bfloat16" if mixed else "float32"
            lines.append(
                f"| {what} | {', '.join(map(str, numbers))}; {batch} x {n_steps} | {precision} "
                f"| {' | '.join(cells)} | {times['plain'] / times[taken]:.1f} "
                f"| {times[taken] / min(times.values()):.2f} |"
            )
            print(lines[-1], flush=True)
            if arguments.output is not None:
                arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
