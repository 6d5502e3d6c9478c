"""What makes MatchboxNet what it is; the contract of every encoder is in test_encoders.py."""

import pytest
import torch
from torch import nn

from seqcnn.cost import count_parameters
from seqcnn.encoders import MatchboxNet, matchboxnet_3x1x64, matchboxnet_3x2x64


def parameters_of_matchboxnet(in_channels, repeats, width=64, depth=3):
    """Count by the paper's table 1: kernels over time, mixtures of channels, and a pair for each normalized channel."""

    def separable(inputs, outputs, size):
        return inputs * size + inputs * outputs + 2 * outputs

    total, channels = separable(in_channels, 2 * width, 11), 2 * width
    for position in range(depth):
        total += channels * width + 2 * width  # the shortcut
        for repeat in range(repeats):
            total += separable(width if repeat else channels, width, 13 + 2 * position)
        channels = width
    return total + separable(width, 2 * width, 29) + 2 * width * 2 * width + 4 * width


@pytest.mark.parametrize(
    ("build", "repeats", "papers_thousands"), [(matchboxnet_3x1x64, 1, 77), (matchboxnet_3x2x64, 2, 93)]
)
def test_the_networks_have_the_papers_number_of_parameters(build, repeats, papers_thousands):
    head = 128 * 30 + 30  # 30 words of Speech Commands v1, from 64 bands
    assert count_parameters(build(64)) == parameters_of_matchboxnet(64, repeats)
    assert round((count_parameters(build(64)) + head) / 1000) == papers_thousands
    assert count_parameters(build(40)) == parameters_of_matchboxnet(40, repeats)


@pytest.mark.parametrize("n_bands", [40, 64])
def test_the_default_with_a_head_for_twelve_words_stays_below_100_thousand(n_bands):
    assert count_parameters(MatchboxNet(n_bands)) + 128 * 12 + 12 < 100_000


@pytest.mark.parametrize(("depth", "repeats"), [(1, 1), (3, 2), (4, 3)])
def test_kernels_grow_by_two_from_block_to_block(depth, repeats):
    encoder = MatchboxNet(8, width=4, depth=depth, repeats=repeats)
    sizes = [module.kernel_size[0] for module in encoder.blocks.modules() if isinstance(module, nn.Conv1d)]
    assert [size for size in sizes if size > 1] == [13 + 2 * block for block in range(depth) for _ in range(repeats)]
    assert encoder.receptive_field == 11 + sum(repeats * (12 + 2 * block) for block in range(depth)) + 56


def test_a_block_is_rectified_behind_the_sum_and_not_before():
    encoder = MatchboxNet(8, width=4, repeats=2).eval()
    block = encoder.blocks[0]
    nn.init.zeros_(block.path[-1].normalization.weight)  # the path says nothing any more
    x = torch.randn(2, 8, 30)
    assert torch.allclose(block(x), block.shortcut(x).relu())
    assert (block.shortcut(x) < 0).any()


@pytest.mark.parametrize("parameter", ["depth", "repeats"])
@pytest.mark.parametrize(("value", "error"), [(0, ValueError), (1.5, TypeError)])
def test_sizes_that_make_no_network_are_refused(parameter, value, error):
    with pytest.raises(error) as raised:
        MatchboxNet(40, **{parameter: value})
    assert str(raised.value) == (
        f"The '{parameter}' parameter of MatchboxNet must be an integer of at least 1. Received: {value}. "
        f"Pass {parameter}=1 or more."
    )
