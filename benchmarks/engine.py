"""The engine against plain torch: convolution, training, inference and overhead, side by side in one run.

    python benchmarks/engine.py [--only NAME ...] [--output FILE]

Both sides of a row run in this process by turns on the same numbers; the table shows medians, their range and the
ratio of the medians. "Plain" is the same network written with ``torch.nn.Conv1d``, ``BatchNorm1d`` and ``max_pool1d``
in torch's own layout, with odd kernels where torch would pad even ones by a copy. Our side keeps freed memory as a fit
does (:mod:`seqcnn.allocation`); what it costs not to is a row's own line. Other libraries stand in
``benchmarks/peers.py``. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import logging
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn import SeqCNNClassifier
from seqcnn.allocation import keep_freed_memory
from seqcnn.encoders import LITE, Inception
from seqcnn.encoders.lite import HandcraftedFilters
from seqcnn.inference import run_network
from seqcnn.layers import Conv1d

N_SERIES, N_STEPS, BATCH = 320, 256, 64
TURNS = 9


class PlainInception(nn.Module):
    """InceptionTime's network as one would write it with torch's own layers."""

    def __init__(self, width: int = 32, depth: int = 6) -> None:
        super().__init__()
        self.modules_, self.shortcuts = nn.ModuleList(), nn.ModuleList()
        channels = 1
        for position in range(depth):
            squeezed = width if channels > 1 else 1
            self.modules_.append(
                nn.ModuleDict(
                    {
                        "bottleneck": nn.Conv1d(channels, width, 1, bias=False) if channels > 1 else nn.Identity(),
                        "branches": nn.ModuleList(
                            nn.Conv1d(squeezed, width, size, padding=size // 2, bias=False) for size in (39, 19, 9)
                        ),
                        "pooled": nn.Conv1d(channels, width, 1, bias=False),
                        "norm": nn.BatchNorm1d(4 * width),
                    }
                )
            )
            if position % 3 == 2:
                self.shortcuts.append(
                    nn.Sequential(
                        nn.Conv1d(1 if position == 2 else 4 * width, 4 * width, 1, bias=False),
                        nn.BatchNorm1d(4 * width),
                    )
                )
            channels = 4 * width
        self.head = nn.Linear(4 * width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores."""
        start = x
        for position, layer in enumerate(self.modules_):
            squeezed = layer["bottleneck"](x)
            views = [branch(squeezed) for branch in layer["branches"]]
            views.append(layer["pooled"](F.max_pool1d(x, 3, 1, 1)))
            x = F.relu(layer["norm"](torch.cat(views, 1)))
            if position % 3 == 2:
                x = start = F.relu(x + self.shortcuts[position // 3](start))
        return self.head(x.mean(2))


class PlainLITE(nn.Module):
    """LITE's network as one would write it with torch's own layers."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.learned = nn.ModuleList(nn.Conv1d(1, width, size, padding=size // 2, bias=False) for size in (39, 19, 9))
        self.register_buffer("bank", HandcraftedFilters().bank)
        joined = 3 * width + len(self.bank)
        self.norm = nn.BatchNorm1d(joined)
        self.blocks = nn.ModuleList()
        channels = joined
        for size, dilation in ((19, 2), (9, 4)):
            self.blocks.append(
                nn.Sequential(
                    nn.Conv1d(
                        channels,
                        channels,
                        size,
                        padding=dilation * (size // 2),
                        dilation=dilation,
                        groups=channels,
                        bias=False,
                    ),
                    nn.Conv1d(channels, width, 1, bias=False),
                    nn.BatchNorm1d(width),
                    nn.ReLU(),
                )
            )
            channels = width
        self.head = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores."""
        crafted = F.relu(F.conv1d(x, self.bank, padding=self.bank.shape[2] // 2))
        x = F.relu(self.norm(torch.cat([*(branch(x) for branch in self.learned), crafted], 1)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(2))


class Bare(nn.Module):
    """An encoder of ours, the mean over time and a dense layer: what a hand-written loop would train."""

    def __init__(self, encoder: Inception | LITE) -> None:
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(encoder.out_channels, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores."""
        return self.head(self.encoder(x).transpose(1, 2).mean(1))


def make_series() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N_SERIES, 1, N_STEPS, generator=generator), torch.arange(N_SERIES) % 2


def epoch(network: nn.Module, mixed: bool) -> Callable[[], None]:
    """Return one epoch of a hand-written training loop."""
    x, y = make_series()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    network.train()

    def train() -> None:
        order = torch.randperm(N_SERIES)
        for rows in order.split(BATCH):
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                scores = network(x[rows])
            loss = F.cross_entropy(scores.float(), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()

    return train


def by_turns(sides: dict[str, Callable[[], object]], turns: int = TURNS, warm_up: int = 2) -> dict[str, list[float]]:
    """Run every side in turn and return its times in seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(warm_up + turns):
        for name, call in sides.items():
            # Threads of the side before may still be waiting for work, awake.
            time.sleep(0.1)
            started = time.perf_counter()
            call()
            if turn >= warm_up:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def repeat(call: Callable[[], object], times: int, *, keep: bool) -> Callable[[], None]:
    """Return so many calls as one, in which freed memory is kept or not."""

    def calls() -> None:
        with keep_freed_memory() if keep else nullcontext():
            for _ in range(times):
                call()

    return calls


def line(work: str, target: str, seconds: dict[str, list[float]], ours: str = "ours") -> Iterator[str]:
    """Compare every other side with ours."""
    mine = statistics.median(seconds[ours])
    for name, values in seconds.items():
        if name != ours:
            theirs = statistics.median(values)
            yield (
                f"| {work} | {name} | {1000 * theirs:.2f} ({_spread(values)}) | {1000 * mine:.2f} "
                f"({_spread(seconds[ours])}) | {theirs / mine:.2f} | {target} |"
            )


def _spread(values: list[float]) -> str:
    return f"{1000 * min(values):.2f} to {1000 * max(values):.2f}"


def depthwise() -> Iterator[str]:
    """Forward and backward of one depthwise convolution, 64 x 32 x 512, from torch's layout and from ours."""
    for dilation, target in ((1, "8"), (4, "20")):
        options = {"padding": "same", "dilation": dilation, "groups": 32, "bias": False}
        theirs, ours = nn.Conv1d(32, 32, 41, **options), Conv1d(32, 32, 41, **options)
        ours.load_state_dict(theirs.state_dict())
        x = torch.randn(64, 32, 512)
        inner = x.transpose(1, 2).contiguous().transpose(1, 2)
        gradient = torch.randn_like(x)

        def both(layer: nn.Module, x: Tensor, gradient: Tensor) -> Callable[[], None]:
            x = x.detach().requires_grad_()
            # Not backward(), which would add to the gradients of the time before.
            return lambda: torch.autograd.grad(layer(x), [x, layer.weight], gradient)

        sides = {
            "nn.Conv1d": repeat(both(theirs, x, gradient), 30, keep=False),
            "nn.Conv1d, freed memory kept": repeat(both(theirs, x, gradient), 30, keep=True),
        }
        of_ours = both(ours, inner, gradient.transpose(1, 2).contiguous().transpose(1, 2))
        sides["ours"] = repeat(of_ours, 30, keep=True)
        sides["ours, freed memory given back"] = repeat(of_ours, 30, keep=False)
        sides["ours, given torch's layout"] = repeat(both(ours, x, gradient), 30, keep=True)
        yield from line(f"depthwise K=41, dilation {dilation}, 30 x forward + backward", target, by_turns(sides))


def training() -> Iterator[str]:
    """Epochs of the same hand-written loop around both networks."""
    for name, ours, plain, targets in (
        ("inception", Inception, PlainInception, ("-", "-")),
        ("lite", LITE, PlainLITE, ("4.5", "4.5")),
    ):
        for mixed, target in zip((False, True), targets, strict=True):
            times = 3
            sides = {
                "plain torch": repeat(epoch(plain(), False), times, keep=False),
                "plain torch, freed memory kept": repeat(epoch(plain(), False), times, keep=True),
                "ours": repeat(epoch(Bare(ours(1)), mixed), times, keep=True),
            }
            if mixed:
                sides["plain torch in bfloat16"] = repeat(epoch(plain(), True), times, keep=False)
            work = f"{name}, {times} epochs, ours in {'bfloat16' if mixed else 'float32'}"
            yield from line(work, target, by_turns(sides, turns=5, warm_up=1))


def share_of_gemm() -> Iterator[str]:
    """Multiplications of an Inception step in a second, as a share of those of a square matrix product."""
    for mixed, target in ((False, "60 %"), (True, "45 %")):
        dtype = torch.bfloat16 if mixed else torch.float32
        network = Bare(Inception(1))
        left, right = (torch.randn(2048, 2048).to(dtype) for _ in range(2))
        epochs = repeat(epoch(network, mixed), 3, keep=True)
        seconds = by_turns({"epochs": epochs, "product": lambda: left @ right})  # noqa: B023
        product = 2 * 2048**3 / min(seconds["product"])
        # Forward, and as much again for each of the two gradients; the first module's input needs none.
        in_modules = sum(
            parameter.numel() * (2 if ".0." in name or name.startswith("encoder.shortcuts.0") else 3)
            for name, parameter in network.named_parameters()
            if parameter.ndim == 3
        )
        reached = 3 * 2 * in_modules * N_STEPS * N_SERIES / statistics.median(seconds["epochs"])
        work = f"inception, one epoch, {'bfloat16' if mixed else 'float32'}"
        rates = f"matrix product, {product / 1e9:.0f} GFLOP/s | - | {reached / 1e9:.0f} GFLOP/s"
        yield f"| {work} | {rates} | {100 * reached / product:.0f} % | {target} |"


def overhead() -> Iterator[str]:
    """``fit`` against the bare loop over the same network and batches."""
    x, y = make_series()
    for name, build in (("inception", Inception), ("lite", LITE)):
        for precision in ("float32", "bfloat16"):
            epochs = 4
            train = epoch(Bare(build(1)), precision == "bfloat16")
            estimator = SeqCNNClassifier(
                name,
                max_epochs=epochs,
                batch_size=BATCH,
                precision=precision,
                early_stopping=False,
                random_state=0,
            )

            def loop(train: Callable[[], None] = train, epochs: int = epochs) -> None:
                for _ in range(epochs):
                    train()

            def fit(estimator: SeqCNNClassifier = estimator) -> None:
                estimator.fit(x.numpy(), y.numpy())

            sides = {"bare loop": repeat(loop, 1, keep=True), "fit": fit}
            seconds = by_turns(sides, turns=5, warm_up=1)
            bare, whole = (statistics.median(seconds[side]) for side in ("bare loop", "fit"))
            yield (
                f"| {name}, fit of {epochs} epochs, {precision} | bare loop | {1000 * bare:.0f} | {1000 * whole:.0f} | "
                f"{whole / bare:.2f} (fit / loop) | at most 1.1 |"
            )


def inference() -> Iterator[str]:
    """1000 windows: a fitted estimator's network, against plain torch and ONNX Runtime on the same exported network."""
    import onnxruntime

    x = np.random.default_rng(0).standard_normal((1000, 1, N_STEPS)).astype(np.float32)
    for name, plain, target in (("inception", PlainInception, "1.7"), ("lite", PlainLITE, "5")):
        estimator = SeqCNNClassifier(name, max_epochs=1, early_stopping=False, random_state=0)
        estimator.fit(x[:BATCH], np.arange(BATCH) % 2)
        model = estimator.model_
        records = estimator._read(x)
        store = model.store(records, model.cut(records))
        network = model.network.eval()
        dynamic = torch.export.Dim.DYNAMIC
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network, (torch.from_numpy(x[:2]),), dynamo=True, dynamic_shapes={"x": {0: dynamic}}, verbose=False
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), options)
        (input_,) = session.get_inputs()
        reference = plain().eval()

        def plainly(reference: nn.Module = reference) -> None:
            with torch.inference_mode():
                for part in torch.from_numpy(x).split(100):
                    reference(part)

        def exported(session: onnxruntime.InferenceSession = session, name: str = input_.name) -> np.ndarray:
            return np.concatenate([session.run(None, {name: part})[0] for part in np.split(x, 10)])

        difference = float(np.abs(exported() - run_network(network, store)).max())
        assert difference < 1e-3, f"the exported network differs by {difference}"
        sides = {
            "ours": lambda network=network, store=store: run_network(network, store),
            "plain torch": plainly,
            "ONNX Runtime, the same network": exported,
        }
        yield from line(f"{name}, 1000 windows of {N_STEPS}", f"{target} / 1", by_turns(sides, turns=5))


ROWS = {f.__name__: f for f in (depthwise, training, share_of_gemm, overhead, inference)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--output", type=Path, help="also write the table here")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    capabilities = ", ".join(name for name, there in torch.cpu.get_capabilities().items() if there is True)
    head = [
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.processor() or platform.machine()} "
        f"({capabilities}); noise {N_SERIES} x 1 x {N_STEPS}, batch {BATCH}, medians of {TURNS} turns (5 for fits and "
        f"inference)",
        "",
        "| work | against | theirs, ms (range) | ours, ms (range) | ratio | to reach |",
        "|---|---|---|---|---|---|",
    ]
    lines: list[str] = []
    for text in head:
        print(text, flush=True)
    for name in arguments.only:
        torch.manual_seed(0)
        for text in ROWS[name]():
            print(text, flush=True)
            lines.append(text)
            if arguments.output is not None:
                arguments.output.write_text("\n".join([*head, *lines]) + "\n")


if __name__ == "__main__":
    main()
