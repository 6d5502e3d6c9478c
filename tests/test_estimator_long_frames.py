"""Answers beside a long frame: those with an index of case names are taken by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import ESTIMATORS, LABELS, SERIES, message_of, outputs_of, quick

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor

CASES = [f"case {number}" for number in np.random.default_rng(0).permutation(24)]
LONG = pd.DataFrame(
    {"channel": SERIES.ravel()},
    index=pd.MultiIndex.from_product([CASES, range(SERIES.shape[1])], names=["case", "time"]),
)
NUMBERS = pd.Series(SERIES.max(axis=1), index=CASES)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_y_is_taken_by_the_names_of_the_cases(kind: Any) -> None:
    y = NUMBERS if kind is SeqCNNRegressor else pd.Series(LABELS, index=CASES)
    assert not y.sort_index().index.equals(y.index)
    expected = quick(kind).fit(LONG, y.to_numpy())
    for form in (y, y.sort_index()):
        got = quick(kind).fit(LONG, form)
        np.testing.assert_array_equal(outputs_of(got, LONG), outputs_of(expected, LONG))
        if kind is not SeqCNNEmbedder:
            assert got.score(LONG, form) == expected.score(LONG, y.to_numpy())


def test_whatever_else_belongs_to_cases_is_taken_by_name_too() -> None:
    y, weights = pd.Series(LABELS, index=CASES), pd.Series(np.linspace(0.1, 2, 24), index=CASES)
    groups = pd.Series(np.arange(24) % 6, index=CASES)
    sorted_cases = {"sample_weight": weights.sort_index(), "groups": groups.sort_index()}
    by_name = quick(early_stopping=True).fit(LONG, y, **sorted_cases, X_val=LONG, y_val=y.sort_index())
    expected = quick(early_stopping=True).fit(
        LONG, LABELS, sample_weight=weights.to_numpy(), groups=groups.to_numpy(), X_val=LONG, y_val=LABELS
    )
    pd.testing.assert_frame_equal(by_name.history_.drop(columns="seconds"), expected.history_.drop(columns="seconds"))
    np.testing.assert_array_equal(by_name.predict_proba(LONG), expected.predict_proba(LONG))
    in_steps = quick().partial_fit(LONG, y.sort_index(), classes=np.unique(LABELS))
    again = quick().partial_fit(LONG, LABELS, classes=np.unique(LABELS))
    np.testing.assert_array_equal(in_steps.predict_proba(LONG), again.predict_proba(LONG))
    labels = pd.DataFrame({"a": np.arange(24) % 2, "b": np.arange(24) % 3 == 0}, index=CASES).astype(int)
    several = quick().fit(LONG, labels.sort_index())
    np.testing.assert_array_equal(several.predict_proba(LONG), quick().fit(LONG, labels).predict_proba(LONG))


def test_an_index_that_nobody_gave_is_positions() -> None:
    expected = quick().fit(LONG, LABELS)
    got = quick().fit(LONG, pd.Series(LABELS))
    np.testing.assert_array_equal(got.predict_proba(LONG), expected.predict_proba(LONG))
    # Cases that are called 23, 22, ... 0: then the default index holds their names.
    backwards = LONG.set_axis(pd.MultiIndex.from_product([range(23, -1, -1), range(SERIES.shape[1])]))
    by_name = quick().fit(backwards, pd.Series(list(LABELS)[::-1]))
    np.testing.assert_array_equal(by_name.predict_proba(backwards), expected.predict_proba(LONG))
    # Beside a wide frame, rows have no names that anyone could be expected to keep.
    wide = pd.DataFrame(SERIES)
    positions = quick().fit(wide, pd.Series(LABELS, index=range(24)[::-1]))
    np.testing.assert_array_equal(positions.predict(wide), expected.predict(LONG))


def test_names_that_are_not_those_of_the_cases_are_told() -> None:
    y = pd.Series(LABELS, index=CASES)
    first, last = CASES[0], CASES[-1]
    start = (
        "The y of SeqCNNClassifier has an index of names, which must be the cases of X, the first level of its index, "
        "in any order. Received: "
    )
    end = ". Give every case one entry, or pass y.to_numpy() if they are in the order in which the cases appear in X."
    assert message_of(ValueError, SeqCNNClassifier().fit, LONG, y.rename({first: "x"})) == (
        f"{start}no y for {first!r}; y for 'x'{end}"
    )
    assert message_of(ValueError, SeqCNNClassifier().fit, LONG, y.iloc[:-1]) == f"{start}no y for {last!r}{end}"
    twice = pd.concat([y, y.iloc[:1]])
    assert message_of(ValueError, SeqCNNClassifier().fit, LONG, twice) == f"{start}several y for {first!r}{end}"
    message = message_of(ValueError, SeqCNNRegressor().fit, LONG, NUMBERS, sample_weight=NUMBERS.iloc[1:])
    assert message == (
        start.replace("y of SeqCNNClassifier", "sample_weight of SeqCNNRegressor")
        + f"no sample_weight for {first!r}"
        + end.replace("y.to", "sample_weight.to")
    )
