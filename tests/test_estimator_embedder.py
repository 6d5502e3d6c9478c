"""The embedder: features of one length from records of any, learnt with y or left as they were drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from estimator_helpers import LABELS, LANGUAGES, RATE, SERIES, SOUNDS, TEXTS, WORDS, message_of, quick
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from seqcnn import SeqCNNEmbedder
from seqcnn.datasets import make_shapes_in_noise

NUMBERS = np.arange(24.0) + 0.5


def embedder(**parameters: Any) -> Any:
    return quick(SeqCNNEmbedder, **parameters)


def test_without_y_the_seed_alone_decides() -> None:
    first, again, other = (embedder(random_state=seed).fit(SERIES).transform(SERIES) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_without_y_nothing_is_trained() -> None:
    plain, long = embedder().fit(SERIES), embedder(max_epochs=50, learning_rate=1.0).fit(SERIES)
    np.testing.assert_array_equal(plain.transform(SERIES), long.transform(SERIES))
    assert len(plain.history_) == 0
    assert list(plain.history_.columns)[:3] == ["epoch", "train_loss", "learning_rate"]


@pytest.mark.parametrize("y", [LABELS, NUMBERS, np.column_stack([NUMBERS, -NUMBERS])], ids=["labels", "one", "two"])
def test_with_y_the_features_are_learnt(y: Any) -> None:
    trained = embedder(max_epochs=3).fit(SERIES, y)
    assert len(trained.history_) == 3
    features = trained.transform(SERIES)
    assert features.shape == (24, 8)
    assert features.dtype == np.float64
    assert not np.allclose(features, embedder().fit(SERIES).transform(SERIES))
    np.testing.assert_array_equal(embedder(max_epochs=3).fit_transform(SERIES, y), features)


def test_numbers_in_nested_lists_are_the_same_as_in_an_array() -> None:
    y = np.column_stack([NUMBERS, -NUMBERS])
    expected = embedder().fit(SERIES, y).transform(SERIES)
    np.testing.assert_array_equal(embedder().fit(SERIES, y.tolist()).transform(SERIES), expected)


def test_whole_numbers_in_one_dimension_are_labels() -> None:
    for classes in (np.arange(24) % 3, np.arange(24.0) % 3):
        assert embedder().fit(SERIES, classes).network_.head.dense.out_features == 3
    for numbers in (NUMBERS % 3, (np.arange(24) % 3)[:, None]):
        assert embedder().fit(SERIES, numbers).network_.head.dense.out_features == 1


def test_features_stand_in_front_of_the_head() -> None:
    fitted = embedder(precision="float64").fit(SERIES, LABELS)
    x = torch.from_numpy(SERIES).double()[:, None]
    with torch.inference_mode():
        expected = fitted.network_.embed(x).numpy()
        scores = fitted.network_(x).numpy()
        by_hand = fitted.network_.head(torch.from_numpy(expected)).numpy()
    np.testing.assert_allclose(fitted.transform(SERIES), expected, atol=1e-10)
    np.testing.assert_allclose(scores, by_hand, atol=1e-10)


@pytest.mark.parametrize("learnt", [True, False], ids=["with y", "without y"])
def test_features_serve_a_linear_model(learnt: bool) -> None:
    X, y = make_shapes_in_noise(120, length=48, noise=0.1, random_state=0)
    X_new, y_new = make_shapes_in_noise(60, length=48, noise=0.1, random_state=1)
    features = embedder(encoder__width=32, max_epochs=15).fit(X, y if learnt else None)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(features.transform(X), y)
    # Three classes, so chance is a third.
    assert model.score(features.transform(X_new), y_new) > (0.8 if learnt else 0.5)


@pytest.mark.parametrize(
    ("X", "y", "parameters"),
    [
        (TEXTS, LANGUAGES, {}),
        (SOUNDS, WORDS, {"sample_rate": RATE}),
        ([series[: 30 + row % 9] for row, series in enumerate(SERIES)], LABELS, {"window_length": 12}),
    ],
    ids=["text", "audio", "ragged, windowed"],
)
def test_every_kind_of_input_has_features(X: Any, y: Any, parameters: dict[str, Any]) -> None:
    for target in (None, y):
        features = embedder(**parameters).fit(X, target).transform(X)
        assert features.shape == (len(X), 8)
        assert np.isfinite(features).all()


@pytest.mark.parametrize("X", [SERIES, SERIES[:, :10]], ids=["pooled", "tiny: each step keeps its place"])
def test_features_have_names(X: Any) -> None:
    fitted = SeqCNNEmbedder(random_state=0, n_jobs=1, max_epochs=1).fit(X)
    features = fitted.transform(X)
    names = fitted.get_feature_names_out()
    assert names.tolist() == [f"seqcnnembedder{column}" for column in range(features.shape[1])]
    frame = fitted.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == names.tolist()
    np.testing.assert_array_equal(frame.to_numpy(), features)


def test_held_back_records_stop_the_training_early() -> None:
    groups = np.arange(24) // 2
    fitted = embedder(early_stopping=True, validation_fraction=0.25).fit(SERIES, LABELS, groups=groups)
    assert "validation_loss" in fitted.history_
    assert len(embedder(early_stopping=True).fit(SERIES).history_) == 0


def test_one_class_is_refused() -> None:
    assert message_of(ValueError, embedder().fit, SERIES, ["a"] * 24) == (
        "The y of SeqCNNEmbedder must hold at least two classes. Received: 1 class, 'a'. Pass records of another "
        "class too."
    )


def test_lengths_of_X_and_y_that_differ_are_refused() -> None:
    for y in (LABELS[:3], NUMBERS[:3]):
        assert message_of(ValueError, embedder().fit, SERIES, y) == (
            "X and y of SeqCNNEmbedder must hold equally many cases. Received: 24 in X and 3 in y, inconsistent "
            "numbers of samples: [24, 3]. Pass one value of y for each record of X."
        )


def test_gap_in_the_numbers_is_named() -> None:
    y = NUMBERS.copy()
    y[5] = np.nan
    assert message_of(ValueError, embedder().fit, SERIES, y) == (
        "Input y contains NaN: y[5]. Drop these records, or give them a number."
    )
