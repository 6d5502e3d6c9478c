"""ShuffleNetV2: the shuffle and its price, and sizes by the paper's table."""

import pytest
import torch
from core_helpers import padded, relative_error
from hypothesis import given
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile

from seqcnn.encoders import shufflenet
from seqcnn.encoders.shufflenet import ShuffleUnit, join_and_shuffle, shufflenet_v2_x1_0, split_in_halves
from seqcnn.layers.layout import channels_innermost

# Channels of stages 2 to 4 and of the last convolution, the paper's table 5, and the parameters that torchvision states
# for three colours, two axes and 1000 classes.
SIZES = {
    "x0_5": ((48, 96, 192), 1024, 1_366_792),
    "x1_0": ((116, 232, 464), 1024, 2_278_604),
    "x1_5": ((176, 352, 704), 1024, 3_503_624),
    "x2_0": ((244, 488, 976), 2048, 7_393_996),
}
REPEATS = (4, 8, 4)
every_size = pytest.mark.parametrize("size", SIZES)


def builder(size):
    return getattr(shufflenet, f"shufflenet_v2_{size}")


def convolution(in_channels, out_channels, taps, groups=1):
    """Count a kernel without bias and the normalization behind it."""
    return in_channels // groups * out_channels * taps + 2 * out_channels


def n_parameters(size, in_channels, n_axes):
    """Count all layers but the dense one, for kernels over this many axes."""
    taps = 3**n_axes
    stages, last, _ = SIZES[size]
    total, channels = convolution(in_channels, 24, taps), 24
    for out_channels, repeats in zip(stages, REPEATS, strict=True):
        half = out_channels // 2
        total += convolution(channels, channels, taps, groups=channels) + convolution(channels, half, 1)
        total += (
            convolution(channels, half, 1) + convolution(half, half, taps, groups=half) + convolution(half, half, 1)
        )
        total += (repeats - 1) * (2 * convolution(half, half, 1) + convolution(half, half, taps, groups=half))
        channels = out_channels
    return total + convolution(channels, last, 1)


@every_size
def test_the_formula_gives_the_published_size_of_the_network_for_images(size):
    _, last, published = SIZES[size]
    assert n_parameters(size, 3, n_axes=2) + (last + 1) * 1000 == published


@every_size
@pytest.mark.parametrize("in_channels", [1, 3])
def test_the_network_has_the_papers_parameters_with_kernels_over_one_axis(size, in_channels):
    made = builder(size)(in_channels)
    assert sum(parameter.numel() for parameter in made.parameters()) == n_parameters(size, in_channels, n_axes=1)


def reference_shuffle(x, n_groups):
    """Shuffle as the first ShuffleNet states it: to (groups, channels of one), transposed, and flat again."""
    batch, n_channels, time = x.shape
    return x.reshape(batch, n_groups, n_channels // n_groups, time).transpose(1, 2).reshape(x.shape)


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.booleans(), st.booleans())
def test_joining_is_concatenation_and_a_channel_shuffle_of_two_groups(batch, channels, time, innermost, double):
    dtype = torch.float64 if double else torch.float32
    left, right = torch.randn(2, batch, channels, time, dtype=dtype)
    if innermost:
        left, right = (half.transpose(1, 2).contiguous().transpose(1, 2) for half in (left, right))
    expected = reference_shuffle(torch.cat((left, right), 1), 2)
    assert torch.equal(join_and_shuffle(left, right), expected)


@pytest.mark.parametrize("n_channels", [2, 8, 116])
def test_the_shuffle_is_a_permutation_that_feeds_both_halves_from_both(n_channels):
    numbers = torch.arange(n_channels, dtype=torch.float32)[None, :, None]
    shuffled = join_and_shuffle(*split_in_halves(numbers))[0, :, 0]
    assert sorted(shuffled.tolist()) == list(range(n_channels))
    for half in shuffled.chunk(2):
        first = int((half < n_channels // 2).sum())
        assert abs(first - len(half) / 2) <= 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_halves_are_views_of_the_channels_in_order(dtype):
    x = channels_innermost(torch.randn(2, 6, 5, dtype=dtype))
    halves = split_in_halves(x)
    assert torch.equal(torch.cat(halves, 1), x)
    assert {half.untyped_storage().data_ptr() for half in halves} == {x.untyped_storage().data_ptr()}


def copies_in(function):
    """Return what ran of the operations that write a tensor's values elsewhere."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        function()
    names = ("aten::copy_", "aten::cat", "aten::clone", "aten::_to_copy", "aten::index_select")
    return [event.name for event in record.events() if event.name in names]


def test_splitting_and_shuffling_copy_once_and_keep_the_channels_innermost():
    x = channels_innermost(torch.randn(2, 8, 16))
    assert copies_in(lambda: join_and_shuffle(*split_in_halves(x))) == ["aten::cat"]
    for unit in (ShuffleUnit(8, 8, stride=1), ShuffleUnit(8, 8, stride=1).eval()):
        assert unit(x).stride() == x.stride() == (8 * 16, 1, 8)


def test_the_gradients_of_a_unit_keep_the_channels_innermost():
    unit = ShuffleUnit(8, 8, stride=1)
    strides = []
    x = channels_innermost(torch.randn(2, 8, 16)).requires_grad_()
    entering = x * 1
    entering.register_hook(lambda gradient: strides.append(gradient.stride()))
    unit(entering).square().sum().backward()
    assert strides == [x.stride()]


def test_a_unit_hands_on_the_first_half_of_its_channels_as_it_is():
    unit = ShuffleUnit(6, 6, stride=1).eval()
    x = torch.randn(2, 6, 9)
    output = unit(x)
    assert torch.equal(output[:, ::2], x[:, :3])
    changed = x.clone()
    changed[:, :3] += 1
    assert torch.equal(unit(changed)[:, 1::2], output[:, 1::2])


def test_a_unit_with_a_stride_convolves_all_channels_in_both_branches():
    unit = ShuffleUnit(3, 8, stride=2).double().eval()
    x = torch.randn(1, 3, 9, dtype=torch.float64)
    assert unit(x).shape == (1, 8, 5)
    for branch in (slice(0, None, 2), slice(1, None, 2)):
        seen = torch.zeros(3, dtype=torch.bool)
        for seed in range(10):
            noise = torch.randn(8, 3, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            noise.requires_grad_()
            unit(noise)[:, branch].sum().backward()
            seen |= (noise.grad != 0).any(2).any(0)
        assert seen.all()


@pytest.mark.parametrize("stride", [1, 2])
def test_padding_changes_nothing_in_a_unit(stride):
    unit = ShuffleUnit(4, 4, stride=stride).double().eval()
    records = [torch.randn(4, n, dtype=torch.float64) for n in (1, 6, 9)]
    batch, lengths = padded(records, 12)
    mask = (torch.arange(12) < lengths[:, None])[:, None]
    for row, record in zip(unit(batch, mask), records, strict=True):
        alone = unit(record[None])[0]
        assert relative_error(row[:, : alone.shape[1]], alone) < 1e-12
        assert not row[:, alone.shape[1] :].any()


def test_a_width_scales_every_stage_in_even_numbers():
    for width in (1, 4, 12, 48):
        made = shufflenet_v2_x1_0(1, width=width)
        assert made.stem.convolution.out_channels == width
        starts = [unit for unit in made.units if unit.stride == 2]
        widths = [2 * unit.branch[-1].convolution.out_channels for unit in starts]
        for scaled, paper in zip([*widths, made.out_channels], [*SIZES["x1_0"][0], 1024], strict=True):
            assert scaled % 2 == 0
            assert abs(scaled - paper * width / 24) <= 1
