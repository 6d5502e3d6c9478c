"""Streams of fitted estimators, windows that know what was before them, and what both need to agree on."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_helpers import (
    ESTIMATORS,
    FIRST,
    LABELS,
    LANGUAGES,
    RATE,
    SERIES,
    SOUNDS,
    TEXTS,
    WORDS,
    message_of,
    outputs_of,
    quick,
)
from sklearn.exceptions import NotFittedError

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, load
from seqcnn.datasets import make_spoken_tones
from seqcnn.model import Model


def causal(kind: Any = SeqCNNClassifier, **parameters: Any) -> Any:
    return quick(kind, "tcn", **({"encoder__width": 4, "encoder__depth": 2, "encoder__kernel_size": 3} | parameters))


def fit(kind: Any, **parameters: Any) -> Any:
    y = {SeqCNNClassifier: LABELS, SeqCNNRegressor: FIRST * 2.0, SeqCNNEmbedder: LABELS}[kind]
    return causal(kind, **parameters).fit(SERIES, y)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_stream_of_a_whole_record_ends_with_what_the_estimator_says_of_it(kind: Any) -> None:
    estimator = fit(kind)
    stream = estimator.stream(hop_length=10)
    rows = np.concatenate([stream.push(SERIES[3][:17]), stream.push(SERIES[3][17:])])
    assert rows.shape == (4, stream.n_outputs)
    np.testing.assert_allclose(rows[-1], np.atleast_1d(outputs_of(estimator, SERIES[3:4])[0]), atol=1e-5)


def test_rows_equal_predict_proba_of_the_record_so_far_until_a_window_is_full() -> None:
    classifier = causal(sample_rate=RATE).fit(SOUNDS, WORDS)
    longest = max(len(np.ravel(sound)) for sound in SOUNDS)
    sound = np.ravel(max(SOUNDS, key=lambda sound: len(np.ravel(sound))))
    stream = classifier.stream(window_length=longest)
    assert (stream.sample_rate, stream.hop_length, stream.classes.tolist()) == (RATE, 160, classifier.classes_.tolist())
    rows = np.concatenate([stream.push(sound[:1]), stream.push(sound[1:500]), stream.push(sound[500:])])
    assert stream.n_scores == len(rows) == longest // 160
    prefixes = [sound[: (row + 1) * 160] for row in range(len(rows))]
    np.testing.assert_allclose(rows, classifier.predict_proba(prefixes), atol=1e-5)


@pytest.mark.parametrize("kind", [SeqCNNClassifier, SeqCNNRegressor])
def test_rows_equal_predict_windows_where_ends_agree(kind: Any) -> None:
    estimator = fit(kind, window_length=12, hop_length=4)
    windows = estimator.predict_windows(SERIES[:3])
    stream = estimator.stream(hop_length=4)
    assert stream.window_length == 12
    for record in range(3):
        stream.reset()
        rows = stream.push(SERIES[record])
        own = windows[windows["record"] == record]
        np.testing.assert_allclose(rows[own["end"] // 4 - 1], own.iloc[:, 3:], atol=1e-5)


def test_a_window_of_a_causal_network_knows_what_was_before_it() -> None:
    classifier = fit(SeqCNNClassifier, window_length=10, hop_length=10)
    other = SERIES[:1].copy()
    other[0, :10] += 5.0
    before, after = (classifier.predict_windows(X).iloc[:, 3:].to_numpy() for X in (SERIES[:1], other))
    # The two levels of the network look back 12 steps.
    assert np.abs(before - after).max(axis=1).round(6).astype(bool).tolist() == [True, True, True, False]


def test_training_reads_a_window_with_its_past_as_prediction_does() -> None:
    # The loss of an epoch at a learning rate of nothing is that of the windows that prediction scores.
    parameters = {"window_length": 12, "hop_length": 6, "max_epochs": 1, "batch_size": 1000, "learning_rate": 1e-30}
    classifier = fit(SeqCNNClassifier, early_stopping=False, precision="float32", **parameters)
    model, records = classifier.model_, classifier._read(SERIES)
    network = model.network
    table = model.cut(records)
    store = model.store(records, table)
    network.train()
    x, lengths, _, kept = store.batch(np.arange(len(table)))
    # With the statistics of batches, which training takes: every window's steps are those of its whole past.
    assert lengths is not None
    assert int(lengths.max()) == 12 + 12
    assert torch.equal(torch.as_tensor(kept), torch.full((len(table),), 12))
    network.eval()
    scores = torch.softmax(network(x, lengths, None, kept), 1).detach().numpy()
    np.testing.assert_allclose(scores, classifier.predict_windows(SERIES).iloc[:, 3:], atol=1e-5)


def test_a_causal_classifier_of_windows_learns_what_only_the_past_tells() -> None:
    # A burst stands in front of the last quarter: windows of noise after it are of another class by their past alone.
    generator = np.random.default_rng(0)
    X = generator.normal(scale=0.1, size=(80, 40)).astype(np.float32)
    y = np.arange(80) % 2
    X[y == 1, 26:29] += 3.0
    last = [series[30:] for series in X]
    classifier = causal(
        window_length=10, hop_length=10, max_epochs=30, encoder__depth=3, encoder__width=8, learning_rate=0.01
    ).fit(list(X), y)
    windows = classifier.predict_windows(list(X[:20]))
    at_end = windows[windows["end"] == 40]
    assert ((at_end[1] > 0.5) == y[:20]).mean() > 0.9
    alone = classifier.predict_proba(last[:20])[:, 1] > 0.5
    assert (alone == y[:20]).mean() < 0.8


def test_texts_of_a_causal_network_are_cut_with_their_past_too() -> None:
    classifier = causal(window_length=10, hop_length=5).fit(TEXTS, LANGUAGES)
    windows = classifier.predict_windows(TEXTS[:4])
    means = windows.groupby("record")[list(classifier.classes_)].mean()
    np.testing.assert_allclose(classifier.predict_proba(TEXTS[:4]), means, atol=1e-6)


def test_number_columns_stand_behind_each_window_of_a_causal_network() -> None:
    frame = pd.DataFrame({"wave": list(SERIES), "number": FIRST * 1.0})
    classifier = causal(window_length=10).fit(frame, LABELS)
    windows = classifier.predict_windows(frame)
    means = windows.groupby("record")[list(classifier.classes_)].mean()
    np.testing.assert_allclose(classifier.predict_proba(frame), means, atol=1e-6)
    assert message_of(ValueError, classifier.stream) == (
        "SeqCNNClassifier reads numbers beside each record, and a stream has none. Received: a model of the columns "
        "number. Fit it without these columns to stream."
    )


def test_the_length_of_training_records_is_kept_and_saved(tmp_path: Path) -> None:
    lengths = [20, 40, 30, 40, 40, 25]
    classifier = causal().fit([series[:n] for series, n in zip(SERIES, lengths, strict=False)], ["a", "b"] * 3)
    assert classifier.stream().window_length == 35
    classifier.save(tmp_path / "model.seqcnn")
    loaded = load(tmp_path / "model.seqcnn")
    assert loaded.stream().window_length == 35
    np.testing.assert_array_equal(loaded.stream().push(SERIES[0]), classifier.stream().push(SERIES[0]))


def test_a_file_of_an_earlier_version_loads_and_streams_with_a_window_that_is_given() -> None:
    from seqcnn.saving import describe_model, rebuild_model

    document, tensors = describe_model(fit(SeqCNNClassifier).model_)
    del document["record_length"]
    model: Model = rebuild_model(document, tensors, None)
    assert model.record_length is None
    classifier = fit(SeqCNNClassifier)
    classifier.model_ = model
    assert classifier.stream(window_length=40).push(SERIES[0]).shape == (40, 2)
    assert "which an earlier version saved" in message_of(ValueError, classifier.stream)


def test_a_pickle_of_an_earlier_version_streams_with_a_window_that_is_given() -> None:
    classifier = fit(SeqCNNClassifier)
    state = dict(classifier.model_.__dict__)
    del state["record_length"]
    old = object.__new__(Model)
    old.__dict__.update(state)
    classifier.model_ = pickle.loads(pickle.dumps(old))
    assert classifier.stream(window_length=40).push(SERIES[0]).shape == (40, 2)


def test_an_estimator_streams_once_it_is_fitted() -> None:
    with pytest.raises(NotFittedError):
        causal().stream()


def test_streams_go_on_while_the_estimator_is_used_and_trained() -> None:
    classifier = causal(warm_start=True, max_epochs=1).fit(SERIES, LABELS)
    expected = classifier.stream().push(SERIES[0])
    stream = classifier.stream()
    first = stream.push(SERIES[0][:20])
    classifier.predict(SERIES)
    classifier.fit(SERIES, LABELS)
    np.testing.assert_allclose(np.concatenate([first, stream.push(SERIES[0][20:])]), expected, atol=1e-6)


def test_a_network_that_looks_ahead_streams_late_and_ends_with_the_records_scores() -> None:
    classifier = quick().fit(SERIES, LABELS)
    stream = classifier.stream(hop_length=8, look_ahead=20)
    assert stream.look_ahead == 7
    rows = np.concatenate([stream.push(SERIES[0][:33]), stream.push(SERIES[0][33:]), stream.finish()])
    assert len(rows) == 5
    np.testing.assert_allclose(rows[-1], classifier.predict_proba(SERIES[:1])[0], atol=1e-5)


def test_what_cannot_stream_is_refused_with_the_reason() -> None:
    series = {"X": SERIES, "y": LABELS}
    assert message_of(ValueError, quick().fit(**series).stream).startswith(
        "The encoder of SeqCNNClassifier, FCN, looks 7 samples ahead, and those have not come yet. Received: "
        "look_ahead=0. Pass look_ahead=7 to have scores that much later, or "
    )
    assert message_of(ValueError, quick(encoder="minirocket").fit(**series).stream) == (
        "The encoder of SeqCNNClassifier has fixed kernels, whose features are counted over a whole record. Received: "
        "MiniRocket. Fit it with a causal encoder, such as 'tcn', to stream."
    )
    assert message_of(ValueError, causal(normalize="record").fit(**series).stream) == (
        "The network of SeqCNNClassifier scales each record by its own mean and deviation, which need the whole "
        "record. Received: a model with normalize='record'. Fit it with normalize='dataset' to stream."
    )
    assert message_of(ValueError, causal(normalize="level").fit(**series).stream) == (
        "The network of SeqCNNClassifier scales each record by its own mean, which needs the whole record. Received: a "
        "model with normalize='level'. Fit it with normalize='dataset' to stream."
    )
    assert message_of(ValueError, causal().fit(TEXTS, LANGUAGES).stream) == (
        "SeqCNNClassifier streams series and audio. Received: a model of text. Score texts whole, with predict."
    )
    assert message_of(ValueError, causal().fit(**series).stream, 8000) == (
        "The 'sample_rate' parameter of SeqCNNClassifier.stream must be None for series, which have none. Received: "
        "8000. Leave it out, and push samples that are as far apart as those of the training records."
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"look_ahead": -1},
            "The 'look_ahead' parameter of SeqCNNClassifier.stream must be an integer of at least 0. ",
        ),
        ({"window_length": 0}, "The 'window_length' parameter of SeqCNNClassifier.stream must be an integer of at "),
        ({"hop_length": 0}, "The 'hop_length' parameter of SeqCNNClassifier.stream must be an integer of at least 1"),
        ({"sample_rate": 0}, "The 'sample_rate' parameter of SeqCNNClassifier.stream must be an integer of at least 1"),
    ],
)
def test_parameters_that_are_off_are_named(parameters: dict[str, int], message: str) -> None:
    assert message_of(ValueError, fit(SeqCNNClassifier).stream, **parameters).startswith(message)


def test_windows_of_normalized_records_and_of_gaps_are_read_by_themselves_as_before() -> None:
    classifier = causal(normalize="record", window_length=10, hop_length=10).fit(list(SERIES), LABELS)
    cut = [SERIES[0][start : start + 10] for start in range(0, 40, 10)]
    windows = classifier.predict_windows(list(SERIES[:1])).iloc[:, 3:]
    np.testing.assert_allclose(windows, classifier.predict_proba(cut), atol=1e-6)


def test_values_and_features_come_as_the_estimator_gives_them() -> None:
    regressor = causal(SeqCNNRegressor).fit(SERIES, np.column_stack([FIRST * 1e6, -1.0 * FIRST]))
    rows = regressor.stream(hop_length=40).push(SERIES[0])
    np.testing.assert_allclose(rows, regressor.predict(SERIES[:1]), rtol=1e-5, atol=1e-3)
    embedder = causal(SeqCNNEmbedder).fit(SERIES)
    stream = embedder.stream(hop_length=40)
    assert stream.classes is None
    np.testing.assert_allclose(stream.push(SERIES[0]), embedder.transform(SERIES[:1]), atol=1e-5)


def test_several_labels_stream_as_probabilities_of_each() -> None:
    indicator = np.column_stack([FIRST, ~FIRST, np.ones(24)]).astype(int)
    classifier = causal().fit(SERIES, indicator)
    rows = classifier.stream(hop_length=40).push(SERIES[0])
    np.testing.assert_allclose(rows, classifier.predict_proba(SERIES[:1]), atol=1e-5)


def test_a_model_streams_by_itself() -> None:
    from seqcnn.streaming import Stream

    classifier = fit(SeqCNNClassifier)
    stream = Stream(replace(classifier.model_, window_length=15))
    assert stream.window_length == 15
    assert stream.classes is None


@pytest.mark.parametrize("front_end", ["log-mel", "mfcc", "pcen"])
@pytest.mark.parametrize("encoder", ["tcn", "matchboxnet", "tc-resnet8", "bc-resnet"])
def test_front_ends_and_their_encoders_stream_to_the_offline_numbers(front_end: str, encoder: str) -> None:
    if "front_end" not in SeqCNNClassifier().get_params():
        pytest.skip("there are no front ends")
    from seqcnn import list_encoders

    if encoder not in list_encoders():
        pytest.skip(f"there is no {encoder}")
    X, y = make_spoken_tones(8, n_words=2, sample_rate=RATE, seconds=0.5, random_state=0)
    parameters = {"encoder__depth": 2} if encoder == "tcn" else {"encoder__causal": True}
    classifier = quick(
        encoder=encoder, front_end=front_end, sample_rate=RATE, max_epochs=1, precision="float32", **parameters
    ).fit(X, y)
    sound = np.concatenate([np.ravel(wave) for wave in X])
    stream = classifier.stream(window_length=4000)
    rows = np.concatenate([stream.push(part) for part in np.array_split(sound, 60)])
    ends = stream.hop_length * (1 + np.arange(0, 4000 // stream.hop_length, 5))
    prefixes = classifier.predict_proba([sound[:end] for end in ends])
    np.testing.assert_allclose(rows[ends // stream.hop_length - 1], prefixes, atol=1e-5)
    stream.reset()
    np.testing.assert_allclose(stream.push(sound), rows, atol=1e-5)
