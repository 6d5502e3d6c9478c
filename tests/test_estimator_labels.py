"""Labels of every sort come back as they went in; what is no label is refused in a full sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_helpers import FIRST, LABELS, SERIES, message_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import DataConversionWarning

from seqcnn import SeqCNNClassifier


def two(a: Any, b: Any) -> list[Any]:
    return [a if first else b for first in FIRST]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (two("up", "down"), ["down", "up"]),
        (np.array(two("up", "down")), ["down", "up"]),
        (np.array(two("up", "down"), dtype=object), ["down", "up"]),
        (two(True, False), [False, True]),
        (two(2, 1), [1, 2]),
        (two(-7, 40), [-7, 40]),
        (np.array(two(3, 9), dtype=np.int8), [3, 9]),
        (np.array(two(3, 9), dtype=object), [3, 9]),
        (two(2.0, 1.0), [1.0, 2.0]),
        (pd.Series(two("up", "down")), ["down", "up"]),
        (pd.Series(two("up", "down"), dtype="string", index=range(100, 124)), ["down", "up"]),
        (pd.Series(two("up", "down"), dtype="category"), ["down", "up"]),
        (pd.Categorical(two(9, 3), categories=[9, 3, 5]), [3, 9]),
        (pd.Series(two(2, 1), dtype="Int64"), [1, 2]),
        (pd.Series(two(True, False), dtype="boolean"), [False, True]),
        (torch.tensor(two(1, 0)), [0, 1]),
        (tuple(two("é", "日本")), ["é", "日本"]),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}",
)
def test_labels_come_back_as_they_went_in(y: Any, classes: list[Any]) -> None:
    classifier = quick(max_epochs=25).fit(SERIES, y)
    plain = y.tolist() if hasattr(y, "tolist") else list(y)
    predicted = classifier.predict(SERIES)
    assert classifier.classes_.tolist() == classes
    assert {type(label) for label in predicted.tolist()} == {type(label) for label in plain}
    assert set(predicted.tolist()) == set(plain)
    # Not y itself: scikit-learn's scores refuse numbers in an array of objects.
    assert classifier.score(SERIES, plain) == np.mean([a == b for a, b in zip(predicted.tolist(), plain, strict=True)])
    assert classifier.score(SERIES, plain) > 0.7


@settings(deadline=None, max_examples=25)
@given(
    st.one_of(
        st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=5, unique=True),
        st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text), min_size=2, max_size=5, unique=True),
    ),
    st.randoms(use_true_random=False),
)
def test_names_of_labels_make_no_difference(names: list[Any], random: Any) -> None:
    names = sorted(names)
    positions = [row % len(names) for row in range(24)]
    random.shuffle(positions)
    named = quick(max_epochs=1).fit(SERIES, [names[position] for position in positions])
    plain = quick(max_epochs=1).fit(SERIES, positions)
    assert named.classes_.tolist() == names
    np.testing.assert_array_equal(named.predict_proba(SERIES), plain.predict_proba(SERIES))


def test_column_vector_is_taken_with_scikit_learns_warning() -> None:
    with pytest.warns(DataConversionWarning, match=r"^A column-vector y was passed when a 1d array was expected"):
        classifier = quick().fit(SERIES, LABELS[:, None])
    assert classifier.predict(SERIES).shape == (24,)


def test_one_class_is_refused() -> None:
    assert message_of(ValueError, quick().fit, SERIES, ["a"] * 24) == (
        "The y of SeqCNNClassifier must hold at least two classes. Received: 1 class, 'a'. Pass records of another "
        "class too."
    )


def test_one_class_of_positive_weight_is_refused() -> None:
    weights = np.where(FIRST, 1.0, 0.0)
    assert message_of(ValueError, quick().fit, SERIES, LABELS, sample_weight=weights) == (
        "The y of SeqCNNClassifier must hold at least two classes. Received: 1 class among the records of positive "
        f"sample_weight, {LABELS.tolist()[0]!r}. Pass records of another class too."
    )


def test_lengths_of_X_and_y_that_differ_are_refused() -> None:
    assert message_of(ValueError, quick().fit, SERIES, LABELS[:5]) == (
        "X and y of SeqCNNClassifier must hold equally many cases. Received: 24 in X and 5 in y, inconsistent numbers "
        "of samples: [24, 5]. Pass one value of y for each record of X."
    )


def test_y_must_be_passed() -> None:
    assert message_of(ValueError, quick().fit, SERIES, None) == (
        "SeqCNNClassifier requires y to be passed, but the target y is None. Pass one value for each record of X."
    )


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, pd.NaT], ids=repr)
@pytest.mark.parametrize("container", [list, pd.Series, lambda y: np.array(y, dtype=object)])
def test_label_that_is_missing_is_named(gap: Any, container: Any) -> None:
    y = container([gap, "a", gap, *["a", "b"] * 10, "b"])
    assert message_of(ValueError, quick().fit, SERIES, y) == (
        "The y of SeqCNNClassifier must hold a label for each record. Received: none in y[0] and y[2]. Drop these "
        "records, or give them a label."
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "NaN"), (np.inf, "infinity or a value too large for dtype('float64')")],
)
def test_number_that_is_no_label_is_named(value: float, words: str) -> None:
    y = np.array(two(1.0, 0.0))
    y[3] = value
    assert message_of(ValueError, quick().fit, SERIES, y) == (
        f"Input y contains {words}: y[3]. Drop these records, or give them a label."
    )


def test_labels_of_two_kinds_are_refused_and_not_turned_into_strings() -> None:
    assert message_of(TypeError, quick().fit, SERIES, ["a", "a", 1, *["a", 2, 3] * 7]) == (
        "The y of SeqCNNClassifier must hold labels of one kind. Received: y[0] is 'a' but y[2] is 1. Pass strings "
        "only, or numbers only."
    )


def test_continuous_numbers_are_no_labels() -> None:
    assert message_of(ValueError, quick().fit, SERIES, np.linspace(0.0, 1.0, 24)) == (
        "Unknown label type: continuous. Maybe you are trying to fit a classifier, which expects discrete classes on "
        "a regression target with continuous values."
    )


def test_probabilities_stand_in_the_order_of_classes_() -> None:
    classifier: SeqCNNClassifier = quick(max_epochs=15).fit(SERIES, LABELS)
    probabilities = classifier.predict_proba(SERIES)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_array_equal(classifier.classes_[probabilities.argmax(axis=1)], classifier.predict(SERIES))
