"""The estimators inside scikit-learn's pipelines, searches and cross-validations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from estimator_helpers import ESTIMATORS, FIRST, LABELS, LANGUAGES, RATE, SERIES, SOUNDS, TEXTS, WORDS, quick
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_predict, cross_validate
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.datasets import write_wav_folder

FOLDS = StratifiedKFold(2)


def test_grid_search_over_encoder_and_width_on_two_processes() -> None:
    # resnet and fcn both have a width, and each fit must see its own.
    grid = {"encoder": ["fcn", "resnet"], "encoder__width": [4, 6]}
    search = GridSearchCV(SeqCNNClassifier(max_epochs=2, n_jobs=1, random_state=0), grid)
    search.set_params(cv=FOLDS, n_jobs=2, error_score="raise").fit(SERIES, LABELS)
    assert len(search.cv_results_["params"]) == 4
    best = search.best_params_
    assert search.best_estimator_.encoder == best["encoder"]
    assert search.best_estimator_.get_params()["encoder__width"] == best["encoder__width"]
    # The refitted winner is what the same parameters give without a search.
    alone = SeqCNNClassifier(max_epochs=2, n_jobs=1, random_state=0).set_params(**best).fit(SERIES, LABELS)
    np.testing.assert_array_equal(search.predict_proba(SERIES), alone.predict_proba(SERIES))


def wav_paths(folder: Path) -> list[str]:
    return write_wav_folder(folder, SOUNDS, WORDS, RATE)


@pytest.mark.parametrize("input_kind", ["series", "lists", "text", "paths"])
def test_grid_search_takes_every_kind_of_input(input_kind: str, tmp_path: Path) -> None:
    data: dict[str, tuple[Any, Any]] = {
        "series": (SERIES, LABELS),
        "lists": (list(SERIES), LABELS),
        "text": (TEXTS, LANGUAGES),
        "paths": (wav_paths(tmp_path), WORDS),
    }
    X, y = data[input_kind]
    search = GridSearchCV(
        quick(max_epochs=1), {"encoder__width": [4, 8], "learning_rate": [0.001]}, cv=FOLDS, error_score="raise"
    ).fit(X, y)
    widths = [parameters["encoder__width"] for parameters in search.cv_results_["params"]]
    assert widths == [4, 8]
    assert search.best_estimator_.network_.n_features == search.best_params_["encoder__width"]
    assert search.predict(X).shape == (len(y),)


@pytest.mark.parametrize("input_kind", ["text", "paths"])
def test_grid_search_over_encoders_on_two_processes_reads_texts_and_paths(input_kind: str, tmp_path: Path) -> None:
    X, y = (TEXTS, LANGUAGES) if input_kind == "text" else (wav_paths(tmp_path), WORDS)
    grid = {"encoder": ["fcn", "resnet"], "encoder__width": [4, 6]}
    search = GridSearchCV(
        SeqCNNClassifier(max_epochs=1, n_jobs=1, random_state=0), grid, cv=FOLDS, n_jobs=2, error_score="raise"
    ).fit(X, y)
    assert {parameters["encoder"] for parameters in search.cv_results_["params"]} == {"fcn", "resnet"}
    assert search.predict(X).shape == (len(y),)


class Spy(SeqCNNClassifier):
    """Remembers what fit was given."""

    received: list[dict[str, Any]] = []  # noqa: RUF012  (shared on purpose: cross_validate fits clones)

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, X_val: Any = None, y_val: Any = None
    ) -> Any:
        Spy.received.append({"X": np.asarray(X), "sample_weight": sample_weight, "groups": groups})
        return super().fit(X, y, sample_weight=sample_weight, groups=groups, X_val=X_val, y_val=y_val)


def test_cross_validate_routes_groups_and_sample_weight_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Spy, "received", [])
    groups = np.arange(24) // 4
    weights = np.linspace(1.0, 2.0, 24)
    row_of = {series.tobytes(): row for row, series in enumerate(SERIES)}
    with sklearn.config_context(enable_metadata_routing=True):
        spy = Spy("fcn", encoder__width=4, max_epochs=1, n_jobs=1, early_stopping=True, validation_fraction=0.3)
        spy.set_fit_request(sample_weight=True, groups=True).set_score_request(sample_weight=True)
        scores = cross_validate(
            spy,
            SERIES,
            LABELS,
            cv=GroupKFold(3),
            params={"groups": groups, "sample_weight": weights},
            error_score="raise",
        )
    assert len(scores["test_score"]) == len(Spy.received) == 3
    for received in Spy.received:
        rows = [row_of[series.tobytes()] for series in received["X"]]
        assert len(rows) == 16
        np.testing.assert_array_equal(received["groups"], groups[rows])
        np.testing.assert_array_equal(received["sample_weight"], weights[rows])


def test_routed_sample_weight_changes_what_is_learnt_and_how_it_is_scored() -> None:
    weights = np.where(FIRST, 1e6, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = quick(max_epochs=20, learning_rate=0.02, encoder__normalization="none")
        classifier.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        result = cross_validate(
            classifier,
            SERIES,
            LABELS,
            cv=FOLDS,
            params={"sample_weight": weights},
            return_estimator=True,
            error_score="raise",
        )
    for estimator in result["estimator"]:
        assert set(estimator.predict(SERIES)) == {LABELS[0]}
    # Half of the records are wrong, but they weigh next to nothing.
    assert (result["test_score"] > 0.99).all()


def test_cross_val_predict_gives_probabilities() -> None:
    probabilities = cross_val_predict(quick(), SERIES, LABELS, cv=FOLDS, method="predict_proba")
    assert probabilities.shape == (24, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


def test_pipeline_with_a_scaler_in_front_is_a_classifier() -> None:
    pipeline = make_pipeline(StandardScaler(), quick()).fit(SERIES, LABELS)
    scaled = StandardScaler().fit_transform(SERIES)
    np.testing.assert_array_equal(pipeline.predict_proba(SERIES), quick().fit(scaled, LABELS).predict_proba(scaled))
    assert make_scorer(accuracy_score)(pipeline, SERIES, LABELS) == pipeline.score(SERIES, LABELS)


def test_parameters_of_the_encoder_are_set_through_a_pipeline() -> None:
    pipeline = Pipeline([("net", quick())])
    pipeline.set_params(net__encoder__width=5, net__encoder="resnet")
    assert pipeline.get_params()["net__encoder__width"] == 5
    assert pipeline.fit(SERIES, LABELS)["net"].encoder_.in_channels == 1
    assert repr(pipeline["net"].network_).startswith("Network(")


@pytest.mark.parametrize("cleaned", [False, True], ids=["as they are", "after a transformer"])
def test_pipeline_passes_texts_on(cleaned: bool) -> None:
    steps = [FunctionTransformer(lambda texts: [text.upper() for text in texts])] if cleaned else []
    pipeline = make_pipeline(*steps, quick()).fit(TEXTS, LANGUAGES)
    assert pipeline.predict(TEXTS).shape == (24,)


def test_features_feed_a_linear_model_in_a_pipeline() -> None:
    pipeline = make_pipeline(quick(SeqCNNEmbedder, max_epochs=20), StandardScaler(), LogisticRegression())
    pipeline.fit(SERIES, LABELS)
    assert pipeline.score(SERIES, LABELS) > 0.8
    assert pipeline[0].history_.shape[0] == 20  # y reached the embedder


def test_features_stand_beside_others_with_their_names() -> None:
    # A DataFrame with string columns is what the union's other half names its features after.
    frame = pd.DataFrame(SERIES, columns=[f"t{step}" for step in range(SERIES.shape[1])])
    union = FeatureUnion(
        [
            ("cnn", quick(SeqCNNEmbedder)),
            ("raw", FunctionTransformer(feature_names_out="one-to-one")),
        ]
    ).set_output(transform="pandas")
    features = union.fit_transform(frame, LABELS)
    assert isinstance(features, pd.DataFrame)
    assert list(features.columns) == [f"cnn__seqcnnembedder{column}" for column in range(8)] + [
        f"raw__{name}" for name in frame.columns
    ]
    assert features.index.equals(frame.index)


def test_frame_of_features_keeps_the_index_of_a_frame() -> None:
    frame = pd.DataFrame(SERIES, index=[f"case {row}" for row in range(24)])
    features = quick(SeqCNNEmbedder).set_output(transform="pandas").fit_transform(frame)
    assert list(features.index) == list(frame.index)
    assert list(features.columns) == [f"seqcnnembedder{column}" for column in range(8)]


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_estimator_shows_itself_in_text_and_html(kind: Any) -> None:
    estimator = kind("fcn", encoder__width=12, max_epochs=3)
    assert repr(estimator) == f"{kind.__name__}(encoder='fcn', encoder__width=12, max_epochs=3)"
    html = estimator._repr_html_()
    assert kind.__name__ in html
    assert "encoder__width" in html
    assert repr(kind()) == f"{kind.__name__}()"
    fitted = quick(kind).fit(SERIES, np.arange(24.0) if kind is SeqCNNRegressor else LABELS)
    assert kind.__name__ in fitted._repr_html_()
