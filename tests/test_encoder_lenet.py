"""LeNet-5 against the paper's tables and plain torch."""

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error

from seqcnn.encoders.lenet import LeNet, Subsampling, squash
from seqcnn.layers import length_mask


@pytest.mark.parametrize("in_channels", [1, 3])
def test_lenet_has_the_papers_number_of_parameters(in_channels):
    # A kernel of 5 a map read, and a bias; a coefficient and a bias a subsampled map.
    c1, c3, c5 = (5 * in_channels + 1) * 6, (5 * 6 + 1) * 16, (5 * 16 + 1) * 120
    s2, s4 = 2 * 6, 2 * 16
    assert sum(parameter.numel() for parameter in LeNet(in_channels).parameters()) == c1 + s2 + c3 + s4 + c5


def test_one_output_sees_as_many_steps_as_the_papers_image_has_rows():
    assert LeNet(1).receptive_field == 32


@pytest.mark.parametrize(("width", "channels"), [(6, [6, 16, 120]), (12, [12, 32, 240]), (4, [4, 11, 80])])
def test_all_layers_scale_with_the_width(width, channels):
    assert [convolution.out_channels for convolution in LeNet(1, width=width).convolutions] == channels


def test_lenet_computes_what_the_paper_writes():
    lenet = LeNet(2).double()
    for subsampling in lenet.subsamplings:
        torch.nn.init.normal_(subsampling.coefficient)
        torch.nn.init.normal_(subsampling.bias)
    x = y = torch.randn(3, 2, 53, dtype=torch.float64)
    for layer in range(3):
        convolution = lenet.convolutions[layer]
        y = 1.7159 * torch.tanh(2 / 3 * F.conv1d(y, convolution.weight, convolution.bias, padding=2))
        if layer < 2:
            subsampling = lenet.subsamplings[layer]
            y = F.pad(y, (0, y.shape[2] % 2))
            sums = y[..., ::2] + y[..., 1::2]
            y = sums * subsampling.coefficient[:, None] / 2 + subsampling.bias[:, None]
            y = 1.7159 * torch.tanh(2 / 3 * y)
    assert relative_error(lenet(x), y) < 1e-12


def test_squashing_keeps_one_and_stays_below_its_scale():
    x = torch.linspace(-50, 50, 101, dtype=torch.float64)
    assert relative_error(squash(torch.tensor([1.0, -1.0, 0.0])), torch.tensor([1.0, -1.0, 0.0])) < 1e-4
    assert relative_error(squash(-x), -squash(x)) == 0
    assert squash(x).abs().max() <= 1.7159


def test_subsampling_starts_as_the_mean_of_pairs_and_completes_the_last_with_a_zero():
    x = torch.tensor([[[1.0, 3.0, -2.0, 4.0, 6.0]], [[1.0, 3.0, 5.0, 0.0, 0.0]]])
    outcome = Subsampling(1)(x, length_mask(torch.tensor([5, 3]), 5))
    means = torch.tensor([[[2.0, 1.0, 3.0]], [[2.0, 2.5, 0.0]]])
    assert relative_error(outcome, squash(means)) < 1e-6
