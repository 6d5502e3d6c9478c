"""What makes TC-ResNet what it is; the contract of every encoder is in test_encoders.py."""

import pytest
import torch
from torch import nn

from seqcnn.cost import count_parameters
from seqcnn.encoders import TCResNet, tc_resnet8, tc_resnet14


def weights_of_tc_resnet(in_channels, channels, depth):
    """Count by the paper's figure 2 the weights of the convolutions, and the channels that are normalized."""
    weights, normalized, inputs = 3 * in_channels * channels[0], channels[0], channels[0]
    for outputs in channels[1:]:
        for block in range(depth):
            weights += 9 * (outputs if block else inputs) * outputs + 9 * outputs * outputs
            normalized += 2 * outputs
            if block == 0:
                weights, normalized = weights + inputs * outputs, normalized + outputs
        inputs = outputs
    return weights, normalized


@pytest.mark.parametrize(
    ("build", "width", "depth", "papers_thousands"),
    [(tc_resnet8, 16, 1, 66), (tc_resnet8, 24, 1, 145), (tc_resnet14, 16, 2, 137), (tc_resnet14, 24, 2, 305)],
)
def test_the_networks_have_the_papers_number_of_parameters(build, width, depth, papers_thousands):
    channels = [width, width * 3 // 2, width * 2, width * 3]
    weights, normalized = weights_of_tc_resnet(40, channels, depth)
    assert count_parameters(build(40, width=width)) == weights + 2 * normalized
    # The paper counts running means and variances, too.
    head = 3 * width * 12
    assert round((weights + 4 * normalized + head) / 1000) == papers_thousands


def test_each_stage_halves_the_frames_and_widens_the_channels():
    encoder = tc_resnet14(40)
    assert [block.stride for block in encoder.blocks] == [2, 1, 2, 1, 2, 1]
    assert [block.second.convolution.out_channels for block in encoder.blocks] == [24, 24, 32, 32, 48, 48]
    assert encoder.eval()(torch.zeros(1, 40, 98)).shape == (1, 48, 13)


def test_only_a_shortcut_that_changes_something_is_learned():
    assert [block.shortcut is None for block in tc_resnet14(40).blocks] == [False, True] * 3


def test_a_block_without_a_path_is_its_rectified_shortcut():
    block = TCResNet(8, width=4).eval().blocks[0]
    nn.init.zeros_(block.second.normalization.weight)
    x = torch.randn(2, 4, 30)
    assert torch.allclose(block(x), block.shortcut(x))
    assert not (block.shortcut(x) < 0).any()  # it is rectified itself, as in the paper
