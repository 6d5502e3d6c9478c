"""scikit-learn's callbacks, where it has them (from 1.9 on): an epoch is an iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import sklearn

from seqcnn.progress import TrainingProgress

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Says what is missing; ``hasattr(estimator, "set_callbacks")`` is False."""

        @property
        def set_callbacks(self) -> Any:
            """Not there."""
            raise AttributeError(
                f"{type(self).__name__}.set_callbacks needs the callbacks of scikit-learn 1.9 or newer. "
                f"Received: scikit-learn {sklearn.__version__}. Upgrade it, or do without callbacks."
            )

    def with_callbacks(method: Any) -> Any:
        """Leave a method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "CallbackWatcher", "with_callbacks"]


class CallbackWatcher:
    """Passes on how training goes, to what shows it and to the callbacks of an estimator.

    Parameters
    ----------
    progress
        Shows it.
    estimator
        The one that is being fitted.
    n_epochs
        How many epochs there will be at most; 0 where nothing is trained in epochs.
    told
        What callbacks are given: X, y and metadata (``sample_weight``, if there is one). None leaves them out.
    rebuild
        Returns the attributes that make a copy of the estimator a fitted one, as if training had ended now.
    tabulate
        Makes the estimator's ``history_`` of the rows there are.
    """

    def __init__(
        self,
        progress: TrainingProgress,
        *,
        estimator: Any,
        n_epochs: int,
        told: dict[str, Any] | None,
        rebuild: Callable[[], dict[str, Any]],
        tabulate: Callable[[list[dict[str, float]]], pd.DataFrame],
    ) -> None:
        self._progress, self._estimator, self._told = progress, estimator, told or {}
        self._rebuild, self._tabulate = rebuild, tabulate
        self._rows: list[dict[str, float]] = []
        self._fit: Any = None
        self._epoch: Any = None
        if told is not None and getattr(estimator, "_skl_callbacks", None):
            self._fit = estimator._init_callback_context(max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(estimator=estimator, **self._told)

    def show_on(self, progress: TrainingProgress) -> None:
        """Show what comes on another bar, a committee's next member."""
        self._progress = progress

    def on_epoch_begin(self, epoch: int) -> None:
        """Begin a task of the callbacks."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._told)

    def on_batch(self, epoch: int, share: float) -> None:
        """Move the bar; callbacks hear of epochs only."""
        self._progress.on_batch(epoch, share)

    def on_stage(self, what: str) -> None:
        """Show what is being done."""
        self._progress.on_stage(what)

    def on_epoch(self, row: dict[str, float]) -> bool:
        """Show the epoch, and ask the callbacks whether it is the last."""
        self._progress.on_epoch(row)
        if self._epoch is None:
            return False
        self._rows.append(row)
        self._estimator.history_ = self._tabulate(self._rows)
        return bool(
            self._epoch.call_on_fit_task_end(
                estimator=self._estimator, **self._told, reconstruction_attributes=self._rebuild
            )
        )

    def on_end(self) -> None:
        """End the callbacks' outermost task."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(
                estimator=self._estimator, **self._told, reconstruction_attributes=self._rebuild
            )
