"""Running libraries side by side: an environment and a process of its own for each, and one that computes at a time.

Only the standard library is used here, because a process starts its children's memory record with its own size.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).with_name("_peer_worker.py")

# What a library makes of idle threads is left as it is, alike for all: these would change it.
_THREAD_HABITS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "GOMP_CPU_AFFINITY", "KMP_BLOCKTIME", "KMP_AFFINITY")


class WorkerError(RuntimeError):
    """A library could not do what it was asked for."""


def prepare_environment(folder: Path, pins: Sequence[str], say: Callable[[str], None]) -> Path:
    """Return the Python of a virtual environment that holds these packages; make it if it is not there.

    Parameters
    ----------
    folder
        Where it is, or will be.
    pins
        ``name==version`` of each package.
    say
        Is told what takes so long.
    """
    python = folder / "bin" / "python"
    pinned = folder / "pins.txt"
    wanted = "\n".join(pins) + "\n"
    if pinned.exists() and pinned.read_text() == wanted:
        say(f"Environment {folder}: reused.")
        return python
    say(f"Environment {folder}: installing {', '.join(pins)}. This takes minutes and some GB.")
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *pins], check=True)
    # Written last: an installation that was broken off is taken up again.
    pinned.write_text(wanted)
    return python


class Worker:
    """One library in a process of its own, which does what it is asked and otherwise waits.

    Parameters
    ----------
    library
        What the worker imports: "seqcnn", "tsai" or "aeon".
    python
        The interpreter of its environment.
    threads
        How many threads it may compute with.
    log
        The file for what the library prints.
    variables
        Further environment variables.
    script
        The program that the process runs: given library and threads, it answers as `_peer_worker.serve` does.
    """

    def __init__(
        self,
        library: str,
        python: Path,
        threads: int,
        log: Path,
        variables: Mapping[str, str] | None = None,
        script: Path = WORKER,
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in _THREAD_HABITS}
        environment |= {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}
        environment |= {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": str(ROOT) if library == "seqcnn" else ""}
        environment |= variables or {}
        self._log = log
        self._scratch = tempfile.TemporaryDirectory()  # Keras writes a checkpoint an epoch into the working folder
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                [python, script, library, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._scratch.name,
                env=environment,
                text=True,
            )
        self.idle_share = self.neighbours = 0.0

    def ask(self, work: str, **parameters: Any) -> dict[str, Any]:
        """Have a work done and return its figures.

        Raises
        ------
        WorkerError
            If the library failed; the message is the end of what it wrote.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"work": work, **parameters}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise WorkerError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        self.idle_share = max(self.idle_share, answer.pop("idle_share"))
        self.neighbours = max(self.neighbours, answer.pop("neighbours"))
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    @property
    def is_running(self) -> bool:
        """Whether the process is there to be asked again."""
        return self._process.poll() is None

    def _last_words(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return f"The process ended with {self._process.poll()}: {lines[-1] if lines else 'it wrote nothing'}"

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._scratch.cleanup()


@dataclass(frozen=True)
class Contestant:
    """One library at one work.

    Attributes
    ----------
    library
        The worker that does it.
    work
        What the worker is asked for, with its parameters.
    jit_cache
        Where numba keeps compiled code in a fresh process: "kept" from one process to the next, or "empty" each time.
    """

    library: str
    work: Mapping[str, Any]
    jit_cache: str = "kept"


@dataclass(frozen=True)
class Comparison:
    """One line of the table: two contestants, the figure in question, and how many times better ours should be.

    Attributes
    ----------
    title
        What the line says.
    ours, peer
        Names of the contestants.
    figure
        Which of the worker's figures: seconds, or bytes if the name ends so.
    target
        The peer's figure divided by ours, at least; None only reports.
    """

    title: str
    ours: str
    peer: str
    figure: str
    target: float | None = None


@dataclass(frozen=True)
class Row:
    """Contestants that take turns, and the comparisons drawn from them.

    Attributes
    ----------
    fresh
        Whether each turn of each contestant has a process of its own.
    turns
        How often each is measured, after one turn that does not count.
    """

    contestants: Mapping[str, Contestant]
    comparisons: Sequence[Comparison]
    turns: int
    fresh: bool = False


@dataclass
class Arena:
    """The processes of a run.

    Attributes
    ----------
    pythons
        The interpreter of each library.
    threads
        For each of them.
    logs
        The folder for what the libraries print.
    idle_share, neighbours
        The most that a waiting worker, and that everything but the working one, used of the processor, in cores; known
        of workers that have ended.
    """

    pythons: Mapping[str, Path]
    threads: int
    logs: Path
    idle_share: float = 0.0
    neighbours: float = 0.0
    _workers: dict[str, Worker] = field(default_factory=dict)

    def worker(self, library: str) -> Worker:
        """Return the library's long-lived worker."""
        if library not in self._workers:
            self._workers[library] = self._start(library, {})
        return self._workers[library]

    def _start(self, library: str, variables: Mapping[str, str]) -> Worker:
        return Worker(library, self.pythons[library], self.threads, self.logs / f"{library}.log", variables)

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers.values():
            self._end(worker)
        self._workers.clear()

    def _end(self, worker: Worker) -> None:
        self.idle_share = max(self.idle_share, worker.idle_share)
        self.neighbours = max(self.neighbours, worker.neighbours)
        worker.close()

    def measure(self, row: Row) -> dict[str, list[dict[str, Any]] | str]:
        """Let the contestants take turns; a list of figures for each, or what went wrong with it."""
        figures: dict[str, list[dict[str, Any]] | str] = {name: [] for name in row.contestants}
        with tempfile.TemporaryDirectory() as kept:
            for turn in range(row.turns + 1):
                for name, contestant in row.contestants.items():
                    taken = figures[name]
                    if isinstance(taken, str):
                        continue
                    try:
                        answer = self._turn(contestant, Path(kept) if row.fresh else None)
                    except WorkerError as error:
                        figures[name] = str(error)
                        # Its worker may be gone; another one is started when it is needed.
                        broken = self._workers.pop(contestant.library, None)
                        if broken is not None:
                            self._end(broken)
                        continue
                    if turn:
                        taken.append(answer)
        return figures

    def _turn(self, contestant: Contestant, kept: Path | None) -> dict[str, Any]:
        if kept is None:
            return self.worker(contestant.library).ask(**contestant.work)
        cache = kept / contestant.jit_cache
        if contestant.jit_cache == "empty":
            shutil.rmtree(cache, ignore_errors=True)
        worker = self._start(contestant.library, {"NUMBA_CACHE_DIR": str(cache)})
        try:
            return worker.ask(**contestant.work)
        finally:
            self._end(worker)


def compare(comparison: Comparison, figures: Mapping[str, list[dict[str, Any]] | str]) -> str:
    """Return a comparison's line of the table."""
    for name in (comparison.ours, comparison.peer):
        if isinstance(failure := figures[name], str):
            return f"| {comparison.title} | {name} failed: {' '.join(failure.split())[:160]} | | | | |"
    ours, theirs = ([turn[comparison.figure] for turn in figures[name]] for name in (comparison.ours, comparison.peer))
    if not (statistics.median(ours) > 0 and statistics.median(theirs) > 0):
        return f"| {comparison.title} | {_spread(ours, comparison)} | {_spread(theirs, comparison)} | - | | |"
    ratio = statistics.median(theirs) / statistics.median(ours)
    # Turn by turn: what disturbs the machine for a while disturbs neighbours alike.
    ratios = [peer / own for own, peer in zip(ours, theirs, strict=True)]
    goal = (
        "report | " if comparison.target is None else f"{comparison.target:g} | " + _verdict(ratio, comparison.target)
    )
    return (
        f"| {comparison.title} | {_spread(ours, comparison)} | {_spread(theirs, comparison)} "
        f"| **{ratio:.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) | {goal} |"
    )


def _verdict(ratio: float, target: float) -> str:
    return "reached" if ratio >= target else "missed"


def _spread(values: Sequence[float], comparison: Comparison) -> str:
    """Median, least and most, in a fitting unit."""
    middle = statistics.median(values)
    if comparison.figure.endswith("bytes"):
        unit, scale = "MB", 1e-6
    else:
        unit, scale = ("s", 1.0) if middle >= 1 else ("ms", 1e3)
    digits = 0 if middle * scale >= 100 else 1 if middle * scale >= 10 else 2
    low, mid, high = (f"{value * scale:.{digits}f}" for value in (min(values), middle, max(values)))
    return f"{mid} {unit} ({low} to {high})"
