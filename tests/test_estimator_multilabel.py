"""Records with any number of labels: an indicator matrix in, another out, and each label learnt by itself."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from estimator_helpers import ESTIMATORS, assert_same_weights, message_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    jaccard_score,
    log_loss,
)
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MultiLabelBinarizer

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder
from seqcnn.calibration import fit_sigmoids
from seqcnn.losses import binary_cross_entropy

FAST: dict[str, Any] = {"encoder__width": 24, "learning_rate": 0.02, "batch_size": 15}

NAMES = ["hum", "bump", "step"]


def parts(n: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Series in noise that hold any of three shapes, and which they hold."""
    generator = np.random.default_rng(seed)
    present, time = generator.integers(0, 2, (n, 3)), np.arange(64)
    shapes = np.stack([2 * np.sin(time / 2), 4.0 * (abs(time - 32) < 4), 2 * np.sign(np.sin(time / 5))])
    return present @ shapes + generator.normal(size=(n, 64)), present


X, Y = parts(60, 0)
X_NEW, Y_NEW = parts(40, 1)
FRAME = pd.DataFrame(Y.astype(bool), columns=NAMES)


def fitted(y: Any = Y, **parameters: Any) -> SeqCNNClassifier:
    if "encoder" not in parameters:
        parameters = FAST | parameters
    classifier: SeqCNNClassifier = quick(**({"max_epochs": 15} | parameters)).fit(X, y)
    return classifier


@pytest.mark.parametrize("encoder", ["fcn", "minirocket", "hydra"])
def test_every_label_is_learnt_by_itself(encoder: str) -> None:
    classifier = fitted() if encoder == "fcn" else fitted(encoder=encoder)
    probabilities = classifier.predict_proba(X_NEW)
    assert probabilities.shape == (40, 3)
    assert classifier.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(classifier.predict(X_NEW), probabilities > 0.5)
    assert classifier.score(X_NEW, Y_NEW) == accuracy_score(Y_NEW, classifier.predict(X_NEW))
    assert classifier.score(X_NEW, Y_NEW) > 0.85
    # Probabilities that mean something: far better than each label's share of records.
    for label in range(3):
        assert log_loss(Y_NEW[:, label], probabilities[:, label]) < 0.25


@pytest.mark.parametrize(
    ("y", "kind", "dtype", "classes"),
    [
        (Y, np.ndarray, "int64", [0, 1, 2]),
        (Y.astype(bool), np.ndarray, "bool", [0, 1, 2]),
        (Y.astype(np.int8), np.ndarray, "int8", [0, 1, 2]),
        (Y.astype(float), np.ndarray, "float64", [0, 1, 2]),
        (Y.tolist(), np.ndarray, "int64", [0, 1, 2]),
        ([tuple(row) for row in Y.tolist()], np.ndarray, "int64", [0, 1, 2]),
        (list(Y), np.ndarray, "int64", [0, 1, 2]),
        (pd.Series(list(Y)), np.ndarray, "int64", [0, 1, 2]),
        (torch.from_numpy(Y), np.ndarray, "int64", [0, 1, 2]),
        (FRAME, np.ndarray, "bool", NAMES),
        (FRAME.astype("boolean"), np.ndarray, "bool", NAMES),
        (FRAME.astype("Int64").set_axis([5, 7, 9], axis=1), np.ndarray, "int64", [5, 7, 9]),
        (sparse.csr_matrix(Y), sparse.csr_matrix, "int64", [0, 1, 2]),
        (sparse.coo_matrix(Y.astype(bool)), sparse.csr_matrix, "bool", [0, 1, 2]),
        (sparse.csc_array(Y), sparse.csr_array, "int64", [0, 1, 2]),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}",
)
def test_an_indicator_matrix_comes_back_as_it_went_in(y: Any, kind: type, dtype: str, classes: list[Any]) -> None:
    classifier = fitted(y, max_epochs=3)
    predicted = classifier.predict(X_NEW)
    assert type(predicted) is kind
    assert predicted.dtype == dtype
    assert classifier.classes_.tolist() == classes
    dense = predicted.toarray() if sparse.issparse(predicted) else predicted
    np.testing.assert_array_equal(dense, fitted(max_epochs=3).predict(X_NEW))


def test_the_conventions_are_those_of_scikit_learns_own_network() -> None:
    theirs, ours = MLPClassifier(max_iter=2000, random_state=0).fit(X, Y), fitted()
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.predict_proba(X).shape == theirs.predict_proba(X).shape
    assert ours.predict(X).dtype == theirs.predict(X).dtype
    assert ours.score(X, Y) == accuracy_score(Y, ours.predict(X)) > 0.9


def test_a_column_that_never_changes_is_learnt_as_it_is() -> None:
    y = np.column_stack([Y[:, 0], np.ones(60), np.zeros(60)]).astype(int)
    for encoder in ("fcn", "minirocket"):
        for class_weight in (None, "balanced"):
            options = {} if encoder == "fcn" else {"encoder": encoder}
            predicted = fitted(y, class_weight=class_weight, **options).predict_proba(X_NEW)
            assert (predicted[:, 1] > 0.6).all()
            assert (predicted[:, 2] < 0.4).all()


def test_windows_have_a_column_a_label_and_a_record_their_mean() -> None:
    classifier = fitted(FRAME, window_length=32, max_epochs=3)
    windows = classifier.predict_windows(X_NEW)
    assert windows.columns.tolist() == ["record", "start", "end", *NAMES]
    assert len(windows) == 3 * 40
    np.testing.assert_allclose(windows.groupby("record")[NAMES].mean(), classifier.predict_proba(X_NEW))


def test_the_score_of_held_back_records_is_the_overlap_of_labels() -> None:
    classifier = quick(max_epochs=4, n_iter_no_change=50).fit(X, Y, X_val=X_NEW, y_val=Y_NEW)
    history = classifier.history_
    # The weights of the last epoch are kept where its score is the best one.
    last = quick(max_epochs=4, early_stopping=False).fit(X, Y, X_val=X_NEW, y_val=Y_NEW)
    expected = jaccard_score(Y_NEW, last.predict(X_NEW), average="samples", zero_division=1.0)
    assert last.history_["validation_score"].iloc[-1] == pytest.approx(expected)
    probabilities = last.predict_proba(X_NEW)
    loss = np.mean([log_loss(Y_NEW[:, label], probabilities[:, label]) for label in range(3)])
    assert last.history_["validation_loss"].iloc[-1] == pytest.approx(loss, rel=1e-4)
    np.testing.assert_allclose(history["validation_score"], last.history_["validation_score"])


def test_records_are_held_back_for_early_stopping() -> None:
    history = fitted(early_stopping=True, validation_fraction=0.3, n_iter_no_change=2, max_epochs=40).history_
    assert history["validation_score"].between(0, 1).all()
    assert len(history) < 40


def test_columns_of_a_validation_frame_and_of_a_scored_one_are_taken_by_name() -> None:
    y_new = pd.DataFrame(Y_NEW, columns=NAMES)
    swapped = y_new[["step", "hum", "bump"]]
    first = quick(max_epochs=3, early_stopping=False).fit(X, FRAME, X_val=X_NEW, y_val=y_new)
    second = quick(max_epochs=3, early_stopping=False).fit(X, FRAME, X_val=X_NEW, y_val=swapped)
    columns = ["validation_loss", "validation_score"]
    pd.testing.assert_frame_equal(first.history_[columns], second.history_[columns])
    assert first.score(X_NEW, swapped) == first.score(X_NEW, y_new) == first.score(X_NEW, Y_NEW)
    assert message_of(ValueError, first.score, X_NEW, swapped.rename(columns={"hum": "hmm"})) == (
        "The columns of y must be those of the y that SeqCNNClassifier was fitted on, in any order. Received: 'hum' is "
        "missing and 'hmm' is new. Rename, add or drop columns."
    )


def test_a_weight_of_two_is_the_record_twice() -> None:
    """On tiny series, whose training knows no chance."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(20, 6)), generator.integers(0, 2, (20, 3))
    weights = generator.integers(0, 3, 20)
    twice = np.repeat(np.arange(20), weights)
    weighted = SeqCNNClassifier(random_state=0).fit(x, y, sample_weight=weights)
    repeated = SeqCNNClassifier(random_state=0).fit(x[twice], y[twice])
    np.testing.assert_allclose(weighted.predict_proba(x), repeated.predict_proba(x), atol=1e-6)


@pytest.mark.parametrize("encoder", ["fcn", "minirocket"])
def test_class_weights_make_rare_labels_count(encoder: str) -> None:
    generator = np.random.default_rng(0)
    rare = np.column_stack([generator.random(60) < 0.1, generator.random(60) < 0.5])  # labels of pure noise
    names = pd.DataFrame(rare, columns=["rare", "common"])

    def mean_of(class_weight: Any) -> Any:
        options = {"max_epochs": 10} if encoder == "fcn" else {"encoder": encoder}
        return fitted(names, class_weight=class_weight, **options).predict_proba(X).mean(0)

    plain, balanced, by_name = mean_of(None), mean_of("balanced"), mean_of({"rare": 9.0})
    assert plain[0] < 0.3
    assert balanced[0] > plain[0] + 0.1
    assert by_name[0] > plain[0] + 0.1
    assert by_name[1] == pytest.approx(plain[1], abs=0.1)


def test_label_smoothing_keeps_answers_from_being_sure() -> None:
    sure, unsure = fitted().predict_proba(X), fitted(label_smoothing=0.4).predict_proba(X)
    assert abs(sure - Y).mean() < 0.1
    assert abs(unsure - (0.6 * Y + 0.2)).mean() < 0.1


def test_the_loss_is_the_mean_cross_entropy_of_the_labels() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, 2, (5, 3), generator=generator).double()
    weights = torch.tensor([[1.0, 2.0, 0.5], [3.0, 1.0, 0.0]])
    chance = scores.sigmoid()
    soft = 0.8 * targets + 0.1
    each = -(soft * chance.log() + (1 - soft) * (1 - chance).log())
    expected = (each * torch.where(targets > 0, weights[1], weights[0])).mean(1)
    torch.testing.assert_close(binary_cross_entropy(0.2, weights)(scores, targets), expected)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0.01, 100.0), st.floats(-5.0, 5.0), st.floats(0.0, 1.0))
def test_sigmoids_give_the_least_cross_entropy(seed: int, n: int, scale: float, shift: float, share: float) -> None:
    generator = np.random.default_rng(seed)
    present = (generator.random(n) < share).astype(float)
    scores = scale * (generator.normal(size=n) + present) + shift
    weights = generator.random(n) + 0.1
    factor, offset = fit_sigmoids(
        torch.from_numpy(scores)[:, None], torch.from_numpy(present)[:, None], torch.from_numpy(weights)[:, None]
    )
    weights = weights / weights.mean()
    n_present = weights @ present
    wanted = np.where(present > 0, (n_present + 1) / (n_present + 2), 1 / (n - n_present + 2))

    def cost(parameters: Any) -> float:
        logits = parameters[0] * (scores - scores.mean()) / max(scores.std(), 1e-12) + parameters[1]
        return float(weights @ (np.logaddexp(0, logits) - wanted * logits)) / n

    best = minimize(cost, [1.0, 0.0], bounds=[(0, None), (None, None)], method="L-BFGS-B")
    ours = cost([factor.item() * max(scores.std(), 1e-12), factor.item() * scores.mean() + offset.item()])
    assert factor.item() >= 0
    assert ours <= best.fun + 1e-5


def test_scikit_learns_tools_take_it() -> None:
    classifier = quick(max_epochs=15, **FAST)
    assert cross_val_score(classifier, X, FRAME, cv=3).mean() > 0.5
    assert cross_val_score(classifier, X, Y, cv=2, scoring="roc_auc").mean() > 0.8
    assert cross_val_score(classifier, X, Y, cv=2, scoring="f1_macro").mean() > 0.7
    assert cross_val_predict(classifier, X, FRAME, cv=2, method="predict_proba").shape == (60, 3)
    grid = {"class_weight": [None, "balanced", {"hum": 3.0}]}
    search = GridSearchCV(quick(), grid, cv=2).fit(X, FRAME)
    assert search.best_estimator_.classes_.tolist() == NAMES
    report = classification_report(
        FRAME, fitted(FRAME).predict(X), target_names=NAMES, output_dict=True, zero_division=1.0
    )
    assert report["hum"]["recall"] > 0.9
    binarizer = MultiLabelBinarizer()
    sets = [{NAMES[label] for label in np.flatnonzero(row)} for row in Y]
    assert binarizer.inverse_transform(fitted(binarizer.fit_transform(sets)).predict(X))[0] == tuple(sorted(sets[0]))


def test_it_is_pickled_cloned_and_refitted_on_single_labels() -> None:
    classifier = fitted(FRAME, max_epochs=3)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict(X), classifier.predict(X))
    assert_same_weights(clone(classifier).fit(X, FRAME), classifier)
    assert classifier.model_.output == "labels"
    classifier.fit(X, FRAME["hum"])
    assert classifier.classes_.tolist() == [False, True]
    assert classifier.predict(X).shape == (60,)
    assert classifier.model_.output == "probabilities"


def test_only_the_classifier_says_that_it_takes_several_labels() -> None:
    from sklearn.utils import get_tags

    tags = [get_tags(kind()).classifier_tags for kind in ESTIMATORS]
    assert [bool(tag and tag.multi_label) for tag in tags] == [True, False, False]


def test_an_embedder_learns_from_several_labels() -> None:
    embedder = quick(SeqCNNEmbedder, max_epochs=15, **FAST).fit(X, FRAME)
    assert embedder.model_.output == "features"
    features = embedder.transform(X_NEW)
    for label in range(3):
        assert (
            LogisticRegression(C=1e4, max_iter=5000)
            .fit(embedder.transform(X), Y[:, label])
            .score(features, Y_NEW[:, label])
            > 0.9
        )
    # Numbers stay numbers.
    assert (
        quick(SeqCNNEmbedder).fit(X, 2.0 * Y).history_["train_loss"].iloc[-1] != embedder.history_["train_loss"].iloc[1]
    )


REMEDY = (
    "Pass an indicator matrix, such as MultiLabelBinarizer gives; for columns of several classes each, fit one "
    "classifier a column, as MultiOutputClassifier of sklearn.multioutput does."
)


@pytest.mark.parametrize(
    ("y", "shown"),
    [
        ([("hum", "bump")] * 60, "y[0], ('hum', 'bump')"),
        ([(), ("hum",), *[("hum", "bump")] * 58], "y[1], ('hum',)"),
        ([{1, 2}] * 60, "y[0], {1, 2}"),
        ([[1], [1, 2], *[[3, 1]] * 58], "y[0], [1]"),
        (pd.Series([["hum", "bump"]] * 60), "y[0], ['hum', 'bump']"),
        ([["hum"], [], *[["bump"]] * 58], "y[0], ['hum']"),
    ],
)
def test_sets_of_labels_are_answered_with_the_binarizer(y: Any, shown: str) -> None:
    assert message_of(ValueError, quick().fit, X, y) == (
        "The y of SeqCNNClassifier must be an indicator matrix where records have several labels, (n_cases, n_labels) "
        f"of zeros and ones. Received: 60 sets of labels, such as {shown}. Pass MultiLabelBinarizer().fit_transform(y),"
        " from sklearn.preprocessing."
    )


@pytest.mark.parametrize(
    ("y", "received"),
    [
        (np.where(Y, 1, -1)[:, :1].repeat(2, 1) * 1, None),
        (Y + 1, None),
        (np.full((60, 2), "a"), "values of dtype <U1, such as 'a'"),
        (pd.DataFrame({"a": ["x", "y"] * 30, "b": [1, 0] * 30}), "values of dtype object, such as 'x'"),
        (np.where(np.arange(60)[:, None] == [[3, 4, 5]], 0.5, Y), "0.5 in y[3], 0.5 in y[4], 0.5 in y[5]"),
    ],
)
def test_what_is_neither_zero_nor_one_is_refused(y: Any, received: str | None) -> None:
    message = message_of(ValueError, quick().fit, X, y)
    start = "The y of SeqCNNClassifier must hold zeros and ones where it has a column for each label. Received: "
    assert message.startswith(start)
    assert message.endswith(REMEDY)
    if received is not None:
        assert message == f"{start}{received}. {REMEDY}"


@pytest.mark.parametrize("gap", [np.nan, None, pd.NA])
def test_an_answer_that_is_missing_is_named(gap: Any) -> None:
    y = FRAME.astype(object)
    y.iloc[[4, 9], 1] = gap
    assert message_of(ValueError, quick().fit, X, y) == (
        "Input y contains NaN: y[4] and y[9]. SeqCNNClassifier needs to know of each label whether a record has it. "
        "Drop these records, or fill in 0 or 1."
    )


def test_other_misfits_are_full_sentences() -> None:
    assert message_of(ValueError, quick().fit, X, Y[:5]) == (
        "X and y of SeqCNNClassifier must hold equally many cases. Received: 60 in X and 5 in y, inconsistent numbers "
        "of samples: [60, 5]. Pass one value of y for each record of X."
    )
    assert message_of(ValueError, quick().fit, X, FRAME.set_axis(["a", "a", "b"], axis=1)) == (
        "The columns of y name the labels of SeqCNNClassifier, and each needs a name of its own. Received: 'a' more "
        "than once. Rename these columns."
    )
    assert message_of(ValueError, quick(class_weight={"hmm": 2.0}).fit, X, FRAME) == (
        "The 'class_weight' parameter of SeqCNNClassifier must name classes of y, hum, bump and step. Received: 'hmm'. "
        "Pass weights for those classes only."
    ).replace("hum, bump and step", "'hum', 'bump' and 'step'")
    assert message_of(ValueError, quick(class_weight={"hum": 0.0}).fit, X, FRAME) == (
        "The 'class_weight' parameter of SeqCNNClassifier must be above zero where records have several labels, or "
        "nothing is learnt of a label but its absence. Received: zero for 'hum'. Pass a number above zero, or drop the "
        "column from y."
    )
    assert message_of(ValueError, quick().fit, X, Y, X_val=X, y_val=Y[:, :2]) == (
        "The y_val of SeqCNNClassifier must have as many columns as y, 3. Received: 2. Pass the same labels."
    )


@pytest.mark.parametrize("n_labels", [2, 3])
def test_scorers_of_held_back_records_take_indicators(n_labels: int) -> None:
    y, watched = Y[:, :n_labels], {"X_val": X_NEW, "y_val": Y_NEW[:, :n_labels]}
    for name in ("f1_macro", "f1_samples", "accuracy", "jaccard_samples", "roc_auc", "average_precision"):
        classifier = quick(scoring=name, max_epochs=1, early_stopping=False, **FAST).fit(X, y, **watched)
        true, said = Y_NEW[:, :n_labels], classifier.predict_proba(X_NEW)
        of_shares = name in ("roc_auc", "average_precision")
        metric = getattr(sklearn.metrics, f"{name if of_shares else name.split('_')[0]}_score")
        of = {"average": name.split("_")[1], "zero_division": 0} if name.endswith(("macro", "samples")) else {}
        by_hand = metric(true, said if of_shares else said > 0.5, **of)
        assert classifier.history_["validation_score"].iloc[-1] == pytest.approx(by_hand, abs=1e-6), name


def test_a_scorer_that_knows_no_indicators_is_refused() -> None:
    message = message_of(ValueError, quick(scoring="f1").fit, X, Y, X_val=X_NEW, y_val=Y_NEW)
    assert message == (
        "The 'scoring' parameter of SeqCNNClassifier must give a finite number for the 40 held-back records. Received: "
        "'f1', which gave ValueError: Target is multilabel-indicator but average='binary'. Please choose another "
        "average setting, one of [None, 'micro', 'macro', 'weighted', 'samples']. Pass a scorer that suits the target, "
        "or hold back more records with validation_fraction or X_val."
    )


def test_partial_fit_learns_labels_bit_by_bit() -> None:
    classifier = quick(**FAST)
    for _ in range(12):
        classifier.partial_fit(X[:30], FRAME[:30], classes=NAMES)
        # Columns by name, in any order; classes need not be told again, nor at all.
        classifier.partial_fit(X[30:], FRAME[30:][NAMES[::-1]])
    assert classifier.classes_.tolist() == NAMES
    assert classifier.predict(X_NEW).dtype == bool
    assert classifier.score(X_NEW, Y_NEW.astype(bool)) > 0.6
    weighted = quick(class_weight={"hum": 2.0}, max_epochs=2, **FAST).fit(X, FRAME)
    weighted.partial_fit(X, Y)


def test_partial_fit_and_warm_start_keep_the_form_of_y() -> None:
    several, one = fitted(max_epochs=1), fitted(Y[:, 0], max_epochs=1)
    assert message_of(ValueError, several.partial_fit, X, Y[:, 0]) == (
        "The y of SeqCNNClassifier must be an indicator matrix, a column a label, as before, to go on with "
        "partial_fit. Received: one label for each record. Pass the same form, or start anew with fit."
    )
    assert message_of(ValueError, one.set_params(warm_start=True).fit, X, Y[:, :2]) == (
        "The y of SeqCNNClassifier must be one label for each record, as before, to go on with warm_start=True. "
        "Received: an indicator matrix, a column a label. Pass the same form, or start anew with warm_start=False."
    )
    # Its three classes are called as the three labels are: nothing else would tell.
    assert "as before" in message_of(ValueError, several.set_params(warm_start=True).fit, X, Y.argmax(1))
    assert message_of(ValueError, several.partial_fit, X, Y[:, :2]) == (
        "The y of SeqCNNClassifier must have as many columns as before, 3. Received: 2. Pass the same labels."
    )
    assert message_of(ValueError, quick().partial_fit, X, FRAME, classes=["hum", "bump"]) == (
        "The classes of SeqCNNClassifier.partial_fit must be those that the columns of y name, 'hum', 'bump' and "
        "'step'. Received: ['hum', 'bump']. Leave classes out: an indicator matrix has a column for every label."
    )
