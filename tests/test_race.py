"""Whether a member in training earns its time: what a race says after each round."""

import numpy as np
import pytest

from seqcnn import SeqCNNClassifier
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.estimators._race import SETTLED, Race
from seqcnn.estimators._targets import ClassTarget, MultilabelTarget, NumericTarget

N_RECORDS = 60
POSITIONS = np.arange(N_RECORDS) % 3
TARGET = ClassTarget(np.array(["a", "b", "c"]), POSITIONS)
ONES = np.ones(N_RECORDS)


def says(sure, n_wrong=0):
    """Give the truth this probability; to the first records, wrongly, another class."""
    told = (POSITIONS + (np.arange(N_RECORDS) < n_wrong)) % 3
    answers = np.full((N_RECORDS, 3), (1 - sure) / 2)
    answers[np.arange(N_RECORDS), told] = sure
    return answers


def test_what_is_nearly_certain_is_settled():
    assert Race(TARGET, ONES, [says(0.99)]).is_settled()
    assert not Race(TARGET, ONES, [says(0.9)]).is_settled()
    assert not Race(TARGET, ONES, [says(0.99, n_wrong=1)]).is_settled()
    assert not Race(TARGET, ONES, []).is_settled()


def test_few_records_are_settled_sooner_than_many():
    few = np.arange(9)
    assert Race(TARGET.take(few), ONES[few], [says(0.9)[few]]).is_settled()
    assert 9 * -np.log(0.9) < SETTLED < N_RECORDS * -np.log(0.9)


def test_labels_are_settled_and_numbers_never():
    present = (np.arange(N_RECORDS)[:, None] % 2 == np.arange(2)).astype(float)
    assert Race(MultilabelTarget(np.arange(2), present), ONES, [np.where(present > 0, 0.999, 0.001)]).is_settled()
    values = np.arange(N_RECORDS, dtype=float)[:, None]
    assert not Race(NumericTarget(values), ONES, [values]).is_settled()


def test_a_member_far_behind_is_given_up_and_one_near_by_is_not():
    others = [says(0.95, n_wrong=2), says(0.9, n_wrong=3)]
    assert Race(TARGET, ONES, others).judge(says(0.4)) == (True, False)
    assert Race(TARGET, ONES, others).judge(says(0.7)) == (True, True)


def test_at_first_more_patience_is_shown():
    race = Race(TARGET, ONES, [says(0.9, n_wrong=2)])
    behind = says(0.55)
    assert race.judge(behind) == (True, True)
    assert race.judge(behind) == (True, False)


def test_a_member_that_knows_what_others_do_not_goes_on_though_it_is_often_wrong():
    others = [says(0.99, n_wrong=10)]
    lone = np.full((N_RECORDS, 3), 1 / 3)
    lone[:10] = np.eye(3)[POSITIONS[:10]] * 0.97 + 0.01
    assert Race(TARGET, ONES, others).judge(lone) == (True, True)


def test_a_round_that_did_harm_is_not_kept_and_is_the_last():
    race = Race(TARGET, ONES, [says(0.5)])
    assert race.judge(says(0.9)) == (True, True)
    assert race.judge(says(0.9, n_wrong=30)) == (False, False)


def test_a_difference_within_chance_is_no_harm():
    race = Race(TARGET, ONES, [says(0.5)])
    assert race.judge(says(0.9, n_wrong=1)) == (True, True)
    moved = says(0.9, n_wrong=1)[::-1].copy()
    moved = moved[:, [2, 1, 0]]  # as many wrong, others
    assert race.judge(moved).keeps


@pytest.mark.parametrize("others", [[], [np.full((N_RECORDS, 3), np.nan)]])
def test_where_nobody_can_be_compared_training_goes_on(others):
    race = Race(TARGET, ONES, others)
    assert race.judge(says(0.4)) == (True, True)
    assert not race.is_settled()


def test_numbers_race_too():
    values = np.random.default_rng(0).normal(size=(N_RECORDS, 2))
    noise = np.random.default_rng(1).normal(size=values.shape)
    race = Race(NumericTarget(values), ONES, [values + 0.1 * noise])
    assert race.judge(np.zeros_like(values)) == (True, False)
    assert Race(NumericTarget(values), ONES, [values + noise]).judge(values + 0.5 * noise[::-1]) == (True, True)


def test_records_that_a_member_has_learnt_have_no_say():
    half = says(0.4)
    half[: N_RECORDS // 2] = np.nan
    assert Race(TARGET, ONES, [says(0.95, n_wrong=2)]).judge(half) == (True, False)


@pytest.fixture(scope="module")
def noisy():
    return make_shapes_in_noise(60, noise=1.0, random_state=0)


def test_a_committee_trains_nobody_where_fixed_kernels_are_certain(noisy):
    easy = SeqCNNClassifier(random_state=0).fit(*make_shapes_in_noise(60, random_state=0))
    assert "h-inception" not in easy.committee_["member"].tolist()
    hard = SeqCNNClassifier(random_state=0, max_epochs=1).fit(*noisy)
    assert "h-inception" in hard.committee_["member"].tolist()


def test_who_is_named_is_trained():
    X, y = make_shapes_in_noise(60, random_state=0)
    named = SeqCNNClassifier(["multirocket", "h-inception"], random_state=0, max_epochs=1).fit(X, y)
    assert named.committee_["member"].tolist() == ["multirocket", "h-inception"]


def test_a_member_ends_early_unless_epochs_or_no_early_end_are_asked_for(noisy, monkeypatch):
    from seqcnn.training import Verdict

    monkeypatch.setattr(Race, "judge", lambda self, answers: Verdict(keeps=True, goes_on=False))
    n_epochs = {}
    for name, asked in {"auto": {}, "epochs": {"max_epochs": 4}, "whole": {"early_stopping": False}}.items():
        fitted = SeqCNNClassifier(["hydra", "h-inception"], random_state=0, batch_size=30, **asked)
        if name == "whole":
            monkeypatch.setattr("seqcnn.estimators._settings._MEMBER_STEPS", 16)
        n_epochs[name] = int((fitted.fit(*noisy).history_["member"] == "h-inception").sum())
    assert n_epochs["epochs"] == 4
    assert n_epochs["whole"] == 20  # the fewest
    assert 20 < n_epochs["auto"] < 100
