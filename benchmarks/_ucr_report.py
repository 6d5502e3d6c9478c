"""The report of the archives' benchmark: tables, and the page of the documentation with its pictures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from _ucr_board_page import write_board
from _ucr_boards import GROUPS, Board, References, Row
from _ucr_sets import FD001
from _ucr_words import percent, show, show_seconds, table

HEADER = """\
# The archives of time series

<!-- Written by benchmarks/ucr.py. Do not edit. -->

This page is written by `python benchmarks/ucr.py --report --docs`. Fits use the default training part alone; the test
part is predicted once a run, and no run chooses anything on it; docs/recipe.md says what came of looking at earlier
runs. What aeon's classifiers did was measured by the same program with as many threads, after a first fit that
compiles, not always at the same time as ours. Published figures were read, not measured: other machines, other
versions, one seed.

- **accuracy**: in percent, the mean over the seeds, with the deviation of the seeds' means over all sets.
- **ECE**: the expected calibration error in 15 bins of the probability of the class that is said (Guo et al. 2017);
  **log loss**: in nats. Ridge classifiers have no probabilities.
- **rank**: 1 is the best on a set, equal accuracies (in four digits) share theirs; over the sets mean and median.
- **p**: Wilcoxon's signed-rank test over the sets, two-sided, no differences split evenly (Demsar 2006); **Holm**:
  corrected for the comparisons of its table. Those with a letter in common do not differ at 5 % after Holm's correction
  for all pairs.
- **seconds**: of fit and prediction, by the clock; "processor" is the time that the process's threads computed, which
  other programs on the machine change little.
"""


def write_report(rows: Sequence[Row], references: References, docs: Path | None) -> str:
    """Return the report; write it as ``ucr.md``, with pictures, if there is a folder for it.

    Parameters
    ----------
    rows
        The lines of the file.
    references
        Published accuracies.
    docs
        The folder, or None.
    """
    parts = [HEADER, write_circumstances(rows)]
    if not references.tables:
        parts.append(f"Published results are left out: there are none in {references.folder or 'any folder named'}.\n")
    for group in GROUPS:
        board = Board.collect(group, rows, references)
        if board.measured:
            parts += write_board(board, docs)
    for title, archive, write in (
        ("HAPT, twelve activities, other people", "hapt", write_activities),
        ("Regression", "regression", write_errors),
    ):
        own = [row for row in rows if row["archive"] == archive]
        if own:
            parts += [f"## {title}\n", write(own)]
    text = "\n".join(parts)
    if docs is not None:
        docs.mkdir(parents=True, exist_ok=True)
        (docs / "ucr.md").write_text(text, encoding="utf-8")
    return text


def write_circumstances(rows: Sequence[Row]) -> str:
    """Return the machine, threads, versions and who else computed."""
    if not rows:
        return "Nothing was measured yet.\n"
    # What was measured with the same versions is one line, with the commits that did it.
    versions: dict[str, dict[str, dict[str, None]]] = {}
    for row in rows:
        libraries = ", ".join(f"{name} {one}" for name, one in row["versions"].items() if name != "commit")
        commits = versions.setdefault(libraries, {})
        if "commit" in row["versions"]:
            measured = f"{row['contestant']} on {row['archive']}"
            commits.setdefault(row["versions"]["commit"], {})[measured] = None
    lines = [
        f"- {libraries}" + "".join(f"\n    - commit {commit}: {'; '.join(what)}" for commit, what in commits.items())
        for libraries, commits in versions.items()
    ]
    machines = "; ".join(dict.fromkeys(row["machine"] for row in rows))
    threads = ", ".join(str(one) for one in sorted({row["threads"] for row in rows}))
    others = statistics.median(row["neighbours"] for row in rows)
    most = max(row["neighbours"] for row in rows)
    return (
        f"Machine: {machines}; threads of each library: {threads}. Other processes used {others:.1f} cores in the "
        f"median run, {most:.1f} at most.\n\n" + "\n".join(lines) + "\n"
    )


def by_contestant(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Sort lines by a key, in the order in which they came."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def mean_and_spread(values: Sequence[float], factor: float, digits: int) -> str:
    """Write a mean, with the deviation where there are several."""
    spread = f" ± {factor * statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{factor * statistics.fmean(values):.{digits}f}{spread}"


def average(rows: Sequence[Row], key: str) -> float | None:
    """Return the mean of a figure; None where no line has it."""
    values = [row[key] for row in rows if row.get(key) is not None]
    return statistics.fmean(values) if values else None


def write_activities(rows: Sequence[Row]) -> str:
    """Return the table of HAPT."""
    lines = [
        [
            name,
            ", ".join(str(row["seed"]) for row in own),
            mean_and_spread([row["accuracy"] for row in own], 100, 2),
            show(average(own, "calibration_error")),
            show(average(own, "log_loss")),
            show_seconds(average(own, "fit_seconds") or 0.0),
            show_seconds(average(own, "predict_seconds") or 0.0),
        ]
        for name, own in by_contestant(rows, lambda row: row["contestant"]).items()
    ]
    first = rows[0]
    return (
        f"{first['n_train']:,} windows of 21 people to learn from, {first['n_test']:,} of 9 others; official split. "
        "`groups=` names the people, so that whole people are held back wherever some are.\n\n"
        + table(["who", "seeds", "accuracy, %", "ECE", "log loss", "fit, s", "predict, s"], lines)
    )


def write_errors(rows: Sequence[Row]) -> str:
    """Return the table of numbers that were predicted."""
    lines = []
    for (name, who), own in by_contestant(rows, lambda row: (row["set"], row["contestant"])).items():
        lines.append(
            [
                name,
                who,
                ", ".join(str(row["seed"]) for row in own),
                f"{own[0]['n_train']:,} / {own[0]['n_test']:,}",
                mean_and_spread([row["rmse"] for row in own], 1, 4 if own[0]["rmse"] < 1 else 2),
                show(average(own, "mae"), 4 if own[0]["rmse"] < 1 else 2),
                percent(average(own, "interval_coverage"), 1),
                show(average(own, "interval_width"), 4 if own[0]["rmse"] < 1 else 2),
                show_seconds((average(own, "fit_seconds") or 0.0) + (average(own, "predict_seconds") or 0.0)),
            ]
        )
    lines.sort(key=lambda line: line[0])
    text = table(["set", "who", "seeds", "train / test", "RMSE", "MAE", "covered, %", "width", "seconds"], lines, 2)
    text += "\nCovered: the share of the test part inside `predict_interval(X, coverage=0.9)`; width: its mean.\n"
    if any(row["set"] == FD001 for row in rows):
        text += (
            f"\n{FD001}: windows of 30 cycles with the means of all channels and the age of the engine so far "
            "(`load_cmapss(with_history=True)`), the last of each test engine scored, life capped at 125 cycles in "
            "training and test, as is usual. A convolutional network on windows alone: RMSE about 12.6 (Li, Ding and "
            'Sun 2018, "Remaining useful life estimation in prognostics using deep convolution neural networks"). What '
            "the history is worth was measured on training engines (`benchmarks/engines.py`).\n"
        )
    return text
