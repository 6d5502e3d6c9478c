"""missing="mask": what was not observed counts as absent, in the stem's statistics and for the encoder behind it."""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from estimator_helpers import LABELS, LANGUAGES, RATE, SERIES, SOUNDS, TEXTS, WORDS, message_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, load
from seqcnn.encoders import FCN, FeatureEncoder
from seqcnn.inputs import InputContract, read_for_fit, read_for_predict
from seqcnn.layers.gaps import fill_gaps, find_observed
from seqcnn.layers.masking import length_mask
from seqcnn.stems import Normalizer, PassThrough

NAN = float("nan")
MODES = ("dataset", "record")
BLOCK = np.stack([SERIES, SERIES[::-1]], axis=1)


def with_gaps(X: np.ndarray, share: float = 0.2, seed: int = 0) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def padded(records: list[np.ndarray], junk: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = [record.shape[1] for record in records]
    batch = torch.full((len(records), len(records[0]), max(lengths) + 2), junk, dtype=torch.float64)
    for row, record in enumerate(records):
        batch[row, :, : record.shape[1]] = torch.from_numpy(record)
    return batch, torch.tensor(lengths)


def filled(record: np.ndarray, missing: float = 0.0) -> np.ndarray:
    """Draw the lines one channel at a time, as numpy does."""
    lines = np.full_like(record, missing)
    for line, channel in zip(lines, record, strict=True):
        seen = np.flatnonzero(~np.isnan(channel))
        if len(seen):
            line[:] = np.interp(np.arange(len(channel)), seen, channel[seen])
    return lines


# --- the lines


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.integers(1, 3),
    st.floats(0, 1),
    st.sampled_from([0.0, NAN, np.inf]),
    st.integers(0, 99),
)
def test_a_gap_is_filled_by_a_line_between_the_nearest_values_of_its_own_record_and_channel(
    lengths: list[int], n_channels: int, share: float, junk: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    records = [with_gaps(rng.normal(5, 3, (n_channels, length)), share, seed) for length in lengths]
    batch, counts = padded(records, junk)
    mask = length_mask(counts, batch.shape[2])
    output = fill_gaps(batch, find_observed(batch, mask), mask).numpy()
    for row, record in enumerate(records):
        length = record.shape[1]
        np.testing.assert_allclose(output[row, :, :length], filled(record), rtol=1e-12)
        np.testing.assert_array_equal(output[row, :, :length][~np.isnan(record)], record[~np.isnan(record)])
        assert not output[row, :, length:].any()
        alone = torch.from_numpy(record)[None]
        np.testing.assert_array_equal(
            fill_gaps(alone, find_observed(alone, None), None)[0].numpy(), output[row, :, :length]
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_long_gap_is_filled_as_exactly_as_the_type_can(dtype: torch.dtype) -> None:
    # 5,001 steps: bfloat16 cannot count them, and float32 adds to the line's rounding.
    x = torch.full((1, 1, 5001), NAN, dtype=dtype)
    x[..., 0], x[..., -1] = -1, 1
    line = fill_gaps(x, find_observed(x, None), None)
    assert line.dtype == dtype
    expected = torch.linspace(-1, 1, 5001, dtype=torch.float64)
    torch.testing.assert_close(line[0, 0].double(), expected, rtol=0, atol=2 * torch.finfo(dtype).eps)


def test_a_level_stays_a_level_to_the_last_bit() -> None:
    # Fixed kernels answer a flat stretch with an exact zero, and rounding would turn that into chance.
    x = torch.full((1, 1, 50), 0.1)
    x[..., 1:49:3] = x[..., 20:30] = NAN
    assert (fill_gaps(x, find_observed(x, None), None) == 0.1).all()


def test_gaps_send_no_nan_back_through_the_lines() -> None:
    x = torch.tensor([[[NAN, 1.0, NAN, NAN, 4.0, NAN], [NAN] * 6]], requires_grad=True)
    fill_gaps(x, find_observed(x, None), None).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([[[0.0, 3, 0, 0, 3, 0], [0.0] * 6]]))


# --- the stem


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 8), min_size=1, max_size=5), st.integers(1, 3), st.floats(0, 1), st.integers(0, 99))
def test_a_data_sets_statistics_are_those_of_what_was_observed(
    lengths: list[int], n_channels: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    records = [with_gaps(rng.normal(5, 3, (n_channels, length)), share, seed) for length in lengths]
    weights = rng.integers(0, 3, len(lengths)).astype(float)
    weights[0] = 1
    stem = Normalizer(n_channels, mask_missing=True).double()
    stem.learn(records, weights)
    together = np.concatenate([np.tile(record, int(n)) for record, n in zip(records, weights, strict=True)], axis=1)
    batch, counts = padded(records)
    output = stem(batch, counts).numpy()
    for channel in range(n_channels):
        observed = together[channel][~np.isnan(together[channel])]
        mean = observed.mean() if len(observed) else 0.0
        deviation = observed.std() if len(observed) and observed.std() > 1e-7 * abs(mean) else 1.0
        for row, record in enumerate(records):
            values = output[row, channel, : record.shape[1]]
            expected = (filled(record, mean)[channel] - mean) / deviation
            np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("junk", [0.0, NAN, np.inf])
def test_indicators_follow_the_channels_and_padding_is_neither(mode: Any, junk: float) -> None:
    records = [np.array([[1, NAN, 3], [NAN, 4, 8]]), np.array([[5.0], [NAN]])]
    stem = Normalizer(2, mode, mask_missing=True).double()
    stem.learn(records, np.ones(2))
    output = stem(*padded(records, junk))
    assert output.shape == (2, stem.out_channels, 5) == (2, 4, 5)
    assert output[0, 2:].tolist() == [[1, 0, 1, 0, 0], [0, 1, 1, 0, 0]]
    assert output[1, 2:].tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert not output[0, :, 3:].any()
    assert not output[1, :, 1:].any()
    assert not output[1, 1].any()
    alone = stem(torch.from_numpy(records[0])[None])[0]
    assert torch.equal(alone, output[0, :, :3])


def test_record_mode_takes_each_records_own_observed_values() -> None:
    record = np.array([[1, NAN, 3, 5, NAN], [7, 7, NAN, NAN, NAN], [NAN] * 5])
    output = Normalizer(3, "record", mask_missing=True)(torch.from_numpy(record)[None])[0].numpy()
    np.testing.assert_allclose(output[0, [0, 2, 3]], (np.array([1, 3, 5]) - 3) / np.sqrt(8 / 3))
    np.testing.assert_allclose(output[0, [1, 4]], (np.array([2, 5]) - 3) / np.sqrt(8 / 3))
    assert not output[[1, 2]].any()
    assert output[3:].tolist() == [[1, 0, 1, 1, 0], [1, 1, 0, 0, 0], [0] * 5]


@pytest.mark.parametrize("mode", MODES)
def test_without_gaps_the_channels_are_those_of_the_plain_normalizer(mode: Any) -> None:
    plain, masked = Normalizer(2, mode), Normalizer(2, mode, mask_missing=True)
    for stem in (plain, masked):
        stem.learn(list(BLOCK), np.ones(len(BLOCK)))
    x, lengths = torch.from_numpy(BLOCK).float(), torch.tensor([40, 7] * 12)
    x[1::2, :, 7:] = 0
    torch.testing.assert_close(masked(x, lengths)[:, :2], plain(x, lengths))
    torch.testing.assert_close(masked(x)[:, :2], plain(x))
    assert (masked(x)[:, 2:] == 1).all()


def test_a_channel_that_was_never_observed_keeps_mean_0_and_deviation_1() -> None:
    stem = Normalizer(2, mask_missing=True)
    stem.learn([np.array([[NAN, NAN], [1.0, 3.0]])] * 2, np.ones(2))
    assert stem.mean.flatten().tolist() == [0, 2]
    assert stem.deviation.flatten().tolist() == [1, 1]
    assert stem(torch.tensor([[[5.0], [NAN]]])).flatten().tolist() == [5, 0, 1, 0]


def test_without_normalization_gaps_are_filled_as_well() -> None:
    stem = PassThrough(1, mask_missing=True)
    assert stem(torch.tensor([[[7.0, NAN, 4.0, NAN]]])).tolist() == [[[7, 5.5, 4, 4], [1, 0, 1, 0]]]
    assert stem(torch.tensor([[[7.0, NAN, 9.0]]]), torch.tensor([2])).tolist() == [[[7, 7, 0], [1, 0, 0]]]
    assert not stem(torch.full((1, 1, 3), NAN)).any()


@pytest.mark.parametrize(
    "stem", [Normalizer(1, mask_missing=True, indicator=0.25), PassThrough(1, mask_missing=True, indicator=0.25)]
)
def test_an_indicator_may_be_faint(stem: Any) -> None:
    assert stem(torch.tensor([[[7.0, NAN, 4.0]]])).tolist() == [[[7, 5.5, 4], [0.25, 0, 0.25]]]


# --- the contract


def test_nan_goes_on_into_the_network_and_infinity_does_not() -> None:
    X = [[1.0, NAN], [NAN, NAN]]
    records, contract = read_for_fit(X, missing="mask", caller="A")
    assert contract.masks_missing
    np.testing.assert_array_equal(np.concatenate(records.values), X)
    np.testing.assert_array_equal(np.concatenate(read_for_predict(X, contract, caller="A").values), X)
    infinite = (
        "Input X contains infinity or a value too large for dtype('float32'): X[1] has 1 (channel 0). Replace or "
        "rescale these values."
    )
    for call in (
        lambda: read_for_fit([[1.0, NAN], [np.inf, NAN]], missing="mask", caller="A"),
        lambda: read_for_predict([[1.0, NAN], [np.inf, NAN]], contract, caller="A"),
    ):
        assert message_of(ValueError, call) == infinite
    assert not InputContract(kind="text", missing="mask").masks_missing


# --- the estimators


@pytest.mark.parametrize("normalize", ["dataset", "record", None])
@pytest.mark.parametrize("kind", [SeqCNNClassifier, SeqCNNRegressor, SeqCNNEmbedder])
def test_every_estimator_trains_on_gaps_and_predicts_with_and_without_them(kind: Any, normalize: Any) -> None:
    X = with_gaps(BLOCK)
    X[3], X[5, 1] = NAN, NAN
    y = np.arange(24.0) if kind is SeqCNNRegressor else LABELS
    fitted = quick(kind, missing="mask", normalize=normalize).fit(X, y)
    assert fitted.encoder_.in_channels == 4
    answer = fitted.transform if kind is SeqCNNEmbedder else fitted.predict
    nothing = np.full((1, 2, 40), NAN)
    for new in (X, BLOCK, nothing):
        answers = answer(new)
        assert len(answers) == len(new)
        if kind is not SeqCNNClassifier:
            assert np.isfinite(answers).all()
    direct = fitted.network_.embed(torch.from_numpy(X).float())
    assert torch.isfinite(direct).all()


@pytest.mark.parametrize("encoder", ["minirocket", "hydra", "lite", "resnet"])
def test_every_sort_of_encoder_reads_twice_the_channels(encoder: str) -> None:
    X = with_gaps(BLOCK)
    fitted = SeqCNNClassifier(encoder, missing="mask", max_epochs=1, random_state=0).fit(X, LABELS)
    assert fitted.encoder_.in_channels == 4
    assert fitted.network_.stem.indicator == (2**-5 if isinstance(fitted.encoder_, FeatureEncoder) else 1)
    assert np.isfinite(fitted.predict_proba(np.full_like(X, NAN))).all()


def test_padding_of_shorter_records_is_not_missing() -> None:
    X = [record[:, : 20 + row % 7] for row, record in enumerate(with_gaps(BLOCK))]
    fitted = quick(missing="mask").fit(X, LABELS)
    together = fitted.predict_proba(X)
    alone = np.concatenate([fitted.predict_proba([record]) for record in X])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    windowed = quick(missing="mask", window_length=16).fit(X, LABELS)
    assert len(windowed.predict_windows(X)) > len(X)
    assert np.isfinite(windowed.predict_proba(X)).all()


def test_what_lies_beneath_a_gap_changes_nothing_and_that_there_is_one_does() -> None:
    fitted = quick(missing="mask", max_epochs=5).fit(with_gaps(BLOCK), LABELS)
    holes = with_gaps(BLOCK, seed=1)
    gaps, whole = fitted.predict_proba(holes), fitted.predict_proba(np.stack([filled(record) for record in holes]))
    assert np.abs(gaps - whole).max() > 1e-4


def test_a_pattern_of_what_is_missing_is_learnt() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 40)), np.repeat([0, 1], 30)
    for row in range(60):
        # Gaps come in one run in class 0, and scattered in class 1.
        start = rng.integers(0, 30)
        X[row, start : start + 10 if y[row] == 0 else None : 1 if y[row] == 0 else 4] = NAN
    model = SeqCNNClassifier("fcn", missing="mask", max_epochs=15, random_state=0)
    assert model.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.9


def test_the_rule_travels_with_the_network() -> None:
    X = with_gaps(BLOCK)
    fitted = quick(missing="mask").fit(X, LABELS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))
    file = io.BytesIO()
    torch.save(fitted.network_, file)
    file.seek(0)
    network = torch.load(file, weights_only=False).eval()
    with torch.no_grad():
        scores = network(torch.from_numpy(X).float()).softmax(1)
    np.testing.assert_allclose(scores.numpy(), fitted.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("encoder", ["fcn", "minirocket"])
def test_a_saved_network_fills_gaps_alike(encoder: str, tmp_path: Path) -> None:
    X = with_gaps(BLOCK)
    fitted = SeqCNNClassifier(encoder, missing="mask", max_epochs=1, random_state=0).fit(X, LABELS)
    fitted.save(tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["fcn", "minirocket"])
def test_an_export_to_onnx_reads_nan_in_batches_of_another_size_and_length(encoder: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    X = with_gaps(BLOCK, 0.4).astype(np.float32)
    fitted = SeqCNNClassifier(encoder, missing="mask", max_epochs=1, random_state=0).fit(X, LABELS)
    dynamic = torch.export.Dim.DYNAMIC
    traced = (torch.from_numpy(X[:4, :, :30]),)
    program = torch.onnx.export(
        fitted.network_.eval(), traced, dynamo=True, dynamic_shapes={"x": {0: dynamic, 2: dynamic}}
    )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    X[0, 1], X[1] = NAN, NAN
    scores = torch.from_numpy(session.run(None, {"x": X})[0]).double()
    scores = torch.cat([scores, -scores], 1) if scores.shape[1] == 1 else scores
    np.testing.assert_allclose(scores.softmax(1).numpy(), fitted.predict_proba(X), atol=1e-4)


def test_text_and_audio_have_no_gaps_to_mask() -> None:
    text = quick(missing="mask").fit(TEXTS, LANGUAGES)
    np.testing.assert_array_equal(text.predict_proba(TEXTS), quick().fit(TEXTS, LANGUAGES).predict_proba(TEXTS))
    audio = [(wave, RATE) for wave in SOUNDS]
    assert quick(missing="mask").fit(audio, WORDS).encoder_.in_channels == 1
    broken = [(np.where(np.arange(len(SOUNDS[0])) == 3, NAN, SOUNDS[0]), RATE), *audio[1:]]
    assert "Input X contains NaN" in message_of(ValueError, quick(missing="mask").fit, broken, WORDS)


def test_an_encoder_built_for_the_channels_alone_is_told_of_the_indicators() -> None:
    model = SeqCNNClassifier(FCN(2), missing="mask", max_epochs=1)
    assert message_of(ValueError, model.fit, with_gaps(BLOCK), LABELS) == (
        "The 'encoder' parameter of SeqCNNClassifier reads 2 channels, but X gives 4, 2 and as many indicators of "
        "missing='mask'. Received: FCN. Build it with in_channels=4."
    )


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_no_warning_of_numpy_leaks(share: float) -> None:
    X = with_gaps(BLOCK, share)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for normalize in MODES:
            quick(missing="mask", normalize=normalize).fit(X, LABELS).predict(X)
