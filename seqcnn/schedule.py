"""The learning rate as training goes on: one cycle or several, up and down, and the clock of a budget.

Smith (2018), "A disciplined approach to neural network hyper-parameters", arXiv 1803.09820, has one cycle. Several,
each ending at a network that can be judged, are warm restarts (Loshchilov and Hutter 2017, "SGDR", arXiv 1608.03983).
"""

from __future__ import annotations

import math
import time


def one_cycle(progress: float, *, warm_up: float = 0.25, start: float = 0.04, end: float = 0.001) -> float:
    """Return the share of the peak learning rate at this share of the training: up, then down, both as cosines.

    >>> [round(one_cycle(share), 3) for share in (0.0, 0.25, 1.0)]
    [0.04, 1.0, 0.001]
    """
    if progress < warm_up:
        return start + (1 - start) * (1 - math.cos(math.pi * progress / warm_up)) / 2
    return end + (1 - end) * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


class Schedule:
    """The share of the peak learning rate of each step, and what is done by when.

    Parameters
    ----------
    max_epochs
        Passes over the windows.
    max_seconds
        A budget: all cycles are shortened so that they end by then. None is none.
    n_rounds
        Cycles, of which the first two are equally long, and each later one is as long as all before it.
    constant
        Stay at the peak.

    Examples
    --------
    >>> schedule = Schedule(8, n_rounds=2)
    >>> [round(schedule.share(epochs), 3) for epochs in (0, 1, 4, 5, 7.999)]
    [0.04, 1.0, 0.04, 1.0, 0.001]
    >>> schedule.ends_round(3), schedule.ends_round(4), schedule.ends_round(5), schedule.ends_round(8)
    (False, True, False, True)
    """

    def __init__(
        self, max_epochs: int, max_seconds: float | None = None, *, n_rounds: int = 1, constant: bool = False
    ) -> None:
        self._max_epochs, self._max_seconds, self._constant = max_epochs, max_seconds, constant
        # Where each round begins, and the end.
        self._bounds = [0.0, *(0.5**halvings for halvings in reversed(range(n_rounds)))]
        self._n_ended = 0
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long training has been going on."""
        return time.perf_counter() - self._started

    def share(self, epochs_done: float) -> float | None:
        """Return the share of the peak of the next step; None where the budget is spent, but for the very first."""
        progress = self._progress(epochs_done)
        if self._max_seconds is not None and progress >= 1 and epochs_done > 0:
            return None
        if self._constant:
            return 1.0
        round_ = sum(bound <= progress for bound in self._bounds[1:-1])
        first, last = self._bounds[round_ : round_ + 2]
        return one_cycle(min((progress - first) / (last - first), 1.0))

    def ends_round(self, epochs_done: float) -> bool:
        """Tell whether a round has ended since this was last asked."""
        # Shares of epochs are not exact.
        progress = self._progress(epochs_done) + 1e-9
        n_ended = sum(bound <= progress for bound in self._bounds[1:])
        ended, self._n_ended = n_ended > self._n_ended, n_ended
        return ended

    def _progress(self, epochs_done: float) -> float:
        progress = epochs_done / self._max_epochs
        return progress if self._max_seconds is None else max(progress, self.seconds / self._max_seconds)
