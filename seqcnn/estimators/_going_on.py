"""Going on from what was fitted: ``partial_fit``, and ``fit`` with ``warm_start=True``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.utils import check_random_state
from torch import nn

from seqcnn._checks import join_words, name_first, shorten
from seqcnn._types import AnyArray
from seqcnn.augment.sounds import Sounds
from seqcnn.descent import Moments
from seqcnn.estimators._read_targets import find_positions, read_one_label_a_record
from seqcnn.estimators._targets import ClassTarget, NumericTarget
from seqcnn.inputs.containers import is_missing, to_plain_array

LARGEST_SEED = int(np.iinfo(np.int32).max)

# What the network, its statistics and its input contract were made of. The other parameters say how to train.
_STRUCTURE = (
    "encoder",
    "input",
    "sample_rate",
    "mono",
    "front_end",
    "max_characters",
    "window_length",
    "hop_length",
    "missing",
    "normalize",
)
_PARTS = ("encoder__", "front_end__")


@dataclass
class Progress:
    """What an estimator keeps of its training, so that it can go on.

    Attributes
    ----------
    seed
        Of the first training: it decides, each time, which records are held back.
    is_tiny
        Whether the rule of tiny series held when the network was built.
    structure
        The parameters that the network was built by.
    moments
        What the optimizer remembers of the latest ``partial_fit``.
    sounds
        What recordings are set in, so that it is read once; no pickle holds it.
    """

    seed: int
    is_tiny: bool
    structure: dict[str, object]
    moments: list[Moments] = field(default_factory=list)
    sounds: Sounds | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"sounds": None}


def structure_of(parameters: Mapping[str, Any]) -> dict[str, object]:
    """Return the parameters that decide what is built, in a form that can be compared later."""
    chosen = {name: value for name, value in parameters.items() if name in _STRUCTURE or name.startswith(_PARTS)}
    return {name: value if isinstance(value, nn.Module) else repr(value) for name, value in chosen.items()}


def check_structure(fitted: Mapping[str, object], parameters: Mapping[str, Any], in_steps: bool, caller: str) -> None:
    """Raise ValueError if parameters that the fitted network was built by have changed since."""
    now = structure_of(parameters)
    changed = [name for name in {**fitted, **now} if name not in fitted or name not in now or fitted[name] != now[name]]
    if changed:
        received, before = (
            join_words(f"{name}={shorten_value(values[name])}" if name in values else f"no {name}" for name in changed)
            for values in (now, fitted)
        )
        how = "partial_fit" if in_steps else "warm_start=True"
        anew = "fit" if in_steps else "warm_start=False"
        raise ValueError(
            f"{caller} cannot go on with {how}, because parameters that its network was built by have changed. "
            f"Received: {received}, after {before}. Set them back, or start anew with {anew}."
        )


@dataclass(frozen=True)
class Earlier:
    """What an earlier training left, for one that goes on from it.

    Attributes
    ----------
    progress
        Where it stands.
    history
        Its lines.
    """

    progress: Progress
    history: pd.DataFrame

    def chance(self) -> np.random.Generator:
        """Return a source of chance that is another one each time."""
        return np.random.default_rng([self.progress.seed, len(self.history)])


def find_earlier(estimator: Any, parameters: Mapping[str, Any], in_steps: bool) -> Earlier:
    """Return what a fitted estimator goes on from.

    Raises
    ------
    ValueError
        If parameters that its network was built by have changed.
    """
    progress: Progress | None = getattr(estimator, "_progress", None)
    if progress is not None:
        check_structure(progress.structure, parameters, in_steps, type(estimator).__name__)
    else:
        # A model that was read from a file knows its network only.
        in_double = estimator.model_.dtype == torch.float64
        is_tiny = isinstance(parameters["encoder"], str) and in_double
        progress = Progress(draw_seed(parameters["random_state"]), is_tiny, structure_of(parameters))
    return Earlier(progress, getattr(estimator, "history_", pd.DataFrame()))


def draw_seed(random_state: Any) -> int:
    """Draw the seed of one fit."""
    return int(check_random_state(random_state).randint(LARGEST_SEED))


def shorten_value(value: object) -> str:
    """Show a parameter in an error; of most of them the text is what was kept."""
    text = value if isinstance(value, str) else type(value).__name__
    return text if len(text) <= 40 else text[:37] + "..."


def refuse_fixed(encoder: Any, how: str, caller: str) -> None:
    """Raise ValueError: an encoder of fixed kernels, or a list of encoders, cannot be trained in steps."""
    if isinstance(encoder, list | tuple):
        raise ValueError(
            f"{caller} cannot go on with {how} with several encoders, which are judged on records that they did not "
            f"learn. Received: encoder={shorten(encoder)}. Call fit without it, or name one encoder, such as 'fcn'."
        )
    named = repr(encoder) if isinstance(encoder, str) else type(encoder).__name__
    raise ValueError(
        f"{caller} cannot go on with {how} behind an encoder of fixed kernels, whose head is solved from all records "
        f"at once. Received: encoder={named}. Call fit on all records without it, or take an encoder that is trained, "
        f"such as 'fcn'."
    )


def refuse_committee(how: str, caller: str) -> None:
    """Raise ValueError: the members of a committee cannot be trained in steps."""
    raise ValueError(
        f"{caller} cannot go on with {how} from a committee, whose members are judged on records that they did not "
        f"learn. Received: a fitted committee. Call fit without it, or fit one network anew, such as with "
        f"encoder='inception'."
    )


def read_first_classes(classes: Any, caller: str) -> AnyArray:
    """Read the ``classes`` of the first ``partial_fit``, sorted.

    Raises
    ------
    ValueError
        If they are left out, or are not at least two labels.
    """
    if classes is None:
        raise ValueError(
            f"classes must be passed on the first call to partial_fit. {caller} builds an output for each class "
            f"before it has seen them all. Pass classes=np.unique(y_all)."
        )
    labels = _to_array(classes)
    if labels.ndim != 1 or any(is_missing(label) for label in labels.tolist()):
        raise ValueError(
            f"The classes of {caller}.partial_fit must be a list of labels. Received: {shorten(classes)}. "
            f"Pass classes=np.unique(y_all)."
        )
    known: AnyArray = np.unique(labels)
    if len(known) < 2:
        raise ValueError(
            f"The classes of {caller}.partial_fit must hold at least two classes. Received: {shorten(classes)}. "
            f"Pass every label that will ever come."
        )
    return known


def check_later_classes(classes: Any, fitted: AnyArray, caller: str) -> None:
    """Raise ValueError if ``classes``, passed again, are others than those fitted."""
    if classes is None:
        return
    again = np.unique(_to_array(classes))
    if again.tolist() != fitted.tolist():
        raise ValueError(
            f"The classes of {caller}.partial_fit must be those of the first call. Received: classes="
            f"{shorten(again.tolist())} is not the same as on last call to partial_fit, was: "
            f"{shorten(fitted.tolist())}. Leave classes out, or start anew with fit."
        )


def read_labels_among(X: Any, y: Any, classes: AnyArray, caller: str) -> ClassTarget:
    """Read labels that must be among ``classes``.

    Raises
    ------
    ValueError
        If there is not one label a record, or labels are not among them.
    """
    positions, unknown = find_positions(read_one_label_a_record(X, y, caller, ("X", "y")), classes)
    if unknown:
        raise ValueError(
            f"The y of {caller}.partial_fit must hold the classes of the first call only, "
            f"{name_first([repr(label) for label in classes.tolist()])}. Received: {name_first(unknown)}. Drop these "
            f"records, or start anew with every label in classes."
        )
    return ClassTarget(classes, positions)


def check_same_classes(found: AnyArray, fitted: AnyArray, caller: str) -> None:
    """Raise ValueError if a warm start has other classes than the fit before."""
    if found.tolist() != fitted.tolist():
        raise ValueError(
            f"The y of {caller} must hold the classes of the fit before, because warm_start=True goes on from its "
            f"weights. Received: {name_first([repr(label) for label in found.tolist()])}, fitted on "
            f"{name_first([repr(label) for label in fitted.tolist()])}. Pass the same classes, or warm_start=False to "
            f"start anew."
        )


def check_same_form(has_sets: bool, had_sets: bool, how: str, caller: str) -> None:
    """Raise ValueError if records had one label each and now have a row of them, or the other way round."""
    if has_sets == had_sets:
        return
    forms = ("one label for each record", "an indicator matrix, a column a label")
    raise ValueError(
        f"The y of {caller} must be {forms[had_sets]}, as before, to go on with {how}. Received: {forms[has_sets]}. "
        f"Pass the same form, or start anew with {'fit' if how == 'partial_fit' else 'warm_start=False'}."
    )


def check_indicator_classes(classes: Any, named: AnyArray, caller: str) -> None:
    """Raise ValueError if ``classes``, passed with an indicator matrix, are not what its columns name."""
    if classes is None:
        return
    labels = to_plain_array(list(classes) if isinstance(classes, set | frozenset) else classes).ravel().tolist()
    if len(labels) != len(named) or set(labels) != set(named.tolist()):
        raise ValueError(
            f"The classes of {caller}.partial_fit must be those that the columns of y name, "
            f"{name_first([repr(label) for label in named.tolist()])}. Received: {shorten(classes)}. Leave classes "
            f"out: an indicator matrix has a column for every label."
        )


def check_same_targets(target: NumericTarget, n_targets: int, how: str, caller: str) -> None:
    """Raise ValueError if there are more or fewer targets than the network has outputs."""
    if target.values.shape[1] != n_targets:
        raise ValueError(
            f"The y of {caller} must hold as many targets as before, {n_targets}, to go on with {how}. Received: "
            f"{target.values.shape[1]}. Pass the same columns, or start anew with "
            f"{'fit' if how == 'partial_fit' else 'warm_start=False'}."
        )


def refuse_balanced(class_weight: Any, caller: str) -> None:
    """Raise ValueError for ``class_weight="balanced"``, which needs every label at once."""
    if isinstance(class_weight, str) and class_weight == "balanced":
        raise ValueError(
            f"class_weight='balanced' is not supported for {caller}.partial_fit, which never sees all labels at once. "
            f"Received: 'balanced'. Pass a dict of weights, such as those that "
            f"sklearn.utils.class_weight.compute_class_weight gives for all labels, or sampling='balanced'."
        )


def refuse_early_stopping(early_stopping: Any, caller: str) -> None:
    """Raise ValueError for ``early_stopping=True``: one pass cannot be stopped early."""
    if early_stopping is True:
        raise ValueError(
            f"partial_fit of {caller} does not support early_stopping=True: a call is one pass over all records it is "
            f"given. Received: early_stopping=True. Pass early_stopping=False, and score records of your own between "
            f"the calls."
        )


def _to_array(classes: Any) -> AnyArray:
    return to_plain_array(list(classes) if isinstance(classes, set | frozenset) else classes)
