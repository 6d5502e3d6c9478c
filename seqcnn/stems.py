"""The first module of a network: it takes what the user has and gives what an encoder reads.

Because it is part of the network, a saved or exported model takes raw input, and serving cannot differ from training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn._types import AnyArray, Float64Array
from seqcnn.layers.masking import hide_padding, length_mask
from seqcnn.rebuilding import Rebuildable

_PADDING, _UNKNOWN = 0, 1
"""Codes of a vocabulary that stand for no character of their own."""

Normalize = Literal["dataset", "record"]


class Normalizer(Rebuildable):
    """Shifts and scales each channel.

    ``"dataset"`` uses one mean and one standard deviation a channel, from the training records: a loud record stays
    loud. ``"record"`` takes each record's own, which throws its level and amplitude away. A constant channel is shifted
    only.

    Shape: ``(batch, channels, time)`` to the same, zero in the padding.

    Parameters
    ----------
    n_channels
        Channels of the input.
    mode
        "dataset" or "record".

    Examples
    --------
    >>> stem = Normalizer(1)
    >>> stem.learn([np.array([[0.0, 2.0]]), np.array([[4.0]])], np.array([1.0, 1.0]))
    >>> stem(torch.tensor([[[2.0]]])).tolist()
    [[[0.0]]]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_channels: int, mode: Normalize = "dataset") -> None:
        super().__init__()
        self.mode = mode
        self.out_channels = n_channels
        self.register_buffer("mean", torch.zeros(n_channels, 1))
        self.register_buffer("deviation", torch.ones(n_channels, 1))

    def learn(self, values: Sequence[AnyArray], weights: Float64Array) -> None:
        """Take mean and deviation from records ``(channels, time_i)``, each counted ``weights[i]`` times."""
        if self.mode == "record":
            return
        total = float(sum(weight * value.shape[1] for weight, value in zip(weights, values, strict=True)))
        pairs = list(zip(weights, values, strict=True))
        mean = sum(weight * value.sum(1, dtype=np.float64) for weight, value in pairs) / total
        # A second pass: the difference of two large sums would lose small variances on top of large means.
        square = sum(weight * np.square(value - mean[:, None]).sum(1) for weight, value in pairs)
        deviation = np.sqrt(square / total)
        # Relative to the level: a field of 1e-13 tesla is no constant.
        constant = deviation <= 1e-7 * np.abs(mean)
        self.mean = torch.as_tensor(mean[:, None], dtype=self.mean.dtype)
        self.deviation = torch.as_tensor(np.where(constant, 1.0, deviation)[:, None], dtype=self.deviation.dtype)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalize ``(batch, channels, time)``."""
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        if self.mode == "dataset":
            return hide_padding((x - self.mean) / self.deviation, mask)
        count = x.shape[2] if lengths is None else lengths[:, None, None]
        level = x.sum(2, keepdim=True) / count
        centred = hide_padding(x - level, mask)
        # Once more, for what rounding left of a high level.
        centred = hide_padding(centred - centred.sum(2, keepdim=True) / count, mask)
        deviation = (centred.square().sum(2, keepdim=True) / count).sqrt()
        return centred / torch.where(deviation > 1e-7 * level.abs(), deviation, 1.0)

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        return f"{self.out_channels}, mode={self.mode!r}"


class PassThrough(Rebuildable):
    """Gives its input on as it is, for what needs no normalization.

    Shape: ``(batch, channels, time)`` to the same.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.out_channels = n_channels

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return ``x``."""
        return x


class CharacterEmbedding(Rebuildable):
    """Gives each character code a learnt vector; code 0 is padding and stays zero.

    In training a share of the characters is read as unknown (code 1): the network cannot lean on single spellings, and
    the unknown code's vector is learnt. The method is Iyyer et al.'s (2015) for words, "Deep unordered composition
    rivals syntactic methods for text classification", applied to characters.

    Shape: ``(batch, time)`` integers to ``(batch, width, time)``.

    Parameters
    ----------
    n_codes
        Rows of the table: the vocabulary's size.
    width
        Length of a character's vector.
    unknown_share
        The share of characters that training reads as unknown.

    Examples
    --------
    >>> CharacterEmbedding(30, width=8)(torch.tensor([[2, 3, 0]])).shape
    torch.Size([1, 8, 3])
    """

    def __init__(self, n_codes: int, width: int = 32, unknown_share: float = 0.1) -> None:
        super().__init__()
        self.unknown_share = unknown_share
        self.out_channels = width
        self.table = nn.Embedding(n_codes, width, padding_idx=0)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Embed ``(batch, time)`` codes."""
        if self.training and self.unknown_share > 0:
            hidden = torch.rand(x.shape, device=x.device) < self.unknown_share
            x = x.masked_fill(hidden & (x != _PADDING), _UNKNOWN)
        vectors: Tensor = self.table(x)
        return vectors.transpose(1, 2)
