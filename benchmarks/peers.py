"""seqcnn beside other libraries: tsai's networks under skorch, and aeon (Keras, numba).

    python benchmarks/peers.py [--only inception lite tiny minirocket memory prediction] [--environment DIR]
                               [--output FILE] [--turns N] [--threads N]

The first run makes two virtual environments in DIR (a folder in the user's cache, if none is given) with the versions
pinned below, 9 GB of them; later runs use them again. seqcnn itself runs in the environment of this script, and
torch should have the same version in both. For Linux and macOS, on the CPU.

Every library has a process of its own. They compute by turns - ours, peer, peer, ours, ... - never two at the same
time, on the same data (from a seed), with the same number of threads; each has one turn that does not count. The table
gives medians over the turns with the lowest and the highest, and the ratio of the medians with the lowest and highest
ratio of one turn: above 1, ours is the faster or the smaller. A process that waits may hold threads that spin, so each
one watches the processor time it used while it waited, and what else ran while it worked; the last lines tell the
most. Where others compute too, the table is worth little: threads that wait for each other lose the most.

What is compared:

- **inception**: one epoch of InceptionTime's network (32 filters, six modules, kernels of 40, 20 and 10 steps), 320
  series of 256 steps, batches of 64, Adam. Fits of four epochs, the first not counted (Keras compiles in it); a turn's
  figure is the median of the others. tsai's kernels are one step shorter (39, 19, 9); the parameters stand below the
  table. aeon saves a checkpoint each epoch, which is not counted. Ours also shortens gradients and steps the rate.
- **lite**: the same for LITE's network; tsai has none, so skorch trains a plain torch module.
- **tiny**: one gradient step of a small FCN (8, 16, 8 filters; kernels of 7, 5, 3), 30 series of 128 steps, batches
  of 8, AdamW, against the same layers in skorch. Nearly all of it is overhead.
- **minirocket**: fit and transform of 217 series of 301 steps, in a fresh process, imports not counted. The first call
  of aeon compiles, unless numba finds what an earlier process compiled; both cases are given.
- **memory**: the peak of a fresh process that makes the fit of "inception", in all and above that of the imports
  (with those that torch makes late, at the first gradient step).
- **prediction**: 1,000 series of 256 steps, with the libraries' own methods and with the networks alone (in batches of
  256, inference mode).
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from _side_by_side import Arena, Comparison, Contestant, Row, WorkerError, compare, prepare_environment

# Versions that work together.
PINS = {
    "tsai": [
        "torch==2.14.1",
        "torchvision==0.29.1",
        "tsai==1.0.1",
        "fastai==2.8.12",
        "skorch==1.4.0",
        "scikit-learn==1.7.2",
        "numpy==2.3.5",
    ],
    "aeon": [
        "aeon[dl]==1.6.0",
        "tensorflow==2.21.0",
        "keras==3.15.1",
        "numba==0.63.1",
        "scikit-learn==1.7.2",
        "numpy==2.3.5",
    ],
}
PRECISIONS = ("bfloat16", "float32")


def make_rows(turns: int) -> dict[str, Row]:
    """Return what is measured."""
    rows = {}
    for network, aims in {
        "inception": {"tsai": (3.5, 2.4), "aeon": (2.0, 1.2)},
        "lite": {"tsai": (None, None), "aeon": (2.0, 2.0)},
    }.items():
        work = {"work": "train", "network": network, "epochs": 4, "skip": 1}
        names = {"tsai": "skorch + tsai" if network == "inception" else "skorch + torch", "aeon": "aeon"}
        rows[network] = Row(
            {
                "ours, bfloat16": Contestant("seqcnn", {**work, "precision": "bfloat16"}),
                names["tsai"]: Contestant("tsai", work),
                "ours, float32": Contestant("seqcnn", {**work, "precision": "float32"}),
                names["aeon"]: Contestant("aeon", work),
            },
            [
                Comparison(f"{network}, epoch, {precision}: {name}", f"ours, {precision}", name, "epoch", aim)
                for library, name in names.items()
                for precision, aim in zip(PRECISIONS, aims[library], strict=True)
            ],
            turns,
        )
    work = {"work": "train", "network": "tiny", "epochs": 60, "skip": 10}
    rows["tiny"] = Row(
        {"ours": Contestant("seqcnn", work), "skorch": Contestant("tsai", work)},
        [Comparison("tiny, step: skorch", "ours", "skorch", "step", 4.0)],
        turns,
    )
    rocket = {"work": "minirocket"}
    rows["minirocket"] = Row(
        {
            "ours": Contestant("seqcnn", rocket),
            "aeon, nothing compiled": Contestant("aeon", rocket, jit_cache="empty"),
            "aeon, compiled before": Contestant("aeon", rocket),
        },
        [
            Comparison("minirocket, first call: aeon, nothing compiled", "ours", "aeon, nothing compiled", "first", 20),
            Comparison("minirocket, first call: aeon, compiled before", "ours", "aeon, compiled before", "first"),
            Comparison("minirocket, second call: aeon", "ours", "aeon, compiled before", "second", 1),
        ],
        min(turns, 3),
        fresh=True,
    )
    fit = {"work": "remember", "network": "inception", "epochs": 2}
    rows["memory"] = Row(
        {
            "ours, bfloat16": Contestant("seqcnn", {**fit, "precision": "bfloat16"}),
            "ours, float32": Contestant("seqcnn", {**fit, "precision": "float32"}),
            "skorch + tsai": Contestant("tsai", fit),
            "aeon": Contestant("aeon", fit),
        },
        [
            Comparison(f"memory, {words}, {precision}: {peer}", f"ours, {precision}", peer, figure, aim)
            for peer, aim in (("skorch + tsai", 1.0), ("aeon", None))
            for figure, words in (("peak_bytes", "peak"), ("added_bytes", "above imports"))
            for precision in PRECISIONS
        ],
        min(turns, 3),
        fresh=True,
    )
    for network in ("inception", "lite"):
        module = "tsai" if network == "inception" else "torch"
        work = {"work": "predict", "network": network}
        rows[f"prediction {network}"] = Row(
            {
                "ours": Contestant("seqcnn", work),
                f"skorch + {module}": Contestant("tsai", work),
                "aeon": Contestant("aeon", work),
                "our network": Contestant("seqcnn", {**work, "bare": True}),
                f"{module}'s module": Contestant("tsai", {**work, "bare": True}),
            },
            [
                Comparison(f"{network}, predict_proba: skorch + {module}", "ours", f"skorch + {module}", "seconds"),
                Comparison(f"{network}, predict_proba: aeon", "ours", "aeon", "seconds"),
                Comparison(f"{network}, network alone: {module}", "our network", f"{module}'s module", "seconds"),
            ],
            turns,
        )
    return rows


def default_folder() -> Path:
    """Return the folder of the environments in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "seqcnn" / "peers"


def processor() -> str:
    """Return the processor's model."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def introduce(arena: Arena, say: Callable[[str], None]) -> None:
    """Say what this is measured on, and in which versions."""
    answers = {library: arena.worker(library).ask("versions") for library in arena.pythons}
    say(
        f"\nMachine: {processor()}, {os.cpu_count()} cores ({', '.join(answers['seqcnn']['instructions'])}), "
        f"threads of each library: {arena.threads}, {platform.system()}, Python {platform.python_version()}, "
        f"load before the start {os.getloadavg()[0]:.1f}."
    )
    for library, answer in answers.items():
        say(f"{library}: " + ", ".join(f"{name} {version}" for name, version in answer["versions"].items()) + ".")
    if answers["seqcnn"]["versions"]["torch"] != answers["tsai"]["versions"]["torch"]:
        say("NOTE the two versions of torch differ.")


def notes(figures: dict[str, Any], key: str) -> str:
    """Return "name 123, ..." for a figure that says what was compared."""
    known = {name: turns[0][key] for name, turns in figures.items() if isinstance(turns, list) and key in turns[0]}
    return ", ".join(f"{name} {value:,}" for name, value in known.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["inception", "lite", "tiny", "minirocket", "memory", "prediction"]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="the rows to measure")
    parser.add_argument("--environment", type=Path, default=default_folder(), metavar="DIR")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write what is printed there")
    parser.add_argument(
        "--turns", type=int, default=8, help="how often each is measured (three at most if that is slow)"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each library")
    options = parser.parse_args()
    file: TextIO | None = None
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        file = options.output.open("w")

    def say(line: str) -> None:
        for stream in (sys.stdout, file):
            if stream is not None:
                print(line, file=stream, flush=True)

    folder = options.environment.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    pythons = {"seqcnn": Path(sys.executable)}
    for library, pins in PINS.items():
        pythons[library] = prepare_environment(folder / library, pins, print)
        (folder / f"{library}.log").unlink(missing_ok=True)
    arena = Arena(pythons, options.threads, folder)
    try:
        introduce(arena, say)
        say("\n| what: against whom | ours | theirs | theirs / ours | target | |\n|---|---|---|---|---|---|")
        below = []
        for name, row in make_rows(options.turns).items():
            if name.split()[0] not in options.only:
                continue
            figures = arena.measure(row)
            for comparison in row.comparisons:
                say(compare(comparison, figures))
            below += [f"{name}, {key}: {text}." for key in ("parameters", "features") if (text := notes(figures, key))]
    except WorkerError as error:
        sys.exit(f"A library does not start: {error} (its words are in {folder})")
    finally:
        arena.close()
    below.append(f"While they waited, workers used {arena.idle_share:.2f} cores at most.")
    below.append(f"While one worked, all other processes of the machine used {arena.neighbours:.2f} cores at most.")
    say("\n" + "\n".join(below))


if __name__ == "__main__":
    main()
