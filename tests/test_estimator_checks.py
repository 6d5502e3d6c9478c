"""scikit-learn's own checks, each as a test of its own; none is expected to fail, and one has nothing to check."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import Any
from unittest import SkipTest

import pytest
import sklearn
from estimator_helpers import ESTIMATORS
from sklearn.utils.estimator_checks import estimator_checks_generator

ARRAY_API = "check_array_api_input"
"""Runs only where SCIPY_ARRAY_API is set before scipy is imported, so it has a process of its own below."""

HAS_ARRAY_API_CHECK = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
"""Older versions leave that check out."""
DECISION_FUNCTION = "check_classifiers_multilabel_output_format_decision_function"
"""Has nothing to check: the classifier gives probabilities, and no scores beside them."""


def name_of(check: Any) -> str:
    return str(check.func.__name__ if isinstance(check, partial) else check.__name__)


def describe(check: Any) -> str:
    settings = check.keywords if isinstance(check, partial) else {}
    return "-".join([name_of(check), *(f"{name}={value}" for name, value in settings.items() if value is not None)])


CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{describe(check)}")
    for kind in ESTIMATORS
    for estimator, check in estimator_checks_generator(kind())
]


@pytest.mark.parametrize(
    ("estimator", "check"),
    [case for case in CHECKS if ARRAY_API not in case.id and DECISION_FUNCTION not in case.id],
)
def test_scikit_learns_check_passes(estimator: Any, check: Any) -> None:
    try:
        check(estimator)
    except SkipTest as reason:
        pytest.fail(f"skipped: {reason}")


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_scikit_learn_has_many_checks_for_the_estimator(kind: Any) -> None:
    names = [name_of(check) for _, check in estimator_checks_generator(kind())]
    assert len(names) >= 50
    # Without the tags that say what is read, most of the checks are left out in silence; these are among them.
    assert {
        "check_sample_weight_equivalence_on_dense_data",
        "check_methods_subset_invariance",
        "check_fit_idempotent",
        "check_n_features_in_after_fitting",
        "check_estimators_nan_inf",
    } <= set(names)
    assert (ARRAY_API in names) or not HAS_ARRAY_API_CHECK


@pytest.mark.skipif(not HAS_ARRAY_API_CHECK, reason="this scikit-learn has no such check")
def test_array_api_check_passes_in_a_process_that_allows_it() -> None:
    code = f"""
import seqcnn
from sklearn.utils.estimator_checks import estimator_checks_generator
for kind in (seqcnn.SeqCNNClassifier, seqcnn.SeqCNNRegressor, seqcnn.SeqCNNEmbedder):
    for estimator, check in estimator_checks_generator(kind()):
        if getattr(getattr(check, "func", check), "__name__") == {ARRAY_API!r}:
            check(estimator)
            print(kind.__name__)
"""
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert result.stdout.split() == [kind.__name__ for kind in ESTIMATORS], result.stderr
