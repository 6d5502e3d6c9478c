"""What is learnt: classes, labels or numbers, each with its head, its loss and its score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor

from seqcnn._types import AnyArray, Float64Array, IntegerArray
from seqcnn.calibration import Calibrate, fit_sigmoids, fit_temperature, usual_factor
from seqcnn.heads import Head, LinearHead
from seqcnn.losses import RegressionLoss, binary_cross_entropy, cross_entropy, regression_loss
from seqcnn.model import Output
from seqcnn.training import Loss
from seqcnn.weighting import LEAST_LIKELY, weigh_by_error, weigh_by_likelihood


class Target(ABC):
    """The targets of some records."""

    output: ClassVar[Output]
    """What a head's answer means."""

    @property
    @abstractmethod
    def labels(self) -> AnyArray | None:
        """Class labels to stratify by, ``(n_records,)``, or None."""

    @abstractmethod
    def take(self, rows: IntegerArray) -> Self:
        """Return the targets of these records."""

    @abstractmethod
    def tensor(self, rows: IntegerArray) -> Tensor:
        """Return the targets of these records as the loss takes them."""

    @abstractmethod
    def weights(self) -> Float64Array:
        """Return the weight of each record that its target brings along."""

    @abstractmethod
    def head(self, in_features: int, dropout: float, weights: Float64Array) -> LinearHead:
        """Build the head; ``weights`` are those of the records."""

    @abstractmethod
    def dense_tensor(self, rows: IntegerArray, head: Head) -> Tensor:
        """Return what the head's dense layer is to give for these records, ``(n_rows, n_outputs)`` float64."""

    @abstractmethod
    def loss(self, head: Head) -> Loss:
        """Return the loss."""

    def calibrate(self, rows: IntegerArray, *, of_logarithms: bool) -> Calibrate | None:
        """Return what makes probabilities of the scores of a head that was solved; None leaves them alone.

        ``of_logarithms`` tells scores that are logarithms of probabilities from those of least squares on 1 and -1.
        """
        return None

    def check_closed_form(self, caller: str) -> None:  # noqa: B027 - most targets have nothing to object
        """Raise ValueError if a head cannot be solved in closed form for this target."""

    @abstractmethod
    def score(self, outputs: Float64Array, weights: Float64Array) -> float:
        """Score outputs ``(n_records, n_outputs)``: accuracy, overlap of labels, or coefficient of determination."""

    def score_error(self, score: float) -> float:
        """Return the score's standard error, zero where it is not known."""
        return 0.0

    @abstractmethod
    def weigh(
        self, answers: Sequence[Float64Array], weights: Float64Array, trusted: Sequence[bool] | None = None
    ) -> Float64Array:
        """Return how much each member of a committee counts, with a sum of one.

        ``answers`` are what each said of these records, ``(n_records, n_outputs)``, without having learnt them,
        ``weights`` how much each record counts, and ``trusted`` which members need not earn all of their weight.
        """

    @abstractmethod
    def misfits(self, answers: Float64Array) -> Float64Array:
        """Return how far an answer is from the truth, ``(n_records,)``.

        Of probabilities it is the negative logarithm of what the truth was given, of numbers the squared error in units
        of their variance.
        """

    def sharpness(self, scores: Tensor, weights: Float64Array) -> float:
        """Return the factor under which a committee's scores of these records become the best probabilities."""
        return 1.0


@dataclass(frozen=True)
class ClassTarget(Target):
    """Labels as positions in ``classes``."""

    output: ClassVar[Output] = "probabilities"

    classes: AnyArray
    positions: AnyArray
    class_weight: Any = None
    label_smoothing: float = 0.0

    @property
    def labels(self) -> AnyArray:
        """The labels themselves."""
        labels: AnyArray = self.classes[self.positions]
        return labels

    def take(self, rows: IntegerArray) -> Self:
        """Return the targets of these records."""
        return replace(self, positions=self.positions[rows])

    def tensor(self, rows: IntegerArray) -> Tensor:
        """Return class positions ``(n_rows,)``."""
        return torch.from_numpy(self.positions[rows].astype(np.int64))

    def weights(self) -> Float64Array:
        """Return the class weight of each record."""
        if self.class_weight is None:
            return np.ones(len(self.positions))
        present = np.unique(self.positions)
        by_class = np.ones(len(self.classes))
        class_weight = self.class_weight
        if isinstance(class_weight, Mapping):
            # A batch, or a held-back part, need not hold every class that has a weight.
            held = set(self.classes[present].tolist())
            class_weight = {label: weight for label, weight in class_weight.items() if label in held}
        by_class[present] = compute_class_weight(class_weight, classes=self.classes[present], y=self.labels)
        weights: Float64Array = by_class[self.positions]
        return weights

    def head(self, in_features: int, dropout: float, weights: Float64Array) -> LinearHead:
        """Build a head with an output a class."""
        return LinearHead(in_features, len(self.classes), dropout=dropout)

    def dense_tensor(self, rows: IntegerArray, head: Head) -> Tensor:
        """Return 1 for the class of a record and -1 for every other."""
        return 2.0 * torch.nn.functional.one_hot(self.tensor(rows), len(self.classes)).double() - 1.0

    def calibrate(self, rows: IntegerArray, *, of_logarithms: bool) -> Calibrate:
        """Return what finds the one factor for all classes."""
        usual = 1.0 if of_logarithms else usual_factor(len(self.classes))

        def factor_and_offset(scores: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
            factor = fit_temperature(scores, self.tensor(rows).to(scores.device), weights, usual=usual)
            return scores.new_tensor(factor), scores.new_tensor(0.0)

        return factor_and_offset

    def loss(self, head: Head) -> Loss:
        """Return cross-entropy."""
        return cross_entropy(self.label_smoothing)

    def score(self, outputs: Float64Array, weights: Float64Array) -> float:
        """Return the accuracy."""
        return float(np.average(outputs.argmax(1) == self.positions, weights=weights))

    def score_error(self, score: float) -> float:
        """Return the standard error of an accuracy, that of a binomial share."""
        return float(np.sqrt(score * (1 - score) / len(self.positions)))

    def weigh(
        self, answers: Sequence[Float64Array], weights: Float64Array, trusted: Sequence[bool] | None = None
    ) -> Float64Array:
        """Weigh by the probabilities of the records' own classes."""
        rows = np.arange(len(self.positions))
        return weigh_by_likelihood([answer[rows, self.positions] for answer in answers], weights, trusted)

    def misfits(self, answers: Float64Array) -> Float64Array:
        """Return cross-entropies, in nats."""
        misfits: Float64Array = -np.log(np.maximum(answers[np.arange(len(answers)), self.positions], LEAST_LIKELY))
        return misfits

    def sharpness(self, scores: Tensor, weights: Float64Array) -> float:
        """Return the factor of least cross-entropy."""
        return fit_temperature(scores, self.tensor(np.arange(len(self.positions))), torch.from_numpy(weights))


@dataclass(frozen=True)
class MultilabelTarget(Target):
    """Any number of labels a record: ``present[i, j]`` is 1 where record i has label j, float64."""

    output: ClassVar[Output] = "labels"

    classes: AnyArray
    present: Float64Array
    class_weight: Any = None
    label_smoothing: float = 0.0

    @property
    def labels(self) -> None:
        """None: sets of labels are too many to stratify by."""
        return

    def take(self, rows: IntegerArray) -> Self:
        """Return the targets of these records."""
        return replace(self, present=self.present[rows])

    def tensor(self, rows: IntegerArray) -> Tensor:
        """Return zeros and ones ``(n_rows, n_labels)``."""
        return torch.from_numpy(self.present[rows])

    def weights(self) -> Float64Array:
        """Return ones: class weights differ from label to label, and so belong to the loss."""
        return np.ones(len(self.present))

    def label_weights(self) -> Float64Array:
        """Return how much a record counts that lacks a label, and one that has it, ``(2, n_labels)``."""
        weights = np.ones((2, len(self.classes)))
        if self.class_weight == "balanced":
            n_having = self.present.sum(0)
            counts = np.stack([len(self.present) - n_having, n_having])
            n_answers = (counts > 0).sum(0)
            weights = len(self.present) / (n_answers * np.where(counts > 0, counts, np.inf))
        elif self.class_weight is not None:
            weights[1] = [self.class_weight.get(label, 1.0) for label in self.classes.tolist()]
        return weights

    def head(self, in_features: int, dropout: float, weights: Float64Array) -> LinearHead:
        """Build a head with an output a label."""
        return LinearHead(in_features, len(self.classes), dropout=dropout)

    def dense_tensor(self, rows: IntegerArray, head: Head) -> Tensor:
        """Return 1 for a label that a record has and -1 for one that it lacks."""
        return 2.0 * self.tensor(rows) - 1.0

    def calibrate(self, rows: IntegerArray, *, of_logarithms: bool) -> Calibrate:
        """Return what finds a factor and an offset for each label; class weights count here."""

        def factors_and_offsets(scores: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
            present = self.tensor(rows).to(scores.device)
            without, having = torch.from_numpy(self.label_weights()).to(scores.device)
            return fit_sigmoids(scores, present, weights[:, None] * torch.where(present > 0, having, without))

        return factors_and_offsets

    def loss(self, head: Head) -> Loss:
        """Return binary cross-entropy, the mean over labels."""
        return binary_cross_entropy(self.label_smoothing, torch.from_numpy(self.label_weights()))

    def score(self, outputs: Float64Array, weights: Float64Array) -> float:
        """Return the overlap of the labels that a record has with those it is given, as a share of both together.

        The mean over records (Godbole and Sarawagi 2004, "Discriminative methods for multi-labeled classification").
        Whole sets are too rarely right to tell a better network from a worse, and single labels, mostly absent, too
        often. No label where there is none is wholly right.
        """
        given, has = outputs > 0.5, self.present > 0
        together, common = (given | has).sum(1), (given & has).sum(1)
        shares = np.where(together > 0, common / np.maximum(together, 1), 1.0)
        return float(np.average(shares, weights=weights))

    def score_error(self, score: float) -> float:
        """Return the standard error of a mean share, at most that of a binomial one."""
        return float(np.sqrt(score * (1 - score) / len(self.present)))

    def weigh(
        self, answers: Sequence[Float64Array], weights: Float64Array, trusted: Sequence[bool] | None = None
    ) -> Float64Array:
        """Weigh by the probabilities of what each record has and lacks."""
        likelihoods = [np.where(self.present > 0, answer, 1 - answer).ravel() for answer in answers]
        return weigh_by_likelihood(likelihoods, np.repeat(weights, self.present.shape[1]), trusted)

    def misfits(self, answers: Float64Array) -> Float64Array:
        """Return binary cross-entropies, in nats, the sum over labels."""
        likelihoods = np.where(self.present > 0, answers, 1 - answers)
        misfits: Float64Array = -np.log(np.maximum(likelihoods, LEAST_LIKELY)).sum(1)
        return misfits


@dataclass(frozen=True)
class NumericTarget(Target):
    """Numbers ``(n_records, n_targets)``."""

    output: ClassVar[Output] = "values"

    values: Float64Array
    loss_name: RegressionLoss = "squared_error"

    @property
    def labels(self) -> None:
        """None: there are no classes to stratify by."""
        return

    def take(self, rows: IntegerArray) -> Self:
        """Return the targets of these records."""
        return replace(self, values=self.values[rows])

    def tensor(self, rows: IntegerArray) -> Tensor:
        """Return values ``(n_rows, n_targets)``."""
        return torch.from_numpy(self.values[rows])

    def weights(self) -> Float64Array:
        """Return ones."""
        return np.ones(len(self.values))

    def head(self, in_features: int, dropout: float, weights: Float64Array) -> LinearHead:
        """Build a head that answers in the targets' units.

        They are mean and deviation; beside a loss that outliers hardly move, median and quartile distance, which they
        hardly move either. In units of a deviation that a few huge values made, all others would be nearly zero.
        """
        center = np.average(self.values, axis=0, weights=weights)
        scale = np.sqrt(np.average(np.square(self.values - center), axis=0, weights=weights))
        if self.loss_name != "squared_error":
            low, center, high = _quartiles(self.values, weights)
            # Of a normal distribution this is the deviation. Where half of the values are one value, it is zero.
            scale = np.where(high - low > 1e-12 * np.maximum(1.0, np.abs(center)), (high - low) / 1.349, scale)
        scale[scale <= 1e-12 * np.maximum(1.0, np.abs(center))] = 1.0
        return LinearHead(
            in_features,
            self.values.shape[1],
            dropout=dropout,
            center=torch.from_numpy(center),
            scale=torch.from_numpy(scale),
        )

    def dense_tensor(self, rows: IntegerArray, head: Head) -> Tensor:
        """Return the values in units of their deviation."""
        assert head.center is not None
        assert head.scale is not None
        return (self.tensor(rows) - head.center.cpu()) / head.scale.cpu()

    def check_closed_form(self, caller: str) -> None:
        """Raise ValueError for any other loss than the squared error."""
        if self.loss_name != "squared_error":
            raise ValueError(
                f"The 'loss' parameter of {caller} must be 'squared_error' beside an encoder of fixed kernels, whose "
                f"head is solved in closed form. Received: {self.loss_name!r}. Pass loss='squared_error', or another "
                f"encoder, such as 'fcn'."
            )

    def loss(self, head: Head) -> Loss:
        """Return the loss in units of the targets' deviation."""
        assert head.scale is not None
        return regression_loss(self.loss_name, head.scale)

    def score(self, outputs: Float64Array, weights: Float64Array) -> float:
        """Return R², the mean over the targets."""
        residual = np.average(np.square(self.values - outputs), axis=0, weights=weights)
        center = np.average(self.values, axis=0, weights=weights)
        total = np.average(np.square(self.values - center), axis=0, weights=weights)
        return float(np.mean(1 - residual / np.where(total > 0, total, 1.0)))

    def weigh(
        self, answers: Sequence[Float64Array], weights: Float64Array, trusted: Sequence[bool] | None = None
    ) -> Float64Array:
        """Weigh by the squared error, in units of each target's deviation."""
        center = np.average(self.values, axis=0, weights=weights)
        scale = np.sqrt(np.average(np.square(self.values - center), axis=0, weights=weights))
        scale[scale == 0] = 1.0
        return weigh_by_error([(answer - self.values) / scale for answer in answers], weights, trusted)

    def misfits(self, answers: Float64Array) -> Float64Array:
        """Return squared errors in units of each target's variance, the mean over targets."""
        variance = self.values.var(0)
        misfits: Float64Array = (np.square(answers - self.values) / np.where(variance > 0, variance, 1.0)).mean(1)
        return misfits


def _quartiles(values: Float64Array, weights: Float64Array) -> Float64Array:
    """Return what a quarter, a half and three quarters of ``(n_rows, n_targets)`` lie below, ``(3, n_targets)``.

    A row of weight two is two rows; between two values it is their mean.
    """
    order = np.argsort(values, axis=0)
    ascending = np.take_along_axis(values, order, axis=0)
    below = np.cumsum(weights[order], axis=0) / weights.sum()
    quartiles = np.empty((3, values.shape[1]))
    for row, share in enumerate((0.25, 0.5, 0.75)):
        first, second = ((below < share + nudge).sum(0).clip(max=len(values) - 1) for nudge in (-1e-9, 1e-9))
        quartiles[row] = np.take_along_axis(ascending, np.stack([first, second]), axis=0).mean(axis=0)
    return quartiles
