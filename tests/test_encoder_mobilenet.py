"""MobileNetV2 and V3: their sizes by the papers' tables, and the block that they are built of."""

import math

import pytest
import torch
from core_helpers import padded, relative_error
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from seqcnn.encoders.mobilenet_v2 import mobilenet_v2
from seqcnn.encoders.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from seqcnn.layers import SqueezeExcitation
from seqcnn.layers.inverted_residual import InvertedResidual, round_channels, scale_channels

# (expansion t, channels c, repeats n, stride s): table 2 of MobileNetV2.
V2_TABLE = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]

# "kernel expansion channels, SE, nonlinearity, stride": tables 1 and 2 of MobileNetV3, as they are printed there.
LARGE_TABLE = """
    3  16  16 -  RE 1 | 3  64  24 -  RE 2 | 3  72  24 -  RE 1 | 5  72  40 SE RE 2 | 5 120  40 SE RE 1
    5 120  40 SE RE 1 | 3 240  80 -  HS 2 | 3 200  80 -  HS 1 | 3 184  80 -  HS 1 | 3 184  80 -  HS 1
    3 480 112 SE HS 1 | 3 672 112 SE HS 1 | 5 672 160 SE HS 2 | 5 960 160 SE HS 1 | 5 960 160 SE HS 1
"""
SMALL_TABLE = """
    3  16  16 SE RE 2 | 3  72  24 -  RE 2 | 3  88  24 -  RE 1 | 5  96  40 SE HS 2 | 5 240  40 SE HS 1
    5 240  40 SE HS 1 | 5 120  48 SE HS 1 | 5 144  48 SE HS 1 | 5 288  96 SE HS 2 | 5 576  96 SE HS 1
    5 576  96 SE HS 1
"""
V3 = {
    "small": (mobilenet_v3_small, SMALL_TABLE, 576, 1024),
    "large": (mobilenet_v3_large, LARGE_TABLE, 960, 1280),
}


def rows_of(table):
    cells = [row.split() for line in table.strip().splitlines() for row in line.split("|")]
    return [(int(k), int(e), int(c), gated == "SE", act, int(s)) for k, e, c, gated, act, s in cells]


def convolution(in_channels, out_channels, taps, groups=1):
    """Count a kernel without bias and the normalization behind it."""
    return in_channels // groups * out_channels * taps + 2 * out_channels


def dense(n_inputs, n_outputs):
    return (n_inputs + 1) * n_outputs


def block(in_channels, expanded, out_channels, taps, squeezed=None):
    total = convolution(in_channels, expanded, 1) if expanded != in_channels else 0
    total += convolution(expanded, expanded, taps, groups=expanded)
    total += dense(expanded, squeezed) + dense(squeezed, expanded) if squeezed else 0
    return total + convolution(expanded, out_channels, 1)


def v2_parameters(in_channels, n_axes):
    """Count all layers of the paper's table 2 but the dense one, for kernels over this many axes."""
    total, channels = convolution(in_channels, 32, 3**n_axes), 32
    for expansion, out_channels, repeats, _ in V2_TABLE:
        for _ in range(repeats):
            total += block(channels, expansion * channels, out_channels, 3**n_axes)
            channels = out_channels
    return total + convolution(channels, 1280, 1)


def v3_parameters(table, last, in_channels, n_axes):
    total, channels = convolution(in_channels, 16, 3**n_axes), 16
    for kernel, expanded, out_channels, gated, _, _ in rows_of(table):
        # A quarter of the expansion, to the nearest multiple of 8.
        squeezed = 8 * math.floor(expanded / 4 / 8 + 0.5) if gated else None
        if gated and squeezed < 0.9 * expanded / 4:
            squeezed += 8
        total += block(channels, expanded, out_channels, kernel**n_axes, squeezed)
        channels = out_channels
    return total + convolution(channels, last, 1)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_formulas_give_the_published_sizes_of_the_networks_for_images():
    # As torchvision states them: three colours, two axes, dense layers to 1000 classes.
    assert v2_parameters(3, n_axes=2) + dense(1280, 1000) == 3_504_872
    published = {"small": 2_542_856, "large": 5_483_032}
    for size, (_, table, last, hidden) in V3.items():
        assert v3_parameters(table, last, 3, n_axes=2) + dense(last, hidden) + dense(hidden, 1000) == published[size]


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_networks_have_the_papers_parameters_with_kernels_over_one_axis(in_channels):
    assert count(mobilenet_v2(in_channels)) == v2_parameters(in_channels, n_axes=1)
    for build, table, last, _ in V3.values():
        assert count(build(in_channels)) == v3_parameters(table, last, in_channels, n_axes=1)


def test_every_block_of_v2_has_the_stride_and_the_channels_of_the_papers_table():
    expected, channels = [], 32
    for expansion, out_channels, repeats, stride in V2_TABLE:
        for position in range(repeats):
            expected.append((channels, expansion * channels, out_channels, stride if position == 0 else 1))
            channels = out_channels
    assert [shape_of(block) for block in mobilenet_v2(1).blocks] == expected


@pytest.mark.parametrize("size", V3)
def test_every_block_of_v3_is_the_papers(size):
    build, table, _, _ = V3[size]
    channels = 16
    rows = rows_of(table)
    for made, (kernel, expanded, out_channels, gated, activation, stride) in zip(build(1).blocks, rows, strict=True):
        assert shape_of(made) == (channels, expanded, out_channels, stride)
        assert made.depthwise.convolution.kernel_size == (kernel,)
        assert isinstance(made.depthwise.activation, {"RE": nn.ReLU, "HS": nn.Hardswish}[activation])
        assert (made.gate is not None) == gated
        if gated:
            assert isinstance(made.gate.gate, nn.Hardsigmoid)
            assert isinstance(made.gate.activation, nn.ReLU)
        channels = out_channels


def shape_of(made):
    entry = made.depthwise if made.expansion is None else made.expansion
    return (
        entry.convolution.in_channels,
        made.depthwise.convolution.out_channels,
        made.projection.convolution.out_channels,
        made.stride,
    )


def lively_block(in_channels, out_channels, **options):
    torch.manual_seed(0)
    made = InvertedResidual(in_channels, 6 * in_channels, out_channels, 3, **options)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.bias)
    return made.double()


def test_a_block_without_its_last_layer_is_its_shortcut_where_both_ends_have_one_shape():
    x = torch.randn(2, 4, 9, dtype=torch.float64)
    for out_channels, stride in ((4, 1), (4, 2), (8, 1)):
        made = lively_block(4, out_channels, stride=stride).eval()
        nn.init.zeros_(made.projection.normalization.weight)
        nn.init.zeros_(made.projection.normalization.bias)
        expected = x if (out_channels, stride) == (4, 1) else torch.zeros(2, out_channels, -(-9 // stride))
        assert torch.equal(made(x), expected.double())


def test_the_narrow_end_of_a_block_is_linear():
    made, x = lively_block(4, 8).eval(), torch.randn(2, 4, 50, dtype=torch.float64)
    nn.init.zeros_(made.projection.normalization.bias)
    before = made(x)
    with torch.no_grad():
        made.projection.convolution.weight *= -2
    assert relative_error(made(x), -2 * before) < 1e-12


def test_the_filter_over_time_mixes_no_channels():
    made = lively_block(4, 8)
    assert made.depthwise.convolution.groups == made.depthwise.convolution.out_channels


def test_the_gate_weighs_the_expanded_channels_by_the_whole_real_record():
    made = lively_block(4, 8, gate=SqueezeExcitation(24, 2)).eval()
    records = [torch.randn(4, n, dtype=torch.float64) for n in (3, 9)]
    batch, lengths = padded(records, 12)
    mask = (torch.arange(12) < lengths[:, None])[:, None]
    seen = []
    made.gate.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    together = made(batch, mask)
    for row, record in zip(together, records, strict=True):
        assert relative_error(row[:, : record.shape[1]], made(record[None])[0]) < 1e-12
    entered, left = seen[0]
    assert entered.shape[1] == 24
    factors = (left / entered)[entered != 0]
    assert ((factors > 0) & (factors < 1)).all()


def test_stochastic_depth_leaves_a_record_its_shortcut_or_the_path_scaled_up():
    rate, made = 0.4, lively_block(4, 4, stochastic_depth=0.4).eval()
    x = torch.randn(1000, 4, 5, dtype=torch.float64)
    path = made(x) - x
    made.stochastic_depth.train()
    output = made(x)
    dropped = (output == x).all(2).all(1)
    assert relative_error(output[~dropped], x[~dropped] + path[~dropped] / (1 - rate)) < 1e-12
    standard_error = math.sqrt(rate * (1 - rate) / len(x))
    assert abs(dropped.double().mean().item() - rate) < 4 * standard_error


@given(st.floats(0.01, 5000), st.integers(1, 16))
def test_rounded_channels_are_a_multiple_near_the_exact_number_and_never_below_nine_tenths_of_it(channels, divisor):
    rounded = round_channels(channels, divisor)
    assert rounded >= divisor
    assert rounded % divisor == 0
    assert rounded >= 0.9 * channels
    assert abs(rounded - channels) <= divisor


@given(st.integers(1, 200), st.sampled_from([16, 32]))
def test_a_scaled_network_starts_with_exactly_its_width_and_grows_where_the_papers_does(width, paper_width):
    assert scale_channels(paper_width, width, paper_width) == width
    scaled = [scale_channels(channels, width, paper_width) for channels in (16, 24, 40, 80, 320, 1280)]
    assert scaled == sorted(scaled)
    assert scaled[0] >= 1


@pytest.mark.parametrize(
    ("build", "paper_width"), [(mobilenet_v2, 32), (mobilenet_v3_small, 16), (mobilenet_v3_large, 16)]
)
def test_narrow_networks_shrink_by_more_than_their_width(build, paper_width):
    for width in (2, 4, 6):
        made = build(1, width=width)
        assert made.stem.convolution.out_channels == width
        assert count(made) < count(build(1)) * width / paper_width


def test_half_the_width_is_the_papers_multiplier_of_one_half():
    blocks = mobilenet_v2(1, width=16).blocks
    halves = [channels / 2 for _, channels, repeats, _ in V2_TABLE for _ in range(repeats)]
    nearest_eights = [8 * math.floor(half / 8 + 0.5) for half in halves]
    assert [made.projection.convolution.out_channels for made in blocks] == nearest_eights
