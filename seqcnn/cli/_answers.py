"""An estimator's answers as a table: a line a record, or a window."""

from __future__ import annotations

from typing import Any

import pandas as pd

from seqcnn.estimators import SeqCNNClassifier, SeqCNNEmbedder


def check_wishes(estimator: Any, *, proba: bool, windows: bool) -> None:
    """Raise ValueError where a model cannot answer what is asked."""
    name = type(estimator).__name__
    if proba and not isinstance(estimator, SeqCNNClassifier):
        raise ValueError(f"--proba is for classifiers, and the model is a {name}. Drop --proba.")
    if windows and isinstance(estimator, SeqCNNEmbedder):
        raise ValueError(f"--windows is for classifiers and regressors, and the model is a {name}. Drop --windows.")


def answer(estimator: Any, X: Any, start: int, *, proba: bool, windows: bool) -> pd.DataFrame:
    """Return the answers for records, whose first is number ``start``.

    Columns: record, path (of audio files), start and end (of windows), prediction, probability_<class>; labels in the
    place of prediction where a record has any number of them, a list in each cell; of a regressor with several targets
    prediction_<name>, or prediction_0, ...; of an embedder its features.
    """
    classifies = isinstance(estimator, SeqCNNClassifier)
    if windows:
        frame: pd.DataFrame = estimator.predict_windows(X)
        scores = frame.iloc[:, 3:].to_numpy()
        places = frame[["record", "start", "end"]].assign(record=frame["record"] + start)
    else:
        places = pd.DataFrame({"record": range(start, start + len(X))})
        if estimator.model_.contract.kind == "audio" and isinstance(X, list) and isinstance(X[0], str):
            places["path"] = X
        if isinstance(estimator, SeqCNNEmbedder):
            scores = estimator.transform(X)
            features = pd.DataFrame(scores, columns=estimator.get_feature_names_out())
            return pd.concat([places, features], axis="columns")
        scores = estimator.predict_proba(X) if classifies else estimator.predict(X)
    if classifies:
        if estimator.model_.output == "labels":
            names = [str(label) for label in estimator.classes_]
            places["labels"] = [
                [name for name, share in zip(names, row, strict=True) if share > 0.5] for row in scores.tolist()
            ]
        else:
            places["prediction"] = estimator.classes_[scores.argmax(1)]
        if not proba:
            return places
        # Six digits: more is noise of the arithmetic.
        names = [f"probability_{label}" for label in estimator.classes_]
        return pd.concat([places, pd.DataFrame(scores.round(6), columns=names)], axis="columns")
    scores = scores.reshape(len(places), -1)
    known = estimator._target_names or range(scores.shape[1])
    names = ["prediction"] if scores.shape[1] == 1 else [f"prediction_{name}" for name in known]
    return pd.concat([places, pd.DataFrame(scores, columns=names)], axis="columns")
