"""Front ends in the estimators: what goes together, what "auto" means, statistics, saving, going on."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from core_helpers import relative_error
from estimator_helpers import (
    ESTIMATORS,
    FIRST,
    LABELS,
    LANGUAGES,
    RATE,
    SERIES,
    SOUNDS,
    TEXTS,
    WORDS,
    assert_same_weights,
    message_of,
    outputs_of,
    quick,
)
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

import seqcnn
from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.estimators import _front_end, _settings
from seqcnn.estimators._front_end import BANDS_ENCODER, LEAST_RATE
from seqcnn.front_ends import MFCC, PCEN, LogMel
from seqcnn.layers import SpecAugment
from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.model_file import ModelFileError, read_file, write_file
from seqcnn.stems import FrontEndStem

NAMES = {"log-mel": LogMel, "mfcc": MFCC, "pcen": PCEN}


def heard(kind: Any = SeqCNNClassifier, **parameters: Any) -> Any:
    """A quick estimator of sounds, through 20 bands."""
    if isinstance(parameters.get("front_end", "log-mel"), str):
        parameters = {"front_end": "log-mel", "front_end__n_bands": 20} | parameters
    return quick(kind, **({"sample_rate": RATE} | parameters))


def targets_for(kind: Any) -> Any:
    return np.arange(float(len(SOUNDS))) if kind is SeqCNNRegressor else WORDS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_front_end_learns_in_every_estimator(kind: Any, name: str) -> None:
    estimator = heard(kind, front_end=name, max_epochs=3).fit(SOUNDS, targets_for(kind))
    assert type(estimator.front_end_) is NAMES[name]
    assert estimator.front_end_.sample_rate == RATE
    assert estimator.encoder_.in_channels == 20
    assert estimator.network_.stride == estimator.network_.minimum_length == 80
    assert len(outputs_of(estimator, SOUNDS)) == len(SOUNDS)


def test_words_are_told_apart_through_bands() -> None:
    assert heard(max_epochs=20).fit(SOUNDS, WORDS).score(SOUNDS, WORDS) == 1.0


def test_none_reads_the_waveform() -> None:
    classifier = quick(sample_rate=RATE, front_end=None).fit(SOUNDS, WORDS)
    assert classifier.front_end_ is None
    assert_same_weights(classifier, quick(sample_rate=RATE).fit(SOUNDS, WORDS))


def test_an_answer_hangs_neither_on_the_company_nor_on_padding() -> None:
    classifier = heard(max_epochs=3).fit(SOUNDS, WORDS)
    mixed = [SOUNDS[0], SOUNDS[1][:100], SOUNDS[2][:70], SOUNDS[3][:777]]
    together = classifier.predict_proba(mixed)
    alone = np.concatenate([classifier.predict_proba([sound]) for sound in mixed])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_each_band_is_normalized_by_whole_training_records_as_often_as_they_count() -> None:
    stem = FrontEndStem(1, LogMel(sample_rate=RATE, n_bands=10)).double()
    rng = np.random.default_rng(0)
    records = [rng.standard_normal((1, n)) * 10.0**-n_th for n_th, n in enumerate((1000, 77, 2345))]
    weights = np.array([1.0, 2.0, 0.5])
    stem.learn(records, weights)
    bands = [stem.front_end(torch.from_numpy(record)[None])[0].numpy() for record in records]
    counts = np.repeat(weights, [b.shape[1] for b in bands])
    mean = np.average(np.concatenate(bands, 1), axis=1, weights=counts)
    deviation = np.sqrt(np.average((np.concatenate(bands, 1) - mean[:, None]) ** 2, axis=1, weights=counts))
    np.testing.assert_allclose(stem.normalizer.mean[:, 0], mean, rtol=1e-6)
    np.testing.assert_allclose(stem.normalizer.deviation[:, 0], deviation, rtol=1e-6)


def test_statistics_of_a_long_record_are_taken_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [np.random.default_rng(0).standard_normal((2, 5003))]
    stems = [FrontEndStem(2, PCEN(sample_rate=RATE)) for _ in range(2)]
    stems[0].learn(records, np.ones(1))
    monkeypatch.setattr("seqcnn.stems.bands._SAMPLES_AT_A_TIME", 1000)
    stems[1].learn(records, np.ones(1))
    assert relative_error(stems[1].normalizer.mean, stems[0].normalizer.mean) < 1e-5
    assert relative_error(stems[1].normalizer.deviation, stems[0].normalizer.deviation) < 1e-5
    assert not stems[1].front_end.reads_stream


@pytest.mark.parametrize(("normalize", "top_db"), [("level", None), ("dataset", 30.0), ("level", 30.0)])
def test_statistics_that_need_the_whole_of_a_long_record_are_taken_of_it(
    monkeypatch: pytest.MonkeyPatch, normalize: Any, top_db: float | None
) -> None:
    records = [np.random.default_rng(n).standard_normal((1, 2003)) * np.linspace(0.01, n, 2003) for n in (1, 2)]
    front_end = LogMel(sample_rate=RATE, n_bands=10, top_db=top_db)
    monkeypatch.setattr("seqcnn.stems.bands._SAMPLES_AT_A_TIME", 1000)
    stem = FrontEndStem(1, front_end, normalize).double()
    stem.learn(records, np.ones(2))
    bands = [stem.front_end(torch.from_numpy(record)[None])[0] for record in records]
    around = [b - b.mean(1, keepdim=True) for b in bands] if normalize == "level" else bands
    deviation = torch.cat(around, 1).std(1, correction=0)
    assert relative_error(stem.normalizer.deviation[:, 0], deviation) < 1e-6
    assert relative_error(stem.normalizer.mean[:, 0], torch.cat(bands, 1).mean(1)) < 1e-6


@pytest.mark.parametrize("normalize", ["dataset", "record", "level", None])
def test_normalize_is_for_each_band(normalize: str | None) -> None:
    classifier = heard(normalize=normalize, max_epochs=1).fit(SOUNDS, WORDS)
    stem = classifier.network_.stem
    x = torch.as_tensor(np.asarray(SOUNDS[0], np.float32))[None, None]
    bands = stem(x)
    if normalize is None:
        assert torch.equal(bands, stem.front_end(x))
    if normalize in ("record", "level"):
        assert bands.mean(2).abs().max() < 1e-4
    if normalize == "level":
        assert (stem.normalizer.deviation != 1).all()
    if normalize == "record":
        assert (bands.std(2, correction=0) - 1).abs().max() < 1e-3
    padded = torch.cat([x, torch.zeros(1, 1, 500)], 2)
    behind = stem(padded, torch.tensor([x.shape[2]]))
    assert relative_error(behind[..., : bands.shape[2]], bands) < 1e-5
    assert not behind[..., bands.shape[2] :].any()


def test_levels_are_compared_within_each_recording_whatever_stands_beside_it(tmp_path: Path) -> None:
    classifier = heard(max_epochs=3, front_end__top_db=30).fit(SOUNDS, WORDS)
    mixed = [SOUNDS[0], 0.01 * np.asarray(SOUNDS[1])[:100], SOUNDS[2][:70], SOUNDS[3][:777]]
    together = classifier.predict_proba(mixed)
    alone = np.concatenate([classifier.predict_proba([sound]) for sound in mixed])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    other = heard(max_epochs=3).fit(SOUNDS, WORDS)
    assert np.abs(other.predict_proba(mixed) - together).max() > 1e-3
    classifier.save(tmp_path / "model.seqcnn")
    np.testing.assert_array_equal(seqcnn.load(tmp_path / "model.seqcnn").predict_proba(mixed), together)


def test_windows_compare_levels_within_themselves_even_behind_a_causal_encoder() -> None:
    classifier = heard(encoder="tcn", front_end__top_db=30, window_length=400, hop_length=200).fit(SOUNDS, WORDS)
    windows = classifier.predict_windows(SOUNDS[:1])
    expected = classifier.predict_proba([np.asarray(SOUNDS[0])[200:600]])
    np.testing.assert_allclose(windows.iloc[1, 3:].to_numpy(float), expected[0], atol=1e-5)
    assert message_of(ValueError, classifier.stream) == (
        "The front end of SeqCNNClassifier compares each level with the recording's loudest, which needs the whole "
        "recording. Received: a model with front_end__top_db=30. Fit it with front_end__top_db=None to stream."
    )


def test_channels_bands_are_stacked() -> None:
    stereo = [np.stack([sound, -0.5 * np.asarray(sound)]) for sound in SOUNDS]
    classifier = heard(mono=False).fit(stereo, WORDS)
    assert classifier.encoder_.in_channels == 40
    assert heard().fit(stereo, WORDS).encoder_.in_channels == 20
    assert len(classifier.predict(stereo)) == len(stereo)


def test_windows_are_cut_from_samples() -> None:
    classifier = heard(window_length=400, hop_length=200).fit(SOUNDS, WORDS)
    windows = classifier.predict_windows(SOUNDS[:1])
    assert windows["start"].tolist()[:-1] == list(range(0, 200 * (len(windows) - 1), 200))  # the last ends the record
    expected = classifier.predict_proba([np.asarray(SOUNDS[0])[200:600]])
    np.testing.assert_allclose(windows.iloc[1, 3:].to_numpy(float), expected[0], atol=1e-5)


@pytest.mark.parametrize("encoder", ["m5", "minirocket", "sincnet"])
def test_encoders_of_waveforms_and_fixed_kernels_read_bands_where_told(encoder: str) -> None:
    sounds = [np.tile(sound, 8) for sound in SOUNDS]
    narrow = {"encoder__width": 8} if encoder != "minirocket" else {}
    classifier = heard(encoder=encoder, front_end__hop_seconds=0.005, **narrow).fit(sounds, WORDS)
    assert classifier.encoder_.in_channels == 20
    assert classifier.predict_proba([*sounds, SOUNDS[0]]).shape == (len(sounds) + 1, 2)


def test_a_users_own_module_reads_bands() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv1d(20, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    classifier = heard(encoder=Own()).fit(SOUNDS, WORDS)
    assert classifier.predict_proba(SOUNDS).shape == (len(SOUNDS), 2)


def test_a_module_is_copied_and_must_be_for_the_datas_rate() -> None:
    front_end = LogMel(sample_rate=RATE, n_bands=12)
    classifier = heard(front_end=front_end).fit(SOUNDS, WORDS)
    assert classifier.front_end_ is not front_end
    assert classifier.encoder_.in_channels == 12
    assert message_of(ValueError, heard(front_end=LogMel()).fit, SOUNDS, WORDS) == (
        "The front end of SeqCNNClassifier is for audio of 16000 Hz, but X has 8000 Hz. Received: "
        "LogMel(sample_rate=16000). Pass sample_rate=16000 to SeqCNNClassifier, which resamples to it, or a front end "
        "for 8000 Hz."
    )
    assert message_of(ValueError, heard(front_end__sample_rate=16000).fit, SOUNDS, WORDS) == (
        "The front end of SeqCNNClassifier is for audio of 16000 Hz, but X has 8000 Hz. Received: "
        "LogMel(sample_rate=16000). Pass sample_rate=16000 to SeqCNNClassifier, which resamples to it, or a front end "
        "for 8000 Hz."
    )


def test_another_estimator_takes_encoder_and_front_end() -> None:
    embedder = heard(SeqCNNEmbedder, front_end="pcen").fit(SOUNDS, WORDS)
    classifier = quick(encoder=embedder.encoder_, front_end=embedder.front_end_, sample_rate=RATE)
    assert classifier.fit(SOUNDS, WORDS).encoder_.in_channels == 20
    alone = quick(encoder=embedder.encoder_, sample_rate=RATE)
    assert message_of(ValueError, alone.fit, SOUNDS, WORDS) == (
        "The 'encoder' parameter of SeqCNNClassifier reads 20 channels, but X gives 1. Received: FCN. Build it with "
        "in_channels=1. If it reads bands, pass front_end='log-mel', or the front_end_ it was trained behind."
    )
    other = quick(encoder=embedder.encoder_, sample_rate=RATE, front_end="log-mel")
    assert message_of(ValueError, other.fit, SOUNDS, WORDS) == (
        "The 'encoder' parameter of SeqCNNClassifier reads 20 channels, but the front end LogMel gives 40. Received: "
        "FCN. Build it with in_channels=40."
    )


def test_auto_takes_bands_for_encoders_that_read_them() -> None:
    classifier = quick(encoder=BANDS_ENCODER, sample_rate=RATE).fit(SOUNDS, WORDS)
    assert type(classifier.front_end_) is LogMel
    assert classifier.encoder_.in_channels == 40
    assert quick(encoder="m3", sample_rate=RATE, encoder__width=8).fit(SOUNDS, WORDS).front_end_ is None


@pytest.mark.parametrize(
    ("encoder", "front_end", "rate", "expected"),
    [
        ("auto", "auto", 16000, (BANDS_ENCODER, "log-mel")),
        ("auto", "auto", LEAST_RATE, (BANDS_ENCODER, "log-mel")),
        ("auto", "auto", LEAST_RATE - 1, ("m11", None)),
        ("auto", None, 16000, ("m11", None)),
        ("auto", "pcen", 2000, (BANDS_ENCODER, "pcen")),
        ("m5", "auto", 16000, ("m5", None)),
        ("m5", "mfcc", 16000, ("m5", "mfcc")),
        (BANDS_ENCODER, "auto", 2000, (BANDS_ENCODER, "log-mel")),
    ],
)
def test_auto_for_audio(encoder: Any, front_end: Any, rate: int, expected: Any) -> None:
    assert _front_end.settle_parts(encoder, front_end, "audio", rate, _settings.AUTO_ENCODERS) == expected


@pytest.mark.parametrize(("kind", "encoder"), [("series", "inception"), ("text", "zhang-small")])
def test_auto_for_series_and_text_knows_no_front_end(kind: Any, encoder: str) -> None:
    assert _front_end.settle_parts("auto", "auto", kind, None, _settings.AUTO_ENCODERS) == (encoder, None)


def test_what_auto_means_for_audio_is_told() -> None:
    assert _settings.describe_encoders()["audio"] == f"log-mel and {BANDS_ENCODER} from 4,000 Hz on, else m11"


def test_an_encoder_of_bands_is_refused_without_them() -> None:
    classifier = quick(encoder=BANDS_ENCODER, sample_rate=RATE, front_end=None)
    assert message_of(ValueError, classifier.fit, SOUNDS, WORDS) == (
        f"The encoder {BANDS_ENCODER!r} of SeqCNNClassifier reads bands, not a waveform. Received: front_end=None. "
        "Pass front_end='log-mel', or an encoder that reads waveforms, such as 'm5'."
    )


def test_series_and_texts_have_no_front_end() -> None:
    assert message_of(ValueError, quick(front_end="log-mel").fit, SERIES, LABELS) == (
        "The 'front_end' parameter of SeqCNNClassifier turns audio into bands, but X holds series. Received: "
        "'log-mel'. Pass front_end=None, or sample_rate=... in Hz if these series are audio."
    )
    assert message_of(ValueError, quick(front_end=MFCC()).fit, TEXTS, LANGUAGES) == (
        "The 'front_end' parameter of SeqCNNClassifier turns audio into bands, but X holds text. Received: MFCC. Pass "
        "front_end=None."
    )
    assert message_of(ValueError, quick(front_end__n_bands=20).fit, SERIES, LABELS) == (
        "The 'front_end' parameter of SeqCNNClassifier turns audio into bands, but X holds series. Received: 'auto' "
        "with front_end__n_bands. Pass front_end=None, or sample_rate=... in Hz if these series are audio."
    )
    for front_end in (None, "auto"):
        assert quick(front_end=front_end).fit(SERIES, LABELS).front_end_ is None


def test_parameters_that_no_front_end_takes_are_refused() -> None:
    fit = lambda **parameters: message_of(  # noqa: E731
        ValueError, quick(sample_rate=RATE, **parameters).fit, SOUNDS, WORDS
    )
    assert fit(front_end__n_bands=20) == (
        "The 'front_end' parameter of SeqCNNClassifier is 'auto', which leaves audio a waveform for the encoder 'fcn'. "
        "Received: also front_end__n_bands. Name the front end, such as front_end='log-mel'."
    )
    assert fit(front_end=None, front_end__n_bands=20, front_end__low_hz=0) == (
        "The 'front_end' parameter of SeqCNNClassifier is None, the raw waveform, which has no parameters. Received: "
        "also front_end__n_bands, front_end__low_hz. Name a front end, such as front_end='log-mel', or leave them out."
    )
    assert fit(front_end=LogMel(sample_rate=RATE), front_end__n_bands=20) == (
        "The 'front_end' parameter of SeqCNNClassifier is a module, which is built already. Received: also "
        "front_end__n_bands. Build the module with these values, or name a front end."
    )
    assert fit(front_end="log-mel", front_end__high_hz=8000) == (
        "The front end 'log-mel' of SeqCNNClassifier cannot be built from its front_end__ parameters. The 'high_hz' "
        "parameter of LogMel must be at most 4000, half the sample rate of 8000 Hz. Received: 8000. Pass high_hz=4000 "
        "or less, or None for all there is."
    )


@pytest.mark.parametrize("value", [nn.Conv1d(1, 40, 3), 40, True])
def test_what_is_no_front_end_is_refused(value: Any) -> None:
    assert message_of(TypeError, quick(front_end=value, sample_rate=RATE).fit, SOUNDS, WORDS) == (
        "The 'front_end' parameter of SeqCNNClassifier must be 'auto', 'log-mel', 'mfcc' and 'pcen', a module of "
        f"seqcnn.front_ends, or None for the raw waveform. Received: {value!r}. Let layers of your own be the first of "
        "a module that you pass as encoder."
    )


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_shown_set_cloned_and_searched(name: str) -> None:
    classifier = heard(front_end=name, front_end__hop_seconds=0.02)
    shown = classifier.get_params()
    assert (shown["front_end__hop_seconds"], shown["front_end__window_seconds"]) == (0.02, 0.025)
    assert clone(classifier).get_params() == shown
    assert "front_end__window_seconds" not in classifier.get_params(deep=False)
    assert classifier.set_params(front_end__hop_seconds=0.015).get_params()["front_end__hop_seconds"] == 0.015


def test_a_search_over_hops_fits_each() -> None:
    search = GridSearchCV(heard(max_epochs=1), {"front_end__hop_seconds": [0.01, 0.02]}, cv=2, error_score="raise")
    search.fit(SOUNDS, WORDS)
    assert search.best_estimator_.network_.stride in (80, 160)
    assert search.best_estimator_.network_.stride == RATE * search.best_params_["front_end__hop_seconds"]


@pytest.mark.parametrize("front_end", ["log-mel", "pcen", MFCC(sample_rate=RATE, n_bands=20)])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_saved_pickled_and_loaded_it_predicts_the_same_bits(front_end: Any, precision: str, tmp_path: Path) -> None:
    classifier = heard(front_end=front_end, precision=precision).fit(SOUNDS, WORDS)
    expected = classifier.predict_proba(SOUNDS)
    classifier.save(tmp_path / "words.seqcnn")
    for other in (seqcnn.load(tmp_path / "words.seqcnn"), pickle.loads(pickle.dumps(classifier))):
        np.testing.assert_array_equal(other.predict_proba(SOUNDS), expected)
        assert repr(other.front_end_) == repr(classifier.front_end_)


def test_a_file_keeps_encoder_and_front_end_that_were_modules(tmp_path: Path) -> None:
    first = heard(SeqCNNEmbedder).fit(SOUNDS, WORDS)
    classifier = quick(encoder=first.encoder_, front_end=first.front_end_, sample_rate=RATE).fit(SOUNDS, WORDS)
    classifier.save(tmp_path / "words.seqcnn")
    loaded = seqcnn.load(tmp_path / "words.seqcnn")
    np.testing.assert_array_equal(loaded.predict_proba(SOUNDS), classifier.predict_proba(SOUNDS))
    for name, tensor in first.encoder_.state_dict().items():
        assert torch.equal(loaded.encoder.state_dict()[name], tensor)
    assert_same_weights(loaded.fit(SOUNDS, WORDS), classifier)


def test_training_goes_on_with_the_front_end_and_its_statistics() -> None:
    classifier = heard(warm_start=True).fit(SOUNDS, WORDS)
    mean = classifier.network_.stem.normalizer.mean.clone()
    classifier.fit(SOUNDS[:6], WORDS[:6]).partial_fit(SOUNDS, WORDS)
    assert torch.equal(classifier.network_.stem.normalizer.mean, mean)
    assert len(classifier.history_) == 5
    assert message_of(ValueError, classifier.set_params(front_end__hop_seconds=0.02).fit, SOUNDS, WORDS) == (
        "SeqCNNClassifier cannot go on with warm_start=True, because parameters that its network was built by have "
        "changed. Received: front_end__hop_seconds=0.02, after no front_end__hop_seconds. Set them back, or start anew "
        "with warm_start=False."
    )


def test_mixed_precision_computes_bands_in_single() -> None:
    classifier = heard(precision="bfloat16").fit(SOUNDS, WORDS)
    stem = classifier.network_.stem
    x = torch.as_tensor(np.asarray(SOUNDS[0], np.float32))[None, None]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(stem(x), stem.cpu()(x))


def test_masks_hide_bands_in_training_only() -> None:
    stem = FrontEndStem(1, LogMel(sample_rate=RATE), masks=SpecAugment())
    x = torch.randn(4, 1, RATE)
    torch.manual_seed(0)
    assert (stem.train()(x) == 0).any()
    assert not torch.equal(stem(x), stem(x))
    assert torch.equal(stem.eval()(x), FrontEndStem(1, LogMel(sample_rate=RATE)).eval()(x))


def test_the_stem_reads_a_stream() -> None:
    stem = heard(front_end="pcen").fit(SOUNDS, WORDS).network_.stem
    x = torch.randn(1, 1, 800)
    whole = stem(x)
    begin_stream(stem)
    parts = [stem(piece) for piece in x.split(160, 2)]
    end_stream(stem)
    assert relative_error(torch.cat(parts, 2), whole) < 1e-5


def test_series_told_their_rate_are_audio_and_have_bands() -> None:
    sounds = np.random.default_rng(0).standard_normal((24, 600))
    classifier = heard().fit(sounds, FIRST)
    assert classifier.front_end_ is not None
    assert classifier.predict(sounds).shape == (24,)


def test_a_file_whose_front_end_hears_another_rate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "words.seqcnn"
    heard().fit(SOUNDS, WORDS).save(file)
    document, tensors = read_file(file)
    stem = document["model"]["network"]["arguments"]["stem"]["$module"]["arguments"]
    stem["front_end"]["$module"]["arguments"]["sample_rate"] = 16000
    write_file(file, tensors, document)
    assert message_of(ModelFileError, seqcnn.load, file) == (
        f"The model file {file} is damaged, or was changed after it was written: its contract says 8000 Hz, its front "
        "end is for 16000. Save the model again, or take another copy of the file."
    )
