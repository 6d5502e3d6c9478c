"""Training: one function that takes a network and windows, and leaves the network trained.

AdamW (:mod:`seqcnn.descent`) under a learning rate that goes up and down (:mod:`seqcnn.schedule`), stopped early on
held-back records where there are any.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.batches import Batch, WindowStore, balanced_batches, training_batches
from seqcnn.cross_fitting import augment_by_fold, measure_copies
from seqcnn.descent import Descent, Moments, descend
from seqcnn.heads import CopiesHead
from seqcnn.inference import knows_no_padding
from seqcnn.network import Network
from seqcnn.schedule import Schedule

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""``(batch, n_outputs)`` scores and the batch's targets to a loss for each window, ``(batch,)``."""

Augment: TypeAlias = Callable[[Batch, Tensor, Tensor, np.random.Generator], tuple[Batch, Tensor, Tensor]]
"""A batch, its windows' targets and weights, and the source of chance, to all three changed."""


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or NaN."""


class Watcher(Protocol):
    """What is told how training goes (a progress bar, a user's callbacks)."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Hear that an epoch begins."""

    def on_batch(self, epoch: int, share: float) -> None:
        """Hear that this share of an epoch's batches is done."""

    def on_stage(self, what: str) -> None:
        """Hear what is being done, where an epoch is not one pass over batches."""

    def on_epoch(self, row: dict[str, float]) -> bool | None:
        """Hear the finished epoch's line of the history; True ends the training."""


class Validation(NamedTuple):
    """What held-back records say: mean loss, score (higher is better), and the score's standard error."""

    loss: float
    score: float
    standard_error: float = 0.0


class Verdict(NamedTuple):
    """What is said of a network at the end of a round: whether it is kept, and whether training goes on."""

    keeps: bool
    goes_on: bool


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes
    ----------
    max_epochs
        Passes over the windows.
    batch_size
        Windows of a batch, at most.
    learning_rate
        The peak of the one cycle.
    weight_decay
        Decoupled decay of the weights; biases and normalization are left alone.
    n_iter_no_change
        Epochs without a better validation score after which training stops; None only watches it.
    max_seconds
        A budget: the cycle is shortened so that it ends by then.
    mixed_precision
        Multiply in bfloat16, add and store in float32.
    max_gradient_norm
        Longer gradients are shortened to this.
    constant_rate
        Stay at ``learning_rate``, instead of one cycle up to it and down: for training that has no planned end.
    n_rounds
        Cycles, each as long as all before it, where the network is judged at their ends; else it is one.
    """

    max_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    n_iter_no_change: int | None
    max_seconds: float | None = None
    mixed_precision: bool = False
    max_gradient_norm: float = 5.0
    constant_rate: bool = False
    n_rounds: int = 1


@dataclass
class TrainingResult:
    """What happened: a line an epoch, the epoch kept, whether Ctrl-C ended it, and what the optimizer remembers.

    Where every record was left out in turn, ``left_out`` are the answers for each by a model that did not learn it,
    ``(n_records, n_outputs)``: probabilities or values, the mean over its windows. NaN stands for a record that every
    model has learnt.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    kept_epoch: int = 0
    interrupted: bool = False
    moments: list[Moments] = field(default_factory=list)
    left_out: Float64Array | None = None


def train(
    network: Network,
    store: WindowStore,
    targets: Tensor,
    weights: Tensor,
    loss: Loss,
    settings: TrainingSettings,
    *,
    generator: np.random.Generator,
    classes: IntegerArray | None = None,
    augment: Augment | None = None,
    folds: IntegerArray | None = None,
    validate: Callable[[], Validation] | None = None,
    judge: Callable[[], Verdict] | None = None,
    watcher: Watcher | None = None,
    moments: Sequence[Moments] = (),
) -> TrainingResult:
    """Train ``network`` in place.

    Parameters
    ----------
    network
        On the device of ``store``; chance inside it (dropout) comes from torch's global generator. If it holds copies
        (:class:`~seqcnn.heads.CopiesHead`), each learns as it would alone.
    store
        The training windows.
    targets, weights
        Of each window, ``(n_windows, ...)`` and ``(n_windows,)``, on the same device.
    loss
        Gives each window's loss.
    settings
        How to train.
    generator
        The source of chance for the batches.
    classes
        The class of each window, ``(n_windows,)``: every batch then draws the classes evenly. None takes every window
        once an epoch.
    augment
        Changes each batch before the network reads it; what is validated, and what is in ``store``, stays as it is.
    folds
        The fold of each window, ``(n_windows,)``, for a network of copies: copy ``k`` does not learn the windows of
        fold ``k``, and all learn those of fold -1 (:mod:`seqcnn.cross_fitting`). The loss of the history is the mean of
        the losses that counted.
    validate
        Measures held-back records. The latest weights whose score is within one standard error of the best are kept:
        under a falling learning rate a later network is the calmer one, and a smaller difference is chance. Training
        stops when ``n_iter_no_change`` epochs brought no better score (or, of equal scores, lower loss), unless that is
        None. The score decides, not the loss: a network that grows too sure of itself may still be right more often.
    judge
        Is asked at the end of each round (``settings.n_rounds``). The network that it last wanted kept is the one that
        stays.
    watcher
        Is told how it goes, and may end it.
    moments
        What the optimizer remembers of an earlier training of this network.

    Returns
    -------
    TrainingResult
        The history has columns epoch, train_loss, learning_rate, seconds and, with ``validate``, validation_loss and
        validation_score.

    Raises
    ------
    NonFiniteLossError
        If the loss became infinite or NaN.
    """
    # Mean weight one, so that the learning rate means the same whatever the weights' scale.
    weights = weights / weights.mean()
    result = TrainingResult()
    best = _Best(settings.n_iter_no_change)
    schedule = Schedule(
        settings.max_epochs,
        settings.max_seconds,
        n_rounds=1 if judge is None else settings.n_rounds,
        constant=settings.constant_rate,
    )
    arguments = {"equal_length": knows_no_padding(network)}
    n_copies = network.head.n_copies if isinstance(network.head, CopiesHead) else 1
    assert folds is None or (isinstance(network.head, CopiesHead) and folds.max() < n_copies)

    def draw() -> list[IntegerArray]:
        if classes is None:
            return training_batches(store.lengths, settings.batch_size, generator, **arguments)
        return balanced_batches(store.lengths, classes, settings.batch_size, generator, **arguments)

    def measure_loss(windows: IntegerArray) -> tuple[Tensor, Tensor, int]:
        """Return what to descend on, the sum of the losses, and their number."""
        own_folds = None if folds is None else folds[windows]
        if folds is not None and augment is not None:
            batch, wanted, counted, own_folds = augment_by_fold(
                augment, store, windows, folds, targets, weights, generator
            )
        else:
            rows = torch.from_numpy(windows).to(weights.device)
            batch, wanted, counted = store.batch(windows), targets[rows], weights[rows]
            if augment is not None:
                batch, wanted, counted = augment(batch, wanted, counted, generator)
        with torch.autocast(weights.device.type, torch.bfloat16, enabled=settings.mixed_precision):
            scores = network(*batch)
        scores = scores.to(torch.promote_types(scores.dtype, weights.dtype))
        if isinstance(network.head, CopiesHead):
            return measure_copies(loss, scores, wanted, counted, own_folds)
        losses = loss(scores, wanted) * counted
        return losses.mean(), losses.detach().sum(), len(windows)

    def run_epoch(epoch: int, descent: Descent) -> dict[str, float] | None:
        """Take one pass; None where the budget left no time for a step."""
        batches = draw()
        total = torch.zeros(
            (), dtype=targets.dtype if targets.is_floating_point() else weights.dtype, device=weights.device
        )
        seen, rate = 0, 0.0
        for position, windows in enumerate(batches):
            share = schedule.share(epoch - 1 + position / len(batches))
            if share is None:
                break
            now = settings.learning_rate * share
            mean, summed, count = measure_loss(windows)
            descent.step(mean, now)
            total += summed
            seen, rate = seen + count, now
            if watcher is not None:
                watcher.on_batch(epoch, (position + 1) / len(batches))
        if not seen:
            return None
        row = {"epoch": epoch, "train_loss": float(total) / seen, "learning_rate": rate}
        _demand_finite(row["train_loss"], "loss", epoch, rate, settings)
        if validate is not None:
            measured = validate()
            row["validation_loss"], row["validation_score"] = measured.loss, measured.score
            _demand_finite(measured.loss, "validation loss", epoch, rate, settings)
            best.hear(epoch, measured, network)
        return row | {"seconds": schedule.seconds}

    network.train()
    try:
        with descend(
            network,
            weight_decay=settings.weight_decay,
            # Gradients of several copies are together the longer.
            max_gradient_norm=settings.max_gradient_norm * math.sqrt(n_copies),
            moments=moments,
        ) as descent:
            for epoch in range(1, settings.max_epochs + 1):
                if watcher is not None:
                    watcher.on_epoch_begin(epoch)
                row = run_epoch(epoch, descent)
                if row is None:
                    break
                result.history.append(row)
                stop = watcher is not None and watcher.on_epoch(row)
                if best.is_long_past(epoch):
                    break
                judged = judge is not None and schedule.ends_round(epoch)
                if stop or judged or epoch == settings.max_epochs:
                    # The losses were taken before the last step, which may have been the one that diverged.
                    _demand_finite(_largest_weight(network), "largest weight", epoch, row["learning_rate"], settings)
                if stop:
                    break
                if judge is not None and judged:
                    verdict = judge()
                    network.train()
                    if verdict.keeps:
                        best.keep(epoch, network)
                    if not verdict.goes_on:
                        break
            result.moments = descent.moments()
    except KeyboardInterrupt:
        result.interrupted = True
    result.kept_epoch = best.restore(network) or len(result.history)
    network.eval()
    return result


class _Best:
    """The weights to keep, by what held-back records say."""

    def __init__(self, patience: int | None) -> None:
        self._patience = patience
        self._standing = (-math.inf, -math.inf)
        self._tolerance = 0.0
        self._epoch: int | None = None  # until there was a measurement
        self._kept: dict[str, Tensor] | None = None
        self._kept_epoch = 0

    def hear(self, epoch: int, measured: Validation, network: nn.Module) -> None:
        """Take in the measurement behind an epoch."""
        standing = (measured.score, -measured.loss)
        if standing > self._standing:
            self._standing, self._epoch, self._tolerance = standing, epoch, measured.standard_error
        elif self._epoch is None:
            self._epoch = 0
        if self._patience is not None and measured.score >= self._standing[0] - self._tolerance:
            self.keep(epoch, network)

    def keep(self, epoch: int, network: nn.Module) -> None:
        """Keep the weights as they are."""
        self._kept, self._kept_epoch = deepcopy(network.state_dict()), epoch

    def is_long_past(self, epoch: int) -> bool:
        """Tell whether so many epochs brought none better that training should stop."""
        if self._epoch is None or self._patience is None:
            return False
        return epoch - self._epoch >= self._patience

    def restore(self, network: nn.Module) -> int | None:
        """Put the kept weights back, and return their epoch; None says that the last ones stay."""
        if self._kept is None:
            return None
        network.load_state_dict(self._kept)
        return self._kept_epoch


def _demand_finite(value: float, what: str, epoch: int, rate: float, settings: TrainingSettings) -> None:
    if not math.isfinite(value):
        raise NonFiniteLossError(
            f"Training stopped in epoch {epoch}, because the {what} is not finite. Received: a {what} of {value} at a "
            f"learning rate of {rate:.3g}. Lower learning_rate (its peak is {settings.learning_rate:.3g} now), or look "
            f"for extreme values in X, y or sample_weight."
        )


def _largest_weight(network: nn.Module) -> float:
    return float(torch.stack([parameter.detach().abs().max() for parameter in network.parameters()]).max())


@contextmanager
def local_seed(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators inside the block and put them back behind it: the user's own stream is not disturbed."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
