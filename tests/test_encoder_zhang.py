"""What makes Zhang et al.'s networks what they are; the contract of every encoder is in test_encoders.py."""

import pytest
import torch

from seqcnn.encoders.zhang import zhang_large, zhang_small

# Table 1 of the paper: kernel and pooling of each layer; its features are 256 (small) and 1024 (large).
KERNELS, POOLS = (7, 7, 3, 3, 3, 3), (3, 3, 1, 1, 1, 3)


@pytest.mark.parametrize(("build", "width"), [(zhang_small, 256), (zhang_large, 1024)])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_full_size_networks_have_the_papers_number_of_parameters(build, width, in_channels):
    inputs = (in_channels, *[width] * 5)
    weights = sum(channels * width * kernel for channels, kernel in zip(inputs, KERNELS, strict=True))
    normalizations = 2 * width * len(KERNELS)
    assert sum(parameter.numel() for parameter in build(in_channels).parameters()) == weights + normalizations


@pytest.mark.parametrize("build", [zhang_small, zhang_large])
def test_1014_characters_give_the_38_steps_before_the_papers_dense_layers_but_for_its_lost_edges(build):
    unpadded = 1014
    for kernel, pool in zip(KERNELS, POOLS, strict=True):
        unpadded = (unpadded - kernel + 1) // pool
    encoder = build(2, width=4)
    n_steps = encoder(torch.zeros(1, 2, 1014)).shape[2]
    assert unpadded == 34  # as in the paper, (1014 - 96) / 27
    assert n_steps == -(-1014 // 27) == unpadded + 4


def test_the_large_network_is_the_small_one_made_wider():
    small, large = zhang_small(2, width=4), zhang_large(2, width=4)
    assert repr(small) == repr(large)
    assert small.pooling == large.pooling == "max"
    assert zhang_large(2, width=8).out_channels == 8
