"""MultiRocket: MiniRocket's kernels on the series and on its differences, and four statistics of what they answer.

Tan, Dempster, Bergmeir and Webb (2022), "MultiRocket: multiple pooling operators and transformations for fast and
effective time series classification", arXiv 2102.00457.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn.encoders.features import FeatureEncoder
from seqcnn.encoders.rocket_kernels import N_KERNELS, KernelBank, Responses

_N_STATISTICS = 4
_N_VIEWS = 2


class MultiRocket(FeatureEncoder):
    """Four statistics for each bias of 84 dilated kernels, on the series and on its first difference.

    The statistics are the share of steps above the bias (PPV), the longest stretch that is not below it (LSPV), the
    mean of the values above it (MPV) and their mean position (MIPV).

    NOTE differences from the paper:

    - As in the authors' code, the bias is added to the mean of the values, not subtracted, and a stretch is measured
      from one step below the bias to the next, or to an end of the record.
    - In the authors' code, the four left taps of a kernel lie one step too near on the difference, and of several
      channels the difference is mixed as the series is and not as when its biases were taken. Here both are as they
      were when the biases were taken.
    - A response is computed from differences to the kernel's middle tap, as in :class:`seqcnn.encoders.MiniRocket`.
    - Records may be of unequal length: see :class:`seqcnn.encoders.FeatureEncoder`.
    - Features stand in the order series or difference, statistic, dilation, bias, kernel.

    Parameters
    ----------
    in_channels
        Channels of the input; each kernel adds up some of them at each dilation, nine at most.
    n_features
        Rounded down to a multiple of 672, for 84 kernels, two views of the record and four statistics; at least 672.
    max_dilations
        The most dilations of a kernel.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``.

    Examples
    --------
    >>> encoder = MultiRocket(1, n_features=1000)
    >>> x = torch.randn(5, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape
    torch.Size([5, 672])
    """

    minimum_length = 10

    def __init__(self, in_channels: int, *, n_features: int = 50_000, max_dilations: int = 32) -> None:
        super().__init__()
        self.in_channels = in_channels
        n_biases = max(1, n_features // (N_KERNELS * _N_VIEWS * _N_STATISTICS))
        self.series = KernelBank(in_channels, n_biases, max_dilations)
        self.difference = KernelBank(in_channels, n_biases, max_dilations)

    @property
    def n_features(self) -> int:
        """Numbers out."""
        return (self.series.n_features + self.difference.n_features) * _N_STATISTICS

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder has its dilations and biases."""
        return self.series.is_prepared and self.difference.is_prepared

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        channel_draws = np.random.RandomState(seed)
        self.series.prepare(x, lengths, seed, channel_draws)
        steps, _ = differences(x, lengths)
        self.difference.prepare(steps, (lengths - 1).clamp_min(1), seed, channel_draws)

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        n_columns = self._records_at_once(x)
        both = [
            bank.summarise(*view, four_statistics, _N_STATISTICS, n_columns)
            for bank, view in ((self.series, (x, lengths)), (self.difference, differences(x, lengths)))
        ]
        return torch.stack(both, 1).flatten(1)

    def _trace(self, x: Tensor) -> Tensor:
        both = [self.series.trace(x, traced_statistics), self.difference.trace(x.diff(dim=2), traced_statistics)]
        return torch.stack(both, 1).flatten(1)

    def _records_at_once(self, x: Tensor) -> int:
        return 256 if x.device.type == "cpu" else 4096


def differences(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Return the first difference of each record, zero behind its end, and its lengths."""
    steps = x.diff(dim=2)
    if lengths is None:
        return steps, None
    shorter = (lengths - 1).clamp_min(0)
    behind = torch.arange(steps.shape[2], device=x.device) >= shorter[:, None]
    return steps.masked_fill(behind[:, None], 0.0), shorter


def four_statistics(responses: Responses) -> Tensor:
    """Return PPV, LSPV, MPV and MIPV, ``(4, n_biases, batch, kernels)``."""
    layout, biases = responses.layout, responses.biases
    counts, sums, places = torch.zeros(3, *biases.shape, dtype=biases.dtype, device=biases.device)
    each = list(zip(biases.unbind(), counts.unbind(), sums.unbind(), places.unbind(), strict=True))
    stretches = _Stretches(responses)
    above = columns = ones = biases[:0]
    for place, rows in responses.blocks():
        if above.shape != rows.shape:
            above, ones = torch.empty_like(rows), rows.new_ones(len(rows))
            columns = above.T
        positions = torch.arange(place.start, place.stop, dtype=rows.dtype, device=rows.device)
        for bias, count, total, position in each:
            torch.gt(rows, bias, out=above)
            count.addmv_(columns, ones)
            position.addmv_(columns, positions)
            total.addmv_(columns.mul_(rows.T), ones)
        stretches.add(place, rows)
    counts_by_lane, places_by_lane = responses.by_lane(counts), responses.by_lane(places)
    # Positions were counted from the beginning of each lane; they are to be counted from the first step that counts.
    lane_starts = layout.steps[0, :, :, 0] - layout.start[:, 0]
    place_sum = (places_by_lane + counts_by_lane * lane_starts[..., None]).sum(1)
    count_sum = counts_by_lane.sum(1)
    some, divisor = count_sum > 0, count_sum.clamp_min(1)
    bias = responses.by_lane(biases)[:, 0]
    return torch.stack(
        [
            count_sum / layout.n_steps.clamp_min(1),
            stretches.longest(),
            torch.where(some, responses.by_lane(sums).sum(1) / divisor + bias, 0.0),
            torch.where(some, place_sum / divisor, -1.0),
        ]
    )


def traced_statistics(responses: Tensor, biases: Tensor, places: Tensor, n_steps: Tensor) -> Tensor:
    """Return PPV, LSPV, MPV and MIPV, ``(batch, 4, n_biases, kernels)``."""
    counts = (places >= 0) & (places < n_steps)
    values = responses[:, None]
    above = ((values > biases) & counts).to(values.dtype)
    count = above.sum(-1)
    some, divisor = count > 0, count.clamp_min(1)
    # Every step that ends a stretch opens a new one: the longest is the one of most steps.
    ends = (values < biases) | (places <= 0) | (places >= n_steps - 1)
    stretch = ends.long().cumsum(-1)
    sizes = F.pad(torch.zeros_like(above), (0, 1)).scatter_add(-1, stretch, torch.ones_like(above))
    mean = (above * values).sum(-1) / divisor + biases[..., 0]
    place = (above * places).sum(-1) / divisor
    return torch.stack(
        [count / n_steps[:, 0], sizes.amax(-1), torch.where(some, mean, 0.0), torch.where(some, place, -1.0)], 1
    )


class _Stretches:
    """The longest stretch of outputs that are not below a bias.

    With ``kept[t]`` one where output ``t`` is not below the bias and zero where it is, the steps since the last output
    below are ``reach[t + 1] = reach[t] * kept[t] + 1``, and the longest stretch is their maximum: two operations a step
    for all columns. The first and last output of a record end a stretch whatever they are.
    """

    def __init__(self, responses: Responses) -> None:
        self._responses = responses
        biases = responses.biases
        self._reach, self._best, self._kept = torch.zeros(3, *biases.shape, dtype=biases.dtype, device=biases.device)
        self._one = biases.new_ones(())
        layout = responses.layout
        self._several = layout.n_lanes > 1
        # Of a lane that begins inside the record: how far its first stretch goes, to be joined to what came before.
        self._lead, self._unbroken = torch.zeros_like(biases), torch.ones_like(biases)
        self._ends = None
        if layout.outside is not None or self._several:
            self._ends = (layout.steps <= layout.start) | (layout.steps >= layout.start + layout.n_steps - 1)

    def add(self, place: slice, rows: Tensor) -> None:
        """Go through the rows of a block, which are changed."""
        layout, biases = self._responses.layout, self._responses.biases
        stop = place.stop
        if self._ends is not None:
            self._responses.hide(rows, self._ends[place])
        elif stop == layout.lane_length:
            stop -= 1
        reach, best, kept = self._reach, self._best, self._kept
        for row in rows[: stop - place.start].unbind():
            torch.ge(row, biases, out=kept)
            torch.addcmul(self._one, reach, kept, out=reach)
            torch.maximum(best, reach, out=best)
            if self._several:
                self._unbroken.mul_(kept)
                self._lead.add_(self._unbroken)

    def longest(self) -> Tensor:
        """Return the longest stretch of each record, ``(n_biases, batch, kernels)``."""
        responses, layout = self._responses, self._responses.layout
        best, reach, lead, unbroken = map(responses.by_lane, (self._best, self._reach, self._lead, self._unbroken))
        longest, before = best[:, 0], reach[:, 0]
        for lane in range(1, layout.n_lanes):
            longest = torch.maximum(longest, torch.maximum(best[:, lane], before + lead[:, lane]))
            before = reach[:, lane] + before * unbroken[:, lane]
        return torch.minimum(longest, (layout.n_steps - 1).clamp_min(0).to(longest.dtype))
