"""What is learnt: classes or numbers, each with its head, its loss and its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from seqcnn._types import AnyArray, Float64Array
from seqcnn.heads import LinearHead
from seqcnn.losses import RegressionLoss, cross_entropy, regression_loss
from seqcnn.training import Loss


class Target(Protocol):
    """The targets of some records."""

    labels: AnyArray | None
    """Class labels to stratify by, ``(n_records,)``, or None."""

    def take(self, rows: AnyArray) -> Target:
        """Return the targets of these records."""

    def tensor(self, rows: AnyArray, dtype: torch.dtype) -> Tensor:
        """Return the targets of these records as the loss takes them."""

    def weights(self) -> Float64Array:
        """Return the weight of each record that its target brings along."""

    def head(self, in_features: int, dropout: float, weights: Float64Array) -> LinearHead:
        """Build the head; ``weights`` are those of the records."""

    def loss(self, head: LinearHead) -> Loss:
        """Return the loss."""

    def score(self, outputs: Float64Array, weights: Float64Array) -> float:
        """Score outputs ``(n_records, n_outputs)``: accuracy, or the coefficient of determination."""


@dataclass(frozen=True)
class ClassTarget:
    """Labels as positions in ``classes``."""

    classes: AnyArray
    positions: AnyArray
    class_weight: Any = None
    label_smoothing: float = 0.0

    @property
    def labels(self) -> AnyArray:
        """The labels themselves."""
        return self.classes[self.positions]

    def take(self, rows: AnyArray) -> ClassTarget:
        """Return the targets of these records."""
        return ClassTarget(self.classes, self.positions[rows], self.class_weight, self.label_smoothing)

    def tensor(self, rows: AnyArray, dtype: torch.dtype) -> Tensor:
        """Return class positions ``(n_rows,)``."""
        return torch.from_numpy(self.positions[rows].astype(np.int64))

    def weights(self) -> Float64Array:
        """Return the class weight of each record."""
        if self.class_weight is None:
            return np.ones(len(self.positions))
        present = np.unique(self.positions)
        by_class = np.ones(len(self.classes))
        by_class[present] = compute_class_weight(self.class_weight, classes=self.classes[present], y=self.labels)
        return by_class[self.positions]

    def head(self, in_features: int, dropout: float, weights: Float64Array) -> LinearHead:
        """Build a head with an output a class."""
        return LinearHead(in_features, len(self.classes), dropout=dropout)

    def loss(self, head: LinearHead) -> Loss:
        """Return cross-entropy."""
        return cross_entropy(self.label_smoothing)

    def score(self, outputs: Float64Array, weights: Float64Array) -> float:
        """Return the accuracy."""
        return float(np.average(outputs.argmax(1) == self.positions, weights=weights))


@dataclass(frozen=True)
class NumericTarget:
    """Numbers ``(n_records, n_targets)``."""

    values: Float64Array
    loss_name: RegressionLoss = "squared_error"
    labels: None = None

    def take(self, rows: AnyArray) -> NumericTarget:
        """Return the targets of these records."""
        return NumericTarget(self.values[rows], self.loss_name)

    def tensor(self, rows: AnyArray, dtype: torch.dtype) -> Tensor:
        """Return values ``(n_rows, n_targets)``."""
        return torch.from_numpy(self.values[rows]).to(dtype)

    def weights(self) -> Float64Array:
        """Return ones."""
        return np.ones(len(self.values))

    def head(self, in_features: int, dropout: float, weights: Float64Array) -> LinearHead:
        """Build a head that answers in the targets' units."""
        center = np.average(self.values, axis=0, weights=weights)
        scale = np.sqrt(np.average(np.square(self.values - center), axis=0, weights=weights))
        scale[scale <= 1e-12 * np.maximum(1.0, np.abs(center))] = 1.0
        return LinearHead(
            in_features,
            self.values.shape[1],
            dropout=dropout,
            center=torch.from_numpy(center),
            scale=torch.from_numpy(scale),
        )

    def loss(self, head: LinearHead) -> Loss:
        """Return the loss in units of the targets' deviation."""
        assert head.scale is not None
        return regression_loss(self.loss_name, head.scale)

    def score(self, outputs: Float64Array, weights: Float64Array) -> float:
        """Return R², the mean over the targets."""
        residual = np.average(np.square(self.values - outputs), axis=0, weights=weights)
        center = np.average(self.values, axis=0, weights=weights)
        total = np.average(np.square(self.values - center), axis=0, weights=weights)
        return float(np.mean(1 - residual / np.where(total > 0, total, 1.0)))
