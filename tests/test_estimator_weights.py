"""Weights: of cases, of classes, and the smoothing of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from estimator_helpers import FIRST, LABELS, SERIES, TEXTS, message_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor

TINY = SERIES[:, ::2].astype(np.float64)
"""24 series of 20 steps: tiny, so a weight of two is exactly a record twice."""

NUMBERS = np.arange(24.0)
NAMES = sorted(set(LABELS.tolist()))


def tiny(kind: Any = SeqCNNClassifier, **parameters: Any) -> Any:
    return kind(**({"max_epochs": 8, "n_jobs": 1, "random_state": 0} | parameters))


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(0, 3), min_size=24, max_size=24))
def test_integer_weight_is_that_many_copies_for_tiny_data(weights: list[int]) -> None:
    counts = np.array(weights)
    rows = np.repeat(np.arange(24), counts)
    if len(set(LABELS[rows])) < 2:
        return
    weighted = tiny().fit(TINY, LABELS, sample_weight=counts)
    repeated = tiny().fit(TINY[rows], LABELS[rows])
    np.testing.assert_allclose(weighted.predict_proba(TINY), repeated.predict_proba(TINY), atol=1e-9)


def test_integer_weight_is_that_many_copies_for_tiny_numeric_targets() -> None:
    counts = np.arange(24) % 3
    rows = np.repeat(np.arange(24), counts)
    weighted = tiny(SeqCNNRegressor).fit(TINY, NUMBERS, sample_weight=counts)
    repeated = tiny(SeqCNNRegressor).fit(TINY[rows], NUMBERS[rows])
    np.testing.assert_allclose(weighted.predict(TINY), repeated.predict(TINY), rtol=1e-7)


@pytest.mark.parametrize("kind", [SeqCNNClassifier, SeqCNNRegressor, SeqCNNEmbedder])
@pytest.mark.parametrize("small", [True, False], ids=["tiny", "not tiny"])
def test_case_of_weight_zero_is_as_good_as_absent(kind: Any, small: bool) -> None:
    weights = np.tile([1.0, 0.0, 1.0], 8)
    kept = weights > 0
    y = NUMBERS if kind is SeqCNNRegressor else LABELS
    X = TINY if small else SERIES
    make = tiny if small else quick
    weighted = make(kind).fit(X, y, sample_weight=weights)
    without = make(kind).fit(X[kept], y[kept])
    method = "transform" if kind is SeqCNNEmbedder else "predict_proba" if kind is SeqCNNClassifier else "predict"
    np.testing.assert_allclose(getattr(weighted, method)(X), getattr(without, method)(X), rtol=1e-9)


def test_character_of_a_text_without_weight_is_not_learnt() -> None:
    texts = [*TEXTS[:-1], TEXTS[-1] + "\N{SNOWMAN}"]
    weights = np.r_[np.ones(23), 0.0]
    assert "\N{SNOWMAN}" in quick().fit(texts, LABELS).model_.contract.vocabulary.characters
    assert "\N{SNOWMAN}" not in quick().fit(texts, LABELS, sample_weight=weights).model_.contract.vocabulary.characters


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scale_of_the_weights_makes_no_difference(scale: float) -> None:
    weights = np.linspace(0.5, 1.5, 24)
    plain = tiny().fit(TINY, LABELS, sample_weight=weights).predict_proba(TINY)
    scaled = tiny().fit(TINY, LABELS, sample_weight=weights * scale).predict_proba(TINY)
    np.testing.assert_allclose(scaled, plain, atol=1e-9)


@pytest.mark.parametrize(
    ("weights", "received"),
    [
        (np.ones((24, 1)), "an array of shape (24, 1)"),
        (2.0, "an array of shape ()"),
        (np.ones(5), "5 weights for 24 records"),
        ([np.nan] + [1.0] * 23, "weights that are NaN or infinite"),
        ([np.inf] + [1.0] * 23, "weights that are NaN or infinite"),
        ([-0.5] + [1.0] * 23, "a negative weight, -0.5"),
        (np.zeros(24), "no weight above zero"),
        ("balanced", "'balanced', which are no numbers"),
    ],
    ids=["2-D", "scalar", "too few", "NaN", "infinite", "negative", "zero", "string"],
)
@pytest.mark.parametrize("kind", [SeqCNNClassifier, SeqCNNRegressor, SeqCNNEmbedder])
def test_weights_that_are_none_are_refused(kind: Any, weights: Any, received: str) -> None:
    y = NUMBERS if kind is SeqCNNRegressor else LABELS
    assert message_of(ValueError, quick(kind).fit, SERIES, y, sample_weight=weights) == (
        f"The 'sample_weight' of {kind.__name__} must be one finite number of at least zero for each record, and not "
        f"all of them zero. Received: {received}. Pass weights of shape (24,)."
    )


def test_class_weight_is_the_weight_of_each_of_its_cases() -> None:
    by_class = tiny(class_weight={NAMES[0]: 3.0}).fit(TINY, LABELS)
    by_case = tiny().fit(TINY, LABELS, sample_weight=np.where(LABELS == NAMES[0], 3.0, 1.0))  # noqa: SIM300
    np.testing.assert_allclose(by_class.predict_proba(TINY), by_case.predict_proba(TINY), atol=1e-9)
    both = tiny(class_weight={NAMES[0]: 1.5}).fit(TINY, LABELS, sample_weight=np.where(LABELS == NAMES[0], 2.0, 1.0))  # noqa: SIM300
    np.testing.assert_allclose(both.predict_proba(TINY), by_case.predict_proba(TINY), atol=1e-9)


def test_balanced_weights_make_classes_count_alike() -> None:
    rows = np.r_[np.flatnonzero(FIRST), np.flatnonzero(~FIRST)[:3]]
    X, y = TINY[rows], LABELS[rows]
    balanced = tiny(class_weight="balanced").fit(X, y)
    explicit = tiny(class_weight={y[0]: 15 / 24, y[-1]: 15 / 6}).fit(X, y)
    np.testing.assert_allclose(balanced.predict_proba(X), explicit.predict_proba(X), atol=1e-9)
    plain = tiny().fit(X, y)
    rare = list(plain.classes_).index(y[-1])
    assert balanced.predict_proba(X)[:, rare].mean() > plain.predict_proba(X)[:, rare].mean() + 0.1


def test_balanced_weights_change_nothing_where_classes_are_equally_many() -> None:
    balanced, plain = (tiny(class_weight=weight).fit(TINY, LABELS) for weight in ("balanced", None))
    np.testing.assert_allclose(balanced.predict_proba(TINY), plain.predict_proba(TINY), atol=1e-9)


def test_class_weight_is_named_by_labels_of_any_kind() -> None:
    for labels in ([True, False], [7, -2]):
        y = np.where(FIRST, *labels)
        weighted = tiny(class_weight={labels[0]: 1000.0}).fit(TINY, y)
        assert set(weighted.predict(TINY)) == {labels[0]}


REFUSED_WEIGHTS = (
    "The 'class_weight' parameter of SeqCNNClassifier must give classes finite numbers of at least zero, and not all "
    "of them zero. Received: {}. Pass a larger weight for a class that is to count more."
)


@pytest.mark.parametrize(
    ("class_weight", "error", "message"),
    [
        (
            {"zebra": 1.0, 3: 2.0},
            ValueError,
            f"The 'class_weight' parameter of SeqCNNClassifier must name classes of y, {NAMES[0]!r} and {NAMES[1]!r}. "
            "Received: 'zebra' and 3. Pass weights for those classes only.",
        ),
        (
            "balance",
            ValueError,
            "The 'class_weight' parameter of SeqCNNClassifier must be 'balanced' or None. Received: 'balance'. Did you "
            "mean 'balanced'? Pass one of the values named.",
        ),
        (
            [1.0, 2.0],
            TypeError,
            "The 'class_weight' parameter of SeqCNNClassifier must be 'balanced', None or a dict. Received: "
            f"[1.0, 2.0]. Pass a dict of labels and weights, such as {{{NAMES[0]!r}: 2.0}}.",
        ),
        ({NAMES[0]: -1.0}, ValueError, REFUSED_WEIGHTS.format(f"{NAMES[0]!r}: -1.0")),
        ({NAMES[0]: float("nan")}, ValueError, REFUSED_WEIGHTS.format(f"{NAMES[0]!r}: nan")),
        ({LABELS[0]: "many"}, ValueError, REFUSED_WEIGHTS.format(f"{LABELS.tolist()[0]!r}: 'many'")),
        (dict.fromkeys(NAMES, 0), ValueError, REFUSED_WEIGHTS.format(dict.fromkeys(NAMES, 0))),
    ],
)
def test_class_weight_that_is_none_is_refused(class_weight: Any, error: type[Exception], message: str) -> None:
    assert message_of(error, quick(class_weight=class_weight).fit, SERIES, LABELS) == message


def test_label_smoothing_makes_answers_less_certain() -> None:
    settings_ = {"max_epochs": 40, "learning_rate": 0.02}
    certain, smooth = (quick(label_smoothing=share, **settings_).fit(SERIES, LABELS) for share in (0.0, 0.4))
    assert certain.score(SERIES, LABELS) > 0.9
    assert smooth.score(SERIES, LABELS) > 0.9
    # With 0.4 over two classes, the loss is least where the right class has 0.8.
    assert certain.predict_proba(SERIES).max(axis=1).mean() > 0.9
    assert 0.7 < smooth.predict_proba(SERIES).max(axis=1).mean() < 0.87
