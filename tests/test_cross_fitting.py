"""Cross-fitting: how records are dealt into folds, and that no copy learns what it is asked about."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from core_helpers import relative_error, series, store_of
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.cross_fitting import make_folds, measure_copies, out_of_fold
from seqcnn.encoders import LITE
from seqcnn.heads import CopiesHead
from seqcnn.inference import run_network
from seqcnn.layers import BinPool1d
from seqcnn.losses import binary_cross_entropy, cross_entropy, regression_loss
from seqcnn.network import Network
from seqcnn.static_scaler import StaticScaler
from seqcnn.stems import PassThrough
from seqcnn.training import TrainingSettings, local_seed, train

seeds = st.integers(0, 2**31)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(2, 6), seeds)
def test_records_are_dealt_evenly_and_so_is_every_class(labels, n_folds, seed):
    labels = np.array(labels)
    folds = make_folds(len(labels), n_folds, np.random.default_rng(seed), labels=labels)
    classes, counts = np.unique(labels, return_counts=True)
    dealt = folds[folds >= 0]
    assert set(labels[folds < 0]) == set(classes[counts == 1])
    if len(dealt):
        assert set(dealt) == set(range(min(n_folds, len(dealt))))
        assert np.ptp(np.bincount(dealt)) <= 1
    for name in classes[counts > 1]:
        own = np.bincount(folds[labels == name], minlength=min(n_folds, len(dealt)))
        assert np.ptp(own) <= 1
        assert (own > 0).sum() > 1


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=60),
    st.integers(2, 5),
    st.booleans(),
    seeds,
)
def test_groups_stay_whole_and_every_class_is_known_without_any_one_fold(records, n_folds, with_labels, seed):
    groups, labels = np.array([f"subject {group}" for group, _ in records]), np.array([name for _, name in records])
    labels = labels if with_labels else np.zeros_like(labels)
    generator = np.random.default_rng(seed)
    folds = make_folds(len(records), n_folds, generator, labels=labels if with_labels else None, groups=groups)
    of_group = {group: set(folds[groups == group]) for group in np.unique(groups)}
    assert all(len(own) == 1 for own in of_group.values())
    assert set(folds[folds >= 0]) == set(range(folds.max() + 1))
    for name in np.unique(labels):
        own = folds[labels == name]
        assert len(np.unique(own)) > 1 or own[0] == -1
        if len(np.unique(groups[labels == name])) == 1:
            assert (own == -1).all()


def test_folds_of_groups_are_of_one_size_and_hold_the_classes_as_the_whole_does():
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 40, 1000)
    labels = generator.integers(0, 4, 1000)
    folds = make_folds(1000, 5, generator, labels=labels, groups=groups)
    assert np.bincount(folds, minlength=5).min() > 170
    table = np.histogram2d(folds, labels, bins=(5, 4))[0]
    assert np.abs(table / table.sum(1, keepdims=True) - 0.25).max() < 0.08


def test_there_are_as_many_folds_as_there_are_groups_at_most():
    folds = make_folds(6, 5, np.random.default_rng(0), groups=np.array([0, 0, 1, 1, 2, 2]))
    assert sorted(set(folds.tolist())) == [0, 1, 2]
    assert make_folds(3, 5, np.random.default_rng(0)).max() == 2
    assert make_folds(1, 5, np.random.default_rng(0)).tolist() == [-1]
    assert make_folds(4, 5, np.random.default_rng(0), groups=np.zeros(4)).tolist() == [-1] * 4


def test_the_same_seed_deals_the_same_folds_and_another_seed_others():
    labels = np.arange(40) % 3
    first, again, other = (make_folds(40, 4, np.random.default_rng(seed), labels=labels) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_fold_is_refused():
    with pytest.raises(ValueError) as error:
        make_folds(10, 1, np.random.default_rng(0))
    assert str(error.value) == (
        "The 'n_folds' parameter of make_folds must be an integer of at least 2. Received: 1. Pass n_folds=2 or more."
    )


TARGETS = {
    "probabilities": (cross_entropy(0.1), lambda g: torch.randint(3, (8,), generator=g)),
    "labels": (binary_cross_entropy(), lambda g: torch.randint(2, (8, 3), generator=g).double()),
    "values": (
        regression_loss("huber", torch.full((3,), 2.0).double()),
        lambda g: torch.randn(8, 3, generator=g).double(),
    ),
}


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(sorted(TARGETS)), st.lists(st.integers(-1, 2), min_size=8, max_size=8), seeds)
def test_a_copy_descends_on_the_mean_loss_of_what_it_learns(output, folds, seed):
    generator = torch.Generator().manual_seed(seed)
    loss, draw = TARGETS[output]
    targets, weights = draw(generator), torch.rand(8, generator=generator).double()
    scores = torch.randn(8, 3, 3, generator=generator, dtype=torch.float64)
    folds = np.array(folds)
    expected = [loss(scores[folds != k, k], targets[folds != k]) * weights[folds != k] for k in range(3)]
    mean, total, count = measure_copies(loss, scores, targets, weights, folds)
    assert float(mean) == pytest.approx(sum(float(own.mean()) for own in expected if len(own)))
    assert float(total) == pytest.approx(sum(float(own.sum()) for own in expected))
    assert count == sum(map(len, expected))


def network_of_copies(n_copies, n_outputs, output="probabilities", n_bins=1, n_static=0, **options):
    encoder = LITE(1, width=8, kernel_size=16, n_copies=n_copies)
    in_features = encoder.out_channels * n_bins + n_static
    head = CopiesHead(in_features, n_outputs, n_copies=n_copies, output=output, n_shared=n_static, **options)
    static = StaticScaler(n_static) if n_static else None
    return Network(PassThrough(1), encoder, BinPool1d(n_bins=n_bins), head, static)


def fit(store, targets, folds, output, *, n_outputs, n_copies=3, epochs=60, augment=None, loss=None, **options):
    with local_seed(0, torch.device("cpu")):
        network = network_of_copies(n_copies, n_outputs, output, **options)
        result = train(
            network,
            store,
            targets,
            torch.ones(len(store)),
            loss or TARGETS[output][0],
            TrainingSettings(epochs, 20, 0.02, 0.0, n_iter_no_change=None),
            generator=np.random.default_rng(0),
            folds=folds,
            augment=augment,
        )
    return network, result


@pytest.fixture(scope="module")
def noise():
    """Return a network of copies trained on labels that are pure noise, with what it was trained on."""
    store, labels = store_of(series([24] * 60)), np.arange(60) % 2
    folds = make_folds(60, 3, np.random.default_rng(0), labels=labels)
    network, result = fit(store, torch.from_numpy(labels), folds, "probabilities", n_outputs=2, loss=cross_entropy())
    return store, labels, folds, network, result


def test_labels_of_pure_noise_are_learnt_by_heart_and_guessed_out_of_fold(noise):
    store, labels, folds, network, result = noise
    assert result.history[-1]["train_loss"] < 0.1
    assert (run_network(network, store).argmax(1) == labels).mean() == 1.0
    assert abs((out_of_fold(network, store, folds).argmax(1) == labels).mean() - 0.5) < 0.2
    # A copy knows every other fold as well.
    wrong = (folds + 1) % 3
    assert (out_of_fold(network, store, wrong).argmax(1) == labels).mean() > 0.95


def test_a_window_is_scored_by_its_folds_copy_and_by_all_where_all_learnt_it(noise):
    store, _, folds, network, _ = noise
    folds = np.where(np.arange(60) < 5, -1, folds)
    scores = torch.from_numpy(out_of_fold(network, store, folds))
    with torch.inference_mode():
        batch = store.batch(np.arange(60))
        apart, together = network.head.apart(network.embed(*batch)), network(*batch)
    assert relative_error(scores[:5], together[:5]) < 1e-5
    assert relative_error(scores[5:], apart[torch.arange(60), torch.from_numpy(folds)][5:]) < 1e-5


@pytest.mark.parametrize("output", ["labels", "values"])
def test_labels_and_numbers_are_not_learnt_across_folds_either(output):
    store, generator = store_of(series([24] * 40)), torch.Generator().manual_seed(0)
    targets = torch.randn(40, 2, generator=generator).double()
    targets = (targets > 0).double() if output == "labels" else targets
    loss = binary_cross_entropy() if output == "labels" else regression_loss("squared_error", torch.ones(2).double())
    folds = make_folds(40, 2, np.random.default_rng(0))
    network, _ = fit(store, targets, folds, output, n_outputs=2, n_copies=2, loss=loss)
    known, unknown = (torch.from_numpy(out_of_fold(network, store, each)) for each in (1 - folds, folds))
    assert loss(known, targets).mean() < 0.35 * loss(unknown, targets).mean()
    assert loss(unknown, targets).mean() > 0.6


def test_records_mixed_in_training_are_of_one_fold():
    store, labels, folds = store_of(series([20, 25, 30] * 4)), np.arange(12) % 2, np.arange(12) // 4 - 1
    mixed = []

    def swap(batch, targets, weights, generator):
        """Mix every record with the next of its batch."""
        x, rows = batch.x, torch.arange(len(batch.x)).roll(1)
        mixed.append((targets, weights))
        return batch._replace(x=(x + x[rows]) / 2), (targets + targets[rows]) / 2, weights

    _, result = fit(
        store,
        torch.stack([torch.from_numpy(folds), torch.from_numpy(labels)], 1).double(),
        folds,
        "values",
        n_outputs=2,
        epochs=2,
        augment=swap,
        loss=regression_loss("squared_error", torch.ones(2).double()),
    )
    assert len(mixed) == 2 * 3
    assert all(len(targets[:, 0].unique()) == 1 for targets, _ in mixed)
    assert all(row["train_loss"] < np.inf for row in result.history)


@pytest.mark.parametrize("lengths", [[20] * 12, [20, 25, 30] * 4])
def test_batches_changed_fold_by_fold_hold_the_records_they_are_made_of(lengths):
    records = replace(series(lengths), static=np.arange(12.0)[:, None])
    store, folds = store_of(records), np.arange(12) % 3
    seen = []
    keep = lambda batch, targets, weights, generator: (batch, targets, weights)  # noqa: E731
    with local_seed(0, torch.device("cpu")):
        network = network_of_copies(3, 1, "values", n_static=1)
        network.register_forward_pre_hook(lambda module, arguments: seen.append(arguments))
        train(
            network,
            store,
            torch.zeros(12, 1),
            torch.ones(12),
            regression_loss("squared_error", torch.ones(1)),
            TrainingSettings(1, 12, 0.01, 0.0, None),
            generator=np.random.default_rng(0),
            folds=folds,
            augment=keep,
        )
    ((x, read, static, kept),) = seen
    assert kept is None
    rows = static[:, 0].long().numpy()
    assert sorted(rows) == list(range(12))
    expected = store.batch(rows)
    assert torch.equal(x, expected.x)
    assert (read is None) == (expected.lengths is None)
    if read is not None:
        assert torch.equal(read, expected.lengths)
