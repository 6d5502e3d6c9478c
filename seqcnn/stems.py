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
from seqcnn.layers.gaps import fill_gaps, find_observed
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

    With ``mask_missing`` NaN says that a value was not observed. Mean and deviation are those of the observed values,
    a line is drawn through each gap (:func:`seqcnn.layers.gaps.fill_gaps`), and behind the channels follows an
    indicator for each: ``indicator`` where it was observed, 0 elsewhere. A record's channel without any value becomes
    zero, the mean. A channel that no record observed keeps mean 0 and deviation 1. Indicators beside filled gaps are
    Lipton, Kale and Wetzel's (2016), "Directly modeling missing data in sequences with RNNs".

    NOTE difference from the paper: it carries the last value forward, or sets zero. A line is closer to a smooth series
    than both, and adds no steps of its own.

    Shape: ``(batch, channels, time)`` to the same, or to twice the channels with ``mask_missing``; zero in the padding.

    Parameters
    ----------
    n_channels
        Channels of the input.
    mode
        "dataset" or "record".
    mask_missing
        Whether NaN is absent; otherwise it must not occur.
    indicator
        What an indicator says where a value was observed.

    Examples
    --------
    >>> stem = Normalizer(1)
    >>> stem.learn([np.array([[0.0, 2.0]]), np.array([[4.0]])], np.array([1.0, 1.0]))
    >>> stem(torch.tensor([[[2.0]]])).tolist()
    [[[0.0]]]
    >>> stem = Normalizer(1, mask_missing=True)
    >>> stem.learn([np.array([[1.0, np.nan, 3.0]])], np.ones(1))
    >>> stem(torch.tensor([[[3.0, np.nan]]])).tolist()
    [[[1.0, 1.0], [1.0, 0.0]]]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, n_channels: int, mode: Normalize = "dataset", *, mask_missing: bool = False, indicator: float = 1.0
    ) -> None:
        super().__init__()
        self.mode = mode
        self.mask_missing = mask_missing
        self.indicator = indicator
        self.out_channels = 2 * n_channels if mask_missing else n_channels
        self.register_buffer("mean", torch.zeros(n_channels, 1))
        self.register_buffer("deviation", torch.ones(n_channels, 1))

    @property
    def causal(self) -> bool:
        """Whether what it gives for a time step needs no later ones."""
        return self.mode == "dataset" and not self.mask_missing

    def learn(self, values: Sequence[AnyArray], weights: Float64Array) -> None:
        """Take mean and deviation from records ``(channels, time_i)``, each counted ``weights[i]`` times."""
        if self.mode == "record":
            return
        if self.mask_missing:
            mean, deviation = _observed_statistics(values, weights)
            self._remember(mean, deviation)
            return
        total = float(sum(weight * value.shape[1] for weight, value in zip(weights, values, strict=True)))
        pairs = list(zip(weights, values, strict=True))
        mean = sum(weight * value.sum(1, dtype=np.float64) for weight, value in pairs) / total
        # A second pass: the difference of two large sums would lose small variances on top of large means.
        square = sum(weight * np.square(value - mean[:, None]).sum(1) for weight, value in pairs)
        self._remember(mean, np.sqrt(square / total))

    def _remember(self, mean: Float64Array, deviation: Float64Array) -> None:
        # Relative to the level: a field of 1e-13 tesla is no constant.
        constant = deviation <= 1e-7 * np.abs(mean)
        self.mean = torch.as_tensor(mean[:, None], dtype=self.mean.dtype)
        self.deviation = torch.as_tensor(np.where(constant, 1.0, deviation)[:, None], dtype=self.deviation.dtype)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalize ``(batch, channels, time)``."""
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        if self.mask_missing:
            return self._normalize_observed(x, mask)
        if self.mode == "dataset":
            return hide_padding((x - self.mean) / self.deviation, mask)
        count = x.shape[2] if lengths is None else lengths[:, None, None]
        level = x.sum(2, keepdim=True) / count
        centred = hide_padding(x - level, mask)
        # Once more, for what rounding left of a high level.
        centred = hide_padding(centred - centred.sum(2, keepdim=True) / count, mask)
        return _scale(centred, level, count)

    def _normalize_observed(self, x: Tensor, mask: Tensor | None) -> Tensor:
        observed = find_observed(x, mask)
        if self.mode == "dataset":
            return _fill_and_tell((x - self.mean) / self.deviation, observed, mask, self.indicator)
        count = observed.sum(2, keepdim=True).clamp(min=1)
        level = torch.where(observed, x, 0.0).sum(2, keepdim=True) / count
        centred = torch.where(observed, x - level, 0.0)
        centred = torch.where(observed, centred - centred.sum(2, keepdim=True) / count, 0.0)
        return _fill_and_tell(_scale(centred, level, count), observed, mask, self.indicator)

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        masked = ", mask_missing=True" if self.mask_missing else ""
        return f"{self.mean.shape[0]}, mode={self.mode!r}{masked}"


def _fill_and_tell(x: Tensor, observed: Tensor, mask: Tensor | None, indicator: float) -> Tensor:
    """Fill the gaps, and append ``indicator`` where a value was observed: ``(batch, 2 * channels, time)``."""
    return torch.cat([fill_gaps(x, observed, mask), observed.to(x.dtype) * indicator], dim=1)


def _scale(centred: Tensor, level: Tensor, count: Tensor | int) -> Tensor:
    """Divide each record by its own deviation, unless that is zero beside its level."""
    deviation = (centred.square().sum(2, keepdim=True) / count).sqrt()
    return centred / torch.where(deviation > 1e-7 * level.abs(), deviation, 1.0)


def _observed_statistics(values: Sequence[AnyArray], weights: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return mean and deviation of what is not NaN, ``(channels,)`` each; 0 and 0 for what was never observed."""
    count = total = square = np.zeros(values[0].shape[0])
    for weight, value in zip(weights, values, strict=True):
        observed = ~np.isnan(value)
        count = count + weight * observed.sum(1)
        total = total + weight * value.sum(1, dtype=np.float64, where=observed)
    mean = total / np.where(count > 0, count, 1.0)
    for weight, value in zip(weights, values, strict=True):
        square = square + weight * np.square(value - mean[:, None]).sum(1, where=~np.isnan(value))
    return mean, np.sqrt(square / np.where(count > 0, count, 1.0))


class PassThrough(Rebuildable):
    """Gives its input on as it is, for what needs no normalization.

    Shape: ``(batch, channels, time)`` to the same, or to twice the channels with ``mask_missing``.

    Parameters
    ----------
    n_channels
        Channels of the input.
    mask_missing
        Whether NaN is absent: a line is drawn through each gap, and an indicator for each channel is appended. A
        record's channel without any value becomes zero.
    indicator
        What an indicator says where a value was observed; it is 0 elsewhere.
    """

    def __init__(self, n_channels: int, *, mask_missing: bool = False, indicator: float = 1.0) -> None:
        super().__init__()
        self.mask_missing = mask_missing
        self.indicator = indicator
        self.out_channels = 2 * n_channels if mask_missing else n_channels

    @property
    def causal(self) -> bool:
        """Whether what it gives for a time step needs no later ones: a line through a gap needs its end."""
        return not self.mask_missing

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return ``x``."""
        if not self.mask_missing:
            return x
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        return _fill_and_tell(x, find_observed(x, mask), mask, self.indicator)


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
