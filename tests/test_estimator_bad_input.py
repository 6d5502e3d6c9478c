"""What X may not be, at fit and at predict: the adapters' sentences arrive with the estimator's name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_helpers import (
    ESTIMATORS,
    LABELS,
    LANGUAGES,
    RATE,
    SERIES,
    SOUNDS,
    TEXTS,
    WORDS,
    message_of,
    quick,
    with_warnings,
)
from sklearn.exceptions import NotFittedError

from seqcnn import SeqCNNEmbedder, SeqCNNRegressor

NUMBERS = np.arange(24.0)
BLOCK = np.stack([SERIES, SERIES[::-1]], axis=1)
FRAME = pd.DataFrame(SERIES, columns=[f"t{step}" for step in range(40)])


def fit_message(kind: Any, X: Any, error: type[Exception] = ValueError, **parameters: Any) -> str:
    y = NUMBERS if kind is SeqCNNRegressor else LABELS
    n_records = len(X) if hasattr(X, "__len__") else 24
    return message_of(error, quick(kind, **parameters).fit, X, y[:n_records])


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("X", [SERIES[:0], [], FRAME.iloc[:0]], ids=["array", "list", "frame"])
def test_empty_X_is_refused(kind: Any, X: Any) -> None:
    shape = getattr(X, "shape", (0,))
    assert fit_message(kind, X) == (
        f"X is empty: found 0 sample(s) (shape={shape}) while a minimum of 1 is required by {kind.__name__}. Pass at "
        "least one record."
    )


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("n_labels", [24, 3], ids=["as many labels", "other labels"])
def test_one_dimensional_X_is_refused(kind: Any, n_labels: int) -> None:
    y = (NUMBERS if kind is SeqCNNRegressor else LABELS)[:n_labels]
    for X in (SERIES[:, 0], torch.from_numpy(SERIES[:, 0])):
        assert message_of(ValueError, quick(kind).fit, X, y) == (
            f"Expected 2D array, got 1D array instead: X has shape (24,). {kind.__name__} reads "
            "(n_records, n_timepoints). Reshape your data: X.reshape(1, -1) is one record of 24 time steps, "
            "X.reshape(-1, 1) is 24 records of 1 time step."
        )


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_nan_and_infinity_are_refused_together(kind: Any) -> None:
    X = BLOCK.copy()
    X[2, 1, 5:7] = np.nan
    X[4, 0, 3] = np.inf
    assert fit_message(kind, X) == (
        f"Input X contains NaN: X[2] has 2 (channel 1). Pass missing='interpolate' to {kind.__name__} to fill them "
        "from their neighbours, missing='mask' to let the network see what is missing, or drop these records. Input X "
        "contains infinity or a value too large for dtype('float32'): X[4] has 1 (channel 0). Replace or rescale these "
        "values."
    )


def test_interpolated_gaps_are_trained_on_and_predicted_from() -> None:
    X = np.tile(np.linspace(0.0, 1.0, 40), (24, 1)) + np.arange(24)[:, None]
    gaps = X.copy()
    gaps[:, 10:13] = np.nan
    whole, filled = quick().fit(X, LABELS), quick(missing="interpolate").fit(gaps, LABELS)
    np.testing.assert_allclose(filled.predict_proba(gaps), whole.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_arrays_and_strings_do_not_mix(kind: Any) -> None:
    assert fit_message(kind, [SERIES[0], "text", *SERIES[2:]]) == (
        f"All items of X must be of one kind, but X[0] is an array and X[1] is a string. Pass strings only, or arrays "
        f"of numbers only, to {kind.__name__}."
    )


def test_arrays_of_unequal_channels_do_not_mix() -> None:
    assert fit_message(SeqCNNEmbedder, [BLOCK[0], BLOCK[1][:1], BLOCK[2]]) == (
        "All records must have the same number of channels: X[0] has 2 (shape (2, 40)), but X[1] has 1 (shape "
        "(1, 40)). Pass (channels, time) arrays of one channel count to SeqCNNEmbedder."
    )


def test_channels_and_time_that_look_swapped_are_told() -> None:
    X = np.random.default_rng(0).normal(size=(24, 400, 2))
    _, warned = with_warnings(quick().fit, X, LABELS)
    assert warned == [
        "X has shape (24, 400, 2), which is read as 400 channels of 2 time steps. The axes look swapped: channels come "
        "before time. Pass X.transpose(0, 2, 1) if the last axis holds the channels, or seqcnn.from_tslearn(X) if it "
        "comes from tslearn."
    ]


def test_frame_with_words_in_it_is_refused() -> None:
    X = FRAME.assign(city="Graz", street="Ring")
    assert fit_message(SeqCNNEmbedder, X) == (
        "Beside columns of numbers, SeqCNNEmbedder reads one column of strings. Received: 'city' and 'street'. Join "
        "texts to one column; turn categories into numbers first, by OneHotEncoder within a ColumnTransformer(..., "
        "remainder='passthrough').set_output(transform='pandas'); drop the rest."
    )


def test_input_that_was_asked_for_must_be_there() -> None:
    assert fit_message(SeqCNNEmbedder, SERIES, input="text") == (
        "The 'input' parameter of SeqCNNEmbedder is 'text', which reads strings, but X holds numbers. Pass "
        "input='auto', or an X that fits."
    )


FITTED = {
    "series": quick().fit(BLOCK, LABELS),
    "table": quick().fit(SERIES, LABELS),
    "frame": quick().fit(FRAME, LABELS),
    "text": quick().fit(TEXTS, LANGUAGES),
    "audio": quick().fit([(wave, RATE) for wave in SOUNDS], WORDS),
}


@pytest.mark.parametrize(
    ("fitted", "X", "message"),
    [
        (
            "series",
            TEXTS,
            "SeqCNNClassifier was fitted on series (numbers), but X holds strings. Pass the kind of input it was "
            "fitted on, or fit it again.",
        ),
        (
            "text",
            SERIES,
            "SeqCNNClassifier was fitted on text (strings), but X holds numbers. Pass the kind of input it was fitted "
            "on, or fit it again.",
        ),
        (
            "table",
            [(wave, RATE) for wave in SOUNDS],
            "SeqCNNClassifier was fitted on series (numbers), but X holds (waveform, sample_rate) pairs. Pass the kind "
            "of input it was fitted on, or fit it again.",
        ),
        (
            "series",
            np.zeros((5, 3, 40)),
            "SeqCNNClassifier was fitted on records of 2 channels, but X has 3 channels (X has shape (5, 3, 40)). Pass "
            "records of 2 channels, or fit SeqCNNClassifier again.",
        ),
        (
            "series",
            np.zeros((5, 40, 2)),
            "SeqCNNClassifier was fitted on records of 2 channels, but X has 40 channels (X has shape (5, 40, 2)). The "
            "last axis has the fitted number of channels: pass X.transpose(0, 2, 1).",
        ),
        (
            "table",
            np.zeros((5, 30)),
            "X has 30 features, but SeqCNNClassifier is expecting 40 features as input. It was fitted on one table of "
            "40 time steps. Pass records of that length, or fit it on a list of arrays, (time,) each, if lengths may "
            "vary.",
        ),
        (
            "frame",
            FRAME.rename(columns={"t0": "zero"}),
            "The feature names should match those that were passed during fit.\nFeature names unseen at fit time:\n"
            "- zero\nFeature names seen at fit time, yet now missing:\n- t0\n",
        ),
        (
            "frame",
            FRAME[FRAME.columns[::-1]],
            "The feature names should match those that were passed during fit.\nFeature names must be in the same "
            "order as they were in fit.\n",
        ),
        (
            "table",
            np.full((1, 40), np.nan),
            "Input X contains NaN: X[0] has 40 (channel 0). Pass missing='interpolate' to SeqCNNClassifier to fill "
            "them from their neighbours, missing='mask' to let the network see what is missing, or drop these records.",
        ),
        (
            "audio",
            [(SOUNDS[0], 4000), (SOUNDS[1], RATE)],
            "SeqCNNClassifier was fitted on audio of 8000 Hz, but X[0] has 4000 Hz. Pass audio of 8000 Hz, or "
            "construct SeqCNNClassifier with sample_rate=8000 and fit it again: then it resamples other rates.",
        ),
    ],
)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_windows"])
def test_what_was_fitted_is_demanded_again(fitted: str, X: Any, message: str, method: str) -> None:
    assert message_of(ValueError, getattr(FITTED[fitted], method), X) == message


def test_frame_in_place_of_an_array_is_told_and_read() -> None:
    answers, warned = with_warnings(FITTED["table"].predict_proba, FRAME)
    assert warned == ["X has feature names, but SeqCNNClassifier was fitted without feature names"]
    np.testing.assert_array_equal(answers, FITTED["table"].predict_proba(SERIES))


def test_lists_may_hold_other_lengths_than_those_that_were_fitted() -> None:
    classifier = quick().fit(list(SERIES), LABELS)
    assert classifier.predict([SERIES[0][:25], np.tile(SERIES[1], 3)]).shape == (2,)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_unfitted_estimator_says_so(kind: Any) -> None:
    methods = {"transform"} if kind is SeqCNNEmbedder else {"predict", "predict_windows"}
    calls = [lambda method=method: getattr(quick(kind), method)(SERIES) for method in methods]
    for call in [*calls, lambda: quick(kind).network_, lambda: quick(kind).encoder_]:
        assert message_of(NotFittedError, call) == (
            f"This {kind.__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before using this "
            "estimator."
        )
