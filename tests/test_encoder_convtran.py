"""ConvTran: what makes it different from the other encoders, whose contract is in test_encoders.py."""

import math

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error

from seqcnn.encoders.convtran import ConvTran, DisjointEmbedding, RelativeAttention, time_positions
from seqcnn.layers.masking import length_mask


def parameters_of_convtran(in_channels, width=16, n_heads=8, dense=256, max_distance=1024):
    """Count by the paper's figure: embedding, attention with its table of biases, dense layers, normalization."""
    temporal = 8 * 4 * width + 2 * 4 * width
    spatial = 4 * width * in_channels * width + 2 * width
    attention = 3 * width * width + (2 * max_distance + 1) * n_heads + 2 * width
    feed_forward = width * dense + dense + dense * width + width
    return temporal + spatial + attention + 2 * width + feed_forward + 2 * width


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_full_size_network_has_the_papers_number_of_parameters(in_channels):
    counted = sum(parameter.numel() for parameter in ConvTran(in_channels).parameters())
    assert counted == parameters_of_convtran(in_channels)


@pytest.mark.parametrize("n_channels", [2, 5, 16])
def test_positions_are_the_papers_waves_of_a_records_own_length(n_channels):
    lengths = [1, 4, 9]
    x = torch.zeros(3, n_channels, 12, dtype=torch.float64)
    actual = time_positions(x, length_mask(torch.tensor(lengths), 12))
    for row, length in zip(actual, lengths, strict=True):
        for channel in range(n_channels):
            rate = 10_000.0 ** (-2 * (channel // 2) / n_channels) * n_channels / length
            wave = math.cos if channel % 2 else math.sin
            expected = torch.tensor([wave(step * rate) for step in range(length)], dtype=torch.float64)
            assert relative_error(row[channel, :length], expected) < 1e-12
        assert relative_error(row[:, :length], time_positions(x[..., :length])) < 1e-12


def test_positions_of_a_longer_record_draw_the_same_waves():
    short, long = (time_positions(torch.zeros(1, 8, n, dtype=torch.float64)) for n in (10, 30))
    assert relative_error(long[:, ::3], short) < 1e-12


def test_positions_in_half_precision_tell_the_steps_of_a_long_record_apart():
    half = time_positions(torch.zeros(1, 16, 5000, dtype=torch.bfloat16))
    assert half.dtype == torch.bfloat16
    assert relative_error(half, time_positions(torch.zeros(1, 16, 5000))) < 2**-8


def attention_by_definition(module, x):
    """Attend within one record, ``(width, time)``, step by step and head by head."""
    width, n_timepoints = x.shape
    queries, keys, values = (module.queries_keys_values.weight @ x).view(3, module.n_heads, -1, n_timepoints)
    heads = []
    for head in range(module.n_heads):
        scores = queries[head].T @ keys[head] / math.sqrt(width)
        weights = torch.softmax(scores, 1)
        for query in range(n_timepoints):
            for key in range(n_timepoints):
                distance = max(-module.max_distance, min(query - key, module.max_distance))
                weights[query, key] += module.distance_biases[module.max_distance + distance, head]
        heads.append(values[head] @ weights.T)
    return F.layer_norm(torch.cat(heads).T, (width,), eps=1e-5).T


@pytest.mark.parametrize("max_distance", [2, 20])
def test_attention_adds_a_bias_for_each_distance_behind_the_softmax(max_distance):
    attention = RelativeAttention(6, 2, max_distance).double()
    torch.nn.init.normal_(attention.distance_biases)
    records = [torch.randn(6, n, dtype=torch.float64) for n in (1, 4, 9)]
    batch = torch.stack([F.pad(record, (0, 11 - record.shape[1])) for record in records])
    together = attention(batch, length_mask(torch.tensor([1, 4, 9]), 11))
    for row, record in zip(together, records, strict=True):
        expected = attention_by_definition(attention, record)
        assert relative_error(row[:, : record.shape[1]], expected) < 1e-10
        assert relative_error(attention(record[None])[0], expected) < 1e-10


def test_only_the_biases_of_distances_know_the_order_of_steps():
    attention = RelativeAttention(8, 2, 16).double()
    x, order = torch.randn(2, 8, 12, dtype=torch.float64), torch.randperm(12)
    assert relative_error(attention(x[..., order]), attention(x)[..., order]) < 1e-10
    torch.nn.init.normal_(attention.distance_biases)
    assert relative_error(attention(x[..., order]), attention(x)[..., order]) > 1e-2


def test_the_embedding_is_a_kernel_over_time_and_then_one_over_the_channels():
    embedding = DisjointEmbedding(3, 4).double().eval()
    for norm in (embedding.temporal_norm, embedding.spatial_norm):
        norm.running_mean.normal_()
    x = torch.randn(2, 3, 10, dtype=torch.float64)
    kernel = embedding.temporal.weight[:, :, None]
    filtered = F.conv2d(F.pad(x, (3, 4))[:, None], kernel)
    as_rows = embedding.temporal_norm(filtered.flatten(2)).view_as(filtered)
    mixed = torch.einsum("bfct,ofc->bot", F.gelu(as_rows), embedding.spatial.weight[..., 0])
    assert relative_error(embedding(x), F.gelu(embedding.spatial_norm(mixed))) < 1e-12


def test_records_longer_than_the_table_of_distances_are_encoded():
    convtran = ConvTran(1, width=4, max_distance=3).double().eval()
    torch.nn.init.normal_(convtran.attention.distance_biases)
    output = convtran(torch.randn(2, 1, 50, dtype=torch.float64))
    assert output.shape == (2, 4, 50)
    assert output.isfinite().all()


def test_a_width_that_cannot_be_divided_among_heads_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError) as error:
        ConvTran(1, width=9)
    assert str(error.value) == (
        "The 'width' of ConvTran must be a multiple of its 'head_channels'. Received: width=9 and head_channels=2. "
        "Pass width=8."
    )
