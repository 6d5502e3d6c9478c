"""Every habit of a scikit-learn user, done as a user does it: searches, routing, columns, ensembles, frames, HTML."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from estimator_helpers import FIRST, LABELS, SERIES, TEXTS, message_of, quick
from sklearn.base import is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.datasets import make_shapes_in_noise

FOLDS = StratifiedKFold(2)
NUMBERS = SERIES.max(axis=1)
LEARNER = {"max_epochs": 10, "learning_rate": 0.01}


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# Searches


@pytest.mark.parametrize("search", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_halving_search_spends_epochs(search: Any) -> None:
    halving = search(
        quick(),
        {"encoder__width": [2, 4, 6, 8], "learning_rate": [0.001, 0.01]}
        if search is HalvingRandomSearchCV
        else {"encoder__width": [2, 4, 6, 8]},
        resource="max_epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=FOLDS,
        random_state=0,
        error_score="raise",
    )
    halving.fit(SERIES, LABELS)
    assert halving.n_resources_ == [1, 2, 4]
    assert halving.best_estimator_.max_epochs == 4
    assert len(halving.best_estimator_.history_) == 4


def test_halving_search_spends_records() -> None:
    halving = HalvingGridSearchCV(
        quick(), {"encoder__width": [2, 4]}, factor=2, min_resources=12, cv=FOLDS, random_state=0, error_score="raise"
    )
    halving.fit(SERIES, LABELS)
    assert halving.n_resources_ == [12, 24]
    assert halving.predict(SERIES).shape == (24,)


def test_randomized_search_draws_parameters_of_encoder_and_training() -> None:
    space = {"encoder": ["fcn", "resnet"], "encoder__width": range(2, 9), "scoring": [None, "roc_auc"]}
    search = RandomizedSearchCV(
        SeqCNNClassifier(max_epochs=1, n_jobs=1), space, n_iter=3, cv=FOLDS, random_state=0, error_score="raise"
    )
    assert search.fit(SERIES, LABELS).best_params_.keys() == space.keys()


def count_threads(estimator: Any, X: Any, y: Any) -> float:
    """A score, taken in the worker, that is how many threads a fit there runs with."""
    import torch

    from seqcnn.progress import TrainingProgress

    seen: list[int] = []
    original = TrainingProgress.on_batch
    TrainingProgress.on_batch = lambda *_: seen.append(torch.get_num_threads())  # type: ignore[method-assign,assignment]
    try:
        estimator.fit(X, y)
    finally:
        TrainingProgress.on_batch = original  # type: ignore[method-assign]
    return float(max(seen))


@pytest.mark.slow
def test_parallel_search_runs_one_thread_a_worker() -> None:
    big = SeqCNNClassifier("fcn", encoder__width=64, batch_size=64, max_epochs=1, random_state=0)
    X = np.tile(SERIES, (4, 6))
    y = np.tile(LABELS, 4)
    search = GridSearchCV(big, {"learning_rate": [0.001, 0.01]}, cv=2, n_jobs=2, scoring=count_threads, refit=False)
    search.fit(X, y)
    assert search.cv_results_["mean_test_score"].tolist() == [1.0, 1.0]


# Routing of metadata


def test_validation_set_goes_through_the_steps_of_a_pipeline(routing: None) -> None:
    shifted = SERIES + 1000.0  # only the scaler brings it back
    network = quick(early_stopping=False).set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("net", network)], transform_input=["X_val"])
    pipeline.fit(shifted, LABELS, X_val=shifted, y_val=LABELS)
    by_hand = quick(early_stopping=False)
    scaled = StandardScaler().fit_transform(shifted)
    by_hand.fit(scaled, LABELS, X_val=scaled, y_val=LABELS)
    told = pipeline["net"].history_["validation_loss"]
    np.testing.assert_allclose(told, by_hand.history_["validation_loss"])
    raw = quick(early_stopping=False).fit(scaled, LABELS, X_val=shifted, y_val=LABELS)
    assert not np.allclose(told, raw.history_["validation_loss"])


def test_everything_fit_takes_is_routed_through_a_pipeline(routing: None) -> None:
    network = quick(early_stopping=True, validation_fraction=0.3)
    network.set_fit_request(sample_weight=True, groups=True).set_score_request(sample_weight=True)
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), network)
    groups, weights = np.arange(24) // 3, np.linspace(1, 2, 24)
    pipeline.fit(SERIES, LABELS, sample_weight=weights, groups=groups)
    assert "validation_loss" in pipeline[-1].history_
    result = cross_validate(
        pipeline,
        SERIES,
        LABELS,
        cv=GroupKFold(3),
        params={"groups": groups},
        error_score="raise",
    )
    assert len(result["test_score"]) == 3
    search = GridSearchCV(network, {"encoder__width": [2, 4]}, cv=GroupKFold(2), error_score="raise")
    assert search.fit(SERIES, LABELS, sample_weight=weights, groups=groups).best_score_ >= 0


def test_partial_fit_asks_for_what_it_takes(routing: None) -> None:
    network = quick().set_partial_fit_request(classes=True, sample_weight=True)
    requests = network.get_metadata_routing().partial_fit.requests
    assert requests == {"classes": True, "sample_weight": True}


def test_metadata_reach_fit_without_routing_by_the_names_of_steps() -> None:
    pipeline = Pipeline([("scale", StandardScaler()), ("net", quick(early_stopping=False))])
    scaled = StandardScaler().fit_transform(SERIES)
    pipeline.fit(
        SERIES,
        LABELS,
        net__sample_weight=np.where(FIRST, 2.0, 1.0),
        net__groups=np.arange(24),
        net__X_val=scaled,
        net__y_val=LABELS,
    )
    by_hand = quick(early_stopping=False)
    by_hand.fit(scaled, LABELS, sample_weight=np.where(FIRST, 2.0, 1.0), X_val=scaled, y_val=LABELS)
    np.testing.assert_array_equal(pipeline.predict_proba(SERIES), by_hand.predict_proba(scaled))


# Columns


def tables() -> pd.DataFrame:
    """A table with a number, a word, a text and a series a row."""
    return pd.DataFrame(
        {
            "age": np.arange(24.0),
            "city": ["Rome", "Oslo"] * 12,
            "remark": TEXTS,
            "curve": list(SERIES),
        }
    )


def test_columns_of_texts_and_of_series_are_embedded_beside_others() -> None:
    columns = make_column_transformer(
        (StandardScaler(), ["age"]),
        (OneHotEncoder(sparse_output=False), ["city"]),
        (quick(SeqCNNEmbedder), "remark"),
        (quick(SeqCNNEmbedder, encoder__width=4), "curve"),
    )
    frame = tables()
    features = columns.fit_transform(frame, LABELS)
    assert features.shape == (24, 1 + 2 + 8 + 4)
    pipeline = make_pipeline(columns, StandardScaler(), LogisticRegression()).fit(frame, LABELS)
    assert pipeline.score(frame, LABELS) > 0.8
    # The series of the column are those of the array.
    alone = quick(SeqCNNEmbedder, encoder__width=4).fit(SERIES, LABELS).transform(SERIES)
    np.testing.assert_allclose(features[:, -4:], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_features_have_names_in_every_container(container: str) -> None:
    if container == "polars" and tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9):
        pytest.skip("the ColumnTransformer of older versions does not know polars 2")
    columns = ColumnTransformer([("text", quick(SeqCNNEmbedder), "remark"), ("age", "passthrough", ["age"])])
    columns.set_output(transform=container)
    features = columns.fit_transform(tables(), LABELS)
    names = [f"text__seqcnnembedder{column}" for column in range(8)] + ["age__age"]
    assert columns.get_feature_names_out().tolist() == names
    if container != "default":
        assert isinstance(features, pd.DataFrame if container == "pandas" else pl.DataFrame)
        assert list(features.columns) == names
    alone = quick(SeqCNNEmbedder).set_output(transform=container).fit(SERIES, LABELS)
    features = alone.transform(SERIES)
    assert alone.get_feature_names_out().tolist() == [f"seqcnnembedder{column}" for column in range(8)]
    if container == "polars":
        assert isinstance(features, pl.DataFrame)
        assert features.columns == alone.get_feature_names_out().tolist()


def test_embedders_stand_side_by_side() -> None:
    union = make_union(quick(SeqCNNEmbedder), quick(SeqCNNEmbedder, encoder__kernel_sizes=(5, 3)))
    assert union.fit_transform(SERIES, LABELS).shape == (24, 16)
    named = FeatureUnion([("near", quick(SeqCNNEmbedder)), ("far", quick(SeqCNNEmbedder))], n_jobs=1)
    assert named.fit(SERIES).get_feature_names_out()[[0, 8]].tolist() == [
        "near__seqcnnembedder0",
        "far__seqcnnembedder0",
    ]


# Meta-estimators


def learner(**parameters: Any) -> Any:
    return quick(**LEARNER | parameters)


@pytest.mark.parametrize(
    "build",
    [
        lambda: CalibratedClassifierCV(learner(), cv=2),
        lambda: CalibratedClassifierCV(learner(), cv=2, method="isotonic", ensemble=False),
        lambda: VotingClassifier([("a", learner()), ("b", learner(random_state=1))], voting="soft"),
        lambda: VotingClassifier([("a", learner()), ("b", learner(random_state=1))], voting="hard"),
        lambda: StackingClassifier([("a", learner()), ("b", learner(random_state=1))], cv=2),
        lambda: OneVsRestClassifier(learner()),
        lambda: OneVsOneClassifier(learner()),
        lambda: BaggingClassifier(learner(), n_estimators=2, random_state=0),
        lambda: BaggingClassifier(learner(), n_estimators=2, max_samples=0.8, bootstrap=False, random_state=0),
    ],
    ids=["calibrated", "isotonic", "soft vote", "hard vote", "stacked", "rest", "one", "bagged", "pasted"],
)
def test_meta_classifier_learns(build: Any) -> None:
    meta = build().fit(SERIES, LABELS)
    assert meta.score(SERIES, LABELS) > 0.8
    assert set(meta.predict(SERIES)) <= set(LABELS)


def test_voters_may_be_of_different_kinds() -> None:
    voters = [("net", learner()), ("line", make_pipeline(StandardScaler(), LogisticRegression()))]
    voting = VotingClassifier(voters, voting="soft", weights=[2, 1]).fit(SERIES, LABELS)
    assert voting.predict_proba(SERIES).shape == (24, 2)
    assert is_classifier(quick())
    assert is_regressor(quick(SeqCNNRegressor))


def test_records_without_labels_are_learnt_from() -> None:
    y = np.where(FIRST, 1, 0)
    y[::3] = -1
    trained = SelfTrainingClassifier(learner(), threshold=0.6).fit(SERIES, y)
    assert set(trained.predict(SERIES)) <= {0, 1}


def test_meta_regressors_learn() -> None:
    transformed = TransformedTargetRegressor(
        quick(SeqCNNRegressor, **LEARNER | {"max_epochs": 20}), func=np.log, inverse_func=np.exp
    )
    transformed.fit(SERIES, np.exp(NUMBERS))
    assert (transformed.predict(SERIES) > 0).all()
    two = np.column_stack([NUMBERS, -NUMBERS])
    for meta in (MultiOutputRegressor(quick(SeqCNNRegressor)), RegressorChain(quick(SeqCNNRegressor))):
        assert meta.fit(SERIES, two).predict(SERIES).shape == (24, 2)


def test_multi_output_regressor_goes_on_bit_by_bit() -> None:
    two = np.column_stack([NUMBERS, -NUMBERS])
    meta = MultiOutputRegressor(quick(SeqCNNRegressor))
    for rows in (slice(0, 12), slice(12, 24)):
        meta.partial_fit(SERIES[rows], two[rows])
    assert [len(each.history_) for each in meta.estimators_] == [2, 2]


# Validation and inspection


def test_cross_validate_takes_several_scorers() -> None:
    scoring = {
        "accuracy": "accuracy",
        "auc": "roc_auc",
        "recall": make_scorer(recall_score, pos_label=LABELS[0]),
    }
    result = cross_validate(quick(), SERIES, LABELS, cv=FOLDS, scoring=scoring, error_score="raise")
    assert {"test_accuracy", "test_auc", "test_recall"} <= set(result)
    assert cross_val_score(quick(SeqCNNRegressor), SERIES, NUMBERS, cv=2, scoring="r2").shape == (2,)
    labels = cross_val_predict(quick(), SERIES, LABELS, cv=FOLDS)
    assert set(labels) <= set(LABELS)


def test_learning_and_validation_curves() -> None:
    sizes, train, test = learning_curve(
        quick(), SERIES, LABELS, cv=FOLDS, train_sizes=[6, 12], shuffle=True, random_state=0, error_score="raise"
    )
    assert sizes.tolist() == [6, 12]
    assert train.shape == test.shape == (2, 2)
    bits = learning_curve(
        quick(), SERIES, LABELS, cv=FOLDS, train_sizes=[6, 12], exploit_incremental_learning=True, error_score="raise"
    )
    assert bits[1].shape == (2, 2)
    train, _ = validation_curve(quick(), SERIES, LABELS, param_name="encoder__width", param_range=[2, 4], cv=FOLDS)
    assert train.shape == (2, 2)


def two_channels() -> tuple[Any, Any]:
    """Series of two channels, of which only the second tells the class."""
    X, y = make_shapes_in_noise(60, n_classes=2, length=40, noise=0.1, random_state=0)
    noise = np.random.default_rng(0).normal(size=X.shape)
    return np.stack([noise, X], axis=1), y


def test_channels_are_ranked_by_permutation_in_a_frame_with_a_column_a_channel() -> None:
    # permutation_importance shuffles columns of tables; a frame whose cells are series makes a channel a column.
    X, y = two_channels()
    frame = pd.DataFrame({"noise": list(X[:, 0]), "signal": list(X[:, 1])})
    model = learner(max_epochs=15).fit(frame, y)
    assert model.score(frame, y) > 0.9
    importance = permutation_importance(model, frame, y, n_repeats=3, random_state=0)
    noise, signal = importance["importances_mean"]
    assert signal > 0.3
    assert abs(noise) < 0.1


def test_steps_of_a_table_are_ranked_by_permutation() -> None:
    importance = permutation_importance(learner().fit(SERIES, LABELS), SERIES, LABELS, n_repeats=1, random_state=0)
    assert importance["importances_mean"].shape == (40,)


# What a notebook shows


@pytest.mark.parametrize("fitted", [False, True])
def test_estimators_show_themselves_in_html_wherever_they_stand(fitted: bool) -> None:
    network, embedder = quick(), quick(SeqCNNEmbedder)
    shown = [
        network,
        make_pipeline(StandardScaler(), network),
        make_pipeline(embedder, LogisticRegression()),
        GridSearchCV(network, {"encoder__width": [2, 4]}, cv=2),
        VotingClassifier([("net", network)]),
    ]
    for estimator in shown:
        if fitted:
            estimator.fit(SERIES, LABELS)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            html = estimator._repr_html_()
        assert "SeqCNN" in html
        assert ("<span>Fitted</span>" in html, "<span>Not fitted</span>" in html) == (fitted, not fitted)
    assert "<script" in html or "<style" in html


def test_module_as_an_encoder_shows_itself_too() -> None:
    import torch

    assert "Conv1d" in quick(encoder=torch.nn.Conv1d(1, 2, 3))._repr_html_()


def test_unfitted_estimator_says_so() -> None:
    with pytest.raises(sklearn.exceptions.NotFittedError, match="is not fitted yet"):
        quick().predict(SERIES)


def test_three_dimensional_X_to_permutation_importance_is_scikit_learns_own_error() -> None:
    X, y = two_channels()
    model = quick().fit(X, y)
    assert "dim 3" in message_of(ValueError, permutation_importance, model, X, y)
