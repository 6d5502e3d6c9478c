"""The page of the catalogue: tables and a picture from the lines that ``benchmarks/encoders.py`` measured."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

Row = dict[str, Any]

KINDS = ("series", "text", "audio")


@dataclass(frozen=True)
class Score:
    """An encoder's mean accuracy over the data sets of a column, in percent."""

    percent: float
    cut_short: bool


class Measured:
    """What was measured, in the order of the encoders' table."""

    def __init__(self, rows: Iterable[Row], names: list[str]) -> None:
        rows = sorted(rows, key=lambda row: names.index(row["name"]))
        self.costs = {row["name"]: row for row in rows if row["work"] == "cost"}
        self.fits = [row for row in rows if row["work"] == "accuracy"]
        self.missing = [name for name in names if name not in self.costs]
        self.machines = list(dict.fromkeys(row["machine"] for row in rows))

    def tasks(self, kind: str, *, real: bool) -> list[str]:
        """Return the data sets, generated or real, that encoders of this kind were fitted on."""
        return list(dict.fromkeys(row["task"] for row in self.fits if (row["kind"], row["real"]) == (kind, real)))

    def scores(self, kind: str, *, real: bool) -> dict[str, Score]:
        """Return the mean over these data sets for each encoder that was fitted on all of them."""
        by_name: dict[str, list[Row]] = {}
        for row in self.fits:
            if (row["kind"], row["real"]) == (kind, real):
                by_name.setdefault(row["name"], []).append(row)
        n_tasks = len(self.tasks(kind, real=real))
        return {
            name: Score(
                100 * statistics.mean(row["accuracy"] for row in rows),
                any(row["cut_short"] for row in rows),
            )
            for name, rows in by_name.items()
            if len(rows) == n_tasks
        }


def render(rows: Iterable[Row], names: list[str], docs: Path) -> None:
    """Write ``encoders.md`` and ``encoders.png`` into a folder.

    Parameters
    ----------
    rows
        The latest line of each measurement.
    names
        The encoders, in the order to show them in.
    docs
        The folder.
    """
    measured = Measured(rows, names)
    docs.mkdir(parents=True, exist_ok=True)
    drawn = draw(measured, docs / "encoders.png")
    (docs / "encoders.md").write_text(write_page(measured, with_picture=drawn), encoding="utf-8")


HEADER = """\
# Encoders

<!-- Written by benchmarks/encoders.py. Do not edit. -->

This page is written by `python benchmarks/encoders.py`. Every name is one that `encoder=` takes; the figures are those
of its defaults, without stem and head.

- **parameters**: the numbers that are learnt.
- **MACs**: multiply-accumulate operations for one record, those of convolutions, dense layers and matrix products. An
  encoder with a longer stride than the record gets one as long as that.
- **field**: the time steps that one output step sees; "all" is the whole record.
- **stride**: time steps from one output step to the next, which is also the fewest a record may have.
- **causal**: looks back only, always or with `encoder__causal=True`.
- **streams**: causal, with a finite field, so that it can follow a signal that has no end.
- **ms**: milliseconds a record takes, alone or in a batch of 64, on one processor thread or two; float32, inference
  mode, medians.
- **accuracy**: on held-back training records after a short fit, as told below. It tells what a network learns quickly,
  not what it can learn; \\* marks fits that ran out of time.
"""


def write_page(measured: Measured, *, with_picture: bool) -> str:
    """Return the page."""
    parts = [HEADER, f"Machine: {'; '.join(measured.machines) or 'nothing was measured yet'}.\n"]
    if measured.missing:
        parts.append(f"Not measured yet: {', '.join(f'`{name}`' for name in measured.missing)}.\n")
    for kind in KINDS:
        for reads in ("samples", "bands"):
            # Only what reads bands says so.
            rows = [
                row for row in measured.costs.values() if row["kind"] == kind and row.get("reads", "samples") == reads
            ]
            if rows:
                # An encoder whose stride is longer gets a record of that length.
                n_channels, n_timepoints = min(row["input"] for row in rows)
                title = kind.capitalize() if reads == "samples" else f"{kind.capitalize()}, over mel bands"
                record = f"A record is {n_channels} x {n_timepoints:,}"
                record += "" if reads == "samples" else ": bands and frames, one second of 10 ms each"
                parts.append(f"## {title}\n\n{record}.\n")
                parts.append(write_table(measured, kind, rows, n_timepoints))
    if with_picture:
        parts.append(
            "## Accuracy against MACs\n\n![Accuracy against MACs, a panel a kind](encoders.png)\n\nThe line joins the "
            "encoders that no cheaper one beats. A hollow point ran out of time.\n"
        )
        parts.append(write_protocol(measured.fits))
    return "\n".join(parts)


def write_table(measured: Measured, kind: str, rows: list[Row], n_timepoints: int) -> str:
    """Return the table of one kind."""
    columns = [(measured.tasks(kind, real=real), measured.scores(kind, real=real)) for real in (False, True)]
    columns = [(tasks, scores) for tasks, scores in columns if scores]
    # "threads x batch size", as measured.
    times = sorted(rows[0]["milliseconds"], key=lambda setting: [int(part) for part in setting.split(" x ")][::-1])
    titles = ["encoder", "paper", "parameters", "MACs", "field", "stride", "causal", "streams"]
    for setting in times:
        n_threads, batch_size = setting.split(" x ")
        alone = "alone" if batch_size == "1" else f"of {batch_size}"
        titles.append(f"ms {alone}, {n_threads} thread{'' if n_threads == '1' else 's'}")
    titles += [f"accuracy, {name_tasks(tasks)}" for tasks, _ in columns]
    lines = [titles, ["---"] * 2 + ["---:"] * (len(titles) - 2)]
    for row in rows:
        name, length = row["name"], row["input"][1]
        scores = [scores.get(name) for _, scores in columns]
        lines.append(
            [
                f"`{name}`",
                cite(row["papers"]),
                f"{row['parameters']:,}" + (f" ({row['n_features']:,} features)" if row["n_features"] else ""),
                show_count(row["macs"]) + (f" ({length:,} steps)" if length > n_timepoints else ""),
                "all" if row["receptive_field"] is None else f"{row['receptive_field']:,}",
                "" if row["stride"] is None else f"{row['stride']:,}",
                "yes" if row["causal"] else "no",
                "yes" if row["streams"] else "no",
                *(show_milliseconds(row["milliseconds"][setting]) for setting in times),
                *(
                    "" if score is None else f"{score.percent:.1f} %{chr(92) + '*' if score.cut_short else ''}"
                    for score in scores
                ),
            ]
        )
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def write_protocol(fits: list[Row]) -> str:
    """Return how the accuracies came about."""
    seeds, threads = (
        ", ".join(str(value) for value in sorted({row[key] for row in fits})) for key in ("seed", "threads")
    )
    lines = [
        "`SeqCNNClassifier` with its default settings but for the budget below, fitted on one half of the records and "
        "scored on the other: a stratified split of generated data or of the training part of real data, whose test "
        f"part is never read. One fit each; seed of the split and of the network {seeds}; torch's threads: {threads}. "
        "The same time is fewer epochs for a slow network, which is meant. With n records scored, chance moves an "
        "accuracy p by about sqrt(p (1 - p) / n) either way: two points for p = 85 % and n = 300.\n",
        "| data | fitted on / scored on | at most |\n|---|---|---|",
    ]
    for row in {row["task"]: row for row in fits}.values():
        budget = f"{row['max_epochs']} epochs, {row['max_fit_seconds']:g} s"
        lines.append(f"| {row['task']}: {row['about']} | {row['n_train']:,} / {row['n_validation']:,} | {budget} |")
    return "\n".join(lines) + "\n"


def name_tasks(tasks: list[str]) -> str:
    """Name the data sets that a column or a panel is about."""
    return tasks[0] if len(tasks) == 1 else f"mean of {', '.join(tasks)}"


def cite(papers: list[list[str | None]]) -> str:
    """Return papers as links, where they have an arXiv number."""
    return ", ".join(f"[{who}](https://arxiv.org/abs/{number})" if number else str(who) for who, number in papers)


def show_count(number: float) -> str:
    """Write a large number in three digits: 12.3 M."""
    power = max(0, min(3, int(math.log10(max(number, 1))) // 3))
    return f"{number:.0f}" if power == 0 else f"{number / 1000**power:.3g} {' kMG'[power]}"


def show_milliseconds(value: float) -> str:
    """Write a time in two or three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2g}"


@dataclass(frozen=True)
class Point:
    """An encoder in the picture."""

    name: str
    macs: int
    score: Score


def draw(measured: Measured, path: Path) -> bool:
    """Draw accuracy against MACs, a panel a kind, on real data where there are; tell whether there was anything."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = {}
    for kind in KINDS:
        real = bool(measured.scores(kind, real=True))
        scores = measured.scores(kind, real=real)
        points = [
            Point(name, max(1, row["macs"]), scores[name]) for name, row in measured.costs.items() if name in scores
        ]
        if points:
            points.sort(key=lambda point: (point.macs, -point.score.percent))
            panels[f"{kind.capitalize()}: {name_tasks(measured.tasks(kind, real=real))}"] = points
    if not panels:
        return False
    heights = [3.2 + 0.09 * len(points) for points in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(10, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for axis, (title, points) in zip(axes[:, 0], panels.items(), strict=True):
        draw_panel(axis, points)
        axis.set_title(title, loc="left")
        n_channels, n_timepoints = min(measured.costs[point.name]["input"] for point in points)
        axis.set_xlabel(f"MACs for a record of {n_channels} x {n_timepoints:,}")
    figure.canvas.draw()
    for axis, points in zip(axes[:, 0], panels.values(), strict=True):
        place_labels(axis, points)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return True


def front_of(points: list[Point]) -> list[Point]:
    """Return those of the points, cheapest first, that no cheaper one beats."""
    return [
        point
        for position, point in enumerate(points)
        if all(point.score.percent > cheaper.score.percent for cheaper in points[:position])
    ]


def steps_of(points: list[Point]) -> list[tuple[float, float]]:
    """Return the corners of the line that joins the front and goes on to the dearest point."""
    front = front_of(points)
    corners = [(float(front[0].macs), front[0].score.percent)]
    for point in front[1:]:
        corners += [(point.macs, corners[-1][1]), (point.macs, point.score.percent)]
    return [*corners, (points[-1].macs, corners[-1][1])]


def draw_panel(axis: Any, points: list[Point]) -> None:
    """Draw the points and the line of their front."""
    axis.set_xscale("log")
    axis.plot(*zip(*steps_of(points), strict=True), color="tab:orange", linewidth=1.2, zorder=1)
    front = front_of(points)
    for point in points:
        colour = "tab:orange" if point in front else "tab:blue"
        inside = "white" if point.score.cut_short else colour
        axis.scatter(
            point.macs, point.score.percent, s=28, zorder=3, linewidths=1.4, facecolors=inside, edgecolors=colour
        )
    axis.set_ylabel("accuracy, %")
    axis.grid(alpha=0.25)
    axis.margins(x=0.08, y=0.12)


def place_labels(axis: Any, points: list[Point]) -> None:
    """Write each name at the nearest place to its point where it covers no point, no other name and not the line."""
    from matplotlib.transforms import Bbox

    places = [axis.transData.transform((point.macs, point.score.percent)) for point in points]
    unit = axis.figure.dpi / 72
    taken = [Bbox.from_bounds(x - 4 * unit, y - 4 * unit, 8 * unit, 8 * unit) for x, y in places]
    corners = axis.transData.transform(steps_of(points))
    # As wide as it is drawn.
    taken += [
        Bbox([[min(x, x_next) - unit, min(y, y_next) - unit], [max(x, x_next) + unit, max(y, y_next) + unit]])
        for (x, y), (x_next, y_next) in pairwise(corners)
    ]
    angles = [math.radians(degrees) for degrees in (0, 45, -45, 90, -90, 135, -135, 180)]
    line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
    for point, (x, y) in zip(points, places, strict=True):
        at = point.macs, point.score.percent
        label = axis.annotate(point.name, at, xytext=(0, 0), textcoords="offset points", fontsize=8, arrowprops=line)
        size = label.get_window_extent()
        candidates = []
        for distance in range(7, 90, 6):
            for angle in angles:
                right, up = math.cos(angle), math.sin(angle)
                # The side of the box that looks at the point lies at this distance from it.
                left = x + distance * unit * right - size.width * (1 - right) / 2
                bottom = y + distance * unit * up - size.height * (1 - up) / 2
                candidates.append(Bbox.from_bounds(left, bottom, size.width, size.height))
        free = [
            box
            for box in candidates
            if axis.bbox.contains(*box.min) and axis.bbox.contains(*box.max) and not box.count_overlaps(taken)
        ]
        box = (free or candidates)[0]
        taken.append(box)
        label.set_position(((box.x0 - x) / unit, (box.y0 - y) / unit))
