"""An estimator of several encoders: which members there are, their fit, and a line a member in ``committee_``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from seqcnn.augment.series_settings import SeriesAugmentation
from seqcnn.augment.sounds import Sounds
from seqcnn.committee import Committee
from seqcnn.estimators._building import is_fixed
from seqcnn.estimators._callbacks import CallbackWatcher, with_callbacks
from seqcnn.estimators._committee import CommitteeFit
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._parameters import PartParametersMixin
from seqcnn.estimators._roster import Member, choose_members, encoder_is_auto, is_list, wants_one_network
from seqcnn.estimators._scoring import score_with
from seqcnn.estimators._settings import Settings, one_pass, settle
from seqcnn.estimators._training import tabulate
from seqcnn.inputs import InputContract, find_kind
from seqcnn.model import Model, Output
from seqcnn.network import Network
from seqcnn.progress import TrainingProgress
from seqcnn.training import TrainingResult
from seqcnn.windows import cut_windows


class MembersMixin(PartParametersMixin, ABC):
    """Settles, fits and joins the members of a committee, where an estimator is one."""

    encoder: Any
    input: str
    sample_rate: int | None
    window_length: int | None
    hop_length: int | None
    learning_rate: float | str
    max_fit_seconds: float | None
    verbose: int
    _output: Output | None
    model_: Model
    history_: pd.DataFrame
    kept_epoch_: int
    committee_: pd.DataFrame

    @property
    @abstractmethod
    def network_(self) -> Network | Committee:
        """What was trained."""

    @abstractmethod
    def _build(self, settings: Settings, contract: InputContract, examples: Examples) -> Model: ...

    @abstractmethod
    def _rebuild(self, learnt: dict[str, Any]) -> Callable[[], dict[str, Any]]: ...

    def _one_network(self, attribute: str) -> Network:
        network = self.network_
        if isinstance(network, Committee):
            raise AttributeError(
                f"{type(self).__name__} has no {attribute}, because it is a committee of {len(network)} networks. Take "
                f"those of network_.members, or fit it with one encoder, such as encoder='inception'."
            )
        return network

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
        labels = None if examples.target is None else examples.target.labels

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
                n_classes=0 if labels is None else len(np.unique(labels)),
            )

        settings = settle_for("auto" if is_list(self.encoder) else self.encoder)
        if in_steps:
            settings = one_pass(settings, self.learning_rate)
        if examples.target is None or self._output == "features":
            return settings, []
        members = choose_members(
            parameters,
            contract.kind,
            length=int(np.median(lengths)) if self.window_length is None else self.window_length,
            n_windows=n_windows,
            tiny=settings.is_tiny,
            in_steps=in_steps,
            predicts_numbers=examples.target.output == "values",
        )
        return settings, [(member, settle_for(member.encoder, in_committee=True)) for member in members]

    def _is_measured_anyway(self, X: Any, in_steps: bool) -> bool:
        if is_list(self.encoder) or is_fixed(self.encoder):
            return True
        if not encoder_is_auto(self.encoder) or self._output == "features":
            return False
        if wants_one_network(self.get_params(deep=False), in_steps):
            return False
        return find_kind(X, kind=self.input, sample_rate=self.sample_rate, caller=type(self).__name__) == "series"

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
        """Fit the members of a committee and join them in the model; fill ``history_`` and ``committee_``.

        Records of the user's own (``validation``) have no say; the last line of the history tells the score on them.
        """
        caller = type(self).__name__
        by_name = {member.name: settings for member, settings in members}
        watcher = CallbackWatcher(
            TrainingProgress(0, 0, caller),
            estimator=self,
            n_epochs=sum(map(count_epochs, by_name.values())),
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
            with TrainingProgress(count_epochs(settings), int(self.verbose), f"{caller}, {name}") as shown:
                watcher.show_on(shown)
                yield watcher

        fit = CommitteeFit(
            examples, begin, watch, seed=seed, max_seconds=self.max_fit_seconds, sounds=sounds, caller=caller
        )
        fitted = fit.run([member for member, _ in members])
        self.model_, self.committee_ = fitted.model, fitted.table
        lines: list[dict[str, Any]] = [*fitted.training.history]
        if validation is not None:
            answers = self.model_.score_records(validation.records, caller=caller)
            score, _ = score_with(next(iter(by_name.values())).scoring, answers, validation, caller=caller)
            lines.append({"member": "committee", "epoch": 1, "validation_score": score})
        self.history_ = tabulate(lines)
        self.kept_epoch_ = fitted.training.kept_epoch
        watcher.on_end()
        return fitted.training


def count_epochs(settings: Settings) -> int:
    """Return how many lines of the history a fit makes."""
    return 1 if is_fixed(settings.encoder) else settings.training.max_epochs
