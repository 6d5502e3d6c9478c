"""How the report of the archives' benchmark writes tables and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], lines: Iterable[Sequence[str]], n_words: int = 1) -> str:
    """Return a table, its first columns words and the others numbers."""
    rule = ["---"] * n_words + ["---:"] * (len(titles) - n_words)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (titles, rule, *lines))


def percent(value: float | None, digits: int = 2) -> str:
    """Write a share in percent; nothing for None."""
    return "" if value is None else f"{100 * value:.{digits}f}"


def show(value: float | None, digits: int = 3) -> str:
    """Write a number; nothing for None."""
    return "" if value is None else f"{value:.{digits}f}"


def show_seconds(value: float) -> str:
    """Write seconds in two digits or more."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def show_p(value: float) -> str:
    """Write a p."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"
