"""What a model file holds of an estimator beside its model: parameters, classes, history."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from seqcnn._checks import join_words
from seqcnn.augment import AudioAugmentation, SeriesAugmentation
from seqcnn.conformal import ConformityScores
from seqcnn.json_values import NotWritableError, encode
from seqcnn.model import Model
from seqcnn.model_file import FORMAT, write_file
from seqcnn.rebuilding import describe, is_ours
from seqcnn.saving import describe_model, take_tensors

NETWORK = "network."
"""Beginning of the names of the trained network's tensors; a module that is a parameter has that parameter's name."""
CONFORMITY = "conformity."
"""Beginning of the names of the errors on records that were not learnt."""


_NOT_KEPT = frozenset({"model_", "_progress", "conformity_scores_"})
"""Attributes that a file holds in another form, or not: the optimizer's memory belongs to the process that trains."""


def save_estimator(estimator: BaseEstimator, model: Model, path: Path) -> None:
    """Write a fitted estimator to a file.

    Raises
    ------
    TypeError
        If it is of a class that is not the library's.
    ValueError
        If something that was learnt cannot be written.
    """
    name = type(estimator).__name__
    if not type(estimator).__module__.startswith("seqcnn."):
        raise TypeError(
            f"A model file holds estimators of seqcnn's own classes. Received: {name}, a class made from one of them. "
            f"Save it with joblib instead."
        )
    parameters, tensors, left_out = _describe_parameters(estimator)
    learnt = {}
    for attribute, value in vars(estimator).items():
        if attribute in _NOT_KEPT or attribute in estimator.get_params(deep=False):
            continue
        try:
            learnt[attribute] = encode(value)
        except NotWritableError as error:
            what = "The labels of y" if attribute == "classes_" else f"The attribute {attribute}"
            raise ValueError(
                f"{what} cannot be written to a model file, which holds texts, numbers, booleans and dates of numpy. "
                f"Received: {error}. Fit {name} on such values, or save it with joblib."
            ) from error
    try:
        described, weights = describe_model(model)
    except NotWritableError as error:
        raise ValueError(
            f"The encoder of {name} was built from a value that a model file cannot hold. Received: {error}. Build it "
            "from numbers and texts, or save the estimator with joblib."
        ) from error
    document = {
        "format": FORMAT,
        "version": importlib.import_module("seqcnn").__version__,
        "estimator": name,
        "weights": sum(tensor.numel() for tensor in model.network.parameters()),
        "parameters": parameters,
        "left_out": left_out,
        "learnt": learnt,
        "model": described,
    }
    known: ConformityScores | None = vars(estimator).get("conformity_scores_")
    if known is not None:
        document["conformity"] = {"of_groups": known.of_groups}
        held = {"scores": known.scores, "counts": known.counts}
        tensors |= {CONFORMITY + key: torch.from_numpy(array) for key, array in held.items()}
    write_file(path, {NETWORK + key: tensor for key, tensor in weights.items()} | tensors, document)
    if left_out:
        warnings.warn(
            f"{join_words(left_out)} of {name} cannot be written to a model file, because JSON has no word for such an "
            f"object. What is loaded from {path} has the default instead, and predicts the same.",
            UserWarning,
            stacklevel=3,
        )


def _describe_parameters(estimator: BaseEstimator) -> tuple[dict[str, Any], dict[str, Tensor], list[str]]:
    """Return the parameters for JSON, the weights of a module among them, and the names of those that are left out."""
    described: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    left_out = []
    for name, value in estimator.get_params(deep=False).items():
        try:
            if isinstance(value, AudioAugmentation):
                described[name] = {"$augmentation": value.to_dict()}
            elif isinstance(value, SeriesAugmentation):
                described[name] = {"$series_augmentation": value.to_dict()}
            elif not isinstance(value, nn.Module):
                described[name] = encode(value)
            elif is_ours(value):
                described[name] = {"$module": describe(value)}
                tensors |= {f"{name}.{key}": tensor for key, tensor in take_tensors(value).items()}
            else:  # the user brings it to load
                described[name] = {"$module": {"foreign": type(value).__name__}}
        except NotWritableError:
            left_out.append(name)
    return described, tensors, left_out
