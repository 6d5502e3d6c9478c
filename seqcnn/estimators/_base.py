"""What the three estimators share: a fit from X to a trained model.

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
from seqcnn.estimators._answering import AnsweringMixin
from seqcnn.estimators._augmenting import read_sounds, settle_augmentation, tell_memory
from seqcnn.estimators._building import build_network, check_encoder, is_fixed
from seqcnn.estimators._callbacks import CallbackSupportMixin, CallbackWatcher, with_callbacks
from seqcnn.estimators._checks import check_parameters, check_sampling
from seqcnn.estimators._conforming import find_conformity
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
from seqcnn.estimators._members import MembersMixin, count_epochs
from seqcnn.estimators._read_weights import read_groups
from seqcnn.estimators._roster import (
    check_members,
    is_list,
)
from seqcnn.estimators._saving import save_estimator
from seqcnn.estimators._settings import RECORDS_FOR_EARLY_STOPPING, Settings
from seqcnn.estimators._split import hold_back
from seqcnn.estimators._streaming import StreamingMixin
from seqcnn.estimators._targets import Target
from seqcnn.estimators._training import tabulate, train_model
from seqcnn.front_ends import FrontEnd
from seqcnn.inputs import InputContract
from seqcnn.model import Model, Output
from seqcnn.network import Network
from seqcnn.progress import TrainingProgress
from seqcnn.stems import FrontEndStem
from seqcnn.threads import thread_limit
from seqcnn.training import TrainingResult, local_seed


class BaseSeqCNN(CallbackSupportMixin, AnsweringMixin, StreamingMixin, MembersMixin, BaseEstimator):
    """Reading, windowing, training and scoring for every kind of target."""

    _output: Output | None = None
    """What a record is turned into; None is what the target asks for."""
    history_: pd.DataFrame
    kept_epoch_: int
    conformity_scores_: ConformityScores

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
            n_epochs = sum(count_epochs(one) for _, one in members) or settings.training.max_epochs
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
