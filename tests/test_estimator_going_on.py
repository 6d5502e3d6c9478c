"""Training that goes on: ``partial_fit`` for data that come bit by bit, ``warm_start`` for a fit behind a fit."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from estimator_helpers import (
    LABELS,
    LANGUAGES,
    SERIES,
    SWAPPED,
    TEXTS,
    assert_same_weights,
    message_of,
    quick,
    weights_of,
    with_warnings,
)
from sklearn.base import clone

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.progress import TrainingProgress
from seqcnn.training import NonFiniteLossError

CLASSES = np.unique(LABELS)
NUMBERS = SERIES.max(axis=1) * 10 + 100
INCREMENTAL = (SeqCNNClassifier, SeqCNNRegressor)


def target_for(kind: Any) -> Any:
    return NUMBERS if kind is SeqCNNRegressor else LABELS


def feed(estimator: Any, n_rounds: int = 1, y: Any = LABELS, X: Any = SERIES) -> Any:
    """Call partial_fit with a third of the data at a time."""
    for _ in range(n_rounds):
        for rows in (slice(0, 8), slice(8, 16), slice(16, 24)):
            more = {"classes": CLASSES} if isinstance(estimator, SeqCNNClassifier) else {}
            estimator.partial_fit(X[rows], y[rows], **more)
    return estimator


def test_bits_of_data_are_learnt_as_well_as_the_whole() -> None:
    classifier = feed(quick(learning_rate=0.01), 15)
    assert classifier.score(SERIES, LABELS) > 0.95
    regressor = feed(quick(SeqCNNRegressor, learning_rate=0.02), 20, y=NUMBERS)
    assert regressor.score(SERIES, NUMBERS) > 0.5


def test_each_call_is_a_line_of_the_history_at_a_constant_rate() -> None:
    classifier = feed(quick(max_epochs=50, learning_rate=0.002), 2)
    history = classifier.history_
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history["learning_rate"].tolist() == [0.002] * 6
    assert history["seconds"].is_monotonic_increasing
    assert feed(quick()).history_["learning_rate"].tolist() == [0.001] * 3  # "auto": a third of the peak


@pytest.mark.parametrize("kind", INCREMENTAL)
def test_same_seed_and_calls_give_the_same_weights_and_a_pickle_changes_nothing(kind: Any) -> None:
    first, again = (feed(quick(kind), y=target_for(kind)) for _ in range(2))
    assert_same_weights(first, again)
    loaded = pickle.loads(pickle.dumps(first))
    feed(loaded, y=target_for(kind))
    feed(again, y=target_for(kind))
    assert_same_weights(loaded, again)
    assert not torch.equal(weights_of(first)["head.dense.weight"], weights_of(again)["head.dense.weight"])


def test_optimizer_remembers_between_calls() -> None:
    # Forgotten, each call would begin with steps of full length again.
    remembering, forgetting = quick(), quick()
    for estimator in (remembering, forgetting):
        for _ in range(4):
            estimator.partial_fit(SERIES, LABELS, classes=CLASSES)
            if estimator is forgetting:
                estimator._progress.moments = []
    assert [moments.steps for moments in remembering._progress.moments] == [12.0, 12.0]
    assert not torch.equal(weights_of(remembering)["head.dense.weight"], weights_of(forgetting)["head.dense.weight"])


def test_statistics_and_characters_are_those_of_the_first_call() -> None:
    classifier = quick().partial_fit(SERIES[:8], LABELS[:8], classes=CLASSES)
    before = weights_of(classifier)
    classifier.partial_fit(SERIES[8:] * 100 + 5, LABELS[8:])
    after = weights_of(classifier)
    assert [name for name in before if name.startswith("stem.")]
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("stem."), name
    of_text = quick().partial_fit(TEXTS[:12], LANGUAGES[:12], classes=np.unique(LANGUAGES))
    contract = of_text.model_.contract
    assert of_text.partial_fit(["never seen: ÄÖÜ"] * 2, LANGUAGES[:2]).model_.contract is contract


def test_a_first_call_may_hold_one_class_of_several() -> None:
    one = CLASSES[0] == LABELS
    classifier = quick(class_weight={CLASSES[0]: 1.0, CLASSES[1]: 3.0})
    classifier.partial_fit(SERIES[one], LABELS[one], classes=CLASSES)
    assert classifier.predict_proba(SERIES).shape == (24, 2)
    assert classifier.classes_.tolist() == CLASSES.tolist()
    classifier.partial_fit(SERIES[~one], LABELS[~one])


def test_weights_of_zero_leave_cases_out_of_a_call() -> None:
    weights = np.repeat([1.0, 0.0], 12)
    weighted = quick().partial_fit(SERIES, LABELS, classes=CLASSES, sample_weight=weights)
    part = quick().partial_fit(SERIES[:12], LABELS[:12], classes=CLASSES)
    assert_same_weights(weighted, part)


def test_fit_starts_anew_and_partial_fit_goes_on_behind_a_fit() -> None:
    classifier = feed(quick()).fit(SERIES, LABELS)
    assert_same_weights(classifier, quick().fit(SERIES, LABELS))
    assert classifier.history_["epoch"].tolist() == [1, 2]
    classifier.partial_fit(SERIES, LABELS)  # classes are known
    assert classifier.history_["epoch"].tolist() == [1, 2, 3]
    assert set(classifier.fit(TEXTS, LANGUAGES).classes_) == set(LANGUAGES)


def test_windows_texts_and_unequal_lengths_come_bit_by_bit() -> None:
    ragged = [series[: 30 + row % 10] for row, series in enumerate(SERIES)]
    assert feed(quick(window_length=20), X=ragged).predict(ragged).shape == (24,)
    texts = quick()
    for rows in (slice(0, 12), slice(12, 24)):
        texts.partial_fit(TEXTS[rows], LANGUAGES[rows], classes=np.unique(LANGUAGES))
    assert texts.predict(TEXTS).shape == (24,)


def test_how_to_train_may_change_between_calls() -> None:
    classifier = feed(quick())
    classifier.set_params(learning_rate=0.1, batch_size=4, weight_decay=0.5, label_smoothing=0.1)
    classifier.partial_fit(SERIES, LABELS)
    assert classifier.history_["learning_rate"].tolist() == [0.001, 0.001, 0.001, 0.1]


@pytest.mark.parametrize("in_steps", [True, False], ids=["partial_fit", "warm_start"])
def test_what_the_network_was_built_by_may_not_change(in_steps: bool) -> None:
    classifier = quick(warm_start=True).fit(SERIES, LABELS)
    classifier.set_params(encoder__width=6, normalize="record", encoder__kernel_sizes=(5,))
    method = classifier.partial_fit if in_steps else classifier.fit
    how, anew = ("partial_fit", "fit") if in_steps else ("warm_start=True", "warm_start=False")
    assert message_of(ValueError, method, SERIES, LABELS) == (
        f"SeqCNNClassifier cannot go on with {how}, because parameters that its network was built by have changed. "
        "Received: normalize='record', encoder__width=6 and encoder__kernel_sizes=(5,), after normalize='auto', "
        f"encoder__width=8 and no encoder__kernel_sizes. Set them back, or start anew with {anew}."
    )


def test_a_module_of_ones_own_is_the_same_only_as_itself() -> None:
    module = torch.nn.Conv1d(1, 4, 3)
    classifier = feed(quick(encoder=module))
    copy = pickle.loads(pickle.dumps(classifier))
    feed(copy)
    copy.set_params(encoder=deepcopy(module))
    assert message_of(ValueError, copy.partial_fit, SERIES, LABELS) == (
        "SeqCNNClassifier cannot go on with partial_fit, because parameters that its network was built by have "
        "changed. Received: encoder=Conv1d, after encoder=Conv1d. Set them back, or start anew with fit."
    )


def test_classes_are_demanded_in_the_first_call_and_settled_by_it() -> None:
    fresh = quick()
    assert message_of(ValueError, fresh.partial_fit, SERIES, LABELS) == (
        "classes must be passed on the first call to partial_fit. SeqCNNClassifier builds an output for each class "
        "before it has seen them all. Pass classes=np.unique(y_all)."
    )
    assert message_of(ValueError, fresh.partial_fit, SERIES, LABELS, classes=["bump"]) == (
        "The classes of SeqCNNClassifier.partial_fit must hold at least two classes. Received: ['bump']. Pass every "
        "label that will ever come."
    )
    assert message_of(ValueError, fresh.partial_fit, SERIES, LABELS, classes=["bump", None]) == (
        "The classes of SeqCNNClassifier.partial_fit must be a list of labels. Received: ['bump', None]. Pass "
        "classes=np.unique(y_all)."
    )
    classifier = quick().partial_fit(SERIES, LABELS, classes=CLASSES[::-1])
    classifier.partial_fit(SERIES, LABELS, classes=CLASSES.tolist())
    assert message_of(ValueError, classifier.partial_fit, SERIES, LABELS, classes=["a", "b"]) == (
        "The classes of SeqCNNClassifier.partial_fit must be those of the first call. Received: classes=['a', 'b'] is "
        f"not the same as on last call to partial_fit, was: {CLASSES.tolist()}. Leave classes out, or start anew with "
        "fit."
    )


def test_labels_that_come_later_are_answered() -> None:
    classifier = feed(quick())
    y = LABELS.astype(object)
    y[3], y[5] = "new", "newer"
    first, second = (repr(label) for label in CLASSES.tolist())
    assert message_of(ValueError, classifier.partial_fit, SERIES, y) == (
        f"The y of SeqCNNClassifier.partial_fit must hold the classes of the first call only, {first} and {second}. "
        "Received: 'new' and 'newer'. Drop these records, or start anew with every label in classes."
    )


def test_what_needs_all_records_at_once_is_refused_in_bits() -> None:
    assert message_of(ValueError, quick(class_weight="balanced").partial_fit, SERIES, LABELS, classes=CLASSES) == (
        "class_weight='balanced' is not supported for SeqCNNClassifier.partial_fit, which never sees all labels at "
        "once. Received: 'balanced'. Pass a dict of weights, such as those that "
        "sklearn.utils.class_weight.compute_class_weight gives for all labels, or sampling='balanced'."
    )
    assert message_of(ValueError, quick(SeqCNNRegressor, early_stopping=True).partial_fit, SERIES, NUMBERS) == (
        "partial_fit of SeqCNNRegressor does not support early_stopping=True: a call is one pass over all records it "
        "is given. Received: early_stopping=True. Pass early_stopping=False, and score records of your own between the "
        "calls."
    )


@pytest.mark.parametrize("how", ["partial_fit", "warm_start=True"])
def test_fixed_kernels_cannot_go_on(how: str) -> None:
    regressor = SeqCNNRegressor("minirocket", warm_start=how != "partial_fit")
    method = regressor.partial_fit if how == "partial_fit" else regressor.fit
    assert message_of(ValueError, method, SERIES, NUMBERS) == (
        f"SeqCNNRegressor cannot go on with {how} behind an encoder of fixed kernels, whose head is solved from all "
        "records at once. Received: encoder='minirocket'. Call fit on all records without it, or take an encoder that "
        "is trained, such as 'fcn'."
    )


def test_number_of_targets_stays() -> None:
    regressor = feed(quick(SeqCNNRegressor), y=NUMBERS)
    assert message_of(ValueError, regressor.partial_fit, SERIES, np.column_stack([NUMBERS, NUMBERS])) == (
        "The y of SeqCNNRegressor must hold as many targets as before, 1, to go on with partial_fit. Received: 2. Pass "
        "the same columns, or start anew with fit."
    )
    both = quick(SeqCNNRegressor, warm_start=True).fit(SERIES, np.column_stack([NUMBERS, NUMBERS]))
    assert message_of(ValueError, both.fit, SERIES, NUMBERS) == (
        "The y of SeqCNNRegressor must hold as many targets as before, 2, to go on with warm_start=True. Received: 1. "
        "Pass the same columns, or start anew with warm_start=False."
    )


@pytest.mark.parametrize("warm", [False, True], ids=["partial_fit", "warm_start"])
def test_estimator_is_what_it_was_before_a_call_that_failed(warm: bool) -> None:
    classifier = quick(warm_start=warm).fit(SERIES, LABELS)
    before, history = deepcopy(classifier), classifier.history_
    method = classifier.fit if warm else classifier.partial_fit
    with pytest.raises(NonFiniteLossError):
        method(SERIES * 1e38, LABELS)
    assert_same_weights(classifier, before)
    assert classifier.history_ is history
    assert not classifier.network_.training
    np.testing.assert_array_equal(classifier.predict_proba(SERIES), before.predict_proba(SERIES))


def test_model_that_was_read_from_a_file_goes_on_too() -> None:
    classifier = quick().fit(SERIES, LABELS)
    del classifier._progress, classifier.history_
    assert classifier.partial_fit(SERIES, LABELS).history_["epoch"].tolist() == [1]


def test_embedder_has_no_bits_and_no_warm_start() -> None:
    assert not hasattr(SeqCNNEmbedder(), "partial_fit")
    assert "warm_start" not in SeqCNNEmbedder().get_params()


def test_ctrl_c_in_a_call_keeps_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = feed(quick())

    def press(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProgress, "on_batch", press)
    _, warned = with_warnings(classifier.partial_fit, SERIES, LABELS)
    assert warned == [
        "Training of SeqCNNClassifier was interrupted after 0 of 1 epochs. It keeps what was learnt until then and can "
        "predict; history_ shows how far it came."
    ]
    assert len(classifier.history_) == 3
    monkeypatch.undo()
    assert len(classifier.partial_fit(SERIES, LABELS).history_) == 4


def test_tiny_series_keep_their_rule_when_more_come() -> None:
    X = SERIES[:, :20]
    classifier = SeqCNNClassifier(random_state=0, n_jobs=1).partial_fit(X, LABELS, classes=CLASSES)
    assert weights_of(classifier)["head.dense.weight"].dtype == torch.float64
    many, labels = np.tile(X, (9, 1)), np.tile(LABELS, 9)
    classifier.partial_fit(many, labels)
    assert weights_of(classifier)["head.dense.weight"].dtype == torch.float64


@pytest.mark.parametrize("kind", INCREMENTAL)
def test_warm_start_goes_on_from_the_weights(kind: Any) -> None:
    y = target_for(kind)
    warm = quick(kind, warm_start=True, max_epochs=3, learning_rate=0.01).fit(SERIES, y)
    first = weights_of(warm)
    loss = warm.history_["train_loss"].iloc[-1]
    warm.fit(SERIES, y)
    assert warm.history_["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert warm.history_["train_loss"].iloc[-1] < loss
    assert any(not torch.equal(first[name], tensor) for name, tensor in weights_of(warm).items())
    # The first fit is the one that it would be without.
    assert_same_weights(clone(warm).fit(SERIES, y), quick(kind, max_epochs=3, learning_rate=0.01).fit(SERIES, y))


def test_each_warm_fit_trains_max_epochs_more_and_keeps_the_statistics() -> None:
    classifier = quick(warm_start=True).fit(SERIES, LABELS)
    before = weights_of(classifier)
    classifier.set_params(max_epochs=5).fit(SERIES * 3 + 1, LABELS)
    assert len(classifier.history_) == 7
    after = weights_of(classifier)
    for name in before:
        if name.startswith("stem."):
            assert torch.equal(before[name], after[name])


def test_without_warm_start_a_second_fit_starts_anew() -> None:
    classifier = quick(warm_start=True).fit(SERIES, LABELS)
    classifier.set_params(warm_start=False).fit(SERIES, SWAPPED)
    assert_same_weights(classifier, quick().fit(SERIES, SWAPPED))


def test_warm_start_holds_back_the_records_it_held_back_before(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqcnn.estimators import _base

    sides = []
    original = _base.hold_back

    def spy(*args: Any, **kwargs: Any) -> Any:
        sides.append(original(*args, **kwargs))
        return sides[-1]

    monkeypatch.setattr(_base, "hold_back", spy)
    classifier = quick(warm_start=True, early_stopping=True, validation_fraction=0.25, random_state=None)
    classifier.fit(SERIES, LABELS).fit(SERIES, LABELS)
    np.testing.assert_array_equal(sides[0][1], sides[1][1])


def test_warm_start_demands_the_same_classes_and_the_same_contract() -> None:
    classifier = quick(warm_start=True).fit(SERIES, LABELS)
    first, second = (repr(label) for label in CLASSES.tolist())
    y = np.where(CLASSES[0] == LABELS, "other", LABELS)
    assert message_of(ValueError, classifier.fit, SERIES, y) == (
        "The y of SeqCNNClassifier must hold the classes of the fit before, because warm_start=True goes on from its "
        f"weights. Received: {', '.join(repr(label) for label in np.unique(y).tolist()).replace(', ', ' and ')}, "
        f"fitted on {first} and {second}. Pass the same classes, or warm_start=False to start anew."
    )
    message = message_of(ValueError, classifier.fit, SERIES[:, :30], LABELS)
    assert "X has 30 features, but SeqCNNClassifier is expecting 40 features as input" in message
    assert message.endswith(
        " With warm_start=True, fit goes on from the weights that were fitted; set_params(warm_start=False) starts "
        "anew."
    )
