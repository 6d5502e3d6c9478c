"""LITE: what makes it different from the other encoders, whose contract is in test_encoders.py."""

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error
from hypothesis import given, settings
from hypothesis import strategies as st

from seqcnn.encoders.lite import LITE, HandcraftedFilters, SeparableConv1d, peak_filter, trend_filter

TREND_SIZES = [2**power for power in range(1, 7)]
PEAK_SIZES = [size + size // 2 for size in TREND_SIZES[1:]]
N_FILTERS = 2 * len(TREND_SIZES) + len(PEAK_SIZES)


def increasing(position, size):
    """Return a tap of the paper's filter for increases, its definition."""
    return -1.0 if position % 2 == 0 else 1.0


def decreasing(position, size):
    """Return a tap of the paper's filter for decreases."""
    return 1.0 if position % 2 == 0 else -1.0


def peak(position, size):
    """Return a tap of the paper's filter for peaks: three parabolas, each rising and falling within a third."""
    third, within = divmod(position, size // 3)
    steps_up = size // 6
    height = (min(within, size // 3 - 1 - within) + 1) / steps_up
    return (-1.0, 2.0, -1.0)[third] * height**2


DEFINITIONS = [
    *((increasing, size) for size in TREND_SIZES),
    *((decreasing, size) for size in TREND_SIZES),
    *((peak, size) for size in PEAK_SIZES),
]


def answers_by_definition(x):
    """Filter one channel, ``(time,)``, tap by tap, with the zeros of "same" padding around it."""
    rows = []
    for definition, size in DEFINITIONS:
        around = F.pad(x, ((size - 1) // 2, size // 2))
        taps = [definition(position, size) for position in range(size)]
        rows.append(sum(tap * around[position : position + len(x)] for position, tap in enumerate(taps)))
    return torch.stack(rows).relu()


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 150), st.integers(1, 3), st.integers(0, 2**31))
def test_the_handcrafted_filters_are_those_of_their_definition(n_timepoints, in_channels, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, in_channels, n_timepoints, generator=generator, dtype=torch.float64)
    actual = HandcraftedFilters().double()(x)
    expected = torch.stack([torch.cat([answers_by_definition(channel) for channel in record]) for record in x])
    assert actual.shape == (2, N_FILTERS * in_channels, n_timepoints)
    assert relative_error(actual, expected) < 1e-12


@pytest.mark.parametrize("taps", [*map(trend_filter, TREND_SIZES), *map(peak_filter, PEAK_SIZES)], ids=len)
def test_every_handcrafted_filter_is_blind_to_a_constant(taps):
    assert taps.sum() == 0
    assert taps.all()


def test_a_peak_is_answered_by_peak_filters_and_a_zigzag_by_trend_filters():
    steps = torch.arange(200.0)
    hill, zigzag = (-((steps - 100) / 8).square()).exp(), (-1.0) ** steps
    answers = HandcraftedFilters()(torch.stack([hill, zigzag])[:, None])
    peaks = answers[:, -len(PEAK_SIZES) :]
    assert peaks[0].amax() > 5 * answers[0, : -len(PEAK_SIZES)].amax()
    assert abs(int(peaks[0].amax(0).argmax()) - 100) <= 1
    assert answers[1, : -len(PEAK_SIZES), 100].amax() == max(TREND_SIZES)


def test_handcrafted_filters_are_neither_learned_nor_saved():
    filters = HandcraftedFilters()
    assert not list(filters.parameters())
    assert not filters.state_dict()
    assert [name for name, _ in filters.named_buffers()] == ["bank"]


def test_a_separable_convolution_is_the_full_one_of_its_kernels_product():
    separable = SeparableConv1d(3, 5, 4, dilation=2).double()
    x = torch.randn(2, 3, 20, dtype=torch.float64)
    kernel = separable.pointwise.weight * separable.depthwise.weight[None, :, 0]
    assert relative_error(separable(x), F.conv1d(F.pad(x, (3, 3)), kernel, dilation=2)) < 1e-12


def parameters_of_lite(in_channels, width=32, kernel_size=40):
    """Count by the paper's figure; its total of 9,814 leaves out the dense layer."""
    sizes = (kernel_size, kernel_size // 2, kernel_size // 4)
    learned = sum(sizes) * width if in_channels == 1 else sum(in_channels * (size + width) for size in sizes)
    joined = 3 * width + N_FILTERS * in_channels
    first_separable = joined * (kernel_size // 2) + joined * width
    second_separable = width * (kernel_size // 4) + width * width
    normalization = 2 * joined + 2 * width + 2 * width
    return learned + first_separable + second_separable + normalization


@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_full_size_network_has_the_papers_number_of_parameters(in_channels):
    assert parameters_of_lite(1) == 9814
    counted = sum(parameter.numel() for parameter in LITE(in_channels).parameters())
    assert counted == parameters_of_lite(in_channels)


def test_the_handcrafted_filters_keep_channels_apart():
    x = torch.randn(1, 2, 30)
    changed = x.clone()
    changed[:, 1] += torch.randn(30)
    before, after = HandcraftedFilters()(x), HandcraftedFilters()(changed)
    assert torch.equal(before[:, :N_FILTERS], after[:, :N_FILTERS])
    assert not torch.equal(before[:, N_FILTERS:], after[:, N_FILTERS:])
