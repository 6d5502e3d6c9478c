"""VGG against the paper's tables and plain torch."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error

from seqcnn.encoders.vgg import vgg11, vgg13, vgg16, vgg19

# Channels of the convolutions of each stage: columns A, B, D and E of the paper's table 1.
PAPER = {
    vgg11: [[64], [128], [256] * 2, [512] * 2, [512] * 2],
    vgg13: [[64] * 2, [128] * 2, [256] * 2, [512] * 2, [512] * 2],
    vgg16: [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3],
    vgg19: [[64] * 2, [128] * 2, [256] * 4, [512] * 4, [512] * 4],
}
# Parameters in millions: the paper's table 2.
PAPERS_MILLIONS = {vgg11: 133, vgg13: 133, vgg16: 138, vgg19: 144}

every_network = pytest.mark.parametrize("build", PAPER, ids=lambda build: build.__name__)


def kernels(build, in_channels):
    """Return the channels in and out of each convolution."""
    channels = [in_channels, *(channels for stage in PAPER[build] for channels in stage)]
    return list(itertools.pairwise(channels))


@every_network
def test_the_table_is_the_papers(build):
    dense = (512 * 7 * 7 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000
    total = sum((3 * 3 * a + 1) * b for a, b in kernels(build, 3)) + dense
    assert round(total / 1e6) == PAPERS_MILLIONS[build]
    assert len(kernels(build, 3)) + 3 == int(build.__name__.removeprefix("vgg"))


@every_network
@pytest.mark.parametrize("in_channels", [1, 3])
def test_vgg_has_the_papers_number_of_parameters(build, in_channels):
    expected = sum(3 * a * b + 2 * b for a, b in kernels(build, in_channels))  # a kernel, and its normalization
    assert sum(parameter.numel() for parameter in build(in_channels).parameters()) == expected


@every_network
@pytest.mark.parametrize("n_timepoints", [32, 77])
def test_vgg_computes_what_the_paper_writes(build, n_timepoints):
    vgg = build(2, width=8).double().train()
    x = y = torch.randn(3, 2, n_timepoints, dtype=torch.float64)
    weights = (parameter for parameter in vgg.parameters() if parameter.ndim == 3)
    for stage in PAPER[build]:
        for position in range(len(stage)):
            y = F.conv1d(y, next(weights), padding=1)
            if position == len(stage) - 1:
                y = F.max_pool1d(y, 2, ceil_mode=True)
            y = F.relu(F.batch_norm(y, None, None, training=True))
    assert next(weights, None) is None
    assert relative_error(vgg(x), y) < 1e-10


@every_network
def test_all_layers_scale_with_the_width(build):
    blocks = [block for stage in build(1, width=4).stages for block in stage]
    assert [16 * block.convolution.out_channels for block in blocks] == [b for _, b in kernels(build, 1)]


def test_the_head_gets_the_papers_dropout():
    assert vgg11(1, width=4).dropout == 0.5
