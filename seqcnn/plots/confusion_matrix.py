"""Confusion matrices that stay readable for many classes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix
from sklearn.utils.multiclass import unique_labels

from seqcnn._checks import check_integer, shorten
from seqcnn._types import AnyArray, Float64Array
from seqcnn.plots._canvas import COLOURS, import_pyplot, make_panel, plain, refuse_indicators

_CLASSES_WITH_COUNTS = 20
"""Up to so many classes, each cell has its count written in it."""


class ConfusionMatrixDisplay:
    """True against predicted labels: colours are shares of the true class, numbers are cases.

    Unlike scikit-learn's, colours do not depend on how frequent a class is, the counts stay beside them, and small
    confusions show (colours follow the square root of the share). Of more than 20 classes the counts go, and the most
    confused pairs are ringed and listed instead.

    Parameters
    ----------
    confusion_matrix : array-like of shape (n_classes, n_classes)
        Cases of each true (row) and predicted (column) class, as ``sklearn.metrics.confusion_matrix`` gives them.
    display_labels : array-like of shape (n_classes,), default=None
        Names of the classes; None takes 0, 1, 2, ...
    n_pairs : int or None, default=None
        How many of the most confused pairs are ringed and listed; None is 5 of more than 20 classes, else none.
    estimator_name : str or None, default=None
        The title.

    Attributes
    ----------
    figure_ : matplotlib Figure
        What holds the picture.
    ax_ : matplotlib Axes
        The panel of the matrix.
    im_ : matplotlib AxesImage
        The coloured cells; its array holds the shares.
    text_ : ndarray of shape (n_classes, n_classes) or None
        The numbers in the cells; None where there are none.

    Examples
    --------
    >>> display = ConfusionMatrixDisplay.from_predictions(["no", "no", "yes", "yes"], ["no", "yes", "yes", "yes"])
    >>> display.confusion_matrix.tolist()
    [[1, 1], [0, 2]]
    >>> display.most_confused()
      true predicted  cases  share
    0   no       yes      1    0.5
    """

    def __init__(
        self,
        confusion_matrix: Any,
        *,
        display_labels: Any = None,
        n_pairs: int | None = None,
        estimator_name: str | None = None,
    ) -> None:
        check_integer("n_pairs", n_pairs, minimum=0, caller=type(self).__name__, or_none=True)
        self.confusion_matrix = np.asarray(confusion_matrix)
        self.display_labels = np.arange(len(self.confusion_matrix)) if display_labels is None else display_labels
        self.n_pairs = n_pairs
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, sample_weight: Any = None, n_pairs: int | None = None, ax: Any = None
    ) -> Self:
        """Draw which classes a fitted classifier confuses, on cases that it was not trained on.

        Parameters
        ----------
        estimator
            A fitted classifier, of this or another library.
        X, y
            Cases and their labels.
        sample_weight
            ``(n_cases,)``, or None.
        n_pairs
            As for the class.
        ax
            None for a figure of its own, which is as large as the classes need; or a panel.

        Returns
        -------
        ConfusionMatrixDisplay
            The picture with its data.

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If the estimator is no classifier.
        ValueError
            If y does not fit the predictions.
        """
        import_pyplot(cls.__name__)
        if not hasattr(estimator, "predict") or not hasattr(estimator, "classes_"):
            raise TypeError(
                f"{cls.__name__} needs a fitted classifier. Received: {shorten(estimator)}, which has no classes_. "
                "Pass a fitted classifier; for a regressor, sklearn.metrics.PredictionErrorDisplay draws predicted "
                "against true values."
            )
        predicted = estimator.predict(X)
        refuse_indicators(
            predicted, cls.__name__, f"{cls.__name__}.from_predictions(y[:, label], estimator.predict(X)[:, label])"
        )
        return cls.from_predictions(
            y,
            predicted,
            labels=unique_labels(estimator.classes_, np.asarray(y)),
            sample_weight=sample_weight,
            n_pairs=n_pairs,
            estimator_name=type(estimator).__name__,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        labels: Any = None,
        sample_weight: Any = None,
        display_labels: Any = None,
        n_pairs: int | None = None,
        estimator_name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw which of these labels were predicted for which.

        Parameters
        ----------
        y_true, y_pred
            True and predicted labels, ``(n_cases,)``.
        labels
            Those to show, in this order; None takes all, sorted.
        sample_weight
            ``(n_cases,)``, or None.
        display_labels
            Their names, where they have others.
        n_pairs, estimator_name
            As for the class.
        ax
            As in :meth:`from_estimator`.

        Returns
        -------
        ConfusionMatrixDisplay
            The picture with its data.

        Raises
        ------
        ValueError
            If the labels do not fit each other (scikit-learn's messages).
        """
        import_pyplot(cls.__name__)
        for given in (y_true, y_pred):
            refuse_indicators(
                given, cls.__name__, f"{cls.__name__}.from_predictions(y_true[:, label], y_pred[:, label])"
            )
        labels = unique_labels(y_true, y_pred) if labels is None else np.asarray(labels)
        counts = confusion_matrix(y_true, y_pred, labels=labels, sample_weight=sample_weight)
        display_labels = labels if display_labels is None else display_labels
        return cls(counts, display_labels=display_labels, n_pairs=n_pairs, estimator_name=estimator_name).plot(ax)

    @property
    def shares(self) -> Float64Array:
        """Each cell as a share of its true class (row); NaN where a class has no case."""
        with np.errstate(invalid="ignore"):
            shares: Float64Array = self.confusion_matrix / self.confusion_matrix.sum(axis=1, keepdims=True)
        return shares

    def most_confused(self, n_pairs: int = 10) -> pd.DataFrame:
        """Return the pairs that were confused most often, as a share of the true class.

        Parameters
        ----------
        n_pairs
            How many, at most.

        Returns
        -------
        DataFrame
            A line a pair, the worst first: true, predicted, cases, share.
        """
        rows, columns, shares = self._confused(n_pairs)
        names = np.asarray(self.display_labels)
        return pd.DataFrame(
            {
                "true": names[rows],
                "predicted": names[columns],
                "cases": self.confusion_matrix[rows, columns],
                "share": shares,
            }
        )

    def _confused(self, n_pairs: int) -> tuple[AnyArray, AnyArray, Float64Array]:
        off = np.nan_to_num(self.shares)
        np.fill_diagonal(off, 0.0)
        # Of equal shares the one of more cases first.
        order = np.lexsort((-self.confusion_matrix.ravel(), -off.ravel()))
        order = order[off.ravel()[order] > 0][:n_pairs]
        rows, columns = np.unravel_index(order, off.shape)
        return rows, columns, off[rows, columns]

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax
            As in :meth:`from_estimator`.

        Returns
        -------
        ConfusionMatrixDisplay
            Itself.
        """
        caller = type(self).__name__
        pyplot = import_pyplot(caller)
        from matplotlib.colors import PowerNorm

        n_classes = len(self.confusion_matrix)
        many = n_classes > _CLASSES_WITH_COUNTS
        n_pairs = (5 if many else 0) if self.n_pairs is None else self.n_pairs
        # A cell of a big matrix has room for its name in small print, that of a small one for a count.
        side = 1.6 + (0.14 * n_classes if many else max(0.42 * n_classes, 2.0))
        self.figure_, self.ax_ = make_panel(ax, size=(side + 1.1, side + 0.16 * n_pairs), caller=caller)
        colours = pyplot.get_cmap("Blues").with_extremes(bad="0.92")
        shares = np.ma.masked_invalid(self.shares)
        self.im_ = self.ax_.imshow(shares, cmap=colours, norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
        bar = self.figure_.colorbar(self.im_, ax=self.ax_, fraction=0.046, pad=0.03, aspect=max(15, n_classes))
        bar.set_label("share of the true class")
        bar.set_ticks([0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1])
        bar.ax.set_yticklabels(["0", "1 %", "5 %", "10 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
        bar.outline.set_visible(False)
        self.text_ = None if many else self._write_counts()
        names = [plain(label, 20) for label in self.display_labels]
        size = 6 if many else "medium"
        turned = {"rotation": 90} if many or max(map(len, names)) * n_classes > 24 else {}
        self.ax_.set_xticks(range(n_classes), names, fontsize=size, **turned)
        self.ax_.set_yticks(range(n_classes), names, fontsize=size)
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)
        self.ax_.set(xlabel="predicted", ylabel="true")
        if self.estimator_name:
            self.ax_.set_title(self.estimator_name, fontsize="medium")
        self._ring(n_pairs)
        return self

    def _write_counts(self) -> AnyArray:
        texts = np.empty(self.confusion_matrix.shape, dtype=object)
        shares = np.nan_to_num(self.shares)
        for (row, column), count in np.ndenumerate(self.confusion_matrix):
            colour = "white" if shares[row, column] > 0.35 else "0.7" if count == 0 else "black"
            written = f"{count:,}" if self.confusion_matrix.dtype.kind in "iu" else f"{count:.4g}"
            texts[row, column] = self.ax_.text(
                column, row, written, ha="center", va="center", color=colour, fontsize=9 if len(written) < 5 else 7
            )
        return texts

    def _ring(self, n_pairs: int) -> None:
        """Ring the most confused pairs and list them below the matrix."""
        rows, columns, shares = self._confused(n_pairs)
        if not len(rows):
            return
        self.ax_.scatter(
            columns, rows, s=90 if self.text_ is None else 330, facecolors="none", edgecolors=COLOURS[1], linewidths=1.4
        )
        lines = []
        for number, (row, column, share) in enumerate(zip(rows, columns, shares, strict=True), start=1):
            self.ax_.annotate(
                str(number),
                (column, row),
                (6, 5) if self.text_ is None else (8, 7),
                textcoords="offset points",
                color=COLOURS[1],
                fontsize=8,
            )
            true, predicted = plain(self.display_labels[row]), plain(self.display_labels[column])
            cases = f"{self.confusion_matrix[row, column]:.4g}"
            lines.append(f"{number}  {true} read as {predicted}: {cases} ({100 * share:.0f} %)")
        self.ax_.set_xlabel("predicted\n\n" + "\n".join(lines), linespacing=1.25)
