"""Two pictures of contestants over many sets: the critical-difference diagram, and accuracy against seconds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _ucr_ranking import Ranking

OURS, OTHERS = "tab:orange", "tab:blue"


def new_plot(**how: Any) -> tuple[Any, Any]:
    """Return a figure and its axes, on no screen."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained", **how)


def draw_ranks(names: Sequence[str], ranking: Ranking, ours: Collection[str], path: Path) -> None:
    """Draw mean ranks on an axis, the best at the left, with bars under those that do not differ significantly.

    Demsar (2006) has the diagram; bars stand for the cliques of `_ucr_ranking.rank`.
    """
    from matplotlib import pyplot

    order = np.argsort(ranking.ranks, kind="stable")
    n_left = (len(order) + 1) // 2
    low, high = 1.0, float(len(order))
    bar_step, line_step = 0.18, 0.3
    first_line = 0.45 + bar_step * len(ranking.cliques)
    depth = first_line + line_step * n_left
    figure, axes = new_plot(figsize=(10, 1.0 + 0.75 * depth))
    axes.plot([low, high], [0, 0], color="black", linewidth=1)
    for tick in range(1, len(order) + 1):
        axes.plot([tick, tick], [0, -0.1], color="black", linewidth=1)
        axes.text(tick, -0.16, str(tick), ha="center", va="bottom", fontsize=8)
    for place, position in enumerate(order):
        is_left = place < n_left
        line = place if is_left else len(order) - 1 - place
        y, value = first_line + line_step * line, float(ranking.ranks[position])
        end = low - 0.02 * (high - low) if is_left else high + 0.02 * (high - low)
        colour = OURS if names[position] in ours else "black"
        axes.plot([value, value, end], [0, y, y], color=colour, linewidth=0.8)
        text = f"{names[position]}  {value:.2f}" if is_left else f"{value:.2f}  {names[position]}"
        where = {"ha": "right" if is_left else "left", "va": "center", "fontsize": 8, "color": colour}
        axes.text(end - 0.01 * (high - low) * (1 if is_left else -1), y, text, **where)
    for number, clique in enumerate(ranking.cliques):
        ends = ranking.ranks[clique]
        y = 0.2 + bar_step * number
        margin = 0.004 * (high - low)
        axes.plot([ends.min() - margin, ends.max() + margin], [y, y], color="0.35", linewidth=3.5)
    axes.set_ylim(depth, -0.5)
    axes.set_xlim(low - 0.34 * (high - low), high + 0.34 * (high - low))
    axes.axis("off")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def join_near(values: Sequence[tuple[str, float]], gap: float) -> list[tuple[str, float]]:
    """Return the names, lowest first, with those that are not further apart than the gap in one, at their mean."""
    groups: list[list[tuple[str, float]]] = []
    for name, value in sorted(values, key=lambda item: item[1]):
        if groups and value - groups[-1][0][1] <= gap:
            groups[-1].append((name, value))
        else:
            groups.append([(name, value)])
    return [(", ".join(name for name, _ in group), float(np.mean([value for _, value in group]))) for group in groups]


def draw_seconds(
    points: Sequence[tuple[str, float, float, bool]], published: Sequence[tuple[str, float]], path: Path
) -> None:
    """Draw mean accuracy against seconds in all, logarithmic; published means, whose seconds nobody has, as lines.

    Parameters
    ----------
    points
        Name, seconds, accuracy in percent, whether it is ours.
    published
        Name and accuracy in percent.
    path
        Of the picture.
    """
    from matplotlib import pyplot

    figure, axes = new_plot(figsize=(9, 5.5))
    for name, seconds, accuracy, is_ours in points:
        colour = OURS if is_ours else OTHERS
        axes.scatter(seconds, accuracy, color=colour, s=36, zorder=3)
        axes.annotate(
            name, (seconds, accuracy), xytext=(6, 4), textcoords="offset points", fontsize=8, color=colour, zorder=4
        )
    for _, accuracy in published:
        axes.axhline(accuracy, color="0.75", linewidth=0.8, zorder=1)
    accuracies = [accuracy for _, accuracy in published] + [accuracy for _, _, accuracy, _ in points]
    for names, accuracy in join_near(published, 0.02 * (max(accuracies) - min(accuracies))):
        axes.annotate(
            names, (1, accuracy), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            fontsize=7, va="center", color="0.35", annotation_clip=False,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.margins(x=0.3, y=0.08)
    axes.set_xlabel("seconds of fit and prediction, all sets together")
    axes.set_ylabel("mean accuracy, %")
    axes.grid(alpha=0.25, axis="x", which="both")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
