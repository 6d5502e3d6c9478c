"""Callbacks for ``estimator.set_callbacks(...)`` of scikit-learn 1.9 and later: stop early, write what was learnt.

They follow scikit-learn's ``FitCallback`` protocol, beside its own ``ProgressBar`` and ``ScoringMonitor``, keep nothing
between epochs but what ``history_`` holds, and so serve several fits at once.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pandas as pd

from seqcnn._checks import check_choice, check_integer, check_number

AUTO = "auto"
MONITORS = ("train_loss", "validation_loss", "validation_score")


class _EpochCallback:
    """What an epoch-wise callback does not need to know of scikit-learn's protocol."""

    monitor: str

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing: there is no state."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def _rows(self, estimator: Any, context: Any) -> pd.DataFrame | None:
        """Return the lines of this fit's history, behind an epoch; otherwise None."""
        if context.task_name != "epoch":
            return None
        # A warm start's history begins with that of the fits before.
        rows: pd.DataFrame = estimator.history_.tail(context.task_id + 1)
        if self.monitor not in (AUTO, *rows.columns):
            raise ValueError(
                f"The 'monitor' parameter of {type(self).__name__} must be a column of history_. Received: "
                f"{self.monitor!r}, which is not measured without held-back records. Pass X_val and y_val to fit, set "
                f"early_stopping=True, or monitor 'train_loss'."
            )
        return rows

    def _gains(self, rows: pd.DataFrame) -> pd.Series[float]:
        """Return what is monitored, higher is better."""
        name = self.monitor
        if name == AUTO:
            name = "validation_score" if "validation_score" in rows else "train_loss"
        return rows[name] if name.endswith("score") else -rows[name]


class EarlyStopping(_EpochCallback):
    """Ends training when a column of ``history_`` gets no better.

    Beside the estimator's own ``early_stopping``, which also chooses the weights to keep, this one only ends: it can
    watch the training loss, or stop at an improvement too small to wait for.

    Parameters
    ----------
    monitor
        "train_loss", "validation_loss" or "validation_score".
    n_iter_no_change
        Epochs without a better value after which training ends.
    min_change
        A value counts as better if it is so by more than this.

    Examples
    --------
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> classifier = SeqCNNClassifier("fcn", max_epochs=50, random_state=0)
    >>> if hasattr(classifier, "set_callbacks"):  # scikit-learn 1.9 and later
    ...     _ = classifier.set_callbacks(EarlyStopping("train_loss", n_iter_no_change=2, min_change=0.1))
    ...     assert len(classifier.fit(X, y).history_) < 50
    """

    def __init__(
        self, monitor: str = "validation_loss", *, n_iter_no_change: int = 10, min_change: float = 0.0
    ) -> None:
        check_choice("monitor", monitor, MONITORS, caller=type(self).__name__)
        check_integer("n_iter_no_change", n_iter_no_change, minimum=1, caller=type(self).__name__)
        check_number("min_change", min_change, minimum=0, caller=type(self).__name__)
        self.monitor = monitor
        self.n_iter_no_change = n_iter_no_change
        self.min_change = min_change

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Tell whether to end training behind this epoch."""
        rows = self._rows(estimator, context)
        if rows is None:
            return False
        best, waited = -float("inf"), 0
        for gain in self._gains(rows):
            if gain > best + self.min_change:
                best, waited = gain, 0
            else:
                waited += 1
        return waited >= self.n_iter_no_change


class Checkpoint(_EpochCallback):
    """Writes the weights of the network while it is trained, in the format of safetensors.

    A file is complete or not there: it is written beside its place, then moved onto it. Load it with
    ``estimator.network_.load_state_dict(safetensors.torch.load_file(path))``; its metadata have the epoch.

    Parameters
    ----------
    path
        Where to; "{epoch}" in it becomes the epoch's number. Its folder must exist. In a search or a cross-validation,
        whose fits share the callback, the latest fit's file is the one that stays.
    save
        "best" writes when ``monitor`` is better than in all epochs of this fit before, "latest" behind every epoch.
    monitor
        "train_loss", "validation_loss" or "validation_score"; "auto" is the validation score where there is one.

    Examples
    --------
    >>> import tempfile
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> classifier = SeqCNNClassifier("fcn", max_epochs=2, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     if hasattr(classifier, "set_callbacks"):  # scikit-learn 1.9 and later
    ...         _ = classifier.set_callbacks(Checkpoint(f"{folder}/best.safetensors")).fit(X, y)
    ...         assert Path(f"{folder}/best.safetensors").exists()
    """

    def __init__(self, path: str | os.PathLike[str], *, save: str = "best", monitor: str = AUTO) -> None:
        check_choice("save", save, ("best", "latest"), caller=type(self).__name__)
        check_choice("monitor", monitor, (AUTO, *MONITORS), caller=type(self).__name__)
        self.path = os.fspath(path)
        self.save = save
        self.monitor = monitor

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Write the weights, if this epoch's are to be kept."""
        rows = self._rows(estimator, context)
        if rows is None:
            return
        gains = self._gains(rows)
        if self.save == "best" and (gains.iloc[:-1] >= gains.iloc[-1]).any():
            return
        epoch = str(int(rows["epoch"].iloc[-1]))
        _write(estimator.model_.network, Path(self.path.replace("{epoch}", epoch)), {"epoch": epoch})


def _write(network: Any, path: Path, metadata: dict[str, str]) -> None:
    from safetensors.torch import save

    # In training the parameters lie in one tensor; a file holds each by itself.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in network.state_dict().items()}
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"The 'path' parameter of Checkpoint must lie in a folder that exists. Received: {str(path)!r}. Make "
            f"{str(path.parent)!r} first."
        )
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        temporary.write_bytes(save(tensors, metadata))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
