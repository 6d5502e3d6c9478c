"""Checking an estimator's parameters, at ``fit`` and where they are used."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.utils import check_random_state

from seqcnn._checks import check_boolean, check_choice, check_integer, check_number, shorten
from seqcnn.estimators._augmenting import check_augment_parameter
from seqcnn.estimators._scoring import check_scoring_parameter

PRESETS = ("quick", "default", "best")
PRECISIONS = ("auto", "float32", "float64", "bfloat16")
SAMPLING = ("balanced", None)
NORMALIZE = ("auto", "dataset", "record", "level", "step", None)


def check_parameters(parameters: dict[str, Any], caller: str) -> None:
    """Raise TypeError or ValueError for the first parameter that is off.

    The parameters that say how X is read are checked by the readers.
    """
    check_integer("window_length", parameters["window_length"], minimum=1, or_none=True, caller=caller)
    check_integer("hop_length", parameters["hop_length"], minimum=1, or_none=True, caller=caller)
    _check_hop(parameters["window_length"], parameters["hop_length"], caller)
    check_choice("normalize", parameters["normalize"], NORMALIZE, caller=caller)
    check_choice("preset", parameters["preset"], PRESETS, caller=caller)
    check_number("max_fit_seconds", parameters["max_fit_seconds"], above=0, or_none=True, caller=caller)
    for name in ("max_epochs", "batch_size"):
        if not _is_auto(parameters[name]):
            check_integer(name, parameters[name], minimum=1, caller=caller)
    if not _is_auto(parameters["learning_rate"]):
        check_number("learning_rate", parameters["learning_rate"], above=0, caller=caller)
    check_number("weight_decay", parameters["weight_decay"], minimum=0, caller=caller)
    if not _is_auto(parameters["early_stopping"]):
        check_boolean("early_stopping", parameters["early_stopping"], caller=caller)
    check_number("validation_fraction", parameters["validation_fraction"], above=0, below=1, caller=caller)
    check_integer("n_iter_no_change", parameters["n_iter_no_change"], minimum=1, caller=caller)
    check_choice("precision", parameters["precision"], PRECISIONS, caller=caller)
    if parameters["n_jobs"] != -1:
        check_integer("n_jobs", parameters["n_jobs"], minimum=1, or_none=True, caller=caller)
    if not isinstance(parameters["verbose"], bool):
        check_integer("verbose", parameters["verbose"], minimum=0, caller=caller)
    _check_device(parameters["device"], caller)
    _check_random_state(parameters["random_state"], caller)
    if "label_smoothing" in parameters:
        check_number("label_smoothing", parameters["label_smoothing"], minimum=0, below=1, caller=caller)
    if "warm_start" in parameters:
        check_boolean("warm_start", parameters["warm_start"], caller=caller)
    if "sampling" in parameters:
        check_choice("sampling", parameters["sampling"], SAMPLING, caller=caller)
    check_augment_parameter(parameters.get("augment"), caller)
    check_scoring_parameter(parameters.get("scoring"), caller)


def check_sampling(parameters: dict[str, Any], caller: str) -> None:
    """Raise ValueError for ``sampling="balanced"`` where nothing is drawn in batches."""
    if parameters.get("sampling") == "balanced":
        raise ValueError(
            f"The 'sampling' parameter of {caller} must be None beside an encoder of fixed kernels, whose head is "
            f"solved from all records at once. Received: 'balanced'. Pass class_weight='balanced', or another encoder, "
            f"such as 'fcn'."
        )


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value == "auto"


def _check_hop(window_length: int | None, hop_length: int | None, caller: str) -> None:
    if hop_length is None:
        return
    if window_length is None:
        raise ValueError(
            f"The 'hop_length' parameter of {caller} needs a window_length. Received: hop_length={hop_length} and "
            f"window_length=None. Pass window_length too, or leave out hop_length."
        )
    if hop_length > window_length:
        raise ValueError(
            f"The 'hop_length' parameter of {caller} must be at most {window_length}, the window_length, or samples "
            f"between windows would be lost. Received: {hop_length}. Pass hop_length={window_length} or less."
        )


def _check_random_state(random_state: Any, caller: str) -> None:
    try:
        check_random_state(random_state)
    except ValueError:
        raise ValueError(
            f"The 'random_state' parameter of {caller} must be an integer from 0 to 4294967295, a "
            f"numpy.random.RandomState or None. Received: {shorten(random_state)}. Pass random_state=0 for results "
            f"that repeat."
        ) from None


def _check_device(device: Any, caller: str) -> None:
    problem = None
    try:
        kind = "auto" if _is_auto(device) else torch.device(device).type
    except (RuntimeError, TypeError):
        problem = "is not a device's name"
    else:
        if kind == "cuda" and not torch.cuda.is_available():
            problem = "is not there: torch finds no CUDA GPU"
        elif kind == "mps" and not torch.backends.mps.is_available():
            problem = "is not there: torch finds no Apple GPU"
        elif kind not in ("auto", "cpu", "cuda", "mps"):
            problem = "is none of these"
    if problem is not None:
        raise ValueError(
            f"The 'device' parameter of {caller} must be 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'. "
            f"Received: {shorten(device)}, which {problem}. Pass device='auto' to take what is there."
        )
