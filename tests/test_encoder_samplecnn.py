"""What makes SampleCNN what it is; the contract of every encoder is in test_encoders.py."""

import pytest
import torch
from torch import nn

from seqcnn.encoders.samplecnn import SampleCNN, samplecnn_3_9

# Table 2 of the paper, its network of nine pools: channels and kernel of each convolution.
LAYERS = [(128, 3)] * 3 + [(256, 3)] * 6 + [(512, 3), (512, 1)]


def papers_parameters(layers, in_channels):
    total, channels = 0, in_channels
    for width, kernel in layers:
        total += channels * width * kernel + 2 * width
        channels = width
    return total


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_full_size_network_has_the_papers_number_of_parameters(in_channels):
    encoder = samplecnn_3_9(in_channels)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == papers_parameters(LAYERS, in_channels)


@pytest.mark.parametrize("in_channels", [1, 3])
@pytest.mark.parametrize("depth", [3, 6, 8])
def test_fewer_pools_have_fewer_of_the_middle_layers(depth, in_channels):
    layers = LAYERS[:3] + LAYERS[3 : 3 + depth - 3] + LAYERS[-2:]
    encoder = SampleCNN(in_channels, depth=depth)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == papers_parameters(layers, in_channels)


def test_the_papers_segment_gives_one_output():
    assert samplecnn_3_9(1, width=4).eval()(torch.zeros(1, 1, 59049)).shape == (1, 16, 1)


@pytest.mark.parametrize("depth", [3, 6])
def test_every_pool_makes_an_output_stand_for_three_times_as_many_samples(depth):
    encoder = SampleCNN(1, width=4, depth=depth)
    assert encoder.stride == 3 ** (depth + 1)
    # One step more on either side for each kernel of three, at the rate that it reads.
    assert encoder.receptive_field == encoder.stride + sum(2 * 3**rate for rate in range(1, depth + 1))


def test_no_kernel_spans_more_than_three_steps():
    kernels = {module.kernel_size[0] for module in SampleCNN(1, width=4).modules() if isinstance(module, nn.Conv1d)}
    assert kernels == {1, 3}


@pytest.mark.parametrize(("depth", "error"), [(2, ValueError), (0, ValueError), (6.0, TypeError), (True, TypeError)])
def test_a_depth_without_room_for_the_layers_is_refused_with_the_reason(depth, error):
    with pytest.raises(error) as caught:
        SampleCNN(1, depth=depth)
    assert str(caught.value) == (
        f"The 'depth' parameter of SampleCNN must be an integer of at least 3. Received: {depth}. Pass depth=3 or more."
    )
