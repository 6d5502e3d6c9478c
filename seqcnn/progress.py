"""The progress bar of training: loss, score and time left."""

from __future__ import annotations

import time
from types import TracebackType


class TrainingProgress:
    """Shows training on standard error; nothing for ``verbose=0``.

    Parameters
    ----------
    max_epochs
        The length of the bar.
    verbose
        0 silent; 1 a bar on a terminal or in a notebook, and now and then a line where the output is a file;
        2 and more a line an epoch.
    label
        What stands in front, the estimator's name.
    """

    def __init__(self, max_epochs: int, verbose: int, label: str) -> None:
        # Here and not above: who only predicts should not wait for it.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = Console(stderr=True)
        self._verbose = verbose
        self._label = label
        self._max_epochs = max_epochs
        self._last_line = 0.0
        self._stage = ""
        live = verbose == 1 and (self._console.is_terminal or self._console.is_jupyter)
        self._bar = (
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[state]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=self._console,
            )
            if live
            else None
        )

    def __enter__(self) -> TrainingProgress:
        if self._bar is not None:
            self._task = self._bar.add_task(self._label, total=self._max_epochs, state="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, what: str) -> None:
        """Show a line once."""
        if self._verbose > 0:
            self._console.print(f"{self._label}  {what}", highlight=False, markup=False, soft_wrap=True)

    def on_epoch_begin(self, epoch: int) -> None:
        """Do nothing: the bar moves with the batches."""

    def on_batch(self, epoch: int, share: float) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=epoch - 1 + share)

    def on_stage(self, what: str) -> None:
        """Show what is being done: beside the bar, or in a line where it takes long enough for one."""
        if what == self._stage:
            return
        self._stage = what
        if self._bar is not None:
            self._bar.update(self._task, state=what)
        elif self._verbose > 1:
            self.say(what)

    def on_epoch(self, row: dict[str, float]) -> None:
        """Show an epoch's losses and score."""
        if self._verbose == 0:
            return
        state = f"epoch {row['epoch']:.0f}/{self._max_epochs}  loss {row['train_loss']:.4f}"
        if "validation_loss" in row:
            state += f"  validation loss {row['validation_loss']:.4f}  score {row['validation_score']:.4f}"
        if self._bar is not None:
            self._bar.update(self._task, state=state)
            return
        now = time.monotonic()
        last = row["epoch"] >= self._max_epochs
        if self._verbose > 1 or last or now - self._last_line >= 5:
            self._last_line = now
            left = row["seconds"] / row["epoch"] * (self._max_epochs - row["epoch"])
            line = f"{self._label}  {state}  {row['seconds']:.0f} s, {left:.0f} s left"
            # Unwrapped: into a file, rich would break it at 80 characters.
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
