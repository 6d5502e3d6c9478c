"""Random Fourier features: how near a whole record is to others, for what depends on when something happens.

Rahimi and Recht (2007), "Random Features for Large-Scale Kernel Machines"; Yu, Suresh, Choromanski, Holtmann-Rice and
Kumar (2016), "Orthogonal Random Features", arXiv 1610.09072.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn.encoders.features import FeatureEncoder

_N_VIEWS = 3
_WIDTHS = (0.3, 1.0, 3.0)
"""Squared widths of the Gaussian kernels, as shares of the median squared distance of two training records."""
_COMPARED = 512
"""So many training records at most are compared to find that median."""
_MOST_NUMBERS = 512
"""Time steps of a record, over all channels, that are looked at."""
_NUMBERS_AT_ONCE = 2**22


class RandomFourier(FeatureEncoder):
    """Multiplies the record, its first difference and its spectrum, each as a whole, with random waves.

    A record is brought to a fixed number of steps, by means over intervals of equal width. A kernel spans all of them
    and is applied once; the cosine of its answer, shifted at random, is a feature. The product of two records' features
    is on average a Gaussian kernel of their distance, so a ridge behind them is one on Gaussian kernels: records are
    alike that are near each other step by step. Kernels that slide summarise wherever something happens, and cannot see
    that. The kernels here are orthogonal in blocks, which takes away much of the chance.

    NOTE difference from the papers: each of the three views has a third of the features, and the kernels' widths are
    drawn from 0.3, 1 and 3 times the median squared distance of training records in this view.

    Parameters
    ----------
    in_channels
        Channels of the input.
    n_features
        Numbers out, rounded down to a multiple of three; at least three.
    n_steps
        Time steps that a record is brought to; fewer where the median training record has fewer, or where they were
        more than 512 over all channels.

    Raises
    ------
    ValueError
        If ``n_features`` is less than three.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``, in the order record, difference, spectrum.

    Examples
    --------
    >>> encoder = RandomFourier(1, n_features=300)
    >>> x = torch.randn(20, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape
    torch.Size([20, 300])
    """

    minimum_length = 3
    minimum_reason: ClassVar[str] = "the fewest that have a shape"
    taken: ClassVar[str] = "its kernels' widths"
    slides: ClassVar[bool] = False
    kernels: Tensor
    shifts: Tensor
    length: Tensor

    def __init__(self, in_channels: int, *, n_features: int = 8190, n_steps: int = 128) -> None:
        super().__init__()
        if n_features < _N_VIEWS:
            raise ValueError(
                f"The 'n_features' parameter of RandomFourier must be at least {_N_VIEWS}, one for each view. "
                f"Received: {n_features}. Pass more, such as 8190."
            )
        self.in_channels, self.n_steps = in_channels, n_steps
        # Once it is prepared, a kernel has a row for each number of each view, one view below the other. The length is
        # one row: how many steps a record is brought to, a number that is exact in every precision.
        self.register_buffer("kernels", torch.zeros(0, n_features // _N_VIEWS))
        self.register_buffer("shifts", torch.zeros(_N_VIEWS, n_features // _N_VIEWS))
        self.register_buffer("length", torch.zeros(0))
        self._steps = 0

    @property
    def n_features(self) -> int:
        """Numbers out."""
        return self.shifts.numel()

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder has its kernels."""
        return len(self.kernels) > 0

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        most = max(self.minimum_length, _MOST_NUMBERS // self.in_channels)
        self.length = torch.tensor([min(self.n_steps, most, int(lengths.median()))]).to(self.length)
        self._buffers_changed()
        rows = torch.randperm(len(x), generator=generator)[:_COMPARED].to(x.device)
        n_kernels = self.shifts.shape[1]
        kernels = []
        for view in self._look(x[rows], lengths[rows]):
            distances = torch.pdist(view.float()).square()
            # Records that are all alike have no distance; any width will do.
            typical = float(distances.median()) if len(distances) else 0.0
            widths = torch.tensor(_WIDTHS)[torch.randint(len(_WIDTHS), (n_kernels,), generator=generator)]
            kernels.append(_orthogonal(view.shape[1], n_kernels, generator) * (2 / (widths * (typical or 1.0))).sqrt())
        self.kernels = torch.cat(kernels).to(self.kernels)
        self.shifts = (2 * math.pi * torch.rand(_N_VIEWS, n_kernels, generator=generator)).to(self.shifts)

    def _buffers_changed(self) -> None:
        # A number that an exporter need not read from a tensor.
        self._steps = int(self.length.sum())

    def _look(self, x: Tensor, lengths: Tensor) -> list[Tensor]:
        """Return the views of records, each ``(batch, numbers)``."""
        n_steps = self._steps
        record = _shrink(x, lengths, n_steps)
        # A product with waves is what every exporter knows.
        turns = torch.arange(n_steps // 2 + 1, device=x.device)[:, None] * torch.arange(n_steps, device=x.device)
        angles = (turns % n_steps).to(x.dtype) * (2 * math.pi / n_steps)
        cosines, sines = (record @ waves.T for waves in (angles.cos(), angles.sin()))
        spectrum = (cosines.square() + sines.square()).sqrt()
        return [view.flatten(1) for view in (record, record.diff(dim=2), spectrum)]

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            # As a tensor, lest an exporter take the length that it sees for that of every record.
            lengths = torch.arange(1, x.shape[2] + 1, device=x.device)[-1:].expand(len(x))
        views = self._look(x, lengths)
        kernels = torch.split(self.kernels, [view.shape[1] for view in views])
        answers = [torch.addmm(*each) for each in zip(self.shifts, views, kernels, strict=True)]
        return torch.cat(answers, 1).cos()

    def _trace(self, x: Tensor) -> Tensor:
        return self._encode(x, None)

    def _records_at_once(self, x: Tensor) -> int:
        return max(1, _NUMBERS_AT_ONCE // (x.shape[1] * x.shape[2] + self.n_features))


def _shrink(x: Tensor, lengths: Tensor, n_steps: int) -> Tensor:
    """Return means over equal shares of each record, ``(batch, channels, n_steps)``; a share may be part of a step."""
    # Sums of what lies around zero keep their digits.
    level = x.mean(2, keepdim=True)
    sums = F.pad((x - level).cumsum(2), (1, 0))
    # (batch, n_steps + 1): where shares end, in shares of a step; whole numbers, so that no rounding moves them.
    ends = torch.arange(n_steps + 1, device=x.device) * lengths[:, None]
    whole = torch.div(ends, n_steps, rounding_mode="floor")
    share = ((ends - whole * n_steps).to(x.dtype) / n_steps)[:, None]
    place = whole[:, None].expand(-1, x.shape[1], -1)
    below = sums.gather(2, place)
    until = below + share * (sums.gather(2, (place + 1).clamp_max(sums.shape[2] - 1)) - below)
    return until.diff(dim=2) * (n_steps / lengths.to(x.dtype))[:, None, None] + level


def _orthogonal(n_numbers: int, n_kernels: int, generator: torch.Generator) -> Tensor:
    """Return random kernels in columns, orthogonal in blocks, each as long as one of independent normal numbers."""
    blocks = []
    for _ in range(-(-n_kernels // n_numbers)):
        directions, _ = torch.linalg.qr(torch.randn(n_numbers, n_numbers, generator=generator))
        blocks.append(directions * torch.randn(n_numbers, n_numbers, generator=generator).norm(dim=0))
    return torch.cat(blocks, 1)[:, :n_kernels]
