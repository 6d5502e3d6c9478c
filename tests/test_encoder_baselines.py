"""FCN, ResNet and InceptionTime's network: the numbers of the papers."""

import pytest

from seqcnn.encoders import ENCODERS


def convolution(in_channels, out_channels, kernel_size):
    """Count a kernel without bias and the normalization behind it."""
    return in_channels * out_channels * kernel_size + 2 * out_channels


def inception_parameters(in_channels):
    total, channels = 0, in_channels
    for module in range(6):
        squeezed = 1 if channels == 1 else 32
        bottleneck = 0 if channels == 1 else channels * 32
        total += bottleneck + squeezed * 32 * (40 + 20 + 10) + channels * 32 + 2 * 128
        if module % 3 == 2:
            total += convolution(in_channels if module == 2 else 128, 128, 1)
        channels = 128
    return total


PARAMETER_COUNTS = {
    "fcn": lambda c: convolution(c, 128, 8) + convolution(128, 256, 5) + convolution(256, 128, 3),
    "resnet": lambda c: sum(
        convolution(a, b, 8) + convolution(b, b, 5) + convolution(b, b, 3) + (2 * b if a == b else convolution(a, b, 1))
        for a, b in ((c, 64), (64, 128), (128, 128))
    ),
    "inception": inception_parameters,
}


@pytest.mark.parametrize("name", PARAMETER_COUNTS)
@pytest.mark.parametrize("in_channels", [1, 3])
def test_full_size_networks_have_the_papers_number_of_parameters(name, in_channels):
    encoder = ENCODERS[name].build(in_channels)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == PARAMETER_COUNTS[name](in_channels)
