"""How training went: losses, score and learning rate, epoch by epoch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

from seqcnn._checks import shorten
from seqcnn.plots._canvas import COLOURS, GREY, add_legend, import_pyplot, make_panels, tidy, underlying

_LOG_FROM = 30.0
"""Losses whose largest is this many times the smallest are drawn on a logarithmic axis."""


class LearningCurveDisplay:
    """Losses, score and learning rate over the epochs of a fit.

    Not to be confused with scikit-learn's display of this name, which fits an estimator to parts of the data of
    several sizes.

    Parameters
    ----------
    history : DataFrame
        An estimator's ``history_``: a line an epoch, with train_loss and, where they were measured, validation_loss,
        validation_score and learning_rate.
    kept_epoch : int or None, default=None
        The epoch whose weights were kept; None draws no mark.
    score_name : str, default="score"
        What validation_score is.
    estimator_name : str or None, default=None
        The title.

    Attributes
    ----------
    figure_ : matplotlib Figure
        What holds the picture.
    ax_ : matplotlib Axes
        The panel of the losses.
    axes_ : ndarray of Axes
        All panels: the losses and, where they were measured, the score and the learning rate.

    Examples
    --------
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> classifier = SeqCNNClassifier("fcn", max_epochs=3, early_stopping=True, random_state=0).fit(X, y)
    >>> display = LearningCurveDisplay.from_estimator(classifier)
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['loss', 'accuracy', 'learning rate']
    """

    def __init__(
        self,
        history: pd.DataFrame,
        *,
        kept_epoch: int | None = None,
        score_name: str = "score",
        estimator_name: str | None = None,
    ) -> None:
        self.history = history
        self.kept_epoch = kept_epoch
        self.score_name = score_name
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator
            A fitted estimator of seqcnn, a pipeline that ends in one, or a search whose best one it is.
        ax
            None for a figure of its own; a subplot, whose place is divided; or as many panels as are needed.

        Returns
        -------
        LearningCurveDisplay
            The picture with its data.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If the estimator keeps no history.
        ValueError
            If nothing was trained.
        """
        import_pyplot(cls.__name__)
        estimator = underlying(estimator, "history_")
        if hasattr(estimator, "fit"):
            check_is_fitted(estimator)
        history = getattr(estimator, "history_", None)
        if not isinstance(history, pd.DataFrame):
            raise TypeError(
                f"{cls.__name__} draws the history_ of a fitted estimator of seqcnn, a pipeline that ends in one, or a "
                f"search over them. Received: {shorten(estimator)}, which has none. Pass such an estimator."
            )
        names = {is_classifier: "accuracy", is_regressor: "R²"}
        display = cls(
            history,
            kept_epoch=getattr(estimator, "kept_epoch_", None),
            score_name=next((name for is_kind, name in names.items() if is_kind(estimator)), "score"),
            estimator_name=type(estimator).__name__,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax
            As in :meth:`from_estimator`.

        Returns
        -------
        LearningCurveDisplay
            Itself.

        Raises
        ------
        ValueError
            If the history is empty, or ``ax`` does not fit.
        """
        caller, history = type(self).__name__, self.history
        if not len(history):
            raise ValueError(
                f"{caller} draws a line an epoch. Received: a history without any, because nothing was trained (an "
                "embedder that was fitted without y keeps its initial filters). Fit with targets."
            )
        measured = {"validation_score": (1.4, self.score_name), "learning_rate": (1.0, "learning rate")}
        shown = {column: look for column, look in measured.items() if column in history}
        heights = [2.2, *(height for height, _ in shown.values())]
        self.figure_, panels = make_panels(ax, heights, width=6.0, caller=caller)
        self.axes_ = np.array(panels)
        self.ax_ = panels[0]
        epochs = history["epoch"]
        # A line of one epoch is a point, which no line shows.
        marks = {"marker": "o", "markersize": 4} if len(history) <= 20 else {}
        handles, names = self._draw_losses(marks)
        for panel, (column, (_, label)) in zip(panels[1:], shown.items(), strict=True):
            colour = GREY if column == "learning_rate" else COLOURS[1]
            panel.plot(epochs, history[column], color=colour, linewidth=1.5, **marks)
            panel.set_ylabel(label)
            if column == "validation_score":
                panel.grid(axis="y", alpha=0.3)
            if len(history) == 1:
                self._write_value(panel, column)
        for panel in panels:
            tidy(panel)
            panel.tick_params(labelbottom=panel is panels[-1])
            if panel is not panels[0]:
                panel.sharex(panels[0])
        panels[0].xaxis.get_major_locator().set_params(integer=True)
        solved = "learning_rate" not in history
        panels[-1].set_xlabel("solved in closed form: there are no epochs" if solved else "epoch")
        if len(history) == 1:
            panels[0].set_xlim(0.5, 1.5)
            panels[0].set_xticks([] if solved else [1])
        if self.kept_epoch is not None and "validation_loss" in history and not solved:
            lines = [panel.axvline(self.kept_epoch, color="black", linestyle=":", linewidth=1.2) for panel in panels]
            handles, names = [*handles, lines[0]], [*names, f"kept: epoch {self.kept_epoch}"]
        add_legend(panels[0], handles, names)
        if self.estimator_name:
            panels[0].set_title(self.estimator_name, fontsize="medium")
        self.figure_.align_ylabels(panels)
        return self

    def _draw_losses(self, marks: dict[str, Any]) -> tuple[list[Any], list[str]]:
        names = {"train_loss": "training", "validation_loss": "validation"}
        there = [column for column in names if column in self.history]
        handles = []
        for column, colour in zip(there, COLOURS, strict=False):
            values = self.history[column]
            handles += self.ax_.plot(self.history["epoch"], values, color=colour, linewidth=1.5, **marks)
            if len(self.history) == 1:
                self._write_value(self.ax_, column)
        losses = self.history[there].to_numpy()
        if len(losses) > 1 and losses.min() > 0 and losses.max() > _LOG_FROM * losses.min():
            self.ax_.set_yscale("log")
        self.ax_.set_ylabel("loss")
        self.ax_.grid(axis="y", alpha=0.3)
        return handles, [names[column] for column in there]

    def _write_value(self, panel: Any, column: str) -> None:
        row = self.history.iloc[0]
        panel.annotate(
            f"{row[column]:.3g}", (row["epoch"], row[column]), (8, 0), textcoords="offset points", va="center"
        )
        panel.margins(y=0.3)
