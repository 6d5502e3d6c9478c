"""What the three estimators share: from X to records, windows, a trained network, and back to scores."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
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
from seqcnn.estimators._checks import check_parameters
from seqcnn.estimators._parameters import EncoderParametersMixin
from seqcnn.estimators._read_targets import read_groups
from seqcnn.estimators._settings import RECORDS_FOR_EARLY_STOPPING, Settings, settle
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


class BaseSeqCNN(EncoderParametersMixin, BaseEstimator):
    """Reading, windowing, training and scoring for every kind of target."""

    _output: Output | None = None
    """What a record is turned into; None is what the target asks for."""
    model_: Model

    @property
    def network_(self) -> Network:
        """The trained network: raw input to scores, ``(batch, channels, time)`` to ``(batch, n_outputs)``."""
        check_is_fitted(self)
        return self.model_.network

    @property
    def encoder_(self) -> SequenceEncoder | FeatureEncoder:
        """The trained encoder, which another estimator takes as ``encoder=``."""
        return self.network_.encoder

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
    ) -> Self:
        """Fit on valid targets and weights; ``target=None`` leaves the encoder's initial filters as they are."""
        caller = type(self).__name__
        parameters = self.get_params(deep=False)
        check_parameters(parameters, caller)
        check_encoder(self.encoder, self._encoder_parameters, caller=caller)
        if target is not None and is_fixed(self.encoder):
            target.check_closed_form(caller)
        groups = read_groups(X, groups, caller)
        random_state = check_random_state(self.random_state)
        seed = int(random_state.randint(np.iinfo(np.int32).max))
        generator = np.random.default_rng(seed)
        # A record of weight zero is as good as absent, also where it would be counted.
        kept = np.flatnonzero(weights > 0)
        training, held = self._hold_back(kept, target, groups, generator, read_validation is not None)

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
        settings = settle(parameters, contract.kind, records.lengths, n_windows)
        with thread_limit(settings.n_threads), local_seed(seed, settings.device):
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
            try:
                self.model_.check_lengths(everything, caller=caller)
                if read_validation is not None and validation is not None:
                    self.model_.check_lengths(validation[0], caller=caller, name="X_val")
                groups = None if groups is None else groups[training]
                self._train(settings, records, weights, target, validation, groups, generator)
            except BaseException:
                del self.model_
                raise
        return self

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

    def _train(
        self,
        settings: Settings,
        records: Records,
        weights: Float64Array,
        target: Target | None,
        validation: tuple[Records, Target, Float64Array] | None,
        groups: IntegerArray | None,
        generator: np.random.Generator,
    ) -> None:
        caller = type(self).__name__
        network = self.model_.network
        table = self.model_.cut(records)
        store = self.model_.store(records, table)
        fixed = isinstance(network.encoder, FeatureEncoder)
        if fixed:
            prepare(network, store, target, weights, generator)
        if target is None:
            network.eval()
            self.history_ = pd.DataFrame(columns=list(HISTORY_COLUMNS), dtype=float)
            return
        loss = target.loss(network.head)  # type: ignore[arg-type]

        def measure(outputs: Float64Array, target: Target, table: WindowTable, weights: Float64Array) -> Validation:
            targets = _move(target.tensor(table.record), settings.device)
            losses = loss(torch.from_numpy(outputs).to(targets.device), targets).cpu().numpy()
            # An embedder's model gives features, but what is measured is what its head learns.
            finished = replace(self.model_, output=target.output).finish(outputs)
            record_outputs = average_over_windows(finished, table)
            score = target.score(record_outputs, weights)
            mean_loss = float(np.average(losses, weights=weights[table.record]))
            return Validation(mean_loss, score, target.score_error(score))

        def validate() -> Validation:
            assert validation is not None
            held_records, held_target, held_weights = validation
            held_table = self.model_.cut(held_records)
            outputs = run_network(network, self.model_.store(held_records, held_table))
            return measure(outputs, held_target, held_table, held_weights)

        watching = None if validation is None else validate
        if fixed:
            with TrainingProgress(1, int(self.verbose), caller) as watcher, keep_freed_memory():
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
            self.history_ = _tabulate([row])
            return
        training_settings = TrainingSettings(
            max_epochs=settings.max_epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=self.weight_decay,
            # Told not to stop early, training only watches X_val.
            n_iter_no_change=None if self.early_stopping is False else self.n_iter_no_change,
            max_seconds=self.max_fit_seconds,
            mixed_precision=settings.mixed_precision,
        )
        # Who asks for threads gets them.
        threads = torch.get_num_threads()
        if self.n_jobs is None:
            threads = min(threads, threads_for(network, store, settings.batch_size))
        with (
            TrainingProgress(settings.max_epochs, int(self.verbose), caller) as watcher,
            keep_freed_memory(),
            thread_limit(threads),
        ):
            result = train(
                network,
                store,
                _move(target.tensor(table.record), settings.device),
                torch.from_numpy(weights[table.record]).to(settings.dtype).to(settings.device),
                loss,
                training_settings,
                generator=generator,
                validate=watching,
                watcher=watcher,
            )
        self.history_ = _tabulate(result.history)
        if result.interrupted:
            warnings.warn(
                f"Training of {caller} was interrupted after {len(self.history_)} of {settings.max_epochs} epochs. It "
                "keeps what was learnt until then and can predict; history_ shows how far it came.",
                UserWarning,
                stacklevel=4,
            )

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


def _tabulate(history: list[dict[str, float]]) -> pd.DataFrame:
    rows = pd.DataFrame(history, columns=list(HISTORY_COLUMNS))
    return rows.dropna(axis="columns", how="all") if len(rows) else rows


def _move(targets: Tensor, device: torch.device) -> Tensor:
    """Move targets to a device; Apple's GPUs have no float64."""
    single = device.type == "mps" and targets.dtype == torch.float64
    return targets.to(device, torch.float32) if single else targets.to(device)
