"""ConvNeXt: what makes it different from the other encoders, whose contract is in test_encoders.py."""

import pytest
import torch
from core_helpers import relative_error

from seqcnn.encoders.convnext import ConvNeXt, ConvNeXtBlock, Patches, convnext_base, convnext_small, convnext_tiny
from seqcnn.layers import stride_mask
from seqcnn.layers.masking import length_mask

# (builder, width of the first stage, blocks of each stage), the paper's section 3.
SIZES = [(convnext_tiny, 96, (3, 3, 9, 3)), (convnext_small, 96, (3, 3, 27, 3)), (convnext_base, 128, (3, 3, 27, 3))]


def parameters_of_convnext(in_channels, width, depths):
    """Count layer by layer by the paper's table of architectures."""
    total, channels = 0, in_channels
    for level, depth in enumerate(depths):
        wide = width * 2**level
        norm, kernel = (2 * channels, 2) if level else (2 * wide, 4)
        total += norm + kernel * channels * wide + wide
        depthwise, hidden, back = 7 * wide + wide, wide * 4 * wide + 4 * wide, 4 * wide * wide + wide
        total += depth * (depthwise + 2 * wide + hidden + back + wide)  # with its normalization and its layer scale
        channels = wide
    return total + 2 * channels


@pytest.mark.parametrize(("build", "width", "depths"), SIZES)
@pytest.mark.parametrize("in_channels", [1, 3])
def test_full_size_networks_have_the_papers_number_of_parameters(build, width, depths, in_channels):
    with torch.device("meta"):
        parameters = list(build(in_channels).parameters())
    assert sum(parameter.numel() for parameter in parameters) == parameters_of_convnext(in_channels, width, depths)


def test_each_step_behind_the_patches_sees_its_own_stretch_and_the_last_may_be_incomplete():
    patches = Patches(2, 5, 4, normalize_before=False).double()
    x = torch.randn(1, 2, 10, dtype=torch.float64, requires_grad=True)
    output = patches(x)
    assert output.shape == (1, 5, 3)
    for step, stretch in enumerate([range(4), range(4, 8), range(8, 10)]):
        weights = torch.randn(5, dtype=torch.float64)
        (gradient,) = torch.autograd.grad((output[0, :, step] * weights).sum(), x, retain_graph=True)
        assert gradient.any(1)[0].nonzero()[:, 0].tolist() == list(stretch)


@pytest.mark.parametrize("normalize_before", [True, False])
def test_patches_of_short_records_are_zero_behind_them(normalize_before):
    patches = Patches(2, 5, 2, normalize_before=normalize_before)
    mask = length_mask(torch.tensor([3, 8]), 8)
    output = patches(torch.randn(2, 2, 8) * mask, mask)
    assert not output.masked_select(~stride_mask(mask, 2)).any()
    assert output[0, :, :2].all()


def test_a_block_starts_as_nearly_nothing_but_its_shortcut():
    x = torch.randn(2, 8, 20)
    start = ConvNeXtBlock(8, stochastic_depth=0.0, initial_scale=1e-6)(x)
    assert 0 < (start - x).abs().max() < 1e-4
    assert torch.equal(ConvNeXtBlock(8, stochastic_depth=0.0, initial_scale=0.0)(x), x)


def test_a_block_is_the_papers_formula():
    block = ConvNeXtBlock(6, stochastic_depth=0.0, initial_scale=0.5).double()
    x = torch.randn(2, 6, 15, dtype=torch.float64)
    steps = torch.nn.functional.conv1d(x, block.depthwise.weight, block.depthwise.bias, padding=3, groups=6)
    steps = steps.transpose(1, 2)
    centred = steps - steps.mean(-1, keepdim=True)
    steps = centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    hidden = torch.nn.functional.gelu(steps @ block.expand.weight[..., 0].T + block.expand.bias)
    path = hidden @ block.project.weight[..., 0].T + block.project.bias
    assert block.expand.out_channels == 4 * 6
    assert relative_error(block(x), x + 0.5 * path.transpose(1, 2)) < 1e-12


def test_blocks_are_dropped_more_often_the_deeper_they_stand():
    network = ConvNeXt(1, width=4, depths=(1, 2, 1, 1), stochastic_depth=0.4)
    rates = [block.stochastic_depth.rate for stage in network.stages for block in stage]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize(("build", "width", "depths"), SIZES)
def test_named_sizes_have_the_papers_depths_and_scale_with_their_width(build, width, depths):
    with torch.device("meta"):
        full, small = build(1), build(1, width=4)
    assert (full.out_channels, small.out_channels) == (8 * width, 8 * 4)
    assert full.stride == small.stride == 4 * 2 ** (len(depths) - 1)
    assert tuple(map(len, full.stages)) == depths
