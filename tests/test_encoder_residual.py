"""He et al.'s residual networks against the paper's table and plain torch."""

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error
from torch import nn

from seqcnn.encoders.residual import ResidualNetwork, resnet18, resnet34, resnet50
from seqcnn.layers import ConvBlock

# The paper's table 1: blocks of each stage, and the (kernel size, channels) of a block's convolutions in the first.
PAPER = {
    resnet18: ((2, 2, 2, 2), [(3, 64), (3, 64)]),
    resnet34: ((3, 4, 6, 3), [(3, 64), (3, 64)]),
    resnet50: ((3, 4, 6, 3), [(1, 64), (3, 64), (1, 256)]),
}
# Parameters of the networks for images and 1000 classes, in millions, as torchvision's documentation has them.
PUBLISHED_MILLIONS = {resnet18: 11.69, resnet34: 21.80, resnet50: 25.56}

every_network = pytest.mark.parametrize("build", PAPER, ids=lambda build: build.__name__)


def blocks(build):
    """Yield each block's convolutions as (kernel size, channels out), and its stride."""
    depths, convolutions = PAPER[build]
    for stage, depth in enumerate(depths):
        for position in range(depth):
            yield [(size, 2**stage * channels) for size, channels in convolutions], 1 + (stage > 0 and position == 0)


def count(build, in_channels, n_axes):
    """Count kernels and the two numbers a channel of the normalization behind each."""
    total, channels = 7**n_axes * in_channels * 64 + 2 * 64, 64
    for convolutions, stride in blocks(build):
        block_channels = channels
        for size, out_channels in convolutions:
            total += size**n_axes * channels * out_channels + 2 * out_channels
            channels = out_channels
        if stride > 1 or block_channels != channels:
            total += block_channels * channels + 2 * channels
    return total, channels


@every_network
def test_the_table_is_the_papers(build):
    convolutions, channels = count(build, in_channels=3, n_axes=2)
    assert round((convolutions + (channels + 1) * 1000) / 1e6, 2) == PUBLISHED_MILLIONS[build]
    n_layers = 1 + sum(len(convolutions) for convolutions, _ in blocks(build)) + 1  # the first and the dense one
    assert n_layers == int(build.__name__.removeprefix("resnet"))


@every_network
@pytest.mark.parametrize("in_channels", [1, 3])
def test_residual_networks_have_the_papers_number_of_parameters(build, in_channels):
    network = build(in_channels)
    expected, channels = count(build, in_channels, n_axes=1)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert network.out_channels == channels


def normalized_convolution(x, weight, stride=1):
    x = F.conv1d(x, weight, None, stride, weight.shape[2] // 2)
    return F.batch_norm(x, None, None, training=True)


@every_network
@pytest.mark.parametrize("n_timepoints", [32, 77])
def test_residual_networks_compute_what_the_paper_writes(build, n_timepoints):
    network = build(2, width=4).double().train()
    x = torch.randn(3, 2, n_timepoints, dtype=torch.float64)
    weights = (parameter for parameter in network.parameters() if parameter.ndim == 3)
    y = F.max_pool1d(F.relu(normalized_convolution(x, next(weights), 2)), 3, 2, 1)
    for convolutions, stride in blocks(build):
        path, last = y, len(convolutions) - 1
        strided = 1 if last == 2 else 0  # a bottleneck's middle one
        for position in range(len(convolutions)):
            path = normalized_convolution(path, next(weights), stride if position == strided else 1)
            path = F.relu(path) if position < last else path
        same_shape = path.shape == y.shape
        y = F.relu(path + (y if same_shape else normalized_convolution(y, next(weights), stride)))
    assert next(weights, None) is None
    assert relative_error(network(x), y) < 1e-9


@every_network
def test_shortcuts_are_the_identity_where_the_shape_stays(build):
    network = build(1, width=4)
    changes = [block.shortcut is not None for block in network.blocks]
    depths, convolutions = PAPER[build]
    first_of_stage = [position == 0 for depth in depths for position in range(depth)]
    first_of_stage[0] = len(convolutions) == 3  # the first stage keeps time, and a bottleneck alone widens it
    assert changes == first_of_stage


def test_a_block_whose_path_gives_nothing_hands_on_what_it_got():
    block = resnet18(1, width=4).blocks[0]
    assert isinstance(block.path[-1], ConvBlock)
    nn.init.zeros_(block.path[-1].normalization.weight)
    x = torch.rand(2, 4, 9)
    assert torch.equal(block(x), x)


def test_a_strided_bottleneck_reads_every_step():
    block = resnet50(1, width=4).eval().blocks[3]
    assert block.stride == 2
    x = torch.randn(8, 16, 12, requires_grad=True)
    block(x).sum().backward()
    assert (x.grad != 0).any(0).any(0).all()


def test_all_layers_scale_with_the_width():
    for bottleneck, multiple in ((False, 1), (True, 4)):
        network = ResidualNetwork(1, width=6, stage_depths=(1, 1, 1, 1), bottleneck=bottleneck)
        assert [block.out_channels for block in network.blocks] == [6 * multiple * 2**stage for stage in range(4)]
