"""ConvTran: a convolutional embedding, then one layer of attention that knows where in time each step stands.

Mohammadi Foumani, Tan, Webb and Salehi (2023), "Improving position encoding of transformers for multivariate time
series classification", arXiv 2305.16642.

NOTE differences from the paper:

- The paper's networks are made for one length. Here a record of any length is encoded, by its own length and not that
  of its padded batch: tAPE is computed from it, and eRPE's table of biases ends at ``max_distance``, beyond which all
  distances share the last bias, as in Shaw, Uszkoreit and Vaswani (2018), arXiv 1803.02155. For records of at most
  ``max_distance + 1`` steps that is the paper's table.
- No biases in front of batch normalization, which would subtract them again.
- No dropout within the layers (a hundredth in the authors' code).
- The number of heads follows from ``head_channels``, so that it shrinks with ``width``.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.layers.convolution import Conv1d
from seqcnn.layers.layout import as_sequence
from seqcnn.layers.masking import hide_padding
from seqcnn.layers.normalization import BatchNorm1d, LayerNorm1d

_KERNEL, _FILTERS_PER_CHANNEL, _EPSILON = 8, 4, 1e-5


class DisjointEmbedding(nn.Module):
    """Kernels over time, the same for every channel, then a mixture of all channels at each step.

    Shape: ``(batch, in_channels, time)`` to ``(batch, width, time)``.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        n_filters = _FILTERS_PER_CHANNEL * width
        self.temporal = Conv1d(1, n_filters, _KERNEL, padding="same", bias=False)
        self.temporal_norm = BatchNorm1d(n_filters)
        self.spatial = nn.Conv2d(n_filters, width, (in_channels, 1), bias=False)
        self.spatial_norm = BatchNorm1d(width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Embed the steps of ``(batch, in_channels, time)``."""
        batch, channels, _ = x.shape
        # Every channel is a record of its own, until the second kernel spans them all.
        rows = self.temporal(x.reshape(batch * channels, 1, -1))
        rows = F.gelu(self.temporal_norm(rows, None if mask is None else mask.repeat_interleave(channels, 0)))
        images = rows.reshape(batch, channels, rows.shape[1], -1).transpose(1, 2)
        return F.gelu(self.spatial_norm(as_sequence(self.spatial(images)), mask))


def time_positions(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the absolute encoding tAPE of the steps of ``x`` ``(batch, n_channels, time)``.

    Channels ``2k`` and ``2k + 1`` of step ``t`` are the sine and cosine of the angle
    ``t / length * n_channels * 10000 ** (-2k / n_channels)``. It looks at the share of the record that has passed, so
    the waves have one shape over records of any length.

    Shape: ``(batch, n_channels, time)``; ``(n_channels, time)`` without a mask, where it is the same for all records.

    Examples
    --------
    >>> time_positions(torch.zeros(1, 2, 4).double()).round(decimals=2).tolist()
    [[0.0, 0.48, 0.84, 1.0], [1.0, 0.88, 0.54, 0.07]]
    """
    n_channels, n_timepoints = x.shape[1:]
    # Half precision cannot count the steps of a long record.
    wide = torch.promote_types(x.dtype, torch.float32)
    waves = torch.arange(0, n_channels, 2, device=x.device, dtype=wide)
    rates = n_channels * torch.exp(waves * (-math.log(10_000.0) / n_channels))
    steps = torch.arange(n_timepoints, device=x.device, dtype=wide)
    passed = steps / (n_timepoints if mask is None else mask.sum(-1))
    angles = passed[..., None] * rates
    positions = torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)[..., :n_channels]
    return positions.transpose(-1, -2).to(x.dtype)


class RelativeAttention(nn.Module):
    """Attention whose weights have a learned bias for each distance in time added behind the softmax (eRPE).

    Padding is attended to by no step. Time and memory grow with the square of the length.

    Shape: ``(batch, width, time)`` to the same.
    """

    def __init__(self, width: int, head_channels: int, max_distance: int) -> None:
        super().__init__()
        self.n_heads, self.max_distance = width // head_channels, max_distance
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.distance_biases = nn.Parameter(torch.zeros(2 * max_distance + 1, self.n_heads))
        self.normalization = LayerNorm1d(width, eps=_EPSILON)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend within the records of ``(batch, width, time)``, which is zero where the mask is False."""
        width, n_timepoints = x.shape[1:]
        projected = self.queries_keys_values(x.transpose(1, 2)).unflatten(-1, (3, self.n_heads, -1))
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(
            queries, keys, values, None if mask is None else mask[:, None], scale=width**-0.5
        )
        # Behind the softmax the biases are the same for all records, and what they multiply is zero in the padding.
        steps = torch.arange(n_timepoints, device=x.device)
        distances = (steps[:, None] - steps).clamp(-self.max_distance, self.max_distance)
        biases = F.embedding(distances + self.max_distance, self.distance_biases)
        attended = attended + torch.einsum("qkh,bhkc->bhqc", biases, values)
        normalized: Tensor = self.normalization(attended.transpose(2, 3).flatten(1, 2))
        return normalized


class ConvTran(SequenceEncoder):
    """Convolutions, attention with absolute and relative positions, and a dense layer at each step.

    Time and memory grow with the square of the record's length: cut records of many thousands of steps into windows.

    Parameters
    ----------
    in_channels
        Channels of the input.
    width
        Channels of the embedded steps, 16 in the authors' code; the first convolution has four times as many.
    head_channels
        Channels of each head of the attention; ``width`` is a multiple of it.
    expansion
        How many times as many channels as ``width`` the dense layer has between its two halves.
    max_distance
        Time steps between two steps from which on all distances share one bias, one for each direction.

    Raises
    ------
    ValueError
        If ``width`` is no multiple of ``head_channels``.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, width, time)``.

    Examples
    --------
    >>> ConvTran(3)(torch.zeros(2, 3, 50)).shape
    torch.Size([2, 16, 50])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 16,
        head_channels: int = 2,
        expansion: int = 16,
        max_distance: int = 1024,
    ) -> None:
        super().__init__()
        if width % head_channels:
            raise ValueError(
                f"The 'width' of ConvTran must be a multiple of its 'head_channels'. Received: width={width} and "
                f"head_channels={head_channels}. Pass "
                f"width={head_channels * max(1, width // head_channels)}."
            )
        self.in_channels, self.out_channels, self.stride = in_channels, width, 1
        self.receptive_field = None  # attention sees the whole record
        self.embedding = DisjointEmbedding(in_channels, width)
        self.attention = RelativeAttention(width, head_channels, max_distance)
        self.attention_norm = LayerNorm1d(width, eps=_EPSILON)
        self.feed_forward = nn.Sequential(
            Conv1d(width, expansion * width, 1), nn.ReLU(), Conv1d(expansion * width, width, 1)
        )
        self.feed_forward_norm = LayerNorm1d(width, eps=_EPSILON)

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, time)``."""
        x = self.embedding(x, mask)
        placed = hide_padding(x + time_positions(x, mask), mask)
        # From here on each step stands by itself but for the attention, which leaves out the padding.
        x = self.attention_norm(x + self.attention(placed, mask))
        encoded: Tensor = self.feed_forward_norm(x + self.feed_forward(x), mask)
        return encoded
