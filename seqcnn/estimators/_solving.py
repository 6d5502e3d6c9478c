"""The fit of an encoder of fixed kernels: prepared, its head solved or grown, and a line for the history."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import Float64Array
from seqcnn.batches import WindowStore
from seqcnn.closed_form import prepare_encoder
from seqcnn.encoders import FeatureEncoder
from seqcnn.estimators._examples import Examples
from seqcnn.forest import ForestHead
from seqcnn.heads import CountScaler, Head, PartsScaler
from seqcnn.network import Network
from seqcnn.solving import solve_windows
from seqcnn.training import NonFiniteLossError, Validation, Watcher
from seqcnn.windows import WindowTable

Measure = Callable[[Float64Array, Examples, WindowTable], Validation]
"""Measures outputs of windows ``(n_windows, n_outputs)`` against what is known of their records."""


def prepare(network: Network, store: WindowStore, examples: Examples, generator: np.random.Generator) -> None:
    """Let a network's encoder take what it needs from the windows, unless it has, and then build the head in place."""
    encoder = network.encoder
    assert isinstance(encoder, FeatureEncoder)
    if not encoder.is_prepared:
        prepare_encoder(network, store, generator)
    if examples.target is None:
        return
    head: Head = examples.target.head(network.n_features, 0.0, examples.weights)
    sizes, ways = zip(*encoder.scalings, strict=True)
    if encoder.head == "trees":
        means = examples.target.output
        assert means != "features"
        head = ForestHead(head.in_features, head.n_outputs, means=means, center=head.center, scale=head.scale)
    elif set(ways) == {"root"}:
        head.scaler = CountScaler(encoder.n_features)
    elif "root" in ways:
        head.scaler = PartsScaler(sizes, [way == "root" for way in ways])
    like = next(buffer for buffer in encoder.buffers() if buffer.is_floating_point())
    network.head = head.to(like.device, like.dtype)


def solve(
    network: Network,
    store: WindowStore,
    examples: Examples,
    table: WindowTable,
    *,
    measure: Measure,
    validate: Callable[[], Validation] | None,
    watcher: Watcher,
    caller: str,
) -> tuple[dict[str, float], Float64Array]:
    """Solve the head of a network whose encoder is prepared.

    It returns the one line of its history, and scores of the windows by heads that were solved without their record
    (and without its group), ``(n_windows, n_outputs)``.

    Parameters
    ----------
    network, store
        The network, and the windows it is fitted to.
    examples
        What the windows were cut from; records of one group are left out together.
    table
        Which window is of which record.
    measure
        Gives loss and score.
    validate
        Measures held-back records. Without them, what stands for them in the history are the records themselves, each
        predicted by a head that was solved without it (and without its group).
    watcher
        Is told how it goes.
    caller
        The estimator's name, for the messages.

    Raises
    ------
    NonFiniteLossError
        If the features are so large that no head can be solved.
    """
    watcher.on_epoch_begin(1)
    started = time.perf_counter()
    head, target, groups = network.head, examples.target, examples.groups
    assert isinstance(head, Head)
    assert target is not None
    together = (
        groups[table.record] if groups is not None else table.record if len(table) > len(examples.records) else None
    )

    def report(what: str, share: float) -> None:
        watcher.on_stage(what)
        watcher.on_batch(1, share)

    solution = solve_windows(
        network,
        store,
        target.dense_tensor(table.record, head),
        torch.from_numpy(examples.weights[table.record]),
        groups=together,
        calibrate=target.calibrate(table.record, of_logarithms=isinstance(head, ForestHead)),
        report=report,
    )
    trained = measure(_to_numpy(solution.outputs), examples, table)
    if not math.isfinite(trained.loss):
        raise NonFiniteLossError(
            f"The head of {caller} could not be solved, because its loss is not finite. Received: a loss of "
            f"{trained.loss}. Look for extreme values in X, y or sample_weight."
        )
    left_out = _to_numpy(solution.left_out)
    watched = measure(left_out, examples, table) if validate is None else validate()
    row = {
        "epoch": 1,
        "train_loss": trained.loss,
        "validation_loss": watched.loss,
        "validation_score": watched.score,
        "seconds": time.perf_counter() - started,
    }
    watcher.on_epoch(row)
    return row, left_out


def _to_numpy(outputs: Tensor) -> Float64Array:
    return outputs.double().cpu().numpy()
