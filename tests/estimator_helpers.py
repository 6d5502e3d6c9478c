"""What the tests of the estimators share: small data, quick estimators, and the whole text of an error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.datasets import make_alphabet_text, make_shapes_in_noise, make_spoken_tones

ESTIMATORS = (SeqCNNClassifier, SeqCNNRegressor, SeqCNNEmbedder)

SERIES, LABELS = make_shapes_in_noise(24, n_classes=2, length=40, noise=0.1, random_state=0)
"""24 series of 40 steps, 12 of each of two shapes."""

FIRST = np.equal(LABELS, LABELS[0])
"""Which of them are of the first one's shape."""

SWAPPED = np.where(FIRST, LABELS[np.argmin(FIRST)], LABELS[0])
"""The labels the wrong way round."""

TEXTS, LANGUAGES = make_alphabet_text(24, n_languages=2, length=(20, 40), random_state=0)
"""24 texts of 20 to 40 letters, 12 of each of two languages."""

RATE = 8000
SOUNDS, WORDS = make_spoken_tones(12, n_words=2, sample_rate=RATE, seconds=0.15, random_state=0)
"""12 recordings of about 1,200 samples, 6 of each of two words."""


def quick(kind: Any = SeqCNNClassifier, encoder: Any = "fcn", **parameters: Any) -> Any:
    """An estimator that fits in milliseconds; one thread, because many get in each other's way on a busy machine."""
    if isinstance(encoder, str) and encoder == "fcn":
        parameters = {"encoder__width": 8} | parameters
    return kind(encoder, **({"max_epochs": 2, "n_jobs": 1, "random_state": 0} | parameters))


def message_of(error: type[BaseException], call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """The text of the error that the call raises, which is of this type and no subtype of it."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is error
    return str(caught.value)


def with_warnings(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
    """What the call returns, and the whole texts of the warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(*args, **kwargs)
    assert all(warning.category is UserWarning for warning in caught)
    return result, [str(warning.message) for warning in caught]


def weights_of(estimator: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in estimator.network_.state_dict().items()}


def assert_same_weights(first: Any, second: Any) -> None:
    ours, theirs = weights_of(first), weights_of(second)
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def outputs_of(estimator: Any, X: Any) -> np.ndarray[Any, Any]:
    """Whatever the estimator says about X, as numbers."""
    for method in ("predict_proba", "transform", "predict"):
        if hasattr(estimator, method):
            return np.asarray(getattr(estimator, method)(X))
    raise AssertionError("an estimator predicts or transforms")
