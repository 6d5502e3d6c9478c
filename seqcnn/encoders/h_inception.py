"""H-Inception: an Inception network whose first module reads hand-crafted filters beside the learned ones.

Ismail-Fawaz, Devanne, Weber and Forestier (2022), "Deep learning for time series classification using new hand-crafted
convolution filters", IEEE Big Data; the modules are those of Ismail Fawaz et al. (2020), "InceptionTime: finding
AlexNet for time series classification", arXiv 1909.04939.

NOTE differences from the papers:

- Three modules of 16 filters a branch, not six of 32: about a fifth of the time, for small sets.
- One shortcut, around all modules behind the first.
- Of ``stride`` steps behind the first module the largest answers go on. The filters have seen every step by then; what
  follows combines them, and costs less over fewer steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._checks import check_integer
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.encoders.inception import InceptionModule
from seqcnn.encoders.lite import HandcraftedFilters
from seqcnn.layers.blocks import ConvBlock
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.parallel import join_channels, repeat_channels
from seqcnn.layers.pooling import MaxPool1d


class HybridModule(nn.Module):
    """An inception module, and the hand-crafted filters beside it.

    Shape: ``(batch, in_channels, time)`` to
    ``(batch, n_copies * (width * (len(kernel_sizes) + 1) + 17 * in_channels), time)``, a copy's channels side by side.
    The hand-crafted filters are the same for all copies, and computed once.
    """

    def __init__(self, in_channels: int, width: int, kernel_sizes: Sequence[int], n_copies: int = 1) -> None:
        super().__init__()
        self.learned = InceptionModule(in_channels, width, kernel_sizes, n_copies=n_copies)
        self.handcrafted = HandcraftedFilters()
        self.n_copies = n_copies
        n_handcrafted = n_copies * in_channels * self.handcrafted.n_filters
        self.normalization = BatchNorm1d(n_handcrafted)
        self.out_channels = n_copies * width * (len(kernel_sizes) + 1) + n_handcrafted
        self.span = max(*kernel_sizes, self.handcrafted.span)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Apply the module."""
        learned = self.learned(x, mask)
        answers = repeat_channels(self.handcrafted(x).to(learned.dtype), self.n_copies)
        return join_channels([learned, self.normalization(answers, mask, rectify=True)], self.n_copies)


class HInception(SequenceEncoder):
    """A module of learned and hand-crafted filters, then inception modules with a shortcut around them.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Filters of each branch; a module has ``width * (len(kernel_sizes) + 1)`` channels.
    depth
        Modules, the first among them.
    kernel_sizes
        Time steps of the branches' kernels, behind the first module in its pooled steps.
    stride
        Steps behind the first module that become one.
    n_copies
        How many such networks stand side by side and read the same input, each with weights of its own; what they give
        is for :class:`seqcnn.heads.CopiesHead`.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_copies * 4 * width, ceil(time / stride))``, a copy's channels
    side by side.

    Examples
    --------
    >>> import torch
    >>> HInception(1, stride=2)(torch.zeros(2, 1, 50)).shape
    torch.Size([2, 64, 25])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 16,
        depth: int = 3,
        kernel_sizes: Sequence[int] = (40, 20, 10),
        stride: int = 1,
        n_copies: int = 1,
    ) -> None:
        super().__init__()
        check_integer("n_copies", n_copies, minimum=1, caller="HInception")
        self.in_channels, self.stride, self.n_copies = in_channels, stride, n_copies
        self.first = HybridModule(in_channels, width, kernel_sizes, n_copies)
        self.pool = MaxPool1d(stride) if stride > 1 else None
        self.inception_modules = nn.ModuleList()
        channels = self.first.out_channels
        for _ in range(depth - 1):
            self.inception_modules.append(InceptionModule(channels, width, kernel_sizes, n_copies=n_copies, apart=True))
            channels = n_copies * width * (len(kernel_sizes) + 1)
        self.out_channels = channels
        self.shortcut = None
        if depth > 1:
            self.shortcut = ConvBlock(self.first.out_channels, channels, 1, groups=n_copies, activation="none")
        spans = [(self.first.span, 1), (stride, stride)]
        # The pooled branch spans 3 steps, which only tiny kernels fall short of.
        self.receptive_field = receptive_field(spans + [(max(*kernel_sizes, 3), 1)] * (depth - 1))

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the modules to ``(batch, in_channels, time)``."""
        x = self.first(x, mask)
        if self.pool is not None:
            x = self.pool(x, mask)
            mask = stride_mask(mask, self.stride)
        start = x
        for module in self.inception_modules:
            x = module(x, mask)
        return x if self.shortcut is None else F.relu(x + self.shortcut(start, mask), inplace=True)
