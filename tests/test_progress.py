"""What training shows: nothing, a bar, a line now and then, or a line an epoch."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from seqcnn import progress
from seqcnn.progress import TrainingProgress


def rows(n_epochs, validated=True):
    for epoch in range(1, n_epochs + 1):
        row = {"epoch": epoch, "train_loss": 1 / epoch, "learning_rate": 0.01}
        if validated:
            row |= {"validation_loss": 2 / epoch, "validation_score": 1 - 0.5 / epoch}
        yield row | {"seconds": 2.0 * epoch}


def show(n_epochs, verbose, *, max_epochs=None, validated=True, label="SeqCNNClassifier"):
    with TrainingProgress(max_epochs or n_epochs, verbose, label) as watcher:
        for row in rows(n_epochs, validated):
            for share in (0.5, 1.0):
                watcher.on_batch(row["epoch"], share)
            watcher.on_epoch(row)


@pytest.fixture
def clock(monkeypatch):
    """Let a second pass whenever the time is asked for."""
    seconds = iter(range(100, 10_000))
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(seconds)))


@pytest.fixture
def terminal(monkeypatch):
    """Give the progress a terminal, and return what is written to it."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, force_jupyter=False, width=160)
    monkeypatch.setattr("rich.console.Console", lambda **options: console)
    return screen


def test_verbose_0_prints_nothing(capsys):
    show(3, verbose=0)
    assert capsys.readouterr() == ("", "")


def test_verbose_0_prints_nothing_on_a_terminal_either(terminal):
    show(3, verbose=0)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("verbose", [2, 3])
def test_verbose_2_prints_a_line_an_epoch_to_standard_error(capsys, verbose):
    show(2, verbose=verbose, max_epochs=10)
    out, err = capsys.readouterr()
    assert out == ""
    # A line stays a line, however long: it is read by programs too.
    assert err.splitlines() == [
        "SeqCNNClassifier  epoch 1/10  loss 1.0000  validation loss 2.0000  score 0.5000  2 s, 18 s left",
        "SeqCNNClassifier  epoch 2/10  loss 0.5000  validation loss 1.0000  score 0.7500  4 s, 16 s left",
    ]


def test_without_validation_a_line_holds_no_score(capsys):
    show(1, verbose=2, validated=False)
    assert capsys.readouterr().err == "SeqCNNClassifier  epoch 1/1  loss 1.0000  2 s, 0 s left\n"


def test_what_stands_in_front_is_printed_as_it_is(capsys):
    show(1, verbose=2, validated=False, label="member [bold]1[/bold]")
    assert capsys.readouterr().err.startswith("member [bold]1[/bold]  epoch 1/1")


def test_verbose_1_prints_a_line_now_and_then_into_a_file_and_always_the_last(capsys, clock):
    show(14, verbose=1)
    epochs = [int(number) for number in re.findall(r"epoch (\d+)/14", capsys.readouterr().err)]
    assert epochs == [1, 6, 11, 14]


def test_verbose_1_shows_a_bar_with_losses_score_and_time_left_on_a_terminal(terminal):
    show(4, verbose=1)
    written = terminal.getvalue()
    assert "SeqCNNClassifier" in written
    assert "━" in written
    assert "epoch 4/4  loss 0.2500  validation loss 0.5000  score 0.8750" in written
    assert "100%" in written
    assert re.search(r"left.*\d:\d\d:\d\d", written)


def test_the_bar_moves_within_an_epoch(terminal):
    with TrainingProgress(2, 1, "SeqCNNClassifier") as watcher:
        watcher.on_batch(1, 0.5)
    assert "25%" in terminal.getvalue()


def test_an_interrupted_bar_gives_the_cursor_back(terminal):
    with pytest.raises(KeyboardInterrupt), TrainingProgress(2, 1, "SeqCNNClassifier"):
        raise KeyboardInterrupt
    hidden, shown = "\x1b[?25l", "\x1b[?25h"
    assert terminal.getvalue().rfind(shown) > terminal.getvalue().rfind(hidden) >= 0


def test_verbose_2_prints_lines_on_a_terminal_too(terminal):
    show(3, verbose=2)
    assert len(terminal.getvalue().splitlines()) == 3


def test_the_bar_shows_what_is_being_done_beside_it(terminal):
    with TrainingProgress(1, 1, "SeqCNNClassifier") as watcher:
        for what in ("computing features", "computing features", "choosing the penalty"):
            watcher.on_stage(what)
            watcher.on_batch(1, 0.5)
    shown = terminal.getvalue()
    assert "50%" in shown
    assert "choosing the penalty" in shown


def test_without_a_bar_each_stage_is_a_line_where_lines_are_asked_for(capsys):
    for verbose, lines in ((0, []), (1, []), (2, ["SeqCNNClassifier  reading", "SeqCNNClassifier  solving"])):
        with TrainingProgress(1, verbose, "SeqCNNClassifier") as watcher:
            for what in ("reading", "reading", "solving"):
                watcher.on_stage(what)
        assert capsys.readouterr().err.splitlines() == lines
