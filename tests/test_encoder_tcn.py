"""TCN: what makes it different from the other encoders, whose contract is in test_encoders.py."""

import pytest
import torch
from core_helpers import relative_error

from seqcnn.encoders.tcn import TCN, TemporalBlock


def parameters_of_tcn(in_channels, width=25, depth=8, kernel_size=7):
    """Count by the paper's section 3: weight normalization has a length and a bias an output channel."""
    total, channels = 0, in_channels
    for _ in range(depth):
        for inputs in (channels, width):
            total += inputs * width * kernel_size + width + width
        total += 0 if channels == width else channels * width + width
        channels = width
    return total


@pytest.mark.parametrize("in_channels", [1, 3, 25])
def test_the_full_size_network_has_the_papers_number_of_parameters(in_channels):
    assert round(parameters_of_tcn(1), -4) == 70_000  # about 70K, says the paper's table of results
    assert sum(parameter.numel() for parameter in TCN(in_channels).parameters()) == parameters_of_tcn(in_channels)


@pytest.mark.parametrize(("depth", "kernel_size"), [(1, 2), (3, 3), (8, 7)])
def test_the_receptive_field_doubles_with_every_block(depth, kernel_size):
    seen = TCN(1, width=4, depth=depth, kernel_size=kernel_size).receptive_field
    assert seen == 1 + sum(2 * (kernel_size - 1) * 2**level for level in range(depth))


@pytest.mark.parametrize("dilation", [1, 2, 8])
def test_the_taps_of_a_block_stand_a_dilation_apart(dilation):
    kernel_size = 3
    block = TemporalBlock(1, 1, kernel_size, dilation).double().eval()
    touched = torch.zeros(40, dtype=torch.bool)
    for seed in range(20):  # ReLU lets through a part of the gradient only
        torch.manual_seed(seed)
        x = torch.randn(8, 1, 40, dtype=torch.float64, requires_grad=True)
        block(x)[..., -1].sum().backward()
        touched |= (x.grad != 0).any(0)[0]
    expected = {39 - taps * dilation for taps in range(2 * (kernel_size - 1) + 1)}
    assert set(touched.nonzero()[:, 0].tolist()) == expected


def test_what_comes_later_changes_nothing_that_was_said():
    tcn = TCN(2, width=4).double().eval()
    x = torch.randn(3, 2, 60, dtype=torch.float64)
    whole = tcn(x)
    for n_timepoints in (1, 7, 59):
        assert relative_error(tcn(x[..., :n_timepoints]), whole[..., :n_timepoints]) < 1e-12


def test_only_a_shortcut_that_changes_the_channels_is_learned():
    assert TemporalBlock(4, 4, 3, 1).shortcut is None
    shortcut = TemporalBlock(2, 4, 3, 1).shortcut
    assert [tuple(parameter.shape) for parameter in shortcut.parameters()] == [(4, 2, 1), (4,)]
