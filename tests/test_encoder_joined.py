"""Encoders of fixed kernels side by side, behind one head that scales the features of each as it asks."""

import numpy as np
import pytest
import torch
from core_helpers import relative_error
from estimator_helpers import message_of
from torch import nn

from seqcnn import SeqCNNClassifier, load
from seqcnn.closed_form import fit_ridge
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.encoders import FCN, Hydra, Joined, MultiRocket
from seqcnn.heads import CountScaler, PartsScaler

X, Y = make_shapes_in_noise(60, noise=0.2, random_state=0)
X_NEW, Y_NEW = make_shapes_in_noise(40, noise=0.2, random_state=1)


def parts():
    return MultiRocket(1, n_features=2000), Hydra(1, n_groups=16), MultiRocket(1, n_features=672)


def joined():
    return Joined(nn.ModuleList(parts()))


def test_it_gives_what_its_parts_give_each_prepared_with_the_seed():
    x = torch.from_numpy(X).float()[:, None]
    encoder = joined()
    encoder.prepare(x, seed=3)
    features = encoder(x)
    for ours, part in zip(features.split([part.n_features for part in encoder.parts], 1), parts(), strict=True):
        part.prepare(x, seed=3)
        assert torch.equal(ours, part(x))
    assert encoder.n_features == features.shape[1]
    assert encoder.minimum_length == 10


def test_its_ridge_is_a_ridge_on_the_parts_scaled_by_hand():
    classifier = SeqCNNClassifier(joined(), precision="float64", random_state=0, n_jobs=1).fit(X, Y)
    network = classifier.network_
    x = torch.from_numpy(X)[:, None]
    scaled = []
    for part in network.encoder.parts:
        features = part(network.stem(x))
        if isinstance(part, Hydra):
            scaler = CountScaler(part.n_features).double()
            scaler.learn(features, torch.ones(60))
            scaled.append(scaler(features))
        else:
            deviation = features.std(0, correction=0)
            scaled.append((features - features.mean(0)) / torch.where(deviation > 1e-7, deviation, 1.0))
    targets = torch.from_numpy(np.equal.outer(Y, classifier.classes_) * 2.0 - 1)
    by_hand = fit_ridge(torch.cat(scaled, 1), targets, torch.ones(60), scale=False)
    expected = torch.cat(scaled, 1) @ by_hand.coefficients.T + by_hand.intercept
    scores = network(x)
    # The head's scores are the ridge's times the factor that makes them probabilities.
    factor = scores.std() / expected.std()
    assert relative_error(scores, expected * factor) < 1e-6


def test_a_classifier_learns_saves_and_is_loaded(tmp_path):
    classifier = SeqCNNClassifier(joined(), random_state=0, n_jobs=1).fit(X, Y)
    assert classifier.score(X_NEW, Y_NEW) > 0.9
    probabilities = classifier.predict_proba(X_NEW)
    classifier.save(tmp_path / "model.seqcnn")
    loaded = load(tmp_path / "model.seqcnn")
    assert isinstance(loaded.network_.encoder, Joined)
    np.testing.assert_array_equal(loaded.predict_proba(X_NEW), probabilities)


def test_the_head_scales_counts_alone_and_numbers_beside_the_record_stand_behind():
    scaler = PartsScaler([2, 3, 1], [True, False, True])
    features = torch.rand(8, 7, generator=torch.Generator().manual_seed(0)) * 9
    scaler.learn(features, torch.ones(8))
    scaled = scaler(features)
    for columns, is_count in ((slice(0, 2), True), (slice(2, 5), False), (slice(5, 6), True), (slice(6, 7), False)):
        expected = features[:, columns]
        if is_count:
            counts = CountScaler(expected.shape[1])
            counts.learn(expected, torch.ones(8))
            expected = counts(expected)
        assert torch.equal(scaled[:, columns], expected)
    assert scaler.left_alone.tolist() == [False, False, True, True, True, False]


def test_other_modules_are_refused():
    assert message_of(TypeError, Joined, nn.ModuleList([Hydra(1), FCN(1)])) == (
        "The 'encoders' of Joined must be encoders of fixed kernels. Received: FCN. Pass such as MultiRocket(1) and "
        "Hydra(1), in an nn.ModuleList."
    )


@pytest.mark.parametrize(
    ("encoders", "received"),
    [([], "none"), ([Hydra(1), Hydra(2), MultiRocket(1)], "encoders of 1, 2 and 1 channels")],
)
def test_no_encoders_or_unequal_channels_are_refused(encoders, received):
    assert message_of(ValueError, Joined, nn.ModuleList(encoders)) == (
        "The 'encoders' of Joined must be at least one, and all must read the same channels. Received: "
        f"{received}. Build each with the same in_channels."
    )
