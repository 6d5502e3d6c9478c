"""What makes Dai et al.'s networks what they are; the contract of every encoder is in test_encoders.py."""

import pytest
import torch
from torch import nn

from seqcnn.encoders.waveform import m3, m5, m11, m18
from seqcnn.encoders.waveform_residual import RepeatedShortcutBlock, m34_res

# Table 1 of the paper: channels of the first convolution (80 samples, stride 4), channels and number of the
# convolutions of each stage (3 steps; a residual block has two), weight layers, and millions of parameters.
TABLE = {
    m3: (256, (256,), (1,), 3, 0.2),
    m5: (128, (128, 256, 512), (1, 1, 1), 5, 0.5),
    m11: (64, (64, 128, 256, 512), (2, 2, 3, 2), 11, 1.8),
    m18: (64, (64, 128, 256, 512), (4, 4, 4, 4), 18, 3.7),
    m34_res: (48, (48, 96, 192, 384), (2 * 3, 2 * 4, 2 * 6, 2 * 3), 34, 4.0),
}
every_network = pytest.mark.parametrize("build", TABLE)


def papers_parameters(build, in_channels):
    first, widths, depths, _, _ = TABLE[build]
    total, channels = in_channels * first * 80 + 2 * first, first
    for width, depth in zip(widths, depths, strict=True):
        for _ in range(depth):
            total += channels * width * 3 + 2 * width
            channels = width
    return total


@every_network
@pytest.mark.parametrize("in_channels", [1, 3])
def test_full_size_networks_have_the_papers_number_of_parameters(build, in_channels):
    n_parameters = sum(parameter.numel() for parameter in build(in_channels).parameters())
    assert n_parameters == papers_parameters(build, in_channels)
    if in_channels == 1:  # the paper's one digit is sometimes cut and sometimes rounded
        assert abs(n_parameters / 1e6 - TABLE[build][-1]) < 0.06


@every_network
def test_the_name_counts_the_layers_with_weights_and_the_head_is_one_of_them(build):
    n_convolutions = sum(isinstance(module, nn.Conv1d) for module in build(1, width=4).modules())
    assert n_convolutions + 1 == TABLE[build][3]


@every_network
def test_channels_follow_the_table_at_every_width(build):
    first, widths, _, _, _ = TABLE[build]
    for width in (1, 4, first):
        assert build(1, width=width).out_channels == width * widths[-1] // first


@every_network
def test_four_seconds_at_8_khz_give_the_papers_time_steps(build):
    encoder = build(1, width=4).eval()
    n_stages, pools_last = len(TABLE[build][1]), build in (m3, m5)
    assert encoder.stride == 4 * 4 ** (n_stages + pools_last)
    assert encoder(torch.zeros(1, 1, 32000)).shape[2] == -(-32000 // encoder.stride)


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_shortcut_without_weights_gives_each_channel_as_often_as_the_channels_grow(repeats):
    block = RepeatedShortcutBlock(3, repeats=repeats).eval()
    nn.init.zeros_(block.second.normalization.weight)  # the path says nothing any more
    x = torch.randn(2, 3, 9)
    output = block(x)
    assert output.shape == (2, 3 * repeats, 9)
    for channel in range(3):
        for copy in range(repeats):
            assert torch.equal(output[:, channel * repeats + copy], x[:, channel].relu())


def test_a_shortcut_keeps_the_channels_innermost_in_memory():
    x = torch.randn(2, 9, 3).transpose(1, 2)
    assert RepeatedShortcutBlock(3, repeats=2)(x).stride(1) == 1
