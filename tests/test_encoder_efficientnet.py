"""EfficientNet: compound scaling as the authors do it, and sizes by the paper's table."""

import math

import pytest
from torch import nn

from seqcnn.encoders import efficientnet
from seqcnn.encoders.efficientnet import efficientnet_b0

BUILDERS = [getattr(efficientnet, f"efficientnet_b{size}") for size in range(8)]
every_size = pytest.mark.parametrize("size", range(8))

# (expansion, kernel, stride, channels, layers): table 1 of the paper, stages 2 to 8.
B0_TABLE = [
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
]

# Width coefficient, depth coefficient, dropout of B0 to B7 in the authors' code, and the parameters that torchvision
# states for three colours, two axes and 1000 classes.
SIZES = [
    (1.0, 1.0, 0.2, 5_288_548),
    (1.0, 1.1, 0.2, 7_794_184),
    (1.1, 1.2, 0.3, 9_109_994),
    (1.2, 1.4, 0.3, 12_233_232),
    (1.4, 1.8, 0.4, 19_341_616),
    (1.6, 2.2, 0.4, 30_389_784),
    (1.8, 2.6, 0.5, 43_040_704),
    (2.0, 3.1, 0.5, 66_347_960),
]


def wider(channels, coefficient):
    """Find the multiple of 8 next to the product, and the one above where that is below 90 % of it."""
    product = channels * coefficient
    below = int(product // 8 * 8)
    nearest = below if product - below < 4 else below + 8
    return nearest if nearest >= 0.9 * product else nearest + 8


def scaled_table(width_coefficient, depth_coefficient):
    """Return stem, one row a block, (expansion, kernel, stride, channels), and last channels, for this size."""
    rows = []
    for expansion, kernel, stride, channels, layers in B0_TABLE:
        scaled = wider(channels, width_coefficient)
        rows.append((expansion, kernel, stride, scaled))
        rows += [(expansion, kernel, 1, scaled)] * (math.ceil(layers * depth_coefficient) - 1)
    return wider(32, width_coefficient), rows, wider(1280, width_coefficient)


def convolution(in_channels, out_channels, taps, groups=1):
    """Count a kernel without bias and the normalization behind it."""
    return in_channels // groups * out_channels * taps + 2 * out_channels


def dense(n_inputs, n_outputs):
    return (n_inputs + 1) * n_outputs


def n_parameters(size, in_channels, n_axes):
    """Count all layers but the dense one, for kernels over this many axes."""
    channels, rows, last = scaled_table(*SIZES[size][:2])
    total = convolution(in_channels, channels, 3**n_axes)
    for expansion, kernel, _, out_channels in rows:
        expanded, squeezed = expansion * channels, channels // 4
        total += convolution(channels, expanded, 1) if expansion > 1 else 0
        total += convolution(expanded, expanded, kernel**n_axes, groups=expanded)
        total += dense(expanded, squeezed) + dense(squeezed, expanded)
        total += convolution(expanded, out_channels, 1)
        channels = out_channels
    return total + convolution(channels, last, 1)


@every_size
def test_the_formula_gives_the_published_size_of_the_network_for_images(size):
    last = scaled_table(*SIZES[size][:2])[2]
    assert n_parameters(size, 3, n_axes=2) + dense(last, 1000) == SIZES[size][3]


@every_size
def test_the_network_has_the_papers_parameters_with_kernels_over_one_axis(size):
    for in_channels in (1, 3):
        made = BUILDERS[size](in_channels)
        assert sum(parameter.numel() for parameter in made.parameters()) == n_parameters(size, in_channels, n_axes=1)


@every_size
def test_compound_scaling_gives_every_block_the_channels_and_strides_of_the_reference(size):
    width_coefficient, depth_coefficient, dropout, _ = SIZES[size]
    stem, rows, last = scaled_table(width_coefficient, depth_coefficient)
    made = BUILDERS[size](1)
    assert made.dropout == dropout
    assert (made.stem.convolution.out_channels, made.out_channels) == (stem, last)
    channels = stem
    for block, (expansion, kernel, stride, out_channels) in zip(made.blocks, rows, strict=True):
        filter_ = block.depthwise.convolution
        assert filter_.out_channels == filter_.groups == expansion * channels
        assert (filter_.kernel_size, filter_.stride) == ((kernel,), (stride,))
        assert block.projection.convolution.out_channels == out_channels
        assert block.gate.squeeze.out_features == channels // 4
        assert isinstance(block.gate.gate, nn.Sigmoid)
        assert isinstance(block.gate.activation, nn.SiLU)
        channels = out_channels


@every_size
def test_stochastic_depth_rises_from_zero_by_equal_steps_towards_the_papers_fifth(size):
    blocks = BUILDERS[size](1, width=4).blocks
    for position, block in enumerate(blocks):
        has_shortcut = (
            block.stride == 1
            and block.projection.convolution.out_channels
            == (block.expansion or block.depthwise).convolution.in_channels
        )
        assert (block.stochastic_depth is not None) == has_shortcut
        if has_shortcut:
            assert block.stochastic_depth.rate == pytest.approx(0.2 * position / len(blocks))


def test_stochastic_depth_can_be_turned_off():
    blocks = efficientnet_b0(1, width=4, stochastic_depth=0.0).blocks
    assert {block.stochastic_depth.rate for block in blocks if block.stochastic_depth is not None} == {0.0}


@every_size
def test_half_the_width_is_half_the_channels_rounded_alike(size):
    coefficient = SIZES[size][0]
    made = BUILDERS[size](1, width=16)
    assert made.stem.convolution.out_channels == wider(16, coefficient)
    assert made.out_channels == wider(640, coefficient)
