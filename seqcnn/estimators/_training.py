"""From a model that is built to one that is trained: by gradients, or its head solved; watched on held-back records.

    examples -> windows -> train     behind encoders that are trained       -> the model, trained in place,
                        -> solve     behind fixed kernels, once prepared       and a line an epoch
                        -> nothing   where there is no target

Nothing here knows the estimator: it hears through a watcher.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.aggregate import average_over_windows
from seqcnn.allocation import keep_freed_memory
from seqcnn.augment.series_settings import SeriesAugmentation
from seqcnn.augment.sounds import Sounds
from seqcnn.cross_fitting import LEARNT_BY_ALL, out_of_fold
from seqcnn.descent import Moments
from seqcnn.encoders import FeatureEncoder
from seqcnn.estimators._augmenting import changed_bands, make_augment
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._scoring import score_with
from seqcnn.estimators._settings import Settings
from seqcnn.estimators._solving import prepare, solve
from seqcnn.heads import Head
from seqcnn.inference import run_network
from seqcnn.model import Model
from seqcnn.network import Network
from seqcnn.threads import thread_limit, threads_for
from seqcnn.training import TrainingResult, Validation, Verdict, Watcher, train
from seqcnn.windows import WindowTable

HISTORY_COLUMNS = ("member", "epoch", "train_loss", "learning_rate", "validation_loss", "validation_score", "seconds")


def train_model(
    model: Model,
    settings: Settings,
    examples: Examples,
    validation: Examples | None,
    *,
    generator: np.random.Generator,
    sounds: Sounds | SeriesAugmentation | None = None,
    moments: list[Moments],
    folds: IntegerArray | None = None,
    judge: Callable[[Float64Array], Verdict] | None = None,
    watcher: Watcher,
    caller: str,
) -> TrainingResult:
    """Train a model in place.

    Parameters
    ----------
    model
        Where ``settings`` say, its network built for these examples or trained before.
    settings
        Settled.
    examples
        What it learns. Without a target, its encoder is prepared if it has fixed kernels, and that is all.
    validation
        What it is measured on, epoch for epoch, or None.
    generator
        The source of chance beside torch's own.
    sounds
        How records are changed in training, recordings with what they are set in for it; None leaves them alone.
    moments
        What the optimizer remembers of an earlier training.
    folds
        The fold of each record, ``(n_records,)``, for a network of copies (:mod:`seqcnn.cross_fitting`).
    judge
        Hears at the end of each round what copies say of the records that they did not learn, ``(n_records,
        n_outputs)``, NaN of those that all have.
    watcher
        Is told how it goes.
    caller
        The estimator's name, for the messages.

    Raises
    ------
    NonFiniteLossError
        If the loss became infinite or NaN.
    """
    network = model.network
    assert isinstance(network, Network)
    table = model.cut(examples.records)
    store = model.store(examples.records, table)
    is_fixed = isinstance(network.encoder, FeatureEncoder)
    if is_fixed:
        prepare(network, store, examples, generator)
    if examples.target is None:
        network.eval()
        return TrainingResult()
    measure = _Measure(model, examples, settings, caller)
    validate = None if validation is None else partial(measure.run, validation)
    with keep_freed_memory():
        if is_fixed:
            row, left_out = solve(
                network, store, examples, table, measure=measure, validate=validate, watcher=watcher, caller=caller
            )
            return TrainingResult([row], kept_epoch=1, left_out=measure.answers(left_out, table))
        # Who asks for threads gets them.
        n_threads = settings.n_threads or threads_for(network, store, settings.training.batch_size)

        def say_of_others() -> Float64Array:
            assert folds is not None
            left_out = measure.answers(out_of_fold(network, store, folds[table.record]), table)
            left_out[folds == LEARNT_BY_ALL] = np.nan
            return left_out

        with thread_limit(n_threads), changed_bands(network, sounds):
            result = train(
                network,
                store,
                measure.targets(examples, table),
                torch.from_numpy(examples.weights[table.record]).to(settings.dtype).to(settings.device),
                measure.loss,
                settings.training,
                generator=generator,
                classes=_classes_to_balance(settings, examples, table),
                augment=None if sounds is None else make_augment(sounds, network, store, examples.target),
                folds=None if folds is None else folds[table.record],
                validate=validate,
                judge=None if judge is None else lambda: judge(say_of_others()),
                watcher=watcher,
                moments=moments,
            )
            if folds is not None:
                result.left_out = say_of_others()
            return result


class _Measure:
    """Measures outputs of windows against what is known of their records, by the loss and the score of one training."""

    def __init__(self, model: Model, examples: Examples, settings: Settings, caller: str) -> None:
        assert examples.target is not None
        assert isinstance(model.network, Network)
        assert isinstance(model.network.head, Head)
        self.loss = examples.target.loss(model.network.head)
        # An embedder's model gives features, but what is measured is what its head learns.
        self._model = replace(model, output=examples.target.output)
        self._settings, self._caller = settings, caller

    def __call__(self, outputs: Float64Array, examples: Examples, table: WindowTable) -> Validation:
        """Measure a network's scores ``(n_windows, n_outputs)``."""
        targets = self.targets(examples, table)
        losses = self.loss(torch.from_numpy(outputs).to(targets.device), targets).cpu().numpy()
        loss = float(np.average(losses, weights=examples.weights[table.record]))
        answers = self.answers(outputs, table)
        return Validation(loss, *score_with(self._settings.scoring, answers, examples, caller=self._caller))

    def answers(self, outputs: Float64Array, table: WindowTable) -> Float64Array:
        """Turn a network's scores ``(n_windows, n_outputs)`` into answers for the records."""
        return average_over_windows(self._model.finish(outputs), table)

    def run(self, examples: Examples) -> Validation:
        """Run the network as it is now, and measure it."""
        table = self._model.cut(examples.records)
        return self(run_network(self._model.network, self._model.store(examples.records, table)), examples, table)

    def targets(self, examples: Examples, table: WindowTable) -> Tensor:
        """Return the target of each window, where the network is."""
        assert examples.target is not None
        targets, device = examples.target.tensor(table.record), self._settings.device
        # Apple's GPUs have no float64.
        single = device.type == "mps" and targets.dtype == torch.float64
        return targets.to(device, torch.float32) if single else targets.to(device)


def _classes_to_balance(settings: Settings, examples: Examples, table: WindowTable) -> IntegerArray | None:
    """Return the class of each window where batches draw the classes evenly."""
    assert examples.target is not None
    labels = examples.target.labels
    if settings.sampling != "balanced" or labels is None:
        return None
    classes: IntegerArray = np.unique(labels, return_inverse=True)[1][table.record]
    return classes


def tabulate(history: list[dict[str, float]], before: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a line an epoch, behind those of the trainings before: epochs and seconds count on."""
    if before is not None and len(before):
        epochs, seconds = before["epoch"].iloc[-1], before["seconds"].iloc[-1]
        earlier = [{str(name): value for name, value in row.items()} for row in before.to_dict("records")]
        later = [row | {"epoch": row["epoch"] + epochs, "seconds": row["seconds"] + seconds} for row in history]
        history = [*earlier, *later]
    if not history:
        return pd.DataFrame(columns=list(HISTORY_COLUMNS[1:]), dtype=float)
    return pd.DataFrame(history, columns=list(HISTORY_COLUMNS)).dropna(axis="columns", how="all")
