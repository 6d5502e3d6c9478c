"""QUANT: quantiles of fixed intervals, for what depends on when something happens.

Dempster, Schmidt and Webb (2024), "QUANT: a minimalist interval method for time series classification",
arXiv 2308.00928.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._types import IntegerArray
from seqcnn.encoders.features import FeatureEncoder

_BLOCK, _BLOCK_ELSEWHERE = 2**18, 2**24
"""Time steps, over all channels, that are worked on at a time: on a CPU they stay in the second-level cache."""


class _Level(NamedTuple):
    """The intervals of one width, a share of a view's length, in all views, side by side.

    Each has a view, a position among the intervals of this view, whether it is shifted by half a width, and a count of
    quantiles.
    """

    n_intervals: int
    views: tuple[int, ...]
    positions: tuple[int, ...]
    shifted: tuple[bool, ...]
    counts: tuple[int, ...]


class Quant(FeatureEncoder):
    """Sorts the values of fixed intervals and takes every fourth, of the series and of three views of it.

    The views are the first difference, smoothed by a mean of five, the second difference, and the amplitudes of the
    Fourier transform. Each is cut into 1, 2, 4, ... intervals of equal width, and once more shifted by half a width. An
    interval of ``m`` values gives ``1 + (m - 1) // divisor`` quantiles, evenly spaced from the least to the largest; a
    single one is the median. From every second quantile the mean of the interval is taken away: so half of them tell
    the level, half the shape. Trees stand behind it: a feature means something beside a threshold, and sums of them
    mean little.

    NOTE differences from the paper:

    - Records may be of any length: intervals are shares of a record's own length, and how many there are and how many
      quantiles are taken of each is settled by the median length of the training records. A record of this length gives
      what the paper says. An interval is never empty: of a record shorter than the number of intervals, several hold
      the same value.
    - Of several channels, each gives its features, which stand side by side.

    Parameters
    ----------
    in_channels
        Channels of the input.
    depth
        How often intervals are halved, the whole record counted: the narrowest is a 2**(depth - 1)-th of it.
    divisor
        So many values of an interval give a quantile.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``, about ten for each time step of the median record
    and channel. They stand in the order channel, width, view, interval, quantile.

    Examples
    --------
    >>> encoder = Quant(1, depth=2)
    >>> x = torch.arange(8.0).reshape(1, 1, 8)
    >>> encoder.prepare(x)
    >>> encoder(x)[0, :4].tolist()  # the least value, the largest less the mean; of the smoothed difference likewise
    [0.0, 3.5, 1.0, 0.0]
    >>> encoder.n_features
    20
    """

    minimum_length = 3
    minimum_reason: ClassVar[str] = "the span of a second difference"
    taken: ClassVar[str] = "its intervals"
    head: ClassVar[Literal["ridge", "trees"]] = "trees"
    slides: ClassVar[bool] = False
    length: Tensor

    def __init__(self, in_channels: int, *, depth: int = 6, divisor: int = 4) -> None:
        super().__init__()
        self.in_channels, self.depth, self.divisor = in_channels, depth, divisor
        # One row once it is prepared: the median length, a number that is exact in every precision.
        self.register_buffer("length", torch.zeros(0))
        self._levels: list[_Level] = []

    @property
    def n_features(self) -> int:
        """Numbers out; 0 before the encoder is prepared."""
        return self.in_channels * sum(sum(level.counts) for level in self._levels)

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder knows how long records are."""
        return len(self.length) > 0

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        self.length = lengths.median().reshape(1).to(self.length)

    def _buffers_changed(self) -> None:
        if self.is_prepared:
            length = max(self.minimum_length, int(self.length))
            sizes = [length, length - 1, length - 2, length // 2 + 1]
            self._levels = [self._cut(sizes, 2**level) for level in range(min(self.depth, int(math.log2(length)) + 1))]

    def _cut(self, sizes: list[int], n_intervals: int) -> _Level:
        """Cut views of these sizes into so many intervals each."""
        intervals: list[tuple[int, int, bool, int]] = []
        for view, size in enumerate(sizes):
            if size < n_intervals:
                continue
            ends = [position * size // n_intervals for position in range(n_intervals + 1)]
            widths = [end - start for start, end in pairwise(ends)]
            counts = [1 + (width - 1) // self.divisor for width in widths]
            intervals += [(view, position, False, count) for position, count in enumerate(counts)]
            if n_intervals > 1 and sorted(widths)[(n_intervals - 1) // 2] > 1:
                intervals += [(view, position, True, count) for position, count in enumerate(counts[:-1])]
        return _Level(n_intervals, *zip(*intervals, strict=True))

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            return self._take(x, torch.fft.rfft(x).abs())
        features = x.new_empty(len(x), self.n_features)
        for length in torch.unique(lengths).tolist():
            rows = (lengths == length).nonzero()[:, 0]
            # A batch has more steps than this; single records need not, and a difference of nothing is zero.
            own = x[rows, :, : max(1, length)]
            features[rows] = self._take(own, torch.fft.rfft(own).abs())
        return features

    def _trace(self, x: Tensor) -> Tensor:
        # Exporters know no Fourier transform of any length: a product with waves.
        n_steps = x.shape[2]
        steps = torch.arange(n_steps, device=x.device)
        # The rest of a division by a length that is not known yet is one by a tensor.
        turns = (torch.arange(n_steps // 2 + 1, device=x.device)[:, None] * steps) % (steps[-1] + 1)
        angles = turns.to(x.dtype) * (2 * math.pi) / n_steps
        real, imaginary = (torch.matmul(x, waves.T) for waves in (angles.cos(), angles.sin()))
        return self._take(x, (real.square() + imaginary.square()).sqrt())

    def _take(self, x: Tensor, amplitudes: Tensor) -> Tensor:
        """Return the features of records that are nowhere padded."""
        first = x.diff(dim=2) if x.shape[2] > 1 else torch.zeros_like(x)
        second = first.diff(dim=2) if x.shape[2] > 2 else torch.zeros_like(x[..., :1])
        smooth = F.avg_pool1d(F.pad(first, (2, 2), "replicate"), 5, 1)
        views = (x, smooth, second, amplitudes)
        # As a tensor, lest an exporter reason about every sum of lengths that are not known yet.
        sizes = torch.stack([torch.arange(1, view.shape[2] + 1, device=x.device)[-1] for view in views])
        joined = torch.cat(views, 2)
        parts = [_quantiles(joined, sizes, x.shape[2], level) for level in self._levels]
        return torch.cat(parts, 2).flatten(1)

    def _records_at_once(self, x: Tensor) -> int:
        steps = _BLOCK if x.device.type == "cpu" else _BLOCK_ELSEWHERE
        return max(1, steps // (x.shape[1] * x.shape[2]))


def _quantiles(joined: Tensor, sizes: Tensor, n_steps: int, level: _Level) -> Tensor:
    """Return the quantiles of a level's intervals, ``(batch, channels, sum(level.counts))``.

    All places are whole numbers until the last step, so that an exported program finds the same ones.

    Parameters
    ----------
    joined
        The views, one behind the other, ``(batch, channels, sum(sizes))``.
    sizes
        Steps of each view, ``(n_views,)``.
    n_steps
        Of the first view, the longest.
    level
        The intervals.
    """
    device, n_intervals = joined.device, level.n_intervals
    view = torch.tensor(level.views, device=device)
    position = torch.tensor(level.positions, device=device)
    size, offset = sizes[view], (sizes.cumsum(0) - sizes)[view]
    shift = (size + 2 * n_intervals - 1) // (2 * n_intervals) * torch.tensor(level.shifted, device=device)
    starts, ends = position * size // n_intervals, (position + 1) * size // n_intervals
    ends = torch.minimum(torch.maximum(ends, starts + 1) + shift, size)
    starts = torch.minimum(starts + shift, size - 1)
    # (interval, value)
    places = starts[:, None] + torch.arange(n_steps // n_intervals + 1, device=device)
    inside = places < ends[:, None]
    values = joined[:, :, torch.minimum(places, size[:, None] - 1) + offset[:, None]]
    in_order = _sort(torch.where(inside, values, math.inf))

    interval, share, shares, odd = (torch.from_numpy(numbers).to(device) for numbers in _shares(level.counts))
    last = (ends - starts - 1)[interval]
    way = share * last
    low = way // shares
    weight = (way - low * shares).to(joined.dtype) / shares.to(joined.dtype)
    below = in_order[:, :, interval, low]
    quantiles = below + weight * (in_order[:, :, interval, torch.minimum(low + 1, last)] - below)
    mean = torch.where(inside, values, 0.0).sum(3) / (ends - starts).to(joined.dtype)
    return quantiles - odd.to(joined.dtype) * mean[:, :, interval]


@lru_cache(64)
def _shares(counts: tuple[int, ...]) -> tuple[IntegerArray, ...]:
    """Return of each quantile its interval, how far it lies from the least value to the largest, and whether it is odd.

    How far is a share of so many shares. A single quantile is the median: one of two.
    """
    numbers = np.array(counts)
    interval = np.repeat(np.arange(len(numbers)), numbers)
    number = np.arange(len(interval)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    single = numbers[interval] == 1
    return interval, np.where(single, 1, number), np.where(single, 2, numbers[interval] - 1), number % 2


def _sort(values: Tensor) -> Tensor:
    """Sort along the last axis. numpy uses a processor's wide instructions, and takes up to 30 times less long."""
    if values.device.type == "cpu" and not torch.compiler.is_exporting():
        return torch.from_numpy(np.sort(values.numpy(), -1))
    return values.sort(-1).values
