"""ROCKET: random kernels of many lengths and dilations, the largest answer of each and how often it is positive.

Dempster, Petitjean and Webb (2020), "ROCKET: exceptionally fast and accurate time series classification using random
convolutional kernels", arXiv 1910.13051.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn.encoders.features import FeatureEncoder

_LENGTHS = (7, 9, 11)
_N_STATISTICS = 2
_MOST_CHANNELS = 9
_NUMBERS_AT_ONCE = 2**18


class _Group(NamedTuple):
    """Kernels that are one convolution."""

    length: int
    dilation: int
    is_padded: bool
    n_kernels: int
    channels: tuple[int, ...]

    @property
    def margin(self) -> int:
        """Steps from a kernel's middle to its end."""
        return (self.length - 1) * self.dilation // 2

    @property
    def n_weights(self) -> int:
        """Of all its kernels."""
        return self.n_kernels * len(self.channels) * self.length


class Rocket(FeatureEncoder):
    """Convolves each record, brought to mean zero and deviation one, with kernels of random weights and biases.

    Kernels have 7, 9 or 11 normal weights, whose mean is taken away, a bias between -1 and 1, and a dilation that is
    uniform on a logarithmic scale, until the kernel spans the median record; half of them begin and end where the
    record does, half beyond its ends, where it is zero. Each gives its largest answer and the share of positive ones.
    MiniRocket has two values for weights and takes its biases from the data; what is random here sees something else.

    NOTE differences from the paper:

    - Kernels are dealt evenly to lengths, dilations and paddings instead of drawing these for each, and dilations are
      ``max_dilations`` at most, so that many kernels are one convolution. These kernels read the same channels.
    - Records may be of unequal length: see :class:`seqcnn.encoders.FeatureEncoder`.
    - Features stand in the order length, padding, dilation, statistic, kernel.

    Parameters
    ----------
    in_channels
        Channels of the input; a kernel adds up some of them, nine at most.
    n_features
        Numbers out, two of each kernel: rounded down to an even number, at least two.
    max_dilations
        The most dilations of kernels of one length.

    Raises
    ------
    ValueError
        If ``n_features`` is less than two.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``.

    Examples
    --------
    >>> encoder = Rocket(1, n_features=200)
    >>> x = torch.randn(5, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape
    torch.Size([5, 200])
    """

    taken: ClassVar[str] = "its dilations"
    groups: Tensor
    weights: Tensor
    biases: Tensor

    def __init__(self, in_channels: int, *, n_features: int = 10_000, max_dilations: int = 32) -> None:
        super().__init__()
        if n_features < _N_STATISTICS:
            raise ValueError(
                f"The 'n_features' parameter of Rocket must be at least {_N_STATISTICS}, those of one kernel. "
                f"Received: {n_features}. Pass more, such as 10000."
            )
        self.in_channels, self.max_dilations = in_channels, max_dilations
        self.n_kernels = n_features // _N_STATISTICS
        # A row a group: length, dilation, whether it is padded, kernels, and its channels, -1 behind the last. Weights
        # stand one behind the other, kernel by kernel.
        self.register_buffer("groups", torch.zeros(0, 4 + _MOST_CHANNELS, dtype=torch.long))
        self.register_buffer("weights", torch.zeros(0))
        self.register_buffer("biases", torch.zeros(self.n_kernels))
        self._groups: list[_Group] = []

    @property
    def n_features(self) -> int:
        """Numbers out."""
        return self.n_kernels * _N_STATISTICS

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder has its kernels."""
        return len(self.groups) > 0

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        n_steps = max(self.minimum_length, int(lengths.median()))
        kinds = [
            (length, dilation, is_padded)
            for length in _LENGTHS
            for is_padded in (False, True)
            for dilation in self._dilations(length, n_steps)
        ]
        # Those that are left over go to kinds by chance, so that few kernels are of all kinds, too.
        counts = torch.full((len(kinds),), self.n_kernels // len(kinds))
        counts[torch.randperm(len(kinds), generator=generator)[: self.n_kernels % len(kinds)]] += 1
        groups: list[_Group] = []
        weights = []
        for kind, count in zip(kinds, counts.tolist(), strict=True):
            if not count:
                continue
            group = _Group(*kind, count, self._draw_channels(generator))
            drawn = torch.randn(count, len(group.channels), group.length, generator=generator)
            weights.append((drawn - drawn.mean(2, keepdim=True)).flatten())
            if groups and groups[-1]._replace(n_kernels=count) == group:
                # The same small dilation again: more kernels in one convolution.
                group = group._replace(n_kernels=groups.pop().n_kernels + count)
            groups.append(group)
        rows = [[*group[:4], *group.channels, *[-1] * (_MOST_CHANNELS - len(group.channels))] for group in groups]
        self.groups = torch.tensor(rows).to(self.groups)
        self.weights = torch.cat(weights).to(self.weights)
        self.biases = (2 * torch.rand(self.n_kernels, generator=generator) - 1).to(self.biases)

    def _dilations(self, length: int, n_steps: int) -> Sequence[int]:
        """Return dilations, evenly spaced on a logarithmic scale; the small ones, which are whole, come repeatedly."""
        octaves = max(0.0, math.log2((n_steps - 1) / (length - 1)))
        return [int(2 ** (octaves * place)) for place in torch.linspace(0, 1, self.max_dilations).tolist()]

    def _draw_channels(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw how many channels, uniformly on a logarithmic scale, and which."""
        octaves = math.log2(min(self.in_channels, _MOST_CHANNELS) + 1)
        count = int(2 ** (octaves * float(torch.rand((), generator=generator))))
        drawn = torch.randperm(self.in_channels, generator=generator)[:count]
        return tuple(drawn.sort().values.tolist())

    def _buffers_changed(self) -> None:
        self._groups = [
            _Group(row[0], row[1], bool(row[2]), row[3], tuple(channel for channel in row[4:] if channel >= 0))
            for row in self.groups.tolist()
        ]

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return self._convolve(x, lengths, traced=False)

    def _trace(self, x: Tensor) -> Tensor:
        return self._convolve(x, None, traced=True)

    def _convolve(self, x: Tensor, lengths: Tensor | None, *, traced: bool) -> Tensor:
        n_steps = x.shape[2]
        # As a tensor, lest an exporter take the length that it sees for that of every record.
        ends = torch.arange(1, n_steps + 1, device=x.device)[-1:] if lengths is None else lengths
        ends, places = ends[:, None, None], torch.arange(n_steps, device=x.device)
        x = _standardize(x, places < ends, ends)
        weights = torch.split(self.weights, [group.n_weights for group in self._groups])
        biases = torch.split(self.biases, [group.n_kernels for group in self._groups])
        features = []
        for group, weight, bias in zip(self._groups, weights, biases, strict=True):
            kernels = weight.view(group.n_kernels, len(group.channels), group.length)
            read = x if len(group.channels) == self.in_channels else x[:, list(group.channels)]
            margin = group.margin
            if lengths is None and not traced and not group.is_padded and n_steps > 2 * margin:
                answers = F.conv1d(read, kernels, bias, dilation=group.dilation)
                features += [answers.amax(2), (answers > 0).to(x.dtype).mean(2)]
                continue
            answers = F.conv1d(read, kernels, bias, padding=margin, dilation=group.dilation)
            if lengths is None and group.is_padded:
                features += [answers.amax(2), (answers > 0).to(x.dtype).mean(2)]
                continue
            # Without padding, a kernel that is longer than the record is applied with it.
            kept = torch.where(ends > 2 * margin, 0 if group.is_padded else margin, 0)
            inside = (places >= kept) & (places < ends - kept)
            share = ((answers > 0) & inside).to(x.dtype).sum(2) / (ends - 2 * kept)[:, :, 0]
            features += [torch.where(inside, answers, -math.inf).amax(2), share]
        return torch.cat(features, 1)

    def _records_at_once(self, x: Tensor) -> int:
        # The answers of one group stay in a processor's cache.
        n_kernels = max((group.n_kernels for group in self._groups), default=1)
        return max(1, _NUMBERS_AT_ONCE // (n_kernels * x.shape[2])) if x.device.type == "cpu" else 1024


def _standardize(x: Tensor, inside: Tensor, ends: Tensor) -> Tensor:
    """Bring each channel of each record to mean zero and deviation one, zero behind its end; a flat one is zero."""
    count = ends.to(x.dtype)
    mean = torch.where(inside, x, 0.0).sum(2, keepdim=True) / count
    centered = torch.where(inside, x - mean, 0.0)
    deviation = (centered.square().sum(2, keepdim=True) / count).sqrt()
    # What is left of a flat record are rounding errors.
    flat = deviation <= 1e-6 * mean.abs()
    return torch.where(flat, 0.0, centered / torch.where(flat, 1.0, deviation))
