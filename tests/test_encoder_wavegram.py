"""What makes the Wavegram network what it is; the contract of every encoder is in test_encoders.py."""

import pytest
import torch
from torch import nn

from seqcnn.encoders.wavegram import Wavegram

# The paper's stem: (channels in, channels out) of each dilated block behind a convolution of 11 samples to 64 channels.
STEM = ((64, 64), (64, 128), (128, 128))
# Ours behind it.
NETWORK = ((128, 128), (128, 256), (256, 512))


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_full_size_network_has_the_number_of_parameters_of_the_papers_stem_and_three_blocks(in_channels):
    expected = in_channels * 64 * 11 + 2 * 64
    for channels, width in STEM + NETWORK:
        expected += (channels + width) * width * 3 + 2 * (2 * width)
    assert sum(parameter.numel() for parameter in Wavegram(in_channels).parameters()) == expected


def test_the_stem_gives_the_papers_hundred_steps_a_second_at_32_khz():
    encoder, x = Wavegram(1, width=4).eval(), torch.zeros(1, 1, 32000)
    x = encoder.first(x)
    for block in encoder.blocks[: len(STEM)]:
        x = block(x)
    assert x.shape == (1, 8, 100)


def test_only_the_stem_is_dilated_and_there_each_second_convolution():
    modules = Wavegram(1, width=4).modules()
    dilations = [module.dilation[0] for module in modules if isinstance(module, nn.Conv1d)]
    assert dilations == [1, *[1, 2] * len(STEM), *[1, 1] * len(NETWORK)]
