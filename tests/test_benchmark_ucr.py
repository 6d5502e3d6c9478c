"""The benchmark of the archives: its statistics against figures made by hand, and the road from sets to a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import PermutationMethod, wilcoxon
from sklearn.metrics import log_loss

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
boards, metrics, plots, ranking, report, sets, ucr, worker = (
    import_module(name)
    for name in (
        "_ucr_boards",
        "_ucr_metrics",
        "_ucr_plots",
        "_ucr_ranking",
        "_ucr_report",
        "_ucr_sets",
        "ucr",
        "_ucr_worker",
    )
)
sys.path.remove(str(BENCHMARKS))

# Statistics.


def test_wilcoxon_is_exact_where_all_differences_point_one_way():
    # Of the 2^6 ways to give six ranks their signs, two are as extreme.
    first = np.array([0.91, 0.82, 0.73, 0.64, 0.55, 0.46])
    second = first - np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    assert ranking.wilcoxon_p(first, second) == pytest.approx(2 / 64)
    assert ranking.wilcoxon_p(second, first) == pytest.approx(2 / 64)


def test_no_differences_are_split_evenly():
    # Two zeros share ranks 1 and 2, 1.5 to either side: of fifteen ranks 13.5 are wins. Signs of the three others
    # have eight ways, and two of them are as extreme.
    p = ranking.wilcoxon_p(np.array([0.0, 0.0, 0.1, 0.2, 0.3]), np.zeros(5))
    assert p == pytest.approx(2 / 8)


@given(st.lists(st.sampled_from([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4]), min_size=2, max_size=6))
def test_equal_differences_are_counted_as_scipy_counts_them_by_all_signs(differences):
    values = np.array(differences)
    assume(values.any())
    expected = wilcoxon(values, zero_method="zsplit", method=PermutationMethod()).pvalue
    assert ranking.wilcoxon_p(values, np.zeros(len(values))) == pytest.approx(expected)


def test_different_differences_are_those_of_scipys_exact_test():
    values = np.random.default_rng(0).permutation(np.arange(1, 56)) / 100 * np.where(np.arange(55) % 3, 1, -1)
    expected = wilcoxon(values, method="exact").pvalue
    assert ranking.wilcoxon_p(values, np.zeros(55)) == pytest.approx(expected)


def test_contestants_without_a_difference_are_alike():
    pair = ranking.compare([0.5, 0.75, 1.0], [0.5, 0.75, 1.0])
    assert (pair.wins, pair.ties, pair.losses, pair.difference, pair.p) == (0, 3, 0, 0.0, 1.0)


def test_a_difference_behind_the_fourth_digit_is_a_tie():
    pair = ranking.compare([0.93333333, 0.8, 0.6], [0.9333, 0.7, 0.7])
    assert (pair.wins, pair.ties, pair.losses) == (1, 1, 1)


def test_holm_as_made_by_hand():
    # Ascending: .005 * 4, .01 * 3, .03 * 2, then .04 * 1, which may not be less than the one before.
    assert ranking.correct([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_no_correction_and_bonferroni(p):
    corrected = ranking.correct(p)
    assert (corrected >= np.array(p)).all()
    assert (corrected <= np.minimum(len(p) * np.array(p), 1) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()


def test_cliques_are_the_longest_runs_in_which_nobody_is_told_apart():
    ranks = np.array([1.0, 2.0, 3.0, 4.0])
    assert ranking.find_cliques(ranks, set()) == [[0, 1, 2, 3]]
    assert ranking.find_cliques(ranks, {(0, 3)}) == [[0, 1, 2], [1, 2, 3]]
    assert ranking.find_cliques(ranks, {(0, 2), (0, 3), (1, 3)}) == [[0, 1], [1, 2], [2, 3]]
    assert ranking.find_cliques(ranks, {(0, 1), (0, 2), (0, 3)}) == [[1, 2, 3]]
    assert ranking.find_cliques(ranks, {(0, 1), (1, 2), (2, 3), (0, 2), (0, 3), (1, 3)}) == []
    # A pair inside of it that is told apart ends a run, whatever its ends are.
    assert ranking.find_cliques(ranks, {(1, 2)}) == [[0, 1], [2, 3]]


def test_cliques_follow_the_ranks_and_not_the_columns():
    assert ranking.find_cliques(np.array([3.0, 1.0, 2.0]), {(0, 1)}) == [[1, 2], [2, 0]]


def test_ranks_share_places_and_tell_the_best_apart():
    generator = np.random.default_rng(0)
    worse = generator.uniform(0.4, 0.6, (12, 2))
    values = np.column_stack([worse.max(1) + 0.2, worse])
    found = ranking.rank(values)
    assert found.ranks[0] == 1.0
    assert found.ranks.sum() == pytest.approx(6)
    # Each of 12 sets won: p = 2 / 2^12 for either pair; the other two win some sets each.
    assert found.cliques == [[int(place) for place in np.argsort(found.ranks)[1:]]]
    assert found.friedman_p < 0.01
    tied = ranking.rank(np.array([[0.9, 0.9, 0.1], [0.8, 0.8, 0.2]]))
    assert tied.ranks.tolist() == [1.5, 1.5, 3.0]
    assert tied.median_ranks.tolist() == [1.5, 1.5, 3.0]
    assert ranking.rank(np.full((3, 3), 0.5)).friedman_p == 1.0
    assert ranking.rank(values[:, :2]).friedman_p is None


# Metrics.


def test_calibration_error_as_made_by_hand():
    # Bins of a half: {.5} holds its upper end, one right of one, distance .5; {.6, .8, .9}: mean .7667, one of three.
    probabilities = np.array([[0.5, 0.5], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1]])
    found = metrics.calibration_error(probabilities, np.array([0, 1, 1, 1]), n_bins=2)
    assert found == pytest.approx((1 * 0.5 + 3 * (2.3 / 3 - 1 / 3)) / 4)


def test_probabilities_that_hold_what_they_say_are_calibrated():
    probabilities = np.tile([0.75, 0.25], (4, 1))
    assert metrics.calibration_error(probabilities, np.array([0, 0, 0, 1])) == pytest.approx(0)
    assert metrics.calibration_error(np.eye(3), np.array([0, 1, 2])) == 0


def test_log_loss_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), 50)
    positions = generator.integers(0, 4, 50)
    assert metrics.log_loss(probabilities, positions) == pytest.approx(log_loss(positions, probabilities))


def test_a_class_that_was_not_known_has_probability_zero():
    predicted = {"labels": np.array(["a", "b"]), "probabilities": np.eye(2), "classes": np.array(["a", "b"])}
    figures = metrics.score(np.array(["a", "c"]), predicted)
    assert figures["accuracy"] == 0.5
    assert figures["log_loss"] == pytest.approx(-np.log(np.finfo(float).eps) / 2)


def test_who_has_no_probabilities_has_an_accuracy_alone():
    figures = metrics.score(np.array([1, 2, 2]), {"labels": np.array([1, 2, 1])})
    assert figures == {"accuracy": pytest.approx(2 / 3), "log_loss": None, "calibration_error": None}


def test_numbers_have_errors_and_the_share_inside_their_intervals():
    predicted = {"values": np.array([1.0, 2.0, 3.0]), "interval": np.array([[0.0, 2.0], [1.5, 1.9], [3.0, 7.0]])}
    figures = metrics.score(np.array([1.0, 2.0, 7.0]), predicted)
    assert figures["rmse"] == pytest.approx(np.sqrt(16 / 3))
    assert figures["mae"] == pytest.approx(4 / 3)
    assert figures["interval_coverage"] == pytest.approx(2 / 3)
    assert figures["interval_width"] == pytest.approx((2 + 0.4 + 4) / 3)


# Data sets.


def make_archive(folder: Path, names: tuple[str, ...] = ("Toy",), n_train: int = 20) -> Path:
    """Write sets like those of the archive, and return the folder that $SEQCNN_DATA names."""
    (folder / "data" / "ucr").mkdir(parents=True)
    for number, name in enumerate(names):
        generator = np.random.default_rng(number)
        parts = {}
        for split, n_cases in (("train", n_train), ("test", 30)):
            y = np.arange(n_cases) % 2
            X = generator.normal(size=(n_cases, 40 + 10 * number)).astype(np.float32)
            X += 2 * np.sin(np.arange(X.shape[1]) / (2 + 3 * y[:, None]))
            if name in sets.UNEQUAL:
                X[::3, -7:] = np.nan
            if name in sets.WITH_GAPS:
                X[::4, 5:8] = np.nan
            parts |= {f"X_{split}": X, f"y_{split}": y.astype(np.int16) + 1}
        np.savez(folder / "data" / "ucr" / f"{name}.npz", **parts)
    return folder / "data"


def test_sets_are_named_one_by_one_or_by_what_they_have_in_common(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQCNN_DATA", str(make_archive(tmp_path, ("Toy", "PLAID", "DodgerLoopDay"))))
    assert sets.choose_sets("ucr", ["all55"]) == ["Toy"]
    assert sets.choose_sets("ucr", ["missing"]) == ["DodgerLoopDay", "PLAID"]
    assert sets.choose_sets("ucr", ["PLAID", "all"]) == ["PLAID", "DodgerLoopDay", "Toy"]
    with pytest.raises(ValueError) as error:
        sets.choose_sets("ucr", ["Toy", "Tay"])
    assert str(error.value) == (
        "--sets must name sets of the archive 'ucr' that are on this machine, or be all, all55 or missing. "
        "Received: Tay. There are: DodgerLoopDay, PLAID, Toy."
    )


def assert_same_records(these, those):
    assert type(these) is type(those)
    for one, other in zip(these, those, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["Toy", "PLAID", "DodgerLoopDay"])
def test_another_process_reads_the_set_that_was_written(tmp_path, monkeypatch, name):
    monkeypatch.setenv("SEQCNN_DATA", str(make_archive(tmp_path, (name,))))
    before = sets.load("ucr", name)
    assert (before.is_ragged, before.has_gaps) == (name == "PLAID", name == "DodgerLoopDay")
    sets.write(before, tmp_path / "data.npz")
    after = sets.read(tmp_path / "data.npz")
    assert (after.archive, after.name, after.groups) == ("ucr", name, None)
    assert after.describe() == before.describe()
    assert_same_records(after.X_train, before.X_train)
    assert_same_records(after.X_test, before.X_test)
    np.testing.assert_array_equal(after.y_train, before.y_train)
    np.testing.assert_array_equal(after.y_test, before.y_test)


def test_ragged_records_of_several_channels_and_their_groups_are_written_too(tmp_path):
    X = [np.full((3, length), length, np.float32) for length in (4, 2, 5)]
    labels, people = np.array(["x", "y", "x"]), np.array([7, 7, 9])
    sets.write(sets.DataSet("uea", "Toy", X, labels, X[:2], labels[:2], groups=people), tmp_path / "data.npz")
    after = sets.read(tmp_path / "data.npz")
    assert_same_records(after.X_train, X)
    assert after.groups.tolist() == [7, 7, 9]
    assert after.describe() == {
        "archive": "uea", "set": "Toy", "n_train": 3, "n_test": 2, "length": 5, "channels": 3, "classes": 2
    }  # fmt: skip


# What is run.


class Referee:
    """Stands for the processes: remembers who was asked for what."""

    def __init__(self, failing: str = "") -> None:
        self.asked, self.failing = [], failing

    def measure(self, contestant, data_set, data, seed):
        assert sets.read(data).name == data_set.name
        self.asked.append((data_set.name, contestant.name, seed))
        if contestant.name == self.failing:
            raise ucr.WorkerError("It could not.")
        return {
            **data_set.describe(), "contestant": contestant.name, "seed": seed, "accuracy": 0.5,
            "fit_seconds": 2.0, "predict_seconds": 1.0,
        }  # fmt: skip


def small_sets(tmp_path, monkeypatch, *names):
    monkeypatch.setenv("SEQCNN_DATA", str(make_archive(tmp_path, names)))
    return [sets.load("ucr", name) for name in names]


def test_contestants_take_turns_smallest_set_first_and_what_is_there_is_not_run_again(tmp_path, monkeypatch):
    data_sets = small_sets(tmp_path, monkeypatch, "Short", "Long")[::-1]
    contestants = ucr.list_contestants(["auto"], ["quick"], ["minirocket"], 20)
    ours, peer = "seqcnn, quick", "aeon minirocket"
    referee, file = Referee(), tmp_path / "out" / "lines.jsonl"
    assert ucr.measure(ucr.Results(file), referee, data_sets, contestants, [0, 1], np.inf) == ([], [])
    assert referee.asked == [
        ("Short", ours, 0), ("Short", peer, 0), ("Short", ours, 1), ("Short", peer, 1),
        ("Long", peer, 0), ("Long", ours, 0), ("Long", peer, 1), ("Long", ours, 1),
    ]  # fmt: skip
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:6], lines[6][:30]]))  # broken off within a line
    again = Referee()
    ucr.measure(ucr.Results(file), again, data_sets, contestants, [0, 1], np.inf)
    assert again.asked == referee.asked[6:]
    assert [json.loads(line)["contestant"] for line in file.read_text().splitlines()] == [
        json.loads(line)["contestant"] for line in lines
    ]


def test_what_fails_is_named_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    contestants = ucr.list_contestants(["fcn"], ["default"], ["minirocket"], 20)
    results = ucr.Results(tmp_path / "lines.jsonl")
    data_sets = small_sets(tmp_path, monkeypatch, "Toy")
    failed, left = ucr.measure(results, Referee("aeon minirocket"), data_sets, contestants, [0], np.inf)
    assert (failed, left) == (["Toy, aeon minirocket, seed 0"], [])
    assert [row["contestant"] for row in results.rows] == ["seqcnn fcn, default"]
    assert capsys.readouterr().err == "Toy, aeon minirocket, seed 0: It could not.\n"


def test_nothing_is_started_that_would_not_fit_into_the_time(tmp_path, monkeypatch):
    contestants = ucr.list_contestants(["auto"], ["quick"], [], 20)
    data_sets = small_sets(tmp_path, monkeypatch, "Short", "Long")
    failed, left = ucr.measure(ucr.Results(tmp_path / "lines.jsonl"), Referee(), data_sets, contestants, [0], limit=3.5)
    # Three seconds for 40 steps are 3.75 for 50.
    assert (failed, left) == ([], ["Long, seqcnn, quick, seed 0 (expected: 4 s)"])


def test_time_is_expected_to_grow_with_size_and_never_to_shrink():
    def line(n_train, seconds, who="a"):
        size = {"n_train": n_train, "n_test": 0, "length": 10, "channels": 1}
        return {**size, "contestant": who, "fit_seconds": seconds, "predict_seconds": 1.0}

    rows = [line(10, 1.0), line(100, 4.0), line(100, 9.0, "b")]
    assert ucr.expect_seconds(rows, "a", line(200, 0)) == pytest.approx(40)  # 2 * 20 beats 5 * 2
    assert ucr.expect_seconds(rows, "a", line(5, 0)) == pytest.approx(5)
    assert ucr.expect_seconds(rows, "c", line(5, 0)) == 0


def test_peers_are_not_asked_for_what_they_do_not_read(tmp_path, monkeypatch):
    odd = small_sets(tmp_path, monkeypatch, "PLAID", "DodgerLoopDay", "Toy")
    ours, peer = ucr.list_contestants(["auto"], ["best"], ["multirocket-hydra"], 20)
    assert [ours.can_read(one) for one in odd] == [True, True, True]
    assert [peer.can_read(one) for one in odd] == [False, False, True]


def test_a_peer_that_learns_says_for_how_long():
    names = [one.name for one in ucr.list_contestants(["a+b"], ["quick", "best"], ["minirocket", "litetime"], 30)]
    assert names == ["seqcnn a+b, quick", "seqcnn a+b, best", "aeon minirocket", "aeon litetime, 30 epochs"]
    assert set(ucr.PEERS) == set(worker.Aeon.NAMES)
    assert set(ucr.PEERS.values()) == set(ucr.ENVIRONMENTS)


class Half:
    """A classifier that is better with one way of filling gaps."""

    def __init__(self, missing, better):
        self.is_better = missing == better

    def fit(self, X, y):
        assert len(X) in (13, 14)  # two thirds of the twenty
        return self

    def score(self, X, y):
        return 0.9 if self.is_better else 0.8


@pytest.mark.parametrize(
    ("better", "chosen"), [("mask", "mask"), ("interpolate", "interpolate"), (None, "interpolate")]
)
def test_what_to_do_with_gaps_is_chosen_on_training_records(tmp_path, monkeypatch, better, chosen):
    (data_set,) = small_sets(tmp_path, monkeypatch, "DodgerLoopDay")
    assert worker.choose_missing(Half, {"better": better}, data_set) == chosen


def test_members_are_written_as_json_has_them():
    told = worker.plain([{"member": "hydra", "weight": np.float64(1 / 3), "score": np.nan, "n": np.int64(3)}])
    assert json.loads(json.dumps(told)) == [{"member": "hydra", "weight": 0.3333, "score": None, "n": 3}]


# The report.


def line(name, who, accuracy, seed=0, **more):
    """Return a line of results."""
    return {
        "archive": "ucr", "set": name, "n_train": 20, "n_test": 30, "length": 40, "channels": 1, "classes": 2,
        "contestant": who, "preset": None, "seed": seed, "accuracy": accuracy, "log_loss": 0.5,
        "calibration_error": 0.04, "fit_seconds": 3.0, "predict_seconds": 1.0, "fit_cpu_seconds": 2.0,
        "predict_cpu_seconds": 0.5,
        "warm_up_seconds": 7.0, "threads": 1, "neighbours": 0.1, "machine": "a machine", "versions": {"x": "1"},
        **more,
    }  # fmt: skip


def write_references(folder: Path, names: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    lines = ["Resamples:,HC2,Other", *(f"{name},{0.8 + number / 100},0.7" for number, name in enumerate(names))]
    (folder / "ucr_default_split_accuracy.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_the_report_says_that_there_are_no_published_results(tmp_path):
    rows = [line("A", "seqcnn, quick", 0.9), line("B", "seqcnn, quick", 0.8)]
    text = report.write_report(rows, boards.References.read(tmp_path), None)
    assert f"Published results are left out: there are none in {tmp_path}.\n" in text
    assert "| seqcnn, quick | 2 of 2 | 0 | 85.00 | 0.040 | 0.500 | 8.0 | 5.0 | 4.0 | 4.0 |" in text
    assert "### Ranks" not in text  # there is nobody else


def test_seeds_are_averaged_set_by_set_and_their_spread_is_told(tmp_path):
    rows = [line(name, "seqcnn, quick", value, seed) for seed, value in ((0, 0.8), (1, 0.9)) for name in "AB"]
    text = report.write_report(rows, boards.References.read(None), None)
    # The deviation of two seeds' means, 80 and 90.
    assert "| seqcnn, quick | 2 of 2 | 0, 1 | 85.00 ± 7.07 |" in text


def test_versions_are_told_once_and_commits_by_what_they_measured():
    ours = {"seqcnn": "0.1.0", "torch": "2"}
    rows = [
        line("A", "seqcnn, quick", 0.9, versions={**ours, "commit": "abc"}),
        line("B", "seqcnn, quick", 0.9, versions={**ours, "commit": "abc"}),
        line("A", "seqcnn, default", 0.9, versions={**ours, "commit": "def"}),
        line("A", "aeon minirocket", 0.6, versions={"aeon": "1"}),
    ]
    assert (
        "- seqcnn 0.1.0, torch 2\n"
        "    - commit abc: seqcnn, quick on ucr\n"
        "    - commit def: seqcnn, default on ucr\n"
        "- aeon 1\n"
    ) in report.write_circumstances(rows)


def test_ours_stand_beside_the_published_ones_on_the_sets_that_both_have(tmp_path):
    names = list("ABCDEF")
    rows = [line(name, "seqcnn, quick", 0.9) for name in names]
    rows += [line(name, "aeon minirocket", 0.6, fit_seconds=1.0, fit_cpu_seconds=0.5) for name in names[:3]]
    references = boards.References.read(write_references(tmp_path, [*names, "G"]))
    text = report.write_report(rows, references, None)
    assert "| seqcnn, quick | 6 of 7 |" in text
    assert "- seqcnn, quick: G.\n- aeon minirocket: D, E, F, G.\n" in text
    # HC2 has .80 to .85, so that all six sets are won; the peer has half of the sets and is not ranked.
    assert "On the 6 sets that all of them have" in text
    assert "| seqcnn, quick | 1.00 | 1.0 | 90.00 |" in text
    assert "| HC2 (published) | 6 | +7.50 | 6 / 0 / 0 | 0.031 | 0.094 |" in text
    assert "| aeon minirocket | 3 | +30.00 | 3 / 0 / 0 |" in text
    # Four seconds against two; of the processor 2.5 against 1.
    assert "| seqcnn, quick | aeon minirocket | 3 | 2.00 | 2.50 | 2.00 |" in text
    assert "- aeon minirocket: the first fit, on noise, took 7.0 s, which are not counted.\n" in text
    assert "| A | 20 / 30 | 40 x 1 | 2 | **90.00** | 60.00 | 80.00 | 70.00 | 4.0 | 2.0 |" in text


def test_what_published_networks_would_have_taken_is_told():
    rows = [
        line(name, "aeon litetime, 20 epochs", 0.5, full_fit_seconds=seconds) for name, seconds in (("A", 9), ("B", 90))
    ]
    rows.append(line("B", "seqcnn lite, default", 0.5))  # four seconds
    text = report.write_report(rows, boards.References.read(None), None)
    assert "- seqcnn lite, default: 1/22 of that, over the sets that both have (1).\n" in text
    assert (
        "- aeon litetime, 20 epochs: five networks of 1500 epochs, as published, would have taken 99 s in all, 50 s a "
        "median set (the median epoch, multiplied).\n"
    ) in text


def test_members_are_shown_with_their_mean_weight():
    rows = [
        line("A", "seqcnn, quick", 0.9, members=[{"member": "hydra", "weight": 1.0, "seconds": 2.0}]),
        line("B", "seqcnn, quick", 0.9, members=[{"member": "lite", "weight": 0.6, "seconds": 5.0},
                                                 {"member": "hydra", "weight": 0.4, "seconds": 1.0}]),
    ]  # fmt: skip
    text = report.write_report(rows, boards.References.read(None), None)
    assert "| hydra | 2 of 2 | 0.70 | 1.00 | 3.0 |\n| lite | 1 of 2 | 0.30 | 0.60 | 5.0 |" in text


def test_numbers_and_activities_have_tables_of_their_own():
    numbers = {"archive": "regression", "mae": 8.0, "interval_coverage": 0.91, "interval_width": 30.0}
    rows = [line(sets.FD001, "seqcnn, quick", None, seed, rmse=12.0 + seed, **numbers) for seed in (0, 1)]
    rows += [line("HAPT", "seqcnn, quick", 0.94, archive="hapt")]
    text = report.write_report(rows, boards.References.read(None), None)
    assert f"| {sets.FD001} | seqcnn, quick | 0, 1 | 20 / 30 | 12.50 ± 0.71 | 8.00 | 91.0 | 30.00 | 4.0 |" in text
    assert "| seqcnn, quick | 0 | 94.00 | 0.040 | 0.500 | 3.0 | 1.0 |" in text


def test_a_page_with_pictures_is_written_where_a_folder_is_named(tmp_path):
    names = [f"S{number}" for number in range(12)]
    rows = [line(name, who, value) for name in names for who, value in (("seqcnn, quick", 0.9), ("aeon x", 0.85))]
    references = boards.References.read(write_references(tmp_path / "references", names))
    docs = tmp_path / "docs"
    text = report.write_report(rows, references, docs)
    assert (docs / "ucr.md").read_text() == text
    pictures = {path.name for path in docs.glob("*.png")}
    assert pictures == {"ucr-ranks-ucr.png", "ucr-seconds-ucr.png"}
    assert all(f"({name})" in text for name in pictures)


def test_names_of_near_values_are_joined():
    values = [("a", 1.0), ("b", 3.0), ("c", 1.4), ("d", 1.6)]
    assert plots.join_near(values, 0.5) == [("a, c", pytest.approx(1.2)), ("d", 1.6), ("b", 3.0)]


@pytest.mark.slow
def test_a_run_from_sets_to_report_goes_on_where_it_stopped(tmp_path):
    data = make_archive(tmp_path, ("Toy", "PLAID", "DodgerLoopDay"))
    file = tmp_path / "lines.jsonl"
    command = [sys.executable, str(BENCHMARKS / "ucr.py"), "--sets", "all", "--encoder", "minirocket"]
    command += ["--environment", str(tmp_path / "environments"), "--output", str(file)]
    environment = os.environ | {"SEQCNN_DATA": str(data), "OMP_NUM_THREADS": "1"}
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    rows = {row["set"]: row for row in map(json.loads, file.read_text().splitlines())}
    assert len(file.read_text().splitlines()) == 3
    assert rows["Toy"]["accuracy"] > 0.9
    assert rows["Toy"]["calibration_error"] < 0.5
    assert rows["DodgerLoopDay"]["missing"] in worker.WAYS_WITH_GAPS
    assert "missing" not in rows["PLAID"]
    assert "## UCR, equal lengths" in done.stdout
    assert "## UCR, unequal lengths and missing values" in done.stdout
