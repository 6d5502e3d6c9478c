"""LeNet-5: three convolutions with trained subsampling between them.

LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document recognition", Proceedings of the
IEEE 86(11), doi 10.1109/5.726791.

NOTE differences from the paper:

- 2D becomes 1D: kernels of 5 steps for 5 x 5, subsampling by 2 steps for 2 x 2.
- "Same" padding, where the paper has none, so that ``ceil(time / 4)`` steps come out and short records are read too.
- Each map of the second convolution reads all maps before it; the paper's table of connections leaves some out.
- Subsampling scales the mean of its steps, not their sum, and starts as that mean; weights start as torch's do.
- The mean over time and a linear head take the place of the dense layer of 84 units and the distances to prototypes.
  The layer of 120 units in front of them is a convolution in the paper as well, so on records longer than the 32 steps
  that one output sees this is the paper's network displaced in space, averaged over all places.

The squashing function and the trained subsampling are the paper's own. Rectifiers and maxima are what AlexNet has
(:mod:`seqcnn.encoders.alexnet`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._checks import check_integer
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.convolution import Conv1d
from seqcnn.layers.layout import as_image, as_sequence
from seqcnn.layers.masking import hide_padding, stride_mask

_KERNEL, _POOL = 5, 2


def squash(x: Tensor) -> Tensor:
    """Return the paper's hyperbolic tangent, scaled so that 1, 0 and -1 stay what they are.

    >>> squash(torch.tensor([-1.0, 0.0, 1.0])).round(decimals=3).tolist()
    [-1.0, 0.0, 1.0]
    """
    return 1.7159 * torch.tanh(x * (2 / 3))


class Subsampling(nn.Module):
    """The mean of two neighbouring steps, times a trained coefficient, plus a trained bias, squashed.

    A last step without a neighbour is paired with a zero.

    Shape: ``(batch, n_channels, time)`` to ``(batch, n_channels, ceil(time / 2))``; ``mask`` is that of the input.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pool ``(batch, n_channels, time)``, which is zero where the mask is False."""
        pairs = as_sequence(F.avg_pool2d(F.pad(as_image(x), (0, 1)), (1, _POOL)))
        return hide_padding(squash(pairs * self.coefficient[:, None] + self.bias[:, None]), stride_mask(mask, _POOL))


class LeNet(SequenceEncoder):
    """Three convolutions of 5 steps with trained subsampling by 2 between them.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the first convolution: 6 in the paper, with 16 in the second and 120 in the third.
    n_copies
        How many such networks stand side by side and read the same input, each with weights of its own; what they give
        is for :class:`seqcnn.heads.CopiesHead`.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_copies * 20 * width, ceil(time / 4))``, a copy's channels side
    by side.

    Examples
    --------
    >>> LeNet(1)(torch.zeros(2, 1, 50)).shape
    torch.Size([2, 120, 13])
    """

    def __init__(self, in_channels: int, *, width: int = 6, n_copies: int = 1) -> None:
        super().__init__()
        check_integer("n_copies", n_copies, minimum=1, caller="LeNet")
        self.n_copies = n_copies
        stage_widths = [n_copies * channels for channels in (width, round(width * 16 / 6), width * 20)]
        self.in_channels, self.out_channels, self.stride = in_channels, stage_widths[-1], _POOL**2
        self.receptive_field = receptive_field(
            [(_KERNEL, 1), (_POOL, _POOL), (_KERNEL, 1), (_POOL, _POOL), (_KERNEL, 1)]
        )
        self.convolutions = nn.ModuleList()
        channels = in_channels
        for position, stage_width in enumerate(stage_widths):
            # The first reads what all copies read.
            groups = n_copies if position else 1
            self.convolutions.append(Conv1d(channels, stage_width, _KERNEL, padding="same", groups=groups))
            channels = stage_width
        self.subsamplings = nn.ModuleList(Subsampling(channels) for channels in stage_widths[:-1])

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        *early, last = self.convolutions
        for convolution, subsampling in zip(early, self.subsamplings, strict=True):
            x = subsampling(hide_padding(squash(convolution(x)), mask), mask)
            mask = stride_mask(mask, _POOL)
        return hide_padding(squash(last(x)), mask)
