"""Stems, heads, the network made of them, running it over windows, and the model that is kept."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from core_helpers import network_around, padded, relative_error, series, small_encoder, store_of, text
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seqcnn import inference
from seqcnn.encoders import FCN, PlainEncoder
from seqcnn.heads import LinearHead
from seqcnn.inference import knows_no_padding, run_network
from seqcnn.inputs import InputContract, Records
from seqcnn.layers import BinPool1d
from seqcnn.model import Model
from seqcnn.network import Network
from seqcnn.stems import CharacterEmbedding, Normalizer, PassThrough
from seqcnn.training import local_seed


def normalized(records, mode="dataset", weights=None):
    """Learn from the records and return each of them normalized, from one padded batch in double precision."""
    stem = Normalizer(len(records[0]), mode).double()
    stem.learn(records, np.ones(len(records)) if weights is None else weights)
    batch, lengths = padded([torch.from_numpy(r).double() for r in records], max(r.shape[1] for r in records) + 3)
    output = stem(batch, lengths)
    for row, record, length in zip(output, batch, lengths, strict=True):
        assert not row[:, length:].any()
        assert relative_error(stem(record[None, :, :length])[0], row[:, :length]) < 1e-10
    return [row[:, :length].numpy() for row, length in zip(output, lengths, strict=True)]


def standardized(values):
    """Standardize along the last axis; what is constant becomes zero."""
    deviation = values.std(-1, keepdims=True)
    return (values - values.mean(-1, keepdims=True)) / np.where(deviation > 0, deviation, 1.0)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 3), st.integers(-13, 6), st.integers(0, 99))
def test_a_data_set_is_normalized_as_if_its_records_lay_end_to_end(lengths, n_channels, exponent, seed):
    # The unit must not matter: magnetic fields of 1e-13 tesla are signals, not constants.
    records = [value * np.float32(10.0**exponent) for value in series(lengths, n_channels, seed).values]
    expected = standardized(np.concatenate(records, 1).astype(np.float64))
    np.testing.assert_allclose(np.concatenate(normalized(records), 1), expected, rtol=1e-6, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(2, 9), min_size=1, max_size=5), st.integers(1, 3), st.integers(-13, 6), st.integers(0, 99))
def test_record_mode_normalizes_each_record_by_itself(lengths, n_channels, exponent, seed):
    records = [value * np.float32(10.0**exponent) for value in series(lengths, n_channels, seed).values]
    for actual, record in zip(normalized(records, "record"), records, strict=True):
        np.testing.assert_allclose(actual, standardized(record.astype(np.float64)), rtol=1e-6, atol=1e-6)


def test_level_mode_takes_each_records_mean_and_one_deviation_around_them():
    records = [value + shift for value, shift in zip(series([50, 3, 20], 2).values, (0.0, 1e4, -7.0), strict=True)]
    centred = [value.astype(np.float64) - value.mean(1, keepdims=True, dtype=np.float64) for value in records]
    deviation = np.sqrt(np.square(np.concatenate(centred, 1)).mean(1))[:, None]
    stem = Normalizer(2, "level")
    stem.learn(records, np.ones(3))
    parts = Normalizer(2, "level")
    parts.learn_parts((1.0, record) for record in records)
    for learnt in (stem, parts):
        for record, expected in zip(records, centred, strict=True):
            actual = learnt(torch.from_numpy(record)[None])[0].numpy()
            np.testing.assert_allclose(actual, expected / deviation, atol=1e-2 if record.mean() > 1e3 else 1e-5)
    # A quiet record stays quiet, whatever its level.
    assert stem(torch.from_numpy(0.01 * records[0])[None]).std() < 0.02


def test_a_weight_of_two_counts_a_record_twice():
    records = series([5, 9, 2]).values
    once, twice = Normalizer(1), Normalizer(1)
    once.learn(records, np.array([1.0, 2.0, 0.0]))
    twice.learn([records[0], records[1], records[1]], np.ones(3))
    assert relative_error(once.mean, twice.mean) < 1e-6
    assert relative_error(once.deviation, twice.deviation) < 1e-6


@pytest.mark.parametrize("mode", ["dataset", "record", "level"])
def test_small_changes_on_top_of_a_large_level_survive(mode):
    (value,) = series([1000], 2).values
    high = (value + 1e5).astype(np.float32)
    stem = Normalizer(2, mode)
    stem.learn([high], np.ones(1))
    actual = stem(torch.from_numpy(high)[None])[0].numpy()
    np.testing.assert_allclose(actual, standardized(high.astype(np.float64)), atol=0.01)


@pytest.mark.parametrize("mode", ["dataset", "record", "level"])
@pytest.mark.parametrize("level", [0.0, 1e-9, 3.3, 1e6 + 0.1])
def test_a_constant_channel_is_shifted_only(mode, level):
    value = np.stack([np.full(50, level), np.arange(50.0)]).astype(np.float32)
    assert not normalized([value], mode)[0][0].any()
    assert normalized([value], mode)[0][1].std() == pytest.approx(1.0)


def test_a_data_sets_normalizer_keeps_a_loud_record_loud():
    quiet, loud = normalized([series([100]).values[0], 10 * series([100]).values[0]])
    assert loud.std() / quiet.std() == pytest.approx(10.0, rel=1e-5)


def test_what_the_normalizer_learnt_travels_in_its_state():
    stem, other = Normalizer(2), Normalizer(2)
    stem.learn(series([9], 2).values, np.ones(1))
    other.load_state_dict(stem.state_dict())
    x = torch.randn(1, 2, 5)
    assert torch.equal(other(x), stem(x))
    assert not torch.equal(stem(x), x)


def test_pass_through_gives_the_input_itself():
    x = torch.randn(2, 3, 4)
    assert PassThrough(3)(x, torch.tensor([4, 2])) is x


def test_characters_get_learnt_vectors_and_padding_stays_zero_through_training():
    stem = CharacterEmbedding(10, width=6, unknown_share=0.0)
    codes = torch.tensor([[3, 4, 0], [4, 0, 0]])
    optimizer = torch.optim.SGD(stem.parameters(), 0.5)
    before = stem(codes)
    before.sum().backward()
    optimizer.step()
    after = stem(codes)
    assert after.shape == (2, stem.out_channels, 3)
    assert torch.equal(after[0, :, 1], after[1, :, 0])
    assert not after.transpose(1, 2)[codes == 0].any()
    assert (after != before).transpose(1, 2)[codes != 0].all()


def test_a_head_for_numbers_answers_in_the_targets_units():
    torch.manual_seed(0)
    plain, scaled = LinearHead(4, 2), LinearHead(4, 2, center=torch.tensor([1e3, -5.0]), scale=torch.tensor([10.0, 2]))
    scaled.dense = plain.dense
    features = torch.randn(3, 4)
    assert relative_error(scaled(features), plain(features) * torch.tensor([10.0, 2]) + torch.tensor([1e3, -5.0])) == 0
    with torch.autocast("cpu", torch.bfloat16):
        assert plain(features).dtype == torch.bfloat16
        assert scaled(features).dtype == torch.float32


def test_dropout_of_the_head_works_in_training_only():
    head = LinearHead(200, 1, dropout=0.5)
    features = torch.ones(1, 200)
    assert not torch.equal(head(features), head(features))
    head.eval()
    assert torch.equal(head(features), head(features))


@pytest.mark.parametrize("n_bins", [1, 3])
def test_a_network_is_head_after_features_and_sees_no_padding(n_bins):
    encoder = small_encoder("m5", in_channels=2).double()
    features, head = encoder.out_channels * n_bins, LinearHead(encoder.out_channels * n_bins, 5).double()
    stem = Normalizer(2).double()
    stem.learn(series([50], 2).values, np.ones(1))
    network = Network(stem, encoder, BinPool1d("mean", n_bins), head).eval()
    records = [torch.randn(2, n, dtype=torch.float64) for n in (1024, 5000, 7777)]
    batch, lengths = padded(records, 8200)
    assert network.embed(batch, lengths).shape == (3, features) == (3, network.n_features)
    assert torch.equal(network(batch, lengths), head(network.embed(batch, lengths)))
    alone = torch.cat([network(record[None]) for record in records])
    assert relative_error(network(batch, lengths), alone) < 1e-10


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("features", [True, False])
def test_running_a_network_keeps_the_windows_order_and_the_training_mode(monkeypatch, training, features):
    network = network_around(small_encoder("resnet")).train(training)
    store = store_of(series([30, 7, 19, 4, 30, 11, 25]), window_length=20)
    together = run_network(network, store, features=features)
    monkeypatch.setitem(inference._STEPS_A_BATCH, "cpu", 1)  # one window a batch
    np.testing.assert_allclose(run_network(network, store, features=features), together, atol=1e-5)
    assert network.training == training
    assert together.shape == (len(store), network.n_features if features else 2)
    assert together.dtype == np.float64
    assert len(np.unique(together.round(3), axis=0)) == len(store)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(2)


def test_a_users_module_meets_windows_of_one_length_at_a_time():
    network = Network(PassThrough(2), PlainEncoder(Mean(), 2, 8), BinPool1d(), nn.Identity())
    records = series([5, 9, 5, 3, 9], n_channels=2)
    assert knows_no_padding(network)
    expected = [value.mean(1) for value in records.values]
    np.testing.assert_allclose(run_network(network, store_of(records)), expected, atol=1e-6)


def test_a_plain_module_may_give_features_with_or_without_time():
    with_time, without = nn.Conv1d(2, 5, 3), nn.Sequential(nn.Flatten(), nn.Linear(2 * 8, 7))
    x = torch.randn(4, 2, 8)
    for module, expected in ((with_time, with_time(x)), (without, without(x)[..., None])):
        encoder = PlainEncoder(module, in_channels=2, n_timepoints=8)
        assert encoder.out_channels == expected.shape[1]
        assert torch.equal(encoder(x), expected)
        assert module.training


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (lambda x: x[0, 0], "(8,)"),
        (lambda x: x[:1], "(1, 2, 8)"),
        (lambda x: [x], "list"),
        (lambda x: None, "NoneType"),
    ],
)
def test_a_plain_module_that_gives_something_else_is_refused(output, shown):
    module = nn.Identity()
    module.forward = output
    with pytest.raises(ValueError) as error:
        PlainEncoder(module, in_channels=2, n_timepoints=8)
    assert str(error.value) == (
        f"The encoder Identity must give (batch, features) or (batch, features, time). Received: {shown} for input of "
        f"shape (2, 2, 8). Pass a module that gives one of the two."
    )


def test_a_plain_module_that_fails_is_named_with_what_it_was_given():
    module = nn.Linear(5, 2)
    with pytest.raises(ValueError) as error:
        PlainEncoder(module, in_channels=1, n_timepoints=8)
    assert str(error.value) == (
        f"The encoder Linear failed on input of shape (2, 1, 8), which is (batch, channels, time). Received: "
        f"{error.value.__cause__}. Pass a module that takes this shape."
    )
    assert isinstance(error.value.__cause__, RuntimeError)
    assert module.training


def model_of(encoder, output="probabilities", kind="series", stem=None, **options):
    network = network_around(encoder, n_outputs=3, stem=stem).eval()
    return Model(network, InputContract(kind, encoder.in_channels), output, **options)


def test_a_models_record_scores_are_the_means_of_its_windows_scores():
    model, records = model_of(small_encoder("fcn"), window_length=8, hop_length=3), series([8, 20, 31])
    table, scores = model.score_windows(records, caller="SeqCNNClassifier")
    np.testing.assert_allclose(scores.sum(1), 1.0)
    expected = [scores[table.record == record].mean(0) for record in range(3)]
    np.testing.assert_allclose(model.score_records(records, caller="SeqCNNClassifier"), expected)
    logits = replace(model, output="values").score_windows(records, caller="SeqCNNClassifier")[1]
    np.testing.assert_allclose(scores, np.exp(logits) / np.exp(logits).sum(1, keepdims=True))
    features = replace(model, output="features").score_records(records, caller="SeqCNNEmbedder")
    assert (model.n_outputs, features.shape) == (3, (3, model.network.n_features))


def test_a_pickled_model_answers_the_same():
    model, records = model_of(small_encoder("resnet"), window_length=8), series([8, 20])
    again = pickle.loads(pickle.dumps(model))
    assert again.contract == model.contract
    np.testing.assert_array_equal(*(m.score_records(records, caller="SeqCNNClassifier") for m in (model, again)))


@pytest.mark.parametrize("length", [1, 26, 27, 28])
def test_a_text_shorter_than_the_stride_is_read_like_any_other(length):
    model = model_of(small_encoder("zhang-small", 6), kind="text", stem=CharacterEmbedding(20, width=6))
    short, long = text([length]).values[0], text([90]).values[0]
    alone, together = (
        model.score_records(Records("text", values), caller="SeqCNNClassifier") for values in ([short], [short, long])
    )
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(together[:1], alone, atol=1e-6)


def test_a_series_shorter_than_the_window_is_refused():
    with pytest.raises(ValueError) as error:
        model_of(FCN(1), window_length=10).score_records(series([12, 9, 30]), caller="SeqCNNClassifier")
    assert str(error.value) == (
        "The 'window_length' parameter of SeqCNNClassifier must be at most 9, the shortest record in X (X[1]). "
        "Received: 10. Pass window_length=9 or drop the shorter records."
    )


@pytest.mark.parametrize(
    ("window_length", "received"), [(None, "the shortest record in X (X[1]) with 900"), (1000, "a window with 1000")]
)
def test_a_series_shorter_than_the_stride_is_refused(window_length, received):
    lengths = [3000, 900] if window_length is None else [3000, 1000]
    model = model_of(small_encoder("m5"), window_length=window_length)
    with pytest.raises(ValueError) as error:
        model.check_lengths(series(lengths), caller="SeqCNNClassifier")
    assert str(error.value) == (
        f"The encoder of SeqCNNClassifier needs at least 1024 time steps, its stride. Received: {received}. "
        "Pass longer records, or take an encoder of a smaller stride such as 'fcn'."
    )
    model.check_lengths(Records("audio", series(lengths).values, 8000), caller="SeqCNNClassifier")


def test_training_reads_a_share_of_the_characters_as_unknown_and_leaves_the_padding():
    stem = CharacterEmbedding(5, width=2, unknown_share=0.25)
    with torch.no_grad():
        stem.table.weight.copy_(torch.arange(5.0)[:, None].expand(5, 2))
    x = torch.cat([torch.full((8, 500), 3), torch.zeros(8, 20, dtype=torch.long)], 1)
    with local_seed(0, torch.device("cpu")):
        codes = stem.train()(x)[:, 0]
    assert set(codes[:, :500].unique().tolist()) == {1.0, 3.0}
    assert (codes[:, :500] == 1).float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert not codes[:, 500:].any()
    assert (stem.eval()(x)[:, 0, :500] == 3).all()
