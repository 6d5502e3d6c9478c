"""Each time step shifted by a mean of its own: what records have in common is taken away."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from core_helpers import padded
from estimator_helpers import LABELS, RATE, SERIES, SOUNDS, TEXTS, WORDS, message_of, outputs_of, quick
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import seqcnn
from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor
from seqcnn.stems import Normalizer, are_alike

SPECTRUM = 50 * np.exp(-0.5 * ((np.arange(60) - 25) / 8) ** 2) + 30 * np.exp(-0.5 * ((np.arange(60) - 45) / 4) ** 2)


def spectra(n_records: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return records that are all but the same shape, and classes: how steep a small bump on its flank is."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, n_records)
    bump = np.exp(-0.5 * ((np.arange(60) - 35) / 2) ** 2)
    return SPECTRUM + 0.3 * y[:, None] * bump + 0.05 * generator.normal(size=(n_records, 60)), y


@settings(deadline=None, max_examples=50)
@given(
    records=arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 3), st.integers(2, 12)),
                   elements=st.floats(-1e3, 1e3)),
    more=st.integers(1, 4),
)  # fmt: skip
def test_a_record_twice_is_a_record_of_weight_two(records: np.ndarray, more: int) -> None:
    weights = np.ones(len(records))
    weights[0] += more
    often = [*records, *[records[0]] * more]
    first, second = (Normalizer(records.shape[1], "step", n_steps=records.shape[2]).double() for _ in range(2))
    first.learn(list(records), weights)
    second.learn(often, np.ones(len(often)))
    torch.testing.assert_close(first.mean, second.mean, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(first.deviation, second.deviation, rtol=1e-6, atol=1e-6)


def test_every_step_has_mean_zero_and_every_channel_deviation_one() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2, 15)) * [[[3.0], [0.1]]] + 100 * np.arange(15)
    stem = Normalizer(2, "step", n_steps=15).double()
    stem.learn(list(x), np.ones(20))
    z = stem(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(np.sqrt((z**2).mean((0, 2))), 1)


def test_records_of_any_length_are_shifted_step_by_step_and_longer_ones_by_the_last_mean() -> None:
    rows = [np.array([[1.0, 5.0, 9.0]]), np.array([[3.0, 7.0]])]
    stem = Normalizer(1, "step", n_steps=3).double()
    stem.learn(rows, np.ones(2))
    assert stem.mean.tolist() == [[2.0, 6.0, 9.0]]
    batch, lengths = padded([torch.tensor([[2.0, 6.0, 9.0, 9.0, 10.0]]).double(), torch.tensor([[2.0]]).double()], 5)
    z = stem(batch, lengths) * stem.deviation
    torch.testing.assert_close(z, torch.tensor([[[0.0, 0, 0, 0, 1]], [[0.0, 0, 0, 0, 0]]]).double())


def test_what_was_not_observed_has_no_say() -> None:
    rows = [np.array([[1.0, np.nan, 5.0]]), np.array([[3.0, np.nan, np.nan]])]
    stem = Normalizer(1, "step", mask_missing=True, n_steps=3).double()
    stem.learn(rows, np.ones(2))
    # A step that nobody observed has the mean of all that was.
    assert stem.mean.tolist() == [[2.0, 3.0, 5.0]]
    assert stem(torch.tensor([[[2.0, torch.nan, 5.0]]]).double()).tolist() == [[[0.0, 0, 0], [1.0, 0, 1]]]


def test_a_constant_channel_is_shifted_only() -> None:
    stem = Normalizer(1, "step", n_steps=4)
    stem.learn([np.array([[1.0, 2.0, 3.0, 4.0]])] * 3, np.ones(3))
    assert stem(torch.tensor([[[1.0, 2.0, 3.0, 5.0]]])).tolist() == [[[0.0, 0.0, 0.0, 1.0]]]


def test_records_are_alike_where_they_differ_little_at_the_same_step() -> None:
    X, _ = spectra(30, seed=0)
    ones = np.ones(30)
    assert are_alike(list(X[:, None]), ones)
    assert are_alike(list(1e-9 * X[:, None] + 4.0), ones), "whatever their level and scale"
    assert not are_alike(list(np.stack([X, np.random.default_rng(0).normal(size=X.shape)], 1)), ones), "every channel"
    assert not are_alike([*X[:-1, None], X[-1:, :50]], ones), "of one length"
    assert not are_alike([np.ones((1, 9))] * 3, np.ones(3)), "constants are alike, and tell nothing"
    assert not are_alike([X[:1]], np.ones(1))
    assert not are_alike(list(SERIES[:, None]), np.ones(len(SERIES)))


def test_networks_see_what_nearly_equal_records_differ_in() -> None:
    (X, y), (X_new, y_new) = spectra(40, seed=0), spectra(200, seed=1)
    scores = {}
    for normalize in ("auto", "dataset"):
        classifier = SeqCNNClassifier("fcn", encoder__width=16, normalize=normalize, max_epochs=20, random_state=0)
        scores[normalize] = classifier.fit(X, y).score(X_new, y_new)
        assert classifier.network_.stem.mode == ("step" if normalize == "auto" else normalize)
    assert scores["auto"] > 0.95 > scores["dataset"] + 0.1


def test_auto_shifts_steps_only_where_a_network_is_trained_on_whole_records_that_are_alike() -> None:
    X, y = spectra(24, seed=0)

    def mode(encoder: str = "fcn", X: np.ndarray = X, **parameters: object) -> str:
        return quick(encoder=encoder, **parameters).fit(X, y).network_.stem.mode

    assert mode() == "step"
    assert mode("minirocket") == "dataset"
    committee = SeqCNNClassifier(["lite", "fcn"], max_epochs=1, random_state=0).fit(X, y)
    assert {member.stem.mode for member in committee.network_.members} == {"dataset"}
    assert mode(window_length=30) == "dataset"
    assert mode(missing="mask") == "dataset"
    assert mode(X=SERIES) == "dataset"
    assert quick(SeqCNNRegressor).fit(X, y).network_.stem.mode == "step"
    assert quick(SeqCNNEmbedder).fit(X).network_.stem.mode == "step"


def test_a_saved_model_shifts_the_same_steps_and_takes_longer_records(tmp_path) -> None:
    X, y = spectra(24, seed=0)
    classifier = quick().fit(list(X), y)
    classifier.save(tmp_path / "m.seqcnn")
    loaded = seqcnn.load(tmp_path / "m.seqcnn")
    np.testing.assert_array_equal(outputs_of(loaded, list(X)), outputs_of(classifier, list(X)))
    longer = list(np.pad(X, ((0, 0), (0, 7)), mode="edge"))
    assert classifier.predict_proba(longer).shape == (24, 2)


@pytest.mark.slow
def test_an_export_shifts_records_of_any_length() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    X, _ = spectra(24, seed=0)
    stem, dynamic = Normalizer(1, "step", n_steps=60), torch.export.Dim.DYNAMIC
    stem.learn(list(X[:, None]), np.ones(24))
    traced = torch.from_numpy(X[:, None]).float()
    program = torch.onnx.export(stem.eval(), (traced,), dynamo=True, dynamic_shapes={"x": {0: dynamic, 2: dynamic}})
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for x in (traced[:2], traced[:1, :, :33], torch.cat([traced[:3], traced[:3, :, -9:]], 2)):
        (actual,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        torch.testing.assert_close(torch.from_numpy(actual), stem(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "X", "y", "received"),
    [
        ({"window_length": 20}, SERIES, LABELS, "window_length=20"),
        ({"sample_rate": RATE}, SOUNDS, WORDS, "audio as X"),
        ({"encoder": "zhang-small"}, TEXTS, np.arange(24) % 2, "text as X"),
    ],
)
def test_windows_sounds_and_texts_have_no_steps_to_compare(parameters, X, y, received) -> None:
    estimator = quick(normalize="step", **parameters)
    assert message_of(ValueError, estimator.fit, X, y) == (
        f"The 'normalize' parameter of SeqCNNClassifier may be 'step' for whole series only, whose steps stand for the "
        f"same in every record. Received: {received}. Pass normalize='dataset'."
    )


def test_a_stream_has_no_first_step() -> None:
    classifier = quick(encoder="tcn", normalize="step").fit(SERIES, LABELS)
    assert message_of(ValueError, classifier.stream) == (
        "The network of SeqCNNClassifier shifts each step of a record by a mean of its own, and a stream has no first "
        "step. Received: a model with normalize='step'. Fit it with normalize='dataset' to stream."
    )
