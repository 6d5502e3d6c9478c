"""The 84 kernels that MiniRocket and MultiRocket share, their dilations and biases, and how they are run fast.

Dempster, Schmidt and Webb (2021), "MiniRocket: a very fast (almost) deterministic transform for time series
classification", arXiv 2012.08791.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._types import AnyArray, IntegerArray
from seqcnn.encoders.features import GrowingBuffers

N_KERNELS = 84
N_TAPS = 9
_REACH = N_TAPS // 2
_MOST_CHANNELS = 9
"""The most channels a kernel adds up."""

_BLOCK, _BLOCK_ELSEWHERE = 2**17, 2**24
"""Values that are worked on at a time: on a CPU they stay in the second-level cache."""
_SHORTEST_LANE = 64
_GOLDEN_RATIO = (5**0.5 + 1) / 2


def kernel_weights() -> Tensor:
    """Return the kernels, ``(84, 9)``: each way to choose the three of nine taps that weigh 2; the others weigh -1.

    >>> kernel_weights()[0].tolist()
    [2.0, 2.0, 2.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
    """
    weights = torch.full((N_KERNELS, N_TAPS), -1.0)
    heavy = torch.tensor(list(combinations(range(N_TAPS), 3)))
    return weights.scatter_(1, heavy, 2.0)


def spread_dilations(n_timepoints: int, n_biases: int, max_dilations: int) -> tuple[IntegerArray, IntegerArray]:
    """Return dilations for records of this length, and how many of a kernel's biases each of them gets.

    Dilations grow exponentially until a kernel spans the record; those that round to the same whole number share.

    >>> dilations, counts = spread_dilations(100, 10, 32)
    >>> dilations.tolist(), counts.tolist()
    ([1, 2, 3, 4, 5, 7, 9, 12], [3, 1, 1, 1, 1, 1, 1, 1])
    """
    n_dilations = min(n_biases, max_dilations)
    largest = float(np.log2(max(1.0, (n_timepoints - 1) / (N_TAPS - 1))))
    steps = np.logspace(0, largest, n_dilations, base=2).astype(np.int32)
    dilations, counts = np.unique(steps, return_counts=True)
    counts = (counts * (n_biases / n_dilations)).astype(np.int64)
    # What rounding down left over goes to the first ones, one each.
    counts[: n_biases - counts.sum()] += 1
    return dilations.astype(np.int64), counts


def draw_channels(in_channels: int, n_combinations: int, random: np.random.RandomState) -> AnyArray:
    """Draw the channels that each kernel adds up: few more often than many, nine at most.

    Returns
    -------
    ndarray
        Boolean, ``(n_combinations, in_channels)``.
    """
    largest = np.log2(min(in_channels, _MOST_CHANNELS) + 1)
    chosen = np.zeros((n_combinations, in_channels), dtype=bool)
    for row, n_channels in zip(chosen, 2 ** random.uniform(0, largest, n_combinations), strict=True):
        row[random.choice(in_channels, int(n_channels), replace=False)] = True
    return chosen


@dataclass(frozen=True)
class Layout:
    """How the outputs of one dilation are laid out to be worked on.

    A row is one time step of all columns, and the columns are ``(lane, record, kernel)``. A record is one lane, or
    several stretches side by side where the batch has few records and many time steps: wide rows are fast rows.

    Attributes
    ----------
    start, n_steps
        Where each record's first output that counts lies, and how many there are, ``(batch, 1)``.
    origin
        Where the first lane begins.
    lane_length, n_lanes
        Time steps of a lane, and lanes of a record.
    steps
        The time step of each row in each lane, ``(lane_length, n_lanes, 1, 1)``.
    outside
        True where an output does not count, ``(lane_length, n_lanes, batch, 1)``, or None where all count.
    """

    start: Tensor
    n_steps: Tensor
    origin: int
    lane_length: int
    n_lanes: int
    steps: Tensor
    outside: Tensor | None

    @classmethod
    def of(cls, x: Tensor, lengths: Tensor | None, margin: int, n_lanes: int) -> Layout:
        """Lay out the outputs of a batch ``(batch, channels, time)``.

        A kernel without padding leaves out ``margin`` steps at either end, of records that are longer than that.
        """
        n_records, _, n_timepoints = x.shape
        if lengths is None:
            origin = margin if n_timepoints > 2 * margin else 0
            start = torch.full((n_records, 1), origin, device=x.device)
            stop = n_timepoints - start
            span = n_timepoints - 2 * origin
        else:
            start = torch.where(lengths > 2 * margin, margin, 0)[:, None]
            stop = lengths[:, None] - start
            origin = int(start.min())
            span = int(stop.max()) - origin
        lane_length = -(-span // n_lanes)
        steps = (
            origin + torch.arange(n_lanes * lane_length, device=x.device).view(n_lanes, lane_length).T[..., None, None]
        )
        outside = None
        if lengths is not None or n_lanes * lane_length > span:
            outside = (steps < start) | (steps >= stop)
        return cls(start, stop - start, origin, lane_length, n_lanes, steps, outside)


@dataclass(frozen=True)
class Responses:
    """What the kernels of one dilation answer to a batch, a block of time steps at a time.

    Attributes
    ----------
    biases
        ``(n_biases, columns)``.
    layout
        What the rows and columns are.
    outputs
        ``outputs(first, n_rows)`` gives rows, ``(n_rows, columns)``, that may be written into until the next call.
    """

    biases: Tensor
    layout: Layout
    outputs: Callable[[int, int], Tensor]

    def blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Yield blocks of rows and where they stand; what does not count is the lowest number there is."""
        length = self.layout.lane_length
        block = _BLOCK if self.biases.device.type == "cpu" else _BLOCK_ELSEWHERE
        n_blocks = -(-length // max(1, block // self.biases.shape[1]))
        n_rows = -(-length // n_blocks)
        for first in range(0, length, n_rows):
            place = slice(first, min(first + n_rows, length))
            rows = self.outputs(place.start, place.stop - place.start)
            if self.layout.outside is not None:
                self.hide(rows, self.layout.outside[place])
            yield place, rows

    def hide(self, rows: Tensor, where: Tensor) -> None:
        """Set rows to the lowest number there is where ``(n_rows, n_lanes, batch, 1)`` is True, in place."""
        if where.any():
            self.by_lane(rows).masked_fill_(where, torch.finfo(rows.dtype).min)

    def by_lane(self, columns: Tensor) -> Tensor:
        """View ``(n, columns)`` as ``(n, n_lanes, batch, kernels)``."""
        return columns.view(len(columns), self.layout.n_lanes, len(self.layout.start), -1)


Summary = Callable[[Responses], Tensor]
"""Gives ``(n_statistics, n_biases, batch, kernels)``."""

TracedSummary = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""Responses ``(batch, kernels, time)``, biases ``(n_biases, kernels, 1)``, the position of each step counted from the
first that counts ``(kernels, time)``, and how many count ``(kernels, 1)``, to ``(batch, n_statistics, n_biases,
kernels)``."""


class KernelBank(GrowingBuffers):
    """The 84 kernels at several dilations, each with some biases.

    A response is computed from differences to the middle tap, which changes nothing since the weights add up to zero,
    except that a flat stretch answers with an exact zero and not with rounding errors of either sign.

    Parameters
    ----------
    in_channels
        Channels of the input.
    n_biases
        Of each kernel, over all dilations.
    max_dilations
        The most dilations.
    """

    weights: Tensor
    dilations: Tensor
    counts: Tensor
    channels: Tensor
    biases: Tensor

    def __init__(self, in_channels: int, n_biases: int, max_dilations: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.n_biases = n_biases
        self.max_dilations = max_dilations
        self.register_buffer("weights", kernel_weights(), persistent=False)
        self.register_buffer("dilations", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("counts", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("channels", torch.zeros(0, N_KERNELS, in_channels, dtype=torch.bool))
        self.register_buffer("biases", torch.zeros(n_biases, N_KERNELS))
        self._plan: list[tuple[int, int]] = []

    @property
    def n_features(self) -> int:
        """Biases in all."""
        return self.n_biases * N_KERNELS

    @property
    def is_prepared(self) -> bool:
        """Whether there are dilations."""
        return len(self._plan) > 0

    def prepare(self, x: Tensor, lengths: Tensor, record_seed: int, channel_draws: np.random.RandomState) -> None:
        """Take dilations, channels and biases from ``(batch, in_channels, time)``.

        Parameters
        ----------
        x, lengths
            The records and their time steps.
        record_seed
            Seed of the records that are drawn: at each dilation, a kernel takes its biases from one record.
        channel_draws
            Draws the channels that each kernel adds up.
        """
        dilations, counts = spread_dilations(int(lengths.median()), self.n_biases, self.max_dilations)
        channels = draw_channels(self.in_channels, N_KERNELS * len(dilations), channel_draws)
        self.dilations = torch.from_numpy(dilations).to(x.device)
        self.counts = torch.from_numpy(counts).to(x.device)
        self.channels = torch.from_numpy(channels).view(len(dilations), N_KERNELS, -1).to(x.device)
        self._buffers_changed()
        drawn = torch.from_numpy(np.random.RandomState(record_seed).randint(len(x), size=channels.shape[0]))
        drawn = drawn.view(len(dilations), N_KERNELS).to(x.device)
        # A sequence that fills the interval evenly, however long it becomes; rounded as in the reference.
        levels = (np.arange(1, self.n_features + 1) * _GOLDEN_RATIO % 1).astype(np.float32)
        shares = np.split(levels, N_KERNELS * np.cumsum(counts)[:-1])
        biases = []
        for (dilation, _), records, members, share in zip(self._plan, drawn, self.channels, shares, strict=True):
            mixed = (x[records] * members[:, :, None]).sum(1)
            taps = F.pad(mixed, (_REACH * dilation, _REACH * dilation)).unfold(1, _span(dilation), 1)[..., ::dilation]
            answers = torch.einsum("ktj,kj->kt", taps - mixed[..., None], self.weights.to(x.dtype))
            quantiles = _quantiles(answers.cpu().numpy(), lengths[records].cpu().numpy(), share.reshape(N_KERNELS, -1))
            biases.append(quantiles.T)
        self.biases = torch.from_numpy(np.concatenate(biases)).to(self.biases)

    def summarise(
        self, x: Tensor, lengths: Tensor | None, summary: Summary, n_statistics: int, n_columns: int
    ) -> Tensor:
        """Run every kernel over a batch and summarise over time what it answers.

        Parameters
        ----------
        x, lengths
            ``(batch, in_channels, time)``, and the time steps of each record or None.
        summary
            Turns responses into statistics for each bias.
        n_statistics
            How many.
        n_columns
            Lanes and records that make a row wide enough.

        Returns
        -------
        Tensor
            ``(batch, n_statistics, n_biases, 84)``.
        """
        n_lanes = max(1, min(n_columns // len(x), x.shape[2] // _SHORTEST_LANE))
        margin = _REACH * max(dilation for dilation, _ in self._plan)
        # Time before records: a tap is a shifted view, and what it reads lies in one piece.
        padded = F.pad(x, (margin, margin + n_lanes)).permute(1, 2, 0).contiguous()
        summaries = x.new_empty(len(x), n_statistics, self.n_biases, N_KERNELS)
        row = 0
        for position, (dilation, count) in enumerate(self._plan):
            # Every other kernel is applied with padding, and at the next dilation the others are.
            for parity in (0, 1):
                kernels = slice(parity, None, 2)
                with_padding = parity == position % 2
                layout = Layout.of(x, lengths, 0 if with_padding else _REACH * dilation, n_lanes)
                seen = padded[:, margin - _REACH * dilation + layout.origin :]
                outputs = self._outputs(seen, self.channels[position, kernels], kernels, dilation, layout)
                biases = self.biases[row : row + count, None, kernels].to(x.dtype)
                responses = Responses(biases.expand(-1, n_lanes * len(x), -1).flatten(1), layout, outputs)
                summaries[:, :, row : row + count, kernels] = summary(responses).permute(2, 0, 1, 3)
            row += count
        return summaries

    def trace(self, x: Tensor, summary: TracedSummary) -> Tensor:
        """Do what :meth:`summarise` does without lengths, in operations that an exporter can follow."""
        sides = [tap for tap in range(N_TAPS) if tap != _REACH]
        parts, row = [], 0
        for position, (dilation, count) in enumerate(self._plan):
            margin = _REACH * dilation
            padded = F.pad(x, (margin, margin))
            near = torch.cat([padded[..., tap * dilation :][..., : x.shape[2]] - x for tap in sides], 1)
            matrix = (self.weights[:, sides, None].to(x.dtype) * self.channels[position, :, None]).flatten(1)
            steps = torch.arange(x.shape[2], device=x.device)
            inside = (steps >= margin) & (steps < x.shape[2] - margin)
            first = torch.where(inside.any(), margin, 0)
            without_padding = (torch.arange(N_KERNELS, device=x.device) + position) % 2
            start = (without_padding * first)[:, None]
            biases = self.biases[row : row + count].to(x.dtype)
            parts.append(summary(matrix @ near, biases[..., None], steps - start, x.shape[2] - 2 * start))
            row += count
        return torch.cat(parts, 2)

    def _outputs(
        self, seen: Tensor, members: Tensor, kernels: slice, dilation: int, layout: Layout
    ) -> Callable[[int, int], Tensor]:
        """Return the function that convolves; ``seen`` begins where the first output's first tap lies."""
        if self.in_channels > 1:
            used = members.any(0)
            seen, members = seen[used], members[:, used]
        n_records = seen.shape[2]
        length = layout.n_lanes * layout.lane_length
        taps = seen[:, : length + _span(dilation) - 1].unfold(1, _span(dilation), 1)[..., ::dilation]
        # (9, channels, row, lane, record)
        taps = torch.unflatten(taps, 1, (layout.n_lanes, layout.lane_length)).permute(4, 0, 2, 1, 3)
        weights = self.weights[kernels].to(seen.dtype)
        left, right = slice(0, _REACH), slice(_REACH + 1, None)
        matrix = torch.cat([weights[:, left], weights[:, right]], 1).T[:, None] * members.T
        matrix = matrix.flatten(0, 1)
        n_positions, n_kernels = layout.n_lanes * n_records, matrix.shape[1]
        # Fresh memory for each block would cost as much as the arithmetic.
        memory: dict[int, tuple[Tensor, Tensor]] = {}

        def outputs(first: int, n_rows: int) -> Tensor:
            block = taps[:, :, first : first + n_rows]
            middle = block[_REACH]
            if n_rows not in memory:
                rows = seen.new_empty(n_rows * n_positions, n_kernels)
                memory[n_rows] = seen.new_empty(N_TAPS - 1, *middle.shape), rows
            sides, rows = memory[n_rows]
            torch.sub(block[left], middle, out=sides[:_REACH])
            torch.sub(block[right], middle, out=sides[_REACH:])
            return torch.mm(sides.view(len(matrix), -1).T, matrix, out=rows).view(n_rows, n_positions * n_kernels)

        return outputs

    def _buffers_changed(self) -> None:
        self._plan = list(zip(self.dilations.tolist(), self.counts.tolist(), strict=True))


def _span(dilation: int) -> int:
    return (N_TAPS - 1) * dilation + 1


def _quantiles(values: AnyArray, lengths: AnyArray, levels: AnyArray) -> AnyArray:
    """Return quantiles of the first ``lengths[i]`` values of each row, between neighbours by a straight line.

    Shape: ``(rows, time)``, ``(rows,)`` and ``(rows, levels)`` to ``(rows, levels)``.
    """
    last = lengths[:, None] - 1
    # numpy sorts several times as fast as torch.
    ordered = np.sort(np.where(np.arange(values.shape[1]) <= last, values, np.inf).astype(values.dtype), axis=1)
    rank = last * levels.astype(np.float64)
    below = rank.astype(np.int64)
    low, high = (np.take_along_axis(ordered, at, 1).astype(np.float64) for at in (below, np.minimum(below + 1, last)))
    return low * (1 - (rank - below)) + high * (rank - below)
