"""AlexNet against the papers' table and plain torch."""

import pytest
import torch
import torch.nn.functional as F
from core_helpers import relative_error

from seqcnn.encoders.alexnet import AlexNet

# (kernel size, stride, channels, whether pooling follows): strides and kernels of 2012, channels of 2014.
PAPER = [(11, 4, 64, True), (5, 1, 192, True), (3, 1, 384, False), (3, 1, 384, False), (3, 1, 256, True)]


@pytest.mark.parametrize("in_channels", [1, 3])
def test_alexnet_has_the_papers_number_of_parameters(in_channels):
    expected, channels = 0, in_channels
    for size, _, out_channels, _ in PAPER:
        expected += size * channels * out_channels + 2 * out_channels  # a kernel, and the normalization behind it
        channels = out_channels
    assert sum(parameter.numel() for parameter in AlexNet(in_channels).parameters()) == expected


@pytest.mark.parametrize("n_timepoints", [32, 95, 96, 97])
def test_alexnet_computes_what_the_paper_writes(n_timepoints):
    alexnet = AlexNet(2).double().train()
    x = y = torch.randn(3, 2, n_timepoints, dtype=torch.float64)
    weights = (parameter for parameter in alexnet.parameters() if parameter.ndim == 3)
    for size, stride, _, pooled in PAPER:
        y = F.conv1d(y, next(weights), None, stride, size // 2)
        y = F.relu(F.batch_norm(y, None, None, training=True))
        y = F.max_pool1d(y, 3, 2, 1) if pooled else y
    assert next(weights, None) is None
    assert relative_error(alexnet(x), y) < 1e-10


def test_all_layers_scale_with_the_width():
    full, half = AlexNet(1), AlexNet(1, width=32)
    for ours, theirs in zip(half.blocks, full.blocks, strict=True):
        assert 2 * ours.convolution.out_channels == theirs.convolution.out_channels
    assert (full.out_channels, half.out_channels) == (256, 128)


def test_the_head_gets_the_papers_dropout():
    assert AlexNet(1).dropout == 0.5
