"""The fit of a committee: its members one after the other, and then how much each counts.

member -> settings, model -> trained in folds, or solved   -> its network, and what it says of records left out
                             asked after each round whether it earns a weight (_race.py)
all    -> weights from what they say of records left out   -> the committee, a line a member
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
import pandas as pd
import torch
from torch import nn

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.augment.series_settings import SeriesAugmentation
from seqcnn.augment.sounds import Sounds
from seqcnn.closed_form import embed_windows
from seqcnn.committee import Blend, Committee, blend
from seqcnn.cross_fitting import make_folds
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._going_on import LARGEST_SEED
from seqcnn.estimators._race import Race
from seqcnn.estimators._roster import Member
from seqcnn.estimators._scoring import score_with
from seqcnn.estimators._settings import Settings
from seqcnn.estimators._solving import prepare
from seqcnn.estimators._training import train_model
from seqcnn.model import Model
from seqcnn.network import Network
from seqcnn.training import TrainingResult, Watcher, local_seed
from seqcnn.weighting import drop_little

_FEW = 8
"""Records whose features tell how long those of all take."""
_SECONDS_A_PRODUCT = 1.3e-11
"""Of all windows or all features with each other: times both numbers, and the smaller once more; on one core."""
_SECONDS_A_PENALTY = 4e-11
"""Of choosing it by factors of that square: times the cube of its size."""
_SHARE_FOR_FEATURES, _SHARE_FOR_TRAINING = 0.7, 0.9
"""Of what is left of a budget; the rest is for judging."""

Begin = Callable[[Member, Examples], tuple[Settings, Model]]
"""Settles how a member is fitted to some records, and builds it."""
Watch = Callable[[str, Settings], AbstractContextManager[Watcher]]
"""Shows how a fit goes."""


@dataclass
class Fitted:
    """A member that was fitted.

    Attributes
    ----------
    name
        As ``committee_`` shows it.
    networks
        One for all records, or one for each fold, trained without it.
    answers
        What it says of the training records without having learnt them, ``(n_records, n_outputs)``; NaN where it has.
    history
        Its lines.
    seconds
        How long it took.
    is_trusted
        Whether it has weight before it has shown anything.
    """

    name: str
    networks: list[Network]
    answers: Float64Array
    history: list[dict[str, float]] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0
    is_trusted: bool = False


@dataclass
class CommitteeResult:
    """What is left of the fit of a committee.

    Attributes
    ----------
    model
        The committee with its input contract.
    table
        A line a member: member, weight, score and seconds.
    training
        All lines of the members, whether Ctrl-C ended it, and what the committee says of the training records, each
        member without having learnt them.
    """

    model: Model
    table: pd.DataFrame
    training: TrainingResult = field(default_factory=TrainingResult)


class CommitteeFit:
    """Fits the members of a committee to all records, and joins them.

    Parameters
    ----------
    examples
        With a target.
    begin, watch
        From the estimator.
    seed
        Of all chance; each member has its own, whichever others there are.
    max_seconds
        A budget, or None. What is trained is trained for what is left of it; fixed kernels that would not be done in
        time are left out, but for the last member where nothing else is there.
    sounds
        As :func:`seqcnn.estimators._training.train_model` takes it: how records are changed in training.
    caller
        The estimator's name, for the messages.
    """

    def __init__(
        self,
        examples: Examples,
        begin: Begin,
        watch: Watch,
        *,
        seed: int,
        max_seconds: float | None,
        sounds: Sounds | SeriesAugmentation | None = None,
        caller: str,
    ) -> None:
        assert examples.target is not None
        self._examples, self._target = examples, examples.target
        self._begin, self._watch, self._seed, self._sounds, self._caller = begin, watch, seed, sounds, caller
        self._deadline = None if max_seconds is None else time.perf_counter() + max_seconds

    def run(self, members: Sequence[Member]) -> CommitteeResult:
        """Fit and join.

        Raises
        ------
        NonFiniteLossError
            If a member could not be trained.
        """
        fitted: list[Fitted] = []
        self._fitted = fitted
        for position, member in enumerate(members):
            started = time.perf_counter()
            generator = np.random.default_rng([self._seed, position])
            later = members[position + 1 :]
            # What is trained takes what is left, in equal parts.
            self._n_to_come = sum(not other.is_fixed for other in later)
            must = not fitted and not later
            with local_seed(int(generator.integers(LARGEST_SEED)), torch.device("cpu")):
                if member.is_fixed and not must and not self._is_done_in_time(member, generator):
                    continue
                if member.must_earn and self._race().is_settled():
                    continue
                try:
                    one = self._fit(member, generator)
                except KeyboardInterrupt:
                    if not fitted:
                        raise
                    # Those that are done make a committee; this one said nothing yet.
                    fitted[-1].interrupted = True
                    break
            one.seconds, one.is_trusted = time.perf_counter() - started, member.is_trusted
            fitted.append(one)
            if one.interrupted:
                break
        return self._join(fitted)

    def _race(self) -> Race:
        others, trusted = [one.answers for one in self._fitted], [one.is_trusted for one in self._fitted]
        return Race(self._target, self._examples.weights, others, trusted)

    def _seconds_left(self) -> float:
        return np.inf if self._deadline is None else self._deadline - time.perf_counter()

    def _is_done_in_time(self, member: Member, generator: np.random.Generator) -> bool:
        """Tell whether the features of fixed kernels can be computed within the budget, by those of a few windows."""
        if self._deadline is None:
            return True
        _, model = self._begin(member, self._examples)
        network = cast("Network", model.network)
        few = self._examples.take(generator.permutation(len(self._examples.records))[:_FEW])
        store = model.store(few.records, model.cut(few.records))
        prepare(network, store, few, generator)
        started = time.perf_counter()
        embed_windows(network, store)
        each = (time.perf_counter() - started) / len(few.records)
        n_records = len(self._examples.records)
        smaller = min(n_records, network.n_features)
        product = _SECONDS_A_PRODUCT * n_records * network.n_features * smaller
        seconds = each * n_records + product + _SECONDS_A_PENALTY * smaller**3
        return seconds < _SHARE_FOR_FEATURES * self._seconds_left()

    def _train_for(self, settings: Settings, n_parts: int) -> Settings:
        """Let one of so many parts of a member be trained for its part of what is left of the budget."""
        if self._deadline is None:
            return settings
        seconds = max(_SHARE_FOR_TRAINING * self._seconds_left() / (n_parts * (1 + self._n_to_come)), 0.01)
        return replace(settings, training=replace(settings.training, max_seconds=seconds))

    def _fit(self, member: Member, generator: np.random.Generator) -> Fitted:
        if member.is_fixed:
            return self._fit_whole(member, generator, None)
        examples = self._examples
        folds = make_folds(
            len(examples.records), member.n_folds, generator, labels=self._target.labels, groups=examples.groups
        )
        if member.has_copies:
            return self._fit_whole(member, generator, folds)
        return self._fit_apart(member, generator, folds)

    def _fit_whole(self, member: Member, generator: np.random.Generator, folds: IntegerArray | None) -> Fitted:
        """Fit one network to all records: its head leaves each out, or its copies leave each a fold out."""
        settings, self._model = self._begin(member, self._examples)
        self._settings = self._train_for(settings, 1)
        result = self._train(member.name, self._model, self._examples, generator, folds)
        assert result.left_out is not None
        return Fitted(
            member.name, [cast("Network", self._model.network)], result.left_out, result.history, result.interrupted
        )

    def _fit_apart(self, member: Member, generator: np.random.Generator, folds: IntegerArray) -> Fitted:
        """Fit a network without each fold, and ask it about that fold."""
        examples = self._examples
        fitted = Fitted(member.name, [], np.full((len(examples.records), 0), np.nan))
        n_folds = int(folds.max()) + 1
        for fold in range(max(1, n_folds)):
            learnt, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            part = examples.take(learnt)
            settings, self._model = self._begin(member, part)
            self._settings = self._train_for(settings, max(1, n_folds) - fold)
            name = f"{member.name} {fold + 1}/{n_folds}" if n_folds > 1 else member.name
            result = self._train(name, self._model, part, generator, None)
            if not fitted.networks:
                fitted.answers = np.full((len(examples.records), self._model.n_outputs), np.nan)
            fitted.networks.append(cast("Network", self._model.network))
            if len(held):
                fitted.answers[held] = self._model.score_records(examples.records.take(held), caller=self._caller)
            done = len(fitted.history)
            fitted.history += [{**row, "epoch": row["epoch"] + done} for row in result.history]
            fitted.interrupted = result.interrupted
            if result.interrupted:
                break
        return fitted

    def _train(
        self,
        name: str,
        model: Model,
        examples: Examples,
        generator: np.random.Generator,
        folds: IntegerArray | None,
    ) -> TrainingResult:
        judge = None if folds is None else self._race().judge
        with self._watch(name, self._settings) as watcher:
            return train_model(
                model,
                self._settings,
                examples,
                None,
                generator=generator,
                sounds=self._sounds,
                moments=[],
                folds=folds,
                judge=judge,
                watcher=watcher,
                caller=self._caller,
            )

    def _join(self, fitted: Sequence[Fitted]) -> CommitteeResult:
        """Weigh fitted members, drop those that count for nothing, and join the others."""
        # Only records that no member has learnt can tell them apart.
        known = np.flatnonzero(np.all([np.isfinite(one.answers).all(1) for one in fitted], axis=0))
        judged = self._examples.take(known)
        weights: Float64Array = np.full(len(fitted), 1 / len(fitted))
        if len(known):
            assert judged.target is not None
            answers = [one.answers[known] for one in fitted]
            trusted = [one.is_trusted for one in fitted]
            weights = drop_little(judged.target.weigh(answers, judged.weights, trusted))
        kind = cast("Blend", self._target.output)
        counted = np.flatnonzero(weights).tolist()
        scores = blend(
            [_to_scores(fitted[position].answers[known], kind) for position in counted],
            torch.from_numpy(weights[counted]),
            kind,
        )
        sharpness = judged.target.sharpness(scores, judged.weights) if judged.target is not None and len(known) else 1.0
        # The networks of one member share its weight.
        shares = [weights[position] / len(fitted[position].networks) for position in counted]
        networks = [network for position in counted for network in fitted[position].networks]
        repeated = np.repeat(shares, [len(fitted[position].networks) for position in counted])
        dtype = self._model.dtype
        committee = Committee(
            nn.ModuleList(networks),
            torch.from_numpy(repeated).to(dtype),
            kind,
            torch.tensor(sharpness, dtype=dtype),
        )
        model = replace(self._model, network=committee.to(self._settings.device).eval())
        left_out = np.full((len(self._examples.records), model.n_outputs), np.nan)
        left_out[known] = model.finish((scores * (sharpness if kind != "values" else 1.0)).numpy())
        table = pd.DataFrame(
            {
                "member": [one.name for one in fitted],
                "weight": weights,
                "score": [self._score(one.answers[known], judged) for one in fitted],
                "seconds": [one.seconds for one in fitted],
            }
        )
        lines = [{"member": one.name, **row} for one in fitted for row in one.history]
        training = TrainingResult(
            cast("list[dict[str, float]]", lines),
            kept_epoch=len(lines),
            interrupted=fitted[-1].interrupted,
            left_out=left_out,
        )
        return CommitteeResult(model, table, training)

    def _score(self, answers: Float64Array, judged: Examples) -> float:
        if not len(answers):
            return float("nan")
        return score_with(self._settings.scoring, answers, judged, caller=self._caller)[0]


def _to_scores(answers: Float64Array, kind: Blend) -> torch.Tensor:
    """Return scores that mean these answers."""
    given = torch.from_numpy(answers)
    if kind == "values":
        return given
    given = given.clamp(1e-12, 1.0)
    return given.log() if kind == "probabilities" else torch.logit(given, eps=1e-12)
