"""From a model file to the estimator that was saved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from torch import nn

from seqcnn._checks import shorten
from seqcnn.augment import AudioAugmentation, SeriesAugmentation
from seqcnn.conformal import ConformityScores
from seqcnn.estimators._saving import CONFORMITY, NETWORK
from seqcnn.estimators.classifier import SeqCNNClassifier
from seqcnn.estimators.embedder import SeqCNNEmbedder
from seqcnn.estimators.regressor import SeqCNNRegressor
from seqcnn.json_values import decode
from seqcnn.model import Model
from seqcnn.model_file import ModelFileError, damaged, read_file
from seqcnn.saving import MissingModuleError, list_foreign, rebuild_model, rebuild_module

Saved: TypeAlias = SeqCNNClassifier | SeqCNNRegressor | SeqCNNEmbedder

_ESTIMATORS: Mapping[str, type[Saved]] = {
    kind.__name__: kind for kind in (SeqCNNClassifier, SeqCNNRegressor, SeqCNNEmbedder)
}

_OUTPUTS = {
    "SeqCNNClassifier": ("probabilities", "labels"),
    "SeqCNNRegressor": ("values",),
    "SeqCNNEmbedder": ("features",),
}


def load(
    path: str | os.PathLike[str], *, encoder: nn.Module | None = None
) -> SeqCNNClassifier | SeqCNNRegressor | SeqCNNEmbedder:
    """Read a fitted estimator from a file that its ``save`` wrote.

    It is put on the CPU, whatever device it was trained on, and predicts there what the saved one did, to the bit.
    Nothing in the file is run, and nothing is imported because the file says so: a file from a stranger can hold a bad
    model, but no program.

    Parameters
    ----------
    path
        Of the file.
    encoder
        A module like the one that was fitted, with any weights: needed where ``encoder=`` was a module of your own,
        because a file holds its weights but not its code. It is copied.

    Returns
    -------
    SeqCNNClassifier, SeqCNNRegressor or SeqCNNEmbedder
        Fitted.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no model, is damaged, was written by a newer version, or needs ``encoder``.
    TypeError
        If ``encoder`` is no module.

    Examples
    --------
    >>> import tempfile
    >>> from seqcnn import SeqCNNClassifier, load
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> classifier = SeqCNNClassifier("fcn", max_epochs=2, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     classifier.save(f"{folder}/shapes.seqcnn")
    ...     loaded = load(f"{folder}/shapes.seqcnn")
    >>> bool((loaded.predict_proba(X) == classifier.predict_proba(X)).all())
    True
    """
    if encoder is not None and not isinstance(encoder, nn.Module):
        raise TypeError(
            f"The 'encoder' parameter of load must be a torch.nn.Module, or None. Received: {shorten(encoder)}. Pass a "
            "module like the one that was fitted."
        )
    path = Path(path)
    document, tensors = read_file(path)
    try:
        return _rebuild(document, tensors, encoder)
    except MissingModuleError as error:
        raise ModelFileError(_explain_module(path, str(error), encoder)) from error
    except Exception as error:  # whatever a file of any content may cause
        raise damaged(path, error if isinstance(error, ValueError) else f"{type(error).__name__}, {error}") from error


def _rebuild(document: dict[str, Any], tensors: dict[str, Any], encoder: nn.Module | None) -> Saved:
    name = document["estimator"]
    if name not in _ESTIMATORS:
        raise ValueError(f"seqcnn has no estimator {shorten(name)}")
    network = {key.removeprefix(NETWORK): tensor for key, tensor in tensors.items() if key.startswith(NETWORK)}
    model = rebuild_model(document["model"], network, encoder)
    parameters: dict[str, Any] = {}
    for key, value in document["parameters"].items():
        if isinstance(value, dict) and "$augmentation" in value:
            parameters[key] = AudioAugmentation(**value["$augmentation"])
        elif isinstance(value, dict) and "$series_augmentation" in value:
            parameters[key] = SeriesAugmentation(**value["$series_augmentation"])
        elif not (isinstance(value, dict) and "$module" in value):
            parameters[key] = decode(value)
        elif "foreign" in value["$module"]:
            parameters[key] = encoder
        else:
            prefix = f"{key}."
            weights = {name.removeprefix(prefix): held for name, held in tensors.items() if name.startswith(prefix)}
            own = encoder if list_foreign(value["$module"]) else None
            parameters[key] = rebuild_module(value["$module"], weights, own)
    estimator: Saved = _ESTIMATORS[name](**parameters)
    if model.output not in _OUTPUTS[name]:
        raise ValueError(f"a {name} has no model of {model.output}")
    for key, value in document["learnt"].items():
        if hasattr(type(estimator), key) or key in estimator.get_params(deep=False) or key.startswith("__"):
            raise ValueError(f"{name} learns no {key}")
        setattr(estimator, key, decode(value))
    estimator.model_ = model
    if "conformity" in document:
        estimator.conformity_scores_ = _rebuild_conformity(document["conformity"], tensors, model)
    classes = vars(estimator).get("classes_")
    if isinstance(estimator, SeqCNNClassifier) and (classes is None or len(classes) != model.n_outputs):
        raise ValueError(f"its network has {model.n_outputs} outputs, which are not as many as its classes")
    return estimator


def _rebuild_conformity(described: dict[str, Any], tensors: dict[str, Any], model: Model) -> ConformityScores:
    scores, counts = (tensors[CONFORMITY + key].numpy() for key in ("scores", "counts"))
    n_columns = {"probabilities": 1, "values": model.n_outputs}.get(model.output)
    if not len(scores) or scores.shape != counts.shape or scores.shape[1:] != (n_columns,):
        raise ValueError(f"its errors on records that were not learnt are {scores.shape} and {counts.shape}")
    return ConformityScores(scores, counts, bool(described["of_groups"]))


def _explain_module(path: Path, name: str, encoder: nn.Module | None) -> str:
    if not name:
        return (
            f"The 'encoder' parameter of load is for models of a user's own module, and {path} holds none: seqcnn "
            f"builds its encoder itself. Received: {type(encoder).__name__}. Drop encoder."
        )
    received = "no module" if encoder is None else f"a {type(encoder).__name__}"
    return (
        f"The model file {path} holds the weights of an encoder of your own, {name}, but no file holds its code. "
        f"Received: {received}. Pass load(path, encoder=...) a {name} built as it was; it gets the saved weights."
    )
