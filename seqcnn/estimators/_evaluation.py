"""True answers beside a model's: a report in words and for machines."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    confusion_matrix,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from seqcnn._checks import name_first
from seqcnn._types import AnyArray
from seqcnn.estimators._read_targets import columns_in_order


class Evaluation:
    """How answers compare with the true ones.

    Parameters
    ----------
    y_true, y_predicted
        ``(n_records,)``, or ``(n_records, n_targets)`` numbers.
    classes
        The labels a classifier knows; None for numbers.

    Raises
    ------
    ValueError
        If true answers and classes have nothing to do with each other, or shapes differ.
    """

    def __init__(self, y_true: AnyArray, y_predicted: AnyArray, classes: AnyArray | None) -> None:
        self.y_true, self.y_predicted, self.labels = y_true, y_predicted, classes
        if classes is not None:
            known = set(classes.tolist())
            present = dict.fromkeys(y_true.tolist())
            if not known & present.keys():
                raise ValueError(
                    f"The model knows the classes {_name(known)}, but the data have {_name(present)}. Is it the right "
                    "target?"
                )
            # What the model never saw it cannot answer; such records count as wrong, in a row of their own.
            self.labels = np.array(
                [*classes.tolist(), *(label for label in present if label not in known)], dtype=object
            )
            return
        if y_true.shape != y_predicted.shape or y_true.dtype.kind not in "iufb":
            raise ValueError(
                f"The model predicts numbers of shape {y_predicted.shape}. Received: a target of shape {y_true.shape} "
                f"and type {y_true.dtype}. Pass the column with these numbers as the target."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON holds them."""
        n_records = len(self.y_true)
        if self.labels is None:
            return {
                "records": n_records,
                "r2": None if n_records < 2 else float(r2_score(self.y_true, self.y_predicted)),
                "mean_absolute_error": float(mean_absolute_error(self.y_true, self.y_predicted)),
                "root_mean_squared_error": float(root_mean_squared_error(self.y_true, self.y_predicted)),
            }
        true, predicted, positions, names = self.positions()
        figures = classification_report(
            true, predicted, labels=positions, target_names=names, output_dict=True, zero_division=0
        )
        return {
            "records": n_records,
            "accuracy": float(accuracy_score(true, predicted)),
            "classes": {name: {key: float(value) for key, value in figures[name].items()} for name in names},
            "labels": names,
            "confusion_matrix": confusion_matrix(true, predicted, labels=positions).tolist(),
        }

    def to_text(self) -> str:
        """Return the report in lines."""
        if self.labels is None:
            figures = self.to_dict()
            rows = {name.replace("_", " "): value for name, value in figures.items() if value is not None}
            return "\n".join(f"{name:<26}{value:>12.6g}" for name, value in rows.items())
        true, predicted, positions, names = self.positions()
        text = classification_report(true, predicted, labels=positions, target_names=names, digits=3, zero_division=0)
        accuracy = accuracy_score(true, predicted)
        return f"{text.rstrip()}\n\naccuracy {accuracy:.1%} on {len(true):,} records"

    def positions(self) -> tuple[AnyArray, AnyArray, list[int], list[str]]:
        """Return labels as positions in the list of all labels: of any kind, they then go through every function."""
        assert self.labels is not None
        place = {label: position for position, label in enumerate(self.labels.tolist())}
        true = np.array([place[label] for label in self.y_true.tolist()])
        predicted = np.array([place[label] for label in self.y_predicted.tolist()])
        return true, predicted, list(place.values()), [str(label) for label in place]


class LabelsEvaluation:
    """How the labels of records, of which each has any number, compare with the true ones.

    Parameters
    ----------
    y_true
        ``(n_records, n_labels)`` zeros and ones; the columns of a DataFrame are taken by name.
    y_predicted
        The same, in the order of ``labels``.
    labels
        Their names.

    Raises
    ------
    ValueError
        If there is not a column of zeros and ones for each label.
    """

    def __init__(self, y_true: Any, y_predicted: AnyArray, labels: AnyArray) -> None:
        self.names = [str(label) for label in labels.tolist()]
        if hasattr(y_true, "columns"):
            y_true = columns_in_order(y_true, labels.tolist(), "the model", "y")
        values = np.asarray(y_true)
        if values.shape != y_predicted.shape or not np.isin(values, (0, 1)).all():
            raise ValueError(
                f"The model gives each record any of the labels {_name(self.names)}. Received: a target of shape "
                f"{values.shape}. Name a column of zeros and ones for each label, each with a --target of its own."
            )
        self.y_true, self.y_predicted = values.astype(np.int64), y_predicted.astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON holds them."""
        figures = self._report(output_dict=True)
        averages = ("micro avg", "macro avg")
        return {
            "records": len(self.y_true),
            "accuracy": float(accuracy_score(self.y_true, self.y_predicted)),
            "labels": {name: {key: float(value) for key, value in figures[name].items()} for name in self.names},
            "f1": {name.removesuffix(" avg"): float(figures[name]["f1-score"]) for name in averages},
        }

    def to_text(self) -> str:
        """Return the report in lines."""
        accuracy = accuracy_score(self.y_true, self.y_predicted)
        text = self._report(digits=3).rstrip()
        return f"{text}\n\nevery label right {accuracy:.1%} of {len(self.y_true):,} records"

    def _report(self, **options: Any) -> Any:
        return classification_report(self.y_true, self.y_predicted, target_names=self.names, zero_division=0, **options)


def _name(labels: Any) -> str:
    return name_first([repr(label) for label in labels])
