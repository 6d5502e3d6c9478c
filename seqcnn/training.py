"""Training: one function that takes a network and windows, and leaves the network trained.

AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) under a one-cycle learning rate (Smith 2018, arXiv 1803.09820),
gradients clipped (Pascanu et al. 2013, arXiv 1211.5063), stopped early on held-back records where there are any.
"""

from __future__ import annotations

import math
import multiprocessing
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn.batches import WindowStore, training_batches
from seqcnn.encoders.base import SequenceEncoder
from seqcnn.flat_parameters import flatten_parameters
from seqcnn.inference import knows_no_padding
from seqcnn.network import Network

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""``(batch, n_outputs)`` scores and the batch's targets to a loss for each window, ``(batch,)``."""


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or NaN."""


class Watcher(Protocol):
    """What is told how training goes (a progress bar)."""

    def on_batch(self, epoch: int, share: float) -> None:
        """Hear that this share of an epoch's batches is done."""

    def on_epoch(self, row: dict[str, float]) -> None:
        """Hear the finished epoch's line of the history."""


class Validation(NamedTuple):
    """What held-back records say: mean loss, score (higher is better), and the score's standard error."""

    loss: float
    score: float
    standard_error: float = 0.0


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
    """

    max_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    n_iter_no_change: int | None
    max_seconds: float | None = None
    mixed_precision: bool = False
    max_gradient_norm: float = 5.0


@dataclass
class TrainingResult:
    """What happened: a line an epoch, the epoch whose weights were kept, and whether Ctrl-C ended it."""

    history: list[dict[str, float]] = field(default_factory=list)
    kept_epoch: int = 0
    interrupted: bool = False


_LITTLE_WORK = 10_000_000
"""Multiplications of a forward pass below which a second thread costs more than it brings (benchmarks/engine.py)."""


def one_cycle(progress: float, *, warm_up: float = 0.25, start: float = 0.04, end: float = 0.001) -> float:
    """Return the share of the peak learning rate at this share of the training: up, then down, both as cosines.

    >>> [round(one_cycle(share), 3) for share in (0.0, 0.25, 1.0)]
    [0.04, 1.0, 0.001]
    """
    if progress < warm_up:
        return start + (1 - start) * (1 - math.cos(math.pi * progress / warm_up)) / 2
    return end + (1 - end) * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


def train(
    network: Network,
    store: WindowStore,
    targets: Tensor,
    weights: Tensor,
    loss: Loss,
    settings: TrainingSettings,
    *,
    generator: np.random.Generator,
    validate: Callable[[], Validation] | None = None,
    watcher: Watcher | None = None,
) -> TrainingResult:
    """Train ``network`` in place.

    Parameters
    ----------
    network
        On the device of ``store``; chance inside it (dropout) comes from torch's global generator.
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
    validate
        Measures held-back records. The latest weights whose score is within one standard error of the best are kept:
        under a falling learning rate a later network is the calmer one, and a smaller difference is chance. Training
        stops when ``n_iter_no_change`` epochs brought no better score (or, of equal scores, lower loss), unless that is
        None. The score decides, not the loss: a network that grows too sure of itself may still be right more often.
    watcher
        Is told how it goes.

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
    best, best_epoch, tolerance, kept = (-math.inf, -math.inf), 0, 0.0, None
    started = time.perf_counter()
    network.train()
    try:
        with _descend(network, settings) as take_step:
            for epoch in range(1, settings.max_epochs + 1):
                batches = training_batches(
                    store.lengths, settings.batch_size, generator, equal_length=knows_no_padding(network)
                )
                total = torch.zeros(
                    (), dtype=targets.dtype if targets.is_floating_point() else weights.dtype, device=weights.device
                )
                for position, windows in enumerate(batches):
                    progress = (epoch - 1 + position / len(batches)) / settings.max_epochs
                    if settings.max_seconds is not None:
                        progress = max(progress, (time.perf_counter() - started) / settings.max_seconds)
                        if progress >= 1 and (position or epoch > 1):
                            batches = batches[:position]
                            break
                    rate = settings.learning_rate * one_cycle(min(progress, 1.0))
                    rows = torch.from_numpy(windows).to(weights.device)
                    with torch.autocast(weights.device.type, torch.bfloat16, enabled=settings.mixed_precision):
                        scores = network(*store.batch(windows))
                    scores = scores.to(torch.promote_types(scores.dtype, weights.dtype))
                    losses = loss(scores, targets[rows]) * weights[rows]
                    take_step(losses.mean(), rate)
                    total += losses.detach().sum()
                    if watcher is not None:
                        watcher.on_batch(epoch, (position + 1) / len(batches))
                if not batches:
                    break
                seen = sum(len(windows) for windows in batches)
                row = {"epoch": epoch, "train_loss": float(total) / seen, "learning_rate": rate}
                _demand_finite(row["train_loss"], "loss", epoch, rate, settings)
                if validate is not None:
                    measured = validate()
                    row["validation_loss"], row["validation_score"] = measured.loss, measured.score
                    _demand_finite(measured.loss, "validation loss", epoch, rate, settings)
                    standing = (measured.score, -measured.loss)
                    if standing > best:
                        best, best_epoch, tolerance = standing, epoch, measured.standard_error
                    if settings.n_iter_no_change is not None and measured.score >= best[0] - tolerance:
                        kept = deepcopy(network.state_dict())
                        result.kept_epoch = epoch
                row["seconds"] = time.perf_counter() - started
                result.history.append(row)
                if watcher is not None:
                    watcher.on_epoch(row)
                patience = settings.n_iter_no_change
                if validate is not None and patience is not None and epoch - best_epoch >= patience:
                    break
                if epoch == settings.max_epochs:
                    # The losses were taken before the last step, which may have been the one that diverged.
                    _demand_finite(_largest_weight(network), "largest weight", epoch, rate, settings)
    except KeyboardInterrupt:
        result.interrupted = True
    if kept is not None:
        network.load_state_dict(kept)
    else:
        result.kept_epoch = len(result.history)
    network.eval()
    return result


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
def _descend(network: Network, settings: TrainingSettings) -> Iterator[Callable[[Tensor, float], None]]:
    """Yield the function that takes a step against the gradient of a loss, at a learning rate."""
    groups: dict[tuple[bool, torch.dtype], list[nn.Parameter]] = defaultdict(list)
    for parameter in network.parameters():
        if parameter.requires_grad:
            groups[parameter.ndim > 1, parameter.dtype].append(parameter)
    device = next(network.parameters()).device
    # Elsewhere some modules (recurrent ones) keep their weights together in a way of their own.
    arrange = flatten_parameters if device.type == "cpu" else nullcontext
    with arrange(list(groups.values())) as arranged:
        decays = [settings.weight_decay if is_kernel else 0.0 for is_kernel, _ in groups]
        optimizer = torch.optim.AdamW(
            [{"params": group, "weight_decay": decay} for group, decay in zip(arranged, decays, strict=True)],
            fused=device.type in ("cpu", "cuda"),
        )
        parameters = [parameter for group in arranged for parameter in group]

        def take_step(loss: Tensor, rate: float) -> None:
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad.zero_()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, settings.max_gradient_norm)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()

        yield take_step


@contextmanager
def local_seed(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators inside the block and put them back behind it: the user's own stream is not disturbed."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield


_LITTLE_WORK = 10_000_000
"""Multiplications of a forward pass below which waiting for a second thread takes longer than it saves."""


def threads_for(network: Network, store: WindowStore, batch_size: int) -> int:
    """Return the threads that training takes: torch's setting, or one where a step is little work."""
    assert isinstance(network.encoder, SequenceEncoder)
    kernels = sum(parameter.numel() for parameter in network.encoder.parameters())
    multiplications = kernels * min(batch_size, len(store)) * int(store.lengths.max()) / network.encoder.stride
    return 1 if multiplications < _LITTLE_WORK else torch.get_num_threads()


@contextmanager
def thread_limit(n_threads: int | None) -> Iterator[None]:
    """Let torch use this many threads inside the block.

    None leaves torch's setting, but for one thread in a worker: in a search with ``n_jobs``, several fits run beside
    each other, and threads that wait for each other's cores make all of them many times slower.
    """
    if n_threads is None and _is_worker():
        n_threads = 1
    before = torch.get_num_threads()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        if n_threads is not None:
            torch.set_num_threads(before)


def _is_worker() -> bool:
    """Tell whether this is a thread or a process that another one started."""
    in_thread = threading.current_thread() is not threading.main_thread()
    return in_thread or multiprocessing.parent_process() is not None
