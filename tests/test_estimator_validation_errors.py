"""What cannot be held back or validated on is refused, each time in a whole sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import LABELS, SERIES, TEXTS, message_of, quick

from seqcnn import SeqCNNClassifier, SeqCNNRegressor

REMEDY = "Pass another fraction, more records, X_val and y_val, or early_stopping=False."


def test_fraction_that_leaves_no_record_to_validate_on_is_refused() -> None:
    fit = quick(early_stopping=True, validation_fraction=0.01).fit
    assert message_of(ValueError, fit, SERIES, LABELS) == (
        "The 'validation_fraction' parameter of SeqCNNClassifier must leave records for training and for validation. "
        f"Received: 0.01 of 24 records, which leaves none for validation. {REMEDY}"
    )


def test_fraction_that_leaves_no_record_to_train_on_is_refused() -> None:
    fit = quick(SeqCNNRegressor, early_stopping=True, validation_fraction=0.99).fit
    assert message_of(ValueError, fit, SERIES, np.arange(24.0)) == (
        "The 'validation_fraction' parameter of SeqCNNRegressor must leave records for training and for validation. "
        f"Received: 0.99 of 24 records, which leaves none for training. {REMEDY}"
    )


def test_groups_that_take_a_whole_class_are_refused() -> None:
    names = sorted(set(LABELS.tolist()))
    message = message_of(ValueError, quick(early_stopping=True).fit, SERIES, LABELS, groups=LABELS)
    assert message in [
        "The 'validation_fraction' parameter of SeqCNNClassifier must leave every class a record to train on. "
        f"Received: 0.1, which holds back all groups with class {name!r}. Pass a smaller fraction, X_val and y_val, "
        "or early_stopping=False."
        for name in names
    ]


def test_one_group_is_too_few() -> None:
    assert message_of(ValueError, quick(early_stopping=True).fit, SERIES, LABELS, groups=["only"] * 24) == (
        "The 'groups' of SeqCNNClassifier must name at least two groups, so that one can be held back for validation. "
        "Received: 1 group. Pass more groups, or early_stopping=False."
    )


@pytest.mark.parametrize(
    ("groups", "received"),
    [
        ([1, 2, 3], "3 group names for 24 records"),
        (np.zeros((24, 2)), "an array of shape (24, 2)"),
        ([None, *range(23)], "no name in groups[0]"),
        ([*np.arange(22.0), np.nan, np.nan], "no name in groups[22] and groups[23]"),
    ],
)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_groups_that_do_not_fit_X_are_refused(groups: Any, received: str, early_stopping: bool) -> None:
    assert message_of(ValueError, quick(early_stopping=early_stopping).fit, SERIES, LABELS, groups=groups) == (
        f"The 'groups' of SeqCNNClassifier must name the group of each record. Received: {received}. "
        "Pass groups of shape (24,)."
    )


def fit_with(X_val: Any, y_val: Any, X: Any = SERIES, **parameters: Any) -> SeqCNNClassifier:
    classifier: SeqCNNClassifier = quick(**parameters).fit(X, LABELS, X_val=X_val, y_val=y_val)
    return classifier


def test_validation_records_and_labels_go_together() -> None:
    assert message_of(ValueError, fit_with, SERIES, None) == (
        "SeqCNNClassifier.fit takes X_val and y_val together. Received: X_val without y_val. Pass both, or neither."
    )
    assert message_of(ValueError, fit_with, None, LABELS) == (
        "SeqCNNClassifier.fit takes X_val and y_val together. Received: y_val without X_val. Pass both, or neither."
    )
    assert message_of(ValueError, fit_with, SERIES, LABELS[:4]) == (
        "X_val and y_val of SeqCNNClassifier must hold equally many cases. Received: 24 in X_val and 4 in y_val, "
        "inconsistent numbers of samples: [24, 4]. Pass one value of y_val for each record of X_val."
    )


@pytest.mark.parametrize(("y_val", "named"), [(["zebra"] * 23 + [LABELS[0]], "'zebra'"), ([3, 1] * 12, "3 and 1")])
def test_validation_label_that_is_not_in_y_is_refused(y_val: Any, named: str) -> None:
    assert message_of(ValueError, fit_with, SERIES, y_val) == (
        f"The y_val of SeqCNNClassifier must hold classes of y only. Received: {named}, which y does not hold. Drop "
        "these records, or add some to X and y."
    )


def test_validation_records_keep_the_contract_of_X() -> None:
    assert message_of(ValueError, fit_with, TEXTS, LABELS) == (
        "X_val, which is called X here, does not fit. SeqCNNClassifier was fitted on series (numbers), but X holds "
        "strings. Pass the kind of input it was fitted on, or fit it again."
    )
    assert message_of(ValueError, fit_with, list(SERIES[:, :10]), LABELS, list(SERIES), window_length=16) == (
        "The 'window_length' parameter of SeqCNNClassifier must be at most 10, the shortest record in X_val "
        "(X_val[0]). Received: 16. Pass window_length=10 or drop the shorter records."
    )
    frame = pd.DataFrame(SERIES, columns=[f"t{step}" for step in range(40)])
    assert message_of(ValueError, fit_with, frame[frame.columns[::-1]], LABELS, frame) == (
        "X_val, which is called X here, does not fit. The feature names should match those that were passed during "
        "fit.\nFeature names must be in the same order as they were in fit.\n"
    )


def test_validation_targets_of_a_regressor_are_as_many_as_those_of_y() -> None:
    y = np.arange(24.0)
    fit = quick(SeqCNNRegressor).fit
    assert message_of(ValueError, fit, SERIES, y, X_val=SERIES, y_val=np.column_stack([y, y])) == (
        "The y_val of SeqCNNRegressor must hold as many targets as y, 1. Received: 2. Pass the same columns."
    )
