"""Random dilated shapelets: features by definition, which shapelets are drawn, lengths and scales of records."""

import numpy as np
import pytest
import torch
from core_helpers import padded, relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import SeqCNNClassifier, load
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.encoders import RandomDilatedShapelets

LENGTH = 11


def walks(n_records=6, in_channels=2, n_timepoints=50, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_records, in_channels, n_timepoints, generator=generator, dtype=torch.float64).cumsum(2)


def prepared(x, n_shapelets=200, seed=0, **options):
    encoder = RandomDilatedShapelets(x.shape[1], n_shapelets=n_shapelets, **options).double()
    encoder.prepare(x, seed=seed)
    return encoder


def normalized(window):
    """Bring each channel of ``(channels, taps)`` to mean zero and deviation one."""
    deviation = window.std(1, keepdims=True)
    return (window - window.mean(1, keepdims=True)) / np.where(deviation > 0, deviation, 1)


def distances(encoder, record, number):
    """Return the distances of a shapelet to every window of ``(channels, time)``, one after the other."""
    dilation, pattern = int(encoder.dilations[number]), encoder.patterns[number].numpy()
    reach = (LENGTH - 1) * dilation
    found = []
    for place in range(record.shape[1] - reach):
        window = record[:, place : place + reach + 1 : dilation]
        window = normalized(window) if encoder.normalized[number] else window - encoder.center.numpy()[:, None]
        found.append(np.linalg.norm(window - pattern))
    return np.array(found)


def test_its_features_are_least_distance_its_place_and_how_often_it_is_below_the_threshold():
    x = walks()
    encoder = prepared(x)
    n_shapelets = len(encoder.patterns)
    features = encoder(walks(seed=1)).view(6, 3, n_shapelets)
    for record, (best, place, count) in zip(walks(seed=1).numpy(), features.numpy(), strict=True):
        for number in range(n_shapelets):
            by_hand = distances(encoder, record, number)
            norm = np.square(encoder.patterns[number].numpy()).sum()
            # The level is a likeness: half of what the squared norm exceeds the squared distance by.
            threshold = np.sqrt(max(0.0, norm - 2 * float(encoder.levels[number])))
            expected = by_hand.min(), by_hand.argmin(), (by_hand < threshold).sum()
            np.testing.assert_allclose((best[number], place[number], count[number]), expected, atol=1e-8)


def test_a_shapelet_is_found_in_the_record_it_was_cut_from_and_in_no_other():
    x = walks(in_channels=1)
    encoder = prepared(x)
    best, place, count = encoder(x).view(6, 3, -1).unbind(1)
    assert torch.equal((best == 0).sum(0), torch.ones(len(encoder.patterns), dtype=torch.int64))
    assert (place <= 50 - 1 - (LENGTH - 1) * encoder.dilations).all()
    # The threshold lies between the 5th and the 10th percentile of the distances to another record.
    last = 49 - (LENGTH - 1) * encoder.dilations
    fits = (count >= (0.05 * last).floor()) & (count <= (0.1 * last).ceil()) & (best > 0)
    assert fits.any(0).all()


def test_shapelets_of_one_dilation_and_kind_share_half_of_their_steps_at_most():
    # Values tell which step of which record they are.
    x = torch.arange(400.0, dtype=torch.float64).view(4, 1, 100)
    encoder = prepared(x, n_shapelets=5000, normalized_share=0.0)
    steps = (encoder.patterns[:, 0] + encoder.center).round().long()
    assert len(steps) < 5000
    for dilation in encoder.dilations.unique():
        mine = [set(row.tolist()) for row in steps[encoder.dilations == dilation]]
        shared = [len(one & other) for position, one in enumerate(mine) for other in mine[:position]]
        assert max(shared, default=0) <= LENGTH // 2
        assert all(len({step // 100 for step in row}) == 1 for row in mine)


def test_dilations_reach_from_one_to_the_whole_record_and_most_shapelets_compare_shapes_only():
    encoder = prepared(walks(40, 1, 300), n_shapelets=2000)
    assert encoder.dilations.min() == 1
    assert 20 < encoder.dilations.max() <= 299 // 10
    # Uniform on a logarithmic scale.
    assert float(encoder.dilations.double().log2().median()) == pytest.approx(np.log2(29) / 2, abs=0.5)
    assert float(encoder.normalized.double().mean()) == pytest.approx(0.8, abs=0.05)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 70), min_size=1, max_size=6),
    st.integers(1, 3),
    st.integers(0, 40),
    st.integers(0, 2**16),
)
def test_any_lengths_give_finite_features_and_each_record_its_own(lengths, in_channels, extra, seed):
    rows = [walks(1, in_channels, length, seed=seed + number)[0] for number, length in enumerate(lengths)]
    batch, ends = padded(rows, max(3, *lengths) + extra)
    encoder = RandomDilatedShapelets(in_channels, n_shapelets=50).double()
    encoder.prepare(batch, ends, seed=seed)
    together = encoder(batch, ends)
    assert together.isfinite().all()
    for features, row in zip(together, rows, strict=True):
        # Equal windows tie up to rounding in records of a few steps, so that places may differ; the others may not.
        best, alone = (values.view(3, -1)[0] for values in (features, encoder(*padded([row], max(3, row.shape[1])))[0]))
        assert torch.allclose(best, alone, atol=1e-5)


def test_a_flat_stretch_has_no_shape_and_is_as_far_from_every_shape():
    x = walks(in_channels=1)
    encoder = prepared(x, normalized_share=1.0)
    for height in (0.0, 0.1, 1e6):
        best = encoder.float()(torch.full((1, 1, 50), height)).view(3, -1)[0]
        assert torch.allclose(best, torch.full_like(best, LENGTH**0.5), atol=1e-4)


def test_shapes_alone_do_not_change_with_height_and_scale_and_a_center_keeps_the_digits_of_the_others():
    x = walks(in_channels=1)
    shapes = prepared(x, normalized_share=1.0)
    assert relative_error(shapes(x * 3 + 5), shapes(x)) < 1e-6
    high = prepared(x + 1e4, normalized_share=0.0)
    low = prepared(x, normalized_share=0.0)
    single = high.float()((x + 1e4).float()).view(6, 3, -1)[:, 0]
    assert float((single - low(x).view(6, 3, -1)[:, 0]).abs().max()) < 0.1


def test_features_do_not_depend_on_how_a_batch_is_cut(monkeypatch):
    x = walks(20, 1, 120)
    encoder = prepared(x, n_shapelets=500)
    whole = encoder(x)
    monkeypatch.setattr("seqcnn.encoders.shapelets._VALUES", 2**10)
    assert relative_error(encoder(x), whole) < 1e-6


def test_a_classifier_learns_from_them_saves_and_is_loaded(tmp_path):
    x, y = make_shapes_in_noise(60, noise=0.1, random_state=0)
    x_new, y_new = make_shapes_in_noise(40, noise=0.1, random_state=1)
    classifier = SeqCNNClassifier("shapelets", encoder__n_shapelets=1000, random_state=0, n_jobs=1).fit(x, y)
    assert classifier.score(x_new, y_new) > 0.9
    classifier.save(tmp_path / "model.seqcnn")
    np.testing.assert_array_equal(load(tmp_path / "model.seqcnn").predict_proba(x_new), classifier.predict_proba(x_new))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"length": 1},
            "The 'length' parameter of RandomDilatedShapelets must be an integer of at least 2. Received: 1. Pass "
            "length=2 or more.",
        ),
        (
            {"normalized_share": 1.5},
            "The 'normalized_share' parameter of RandomDilatedShapelets must be a number at least 0 and at most 1. "
            "Received: 1.5. Pass a value in that range.",
        ),
    ],
)
def test_values_that_make_no_shapelets_are_refused_with_the_reason(parameters, message):
    with pytest.raises(ValueError) as error:
        RandomDilatedShapelets(1, **parameters)
    assert str(error.value) == message
