"""The learning rate over the rounds of a training, and where they end."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn import schedule
from seqcnn.schedule import Schedule, one_cycle


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 1), st.floats(0, 1))
def test_the_learning_rate_goes_up_to_its_peak_at_a_quarter_and_then_down(first, second):
    first, second = sorted((first, second))
    assert 0 < one_cycle(first) <= one_cycle(0.25) == 1.0
    assert one_cycle(1.0) < one_cycle(0.0) < 0.1
    if second <= 0.25:
        assert one_cycle(first) <= one_cycle(second)
    elif first >= 0.25:
        assert one_cycle(first) >= one_cycle(second)


@given(st.integers(1, 200), st.floats(0, 1))
def test_one_round_is_one_cycle(max_epochs, share):
    assert Schedule(max_epochs).share(share * max_epochs) == pytest.approx(one_cycle(share), abs=1e-9)


@given(st.integers(1, 5), st.floats(0, 1, exclude_max=True))
def test_the_last_round_is_as_long_as_all_before_it(n_rounds, share):
    whole = Schedule(64, n_rounds=n_rounds + 1)
    half = Schedule(32, n_rounds=n_rounds)
    assert whole.share(32 * share) == pytest.approx(half.share(32 * share), abs=1e-9)
    assert whole.share(32 + 32 * share) == pytest.approx(one_cycle(share), abs=1e-9)


@given(st.integers(1, 100), st.integers(1, 6))
def test_every_training_ends_its_last_round_and_no_round_twice(max_epochs, n_rounds):
    plan = Schedule(max_epochs, n_rounds=n_rounds)
    ended = [plan.ends_round(epoch) for epoch in range(1, max_epochs + 1)]
    assert ended[-1]
    assert sum(ended) <= n_rounds
    if max_epochs >= 2**n_rounds:
        assert sum(ended) == n_rounds


def test_a_budget_shortens_all_rounds(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(schedule, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    plan = Schedule(1000, 60.0, n_rounds=2)
    assert plan.share(0) == pytest.approx(0.04)
    now[0] = 7.5
    assert plan.share(1) == pytest.approx(1.0)
    assert not plan.ends_round(2)
    now[0] = 30.0
    assert plan.ends_round(3)
    assert plan.share(3) == pytest.approx(0.04)
    now[0] = 60.0
    assert plan.share(4) is None
    assert plan.ends_round(4)


def test_a_constant_rate_is_the_peak():
    assert [Schedule(4, constant=True).share(epochs) for epochs in (0, 1, 3.9)] == [1.0, 1.0, 1.0]
