"""The part of the report about one group of sets: who, ranks, pairs, seconds, members, and set by set."""

from __future__ import annotations

import statistics
from pathlib import Path

from _ucr_boards import Board, Measured, Row
from _ucr_plots import draw_ranks, draw_seconds
from _ucr_ranking import SIGNIFICANCE, compare, correct, rank
from _ucr_words import percent, show, show_p, show_seconds, table

FEWEST_DRAWN = 10
"""Over fewer sets no test has power, and no picture is drawn."""

MOST_NAMED = 15
"""Of the sets that are missing."""


def write_board(board: Board, docs: Path | None) -> list[str]:
    """Return the parts of a group: who, ranks, pairs, seconds, members, sets."""
    group = board.group
    parts = [f"## {group.title}\n"]
    if board.published:
        parts.append(f"{group.about}\n")
    parts += [write_contestants(board), *write_ranks(board, docs)]
    parts += [part for one in board.measured if (part := write_pairs(board, one))]
    parts += write_times(board, docs)
    parts += [part for one in board.measured if (part := write_members(one))]
    parts += ["### Set by set\n", write_sets(board)]
    return parts


def write_contestants(board: Board) -> str:
    """Return the table of means, and which sets are missing."""
    n_sets = len(board.sets)
    lines = []
    for one in board.measured:
        seeds, accuracies = one.seeds(), one.by_seed()
        spread = f" ± {percent(statistics.stdev(accuracies))}" if len(seeds) > 1 else ""
        seconds = one.seconds()
        lines.append(
            [
                one.name,
                f"{len(one.rows)} of {n_sets}",
                ", ".join(str(seed) for seed in seeds) or "differ",
                percent(one.mean("accuracy")) + spread,
                show(one.mean("calibration_error")),
                show(one.mean("log_loss")),
                show_seconds(sum(seconds.values())),
                show_seconds(sum(one.seconds("cpu_").values())),
                show_seconds(statistics.median(seconds.values())),
                show_seconds(max(seconds.values())),
            ]
        )
    for method, column in board.published.items():
        mean = statistics.fmean(column.values())
        lines.append([f"{method} (published)", f"{len(column)} of {n_sets}", "", percent(mean), *[""] * 6])
    titles = ["who", "sets", "seeds", "accuracy, %", "ECE", "log loss"]
    titles += ["seconds, all sets", "processor", "median set", "slowest set"]
    text = table(titles, lines)
    partial = [one for one in board.measured if len(one.rows) < n_sets]
    if partial:
        text += "\nNot measured, so that the means above are over fewer sets:\n\n"
        text += "".join(f"- {one.name}: {name_missing(board, one)}.\n" for one in partial)
    return text


def name_missing(board: Board, one: Measured) -> str:
    """Return the sets that a contestant was not measured on, or their number and the first of them."""
    missing = [name for name in board.sets if name not in one.rows]
    if len(missing) <= MOST_NAMED:
        return ", ".join(missing)
    return f"{len(missing)} sets, {', '.join(missing[:3])} and others"


def write_ranks(board: Board, docs: Path | None) -> list[str]:
    """Return the table of ranks, and the diagram."""
    names, sets, values = board.ranked()
    if len(names) < 2 or len(sets) < 2:
        return []
    ranking = rank(values)
    letters = ["".join(chr(97 + number) for number, clique in enumerate(ranking.cliques) if place in clique)
               for place in range(len(names))]  # fmt: skip
    order = sorted(range(len(names)), key=lambda place: ranking.ranks[place])
    lines = [
        [
            names[place],
            show(ranking.ranks[place], 2),
            show(ranking.median_ranks[place], 1),
            percent(values[:, place].mean()),
            letters[place],
        ]
        for place in order
    ]
    about = f"On the {len(sets)} sets that all of them have"
    if ranking.friedman_p is not None:
        about += f"; that all are alike: p = {show_p(ranking.friedman_p)} (Friedman)"
    parts = ["### Ranks\n", f"{about}.\n", table(["who", "mean rank", "median rank", "accuracy, %", "alike"], lines)]
    if docs is not None and len(sets) >= FEWEST_DRAWN:
        docs.mkdir(parents=True, exist_ok=True)
        picture = f"ucr-ranks-{board.group.key}.png"
        draw_ranks(names, ranking, {one.name for one in board.measured if one.is_ours}, docs / picture)
        parts.append(f"![Mean ranks; a bar joins those that do not differ significantly]({picture})\n")
    return parts


def write_pairs(board: Board, one: Measured) -> str:
    """Return a contestant against each other one, on the sets that both have."""
    own = one.figures("accuracy")
    pairs = {}
    for name, column in board.columns().items():
        common = [each for each in own if each in column]
        if name != one.name and len(common) > 1:
            pairs[name] = (len(common), compare([own[each] for each in common], [column[each] for each in common]))
    if not pairs:
        return ""
    corrected = correct([pair.p for _, pair in pairs.values()])
    lines = [
        [
            name,
            str(n_sets),
            f"{100 * pair.difference:+.2f}",
            f"{pair.wins} / {pair.ties} / {pair.losses}",
            show_p(pair.p),
            show_p(p) + (" \\*" if p < SIGNIFICANCE else ""),
        ]
        for (name, (n_sets, pair)), p in zip(pairs.items(), corrected, strict=True)
    ]
    titles = ["against", "sets", "difference, points", "wins / ties / losses", "p", "Holm"]
    return f"### {one.name}, pair by pair\n\n{table(titles, lines)}"


def write_times(board: Board, docs: Path | None) -> list[str]:
    """Return how many times a peer's seconds ours take, and the picture."""
    ours = [one for one in board.measured if one.is_ours]
    peers = [one for one in board.measured if not one.is_ours]
    lines, notes = [], []
    for one in ours:
        for peer in peers:
            clock, theirs = one.seconds(), peer.seconds()
            common = [name for name in clock if name in theirs]
            if not common:
                continue
            cpu, their_cpu = one.seconds("cpu_"), peer.seconds("cpu_")
            ratio = sum(clock[name] for name in common) / sum(theirs[name] for name in common)
            processor = sum(cpu[name] for name in common) / sum(their_cpu[name] for name in common)
            middle = statistics.median(clock[name] / theirs[name] for name in common)
            lines.append([one.name, peer.name, str(len(common)), show(ratio, 2), show(processor, 2), show(middle, 2)])
    for one in board.measured:
        first = max(row["warm_up_seconds"] for rows in one.rows.values() for row in rows)
        notes.append(f"- {one.name}: the first fit, on noise, took {show_seconds(first)} s, which are not counted.")
    for peer in peers:
        full = peer.figures("full_fit_seconds")
        if full:
            notes.append(
                f"- {peer.name}: five networks of 1500 epochs, as published, would have taken "
                f"{show_seconds(sum(full.values()))} s in all, {show_seconds(statistics.median(full.values()))} s a "
                "median set (the median epoch, multiplied)."
            )
            for one in ours:
                own = one.seconds()
                common = [name for name in own if name in full]
                if common:
                    times = sum(full[name] for name in common) / sum(own[name] for name in common)
                    notes.append(f"- {one.name}: 1/{times:,.0f} of that, over the sets that both have ({len(common)}).")
    parts = ["### Seconds\n"]
    if lines:
        titles = ["ours", "peer", "sets", "seconds, ours / theirs", "processor", "median set"]
        parts.append(table(titles, lines, 2))
    parts.append("\n".join(notes) + "\n")
    names, sets, values = board.ranked()
    points = []
    for one in board.measured:
        if one.name in names:
            seconds = one.seconds()
            accuracy = 100 * float(values[:, names.index(one.name)].mean())
            points.append((one.name, sum(seconds[name] for name in sets), accuracy, one.is_ours))
    if docs is not None and points and len(sets) >= FEWEST_DRAWN:
        published = [
            (name.removesuffix(" (published)"), 100 * float(values[:, place].mean()))
            for place, name in enumerate(names)
            if name.endswith(" (published)")
        ]
        picture = f"ucr-seconds-{board.group.key}.png"
        draw_seconds(points, published, docs / picture)
        parts.append(f"![Mean accuracy against seconds over {len(sets)} sets; grey: published]({picture})\n")
    return parts


def write_members(one: Measured) -> str:
    """Return a committee's members with their weights, over all sets and seeds; nothing where there is none."""
    runs = [row["members"] for rows in one.rows.values() for row in rows if row.get("members")]
    weights: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for members in runs:
        for member in members:
            weights.setdefault(member["member"], []).append(member["weight"])
            seconds.setdefault(member["member"], []).append(member.get("seconds") or 0.0)
    if not runs:
        return ""
    lines = [
        [
            name,
            f"{len(own)} of {len(runs)}",
            show(sum(own) / len(runs), 2),
            show(max(own), 2),
            show_seconds(sum(seconds[name])),
        ]
        for name, own in sorted(weights.items(), key=lambda item: -sum(item[1]))
    ]
    titles = ["member", "runs", "mean weight", "highest weight", "seconds"]
    return f"### {one.name}, its members\n\n{table(titles, lines)}"


def write_sets(board: Board) -> str:
    """Return the accuracies set by set, and the seconds of who was measured."""
    columns = board.columns()
    facts: dict[str, Row] = {name: rows[0] for one in board.measured for name, rows in one.rows.items()}
    titles = [
        "set",
        "train / test",
        "length x channels",
        "classes",
        *(name.replace(" (published)", "") for name in columns),
    ]
    titles += [f"{one.name}: s" for one in board.measured]
    titles += ["missing values"] if any(row.get("missing") for row in facts.values()) else []
    seconds = [one.seconds() for one in board.measured]
    lines = []
    for name in board.sets:
        if name not in facts:
            continue
        row = facts[name]
        there = [column[name] for column in columns.values() if name in column]
        cells = [name, f"{row['n_train']:,} / {row['n_test']:,}", f"{row['length']:,} x {row['channels']}"]
        cells.append(str(row["classes"]))
        for column in columns.values():
            value = column.get(name)
            is_best = value is not None and round(value, 4) == round(max(there), 4)
            cells.append(f"**{percent(value)}**" if is_best else percent(value))
        cells += [show_seconds(own[name]) if name in own else "" for own in seconds]
        if titles[-1] == "missing values":
            chosen = {row["missing"] for one in board.measured for row in one.rows.get(name, []) if row.get("missing")}
            cells.append(", ".join(sorted(chosen)))
        lines.append(cells)
    about = (
        "Published columns stand behind the measured ones; the best of each set is bold.\n\n" if board.published else ""
    )
    return about + table(titles, lines)
