"""Parameters: set in any order, checked at fit, and answered with a whole sentence where they are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from estimator_helpers import ESTIMATORS, FIRST, LABELS, SERIES, message_of, quick
from hypothesis import given
from hypothesis import strategies as st

from seqcnn import SeqCNNClassifier, SeqCNNRegressor, list_encoders
from seqcnn.encoders import ENCODERS

NUMBERS = np.arange(24.0)


@given(st.permutations([("encoder", "resnet"), ("encoder__width", 5), ("max_epochs", 3), ("encoder__kernel_sizes", 7)]))
def test_order_in_which_parameters_are_set_makes_no_difference(order: list[tuple[str, Any]]) -> None:
    one_by_one = SeqCNNClassifier()
    for name, value in order:
        one_by_one.set_params(**{name: value})
    at_once = SeqCNNClassifier(**dict(order))
    assert one_by_one.get_params() == at_once.get_params()
    assert {name: one_by_one.get_params()[name] for name, _ in order} == dict(order)


@pytest.mark.parametrize("name", list_encoders())
def test_defaults_of_a_named_encoder_are_shown(name: str) -> None:
    shown = SeqCNNClassifier(name).get_params()
    for parameter, default in ENCODERS[name].defaults.items():
        assert shown[f"encoder__{parameter}"] == default
    assert not any(parameter.startswith("encoder__") for parameter in SeqCNNClassifier(name).get_params(deep=False))


def test_parameter_that_was_set_stands_before_the_default() -> None:
    classifier = SeqCNNClassifier("fcn", encoder__width=7)
    assert classifier.get_params()["encoder__width"] == 7
    assert classifier.set_params(encoder__width=9).get_params(deep=False)["encoder__width"] == 9


def test_width_reaches_the_encoder_that_is_named_at_fit() -> None:
    classifier = SeqCNNClassifier(encoder__width=6, max_epochs=1, n_jobs=1).set_params(encoder="fcn")
    assert classifier.fit(SERIES, LABELS).network_.n_features == 6


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_misspelt_parameter_of_the_constructor_is_answered_with_the_nearest(kind: Any) -> None:
    known = sorted(kind().get_params(deep=False))
    assert message_of(TypeError, kind, max_epoch=3) == (
        f"{kind.__name__} has no parameter 'max_epoch'. Did you mean 'max_epochs'? It takes "
        f"{', '.join(known[:-1])} and {known[-1]}, encoder__... for the encoder's own, and front_end__... "
        "for the front end's."
    )


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_misspelt_parameters_in_set_params_are_answered_with_the_nearest(kind: Any) -> None:
    known = sorted(kind().get_params(deep=False))
    assert message_of(ValueError, kind().set_params, learning_rat=1, n_job=2, max_epochs=3, zzz=4) == (
        f"Invalid parameter 'learning_rat', 'n_job' and 'zzz' for estimator {kind.__name__}. "
        "Did you mean 'learning_rate'? Did you mean 'n_jobs'? Valid parameters are "
        f"{', '.join(known[:-1])} and {known[-1]}, encoder__... for the encoder's own, and front_end__... "
        "for the front end's."
    )


def test_nothing_is_set_where_one_name_is_wrong() -> None:
    classifier = SeqCNNClassifier()
    with pytest.raises(ValueError):
        classifier.set_params(max_epochs=3, no_such_parameter=1)
    assert classifier.max_epochs == "auto"


@pytest.mark.parametrize("name", ["encoder__", "encoder_width", "encoderwidth"])
def test_prefix_alone_is_no_parameter(name: str) -> None:
    with pytest.raises(TypeError, match=f"^SeqCNNClassifier has no parameter '{name}'"):
        SeqCNNClassifier(**{name: 3})
    with pytest.raises(ValueError, match=f"^Invalid parameter '{name}' for estimator SeqCNNClassifier"):
        SeqCNNClassifier().set_params(**{name: 3})


def integer(minimum: int = 1, or_none: bool = False) -> str:
    return f"an integer of at least {minimum}" + (", or None" if or_none else "")


RANGE = "Pass a value in that range."
NAMED = "Pass one of the values named."

WRONG = [
    # parameter, value, error, what it must be, what to do
    ("window_length", 0, ValueError, integer(or_none=True), "Pass window_length=1 or more."),
    ("window_length", 8.0, TypeError, integer(or_none=True), "Pass window_length=1 or more."),
    ("hop_length", -3, ValueError, integer(or_none=True), "Pass hop_length=1 or more."),
    ("hop_length", True, TypeError, integer(or_none=True), "Pass hop_length=1 or more."),
    (
        "normalize",
        "datset",
        ValueError,
        "'auto', 'dataset', 'record', 'level', 'step' or None",
        f"Did you mean 'dataset'? {NAMED}",
    ),
    ("normalize", False, ValueError, "'auto', 'dataset', 'record', 'level', 'step' or None", NAMED),
    ("preset", "fast", ValueError, "'quick', 'default' or 'best'", NAMED),
    ("max_fit_seconds", 0, ValueError, "a number greater than 0, or None", RANGE),
    ("max_fit_seconds", "60", TypeError, "a number greater than 0, or None", RANGE),
    ("max_epochs", 0, ValueError, integer(), "Pass max_epochs=1 or more."),
    ("max_epochs", "many", TypeError, integer(), "Pass max_epochs=1 or more."),
    ("batch_size", 0, ValueError, integer(), "Pass batch_size=1 or more."),
    ("batch_size", None, TypeError, integer(), "Pass batch_size=1 or more."),
    ("learning_rate", 0.0, ValueError, "a number greater than 0", RANGE),
    ("learning_rate", float("nan"), ValueError, "a number greater than 0", RANGE),
    ("learning_rate", "fast", TypeError, "a number greater than 0", RANGE),
    ("weight_decay", -0.1, ValueError, "a number at least 0", RANGE),
    ("early_stopping", "yes", TypeError, "True or False", "Pass early_stopping=True or early_stopping=False."),
    ("validation_fraction", 1.0, ValueError, "a number greater than 0 and less than 1", RANGE),
    ("validation_fraction", 10, ValueError, "a number greater than 0 and less than 1", RANGE),
    ("n_iter_no_change", 0, ValueError, integer(), "Pass n_iter_no_change=1 or more."),
    (
        "precision",
        "float16",
        ValueError,
        "'auto', 'float32', 'float64' or 'bfloat16'",
        f"Did you mean 'bfloat16'? {NAMED}",
    ),
    ("n_jobs", 0, ValueError, integer(or_none=True), "Pass n_jobs=1 or more."),
    ("n_jobs", -2, ValueError, integer(or_none=True), "Pass n_jobs=1 or more."),
    ("verbose", -1, ValueError, integer(0), "Pass verbose=0 or more."),
    ("verbose", "yes", TypeError, integer(0), "Pass verbose=0 or more."),
    ("input", "serie", ValueError, "'auto', 'series', 'text' or 'audio'", f"Did you mean 'series'? {NAMED}"),
    ("sample_rate", 0, ValueError, integer(or_none=True), "Pass sample_rate=1 or more."),
    ("sample_rate", "8kHz", TypeError, integer(or_none=True), "Pass sample_rate=1 or more."),
    ("mono", 1, TypeError, "True or False", "Pass mono=True or mono=False."),
    ("missing", "drop", ValueError, "'error', 'interpolate' or 'mask'", NAMED),
    ("max_characters", 0, ValueError, integer(or_none=True), "Pass max_characters=1 or more."),
]


@pytest.mark.parametrize(("name", "value", "error", "wanted", "remedy"), WRONG, ids=[f"{w[0]}={w[1]}" for w in WRONG])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_wrong_value_is_answered_at_fit_with_what_it_must_be(
    kind: Any, name: str, value: Any, error: type[Exception], wanted: str, remedy: str
) -> None:
    estimator = kind(**{name: value})
    assert message_of(error, estimator.fit, SERIES, NUMBERS if kind is SeqCNNRegressor else LABELS) == (
        f"The '{name}' parameter of {kind.__name__} must be {wanted}. Received: {value!r}. {remedy}"
    )


@pytest.mark.parametrize("value", [-0.1, 1.0, "some"])
def test_wrong_label_smoothing_is_answered(value: Any) -> None:
    error = TypeError if isinstance(value, str) else ValueError
    assert message_of(error, quick(label_smoothing=value).fit, SERIES, LABELS) == (
        f"The 'label_smoothing' parameter of SeqCNNClassifier must be a number at least 0 and less than 1. Received: "
        f"{value!r}. Pass a value in that range."
    )


@pytest.mark.parametrize("kind", [SeqCNNClassifier, SeqCNNRegressor])
def test_wrong_warm_start_is_answered(kind: Any) -> None:
    assert message_of(TypeError, quick(kind, warm_start="yes").fit, SERIES, FIRST) == (
        f"The 'warm_start' parameter of {kind.__name__} must be True or False. Received: 'yes'. Pass warm_start=True "
        "or warm_start=False."
    )


def test_wrong_sampling_is_answered() -> None:
    assert message_of(ValueError, quick(sampling="balance").fit, SERIES, LABELS) == (
        "The 'sampling' parameter of SeqCNNClassifier must be 'balanced' or None. Received: 'balance'. "
        "Did you mean 'balanced'? Pass one of the values named."
    )


@pytest.mark.parametrize(
    ("device", "problem"),
    [
        ("gpu", "is not a device's name"),
        (None, "is not a device's name"),
        ("meta", "is none of these"),
        ("cuda", "is not there: torch finds no CUDA GPU"),
        ("mps", "is not there: torch finds no Apple GPU"),
    ],
)
def test_device_that_cannot_be_used_is_answered(device: Any, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert message_of(ValueError, quick(device=device).fit, SERIES, LABELS) == (
        "The 'device' parameter of SeqCNNClassifier must be 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps'. Received: "
        f"{device!r}, which {problem}. Pass device='auto' to take what is there."
    )


def test_every_parameter_with_a_rule_has_a_wrong_value_above() -> None:
    tested = {wrong[0] for wrong in WRONG} | {"label_smoothing", "warm_start", "sampling", "device"}
    # Encoder, front end, augment, class_weight and scoring have tests of their own; scikit-learn checks random_state.
    assert set(SeqCNNClassifier().get_params(deep=False)) - tested == {
        "augment",
        "encoder",
        "front_end",
        "class_weight",
        "scoring",
        "random_state",
    }
