"""scikit-learn's callbacks on our estimators, and ours on its protocol."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
import torch
from estimator_helpers import ESTIMATORS, LABELS, SERIES, message_of, quick, weights_of
from safetensors import safe_open
from safetensors.torch import load_file
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.callbacks import Checkpoint, EarlyStopping
from seqcnn.training import NonFiniteLossError

HAS_CALLBACKS = hasattr(SeqCNNClassifier(), "set_callbacks")
needs_callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason="this scikit-learn has no callbacks")


def test_callbacks_are_there_where_scikit_learn_has_them() -> None:
    if importlib.util.find_spec("sklearn.callback") is not None:
        assert all(hasattr(kind(), "set_callbacks") for kind in ESTIMATORS)
        return
    assert not HAS_CALLBACKS
    with pytest.raises(AttributeError) as error:
        SeqCNNClassifier().set_callbacks()
    assert str(error.value) == (
        "SeqCNNClassifier.set_callbacks needs the callbacks of scikit-learn 1.9 or newer. Received: scikit-learn "
        f"{sklearn.__version__}. Upgrade it, or do without callbacks."
    )


class Diary:
    """Writes down what it is told."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.lines: list[str] = []
        self.fitted: list[Any] = []
        self.stop_after = stop_after

    def setup(self, estimator: Any, context: Any) -> None:
        self.lines.append("setup")

    def teardown(self, estimator: Any, context: Any) -> None:
        self.lines.append("teardown")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.lines.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any, y: Any, metadata: Any, fitted_estimator: Any
    ) -> bool:
        self.lines.append(f"end {context.task_name} {context.task_id}")
        self.fitted.append((fitted_estimator, X, y, metadata))
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


@needs_callbacks
def test_callbacks_hear_of_every_epoch_and_may_end_the_training() -> None:
    diary = Diary(stop_after=2)
    classifier = quick(max_epochs=9).set_callbacks(diary).fit(SERIES, LABELS)
    epochs = ["begin epoch 0", "end epoch 0", "begin epoch 1", "end epoch 1"]
    assert diary.lines == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]
    assert len(classifier.history_) == 2


@needs_callbacks
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_callbacks_get_an_estimator_that_is_fitted_until_now(kind: Any) -> None:
    diary = Diary()
    y = SERIES.max(axis=1) if kind is SeqCNNRegressor else LABELS
    weights = np.linspace(1.0, 2.0, 24)
    estimator = quick(kind, max_epochs=3).set_callbacks(diary).fit(SERIES, y, sample_weight=weights)
    assert len(diary.fitted) == 4  # three epochs and the whole
    answers = []
    for fitted, X, told, metadata in diary.fitted:
        assert X is SERIES
        assert told is y
        assert metadata == {"sample_weight": weights}
        assert not fitted.network_.training
        method = fitted.transform if kind is SeqCNNEmbedder else fitted.predict
        answers.append(np.asarray(fitted.network_(torch.from_numpy(SERIES[:, None]).float()).detach()))
        assert len(method(SERIES)) == 24
    assert [len(fitted.history_) for fitted, *_ in diary.fitted] == [1, 2, 3, 3]
    assert not np.allclose(answers[0], answers[1])
    assert np.array_equal(answers[2], answers[3])
    assert {name: value.tolist() for name, value in weights_of(estimator).items()} == {
        name: value.tolist() for name, value in weights_of(diary.fitted[-1][0]).items()
    }


@needs_callbacks
def test_watching_changes_nothing_that_is_learnt() -> None:
    watched = quick().set_callbacks(Diary()).fit(SERIES, LABELS)
    plain = quick().fit(SERIES, LABELS)
    np.testing.assert_array_equal(watched.predict_proba(SERIES), plain.predict_proba(SERIES))


@needs_callbacks
def test_callbacks_are_torn_down_after_an_error_and_the_estimator_is_unfitted() -> None:
    diary = Diary()
    classifier = quick(learning_rate=1e30, max_epochs=5).set_callbacks(diary)
    with pytest.raises(NonFiniteLossError):
        classifier.fit(SERIES, LABELS)
    assert diary.lines[-1] == "teardown"
    assert not hasattr(classifier, "history_")
    assert not hasattr(classifier, "network_")


@needs_callbacks
@pytest.mark.parametrize("fitted_on", ["fixed kernels", "nothing"])
def test_a_fit_without_epochs_is_one_task(fitted_on: str) -> None:
    diary = Diary()
    if fitted_on == "nothing":
        quick(SeqCNNEmbedder).set_callbacks(diary).fit(SERIES)
        tasks = []
    else:
        SeqCNNClassifier("minirocket", n_jobs=1).set_callbacks(diary).fit(SERIES, LABELS)
        tasks = ["begin epoch 0", "end epoch 0"]
    assert diary.lines == ["setup", "begin fit 0", *tasks, "end fit 0", "teardown"]


@needs_callbacks
def test_scoring_monitor_of_scikit_learn_logs_every_epoch() -> None:
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    classifier = quick(max_epochs=4).set_callbacks(monitor).fit(SERIES, LABELS)
    log = monitor.get_logs().data_as_pandas
    epochs = log[log["task_name"] == "epoch"]
    assert len(epochs) == 4
    assert epochs["accuracy"].iloc[-1] == accuracy_score(LABELS, classifier.predict(SERIES))


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_callbacks_of_scikit_learn_pass_through_a_search_and_a_pipeline(
    n_jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.callback import ProgressBar, ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    pipeline = make_pipeline(StandardScaler(), quick().set_callbacks(monitor))
    search = GridSearchCV(pipeline, {"seqcnnclassifier__learning_rate": [0.001, 0.01]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(SERIES, LABELS)
    assert search.score(SERIES, LABELS) >= 0
    log = monitor.get_logs(select="all")
    rows = [row for run in log for row in run.data if row["task_name"] == "epoch"]
    assert len(rows) == 2 * (2 * 2 + 1)  # epochs x (candidates x folds + the refit)
    assert "SeqCNNClassifier" in capsys.readouterr().out


@needs_callbacks
def test_early_stopping_ends_when_the_loss_falls_no_more() -> None:
    stopping = EarlyStopping("train_loss", n_iter_no_change=2, min_change=10.0)
    classifier = quick(max_epochs=30).set_callbacks(stopping).fit(SERIES, LABELS)
    assert len(classifier.history_) == 3  # the first is better than nothing, two are no better
    again = clone(classifier).set_params(warm_start=True)
    assert len(again.fit(SERIES, LABELS).fit(SERIES, LABELS).history_) == 6


@needs_callbacks
def test_early_stopping_watches_what_records_of_ones_own_say() -> None:
    stopping = EarlyStopping("validation_score", n_iter_no_change=3)
    classifier = quick(max_epochs=40, learning_rate=0.01, early_stopping=False).set_callbacks(stopping)
    scores = classifier.fit(SERIES, LABELS, X_val=SERIES, y_val=LABELS).history_["validation_score"]
    assert len(scores) < 40
    assert (scores.iloc[-3:] <= scores.iloc[:-3].max()).all()


@needs_callbacks
def test_callback_that_watches_what_is_not_measured_is_answered() -> None:
    classifier = quick().set_callbacks(EarlyStopping("validation_loss"))
    assert message_of(ValueError, classifier.fit, SERIES, LABELS) == (
        "The 'monitor' parameter of EarlyStopping must be a column of history_. Received: 'validation_loss', which is "
        "not measured without held-back records. Pass X_val and y_val to fit, set early_stopping=True, or monitor "
        "'train_loss'."
    )


def test_parameters_of_callbacks_are_checked() -> None:
    assert message_of(ValueError, EarlyStopping, "validation_los") == (
        "The 'monitor' parameter of EarlyStopping must be 'train_loss', 'validation_loss' or 'validation_score'. "
        "Received: 'validation_los'. Did you mean 'validation_loss'? Pass one of the values named."
    )
    assert message_of(ValueError, Checkpoint, "x", save="last") == (
        "The 'save' parameter of Checkpoint must be 'best' or 'latest'. Received: 'last'. Did you mean 'latest'? Pass "
        "one of the values named."
    )


@needs_callbacks
def test_checkpoint_writes_the_latest_weights_and_its_epoch(tmp_path: Path) -> None:
    path = tmp_path / "latest.safetensors"
    classifier = quick(max_epochs=3).set_callbacks(Checkpoint(path, save="latest")).fit(SERIES, LABELS)
    assert list(tmp_path.iterdir()) == [path]
    loaded = load_file(path)
    for name, tensor in weights_of(classifier).items():
        assert torch.equal(loaded[name], tensor), name
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"epoch": "3"}
    other = quick(max_epochs=1).fit(SERIES, LABELS)
    other.network_.load_state_dict(loaded)
    np.testing.assert_array_equal(other.predict_proba(SERIES), classifier.predict_proba(SERIES))


@needs_callbacks
def test_checkpoint_keeps_the_best_epoch_or_every_epoch(tmp_path: Path) -> None:
    every = Checkpoint(tmp_path / "{epoch}.safetensors", save="latest")
    best = Checkpoint(tmp_path / "best.safetensors", monitor="train_loss")
    classifier = quick(max_epochs=6, learning_rate=0.3).set_callbacks(every, best).fit(SERIES, LABELS)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"best.safetensors", *(f"{epoch}.safetensors" for epoch in range(1, 7))}
    lowest = int(classifier.history_["epoch"][classifier.history_["train_loss"].idxmin()])
    assert (tmp_path / "best.safetensors").read_bytes() == (tmp_path / f"{lowest}.safetensors").read_bytes()


@needs_callbacks
def test_checkpoint_leaves_the_file_there_was_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"before")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        quick().set_callbacks(Checkpoint(path)).fit(SERIES, LABELS)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"before"


@needs_callbacks
def test_checkpoint_into_a_folder_that_is_not_there_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "no" / "net.safetensors"
    classifier = quick().set_callbacks(Checkpoint(path))
    assert message_of(FileNotFoundError, classifier.fit, SERIES, LABELS) == (
        f"The 'path' parameter of Checkpoint must lie in a folder that exists. Received: {str(path)!r}. Make "
        f"{str(path.parent)!r} first."
    )


@needs_callbacks
def test_callbacks_of_ours_are_cloned_and_pickled_with_the_estimator(tmp_path: Path) -> None:
    classifier = quick().set_callbacks(EarlyStopping("train_loss"), Checkpoint(tmp_path / "a.safetensors"))
    loaded = pickle.loads(pickle.dumps(classifier.fit(SERIES, LABELS)))
    (tmp_path / "a.safetensors").unlink()
    clone(loaded).fit(SERIES, LABELS)
    assert (tmp_path / "a.safetensors").exists()
