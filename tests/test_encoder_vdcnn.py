"""What makes the VDCNN what it is; the contract of every encoder is in test_encoders.py."""

import pytest
import torch
from torch import nn

from seqcnn.encoders.vdcnn import ConvolutionalBlock, vdcnn9, vdcnn17, vdcnn29, vdcnn49

# Table 2 of the paper: convolutions of 64, 128, 256 and 512 channels, two a block, behind the first of 64.
CONVOLUTIONS = {vdcnn9: (2, 2, 2, 2), vdcnn17: (4, 4, 4, 4), vdcnn29: (10, 10, 4, 4), vdcnn49: (16, 16, 10, 6)}
WIDTHS = (64, 128, 256, 512)
every_depth = pytest.mark.parametrize("build", CONVOLUTIONS)


def papers_parameters(build, in_channels, shortcut):
    total, channels = in_channels * 64 * 3 + 64, 64  # the first convolution has a bias and no normalization
    for width, n_convolutions in zip(WIDTHS, CONVOLUTIONS[build], strict=True):
        if shortcut and channels != width:
            total += channels * width + 2 * width
        for _ in range(n_convolutions):
            total += channels * width * 3 + 2 * width
            channels = width
    return total


@every_depth
@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("shortcut", [False, True])
def test_full_size_networks_have_the_papers_number_of_parameters(build, in_channels, shortcut):
    encoder = build(in_channels, shortcut=shortcut)
    expected = papers_parameters(build, in_channels, shortcut)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected


@every_depth
def test_the_name_counts_the_convolutions_of_three_steps(build):
    modules = build(2, width=4).modules()
    kernels = [module.kernel_size[0] for module in modules if isinstance(module, nn.Conv1d)]
    assert f"vdcnn{kernels.count(3)}" == build.__name__


@every_depth
def test_three_halvings_stand_between_four_stages_that_double_the_channels(build):
    encoder = build(2, width=4)
    assert (encoder.stride, encoder.out_channels, encoder.pooling) == (2**3, 4 * 2**3, "max")
    assert encoder(torch.zeros(1, 2, 1014)).shape == (1, 32, -(-1014 // 8))


def test_only_the_deepest_network_has_shortcuts_unless_they_are_asked_for():
    for build in CONVOLUTIONS:
        blocks = [module for module in build(1, width=4).modules() if isinstance(module, ConvolutionalBlock)]
        assert {block.has_shortcut for block in blocks} == {build is vdcnn49}


@pytest.mark.parametrize("out_channels", [3, 6])
def test_a_shortcut_adds_the_blocks_input_and_projects_it_only_where_the_channels_change(out_channels):
    block = ConvolutionalBlock(3, out_channels, shortcut=True).eval()
    nn.init.zeros_(block.second.normalization.weight)  # the path says nothing any more
    x = torch.randn(2, 3, 9)
    assert (block.projection is None) == (out_channels == 3)
    shortcut = x if block.projection is None else block.projection(x)
    assert torch.equal(block(x), shortcut.relu())
    plain = ConvolutionalBlock(3, out_channels, shortcut=False).eval()
    nn.init.zeros_(plain.second.normalization.weight)
    assert not plain(x).any()
