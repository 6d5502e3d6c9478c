"""The parameter ``augment`` of classifier and regressor."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from estimator_helpers import (
    LABELS,
    LANGUAGES,
    RATE,
    SERIES,
    SOUNDS,
    TEXTS,
    WORDS,
    assert_same_weights,
    message_of,
    quick,
)
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from seqcnn import SeqCNNRegressor, load
from seqcnn.augment import AudioAugmentation
from seqcnn.datasets import write_wav_folder
from seqcnn.estimators._augmenting import make_augment, read_sounds
from seqcnn.estimators._targets import ClassTarget
from seqcnn.inputs.records import Records
from seqcnn.losses import binary_cross_entropy, cross_entropy

MIXED = AudioAugmentation(mixing="mixup", mixing_share=1.0, time_masks=0, band_masks=0)
PITCHES = np.linspace(0.0, 1.0, len(SOUNDS))


def listener(**parameters: Any) -> Any:
    return quick(**({"sample_rate": RATE, "augment": "audio"} | parameters))


def losses_of(estimator: Any) -> list[float]:
    losses: list[float] = estimator.history_["train_loss"].tolist()
    return losses


@pytest.mark.parametrize("augment", ["audio", MIXED, replace(MIXED, mixing="between-class")])
def test_training_hears_other_records_and_the_same_ones_with_the_same_seed(augment: Any) -> None:
    first, again, other = (listener(augment=augment, random_state=seed).fit(SOUNDS, WORDS) for seed in (0, 0, 1))
    assert_same_weights(first, again)
    assert losses_of(first) == losses_of(again)
    assert losses_of(first) != losses_of(other)
    assert losses_of(first) != losses_of(listener(augment=None).fit(SOUNDS, WORDS))


def test_word_and_value_mean_the_same() -> None:
    assert_same_weights(listener().fit(SOUNDS, WORDS), listener(augment=AudioAugmentation()).fit(SOUNDS, WORDS))


@pytest.mark.parametrize("encoder", ["fcn", torch.nn.Conv1d(1, 4, 9)])
@pytest.mark.parametrize("window_length", [None, 600])
def test_records_of_one_length_windows_and_plain_modules_are_trained_on(encoder: Any, window_length: Any) -> None:
    for sounds in (SOUNDS, [sound[:1000] for sound in SOUNDS]):
        fitted = listener(encoder=encoder, window_length=window_length).fit(sounds, WORDS)
        assert np.isfinite(losses_of(fitted)).all()


def test_prediction_never_hears_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = listener(max_epochs=1).fit(SOUNDS, WORDS)

    def refuse(*args: Any) -> None:
        raise AssertionError("a batch was changed")

    monkeypatch.setattr("seqcnn.augment.audio.AudioAugmenter.__call__", refuse)
    fitted.predict_proba(SOUNDS)
    fitted.predict_windows(SOUNDS)
    with pytest.raises(AssertionError, match="a batch was changed"):
        clone(fitted).fit(SOUNDS, WORDS)


def test_held_back_records_are_measured_as_they_are() -> None:
    heard: list[torch.Tensor] = []

    class Ear(torch.nn.Module):
        """Remembers what it reads while nothing is trained."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Conv1d(1, 4, 9)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if not self.training:
                heard.append(x.clone())
            return self.layer(x)

    sounds = [sound[:1000] for sound in SOUNDS]
    listener(encoder=Ear(), normalize=None).fit(sounds, WORDS, X_val=sounds[:3], y_val=WORDS[:3])
    measured = [x for x in heard if len(x) == 3]
    assert len(measured) == 3  # once an epoch, and once for what intervals and sets are made of
    for x in measured:
        np.testing.assert_array_equal(x[:, 0], np.stack(sounds[:3]).astype(np.float32))


def test_numbers_are_learnt_from_augmented_records_too() -> None:
    first, again = (listener(kind=SeqCNNRegressor).fit(SOUNDS, PITCHES) for _ in range(2))
    assert_same_weights(first, again)
    assert losses_of(first) != losses_of(listener(kind=SeqCNNRegressor, augment=None).fit(SOUNDS, PITCHES))


@pytest.mark.parametrize("augment", ["audio", MIXED])
def test_labels_of_any_number_weights_and_balanced_batches_go_through(augment: Any) -> None:
    sets = np.stack([WORDS[0] == WORDS, WORDS[0] != WORDS, np.arange(len(WORDS)) % 3 == 0], 1).astype(int)
    assert np.isfinite(losses_of(listener(augment=augment, class_weight="balanced").fit(SOUNDS, sets))).all()
    balanced = listener(augment=augment, sampling="balanced", label_smoothing=0.1, class_weight="balanced")
    assert np.isfinite(losses_of(balanced.fit(SOUNDS, WORDS, sample_weight=np.arange(len(WORDS))))).all()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float64"])
def test_every_precision_takes_mixtures(precision: str) -> None:
    assert np.isfinite(losses_of(listener(augment=MIXED, precision=precision).fit(SOUNDS, WORDS))).all()


def test_losses_of_certain_probabilities_are_those_of_classes_to_the_bit() -> None:
    scores = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([0, 2, 1, 1, 0])
    for smoothing in (0.0, 0.1):
        loss = cross_entropy(smoothing)
        torch.testing.assert_close(loss(scores, torch.eye(3, dtype=torch.float64)[classes]), loss(scores, classes))
    weights = torch.tensor([[0.5, 0.3, 0.1], [2.0, 1.7, 3.3]])
    sure, half = torch.eye(3)[classes], torch.full((5, 3), 0.5)
    loss = binary_cross_entropy(0.0, weights)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(scores, sure, reduction="none")
    assert torch.equal(loss(scores, sure), (expected * torch.where(sure > 0, weights[1], weights[0])).mean(1))
    between = torch.nn.functional.binary_cross_entropy_with_logits(scores, half, reduction="none")
    torch.testing.assert_close(loss(scores, half), (between * weights.mean(0)).mean(1))


def test_training_goes_on_in_steps_and_from_warm_starts_with_new_chance(tmp_path: Path) -> None:
    steps = listener(max_epochs=1)
    for _ in range(3):
        steps.partial_fit(SOUNDS, WORDS, classes=sorted(set(WORDS)))
    assert len(set(losses_of(steps))) == 3
    once, again = listener(warm_start=True).fit(SOUNDS, WORDS), listener(warm_start=True).fit(SOUNDS, WORDS)
    assert_same_weights(once.fit(SOUNDS, WORDS), pickle.loads(pickle.dumps(again)).fit(SOUNDS, WORDS))
    # How it is trained may change; what is built may not.
    once.set_params(augment=None).fit(SOUNDS, WORDS)
    assert len(once.history_) == 6


def test_estimator_is_cloned_and_saved_with_its_augmentation(tmp_path: Path) -> None:
    fitted = listener(augment=MIXED).fit(SOUNDS, WORDS)
    assert clone(fitted).augment == MIXED
    assert clone(fitted).get_params()["augment"] == MIXED
    fitted.save(tmp_path / "words.seqcnn")
    loaded = load(tmp_path / "words.seqcnn")
    assert loaded.get_params()["augment"] == MIXED
    np.testing.assert_array_equal(loaded.predict_proba(SOUNDS), fitted.predict_proba(SOUNDS))
    assert_same_weights(clone(loaded).fit(SOUNDS, WORDS), fitted)


def test_search_goes_over_augmentations() -> None:
    search = GridSearchCV(listener(), {"augment": [None, "audio", MIXED]}, cv=2).fit(list(SOUNDS), WORDS)
    assert len(search.cv_results_["params"]) == 3


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    """Two seconds of noise, in a folder below a folder, at a rate that is not the records'."""
    generator = np.random.default_rng(0)
    waves = [generator.normal(size=4000).astype(np.float32) * 0.1 for _ in range(2)]
    write_wav_folder(tmp_path / "noises" / "kitchen", waves, ["fan", "tap"], sample_rate=4000)
    return tmp_path / "noises"


def test_folder_of_noises_is_read_once_a_fit_and_told(
    noises: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqcnn.estimators import _augmenting

    n_read = []
    read = _augmenting.read_for_fit
    monkeypatch.setattr(_augmenting, "read_for_fit", lambda *a, **k: n_read.append(len(a[0])) or read(*a, **k))
    augment = AudioAugmentation(noises=noises, reverberation_share=0.0)
    fitted = listener(augment=augment, max_epochs=3, verbose=1).fit(SOUNDS, WORDS)
    assert n_read == [2]
    n_samples = sum(map(len, SOUNDS))
    assert capsys.readouterr().err.splitlines()[0] == (
        f"SeqCNNClassifier  holds 12 recordings, {n_samples / RATE:.1f} s, {4 * n_samples / 1e6:.1f} MB; 2 noises and "
        "0 rooms, 2.0 s, 0.1 MB"
    )
    for _ in range(3):
        fitted.partial_fit(SOUNDS, WORDS)
    assert n_read == [2, 2]  # once more, and kept from there on


def test_folder_that_is_missing_empty_or_no_folder_is_answered(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name, what in (("gone", "does not exist"), ("empty", "has no recordings in it"), ("file", "is a file")):
        estimator = listener(augment=AudioAugmentation(rooms=tmp_path / name))
        assert message_of(FileNotFoundError, estimator.fit, SOUNDS, WORDS) == (
            "The 'rooms' of the 'augment' parameter of SeqCNNClassifier must be a folder of recordings. Received: "
            f"{tmp_path / name}, which {what}. Pass a folder with .wav, .flac, .ogg, .mp3, .aiff, .aif, .au files in "
            "it or below it, or rooms=None to generate them."
        )
        assert not hasattr(estimator, "network_")


def test_noise_that_cannot_be_decoded_is_named(noises: Path) -> None:
    (noises / "broken.wav").write_bytes(b"")
    assert message_of(ValueError, listener(augment=AudioAugmentation(noises=noises)).fit, SOUNDS, WORDS) == (
        "The 'noises' of augment, which are called X here, cannot be read. SeqCNNClassifier could not read 1 of 3 "
        f"audio files: X[0] ({noises / 'broken.wav'}) is empty (0 bytes). Repair these files, or drop them (and their "
        "targets) from X."
    )


@pytest.mark.parametrize(
    ("X", "y", "kind", "more"),
    [
        (SERIES, LABELS, "None or 'series' for series", ", or input='audio' and sample_rate=... if X holds recordings"),
        (TEXTS, LANGUAGES, "None for text", ""),
    ],
)
def test_changes_of_recordings_are_refused_for_anything_else(X: Any, y: Any, kind: str, more: str) -> None:
    assert message_of(ValueError, quick(augment="audio").fit, X, y) == (
        f"The 'augment' parameter of SeqCNNClassifier must be {kind}: 'audio' changes recordings, which it "
        f"plays faster and sets in rooms and noise. Received: 'audio'. Pass augment=None{more}."
    )


@pytest.mark.parametrize(
    ("X", "y", "kind"), [(SOUNDS, WORDS, "None or 'audio' for audio"), (TEXTS, LANGUAGES, "None for text")]
)
def test_changes_of_series_are_refused_for_anything_else(X: Any, y: Any, kind: str) -> None:
    more = {"sample_rate": RATE} if X is SOUNDS else {}
    assert message_of(ValueError, quick(augment="series", **more).fit, X, y) == (
        f"The 'augment' parameter of SeqCNNClassifier must be {kind}: 'series' changes series, in which it lets time "
        f"go faster and slower. Received: 'series'. Pass augment=None."
    )


@pytest.mark.parametrize(
    ("error", "augment", "hint"),
    [(ValueError, "Audio", "Did you mean 'audio'? "), (ValueError, "mixup", ""), (TypeError, True, "")],
)
def test_anything_else_is_answered(error: Any, augment: Any, hint: str) -> None:
    assert message_of(error, quick(augment=augment).fit, SERIES, LABELS) == (
        "The 'augment' parameter of SeqCNNClassifier must be None, 'series', 'audio', a SeriesAugmentation or an "
        f"AudioAugmentation. Received: {augment!r}. {hint}Pass augment='series' or augment='audio', or settings from "
        "seqcnn.augment, which name the amounts."
    )


def test_fixed_kernels_are_refused() -> None:
    assert message_of(ValueError, listener(encoder="minirocket").fit, SOUNDS, WORDS) == (
        "The 'augment' parameter of SeqCNNClassifier must be None beside an encoder of fixed kernels, whose head is "
        "solved from all records at once, with no epochs to change them in. Received: 'audio'. Pass augment=None, or "
        "another encoder, such as 'm5'."
    )


def test_mixtures_of_numbers_are_refused() -> None:
    assert message_of(ValueError, listener(kind=SeqCNNRegressor, augment=MIXED).fit, SOUNDS, PITCHES) == (
        "The 'augment' parameter of SeqCNNRegressor must have mixing=None with numbers as targets: the number for two "
        "sounds at once is not the mean of theirs. Received: mixing='mixup'. Pass AudioAugmentation(mixing=None)."
    )
    frame = pd.DataFrame({"sound": list(SOUNDS), "age": np.arange(12.0)})
    assert message_of(ValueError, listener(augment=MIXED, input="audio").fit, frame, WORDS) == (
        "The 'augment' parameter of SeqCNNClassifier must have mixing=None with number columns beside the records, "
        "which do not mix as sounds do. Received: mixing='mixup'. Pass AudioAugmentation(mixing=None)."
    )


@pytest.mark.parametrize(
    "bands",
    [
        {"front_end": "log-mel", "front_end__n_bands": 40, "front_end__hop_seconds": 0.01},
        {"encoder": "td-filterbank", "encoder__n_bands": 40, "encoder__width": 4},
    ],
)
def test_bands_are_hidden_in_training_and_what_was_fitted_knows_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, bands: dict[str, Any]
) -> None:
    from seqcnn.layers.spec_augment import SpecAugment

    built, hide = [], SpecAugment.forward

    def forward(self: Any, x: torch.Tensor, lengths: Any = None) -> torch.Tensor:
        built.append((self.training, self.n_time_masks, self.bands, self.frames))
        return hide(self, x, lengths)

    monkeypatch.setattr(SpecAugment, "forward", forward)
    only = AudioAugmentation(time_masks=3, time_mask_seconds=0.05, band_mask_share=0.25)
    fitted = listener(augment=only, **bands).fit(SOUNDS, WORDS, X_val=SOUNDS, y_val=WORDS)
    assert set(built) == {(True, 3, 10, 5)}
    assert not [module for module in fitted.network_.modules() if getattr(module, "masks", None) is not None]
    built.clear()
    listener(augment=replace(only, time_masks=0, band_masks=0), **bands).fit(SOUNDS, WORDS)
    listener(augment=None, **bands).fit(SOUNDS, WORDS)
    assert built == []


@pytest.mark.parametrize("mixing", [None, "mixup"])
def test_windows_with_their_past_in_front_end_where_they_did(mixing: str | None) -> None:
    changed = AudioAugmentation(speed=(0.7, 1.4), mixing=mixing, mixing_share=1.0)
    causal = listener(encoder="m3", encoder__causal=True, encoder__width=4, window_length=400, augment=changed)
    fitted = causal.set_params(max_epochs=1).fit(SOUNDS, WORDS)
    records = Records("audio", [np.asarray(sound, np.float32).reshape(1, -1) for sound in SOUNDS], RATE)
    store = fitted.model_.store(records, fitted.model_.cut(records))
    assert store.carries_past
    sounds = read_sounds(changed, fitted.model_.contract, 0, "SeqCNNClassifier")
    target = ClassTarget(np.array(["a", "b"]), np.zeros(len(SOUNDS), np.int64))
    change = make_augment(sounds, fitted.network_, store, target)
    before = store.batch(np.arange(len(store)))
    targets, weights = torch.zeros(len(store), dtype=torch.int64), torch.ones(len(store))
    after, _, _ = change(before, targets, weights, np.random.default_rng(0))
    assert not torch.equal(after.x, before.x)
    assert after.kept is not None
    assert torch.equal(torch.as_tensor(after.kept), torch.as_tensor(before.kept))
    if before.lengths is not None:
        assert torch.equal(after.lengths, before.lengths)
        assert not after.x.transpose(1, 2)[torch.arange(after.x.shape[2]) >= before.lengths[:, None]].any()
