"""Several encoders in one estimator: a committee."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from torch import nn

from seqcnn import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, load
from seqcnn.batches import training_batches
from seqcnn.committee import Committee
from seqcnn.datasets import make_shapes_in_noise
from seqcnn.encoders import Hydra, Joined, RandomFourier, Rocket
from seqcnn.estimators import _targets
from seqcnn.estimators._committee import CommitteeFit
from seqcnn.estimators._roster import PRESETS, choose_members
from seqcnn.estimators._settings import Settings, settle

X, y = make_shapes_in_noise(60, random_state=0)
X_new, y_new = make_shapes_in_noise(90, random_state=1)
FIXED = ["minirocket", "hydra"]


@pytest.fixture(scope="module")
def fitted() -> SeqCNNClassifier:
    return SeqCNNClassifier(FIXED, random_state=0).fit(X, y)


def test_a_list_of_encoders_becomes_a_committee_with_a_line_a_member(fitted):
    assert isinstance(fitted.network_, Committee)
    assert fitted.committee_.columns.tolist() == ["member", "weight", "score", "seconds"]
    assert fitted.committee_["member"].tolist() == FIXED
    assert fitted.committee_["weight"].sum() == pytest.approx(1)
    assert fitted.committee_["score"].between(0, 1).all()
    assert fitted.history_["member"].tolist() == FIXED
    assert fitted.score(X_new, y_new) > 0.8


def test_probabilities_are_the_weighted_mean_of_those_of_the_members(fitted):
    alone = [SeqCNNClassifier(FIXED, random_state=0).fit(X, y).network_.members[place] for place in (0, 1)]
    for member, same in zip(fitted.network_, alone, strict=True):
        for name, tensor in member.state_dict().items():
            np.testing.assert_array_equal(tensor.numpy(), same.state_dict()[name].numpy(), err_msg=name)
    probabilities = fitted.predict_proba(X_new)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    assert (fitted.predict(X_new) == fitted.classes_[probabilities.argmax(1)]).all()


def test_the_score_of_a_member_is_what_its_encoder_reaches_alone_on_records_left_out():
    together = SeqCNNClassifier(["hydra", "minirocket"], random_state=0).fit(X, y)
    alone = SeqCNNClassifier("hydra", random_state=0).fit(X, y)
    assert together.committee_["score"][0] == pytest.approx(alone.history_["validation_score"].iloc[-1], abs=0.1)


def test_the_same_seed_gives_the_same_committee(fitted):
    again = SeqCNNClassifier(FIXED, random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X_new), fitted.predict_proba(X_new))


def test_a_committee_is_saved_loaded_pickled_and_cloned(fitted, tmp_path):
    path = tmp_path / "committee.seqcnn"
    fitted.save(path)
    loaded = load(path)
    np.testing.assert_array_equal(loaded.predict_proba(X_new), fitted.predict_proba(X_new))
    pd.testing.assert_frame_equal(loaded.committee_, fitted.committee_)
    assert loaded.encoder == FIXED
    copied = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copied.predict_proba(X_new), fitted.predict_proba(X_new))
    assert clone(fitted).encoder == FIXED


def test_a_committee_goes_into_a_search():
    assert cross_val_score(SeqCNNClassifier(FIXED, random_state=0), X, y, cv=3).mean() > 0.7


def test_modules_and_twins_have_names_of_their_own():
    classifier = SeqCNNClassifier(["hydra", Hydra(1, n_groups=4), "hydra"], random_state=0).fit(X, y)
    assert classifier.committee_["member"].tolist() == ["hydra 1", "Hydra", "hydra 2"]


def test_a_tuple_joins_features_in_front_of_one_head(tmp_path):
    classifier = SeqCNNClassifier([("minirocket", "hydra"), "hydra"], random_state=0).fit(X, y)
    assert classifier.committee_["member"].tolist() == ["minirocket + hydra", "hydra"]
    joined, alone = (member.n_features for member in classifier.network_)
    assert joined > alone
    classifier.save(tmp_path / "joined.seqcnn")
    loaded = load(tmp_path / "joined.seqcnn")
    assert loaded.encoder == [("minirocket", "hydra"), "hydra"]
    np.testing.assert_array_equal(loaded.predict_proba(X_new), classifier.predict_proba(X_new))
    with pytest.raises(ValueError) as error:
        SeqCNNClassifier([("hydra", "lite"), "fcn"]).fit(X, y)
    assert str(error.value) == (
        "A tuple in the 'encoder' parameter of SeqCNNClassifier joins the features of fixed kernels in front of one "
        "head. Received: lite in a tuple. Let it stand in the list by itself."
    )


def test_records_of_unequal_length_gaps_and_windows_go_through_a_committee():
    ragged = [row[: 60 + 2 * (place % 30)] for place, row in enumerate(X)]
    assert SeqCNNClassifier(FIXED, random_state=0).fit(ragged, y).score(ragged, y) > 0.8
    gaps = X.copy()
    gaps[:, 10:14] = np.nan
    assert SeqCNNClassifier(FIXED, missing="mask", random_state=0).fit(gaps, y).score(gaps, y) > 0.8
    windowed = SeqCNNClassifier(FIXED, window_length=64, random_state=0).fit(X, y)
    assert windowed.predict_windows(X[:2]).shape == (6, 6)
    assert windowed.score(X_new, y_new) > 0.5


def test_labels_and_numbers_have_committees_too():
    has = np.stack([y == "sine", y == "square"], 1).astype(int) if "sine" in set(y) else pd.get_dummies(y).to_numpy(int)
    several = SeqCNNClassifier(FIXED, random_state=0).fit(X, has)
    assert several.predict_proba(X_new).shape == (90, has.shape[1])
    assert ((several.predict_proba(X_new) >= 0) & (several.predict_proba(X_new) <= 1)).all()
    peak = np.stack([X.max(1), X.min(1)], 1)
    regressor = SeqCNNRegressor(FIXED, random_state=0).fit(X, peak)
    assert regressor.committee_["weight"].sum() == pytest.approx(1)
    assert regressor.predict(X_new).shape == (90, 2)
    assert regressor.score(X_new, np.stack([X_new.max(1), X_new.min(1)], 1)) > 0.3


def test_trained_members_are_cross_fitted_together_or_apart():
    classifier = SeqCNNClassifier(["hydra", "lite", "fcn"], max_epochs=3, random_state=0).fit(X, y)
    assert classifier.committee_["member"].tolist() == ["hydra", "lite", "fcn"]
    assert classifier.history_["member"].value_counts().to_dict() == {"hydra": 1, "lite": 3, "fcn": 15}
    assert classifier.history_.query("member == 'fcn'")["epoch"].tolist() == list(range(1, 16))
    again = SeqCNNClassifier(["hydra", "lite", "fcn"], max_epochs=3, random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X_new), classifier.predict_proba(X_new))


def test_labels_of_pure_noise_give_no_member_a_good_score():
    noise = np.random.default_rng(0).integers(0, 2, len(X))
    classifier = SeqCNNClassifier(["hydra", "lenet", "lite"], max_epochs=8, random_state=0).fit(X, noise)
    assert (classifier.committee_["score"] < 0.75).all()
    assert classifier.predict_set(X_new, coverage=0.8).to_numpy().mean() > 0.6


def test_a_budget_leaves_members_out_and_is_kept():
    classifier = SeqCNNClassifier(["multirocket", "hydra", "lite"], max_fit_seconds=1e-6, random_state=0).fit(X, y)
    assert classifier.committee_["member"].tolist() == ["lite"]
    classifier = SeqCNNClassifier(["multirocket", "hydra"], max_fit_seconds=1e-6, random_state=0).fit(X, y)
    assert classifier.committee_["member"].tolist() == ["hydra"], "something has to be there"


def test_what_was_done_when_ctrl_c_came_is_kept(monkeypatch):
    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    whole = CommitteeFit._fit_whole
    monkeypatch.setattr(
        CommitteeFit,
        "_fit_whole",
        lambda self, member, *rest: (interrupt if member.name == "minirocket" else whole)(self, member, *rest),
    )
    with pytest.warns(UserWarning, match="was interrupted after 1 of 3 epochs"):
        classifier = SeqCNNClassifier(["hydra", "minirocket", "multirocket"], random_state=0).fit(X, y)
    assert classifier.committee_["member"].tolist() == ["hydra"]
    classifier = SeqCNNClassifier(["minirocket", "hydra"], random_state=0)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, y)
    assert not hasattr(classifier, "model_")


def test_records_of_ones_own_are_only_watched():
    watched = SeqCNNClassifier(FIXED, random_state=0).fit(X, y, X_val=X_new, y_val=y_new)
    last = watched.history_.iloc[-1]
    assert last["member"] == "committee"
    assert last["validation_score"] == pytest.approx(watched.score(X_new, y_new))
    alone = SeqCNNClassifier(FIXED, random_state=0).fit(X, y)
    np.testing.assert_array_equal(watched.predict_proba(X_new), alone.predict_proba(X_new))


def test_groups_stay_whole_in_every_member():
    groups = np.arange(len(X)) // 6
    classifier = SeqCNNClassifier(["hydra", "lite"], max_epochs=2, random_state=0).fit(X, y, groups=groups)
    assert classifier.committee_["score"].between(0, 1).all()
    assert classifier.conformity_scores_.of_groups


def test_auto_is_one_network_where_the_rest_asks_for_one():
    for parameters in ({"encoder__width": 4}, {"early_stopping": True}, {"sampling": "balanced"}, {"warm_start": True}):
        classifier = SeqCNNClassifier(max_epochs=1, random_state=0, **parameters).fit(X, y)
        assert type(classifier.encoder_).__name__ == "Inception", parameters
    assert type(SeqCNNRegressor(loss="huber", max_epochs=1).fit(X, X.max(1)).encoder_).__name__ == "Inception"
    partial = SeqCNNClassifier(random_state=0).partial_fit(X, y, classes=np.unique(y))
    assert type(partial.encoder_).__name__ == "Inception"


@pytest.mark.parametrize("preset", ["quick", "default", "best"])
def test_auto_is_a_committee_for_series(preset):
    # In so much noise fixed kernels leave something to learn.
    noisy, later = (make_shapes_in_noise(60, noise=0.4, random_state=seed) for seed in (0, 1))
    classifier = SeqCNNClassifier(preset=preset, max_epochs=2, random_state=0).fit(*noisy)
    names = [" + ".join(encoder) if isinstance(encoder, tuple) else encoder for encoder in PRESETS[preset]]
    assert classifier.committee_["member"].tolist() == names
    assert classifier.score(*later) > 0.7


@pytest.mark.parametrize(("preset", "n_copies"), [("default", 5), ("best", 10)])
def test_the_best_committee_has_more_copies_and_each_pools_early_and_late_apart(preset, n_copies):
    def members(encoder: str) -> list[Any]:
        classifier = SeqCNNClassifier([encoder], preset=preset, max_epochs=1, random_state=0).fit(X, y)
        assert {member.pooling.n_bins for member in classifier.network_.members} == {2}
        return list(classifier.network_.members)

    assert [member.encoder.n_copies for member in members("lite")] == [n_copies]
    # Networks that have no copies inside are fitted apart.
    assert len(members("fcn")) == n_copies


def test_what_members_are_made_of_is_trained_alone_in_such_batches_and_pooled_over_all_steps():
    def settled(preset: str = "default", *, in_committee: bool) -> Settings:
        parameters = SeqCNNClassifier("h-inception", preset=preset).get_params(deep=False)
        return settle(parameters, "series", np.full(400, 100), 400, in_committee=in_committee)

    alone, together = settled(in_committee=False), settled(in_committee=True)
    assert (alone.n_bins, together.n_bins) == (1, 2)
    assert alone.training.learning_rate == together.training.learning_rate == 0.006
    assert alone.training.batch_size == together.training.batch_size
    # But for longer, and nobody judges it after a round.
    assert alone.training.max_epochs == pytest.approx(2 * together.training.max_epochs, abs=1)
    assert (alone.training.n_rounds, together.training.n_rounds) == (1, 3)
    # "best" has more copies where there is a committee, and longer training where there is none.
    assert settled("best", in_committee=True) == together
    longer = settled("best", in_committee=False).training.max_epochs
    assert longer == pytest.approx(3 * alone.training.max_epochs, abs=2)


@pytest.mark.parametrize(("n_classes", "batch_size"), [(0, 8), (5, 8), (52, 52), (100, 64)])
@pytest.mark.parametrize("in_committee", [True, False])
def test_a_batch_of_what_members_are_made_of_has_room_for_a_record_of_each_class(n_classes, batch_size, in_committee):
    parameters = SeqCNNClassifier("h-inception").get_params(deep=False)
    settled = settle(parameters, "series", np.full(104, 100), 104, in_committee=in_committee, n_classes=n_classes)
    assert settled.training.batch_size == batch_size


def test_a_classifier_of_many_classes_draws_such_batches(monkeypatch):
    drawn = []

    def draw(lengths, batch_size, generator, **options):
        drawn.append(batch_size)
        return training_batches(lengths, batch_size, generator, **options)

    monkeypatch.setattr("seqcnn.training.training_batches", draw)
    many = np.repeat([f"class {number}" for number in range(20)], 2)
    series = np.random.default_rng(0).normal(size=(40, 50))
    SeqCNNClassifier("h-inception", max_epochs=1, early_stopping=False, random_state=0).fit(series, many)
    SeqCNNRegressor("h-inception", max_epochs=1, early_stopping=False, random_state=0).fit(series, series[:, 0])
    assert drawn == [20, 8]


def test_few_long_series_need_no_trained_member():
    def names(n_windows: int, length: int, preset: str = "default") -> list[str]:
        parameters = {"encoder": "auto", "preset": preset, "early_stopping": "auto"}
        chosen = choose_members(parameters, "series", length=length, n_windows=n_windows, tiny=False, in_steps=False)
        return [member.name for member in chosen]

    assert "h-inception" in names(499, 349)
    assert "h-inception" not in names(499, 350)
    assert "h-inception" in names(500, 350)
    assert "h-inception" in names(499, 350, "best")


def test_a_new_fit_with_one_encoder_is_no_committee():
    classifier = SeqCNNClassifier(FIXED, random_state=0).fit(X, y)
    classifier.set_params(encoder="hydra").fit(X, y)
    assert not hasattr(classifier, "committee_")
    assert classifier.encoder_.n_features > 0


def test_what_has_one_encoder_only_is_refused_with_the_reason(fitted):
    assert not hasattr(fitted, "encoder_")
    with pytest.raises(AttributeError) as error:
        _ = fitted.encoder_
    assert str(error.value) == (
        "SeqCNNClassifier has no encoder_, because it is a committee of 2 networks. Take those of network_.members, or "
        "fit it with one encoder, such as encoder='inception'."
    )
    with pytest.raises(ValueError) as error:
        fitted.stream()
    assert str(error.value) == (
        "SeqCNNClassifier streams single networks. Received: a committee of 2, whose fixed kernels count over a whole "
        "record. Fit it with one causal encoder, such as 'tcn', to stream."
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"encoder": []},
            "The 'encoder' parameter of SeqCNNClassifier must name at least one encoder. Received: an empty list. Pass "
            "encoder='auto', or a list such as ['hydra', 'lite'].",
        ),
        (
            {"encoder": ["hydra", "auto"]},
            "The 'encoder' parameter of SeqCNNClassifier must hold names and modules, or be 'auto' itself. Received: "
            "['hydra', 'auto']. Drop 'auto' from the list, or pass encoder='auto'.",
        ),
        (
            {"encoder": ["hydra", "lite"], "encoder__width": 8},
            "The 'encoder' parameter of SeqCNNClassifier is a list, whose encoders have parameters of different names. "
            "Received: also encoder__width. Build the encoder with these values and put the module into the list, or "
            "name one encoder.",
        ),
        (
            {"encoder": ["lite", "fcn"], "early_stopping": True, "sampling": "balanced"},
            "The 'encoder' parameter of SeqCNNClassifier is a list, and a committee is fitted to all records at once, "
            "each member judged on records that it did not learn. Received: also early_stopping=True and "
            "sampling='balanced'. Leave it out, or name one encoder.",
        ),
    ],
)
def test_lists_that_make_no_committee(parameters, message):
    with pytest.raises(ValueError) as error:
        SeqCNNClassifier(**parameters).fit(X, y)
    assert str(error.value) == message


def test_a_misspelt_member_is_named():
    with pytest.raises(ValueError, match="Did you mean 'hydra'"):
        SeqCNNClassifier(["hydr", "lite"]).fit(X, y)


def test_a_committee_cannot_be_trained_in_steps(fitted):
    with pytest.raises(ValueError) as error:
        SeqCNNClassifier(FIXED).partial_fit(X, y, classes=np.unique(y))
    assert str(error.value) == (
        "SeqCNNClassifier cannot go on with partial_fit with several encoders, which are judged on records that they "
        "did not learn. Received: encoder=['minirocket', 'hydra']. Call fit without it, or name one encoder, such as "
        "'fcn'."
    )
    with pytest.raises(ValueError) as error:
        clone(fitted).fit(X, y).set_params(encoder="auto").partial_fit(X, y)
    assert str(error.value) == (
        "SeqCNNClassifier cannot go on with partial_fit from a committee, whose members are judged on records that "
        "they did not learn. Received: a fitted committee. Call fit without it, or fit one network anew, such as with "
        "encoder='inception'."
    )


def test_an_embedder_takes_one_encoder():
    with pytest.raises(ValueError) as error:
        SeqCNNEmbedder(FIXED).fit(X)
    assert str(error.value) == (
        "The 'encoder' parameter of SeqCNNEmbedder must be one encoder, for members of a committee are weighed by what "
        "they predict. Received: ['minirocket', 'hydra']. Name one, and join several embedders by scikit-learn's "
        "FeatureUnion."
    )


@pytest.mark.parametrize("encoder", [*PRESETS["quick"], "shapelets", "quant", "auto"])
def test_records_of_one_and_two_steps_are_read_and_tell_the_same_alone(encoder):
    generator = np.random.default_rng(0)
    lengths = [1, 2, 3, 12, 60, 60, 60, 60, 60, 60, 60, 60]
    records = [generator.normal(size=length).astype(np.float32) for length in lengths]
    classifier = SeqCNNClassifier(encoder, random_state=0, max_epochs=1).fit(records, [0, 1] * 6)
    together = classifier.predict_proba(records)
    assert np.isfinite(together).all()
    for position, said in enumerate(together[:4]):
        # A threshold that was taken from a record's own few answers is met to the last bit, or not.
        np.testing.assert_allclose(classifier.predict_proba(records[position : position + 1])[0], said, atol=0.03)
    # A step more is another record.
    longer = np.append(records[1], np.float32(3.0))
    assert not np.allclose(classifier.predict_proba([longer])[0], together[1], atol=1e-6)


def test_kernels_that_slide_are_trusted_and_the_others_earn_their_weight(monkeypatch):
    generator = np.random.default_rng(0)
    noise, labels = generator.normal(size=(12, 60)), np.arange(12) % 2
    told, weigh = [], _targets.weigh_by_likelihood
    monkeypatch.setattr(_targets, "weigh_by_likelihood", lambda *given: told.append(given[2]) or weigh(*given))
    members = ["hydra", ("rocket", "hydra"), ("rocket", "fourier"), "quant", "fourier", "fcn"]
    SeqCNNClassifier(members, random_state=0, max_epochs=1).fit(noise, labels)
    assert told[-1] == [True, True, False, False, False, False]
    joined = [Joined(nn.ModuleList([Hydra(1), other])) for other in (Rocket(1), RandomFourier(1))]
    SeqCNNClassifier(joined, random_state=0).fit(noise, labels)
    assert told[-1] == [True, False]
