"""What makes BC-ResNet what it is; the contract of every encoder is in test_encoders.py."""

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error
from torch import nn

from seqcnn.cost import count_parameters
from seqcnn.encoders import BCResNet, bc_resnet_1
from seqcnn.encoders.bcresnet import BandConv1d, BroadcastBlock, SubSpectralNorm


def parameters_of_bc_resnet(width):
    """Count by the paper's table 1, for 40 bands and five sub-bands."""
    total, inputs = 5 * 5 * 2 * width + 4 * width, 2 * width
    for channels, depth in ((width, 2), (width * 3 // 2, 2), (2 * width, 4), (width * 5 // 2, 4)):
        for block in range(depth):
            over_bands, over_time = 3 * channels + 10 * channels, 3 * channels + 2 * channels + channels * channels
            total += over_bands + over_time + (0 if block else inputs * channels + 2 * channels)
        inputs = channels
    return total + 5 * 5 * inputs + inputs * 4 * width + 8 * width


@pytest.mark.parametrize(("scale", "papers_thousands"), [(1, 9.2), (2, 27.3), (3, 54.2), (6, 188), (8, 321)])
def test_the_networks_have_the_papers_number_of_parameters(scale, papers_thousands):
    width = 8 * scale
    n_parameters = count_parameters(BCResNet(40, width=width))
    assert n_parameters == parameters_of_bc_resnet(width)
    in_thousands = (n_parameters + 4 * width * 12) / 1000  # a head of twelve words
    assert round(in_thousands, 1 if papers_thousands < 100 else 0) == papers_thousands


@pytest.mark.parametrize("n_bands", [1, 7, 40, 64, 80])
def test_any_number_of_bands_is_normalized_in_stretches_of_equal_height(n_bands):
    encoder = BCResNet(n_bands, width=4).eval()
    norms = [module for module in encoder.modules() if isinstance(module, SubSpectralNorm)]
    assert all(norm.n_bands % norm.n_sub_bands == 0 and norm.n_sub_bands <= 5 for norm in norms)
    if n_bands in (40, 80):
        assert {norm.n_sub_bands for norm in norms} == {5}
    assert encoder(torch.zeros(2, n_bands, 9)).shape == (2, 16, 9)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_kernel_over_bands_is_a_two_dimensional_one_of_a_single_step(stride):
    layer = BandConv1d(3, stride=stride).double()
    x = torch.randn(2, 5, 9, 3, dtype=torch.float64)
    image = F.conv2d(x.permute(0, 3, 2, 1), layer.weight[..., None], stride=(stride, 1), padding=(1, 0), groups=3)
    assert relative_error(layer(x), image.permute(0, 3, 2, 1)) < 1e-12


@pytest.mark.parametrize("training", [True, False])
def test_sub_spectral_normalization_is_batch_normalization_of_each_stretch_by_itself(training):
    norm = SubSpectralNorm(3, 10).double().train(training)
    nn.init.uniform_(norm.normalization.weight, 0.5, 1.5)
    nn.init.normal_(norm.normalization.bias)
    norm.normalization.running_mean.normal_()
    norm.normalization.running_var.uniform_(0.5, 2.0)
    x = torch.randn(4, 6, 10, 3, dtype=torch.float64)
    expected = []
    for stretch in range(5):
        part, rows = x[:, :, 2 * stretch : 2 * stretch + 2], slice(3 * stretch, 3 * stretch + 3)
        alone = nn.BatchNorm2d(3).double().train(training)
        alone.load_state_dict(
            {key: value[rows] if value.ndim else value for key, value in norm.normalization.state_dict().items()}
        )
        expected.append(alone(part.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
    expected = torch.cat(expected, 2)
    for grads in (False, True) if not training else (True,):
        with torch.set_grad_enabled(grads):
            assert relative_error(norm(x), expected) < 1e-10


def test_what_time_says_of_the_mean_is_added_to_every_band():
    block = BroadcastBlock(4, 4, 6, is_first=False).double().eval()
    nn.init.zeros_(block.normalization.normalization.weight)
    nn.init.ones_(block.normalization.normalization.bias)  # the bands' path is one everywhere
    x = torch.rand(2, 9, 6, 4, dtype=torch.float64) + 10
    said = block(x) - x - 1
    assert said.abs().max() > 1e-3
    assert relative_error(said, said[:, :, :1].expand_as(said)) < 1e-12


def test_the_first_kernel_sees_five_bands_at_a_time():
    encoder = bc_resnet_1(40).double().eval()
    weight = encoder.first.convolution.weight  # (channels, bands, frames)
    x = torch.randn(2, 40, 12, dtype=torch.float64)
    norm = encoder.first.normalization
    image = F.conv2d(x[:, None], weight[:, None], stride=(2, 1), padding=2) / (norm.running_var[0] + norm.eps).sqrt()
    assert relative_error(encoder._look_at_bands(x, None), image.relu().permute(0, 3, 2, 1)) < 1e-12
