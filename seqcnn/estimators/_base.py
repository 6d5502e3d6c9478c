"""What the three estimators share: a fit from X to a trained model, and the way back from X to scores.

check -> earlier training? -> split -> read -> Examples -> settle -> build, or go on -> train -> model_, history_
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.augment.series_settings import SeriesAugmentation
from seqcnn.augment.sounds import Sounds
from seqcnn.committee import Committee
from seqcnn.conformal import ConformityScores
from seqcnn.encoders import FeatureEncoder, SequenceEncoder
from seqcnn.estimators._augmenting import read_sounds, settle_augmentation, tell_memory
from seqcnn.estimators._building import build_network, check_encoder, is_fixed
from seqcnn.estimators._callbacks import CallbackSupportMixin, CallbackWatcher, with_callbacks
from seqcnn.estimators._checks import check_parameters, check_sampling
from seqcnn.estimators._committee import CommitteeFit
from seqcnn.estimators._conforming import find_conformity, measure_conformity
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._front_end import check_front_end
from seqcnn.estimators._going_on import (
    LARGEST_SEED,
    Earlier,
    Progress,
    draw_seed,
    find_earlier,
    refuse_committee,
    refuse_fixed,
    structure_of,
)
from seqcnn.estimators._parameters import PartParametersMixin
from seqcnn.estimators._read_weights import read_groups, read_weights
from seqcnn.estimators._reading import ReadingMixin
from seqcnn.estimators._roster import (
    Member,
    check_members,
    choose_members,
    encoder_is_auto,
    is_list,
    wants_one_network,
)
from seqcnn.estimators._saving import save_estimator
from seqcnn.estimators._settings import RECORDS_FOR_EARLY_STOPPING, Settings, one_pass, resolve_threads, settle
from seqcnn.estimators._split import hold_back
from seqcnn.estimators._streaming import StreamingMixin
from seqcnn.estimators._targets import Target
from seqcnn.estimators._training import tabulate, train_model
from seqcnn.front_ends import FrontEnd
from seqcnn.inputs import InputContract, find_kind
from seqcnn.inputs.records import Records
from seqcnn.model import Model, Output
from seqcnn.network import Network
from seqcnn.progress import TrainingProgress
from seqcnn.stems import FrontEndStem
from seqcnn.threads import thread_limit
from seqcnn.training import TrainingResult, local_seed
from seqcnn.windows import cut_windows


class BaseSeqCNN(CallbackSupportMixin, PartParametersMixin, ReadingMixin, StreamingMixin, BaseEstimator):
    """Reading, windowing, training and scoring for every kind of target."""

    _output: Output | None = None
    """What a record is turned into; None is what the target asks for."""
    history_: pd.DataFrame
    kept_epoch_: int
    conformity_scores_: ConformityScores

    def _one_network(self, attribute: str) -> Network:
        network = self.network_
        if isinstance(network, Committee):
            raise AttributeError(
                f"{type(self).__name__} has no {attribute}, because it is a committee of {len(network)} networks. Take "
                f"those of network_.members, or fit it with one encoder, such as encoder='inception'."
            )
        return network

    @property
    def network_(self) -> Network | Committee:
        """The trained network: raw input to scores, ``(batch, channels, time)`` to ``(batch, n_outputs)``."""
        check_is_fitted(self)
        return self.model_.network

    @property
    def encoder_(self) -> SequenceEncoder | FeatureEncoder:
        """The trained encoder, which another estimator takes as ``encoder=``; a committee has one a member."""
        return self._one_network("encoder_").encoder

    @property
    def front_end_(self) -> FrontEnd | None:
        """The front end, which another estimator takes as ``front_end=``; None where the network has none."""
        stem = self._one_network("front_end_").stem
        return stem.front_end if isinstance(stem, FrontEndStem) else None

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
        caller, in_steps = type(self).__name__, told is None
        parameters = self.get_params(deep=False)
        self._check(parameters, target)
        earlier = find_earlier(self, parameters, in_steps) if self._goes_on(in_steps) else None
        groups = read_groups(X, groups, caller)
        seed = draw_seed(self.random_state) if earlier is None else earlier.progress.seed

        # The split is that of the first fit, so that nothing held back was trained on; other chance is new.
        generator, torch_seed = np.random.default_rng(seed), seed
        holds_back = read_validation is None and not in_steps
        training, held = self._split(X, target, weights, groups, generator, holds_back=holds_back, in_steps=in_steps)
        if earlier is not None:
            generator = earlier.chance()
            torch_seed = int(generator.integers(LARGEST_SEED))

        if earlier is None:
            records, contract = self._read_anew(X, training)
        else:
            records, contract = self._read_on(X, in_steps), self.model_.contract
        examples, validation = Examples(records, target, weights, groups), None
        if read_validation is not None:
            validation = self._read_validation(*read_validation(), contract)
        elif len(held):
            validation = examples.take(held)
        examples = examples.take(training)

        tiny = None if earlier is None else earlier.progress.is_tiny
        settings, members = self._plan(parameters, contract, examples, tiny=tiny, in_steps=in_steps)
        has_fixed = all(member.is_fixed for member, _ in members) if members else is_fixed(self.encoder)
        sounds = self._find_sounds(examples, contract, seed, earlier, has_fixed=has_fixed)
        self.__dict__.pop("committee_", None)
        with thread_limit(settings.n_threads), local_seed(torch_seed, settings.device):
            if earlier is None:
                progress = Progress(seed, settings.is_tiny, structure_of(parameters))
                self.model_ = self._build(members[0][1] if members else settings, contract, examples)
            else:
                self.model_.network.to(settings.device, settings.dtype)
                progress = earlier.progress
            with self._put_back_after_errors(earlier):
                self.model_.check_lengths(records, caller=caller)
                if read_validation is not None and validation is not None:
                    self.model_.check_lengths(validation.records, caller=caller, name="X_val")
                if members:
                    result = self._fit_members(members, examples, validation, contract, seed, sounds, learnt, told)
                else:
                    result = self._train(settings, examples, validation, generator, sounds, earlier, learnt, told)
                known = find_conformity(self.model_, result.left_out, examples, validation, caller)
        progress.moments = result.moments if in_steps else []
        goes_on = in_steps or getattr(self, "warm_start", False)
        progress.sounds = sounds if goes_on and isinstance(sounds, Sounds) else None
        self._progress = progress
        self.__dict__.update(learnt)
        self.__dict__.pop("conformity_scores_", None)
        if known is not None:
            self.conformity_scores_ = known
        if result.interrupted:
            n_epochs = sum(_count_epochs(one) for _, one in members) or settings.training.max_epochs
            warnings.warn(
                f"Training of {caller} was interrupted after {len(result.history)} of {n_epochs} "
                "epochs. It keeps what was learnt until then and can predict; history_ shows how far it came.",
                UserWarning,
                stacklevel=3,
            )
        return self

    def _check(self, parameters: dict[str, Any], target: Target | None) -> None:
        """Raise TypeError or ValueError for parameters that are off, alone or beside each other."""
        caller = type(self).__name__
        check_parameters(parameters, caller)
        encoders = self.encoder if is_list(self.encoder) else [self.encoder]
        for encoder in encoders:
            # A tuple in a list joins what fixed kernels give.
            for part in encoder if isinstance(encoder, tuple) else (encoder,):
                check_encoder(part, self._encoder_parameters, caller=caller)
        if is_list(self.encoder):
            check_members(encoders, parameters, embeds=self._output == "features", caller=caller)
        check_front_end(self.front_end, self._front_end_parameters, caller=caller)
        if any(map(is_fixed, encoders)):
            if target is not None:
                target.check_closed_form(caller)
            check_sampling(parameters, caller)

    def _goes_on(self, in_steps: bool) -> bool:
        """Tell whether what was fitted is trained on; raise ValueError where it cannot be."""
        warm = getattr(self, "warm_start", False)
        if not (in_steps or warm):
            return False
        how, is_fitted = "partial_fit" if in_steps else "warm_start=True", self.__sklearn_is_fitted__()
        if is_list(self.encoder) or is_fixed(self.encoder):
            refuse_fixed(self.encoder, how, type(self).__name__)
        if is_fitted and isinstance(self.model_.network, Committee):
            refuse_committee(how, type(self).__name__)
        return is_fitted

    def _plan(
        self,
        parameters: dict[str, Any],
        contract: InputContract,
        examples: Examples,
        *,
        tiny: bool | None,
        in_steps: bool,
    ) -> tuple[Settings, list[tuple[Member, Settings]]]:
        """Settle how the fit is done, and how each member of a committee is, where it is one."""
        lengths = examples.records.lengths
        n_windows = len(cut_windows(lengths, self.window_length, self.hop_length))

        def settle_for(encoder: Any, *, in_committee: bool = False) -> Settings:
            return settle(
                parameters | {"encoder": encoder},
                contract.kind,
                lengths,
                n_windows,
                sample_rate=contract.sample_rate,
                tiny=tiny,
                in_committee=in_committee,
                has_target=examples.target is not None,
            )

        settings = settle_for("auto" if is_list(self.encoder) else self.encoder)
        if in_steps:
            settings = one_pass(settings, self.learning_rate)
        if examples.target is None or self._output == "features":
            return settings, []
        members = choose_members(parameters, contract.kind, tiny=settings.is_tiny, in_steps=in_steps)
        return settings, [(member, settle_for(member.encoder, in_committee=True)) for member in members]

    def _split(
        self,
        X: Any,
        target: Target | None,
        weights: Float64Array,
        groups: IntegerArray | None,
        generator: np.random.Generator,
        *,
        holds_back: bool,
        in_steps: bool,
    ) -> tuple[IntegerArray, IntegerArray]:
        """Return the positions in X of what is trained on, and of what is held back."""
        # A record of weight zero is as good as absent, also where it would be counted.
        kept = np.flatnonzero(weights > 0)
        wanted = self.early_stopping
        if target is None or not (holds_back and wanted):
            return kept, kept[:0]
        # What is solved in closed form, and each member of a committee, is measured on records that it did not learn.
        if wanted == "auto" and (len(kept) < RECORDS_FOR_EARLY_STOPPING or self._is_measured_anyway(X, in_steps)):
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

    def _is_measured_anyway(self, X: Any, in_steps: bool) -> bool:
        if is_list(self.encoder) or is_fixed(self.encoder):
            return True
        if not encoder_is_auto(self.encoder) or self._output == "features":
            return False
        if wants_one_network(self.get_params(deep=False), in_steps):
            return False
        return find_kind(X, kind=self.input, sample_rate=self.sample_rate, caller=type(self).__name__) == "series"

    def _find_sounds(
        self, examples: Examples, contract: InputContract, seed: int, earlier: Earlier | None, *, has_fixed: bool
    ) -> Sounds | SeriesAugmentation | None:
        """Return how records are changed in training, recordings with what they are set in; None where they are not."""
        caller = type(self).__name__
        settings = settle_augmentation(
            getattr(self, "augment", None),
            examples.records,
            examples.target,
            is_fixed=has_fixed,
            caller=caller,
        )
        if settings is None or isinstance(settings, SeriesAugmentation):
            return settings
        kept = None if earlier is None else earlier.progress.sounds
        return kept if kept is not None and kept.settings == settings else read_sounds(settings, contract, seed, caller)

    def _build(self, settings: Settings, contract: InputContract, examples: Examples) -> Model:
        network = build_network(
            settings,
            contract,
            examples,
            normalize=self.normalize,
            window_length=self.window_length,
            encoder_parameters=self._encoder_parameters,
            front_end=self.front_end,
            front_end_parameters=self._front_end_parameters,
            caller=type(self).__name__,
        )
        output = "features" if examples.target is None else self._output or examples.target.output
        median = int(np.median(examples.records.lengths))
        return Model(network, contract, output, self.window_length, self.hop_length, record_length=median)

    @contextmanager
    def _put_back_after_errors(self, earlier: Earlier | None) -> Iterator[None]:
        """Put back what an earlier training left if the block fails; without one, leave the estimator unfitted."""
        network = self.model_.network
        weights = None if earlier is None else deepcopy(network.state_dict())
        try:
            yield
        except BaseException:
            self.__dict__.pop("history_", None)
            if earlier is None or weights is None:
                self.__dict__.pop("committee_", None)
                del self.model_
            else:
                network.load_state_dict(weights)
                network.eval()
                self.history_ = earlier.history
            raise

    @with_callbacks  # type: ignore[untyped-decorator]
    def _train(
        self,
        settings: Settings,
        examples: Examples,
        validation: Examples | None,
        generator: np.random.Generator,
        sounds: Sounds | SeriesAugmentation | None,
        earlier: Earlier | None,
        learnt: dict[str, Any],
        told: dict[str, Any] | None,
    ) -> TrainingResult:
        """Train the model, and fill ``history_``, behind the earlier lines, and ``kept_epoch_``."""
        caller = type(self).__name__
        before = None if earlier is None else earlier.history
        n_epochs = 0 if examples.target is None else 1 if is_fixed(self.encoder) else settings.training.max_epochs
        make_history = partial(tabulate, before=before)
        with TrainingProgress(n_epochs, int(self.verbose) if n_epochs else 0, caller) as shown:
            if examples.records.kind == "audio" and earlier is None:
                shown.say(tell_memory(examples, sounds))
            watcher = CallbackWatcher(
                shown,
                estimator=self,
                n_epochs=n_epochs,
                told=told,
                rebuild=self._rebuild(learnt),
                tabulate=make_history,
            )
            result: TrainingResult = train_model(
                self.model_,
                settings,
                examples,
                validation,
                generator=generator,
                sounds=sounds,
                moments=earlier.progress.moments if earlier is not None and told is None else [],
                watcher=watcher,
                caller=caller,
            )
            self.history_ = make_history(result.history)
            self.kept_epoch_ = result.kept_epoch + (0 if before is None else len(before))
            watcher.on_end()
        return result

    @with_callbacks  # type: ignore[untyped-decorator]
    def _fit_members(
        self,
        members: list[tuple[Member, Settings]],
        examples: Examples,
        validation: Examples | None,
        contract: InputContract,
        seed: int,
        sounds: Sounds | SeriesAugmentation | None,
        learnt: dict[str, Any],
        told: dict[str, Any] | None,
    ) -> TrainingResult:
        """Fit the members of a committee and join them in the model; fill ``history_`` and ``committee_``."""
        caller = type(self).__name__
        by_name = {member.name: settings for member, settings in members}
        watcher = CallbackWatcher(
            TrainingProgress(0, 0, caller),
            estimator=self,
            n_epochs=sum(map(_count_epochs, by_name.values())),
            told=told,
            rebuild=self._rebuild(learnt),
            tabulate=tabulate,
        )

        def begin(member: Member, part: Examples) -> tuple[Settings, Model]:
            settings = by_name[member.name]
            if member.has_copies and not member.is_fixed:
                own = {**settings.encoder_parameters, "n_copies": member.n_folds}
                settings = replace(settings, encoder_parameters=own)
            self.model_ = self._build(settings, contract, part)
            return settings, self.model_

        @contextmanager
        def watch(name: str, settings: Settings) -> Iterator[CallbackWatcher]:
            with TrainingProgress(_count_epochs(settings), int(self.verbose), f"{caller}, {name}") as shown:
                watcher.show_on(shown)
                yield watcher

        fit = CommitteeFit(
            examples, begin, watch, seed=seed, max_seconds=self.max_fit_seconds, sounds=sounds, caller=caller
        )
        fitted = fit.run([member for member, _ in members])
        self.model_, self.committee_ = fitted.model, fitted.table
        self.history_ = tabulate(fitted.training.history)
        self.kept_epoch_ = fitted.training.kept_epoch
        watcher.on_end()
        return fitted.training

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

    def _conformalize(self, X: Any, target: Target, sample_weight: Any, groups: Any) -> Self:
        """Keep how far the fitted model is off on records of the user's own."""
        caller = type(self).__name__
        weights, groups = read_weights(X, sample_weight, caller), read_groups(X, groups, caller)
        # A record of weight zero is as good as absent.
        kept = np.flatnonzero(weights > 0)
        examples = Examples(self._read(X), target, weights, groups).take(kept)
        with thread_limit(resolve_threads(self.n_jobs)):
            outputs = self.model_.score_records(examples.records, caller=caller)
        self.conformity_scores_ = measure_conformity(outputs, examples)
        return self

    def _score_records(self, X: Any) -> Float64Array:
        """Return the model's output for each record, ``(n_cases, n_outputs)``."""
        records = self._read(X)
        with thread_limit(resolve_threads(self.n_jobs)):
            return self.model_.score_records(records, caller=type(self).__name__)

    def _score_windows(self, records: Records, columns: list[Any]) -> pd.DataFrame:
        """Return a line a window: record, start, end in samples, and the outputs."""
        with thread_limit(resolve_threads(self.n_jobs)):
            table, outputs = self.model_.score_windows(records, caller=type(self).__name__)
        places = pd.DataFrame({"record": table.record, "start": table.start, "end": table.stop})
        return pd.concat([places, pd.DataFrame(outputs, columns=columns)], axis="columns")


def _count_epochs(settings: Settings) -> int:
    return 1 if is_fixed(settings.encoder) else settings.training.max_epochs
