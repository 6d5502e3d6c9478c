"""Training: what it learns, what chance it uses, and the ways in which it ends."""

import math
from contextlib import suppress
from copy import deepcopy
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
import torch
from core_helpers import network_around, relative_error, series, store_of
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error
from torch import nn

from seqcnn import schedule
from seqcnn.encoders import FCN
from seqcnn.heads import LinearHead
from seqcnn.inference import run_network
from seqcnn.losses import cross_entropy, regression_loss
from seqcnn.threads import thread_limit
from seqcnn.training import NonFiniteLossError, TrainingSettings, Validation, Verdict, local_seed, train

CPU = torch.device("cpu")
N_RECORDS = 24


def settings_with(**changed):
    values = {"max_epochs": 5, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.0, "n_iter_no_change": 99}
    return TrainingSettings(**values | changed)


def small_network(normalization="none", dropout=0.0):
    network = network_around(FCN(1, width=4, kernel_sizes=(3, 3), normalization=normalization))
    network.head = LinearHead(4, 2, dropout=dropout)
    return network


def small_network_of(seed, **options):
    with local_seed(seed, CPU):
        return small_network(**options)


def task():
    """Return records of two classes that differ in level, and the classes."""
    records = series([12, 15, 9] * (N_RECORDS // 3))
    targets = torch.arange(N_RECORDS) % 2
    for value, target in zip(records.values, targets, strict=True):
        value += float(target)
    return records, targets


def run(seed=0, batch_seed=0, network=None, loss=None, weights=None, rows=slice(None), **options):
    """Train a small network on the task; return it, and what happened."""
    with local_seed(seed, CPU):
        network = small_network() if network is None else network
        records, targets = task()
        rows = np.arange(N_RECORDS)[rows]
        changed = {name: options.pop(name) for name in list(options) if name not in ("validate", "judge", "watcher")}
        result = train(
            network,
            store_of(records.take(rows)),
            targets[rows],
            torch.ones(len(rows)) if weights is None else weights,
            loss or cross_entropy(),
            settings_with(**changed),
            generator=np.random.default_rng(batch_seed),
            **options,
        )
    return network, result


def values_of(network):
    return torch.cat([value.flatten().double() for value in network.state_dict().values()])


class Watcher:
    """Calls functions where a progress bar would listen."""

    def on_epoch_begin(self, epoch): ...

    def on_stage(self, what): ...

    def __init__(self, on_batch=lambda epoch, share: None, on_epoch=lambda row: None):
        self.on_batch, self.on_epoch = on_batch, on_epoch


@pytest.mark.parametrize("mixed_precision", [False, True])
def test_the_loss_falls_and_the_network_is_left_ready_to_predict(mixed_precision):
    network, result = run(max_epochs=25, mixed_precision=mixed_precision)
    losses = [row["train_loss"] for row in result.history]
    assert losses[-1] < 0.5 * losses[0]
    assert not network.training
    assert not result.interrupted
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    records, targets = task()
    assert (run_network(network, store_of(records)).argmax(1) == targets.numpy()).mean() > 0.9


def test_the_history_has_a_line_an_epoch():
    _, result = run(max_epochs=3, validate=lambda: Validation(0.5, 0.25))
    assert [row["epoch"] for row in result.history] == [1, 2, 3]
    for row in result.history:
        assert list(row) == ["epoch", "train_loss", "learning_rate", "validation_loss", "validation_score", "seconds"]
        assert (row["validation_loss"], row["validation_score"]) == (0.5, 0.25)
    assert "validation_loss" not in run(max_epochs=1)[1].history[0]


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    seeds = ((1, 0), (1, 0), (2, 0), (1, 1))
    first, again, other_start, other_batches = (values_of(run(seed, batch_seed)[0]) for seed, batch_seed in seeds)
    assert torch.equal(first, again)
    assert not torch.equal(first, other_start)
    assert not torch.equal(first, other_batches)


def test_chance_inside_the_network_comes_from_the_local_seed():
    networks = [run(seed, network=small_network_of(0, dropout=0.5))[0] for seed in (1, 1, 2)]
    first, again, other = map(values_of, networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_users_own_stream_of_chance_is_not_disturbed():
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    expected, before = torch.rand(3), np.random.get_state()[1].copy()  # noqa: NPY002
    torch.manual_seed(7)
    run(network=small_network_of(0, dropout=0.5))
    assert torch.equal(torch.rand(3), expected)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_the_stream_of_chance_is_put_back_after_an_error_too():
    before = torch.random.get_rng_state()
    with suppress(KeyError), local_seed(3, CPU):
        torch.rand(5)
        raise KeyError
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("n_threads", [3, None])
def test_the_number_of_threads_is_put_back(n_threads):
    before = torch.get_num_threads()
    with suppress(KeyError), thread_limit(n_threads):
        assert torch.get_num_threads() == (before if n_threads is None else n_threads)
        raise KeyError
    assert torch.get_num_threads() == before


def test_early_stopping_keeps_the_best_weights_and_waits_as_long_as_it_was_told():
    losses = iter([0.9, 0.5, 0.7, 0.5, 0.6, 0.1])
    seen = []

    def validate():
        seen.append(values_of(network))
        return Validation(next(losses), -float(len(seen) > 2))

    network = small_network_of(0)
    _, result = run(network=network, max_epochs=99, n_iter_no_change=3, validate=validate)
    assert len(result.history) == len(seen) == 5
    assert torch.equal(values_of(network), seen[1])
    assert not torch.equal(seen[1], seen[-1])


def test_the_latest_weights_within_one_standard_error_of_the_best_score_are_kept():
    standings = iter([(0.5, 0.6), (0.7, 0.89), (0.3, 0.9), (0.8, 0.87), (0.1, 0.7), (0.2, 0.84)])
    seen = []

    def validate():
        seen.append(values_of(network))
        return Validation(*next(standings), 0.05)

    network = small_network_of(0)
    run(network=network, max_epochs=6, n_iter_no_change=99, validate=validate)
    assert torch.equal(values_of(network), seen[3])


def test_without_validation_all_epochs_are_trained():
    assert len(run(max_epochs=7, n_iter_no_change=1)[1].history) == 7


@pytest.mark.parametrize("with_validation", [True, False])
def test_ctrl_c_keeps_what_was_learnt(with_validation):
    seen = []

    def interrupt(epoch, share):
        if epoch == 3:
            raise KeyboardInterrupt

    validate = (lambda: Validation(float(len(seen)), -float(len(seen)))) if with_validation else None
    network = small_network_of(0)
    watcher = Watcher(interrupt, lambda row: seen.append(values_of(network)))
    _, result = run(network=network, watcher=watcher, validate=validate)
    assert result.interrupted
    assert not network.training
    assert [row["epoch"] for row in result.history] == [1, 2]
    # The best epoch was the first; without validation the batch that was cut off counts too.
    assert torch.equal(values_of(network), seen[0]) == with_validation
    assert not torch.equal(values_of(network), values_of(small_network_of(0)))


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_loss_that_is_not_finite_stops_training_with_advice(value, shown):
    with pytest.raises(NonFiniteLossError) as error:
        run(loss=lambda scores, targets: scores.sum(1) * 0 + value, max_epochs=1, batch_size=N_RECORDS)
    assert str(error.value) == (
        f"Training stopped in epoch 1, because the loss is not finite. Received: a loss of {shown} at a learning rate "
        "of 0.0004. Lower learning_rate (its peak is 0.01 now), or look for extreme values in X, y or sample_weight."
    )


def test_a_last_step_that_diverges_is_found_out():
    with pytest.raises(NonFiniteLossError) as error:
        run(max_epochs=1, batch_size=N_RECORDS, learning_rate=1e42)
    assert str(error.value).startswith("Training stopped in epoch 1, because the largest weight is not finite.")


def test_a_validation_loss_that_is_not_finite_stops_training_with_advice():
    with pytest.raises(NonFiniteLossError) as error:
        run(max_epochs=1, batch_size=N_RECORDS, validate=lambda: Validation(math.nan, 0.5))
    assert str(error.value) == (
        "Training stopped in epoch 1, because the validation loss is not finite. Received: a validation loss of nan at "
        "a learning rate of 0.0004. Lower learning_rate (its peak is 0.01 now), or look for extreme values in X, y or "
        "sample_weight."
    )


def test_a_budget_of_seconds_ends_training_in_time_with_the_cycle_finished(monkeypatch):
    clock = iter(range(10_000))
    monkeypatch.setattr(schedule, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    rates = []
    watcher = Watcher(on_epoch=lambda row: rates.append(row["learning_rate"]))
    _, result = run(watcher=watcher, max_epochs=1000, max_seconds=60.0)
    assert 50 <= result.history[-1]["seconds"] <= 62
    assert len(result.history) < 30
    assert max(rates) > 0.9 * 0.01
    assert rates[-1] < 0.05 * 0.01


def test_a_budget_that_is_too_small_still_trains_one_batch(monkeypatch):
    clock = iter(range(10_000))
    monkeypatch.setattr(schedule, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    batches = []
    _, result = run(max_seconds=0.5, watcher=Watcher(lambda epoch, share: batches.append(share)))
    assert (len(result.history), len(batches)) == (1, 1)
    assert math.isfinite(result.history[0]["train_loss"])


def test_a_budget_that_is_never_reached_changes_nothing():
    assert torch.equal(values_of(run(max_seconds=1e9)[0]), values_of(run()[0]))


def test_a_weight_of_two_counts_a_window_twice():
    weights = torch.ones(N_RECORDS)
    weights[:5] = 2.0
    weighted, _ = run(weights=7 * weights, batch_size=64, network=small_network_of(0))
    rows = [*range(N_RECORDS), *range(5)]
    repeated, _ = run(rows=rows, batch_size=64, network=small_network_of(0))
    assert relative_error(values_of(weighted), values_of(repeated)) < 1e-4
    assert relative_error(values_of(weighted), values_of(run(batch_size=64, network=small_network_of(0))[0])) > 1e-3


def test_the_train_loss_is_the_weighted_mean_over_the_epochs_windows():
    network, (records, targets) = small_network_of(0), task()
    weights = torch.arange(1.0, N_RECORDS + 1)
    with torch.no_grad():
        losses = cross_entropy()(torch.from_numpy(run_network(network, store_of(records))), targets)
    _, result = run(network=network, weights=weights, max_epochs=1, batch_size=5, learning_rate=1e-12)
    expected = np.average(losses.numpy(), weights=weights.numpy())
    assert result.history[0]["train_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("limit", [1e-3, 1e9])
def test_long_gradients_are_shortened_and_short_ones_left(limit):
    network, norms = small_network_of(0), []

    def measure(epoch, share):
        norms.append(float(torch.cat([p.grad.flatten() for p in network.parameters()]).norm()))

    run(network=network, watcher=Watcher(measure), max_gradient_norm=limit, max_epochs=1)
    assert len(norms) == 3
    assert all(norm == pytest.approx(1e-3, rel=1e-3) if limit < 1 else norm > 1e-2 for norm in norms)


def test_weight_decay_shrinks_kernels_and_leaves_biases_and_normalization_alone():
    network = small_network_of(0, normalization="batch")
    before = deepcopy(dict(network.named_parameters()))
    _, result = run(network=network, loss=lambda scores, _: scores.sum(1) * 0, weight_decay=0.5, batch_size=64)
    shrunk = math.prod(1 - 0.5 * row["learning_rate"] for row in result.history)
    assert shrunk < 0.99
    for name, parameter in network.named_parameters():
        factor = shrunk if parameter.ndim > 1 else 1.0
        torch.testing.assert_close(parameter, before[name] * factor, rtol=1e-5, atol=1e-7)


def test_frozen_parameters_stay_as_they_are():
    network = small_network_of(0)
    network.encoder.requires_grad_(False)
    before = deepcopy(network)
    run(network=network)
    assert torch.equal(values_of(network.encoder), values_of(before.encoder))
    assert not torch.equal(values_of(network.head), values_of(before.head))


def keep_and_go_on():
    return Verdict(keeps=True, goes_on=True)


def test_a_judge_is_asked_at_the_end_of_each_round():
    asked, rates = [], []
    watcher = Watcher(on_epoch=lambda row: rates.append(row["learning_rate"]))
    network = small_network_of(0)

    def judge():
        asked.append((len(rates), network.training))
        return keep_and_go_on()

    _, result = run(network=network, max_epochs=8, n_rounds=3, judge=judge, watcher=watcher)
    assert [epoch for epoch, _ in asked] == [2, 4, 8]
    assert result.kept_epoch == 8
    # Each round ends on a small rate, and the next begins anew.
    assert max(rates[position] for position in (1, 3, 7)) < 0.3 * 0.01 < min(rates[position] for position in (0, 2, 5))


def test_the_network_that_a_judge_last_wanted_kept_stays():
    verdicts = iter([Verdict(True, True), Verdict(True, True), Verdict(False, True)])
    states, network = [], small_network_of(0)

    def judge():
        states.append(values_of(network))
        return next(verdicts)

    _, result = run(network=network, max_epochs=8, n_rounds=3, judge=judge)
    assert torch.equal(values_of(network), states[1])
    assert not torch.equal(states[1], states[2])
    assert (result.kept_epoch, len(result.history)) == (4, 8)


def test_a_judge_ends_training_after_a_round():
    _, result = run(max_epochs=8, n_rounds=3, judge=lambda: Verdict(keeps=True, goes_on=False))
    assert (result.kept_epoch, len(result.history)) == (2, 2)


def test_nobody_who_judges_is_no_round():
    assert torch.equal(values_of(run(n_rounds=3)[0]), values_of(run()[0]))


def test_a_network_that_diverged_is_not_judged():
    def judge():
        raise AssertionError

    with pytest.raises(NonFiniteLossError, match="not finite"):
        run(learning_rate=1e42, max_epochs=1, batch_size=N_RECORDS, judge=judge)


def test_losses_are_those_of_scikit_learn_and_torch():
    scores, classes = torch.randn(20, 3), torch.arange(20) % 3
    values, targets, scale = torch.randn(20, 2), torch.randn(20, 2), torch.tensor([2.0, 0.5])
    assert float(cross_entropy()(scores, classes).mean()) == pytest.approx(
        log_loss(classes, scores.double().softmax(1)), rel=1e-5
    )
    smooth = 0.7 * nn.functional.one_hot(classes, 3) + 0.1
    expected = -(smooth * scores.log_softmax(1)).sum(1)
    torch.testing.assert_close(cross_entropy(0.3)(scores, classes), expected)
    references = [mean_squared_error, mean_absolute_error, lambda y, v: float(nn.HuberLoss()(v, y))]
    for name, reference in zip(("squared_error", "absolute_error", "huber"), references, strict=True):
        losses = regression_loss(name, scale)(values, targets)
        assert losses.shape == (20,)
        assert float(losses.mean()) == pytest.approx(reference(targets / scale, values / scale), rel=1e-5)


def threads_inside(n_threads):
    with thread_limit(n_threads):
        return torch.get_num_threads()


@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "loky"])
def test_workers_of_a_parallel_search_take_one_thread_each_unless_told_otherwise(backend):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert threads_inside(None) == 2
        with joblib.parallel_config(backend, n_jobs=2):
            assert joblib.Parallel()(joblib.delayed(threads_inside)(n) for n in (None, None, 2)) == [1, 1, 2]
        assert threads_inside(None) == 2
    finally:
        torch.set_num_threads(before)
