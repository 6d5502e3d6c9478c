"""Random dilated shapelets: how near a short pattern from one record comes to another, where, and how often.

Guillaume, Vrain and Elloumi (2022), "Random Dilated Shapelet Transform: a new approach for time series shapelets",
arXiv 2109.13514.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._checks import check_integer, check_number
from seqcnn._types import IntegerArray
from seqcnn.encoders.features import FeatureEncoder

_N_STATISTICS = 3
_VALUES, _VALUES_ELSEWHERE = 2**17, 2**25
"""Likenesses that are worked on at a time: on a CPU they stay in the second-level cache."""
_FLAT = 1e-6
"""A window whose deviation is a smaller share of its largest value is flat but for rounding."""
_EQUAL = 4e-6
"""A squared distance of this share of the squared norm is none: about 32 roundings in single precision."""
_FAR = -1e30
"""The likeness of a place that does not count."""


@dataclass(frozen=True)
class _Group:
    """The shapelets of one dilation and kind, which are compared in one matrix product."""

    dilation: int
    is_normalized: bool
    rows: slice


class RandomDilatedShapelets(FeatureEncoder):
    """Patterns cut from the training records, and three statistics of how they match a record.

    A shapelet is a few steps of a training record, some apart. Its distance to a record's window at each place is a
    dilated convolution but for the norms of the two: ``|w - s|^2 = |w|^2 - 2 w.s + |s|^2``. Its features are the least
    distance, the mean place of it, and at how many places the distance is below a threshold. Most shapelets compare
    shapes only: they and each window are brought to mean zero and deviation one, each channel by itself.

    NOTE differences from the paper:

    - The distance is Euclidean, which convolves; the paper's is Manhattan.
    - The threshold is a percentile of the distances to another record of any class, since labels are not known here;
      the paper takes one of the shapelet's own class.
    - As in the authors' later code, shapelets of one dilation that share more than half of their steps are not drawn
      twice, so that a small training set gives fewer shapelets than were asked for; a shapelet reads all channels.
    - Records may be of unequal length: see :class:`seqcnn.encoders.FeatureEncoder`.
    - Features stand in the order distance, place, count.

    Parameters
    ----------
    in_channels
        Channels of the input; each shapelet reads all.
    n_shapelets
        The most shapelets.
    length
        Steps of a shapelet; fewer where the records' median length is below twice as many.
    normalized_share
        Share of shapelets that compare shapes only.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``, three for each shapelet that was found.

    Examples
    --------
    >>> encoder = RandomDilatedShapelets(1, n_shapelets=20)
    >>> x = torch.randn(5, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape
    torch.Size([5, 60])
    """

    minimum_length = 3
    patterns: Tensor
    levels: Tensor
    dilations: Tensor
    normalized: Tensor
    n_taps: Tensor
    center: Tensor

    def __init__(
        self, in_channels: int, *, n_shapelets: int = 10_000, length: int = 11, normalized_share: float = 0.8
    ) -> None:
        super().__init__()
        caller = "RandomDilatedShapelets"
        check_integer("n_shapelets", n_shapelets, minimum=1, caller=caller)
        check_integer("length", length, minimum=2, caller=caller)
        check_number("normalized_share", normalized_share, minimum=0, maximum=1, caller=caller)
        self.in_channels, self.n_shapelets, self.length = in_channels, n_shapelets, length
        self.normalized_share = normalized_share
        # (shapelet, channel, tap), zero behind the taps in use
        self.register_buffer("patterns", torch.zeros(0, in_channels, length))
        # Of each shapelet: the likeness from which on it occurs, its dilation, whether it compares shapes only.
        self.register_buffer("levels", torch.zeros(0))
        self.register_buffer("dilations", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("normalized", torch.zeros(0, dtype=torch.bool))
        self.register_buffer("n_taps", torch.zeros(0, dtype=torch.int64))
        # What is taken from every value, so that sums of squares keep their digits.
        self.register_buffer("center", torch.zeros(in_channels))
        self._groups: list[_Group] = []

    @property
    def n_features(self) -> int:
        """Numbers out; 0 before the encoder is prepared."""
        return len(self.patterns) * _N_STATISTICS

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder has its shapelets."""
        return len(self.patterns) > 0

    def _buffers_changed(self) -> None:
        """Find the groups: the shapelets stand in their order."""
        kinds = torch.stack([self.dilations, self.normalized.long()], 1).cpu()
        kinds, counts = torch.unique_consecutive(kinds, dim=0, return_counts=True)
        ends = counts.cumsum(0)
        self._groups = [
            _Group(int(dilation), bool(kind), slice(int(end - count), int(end)))
            for (dilation, kind), count, end in zip(kinds, counts, ends, strict=True)
        ]
        self._taps = int(self.n_taps[0]) if len(self.n_taps) else 0

    # What follows speaks of the likeness of a window and a shapelet, w.s - |w|^2 / 2, which is |s|^2 / 2 less half the
    # squared distance: a matrix product, with the second term as a channel of its own.

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        generator = np.random.default_rng(seed)
        median = int(lengths.median())
        n_taps = min(self.length, max(2, median // 2))
        widest = max(1, (median - 1) // (n_taps - 1))
        dilations = (2 ** generator.uniform(0, np.log2(widest), self.n_shapelets)).astype(np.int64)
        normalized = generator.random(self.n_shapelets) < self.normalized_share
        self._taps = n_taps
        self.n_taps = torch.tensor([n_taps], device=x.device)
        self.center = (x.sum((0, 2)) / lengths.sum()).to(self.center)
        centered = self._centered(x, lengths)
        parts: list[tuple[Tensor, Tensor, IntegerArray, IntegerArray]] = []
        for dilation, kind in sorted(set(zip(dilations.tolist(), normalized.tolist(), strict=True))):
            wanted = int(((dilations == dilation) & (normalized == kind)).sum())
            records, places = _draw_places(
                lengths.cpu().numpy(), wanted, reach=(n_taps - 1) * dilation, dilation=dilation, n_taps=n_taps,
                generator=generator,
            )  # fmt: skip
            group = _Group(dilation, kind, slice(0))
            patterns = torch.cat(
                [
                    self._windows_at(centered, rows, starts, group)
                    for rows, starts in zip(_pieces(records, 1024), _pieces(places, 1024), strict=True)
                ]
            )
            levels = self._draw_levels(centered, lengths, patterns, records, group, generator)
            found = np.full(len(records), dilation), np.full(len(records), kind)
            parts.append((patterns, levels, *found))
        patterns, levels = (torch.cat(tensors) for tensors in list(zip(*parts, strict=True))[:2])
        self.patterns = F.pad(patterns, (0, self.length - n_taps)).to(self.patterns)
        self.levels = levels.to(self.levels)
        self.dilations = torch.from_numpy(np.concatenate([part[2] for part in parts])).to(x.device)
        self.normalized = torch.from_numpy(np.concatenate([part[3] for part in parts])).to(x.device)

    def _centered(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        centered = x - self.center.to(x)[:, None]
        if lengths is not None:
            behind = torch.arange(x.shape[2], device=x.device) >= lengths[:, None]
            centered = centered.masked_fill_(behind[:, None], 0.0)
        return centered

    def _windows_at(self, x: Tensor, records: IntegerArray, places: IntegerArray, group: _Group) -> Tensor:
        """Return single windows, ``(n, channels, taps)``."""
        steps = torch.from_numpy(places)[:, None] + torch.arange(self._taps) * group.dilation
        # A record shorter than the window goes on as zeros.
        reach = (self._taps - 1) * group.dilation
        padded = F.pad(x, (0, max(0, reach + 1 - x.shape[2])))
        windows = padded[torch.from_numpy(records).to(x.device)[:, None], :, steps.to(x.device)]
        return (_normalize_(windows) if group.is_normalized else windows).transpose(1, 2)

    def _draw_levels(
        self,
        x: Tensor,
        lengths: Tensor,
        patterns: Tensor,
        records: IntegerArray,
        group: _Group,
        generator: np.random.Generator,
    ) -> Tensor:
        """Draw what counts as an occurrence, between the 5 % and the 10 % of another record that are most alike."""
        n_records, n_patterns = len(x), len(patterns)
        others = (records + generator.integers(1, max(2, n_records), n_patterns)) % n_records
        mix = torch.from_numpy(generator.random(n_patterns)).to(x)
        n_places = self._n_places(lengths, group)
        levels = []
        step = max(1, 2**21 // (x.shape[2] * (patterns[0].numel() + 1)))
        for rows, some, weight in zip(
            _pieces(others, step), torch.split(patterns, step), torch.split(mix, step), strict=True
        ):
            chosen = torch.from_numpy(rows).to(x.device)
            windows = self._windows(x[chosen], n_places[chosen], group)
            likeness = windows.mul_(_with_one(some).T[..., None]).sum(0)
            top = likeness.topk(int(np.ceil(0.1 * (likeness.shape[1] - 1))) + 1).values
            low, high = (_at(top, share * (n_places[chosen] - 1)) for share in (0.1, 0.05))
            levels.append(torch.lerp(low, high, weight))
        return torch.cat(levels)

    def _n_places(self, lengths: Tensor, group: _Group) -> Tensor:
        return (lengths - (self._taps - 1) * group.dilation).clamp_min(1)

    def _windows(self, x: Tensor, n_places: Tensor | None, group: _Group) -> Tensor:
        """Return the windows at all places, ``(channels * taps + 1, batch, places)``.

        The last row is minus half the squared norm. A place that does not count has a likeness of ``_FAR``.
        """
        reach = (self._taps - 1) * group.dilation
        most = max(1, x.shape[2] - reach)
        padded = F.pad(x, (0, most + reach - x.shape[2]))
        taps = padded.unfold(2, reach + 1, 1)[..., :: group.dilation].permute(1, 3, 0, 2)
        windows = x.new_empty(self.in_channels * self._taps + 1, len(x), most)
        inner = windows[:-1].view(taps.shape)
        inner.copy_(taps)
        if group.is_normalized:
            _normalize_(inner)
        norms = torch.sum(windows[:-1].square(), 0, out=windows[-1])
        norms.mul_(-0.5)
        if n_places is not None:
            norms.masked_fill_(torch.arange(most, device=x.device) >= n_places[:, None], _FAR)
        return windows

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        x = self._centered(x, lengths)
        patterns = _with_one(self.patterns[..., : self._taps].to(x))
        levels = self.levels.to(x)
        features = x.new_empty(len(x), _N_STATISTICS, len(patterns))
        # Fresh memory for each tile would cost as much as the arithmetic.
        memory = x.new_empty(2, 0)
        steps = torch.arange(x.shape[2], dtype=x.dtype, device=x.device)
        places = torch.stack([torch.ones_like(steps), steps])
        for group in self._groups:
            windows = self._windows(x, None if lengths is None else self._n_places(lengths, group), group)
            n_places = windows.shape[2]
            for rows, columns in self._tiles(len(x), n_places, group, x):
                part, some = windows[:, rows].flatten(1).T, patterns[columns].T
                n_values = part.shape[0] * some.shape[1]
                if memory.shape[1] < n_values:
                    memory = x.new_empty(2, n_values)
                likeness, other = memory[:, :n_values].view(2, -1, n_places, some.shape[1])
                torch.mm(part, some, out=likeness.view(len(part), -1))
                _summarise(likeness, levels[columns], places[:, :n_places], other, features[rows, :, columns])
        features[:, 0] = _distances(features[:, 0], patterns)
        return features.flatten(1)

    def _tiles(self, n_records: int, n_places: int, group: _Group, x: Tensor) -> Iterator[tuple[slice, slice]]:
        """Yield records and shapelets that are worked on at a time."""
        values = _VALUES if x.device.type == "cpu" else _VALUES_ELSEWHERE
        n_columns = group.rows.stop - group.rows.start
        wide = min(n_columns, max(64, values // n_places))
        tall = max(1, values // (n_places * wide))
        for row in range(0, n_records, tall):
            for column in range(group.rows.start, group.rows.stop, wide):
                yield slice(row, row + tall), slice(column, min(column + wide, group.rows.stop))

    def _trace(self, x: Tensor) -> Tensor:
        x = x - self.center.to(x)[:, None]
        n_steps = x.shape[2]
        patterns = _with_one(self.patterns[..., : self._taps].to(x))
        best, place, count = [], [], []
        for group in self._groups:
            reach = (self._taps - 1) * group.dilation
            padded = F.pad(x, (0, reach))
            taps = torch.stack([padded[..., tap * group.dilation :][..., :n_steps] for tap in range(self._taps)], 1)
            windows = (_normalize_(taps) if group.is_normalized else taps).permute(0, 3, 2, 1).flatten(2)
            places = torch.arange(n_steps, device=x.device)
            # The last place at which the shapelet fits, or the first of a record that is too short.
            counts = (places <= n_steps - 1 - reach) | (places == 0)
            mine = patterns[group.rows]
            likeness = torch.matmul(windows, mine[:, :-1].T) - windows.square().sum(2, keepdim=True) / 2
            likeness = torch.where(counts[:, None], likeness, _FAR)
            best.append(likeness.amax(1))
            hits = (likeness == best[-1][:, None]).to(x.dtype)
            place.append((hits * places[:, None]).sum(1) / hits.sum(1))
            count.append((likeness > self.levels[group.rows].to(x)).to(x.dtype).sum(1))
        return torch.cat([_distances(torch.cat(best, 1), patterns), *place, *count], 1)

    def _records_at_once(self, x: Tensor) -> int:
        values = _VALUES if x.device.type == "cpu" else _VALUES_ELSEWHERE
        return max(1, 4 * values // (x.shape[2] * (self.in_channels * self._taps + 1)))


def _summarise(likeness: Tensor, levels: Tensor, places: Tensor, memory: Tensor, into: Tensor) -> None:
    """Write the largest likeness, its mean place, and the number of places above the level.

    Of ``(batch, places, shapelets)`` into ``(batch, 3, shapelets)``. Products with 0 and 1 find place and number at the
    speed of memory; an index carried along with the largest value takes ten times as long.

    Parameters
    ----------
    likeness, levels
        What is summarised; ``(shapelets,)``.
    places
        ``(2, places)``: ones, and the number of each place.
    memory
        Is overwritten; of the shape of ``likeness``.
    into
        Is written.
    """
    best = torch.amax(likeness, 1, keepdim=True)
    into[:, 0] = best[:, 0]
    into[:, 2] = torch.matmul(places[0], torch.gt(likeness, levels, out=memory))
    ties, total = torch.matmul(places, torch.eq(likeness, best, out=memory)).unbind(1)
    torch.div(total, ties, out=into[:, 1])


def _distances(likeness: Tensor, patterns: Tensor) -> Tensor:
    """Return the distances behind likenesses, ``(batch, shapelets)``."""
    norms = patterns[:, :-1].square().sum(1)
    squared = norms - 2 * likeness
    # What is left of two equal windows is rounding, which a root would make large.
    return torch.where(squared > _EQUAL * norms, squared, 0.0).sqrt()


def _normalize_(windows: Tensor) -> Tensor:
    """Bring each window, along the second axis, to mean zero and deviation one, in place; a flat one to zero."""
    largest = torch.maximum(windows.amax(1, keepdim=True), -windows.amin(1, keepdim=True))
    # From the first tap: rounding leaves exactly nothing of a window of equal values.
    windows.sub_(windows[:, :1].clone())
    windows.sub_(windows.mean(1, keepdim=True))
    deviation = windows.square().mean(1, keepdim=True).sqrt_()
    return windows.mul_(torch.where(deviation > _FLAT * largest, 1 / deviation, 0.0))


def _with_one(patterns: Tensor) -> Tensor:
    """Return ``(n, channels * taps + 1)``: the factor of a window's last channel is one."""
    return F.pad(patterns.flatten(1), (0, 1), value=1.0)


def _at(sorted_values: Tensor, position: Tensor) -> Tensor:
    """Return the values at positions between whole ones, ``(n,)`` of ``(n, columns)``."""
    lower = position.floor()
    values = sorted_values.gather(1, torch.stack([lower, position.ceil()], 1).long())
    return torch.lerp(values[:, 0], values[:, 1], (position - lower).to(values))


def _pieces(values: IntegerArray, size: int) -> list[IntegerArray]:
    return [values[first : first + size] for first in range(0, len(values), size)]


def _draw_places(
    lengths: IntegerArray, wanted: int, *, reach: int, dilation: int, n_taps: int, generator: np.random.Generator
) -> tuple[IntegerArray, IntegerArray]:
    """Draw where shapelets of one dilation begin: record and place of each, as many as there are, ``wanted`` at most.

    No two share more than half of their steps.
    """
    n_places = np.maximum(lengths - reach, 0)
    if not n_places.any():
        n_places = np.ones_like(lengths)
    ends = np.cumsum(n_places)
    total = int(ends[-1])
    # Few are taken of many: what is drawn twice is skipped.
    candidates = generator.permutation(total) if total < 64 * wanted else generator.integers(0, total, 2 * wanted)
    records = np.searchsorted(ends, candidates, side="right")
    begins = ends - n_places
    free = np.ones(total, dtype=bool)
    near = (n_taps - max(1, n_taps // 2) - 1) * dilation
    chosen = []
    for index, (candidate, record) in enumerate(zip(candidates.tolist(), records.tolist(), strict=True)):
        if free[candidate]:
            begin, end = int(begins[record]), int(ends[record])
            first = candidate - min(near, (candidate - begin) // dilation * dilation)
            free[first : min(end, candidate + near + 1) : dilation] = False
            chosen.append(index)
            if len(chosen) == wanted:
                break
    return records[chosen], (candidates - begins[records])[chosen]
