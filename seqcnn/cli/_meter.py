"""The meter of ``seqcnn spot``: level, scores and the last detections, on a terminal only."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np
from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from seqcnn._types import FloatArray

_QUIETEST = -60.0
"""The level in dB at the left end of the bar; 0 is full scale."""

_WIDTH, _N_KEYWORDS, _N_DETECTIONS = 40, 5, 5


class Meter:
    """Shows what is heard while it is heard; silent where standard output or standard error is no terminal.

    Parameters
    ----------
    source
        What is listened to.
    console
        Where it is drawn; None is standard error, if both it and standard output are terminals.
    """

    def __init__(self, source: str, console: Console | None = None) -> None:
        self._source = source
        self._last: deque[str] = deque(maxlen=_N_DETECTIONS)
        console = console or Console(stderr=True)
        self._live = (
            Live(console=console, refresh_per_second=10, transient=True)
            if console.is_terminal and sys.stdout.isatty()
            else None
        )

    def __enter__(self) -> Meter:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, detection: str) -> None:
        """Add a line to the last detections."""
        self._last.append(detection)

    def show(self, block: FloatArray, seconds: float, scores: Mapping[str, float]) -> None:
        """Draw the level of a block ``(channels, n)``, how long it has been, and each keyword's score."""
        if self._live is not None:
            self._live.update(draw(self._source, level_of(block), seconds, scores, self._last))


def level_of(block: FloatArray) -> float:
    """Return the root mean square of samples in dB, 0 being that of full scale, and -inf silence.

    >>> round(level_of(np.full((1, 100), 0.1, dtype=np.float32)), 3)
    -20.0
    """
    power = float(np.mean(np.square(block, dtype=np.float64))) if block.size else 0.0
    return 10 * math.log10(power) if power else -math.inf


def draw(
    source: str, level: float, seconds: float, scores: Mapping[str, float], detections: Any = ()
) -> RenderableType:
    """Return the meter as rich draws it."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(width=_WIDTH)
    table.add_column(justify="right", no_wrap=True)
    height = min(max(level, _QUIETEST), 0) - _QUIETEST
    shown = "silence" if level == -math.inf else f"{level:.0f} dB"
    table.add_row("level", Bar(-_QUIETEST, 0, height, width=_WIDTH, color="red" if level > -3 else "green"), shown)
    best = sorted(scores.items(), key=lambda pair: -pair[1])[:_N_KEYWORDS]
    for place, (word, score) in enumerate(best):
        style = "bold" if place == 0 else "dim"
        bar = Bar(1, 0, score, width=_WIDTH, color="cyan")
        table.add_row(Text(str(word), style), bar, Text(f"{score:.2f}", style))
    minutes, rest = divmod(seconds, 60)
    head = Text(f"{source}  {minutes:.0f}:{rest:04.1f}", style="dim")
    return Group(head, table, *(Text(line) for line in detections))
