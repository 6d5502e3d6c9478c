"""Sound files and texts through an estimator: rates, bad files, long texts, letters nobody has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from estimator_helpers import LANGUAGES, RATE, SOUNDS, TEXTS, WORDS, message_of, quick, with_warnings

from seqcnn.datasets import write_wav_folder


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return write_wav_folder(tmp_path / "words", SOUNDS, WORDS, RATE)


def smooth_sounds(rate: int) -> list[Any]:
    """The same four tones, sampled at any rate."""
    time = np.arange(int(0.25 * rate)) / rate
    return [(0.5 * np.sin(2 * np.pi * pitch * time)).astype(np.float32) for pitch in (220.0, 440.0, 330.0, 880.0)]


def write_all(folder: Path, waves: list[Any], rate: int) -> list[str]:
    folder.mkdir()
    for row, wave in enumerate(waves):
        soundfile.write(folder / f"{row}.wav", wave.T, rate)
    return [str(folder / f"{row}.wav") for row in range(len(waves))]


def test_files_of_another_rate_are_resampled_where_the_rate_was_given(tmp_path: Path) -> None:
    classifier = quick(sample_rate=8000, max_epochs=30, learning_rate=0.02)
    classifier.fit(smooth_sounds(8000) * 3, [0, 1, 0, 1] * 3)
    expected = classifier.predict_proba(smooth_sounds(8000))
    # Answers that differ among the tones, so agreement says something.
    assert np.ptp(expected[:, 0]) > 0.05
    for rate in (16000, 11025, 44100):
        files = write_all(tmp_path / str(rate), smooth_sounds(rate), rate)
        np.testing.assert_allclose(classifier.predict_proba(files), expected, atol=0.02)


def test_files_of_another_rate_are_refused_where_none_was_given(tmp_path: Path) -> None:
    fitted = write_all(tmp_path / "a", smooth_sounds(8000), 8000)
    other = write_all(tmp_path / "b", smooth_sounds(16000), 16000)
    classifier = quick().fit(fitted, [0, 1, 0, 1])
    assert message_of(ValueError, classifier.predict, [fitted[0], other[1]]) == (
        f"SeqCNNClassifier was fitted on audio of 8000 Hz, but X[1] ({other[1]}) has 16000 Hz. Pass audio of 8000 Hz, "
        "or construct SeqCNNClassifier with sample_rate=8000 and fit it again: then it resamples other rates."
    )
    assert message_of(ValueError, quick().fit, [*fitted[:2], *other[2:]], [0, 1, 0, 1]) == (
        f"All audio must have one sample rate, but X[0] ({fitted[0]}) has 8000 Hz and X[2] ({other[2]}) has 16000 Hz. "
        "Pass sample_rate=8000 (or another one) to SeqCNNClassifier to resample everything to it."
    )


def test_sample_rate_is_not_changed_behind_the_fit() -> None:
    classifier = quick(sample_rate=RATE).fit(SOUNDS, WORDS).set_params(sample_rate=4000)
    assert message_of(ValueError, classifier.predict, SOUNDS) == (
        "SeqCNNClassifier was fitted on audio of 8000 Hz, but its 'sample_rate' parameter is now 4000. Set it back "
        "with set_params(sample_rate=8000), or fit again."
    )


def test_bare_waveforms_need_a_rate() -> None:
    assert message_of(ValueError, quick(input="audio").fit, SOUNDS, WORDS) == (
        "SeqCNNClassifier reads X as audio, but X holds bare waveforms, which do not tell their rate. Pass "
        "sample_rate=... in Hz, or a list of (waveform, sample_rate) pairs."
    )


def test_channels_are_averaged_unless_asked_otherwise(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stereo = [rng.uniform(-0.5, 0.5, (2, 400)).astype(np.float32) for _ in range(8)]
    y = [0, 1] * 4
    files = write_all(tmp_path / "stereo", stereo, RATE)
    mono = quick().fit(files, y)
    averaged = [(wave.mean(axis=0), RATE) for wave in stereo]
    np.testing.assert_allclose(mono.predict_proba(files), mono.predict_proba(averaged), atol=1e-3)
    both = quick(mono=False).fit(files, y)
    assert both.encoder_.in_channels == both.n_features_in_ == 2
    assert message_of(ValueError, both.predict, averaged[:1]) == (
        "With mono=False all audio must have the same number of channels: SeqCNNClassifier was fitted on 2 channels, "
        "but X[0] has 1. Convert these records, or pass mono=True to SeqCNNClassifier to average the channels."
    )


def refusal(problems: str, n_bad: int, method: str = "SeqCNNClassifier") -> str:
    return (
        f"{method} could not read {n_bad} of 12 audio files: {problems}. Repair these files, or drop them (and their "
        "targets) from X."
    )


def test_missing_file_is_named(paths: list[str]) -> None:
    gone = paths[3] + ".wav"
    bad = [*paths[:3], gone, *paths[4:]]
    for call in (lambda: quick().fit(bad, WORDS), lambda: quick().fit(paths, WORDS).predict(bad)):
        assert message_of(FileNotFoundError, call) == refusal(f"X[3] ({gone}) does not exist", 1)


def test_all_bad_files_are_named_at_once(paths: list[str]) -> None:
    Path(paths[1]).write_bytes(b"")
    Path(paths[4]).write_text("This is no sound, but a letter to somebody who asked for one.")
    whole = Path(paths[7]).read_bytes()
    Path(paths[7]).write_bytes(whole[: len(whole) // 2])
    message = message_of(ValueError, quick().fit, paths, WORDS)
    promised, held = len(whole) - 44, len(whole) // 2 - 44
    assert message == refusal(
        f"X[1] ({paths[1]}) is empty (0 bytes), X[4] ({paths[4]}) cannot be decoded: Format not recognised and "
        f"X[7] ({paths[7]}) is truncated: its header promises {promised:,} bytes of sound, and {held:,} are there",
        3,
    )


def test_estimator_stays_unfitted_where_a_file_is_bad(paths: list[str]) -> None:
    Path(paths[0]).unlink()
    classifier = quick()
    with pytest.raises(FileNotFoundError):
        classifier.fit(paths, WORDS)
    assert not hasattr(classifier, "network_")


def test_names_of_files_of_which_none_exists_are_read_as_texts_with_a_warning() -> None:
    X = [f"take {row}.wav" for row in range(24)]
    _, warned = with_warnings(quick().fit, X, LANGUAGES)
    assert warned == [
        "All strings in X end in an audio suffix, as 'take 0.wav' does, but none of them exists as a file, so they are "
        "read as text. Pass input='audio' if they are paths (is the working folder the right one?), or input='text' if "
        "they are texts."
    ]


def test_sample_rate_beside_texts_is_refused() -> None:
    assert message_of(ValueError, quick(sample_rate=8000).fit, TEXTS, LANGUAGES) == (
        "The 'sample_rate' parameter of SeqCNNClassifier is 8000, but X is read as text (strings), which has none. "
        "Drop sample_rate, or pass input='audio' if X is audio."
    )


def test_cut_texts_are_told_at_fit_and_at_predict() -> None:
    lengths = [len(text) for text in TEXTS]
    n_long, longest = sum(length > 30 for length in lengths), max(lengths)
    classifier, warned = with_warnings(quick(max_characters=30).fit, TEXTS, LANGUAGES)
    assert warned == [
        f"{n_long} of 24 texts are longer than 30 characters and were cut; the longest has {longest}. Pass "
        f"max_characters={longest} to SeqCNNClassifier to read them whole, or set window_length to read them in "
        "windows."
    ]
    long = "x".join(TEXTS[:2])
    answers, warned = with_warnings(classifier.predict_proba, [long])
    assert warned == [
        f"1 of 1 texts is longer than 30 characters and was cut; the longest has {len(long)}. Pass "
        f"max_characters={len(long)} to SeqCNNClassifier to read it whole, or set window_length to read it in windows."
    ]
    np.testing.assert_array_equal(answers, classifier.predict_proba([long[:30]]))


def test_long_texts_are_read_whole_where_asked() -> None:
    classifier = quick(max_characters=None).fit(TEXTS, LANGUAGES)
    long = " ".join(TEXTS) * 4
    assert len(long) > 1014
    whole, cut = classifier.predict_proba([long]), classifier.predict_proba([long[:1014]])
    assert not np.array_equal(whole, cut)


def test_text_of_unknown_letters_is_told() -> None:
    classifier = quick().fit(TEXTS, LANGUAGES)
    answers, warned = with_warnings(classifier.predict_proba, ["日本語", "日本"])
    assert warned == [
        "5 of the 5 characters in X are unknown to SeqCNNClassifier, because the texts it was fitted on do not hold "
        "them (or hardly). Its predictions say little here: fit it on texts in this script."
    ]
    # Unknown letters are all alike.
    np.testing.assert_array_equal(with_warnings(classifier.predict_proba, ["한국말", "한국"])[0], answers)


def test_letter_is_the_same_however_it_was_typed() -> None:
    composed, decomposed = "caf\u00e9 ", "cafe\u0301 "
    texts = [composed + text for text in TEXTS]
    classifier = quick().fit(texts, LANGUAGES)
    np.testing.assert_array_equal(
        classifier.predict_proba([decomposed + text for text in TEXTS]), classifier.predict_proba(texts)
    )


def test_empty_text_is_answered() -> None:
    classifier = quick().fit([*TEXTS[:-1], ""], LANGUAGES)
    probabilities = classifier.predict_proba(["", TEXTS[0]])
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(classifier.predict_proba([""])[0], probabilities[0], atol=1e-5)
