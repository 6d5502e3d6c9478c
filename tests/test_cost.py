"""What is counted equals what the layers' shapes say, by hand, whatever way they are computed."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seqcnn.cost import count_multiply_accumulates, count_parameters
from seqcnn.encoders import ENCODERS, FCN, ResNet, m5, zhang_small
from seqcnn.layers import Conv1d


class DenseOverTime(nn.Module):
    """Mix the channels of each step by a dense layer."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.in_channels = in_channels
        self.dense = nn.Linear(in_channels, out_channels)

    def forward(self, x):
        return self.dense(x.transpose(1, 2)).transpose(1, 2)


class FusedAttention(nn.Module):
    """One head of torch's fused attention, with values of their own width."""

    def __init__(self, width, value_width):
        super().__init__()
        self.in_channels, self.widths = width, [width, width, value_width]
        self.project = nn.Linear(width, sum(self.widths))

    def forward(self, x):
        query, key, value = self.project(x.transpose(1, 2))[:, None].split(self.widths, -1)
        return F.scaled_dot_product_attention(query, key, value)


class Transformer(nn.Module):
    """A layer of torch's own, which has a fused kernel in evaluation mode."""

    def __init__(self, width, n_hidden):
        super().__init__()
        self.in_channels = width
        self.layer = nn.TransformerEncoderLayer(width, 2, n_hidden, batch_first=True)

    def forward(self, x):
        return self.layer(x.transpose(1, 2)).transpose(1, 2)


class ComputedKernels(nn.Module):
    """Convolves with kernels that are no layer's weight."""

    in_channels = 2

    def __init__(self):
        super().__init__()
        self.frequency = nn.Parameter(torch.rand(6, 2, 1))

    def forward(self, x):
        return F.conv1d(x, torch.sin(self.frequency * torch.arange(5)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # they run in other memory layouts
@pytest.mark.parametrize("padding", ["same", "causal"])
@pytest.mark.parametrize("kernel_size", [1, 2, 7, 8])  # an even kernel gets a tap of zeros
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("dilation", [1, 4])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_convolution_counts_its_taps_at_each_output_step(dtype, padding, kernel_size, stride, dilation, groups):
    layer = Conv1d(4, 8, kernel_size, stride, padding, dilation, groups).to(dtype)
    for n_timepoints in (1, 20):
        n_outputs = -(-n_timepoints // stride)
        expected = n_outputs * 8 * (4 // groups) * kernel_size
        assert count_multiply_accumulates(layer, n_timepoints) == expected


def test_torchs_own_convolution_counts_the_same():
    assert count_multiply_accumulates(nn.Conv1d(3, 5, 4, stride=2), 20) == 9 * 5 * 3 * 4


def test_a_dense_layer_counts_its_weights_at_each_step():
    assert count_multiply_accumulates(DenseOverTime(6, 10), 7) == 7 * 6 * 10


def test_attention_counts_its_two_products():
    projections, scores, means = 9 * 8 * (8 + 8 + 4), 9 * 9 * 8, 9 * 9 * 4
    assert count_multiply_accumulates(FusedAttention(8, 4), 9) == projections + scores + means


def test_torchs_transformer_counts_the_same_as_its_parts():
    projections, products, hidden = 9 * 4 * 8 * 8, 2 * 9 * 9 * 8, 2 * 9 * 8 * 16
    assert count_multiply_accumulates(Transformer(8, 16), 9) == projections + products + hidden


def test_kernels_that_are_computed_count_like_any_others():
    assert count_multiply_accumulates(ComputedKernels(), 12) == 8 * 6 * 2 * 5


def resnet_macs(in_channels, n_timepoints):
    total = 0
    for before, width in ((in_channels, 64), (64, 128), (128, 128)):
        total += before * width * 8 + width * width * 5 + width * width * 3
        total += 0 if before == width else before * width
    return total * n_timepoints


def zhang_macs(in_channels, n_timepoints):
    # Pooling by 3 stands behind the first, second and last convolution.
    lengths = [-(-n_timepoints // pooled) for pooled in (1, 3, 9)]
    return 256 * (lengths[0] * in_channels * 7 + lengths[1] * 256 * 7 + 4 * lengths[2] * 256 * 3)


def m5_macs(in_channels, n_timepoints):
    total, channels = -(-n_timepoints // 4) * in_channels * 128 * 80, 128
    for stage, width in enumerate((128, 256, 512)):
        total += -(-n_timepoints // 4 ** (stage + 2)) * channels * width * 3
        channels = width
    return total


@pytest.mark.parametrize(
    ("build", "by_hand"),
    [
        (FCN, lambda c, n: n * (c * 128 * 8 + 128 * 256 * 5 + 256 * 128 * 3)),
        (ResNet, resnet_macs),
        (zhang_small, zhang_macs),
        (m5, m5_macs),
    ],
)
@pytest.mark.parametrize("in_channels", [1, 3])
def test_whole_encoders_count_what_their_tables_of_layers_say(build, by_hand, in_channels):
    for n_timepoints in (1024, 1500):
        assert count_multiply_accumulates(build(in_channels), n_timepoints) == by_hand(in_channels, n_timepoints)


def test_counting_leaves_the_encoder_and_torch_as_they_were():
    encoder = FCN(1, width=4)
    encoder.blocks[1].eval()
    modes = [module.training for module in encoder.modules()]
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    count_multiply_accumulates(encoder, 32)
    assert [module.training for module in encoder.modules()] == modes
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in encoder.modules())
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert torch.backends.mha.get_fastpath_enabled()


def test_parameters_count_once_and_buffers_do_not():
    layer = nn.Linear(3, 4)
    assert count_parameters(nn.Sequential(layer, layer, nn.BatchNorm1d(5))) == 3 * 4 + 4 + 2 * 5
    assert count_parameters(ENCODERS["m5"].build(1)) == 552_960


@pytest.mark.parametrize("n_timepoints", [0, -1])
def test_a_record_without_steps_is_refused(n_timepoints):
    with pytest.raises(ValueError) as error:
        count_multiply_accumulates(FCN(1, width=4), n_timepoints)
    assert str(error.value) == (
        "The 'n_timepoints' parameter of count_multiply_accumulates must be an integer of at least 1. "
        f"Received: {n_timepoints}. Pass n_timepoints=1 or more."
    )


def test_a_record_shorter_than_the_stride_is_refused_by_the_encoder():
    with pytest.raises(ValueError) as error:
        count_multiply_accumulates(m5(1, width=4), 1000)
    assert str(error.value) == (
        "WaveformCNN needs records of at least 1024 time steps, its stride. Received: 1000. "
        "Pass longer records or take an encoder of a smaller stride."
    )
