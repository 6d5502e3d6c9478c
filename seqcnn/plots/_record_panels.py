"""How a record itself is drawn: a wave, many channels as colours, or characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from seqcnn._types import AnyArray

_POINTS = 4000
"""Waves of more samples are drawn as the lowest and the highest value of each of half as many stretches."""

COLUMNS = 80
"""Characters of a row of text."""

ROWS = 25
"""Longer texts are cut in the picture."""

_VISIBLE = {"\n": "↵", "\t": "⇥"}

Spans: TypeAlias = Sequence[tuple[float, float, str]]
"""Where which colour lies: start and end, as the panel's time is, and the colour."""


def draw_wave(panel: Any, channel: AnyArray, rate: float, spans: Spans) -> None:
    """Draw a channel ``(time,)`` over seconds or, at a rate of one, over time steps; spans behind it."""
    time = np.arange(len(channel)) / rate
    if len(channel) > _POINTS:
        time, channel = envelope(channel, _POINTS // 2)
        time = time / rate
    panel.plot(time, channel, color="0.25", linewidth=0.8)
    if spans:
        heights = panel.get_ylim()
        ranges, shades = [(start, end - start) for start, end, _ in spans], [colour for *_, colour in spans]
        panel.broken_barh(
            ranges, (0, 1), transform=panel.get_xaxis_transform(), facecolors=shades, alpha=0.2, linewidth=0
        )
        panel.set_ylim(heights)


def envelope(channel: AnyArray, n_stretches: int) -> tuple[AnyArray, AnyArray]:
    """Return times (samples) and values of a line that goes through the lowest and the highest value of each stretch.

    >>> time, values = envelope(np.array([0, 3, -1, 0, 5, 4]), 2)
    >>> time.tolist(), values.tolist()
    ([1, 2, 3, 4], [3, -1, 0, 5])
    """
    edges = np.linspace(0, len(channel), n_stretches + 1).astype(int)
    places: list[int] = []
    for start, stop in pairwise(edges.tolist()):
        stretch = channel[start:stop]
        if np.isnan(stretch).all():
            places.append(start)
            continue
        places += sorted({start + int(np.nanargmin(stretch)), start + int(np.nanargmax(stretch))})
    time = np.array(places)
    return time, channel[time]


def draw_heat(panel: Any, record: AnyArray, rate: float, spans: Spans) -> None:
    """Draw channels ``(n_channels, time)`` as rows of colours, each in units of its own deviation; spans below them."""
    center = np.nanmean(record, axis=1, keepdims=True)
    scale = np.nanstd(record, axis=1, keepdims=True)
    shown = (record - center) / np.where(scale > 0, scale, 1.0)
    image = panel.imshow(
        shown, aspect="auto", cmap="PuOr", vmin=-3, vmax=3, interpolation="nearest",
        extent=(0, record.shape[1] / rate, len(record) - 0.5, -0.5),
    )  # fmt: skip
    bar = panel.figure.colorbar(image, ax=panel, pad=0.01)
    height = len(record) / 12
    for start, end, colour in spans:
        panel.broken_barh(
            [(start, end - start)], (len(record) - 0.5 + height / 3, height), facecolor=colour, linewidth=0
        )
    panel.set_ylim(len(record) - 0.5 + (4 / 3 * height if spans else 0), -0.5)
    panel.set_yticks([tick for tick in panel.get_yticks() if 0 <= tick < len(record) and tick == int(tick)])
    bar.set_label("deviations\nfrom mean", fontsize="small")
    bar.outline.set_visible(False)


def text_rows(text: str) -> int:
    """Return how many rows a text takes, at least one."""
    return min(max(1, -(-len(text) // COLUMNS)), ROWS)


def draw_text(panel: Any, text: str, spans: Spans) -> None:
    """Draw characters in rows, each in a cell of its own, with the colours of spans (in characters) behind them."""
    n_rows = text_rows(text)
    cut = len(text) > n_rows * COLUMNS
    shown = text[: n_rows * COLUMNS - 1] + "…" if cut else text
    width = min(COLUMNS, max(len(shown), 1))
    for start, end, colour in spans:
        for row in range(n_rows):
            left, right = max(start, row * COLUMNS), min(end, (row + 1) * COLUMNS, len(shown))
            if left < right:
                panel.broken_barh(
                    [(left - row * COLUMNS, right - left)], (row, 1), facecolor=colour, alpha=0.3, linewidth=0
                )
    families = _families()
    known = _drawable(set(shown), families)
    for position, character in enumerate(shown):
        written = _VISIBLE.get(character, character)
        if written.isspace():
            continue
        panel.text(
            position % COLUMNS + 0.5, position // COLUMNS + 0.5, written if written in known else "□",
            ha="center", va="center", fontsize=9, family=families, parse_math=False,
        )  # fmt: skip
    # A short text stays at the left, in letters of the usual size.
    panel.set(xlim=(0, max(width, COLUMNS)), ylim=(n_rows, 0), xticks=[], yticks=[])
    panel.spines[:].set_visible(False)


def _families() -> list[str]:
    """Return the fonts of characters: of equal width, and for what those have not, the usual ones."""
    from matplotlib import font_manager

    return ["monospace", *font_manager.FontProperties().get_family()]


def _drawable(characters: set[str], families: list[str]) -> set[str]:
    """Return those of the characters that the fonts have; matplotlib warns of each of the others."""
    from matplotlib import font_manager

    found = [font_manager.findfont(font_manager.FontProperties(family=[family])) for family in families]
    fonts = [font_manager.get_font(path) for path in found]
    wanted = characters | set(_VISIBLE.values())
    return {character for character in wanted if any(font.get_char_index(ord(character)) for font in fonts)}
