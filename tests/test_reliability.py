"""The expected calibration error, without the picture."""

from __future__ import annotations

import numpy as np
import pytest
from estimator_helpers import message_of

from seqcnn.plots import ReliabilityDisplay
from seqcnn.reliability import expected_calibration_error


@pytest.mark.parametrize("n_classes", [2, 5])
def test_a_classifier_that_knows_its_chances_has_nearly_none_and_a_boaster_has_what_he_boasts(n_classes: int) -> None:
    random = np.random.default_rng(0)
    said = random.dirichlet(np.ones(n_classes), 20_000)
    true = (said.cumsum(axis=1) < random.random((20_000, 1))).sum(axis=1)
    classes = np.arange(n_classes)
    assert expected_calibration_error(true, said, classes=classes) < 0.015
    sure = np.eye(n_classes)[said.argmax(axis=1)]
    wrong = (said.argmax(axis=1) != true).mean()
    assert expected_calibration_error(true, sure, classes=classes) == pytest.approx(wrong)


def test_of_three_classes_it_is_the_one_of_the_picture() -> None:
    random = np.random.default_rng(0)
    said, true = random.dirichlet(np.ones(3), 50), random.integers(0, 3, 50)
    display = ReliabilityDisplay.from_predictions(true, said, n_bins=7)
    assert display.expected_calibration_error == expected_calibration_error(true, said, n_bins=7)


def test_of_two_classes_it_counts_the_predicted_one_whichever_way_it_is_given() -> None:
    y, second = np.array(["no", "yes", "yes", "no"]), np.array([0.1, 0.9, 0.4, 0.3])
    error = expected_calibration_error(y, second, n_bins=2)
    assert error == pytest.approx(abs((0.9 + 0.9 + 0.6 + 0.7) / 4 - 3 / 4))
    assert error == expected_calibration_error(y, np.column_stack([1 - second, second]), n_bins=2)


def test_what_does_not_fit_is_refused() -> None:
    assert message_of(ValueError, expected_calibration_error, ["a", "c"], [0.5, 2.0], classes=["a", "b"]) == (
        "expected_calibration_error cannot be computed. y_true must hold labels of the classes. Received: 'c'. Drop "
        "these cases. y_prob must be from 0 to 1. Received: 0.5 to 2. Pass probabilities."
    )
    assert message_of(ValueError, expected_calibration_error, ["a", "b"], [0.5, 0.5], n_bins=0) == (
        "The 'n_bins' parameter of expected_calibration_error must be an integer of at least 1. Received: 0. Pass "
        "n_bins=1 or more."
    )
