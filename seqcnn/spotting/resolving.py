"""Whatever was passed as a classifier becomes a fitted one that scores keywords and streams; files of spotters."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from seqcnn._checks import shorten
from seqcnn.augment import AudioAugmentation
from seqcnn.estimators import SeqCNNClassifier, load
from seqcnn.json_values import NotWritableError, decode, encode
from seqcnn.model_file import damaged, read_document, read_file, write_file
from seqcnn.spotting.personal import PersonalKeywords

_KEY = "spotter"


def resolve_classifier(classifier: Any, caller: str) -> Any:
    """Return a fitted classifier of audio.

    Parameters
    ----------
    classifier
        One that is fitted, alone or in a FrozenEstimator, or the path of a saved one.
    caller
        For the messages.

    Raises
    ------
    NotFittedError
        If it is None or not fitted.
    TypeError
        If it gives no probabilities of classes over time.
    ValueError
        If it was not fitted on audio.
    """
    if isinstance(classifier, FrozenEstimator):
        classifier = classifier.estimator
    if isinstance(classifier, str | os.PathLike):
        classifier = load(classifier)
    if classifier is None:
        raise NotFittedError(
            f"This {caller} has no classifier to listen with. Received: classifier=None. Call fit(X, y) first, or pass "
            f"a fitted classifier or the path of a saved one."
        )
    if isinstance(classifier, type) or not (hasattr(classifier, "predict_proba") and hasattr(classifier, "stream")):
        raise TypeError(
            f"The 'classifier' parameter of {caller} must be a SeqCNNClassifier, PersonalKeywords, or the path of a "
            f"saved classifier. Received: {shorten(classifier)}. Pass one of these."
        )
    if isinstance(classifier, PersonalKeywords):  # which are made of a fitted one
        return classifier
    try:
        check_is_fitted(classifier)
    except NotFittedError as error:
        raise NotFittedError(
            f"The classifier of this {caller} is not fitted. Received: {shorten(classifier)}. Call fit(X, y) of the "
            f"{caller}, or pass a classifier that is fitted. (scikit-learn's clone unfits it: pass "
            f"FrozenEstimator(classifier) where spotters are cloned.)"
        ) from error
    contract = getattr(getattr(classifier, "model_", None), "contract", None)
    if contract is not None and contract.kind != "audio":
        raise ValueError(
            f"The 'classifier' parameter of {caller} must be fitted on audio. Received: one fitted on {contract.kind}. "
            f"Fit it on recordings; bare waveforms are audio if sample_rate=... is given in Hz."
        )
    return classifier


IN_NOISE = AudioAugmentation(noise_share=0.9, noise_db=(0.0, 25.0))
"""What a spotter is trained in: words come out of a room.

Chosen on held-back speakers of Speech Commands, 250 clips in pink noise 10 dB below, heard in a stream: log-mel bands
and augment="audio" got 71 % of them right, with this noise 83 %, over PCEN bands 87 %.
"""


def to_train(classifier: Any, random_state: Any, caller: str) -> Any:
    """Return an estimator that ``fit`` may clone and train: the one that was passed, or the one that is recommended."""
    if classifier is None:
        return SeqCNNClassifier(
            "matchboxnet",
            encoder__causal=True,
            input="audio",
            front_end="pcen",
            augment=IN_NOISE,
            random_state=random_state,
        )
    if isinstance(classifier, str | os.PathLike):
        return load(classifier)
    if isinstance(classifier, FrozenEstimator) or not hasattr(classifier, "fit"):
        raise TypeError(
            f"{caller}.fit trains a copy of its classifier. Received: {type(classifier).__name__}, which cannot be "
            f"trained. Pass classifier=SeqCNNClassifier(...), or use the spotter as it is, without fit."
        )
    return classifier


def write_spotter(classifier: Any, state: dict[str, Any], path: Path, caller: str) -> None:
    """Write a classifier's model file with the spotter's part in it; :func:`seqcnn.load` reads the classifier.

    Raises
    ------
    TypeError
        If the classifier is not one of seqcnn's.
    ValueError
        If the keywords are objects that JSON cannot hold.
    """
    if not isinstance(classifier, SeqCNNClassifier):
        raise TypeError(
            f"A spotter's file holds a SeqCNNClassifier. Received: {type(classifier).__name__}. Save it with joblib "
            f"instead."
        )
    try:
        part = encode(state)
    except NotWritableError as error:
        raise ValueError(
            f"The settings of {caller} cannot be written to a model file. Received: {error}. Save it with joblib."
        ) from error
    classifier.save(path)
    document, tensors = read_file(path)
    write_file(path, tensors, {**document, _KEY: part})


def read_spotter(path: Path) -> tuple[Any, dict[str, Any]]:
    """Return the classifier of a file, and the spotter's part; it is empty in a classifier's own file."""
    classifier = load(path)
    document, _ = read_document(path)
    if _KEY not in document:
        return classifier, {}
    try:
        state = decode(document[_KEY])
        if not isinstance(state, dict):
            raise TypeError(f"its spotter's part is a {type(state).__name__}")
    except Exception as error:  # whatever a file of any content may cause
        raise damaged(path, error) from error
    return classifier, state
