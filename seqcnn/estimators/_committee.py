"""The fit of a committee: its members one after the other, and then how much each counts.

member -> settings, model -> trained in folds, or solved   -> its network, and what it says of records left out
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

from seqcnn._types import Float64Array
from seqcnn.committee import Blend, Committee, blend
from seqcnn.estimators._examples import Examples
from seqcnn.estimators._going_on import LARGEST_SEED
from seqcnn.estimators._roster import Member
from seqcnn.estimators._scoring import score_with
from seqcnn.estimators._settings import Settings
from seqcnn.estimators._training import train_model
from seqcnn.model import Model
from seqcnn.network import Network
from seqcnn.training import TrainingResult, Watcher, local_seed
from seqcnn.weighting import drop_little

Begin = Callable[[Member], tuple[Settings, Model]]
"""Settles how a member is fitted, and builds it."""
Watch = Callable[[str, Settings, Model], AbstractContextManager[Watcher]]
"""Shows how a member's fit goes."""


@dataclass
class Fitted:
    """A member that was fitted.

    Attributes
    ----------
    name
        As ``committee_`` shows it.
    model
        Its network, which answers by itself.
    answers
        What it says of the training records without having learnt them, ``(n_records, n_outputs)``.
    history
        Its lines.
    seconds
        How long it took.
    """

    name: str
    model: Model
    answers: Float64Array
    history: list[dict[str, float]]
    seconds: float


@dataclass
class CommitteeResult:
    """What is left of the fit of a committee.

    Attributes
    ----------
    model
        The committee with its input contract.
    table
        A line a member: member, weight, score and seconds.
    answers
        What the committee says of the training records, each member without having learnt them.
    training
        All lines of the members, and whether Ctrl-C ended it.
    """

    model: Model
    table: pd.DataFrame
    answers: Float64Array
    training: TrainingResult = field(default_factory=TrainingResult)


def fit_committee(
    members: Sequence[Member],
    examples: Examples,
    *,
    begin: Begin,
    watch: Watch,
    seed: int,
    caller: str,
) -> CommitteeResult:
    """Fit a committee to all records.

    Parameters
    ----------
    members
        At least one.
    examples
        With a target.
    begin, watch
        From the estimator.
    seed
        Of all chance; each member has its own, whichever others there are.
    caller
        The estimator's name, for the messages.

    Raises
    ------
    NonFiniteLossError
        If a member could not be trained.
    """
    fitted: list[Fitted] = []
    interrupted = False
    for position, member in enumerate(members):
        started = time.perf_counter()
        generator = np.random.default_rng([seed, position])
        settings, model, result = _fit_member(member, examples, generator, begin, watch, caller)
        assert result.left_out is not None
        fitted.append(Fitted(member.name, model, result.left_out, result.history, time.perf_counter() - started))
        interrupted = result.interrupted
        if interrupted:
            break
    joined = combine(fitted, examples, settings, caller=caller)
    lines = [{"member": one.name, **row} for one in fitted for row in one.history]
    joined.training = TrainingResult(
        cast("list[dict[str, float]]", lines), len(lines), interrupted, left_out=joined.answers
    )
    return joined


def _fit_member(
    member: Member,
    examples: Examples,
    generator: np.random.Generator,
    begin: Begin,
    watch: Watch,
    caller: str,
) -> tuple[Settings, Model, TrainingResult]:
    torch_seed = int(generator.integers(LARGEST_SEED))
    with local_seed(torch_seed, torch.device("cpu")):
        settings, model = begin(member)
        with watch(member.name, settings, model) as watcher:
            result = train_model(
                model, settings, examples, None, generator=generator, moments=[], watcher=watcher, caller=caller
            )
    return settings, model, result


def combine(fitted: Sequence[Fitted], examples: Examples, settings: Settings, *, caller: str) -> CommitteeResult:
    """Weigh fitted members, drop those that count for nothing, and join the others."""
    target = examples.target
    assert target is not None
    answers = [one.answers for one in fitted]
    weights = drop_little(target.weigh(answers, examples.weights))
    counted = np.flatnonzero(weights).tolist()
    kind = cast("Blend", target.output)
    scores = blend(
        [_to_scores(answers[position], kind) for position in counted], torch.from_numpy(weights[counted]), kind
    )
    sharpness = target.sharpness(scores, examples.weights)
    networks = [cast("Network", fitted[position].model.network) for position in counted]
    dtype = fitted[0].model.dtype
    network = Committee(
        nn.ModuleList(networks),
        torch.from_numpy(weights[counted]).to(dtype),
        kind,
        torch.tensor(sharpness, dtype=dtype),
    )
    model = replace(fitted[0].model, network=network.to(settings.device).eval())

    def score(of: Float64Array) -> float:
        return score_with(settings.scoring, of, examples, caller=caller)[0]

    table = pd.DataFrame(
        {
            "member": [one.name for one in fitted],
            "weight": weights,
            "score": [score(answer) for answer in answers],
            "seconds": [one.seconds for one in fitted],
        }
    )
    return CommitteeResult(model, table, model.finish((scores * sharpness).numpy()))


def _to_scores(answers: Float64Array, kind: Blend) -> torch.Tensor:
    """Return scores that mean these answers."""
    given = torch.from_numpy(answers)
    if kind == "values":
        return given
    given = given.clamp(1e-12, 1.0)
    return given.log() if kind == "probabilities" else torch.logit(given, eps=1e-12)
