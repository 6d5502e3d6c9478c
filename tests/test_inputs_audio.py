"""Audio: files, waveforms and pairs are one thing, rates are settled, and no bad file is decoded in silence."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from torchaudio.functional import resample

from seqcnn.inputs import InputContract, read_for_fit, read_for_predict

ME = "SeqCNNClassifier"
PCM = np.random.default_rng(0).integers(-(2**15), 2**15, size=(2, 400), dtype=np.int16)
WAVE = (PCM / 2**15).astype(np.float32)


def read(X: Any, **parameters: Any) -> list[np.ndarray]:
    records, contract = read_for_fit(X, caller=ME, **parameters)
    assert records.kind == contract.kind == "audio"
    assert records.sample_rate == contract.sample_rate
    return records.values


def contract_of(X: Any, **parameters: Any) -> InputContract:
    return read_for_fit(X, caller=ME, **parameters)[1]


def message_of(error: type[Exception], call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(error) as caught:
        call(*args, caller=ME, **kwargs)
    assert type(caught.value) is error
    return str(caught.value)


def write(path: Path, wave: np.ndarray = PCM[0], rate: int = 8000, **how: Any) -> Path:
    soundfile.write(path, wave.T, rate, **how)
    return path


def test_every_way_to_name_files_reads_them(tmp_path: Path) -> None:
    paths = [write(tmp_path / "one.wav"), write(tmp_path / "two.WAV", PCM[1])]
    texts = [str(path) for path in paths]
    for X in (paths, tuple(texts), texts, pd.Series(texts), pd.Series(paths), np.array(texts), [paths[0], texts[1]]):
        values = read(X)
        assert [value.dtype for value in values] == [np.float32, np.float32]
        np.testing.assert_array_equal(np.concatenate(values), WAVE)


@pytest.mark.parametrize(("suffix", "form"), [("wav", "WAV"), ("flac", "FLAC"), ("aif", "AIFF"), ("au", "AU")])
def test_lossless_formats_give_the_written_samples(tmp_path: Path, suffix: str, form: str) -> None:
    np.testing.assert_array_equal(read([str(write(tmp_path / f"a.{suffix}", format=form))])[0], WAVE[:1])


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_formats_are_read(tmp_path: Path, suffix: str) -> None:
    tone = np.sin(np.arange(8000) * 0.1) * 0.5
    value = read([write(tmp_path / f"a.{suffix}", tone)])[0]
    assert value.shape == (1, 8000)
    np.testing.assert_allclose(value[0], tone, atol=0.1)


@pytest.mark.parametrize(
    "X",
    [
        PCM,
        PCM.astype(">i2"),
        (PCM.astype(np.int32) * 2**16),
        WAVE,
        WAVE.astype(np.float64),
        torch.tensor(WAVE),
        list(PCM),
    ],
)
def test_integers_are_scaled_as_files_are(X: Any) -> None:
    np.testing.assert_array_equal(np.concatenate(read(X, sample_rate=8000)), WAVE)


def test_unsigned_bytes_are_centred() -> None:
    assert read(np.array([[0, 128, 255]], dtype=np.uint8), sample_rate=8000)[0].tolist() == [[-1, 0, 127 / 128]]


def test_integers_without_a_full_scale_are_refused() -> None:
    assert message_of(ValueError, read_for_fit, [PCM[0], PCM[0].astype(np.int64)], sample_rate=8000) == (
        "SeqCNNClassifier scales waveforms of int8, int16, int32 and uint8 to [-1, 1], and cannot tell the full scale "
        "of others. Received: X[1] holds int64. Pass one of these types, or floats in [-1, 1]."
    )


def test_channels_are_averaged_unless_mono_is_false(tmp_path: Path) -> None:
    path = write(tmp_path / "stereo.wav", PCM)
    for X in ([path], [(WAVE, 8000)], [(PCM, 8000)]):
        np.testing.assert_allclose(read(X)[0], WAVE.mean(axis=0, keepdims=True), atol=1e-7)
        np.testing.assert_array_equal(read(X, mono=False)[0], WAVE)
    np.testing.assert_allclose(read(WAVE[np.newaxis], sample_rate=8000)[0], WAVE.mean(axis=0, keepdims=True), atol=1e-7)
    mixed = [(WAVE, 8000), (WAVE[0], 8000)]
    assert [value.shape for value in read(mixed)] == [(1, 400), (1, 400)]
    assert contract_of(mixed).n_channels == 1
    assert contract_of([path], mono=False).n_channels == 2


def test_with_mono_false_all_must_have_the_same_channels() -> None:
    ending = "Convert these records, or pass mono=True to SeqCNNClassifier to average the channels."
    mixed = [(WAVE, 8000), (WAVE[0], 8000)]
    assert message_of(ValueError, read_for_fit, mixed, mono=False) == (
        "With mono=False all audio must have the same number of channels: X[0] has 2 channels, but X[1] has 1. "
        + ending
    )
    contract = contract_of(mixed[:1], mono=False)
    assert message_of(ValueError, read_for_predict, mixed, contract) == (
        "With mono=False all audio must have the same number of channels: SeqCNNClassifier was fitted on 2 channels, "
        "but "
        "X[1] has 1. " + ending
    )


def test_the_rate_is_found_or_given(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    found, given = contract_of([path]), contract_of([path], sample_rate=16000)
    assert (found.sample_rate, found.resample) == (8000, False)
    assert (given.sample_rate, given.resample) == (16000, True)


def test_audio_of_another_rate_is_resampled_to_the_given_one(tmp_path: Path) -> None:
    X = [write(tmp_path / "a.wav"), write(tmp_path / "b.wav", PCM[1], rate=16000)]
    expected = resample(torch.from_numpy(WAVE[1:]), 16000, 8000).numpy()
    records, contract = read_for_fit(X, sample_rate=8000, caller=ME)
    for values in (records.values, read_for_predict(X, contract, sample_rate=8000, caller=ME).values):
        np.testing.assert_array_equal(values[0], WAVE[:1])
        np.testing.assert_array_equal(values[1], expected)
    np.testing.assert_array_equal(read([(WAVE[1], 16000)], sample_rate=8000)[0], expected)


def test_mixed_rates_are_refused_unless_one_is_given(tmp_path: Path) -> None:
    X = [write(tmp_path / "a.wav", rate=16000), write(tmp_path / "b.wav"), write(tmp_path / "c.wav")]
    assert message_of(ValueError, read_for_fit, X) == (
        f"All audio must have one sample rate, but X[1] ({X[1]}) has 8000 Hz and X[0] ({X[0]}) has 16000 Hz. "
        "Pass sample_rate=8000 (or another one) to SeqCNNClassifier to resample everything to it."
    )


def test_another_rate_at_predict_is_refused_unless_one_was_given(tmp_path: Path) -> None:
    contract = contract_of([write(tmp_path / "a.wav")])
    other = write(tmp_path / "b.wav", rate=16000)
    assert message_of(ValueError, read_for_predict, [tmp_path / "a.wav", other], contract) == (
        f"SeqCNNClassifier was fitted on audio of 8000 Hz, but X[1] ({other}) has 16000 Hz. Pass audio of 8000 Hz, or "
        "construct SeqCNNClassifier with sample_rate=8000 and fit it again: then it resamples other rates."
    )


def test_a_rate_changed_after_fit_is_refused() -> None:
    contract = contract_of(PCM, sample_rate=8000)
    assert message_of(ValueError, read_for_predict, PCM, contract, sample_rate=16000) == (
        "SeqCNNClassifier was fitted on audio of 8000 Hz, but its 'sample_rate' parameter is now 16000. "
        "Set it back with set_params(sample_rate=8000), or fit again."
    )


def test_predict_reads_any_form_of_audio_of_any_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    contract = contract_of(PCM[:, :100], sample_rate=8000)
    assert contract.n_timepoints is None
    for X in ([path], [str(path)], [(PCM[0], 8000)], PCM[:1], WAVE[:1], [WAVE[0]]):
        np.testing.assert_array_equal(read_for_predict(X, contract, caller=ME).values[0], WAVE[:1])


def test_bare_waveforms_need_a_rate() -> None:
    assert message_of(ValueError, read_for_fit, WAVE, kind="audio") == (
        "SeqCNNClassifier reads X as audio, but X holds bare waveforms, which do not tell their rate. Pass "
        "sample_rate=... in Hz, or a list of (waveform, sample_rate) pairs."
    )


def test_pairs_the_wrong_way_round_are_refused() -> None:
    assert message_of(ValueError, read_for_fit, [(8000, np.zeros(2))]) == (
        "SeqCNNClassifier reads pairs as (waveform, sample_rate), the rate a whole number of Hz. "
        "Received: X[0] has the rate array([0., 0.]). Pass the waveform first, the rate second."
    )
    for rate in (0, -1, 8000.5, float("nan")):
        assert f"X[0] has the rate {rate!r}." in message_of(ValueError, read_for_fit, [(WAVE[0], rate)])


def test_waveforms_with_time_first_are_refused() -> None:
    assert message_of(ValueError, read_for_fit, [(WAVE.T, 8000)]) == (
        "SeqCNNClassifier reads waveforms as (channels, time). Received: X[0] has shape (400, 2). The axes look "
        "swapped, as soundfile.read gives them: pass waveform.T."
    )


def test_nan_in_waveforms_is_refused() -> None:
    wave = WAVE[0].copy()
    wave[3] = np.nan
    assert message_of(ValueError, read_for_fit, [(WAVE[0], 8000), (wave, 8000)], missing="interpolate") == (
        "Input X contains NaN: X[1] has 1 (channel 0). Sound has no gaps that SeqCNNClassifier could fill: cut or drop "
        "these records."
    )


def test_missing_files_are_named_where_others_exist(tmp_path: Path) -> None:
    X = [str(write(tmp_path / "a.wav")), str(tmp_path / "b.wav"), str(tmp_path / "c.wav")]
    assert message_of(FileNotFoundError, read_for_fit, X) == (
        f"SeqCNNClassifier could not read 2 of 3 audio files: X[1] ({X[1]}) does not exist and X[2] ({X[2]}) does not "
        "exist. Repair these files, or drop them (and their targets) from X."
    )


def test_all_bad_files_are_named_with_their_reasons(tmp_path: Path) -> None:
    good = write(tmp_path / "good.wav")
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    words = tmp_path / "words.wav"
    words.write_text("no sound")
    silent = write(tmp_path / "silent.wav", np.zeros(0))
    folder = tmp_path / "folder.wav"
    folder.mkdir()
    nan = write(tmp_path / "nan.wav", np.array([0.0, np.nan]), subtype="FLOAT")
    headerless = tmp_path / "sound.raw"
    headerless.write_bytes(bytes(100))
    message = message_of(ValueError, read_for_fit, [empty, good, words, silent, folder, nan, headerless])
    assert message == (
        f"SeqCNNClassifier could not read 6 of 7 audio files: X[0] ({empty}) is empty (0 bytes), X[2] ({words}) cannot "
        f"be decoded: Format not recognised, X[3] ({silent}) holds zero samples, X[4] ({folder}) is a folder, X[5] "
        f"({nan}) holds NaN or infinity and 1 more. Repair these files, or drop them (and their targets) from X."
    )


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
@pytest.mark.parametrize("kept", [0.5, 0.97])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write(tmp_path / f"a.{suffix}", np.sin(np.arange(40_000) * 0.1) * 0.5)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    message = message_of(ValueError, read_for_fit, [path])
    assert f"X[0] ({path}) is truncated: " in message or "flac decoder lost sync" in message


def test_a_truncated_wav_says_what_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    path.write_bytes(path.read_bytes()[:-100])
    assert message_of(ValueError, read_for_fit, [path]) == (
        f"SeqCNNClassifier could not read 1 of 1 audio files: X[0] ({path}) is truncated: its header promises 800 "
        "bytes of sound, and 700 are there. Repair these files, or drop them (and their targets) from X."
    )


def test_a_streamed_wav_without_a_known_size_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    np.testing.assert_array_equal(read([path])[0], WAVE[:1])


def test_a_missing_library_is_told_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torchaudio.functional", None)
        message = message_of(ImportError, read_for_fit, [path], sample_rate=4000)
        assert message.startswith("Resampling audio needs torchaudio, which does not load (")
        assert message.endswith('). Install what audio needs with: pip install "seqcnn[audio]".')
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert message_of(ImportError, read_for_fit, [path]) == (
        "Reading audio files needs soundfile, which does not load (import of soundfile halted; None in sys.modules). "
        'Install what audio needs with: pip install "seqcnn[audio]".'
    )


def test_sentences_after_a_fit_on_audio_are_told_from_missing_files() -> None:
    contract = contract_of(WAVE, sample_rate=8000)
    assert message_of(ValueError, read_for_predict, ["hello", "good morning"], contract) == (
        "SeqCNNClassifier was fitted on audio, but X holds strings that are no audio files, such as 'hello'. Pass "
        "paths of audio files, or fit it on text."
    )


def warnings_of(X: Any, **parameters: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        read(X, **parameters)
    return [str(warning.message) for warning in told]


def test_silent_recordings_are_named_at_fit_the_first_five(tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.wav", np.zeros(400, dtype=np.int16))
    assert warnings_of([write(tmp_path / "a.wav"), silent]) == [
        f"1 of 2 recordings in X is silent: X[1] ({silent}). SeqCNNClassifier learns from them as they are. Drop them, "
        "unless silence is what their labels stand for."
    ]
    level = np.full(400, 0.25)
    assert warnings_of([(WAVE[0], 8000), *[(np.zeros(400), 8000)] * 6, (level, 8000)]) == [
        "7 of 8 recordings in X are silent: X[1], X[2], X[3], X[4], X[5] and 2 more. SeqCNNClassifier learns from them "
        "as they are. Drop them, unless silence is what their labels stand for."
    ]
    assert "X[1] holds 0.25 throughout." in warnings_of([(WAVE[0], 8000), (level, 8000)])[0]
    contract = contract_of(WAVE, sample_rate=8000)
    read_for_predict(np.zeros((1, 400)), contract, caller=ME)  # silence may be asked about


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_clipped_recordings_are_named_at_fit(dtype: Any) -> None:
    tone = np.sin(np.arange(4000) * 0.1)
    full = 1 if dtype is np.float32 else 2**15 - 1
    fine = [(np.round(tone * full) if full > 1 else tone * full).astype(dtype)]
    assert warnings_of([(fine[0], 8000), (PCM[0], 8000)]) == []  # touches full scale, does not stay
    loud = (np.clip(tone * 2, -1, 1) * full).astype(dtype)
    assert warnings_of([(fine[0], 8000), (loud, 8000)]) == [
        "1 of 2 recordings in X is clipped: X[1] has 66.6% of its samples at full scale. SeqCNNClassifier "
        "learns from them as they are. Record them again at a lower level, or drop them."
    ]


def test_floats_of_another_scale_are_not_taken_for_clipped() -> None:
    steps = np.repeat([-3.0, 3.0, 2.0], 100)
    assert warnings_of([(steps, 8000), (steps * 0.1, 8000)]) == []


def test_samples_made_by_a_program_may_be_silent() -> None:
    assert warnings_of([np.zeros(400), WAVE[0]], sample_rate=8000) == []
