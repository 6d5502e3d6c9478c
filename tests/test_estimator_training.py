"""How a training ends: by itself, by Ctrl-C, by a budget, by a loss that is no number; and what it leaves behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from estimator_helpers import ESTIMATORS, LABELS, SERIES, TEXTS, message_of, quick, with_warnings

from seqcnn import SeqCNNClassifier, SeqCNNRegressor
from seqcnn.progress import TrainingProgress
from seqcnn.training import NonFiniteLossError

NUMBERS = np.arange(24.0)


def interrupt_after(monkeypatch: pytest.MonkeyPatch, method: str, n_calls: int) -> None:
    """Press Ctrl-C when the watcher hears of this for the n-th time."""
    heard: list[Any] = []

    def press(self: Any, *args: Any) -> None:
        heard.append(args)
        if len(heard) == n_calls:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainingProgress, method, press)


def fit(estimator: Any, *args: Any, **kwargs: Any) -> Any:
    """Fit; a Ctrl-C that comes through is this test's failure and does not end all tests."""
    try:
        return estimator.fit(*args, **kwargs)
    except KeyboardInterrupt:
        pytest.fail("KeyboardInterrupt came through fit")


def interruption_of(kind: Any, done: int, planned: int) -> str:
    return (
        f"Training of {kind.__name__} was interrupted after {done} of {planned} epochs. It keeps what was learnt until "
        "then and can predict; history_ shows how far it came."
    )


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_ctrl_c_keeps_what_was_learnt_and_says_so(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(monkeypatch, "on_epoch", 3)
    y = NUMBERS if kind is SeqCNNRegressor else LABELS
    estimator, warned = with_warnings(fit, quick(kind, max_epochs=50), SERIES, y)
    assert warned == [interruption_of(kind, 3, 50)]
    assert estimator.history_["epoch"].tolist() == [1, 2, 3]
    assert not estimator.network_.training
    answers = estimator.transform(SERIES) if hasattr(estimator, "transform") else estimator.predict(SERIES)
    assert len(answers) == 24
    monkeypatch.undo()
    whole = quick(kind, max_epochs=50).fit(SERIES, y)
    np.testing.assert_array_equal(estimator.history_["train_loss"], whole.history_["train_loss"][:3])
    assert not same_weights(estimator, untrained(kind, y))


def untrained(kind: Any, y: Any) -> Any:
    return quick(kind, max_epochs=1, learning_rate=1e-12, batch_size=24).fit(SERIES, y)


def same_weights(first: Any, second: Any) -> bool:
    pairs = zip(first.network_.parameters(), second.network_.parameters(), strict=True)
    return all(torch.allclose(ours, theirs) for ours, theirs in pairs)


def test_ctrl_c_within_an_epoch_keeps_the_steps_that_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(monkeypatch, "on_batch", 1)
    classifier, warned = with_warnings(fit, quick(max_epochs=50), SERIES, LABELS)
    assert warned == [interruption_of(SeqCNNClassifier, 0, 50)]
    assert len(classifier.history_) == 0
    assert "train_loss" in classifier.history_.columns
    assert classifier.predict(SERIES).shape == (24,)
    monkeypatch.undo()
    assert not same_weights(classifier, untrained(SeqCNNClassifier, LABELS))


def test_ctrl_c_keeps_the_best_weights_where_records_were_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(monkeypatch, "on_epoch", 6)
    classifier = quick(max_epochs=50, learning_rate=0.05)
    _, warned = with_warnings(fit, classifier, SERIES, LABELS, X_val=SERIES, y_val=LABELS[::-1])
    assert warned == [interruption_of(SeqCNNClassifier, 6, 50)]
    history = classifier.history_
    assert len(history) == 6
    best = history["validation_loss"].idxmin()
    np.testing.assert_allclose(classifier.score(SERIES, LABELS[::-1]), history["validation_score"][best])


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [(SeqCNNClassifier, {"learning_rate": 1e30}), (SeqCNNRegressor, {"learning_rate": 1e30})],
)
def test_loss_that_is_no_number_is_an_error(kind: Any, parameters: dict[str, Any]) -> None:
    estimator = quick(kind, **parameters)
    y = NUMBERS if kind is SeqCNNRegressor else LABELS
    message = message_of(NonFiniteLossError, estimator.fit, SERIES, y)
    start, _, end = message.partition(" at a learning rate of ")
    assert start in (
        f"Training stopped in epoch {epoch}, because the loss is not finite. Received: a loss of {loss}"
        for epoch in (1, 2)
        for loss in ("nan", "inf")
    )
    assert end.endswith(
        ". Lower learning_rate (its peak is 1e+30 now), or look for extreme values in X, y or sample_weight."
    )


def test_estimator_stays_unfitted_after_an_error_in_training() -> None:
    estimator = quick(learning_rate=1e30)
    with pytest.raises(NonFiniteLossError):
        estimator.fit(SERIES, LABELS)
    assert not hasattr(estimator, "network_")
    assert not hasattr(estimator, "history_")
    assert not hasattr(estimator, "classes_")
    assert estimator.set_params(learning_rate=0.001).fit(SERIES, LABELS).predict(SERIES).shape == (24,)


def test_earlier_fit_is_forgotten_where_a_later_one_fails_in_training() -> None:
    estimator = quick().fit(SERIES, LABELS).set_params(learning_rate=1e30)
    with pytest.raises(NonFiniteLossError):
        estimator.fit(SERIES, LABELS)
    assert not hasattr(estimator, "network_")


def test_training_ends_within_its_budget() -> None:
    classifier = quick(max_epochs=100_000, max_fit_seconds=0.3).fit(SERIES, LABELS)
    history = classifier.history_
    assert 1 <= len(history) < 100_000
    assert history["seconds"].iloc[-1] < 5.0
    # The cycle was shortened with it, so the rate has come down again.
    assert history["learning_rate"].iloc[-1] < 0.2 * history["learning_rate"].max()


def test_one_step_is_made_however_small_the_budget() -> None:
    assert len(quick(max_epochs=10, max_fit_seconds=1e-9).fit(SERIES, LABELS).history_) == 1


@pytest.mark.parametrize("verbose", [1, True, 2])
def test_progress_goes_to_standard_error(verbose: Any, capsys: pytest.CaptureFixture[str]) -> None:
    quick(verbose=verbose, max_epochs=3, early_stopping=True, validation_fraction=0.25).fit(SERIES, LABELS)
    out, err = capsys.readouterr()
    assert out == ""
    # Joined, because a narrow terminal breaks lines.
    text = " ".join(err.split())
    assert "SeqCNNClassifier epoch 3/3 loss " in text
    assert " validation loss " in text
    assert " score " in text
    assert text.endswith("s left")
    assert ("epoch 2/3" in text) == (verbose == 2)


@pytest.mark.parametrize("verbose", [0, False])
def test_without_verbose_nothing_is_printed(verbose: Any, capsys: pytest.CaptureFixture[str]) -> None:
    quick(verbose=verbose).fit(SERIES, LABELS).predict(SERIES)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("precision", "stored"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.float32), ("float64", torch.float64)],
)
def test_precision_is_that_of_training_and_answers_are_float64(precision: str, stored: torch.dtype) -> None:
    classifier = quick(precision=precision).fit(SERIES, LABELS)
    assert {tensor.dtype for tensor in classifier.network_.parameters()} == {stored}
    assert classifier.predict_proba(SERIES).dtype == np.float64
    reference = quick(precision="float64").fit(SERIES, LABELS).predict_proba(SERIES)
    np.testing.assert_allclose(classifier.predict_proba(SERIES), reference, atol=2e-2)


def test_bfloat16_is_used_in_training_where_it_is_asked_for() -> None:
    rounded, exact = (quick(precision=precision).fit(SERIES, LABELS) for precision in ("bfloat16", "float32"))
    assert not np.array_equal(rounded.predict_proba(SERIES), exact.predict_proba(SERIES))


@pytest.mark.parametrize("device", ["cpu", "auto", torch.device("cpu")])
def test_device_is_where_the_network_is(device: Any) -> None:
    classifier = quick(device=device).fit(SERIES, LABELS)
    found = next(classifier.network_.parameters()).device.type
    assert found == ("cuda" if device == "auto" and torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1, None])
def test_threads_are_limited_within_and_restored_behind(n_jobs: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []

    def look(self: Any, *args: Any) -> None:
        seen.append(torch.get_num_threads())

    monkeypatch.setattr(TrainingProgress, "on_batch", look)
    classifier = quick(n_jobs=n_jobs, max_epochs=1).fit(SERIES, LABELS)
    classifier.predict(SERIES)
    # Left to itself, such a small fit takes one.
    assert set(seen) == {1 if n_jobs is None else before if n_jobs == -1 else n_jobs}
    assert torch.get_num_threads() == before


def test_a_fit_of_much_work_takes_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    monkeypatch.setattr(TrainingProgress, "on_batch", lambda *_: seen.append(torch.get_num_threads()))
    torch.set_num_threads(2)
    try:
        SeqCNNClassifier("inception", max_epochs=1, random_state=0).fit(np.tile(SERIES, 3), LABELS)
        assert set(seen) == {2}
    finally:
        torch.set_num_threads(before)


def test_threads_are_restored_behind_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(NonFiniteLossError):
        quick(n_jobs=before + 1, learning_rate=1e30).fit(SERIES, LABELS)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("preset", "effort"), [("quick", 0.25), ("default", 1.0), ("best", 3.0)])
def test_preset_scales_the_epochs(preset: str, effort: float) -> None:
    # Tiny series: their default is 100 epochs.
    X, y = SERIES[:, :20], LABELS
    classifier = SeqCNNClassifier(preset=preset, random_state=0, n_jobs=1).fit(X, y)
    assert len(classifier.history_) == 100 * effort
    assert len(SeqCNNClassifier(preset=preset, max_epochs=3, n_jobs=1).fit(X, y).history_) == 3


def test_tiny_series_are_answered_alike_whatever_stands_beside_them() -> None:
    X = SERIES[:, :20]
    classifier = SeqCNNClassifier(random_state=0, n_jobs=1, max_epochs=5).fit(X, LABELS)
    alone = np.concatenate([classifier.predict_proba(X[[row]]) for row in range(24)])
    np.testing.assert_allclose(classifier.predict_proba(X), alone, atol=1e-12)


def test_batch_size_and_epochs_decide_the_number_of_steps() -> None:
    classifier = quick(batch_size=5, max_epochs=3).fit(SERIES, LABELS)
    # 24 records in batches of at most 5 are 5 batches.
    assert int(classifier.encoder_.blocks[0].normalization.num_batches_tracked) == 3 * 5


def test_learning_rate_is_the_peak_of_the_cycle() -> None:
    rates = quick(learning_rate=0.02, max_epochs=20).fit(SERIES, LABELS).history_["learning_rate"]
    assert 0.9 * 0.02 < rates.max() <= 0.02
    assert rates.iloc[-1] < 0.01 * 0.02 * 20


def test_texts_train_in_every_precision() -> None:
    for precision in ("float32", "float64", "bfloat16"):
        assert quick(precision=precision).fit(TEXTS, LABELS).predict(TEXTS).shape == (24,)
