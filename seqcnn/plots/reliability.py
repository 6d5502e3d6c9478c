"""Reliability diagrams, which tell whether a classifier is right as often as it says it is.

Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", arXiv 1706.04599.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from seqcnn._checks import check_integer, shorten
from seqcnn._types import Float64Array
from seqcnn.plots._canvas import COLOURS, add_legend, import_pyplot, make_panels, plain, refuse_indicators, tidy
from seqcnn.reliability import fill_bins, read_probabilities

_Z = 1.959964
"""The normal distribution's 97.5 % point: intervals hold 95 %."""


class ReliabilityDisplay:
    """Predicted probability against observed share, in bins, with the number of cases in each.

    Of two classes, the probability of the second one (the positive) against its share; of more, the probability of the
    predicted class (the confidence) against the share of right answers (the accuracy), as in Guo et al. A bar's
    distance from the diagonal is hatched, thin lines are 95 % intervals (Wilson), and the expected calibration error
    is the mean distance, weighted by cases.

    Parameters
    ----------
    probability : array-like of shape (n_cases,)
        What the classifier said, from 0 to 1.
    happened : array-like of shape (n_cases,)
        Whether it was so: booleans.
    n_bins : int, default=10
        Of equal width, from 0 to 1.
    names : tuple of two str, default=("confidence", "accuracy")
        What the axes show.
    estimator_name : str or None, default=None
        The first line of the title; the second is the error.

    Attributes
    ----------
    bins : DataFrame
        A line a bin: left, right, count, probability (mean) and share, both NaN where a bin is empty.
    expected_calibration_error : float
        The mean distance of share and probability over the bins, weighted by count.
    figure_ : matplotlib Figure
        What holds the picture.
    ax_ : matplotlib Axes
        The panel of the diagram.
    axes_ : ndarray of Axes
        That one, and the one with the counts.

    Examples
    --------
    >>> said = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]
    >>> display = ReliabilityDisplay.from_predictions(["a", "b", "c", "b"], said, classes=["a", "b", "c"])
    >>> round(display.expected_calibration_error, 3)
    0.05
    """

    def __init__(
        self,
        probability: Any,
        happened: Any,
        *,
        n_bins: int = 10,
        names: tuple[str, str] = ("confidence", "accuracy"),
        estimator_name: str | None = None,
    ) -> None:
        check_integer("n_bins", n_bins, minimum=1, caller=type(self).__name__)
        self.names = names
        self.estimator_name = estimator_name
        bins = fill_bins(np.asarray(probability, dtype=np.float64), np.asarray(happened, dtype=bool), n_bins)
        self.bins = pd.DataFrame(
            {
                "left": bins.edges[:-1],
                "right": bins.edges[1:],
                "count": bins.count,
                "probability": bins.probability,
                "share": bins.share,
            }
        )
        self.expected_calibration_error = bins.calibration_error

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, n_bins: int = 10, ax: Any = None) -> Self:
        """Draw how reliable a fitted classifier is on cases that it was not trained on.

        Parameters
        ----------
        estimator
            A fitted classifier with ``predict_proba`` and ``classes_``, of this or another library.
        X, y
            Cases and their labels.
        n_bins
            Of equal width, from 0 to 1.
        ax
            None for a figure of its own; a subplot, whose place is divided; or two panels.

        Returns
        -------
        ReliabilityDisplay
            The picture with its data.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If the estimator gives no probabilities.
        ValueError
            If y and the probabilities do not fit.
        """
        import_pyplot(cls.__name__)
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(
                f"{cls.__name__} needs a classifier with predict_proba. Received: {shorten(estimator)}. Pass a fitted "
                "classifier, or from_predictions the probabilities of your own."
            )
        probabilities = estimator.predict_proba(X)
        name = type(estimator).__name__
        return cls.from_predictions(
            y, probabilities, classes=estimator.classes_, n_bins=n_bins, estimator_name=name, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_prob: Any,
        *,
        classes: Any = None,
        n_bins: int = 10,
        estimator_name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw how reliable predicted probabilities are.

        Parameters
        ----------
        y_true
            True labels, ``(n_cases,)``.
        y_prob
            Probabilities, ``(n_cases, n_classes)``; or of the second of two classes, ``(n_cases,)``.
        classes
            The labels behind the columns; None takes those in ``y_true``, sorted.
        n_bins
            Of equal width, from 0 to 1.
        estimator_name
            The title.
        ax
            As in :meth:`from_estimator`.

        Returns
        -------
        ReliabilityDisplay
            The picture with its data.

        Raises
        ------
        ValueError
            If labels and probabilities do not fit.
        """
        import_pyplot(cls.__name__)
        refuse_indicators(
            y_true, cls.__name__, f"{cls.__name__}.from_predictions(y[:, label], estimator.predict_proba(X)[:, label])"
        )
        labels, probabilities, known = read_probabilities(y_true, y_prob, classes, f"{cls.__name__} cannot be drawn.")
        if len(known) == 2:
            probability, happened = probabilities[:, 1], labels == known[1]
            name = plain(known[1])
            names = (f"predicted probability of {name}", f"share of {name}")
        else:
            best = probabilities.argmax(axis=1)
            probability, happened = probabilities.max(axis=1), labels == known[best]
            names = ("confidence", "accuracy")
        return cls(probability, happened, n_bins=n_bins, names=names, estimator_name=estimator_name).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax
            As in :meth:`from_estimator`.

        Returns
        -------
        ReliabilityDisplay
            Itself.
        """
        self.figure_, panels = make_panels(ax, [3.4, 1.0], width=4.6, caller=type(self).__name__)
        self.axes_ = np.array(panels)
        self.ax_, below = panels
        left, width = self.bins["left"], self.bins["right"] - self.bins["left"]
        center = left + width / 2
        filled = self.bins[self.bins["count"] > 0]
        gap = (filled["probability"] - filled["share"]).to_numpy()
        shape = {"width": width[filled.index] * 0.94, "align": "center"}
        bars = self.ax_.bar(center[filled.index], filled["share"], color=COLOURS[0], alpha=0.75, linewidth=0, **shape)
        gaps = self.ax_.bar(
            center[filled.index], gap, bottom=filled["share"], facecolor="none", edgecolor=COLOURS[1], hatch="////",
            linewidth=0.8, **shape,
        )  # fmt: skip
        low, high = _wilson(filled["share"].to_numpy(), filled["count"].to_numpy())
        spans = self.ax_.vlines(center[filled.index], low, high, color="black", linewidth=1.0)
        (diagonal,) = self.ax_.plot([0, 1], [0, 1], color="black", linestyle="--", linewidth=1.0)
        # Over the bars' empty corner if the classifier is too sure, else over what is plain blue.
        place = "upper left" if (gap * filled["count"]).sum() >= 0 else "lower right"
        legend = add_legend(
            self.ax_,
            [diagonal, bars, gaps, spans],
            ["as it should be", "observed", "distance", "95 % interval"],
            loc=place,
            fontsize="small",
        )
        legend.set_frame_on(True)
        legend.get_frame().set(facecolor="white", alpha=0.85, linewidth=0)
        self.ax_.set(xlim=(0, 1), ylim=(0, 1.02), ylabel=self.names[1])
        self.ax_.tick_params(labelbottom=False)
        below.bar(center, self.bins["count"], width=width * 0.94, color="0.6", linewidth=0)
        if len(self.bins) <= 12:
            for x, count in zip(center, self.bins["count"], strict=True):
                below.annotate(
                    f"{count:,}", (x, count), (0, 1), textcoords="offset points", ha="center", va="bottom",
                    fontsize="x-small",
                )  # fmt: skip
        below.set(xlim=(0, 1), xlabel=self.names[0], ylabel="cases", ylim=(0, 1.25 * self.bins["count"].max()))
        for panel in panels:
            tidy(panel)
        told = f"expected calibration error {self.expected_calibration_error:.3f}"
        self.ax_.set_title(f"{self.estimator_name}\n{told}" if self.estimator_name else told, fontsize="medium")
        self.figure_.align_ylabels(panels)
        return self


def _wilson(share: Float64Array, count: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return Wilson's 95 % interval of shares (E. B. Wilson, 1927)."""
    squared = _Z**2 / count
    center = (share + squared / 2) / (1 + squared)
    half = _Z * np.sqrt(share * (1 - share) / count + squared / (4 * count)) / (1 + squared)
    return center - half, center + half
