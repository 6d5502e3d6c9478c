"""What the three estimators share: from X to records, windows, a trained network, and back to scores."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.aggregate import average_over_windows
from seqcnn.allocation import keep_freed_memory
from seqcnn.encoders import FeatureEncoder, SequenceEncoder
from seqcnn.estimators._building import build_network, check_encoder, is_fixed
from seqcnn.estimators._callbacks import CallbackSupportMixin, CallbackWatcher, with_callbacks
from seqcnn.estimators._checks import check_parameters, check_sampling
from seqcnn.estimators._going_on import Progress, check_progress, refuse_fixed, structure_of
from seqcnn.estimators._parameters import EncoderParametersMixin
from seqcnn.estimators._read_targets import read_groups
from seqcnn.estimators._saving import save_estimator
from seqcnn.estimators._scoring import score_with
from seqcnn.estimators._settings import RECORDS_FOR_EARLY_STOPPING, Settings, one_pass, settle
from seqcnn.estimators._solving import prepare, solve
from seqcnn.estimators._split import hold_back
from seqcnn.estimators._targets import Target
from seqcnn.inference import run_network
from seqcnn.inputs import InputContract, count_cases, read_for_fit, read_for_predict
from seqcnn.inputs.records import Records
from seqcnn.inputs.static import in_fitted_order
from seqcnn.model import Model, Output
from seqcnn.network import Network
from seqcnn.progress import TrainingProgress
from seqcnn.training import TrainingSettings, Validation, local_seed, thread_limit, threads_for, train
from seqcnn.windows import WindowTable, cut_windows

HISTORY_COLUMNS = ("epoch", "train_loss", "learning_rate", "validation_loss", "validation_score", "seconds")


class BaseSeqCNN(CallbackSupportMixin, EncoderParametersMixin, BaseEstimator):
    """Reading, windowing, training and scoring for every kind of target."""

    _output: Output | None = None
    """What a record is turned into; None is what the target asks for."""
    model_: Model
    history_: pd.DataFrame
    kept_epoch_: int

    @property
    def network_(self) -> Network:
        """The trained network: raw input to scores, ``(batch, channels, time)`` to ``(batch, n_outputs)``."""
        check_is_fitted(self)
        return self.model_.network

    @property
    def encoder_(self) -> SequenceEncoder | FeatureEncoder:
        """The trained encoder, which another estimator takes as ``encoder=``."""
        return self.network_.encoder

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to one file, which :func:`seqcnn.load` reads.

        The file holds weights and JSON (it is a safetensors file), no pickle: opening it runs nothing. It is written in
        one step: a file of that name is replaced by a whole one or not at all. A model trained on a GPU opens on a
        machine without one.

        Parameters
        ----------
        path
            Of the file; ``.seqcnn`` is the usual suffix, and any will do.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        ValueError
            If the labels are objects that JSON cannot hold.
        FileNotFoundError, IsADirectoryError
            If the folder is missing, or ``path`` is one.

        Warns
        -----
        UserWarning
            If parameters are objects that JSON cannot hold, such as callables or a ``RandomState``: the loaded
            estimator has their defaults, and predicts the same.
        """
        check_is_fitted(self)
        save_estimator(self, self.model_, Path(path))

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    def _fit(
        self,
        X: Any,
        target: Target | None,
        weights: Float64Array,
        groups: Any,
        read_validation: Callable[[], tuple[Any, Target]] | None,
        *,
        learnt: dict[str, Any],
        told: dict[str, Any] | None = None,
    ) -> Self:
        """Fit on valid targets and weights; ``target=None`` leaves the encoder's initial filters as they are.

        ``learnt`` are the attributes that an estimator has, beside ``model_``, once it is fitted. ``told`` is what
        callbacks are given; None is ``partial_fit``: no callbacks, one pass over all records.
        """
        caller = type(self).__name__
        parameters = self.get_params(deep=False)
        check_parameters(parameters, caller)
        check_encoder(self.encoder, self._encoder_parameters, caller=caller)
        if target is not None and is_fixed(self.encoder):
            target.check_closed_form(caller)
        if is_fixed(self.encoder):
            check_sampling(parameters, caller)
        in_steps = told is None
        goes_on = self._goes_on(in_steps)
        progress = check_progress(self, parameters, in_steps) if goes_on else None
        history = getattr(self, "history_", None) if goes_on else None
        groups = read_groups(X, groups, caller)
        if progress is None:
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        else:
            seed = progress.seed
        generator = np.random.default_rng(seed)
        # A record of weight zero is as good as absent, also where it would be counted.
        kept = np.flatnonzero(weights > 0)
        training, held = kept, kept[:0]
        if not in_steps:
            training, held = self._hold_back(kept, target, groups, generator, read_validation is not None)
        if goes_on:
            # The split is that of the first fit, so that nothing held back was trained on; other chance is new.
            generator = np.random.default_rng([seed, 0 if history is None else len(history)])

        if goes_on:
            records, contract = self._read_on(X, in_steps), self.model_.contract
        else:
            records, contract = read_for_fit(
                X,
                kind=self.input,
                sample_rate=self.sample_rate,
                mono=self.mono,
                missing=self.missing,
                max_characters=self.max_characters,
                learn_from=training,
                caller=caller,
            )
            self._remember_columns(X, contract, reset=True)
        validation = None
        if read_validation is not None:
            X_val, validation_target = read_validation()
            validation = (self._read_validation(X_val, contract), validation_target, validation_target.weights())
        elif len(held) and target is not None:
            held_target = target.take(held)
            validation = (records.take(held), held_target, weights[held] * held_target.weights())
        everything, records, weights = records, records.take(training), weights[training]
        target = None if target is None else target.take(training)
        if target is not None:
            weights = weights * target.weights()

        n_windows = len(cut_windows(records.lengths, self.window_length, self.hop_length))
        tiny = progress.is_tiny if progress is not None else None
        settings = settle(parameters, contract.kind, records.lengths, n_windows, tiny=tiny)
        if in_steps:
            settings = one_pass(settings, self.learning_rate)
        before = None
        chance = int(generator.integers(np.iinfo(np.int32).max)) if goes_on else seed
        with thread_limit(settings.n_threads), local_seed(chance, settings.device):
            if goes_on:
                network = self.model_.network.to(settings.device, settings.dtype)
                before = deepcopy(network.state_dict())
            else:
                network = build_network(
                    settings,
                    contract,
                    records,
                    weights,
                    target,
                    normalize=self.normalize,
                    window_length=self.window_length,
                    encoder_parameters=self._encoder_parameters,
                    caller=caller,
                )
                output = target.output if target is not None and self._output is None else "features"
                self.model_ = Model(network, contract, output, self.window_length, self.hop_length)
                progress = Progress(seed, settings.is_tiny, structure_of(parameters))
            assert progress is not None
            try:
                self.model_.check_lengths(everything, caller=caller)
                if read_validation is not None and validation is not None:
                    self.model_.check_lengths(validation[0], caller=caller, name="X_val")
                groups = None if groups is None else groups[training]
                interrupted = self._train(
                    settings,
                    records,
                    weights,
                    target,
                    validation,
                    groups,
                    generator,
                    progress=progress,
                    history=history,
                    learnt=learnt,
                    told=told,
                )
            except BaseException:
                self.__dict__.pop("history_", None)
                if before is None:
                    del self.model_
                else:
                    network.load_state_dict(before)
                    network.eval()
                    if history is not None:
                        self.history_ = history
                raise
        self._progress = progress
        self.__dict__.update(learnt)
        if interrupted:
            n_before = 0 if history is None else len(history)
            warnings.warn(
                f"Training of {caller} was interrupted after {len(self.history_) - n_before} of {settings.max_epochs} "
                "epochs. It keeps what was learnt until then and can predict; history_ shows how far it came.",
                UserWarning,
                stacklevel=3,
            )
        return self

    def _goes_on(self, in_steps: bool) -> bool:
        """Tell whether what was fitted is trained on; raise ValueError where it cannot be."""
        warm = getattr(self, "warm_start", False)
        if (in_steps or warm) and is_fixed(self.encoder):
            refuse_fixed(self.encoder, "partial_fit" if in_steps else "warm_start=True", type(self).__name__)
        return self.__sklearn_is_fitted__() and (in_steps or warm)

    def _read_on(self, X: Any, in_steps: bool) -> Records:
        """Read X as what was fitted, for a training that goes on."""
        caller = type(self).__name__
        try:
            count_cases(X, caller=caller)
            self._remember_columns(X, self.model_.contract, reset=False)
            return read_for_predict(X, self.model_.contract, sample_rate=self.sample_rate, caller=caller)
        except (ValueError, TypeError) as error:
            if in_steps:
                raise
            raise type(error)(
                f"{error} With warm_start=True, fit goes on from the weights that were fitted; set_params("
                f"warm_start=False) starts anew."
            ) from error

    def _hold_back(
        self,
        kept: IntegerArray,
        target: Target | None,
        groups: Any,
        generator: np.random.Generator,
        has_validation: bool,
    ) -> tuple[IntegerArray, IntegerArray]:
        """Split the kept records; positions in X."""
        wanted = self.early_stopping
        if wanted == "auto":
            # What is solved in closed form is measured by leaving each record out.
            wanted = len(kept) >= RECORDS_FOR_EARLY_STOPPING and not is_fixed(self.encoder)
        if target is None or has_validation or not wanted:
            return kept, kept[:0]
        training, held = hold_back(
            len(kept),
            self.validation_fraction,
            generator,
            labels=None if target.labels is None else target.labels[kept],
            groups=None if groups is None else groups[kept],
            caller=type(self).__name__,
        )
        return kept[training], kept[held]

    def _read_validation(self, X_val: Any, contract: InputContract) -> Records:
        try:
            self._remember_columns(X_val, contract, reset=False)
            return read_for_predict(X_val, contract, caller=type(self).__name__)
        except (ValueError, TypeError, FileNotFoundError) as error:
            raise type(error)(f"X_val, which is called X here, does not fit. {error}") from error

    def _remember_columns(self, X: Any, contract: InputContract, *, reset: bool) -> None:
        if reset and "feature_names_in_" in vars(self):
            del self.feature_names_in_
        if not reset:
            X = in_fitted_order(X, contract)
        # Sets or compares feature_names_in_; the number of features is the contract's business.
        validate_data(self, X, reset=reset, skip_check_array=True, ensure_2d=False)
        if reset:
            self.n_features_in_ = contract.n_channels if contract.n_timepoints is None else contract.n_timepoints
            self.n_features_in_ += len(contract.static_columns)

    @with_callbacks  # type: ignore[untyped-decorator]
    def _train(
        self,
        settings: Settings,
        records: Records,
        weights: Float64Array,
        target: Target | None,
        validation: tuple[Records, Target, Float64Array] | None,
        groups: IntegerArray | None,
        generator: np.random.Generator,
        *,
        progress: Progress,
        history: pd.DataFrame | None,
        learnt: dict[str, Any],
        told: dict[str, Any] | None,
    ) -> bool:
        """Train the model, fill ``history_``, and tell whether Ctrl-C ended it."""
        caller = type(self).__name__
        network = self.model_.network
        table = self.model_.cut(records)
        store = self.model_.store(records, table)
        fixed = isinstance(network.encoder, FeatureEncoder)
        if fixed:
            prepare(network, store, target, weights, generator)
        tabulate = partial(_tabulate, before=history)
        listen = partial(CallbackWatcher, estimator=self, told=told, rebuild=self._rebuild(learnt), tabulate=tabulate)
        if target is None:
            network.eval()
            self.history_ = pd.DataFrame(columns=list(HISTORY_COLUMNS), dtype=float)
            self.kept_epoch_ = 0
            with TrainingProgress(1, 0, caller) as shown:
                listen(shown, n_epochs=0).on_end()
            return False
        loss = target.loss(network.head)  # type: ignore[arg-type]

        def measure(outputs: Float64Array, target: Target, table: WindowTable, weights: Float64Array) -> Validation:
            targets = _move(target.tensor(table.record), settings.device)
            losses = loss(torch.from_numpy(outputs).to(targets.device), targets).cpu().numpy()
            # An embedder's model gives features, but what is measured is what its head learns.
            finished = replace(self.model_, output=target.output).finish(outputs)
            record_outputs = average_over_windows(finished, table)
            mean_loss = float(np.average(losses, weights=weights[table.record]))
            return Validation(mean_loss, *self._score_outputs(target, record_outputs, weights))

        def validate() -> Validation:
            assert validation is not None
            held_records, held_target, held_weights = validation
            held_table = self.model_.cut(held_records)
            outputs = run_network(network, self.model_.store(held_records, held_table))
            return measure(outputs, held_target, held_table, held_weights)

        watching = None if validation is None else validate
        if fixed:
            with TrainingProgress(1, int(self.verbose), caller) as shown, keep_freed_memory():
                watcher = listen(shown, n_epochs=1)
                watcher.on_epoch_begin(1)
                row = solve(
                    network,
                    store,
                    target,
                    weights,
                    table,
                    groups=groups,
                    measure=measure,
                    validate=watching,
                    watcher=watcher,
                    caller=caller,
                )
                self.history_ = tabulate([row])
                self.kept_epoch_ = 1
                watcher.on_end()
            return False
        training_settings = TrainingSettings(
            max_epochs=settings.max_epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=self.weight_decay,
            # Told not to stop early, training only watches X_val.
            n_iter_no_change=None if self.early_stopping is False else self.n_iter_no_change,
            max_seconds=None if told is None else self.max_fit_seconds,
            mixed_precision=settings.mixed_precision,
            constant_rate=told is None,
        )
        # Who asks for threads gets them.
        threads = torch.get_num_threads()
        if self.n_jobs is None:
            threads = min(threads, threads_for(network, store, settings.batch_size))
        classes = None
        if getattr(self, "sampling", None) == "balanced" and target.labels is not None:
            classes = np.unique(target.labels, return_inverse=True)[1][table.record]
        with (
            TrainingProgress(settings.max_epochs, int(self.verbose), caller) as shown,
            keep_freed_memory(),
            thread_limit(threads),
        ):
            watcher = listen(shown, n_epochs=settings.max_epochs)
            result = train(
                network,
                store,
                _move(target.tensor(table.record), settings.device),
                torch.from_numpy(weights[table.record]).to(settings.dtype).to(settings.device),
                loss,
                training_settings,
                generator=generator,
                classes=classes,
                validate=watching,
                watcher=watcher,
                moments=progress.moments if told is None else (),
            )
            self.history_ = tabulate(result.history)
            self.kept_epoch_ = result.kept_epoch + (0 if history is None else len(history))
            watcher.on_end()
        progress.moments = result.moments if told is None else []
        return result.interrupted

    def _score_outputs(self, target: Target, outputs: Float64Array, weights: Float64Array) -> tuple[float, float]:
        """Return the score of records' outputs ``(n_records, n_outputs)``, and its standard error."""
        scoring = getattr(self, "scoring", None)
        if scoring is None:
            score = target.score(outputs, weights)
            return score, target.score_error(score)
        # The weights of cases, without those of classes: a scorer balances classes in its own way, if it does.
        of_classes = target.weights()
        of_cases = np.divide(weights, of_classes, out=np.zeros_like(weights), where=of_classes > 0)
        return score_with(scoring, outputs, target, of_cases, caller=type(self).__name__)

    def _rebuild(self, learnt: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        """Return what gives the attributes that make a copy of this estimator one fitted until now."""

        def attributes() -> dict[str, Any]:
            # Training goes on in the network itself.
            network = deepcopy(self.model_.network).eval()
            return {
                "model_": replace(self.model_, network=network),
                "history_": self.history_,
                "kept_epoch_": len(self.history_),
                **learnt,
            }

        return attributes

    def _read(self, X: Any) -> Records:
        """Read X as what was fitted."""
        check_is_fitted(self)
        caller = type(self).__name__
        count_cases(X, caller=caller)
        self._remember_columns(X, self.model_.contract, reset=False)
        return read_for_predict(X, self.model_.contract, sample_rate=self.sample_rate, caller=caller)

    def _score_records(self, X: Any) -> Float64Array:
        """Return the model's output for each record, ``(n_cases, n_outputs)``."""
        records = self._read(X)
        with thread_limit(None if self.n_jobs in (None, -1) else self.n_jobs):
            return self.model_.score_records(records, caller=type(self).__name__)

    def _score_windows(self, records: Records, columns: list[Any]) -> pd.DataFrame:
        """Return a line a window: record, start, end in samples, and the outputs."""
        with thread_limit(None if self.n_jobs in (None, -1) else self.n_jobs):
            table, outputs = self.model_.score_windows(records, caller=type(self).__name__)
        places = pd.DataFrame({"record": table.record, "start": table.start, "end": table.stop})
        return pd.concat([places, pd.DataFrame(outputs, columns=columns)], axis="columns")


def _tabulate(history: list[dict[str, float]], *, before: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a line an epoch, behind those of the trainings before: epochs and seconds count on."""
    if before is not None and len(before):
        epochs, seconds = before["epoch"].iloc[-1], before["seconds"].iloc[-1]
        earlier = [{str(name): value for name, value in row.items()} for row in before.to_dict("records")]
        later = [row | {"epoch": row["epoch"] + epochs, "seconds": row["seconds"] + seconds} for row in history]
        history = [*earlier, *later]
    rows = pd.DataFrame(history, columns=list(HISTORY_COLUMNS))
    return rows.dropna(axis="columns", how="all") if len(rows) else rows


def _move(targets: Tensor, device: torch.device) -> Tensor:
    """Move targets to a device; Apple's GPUs have no float64."""
    single = device.type == "mps" and targets.dtype == torch.float64
    return targets.to(device, torch.float32) if single else targets.to(device)
