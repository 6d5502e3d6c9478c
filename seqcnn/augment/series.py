"""Batches of series changed in training, as a :class:`~seqcnn.augment.SeriesAugmentation` says.

    crop and warp -> mixing -> amplitude -> noise -> masking

All chance comes from the numpy generator of a training: a few numbers a record, so that the same seed gives the same
numbers on every device; only noise is a number for every value.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._types import AnyArray
from seqcnn.augment.mixing import mix_lengths, mix_targets, mix_waves
from seqcnn.augment.series_settings import SeriesAugmentation
from seqcnn.layers.masking import hide_padding, length_mask

_KNOTS = 5
"""Of a warp: the speed is drawn at so many moments of a record, and goes in straight lines between them."""

_MIXUP_ALPHA = 0.2
"""Of the beta distribution that a share is drawn from: mostly near 0 or 1."""


class SeriesAugmenter:
    """Changes batches of series.

    Parameters
    ----------
    settings
        What is done.
    n_classes
        Where targets are class numbers, how many there are: mixed, they are probabilities. Otherwise None.

    Examples
    --------
    >>> from seqcnn.augment import SeriesAugmentation
    >>> change = SeriesAugmenter(SeriesAugmentation(warp=0.2, mixing="cutmix"), n_classes=3)
    >>> x, lengths, targets, weights = change(
    ...     torch.randn(4, 1, 100), None, torch.tensor([0, 1, 2, 0]), torch.ones(4), np.random.default_rng(0)
    ... )
    >>> x.shape, targets.shape
    (torch.Size([4, 1, 100]), torch.Size([4, 3]))
    """

    def __init__(self, settings: SeriesAugmentation, *, n_classes: int | None = None) -> None:
        self._settings = settings
        self._n_classes = n_classes

    def __call__(
        self, x: Tensor, lengths: Tensor | None, targets: Tensor, weights: Tensor, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Change a batch.

        Parameters
        ----------
        x, lengths
            ``(batch, channels, time)``, zero behind the lengths ``(batch,)``; None says that nothing is padded. NaN, a
            missing value, stays missing where time does not move, and where it does so do its neighbours.
        targets, weights
            Of each record: numbers of classes ``(batch,)`` or anything ``(batch, n)``, and ``(batch,)``.
        generator
            The source of chance.

        Returns
        -------
        tuple
            The same four, changed; with mixing, numbers of classes have become probabilities ``(batch, n_classes)``.
        """
        settings = self._settings
        if settings.crop or settings.warp:
            x = self._move(x, lengths, generator)
        if settings.mixing is not None:
            x, lengths, targets, weights = self._mix(x, lengths, targets, weights, generator)
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        if settings.amplitude or settings.noise or settings.mask:
            level = measure_level(x, mask)
            if settings.amplitude:
                factor = np.exp(generator.normal(0.0, settings.amplitude, len(x)))
                x = hide_padding(level + (x - level) * _tensor(factor, x)[:, None, None], mask)
            if settings.noise:
                drawn = _tensor(generator.standard_normal(tuple(x.shape), dtype=np.float32), x)
                deviation = measure_level((x - level).square(), mask).sqrt()
                x = hide_padding(torch.addcmul(x, drawn, deviation, value=settings.noise), mask)
            if settings.mask:
                x = torch.where(self._draw_stretches(x, lengths, settings.mask, generator), level, x)
        return x, lengths, targets, weights

    def _move(self, x: Tensor, lengths: Tensor | None, generator: np.random.Generator) -> Tensor:
        """Read each record at other moments."""
        n, settings = len(x), self._settings
        speeds = np.exp(generator.normal(0.0, settings.warp, (n, _KNOTS)))
        share = 1 - settings.crop * generator.random(n)
        start = (1 - share) * generator.random(n)
        last = _last_steps(x, lengths)
        moments = draw_moments(_tensor(speeds, x), last, x.shape[2])
        moments = last * _tensor(start, x)[:, None] + moments * _tensor(share, x)[:, None]
        return hide_padding(read_at(x, moments), None if lengths is None else length_mask(lengths, x.shape[2]))

    def _mix(
        self, x: Tensor, lengths: Tensor | None, targets: Tensor, weights: Tensor, generator: np.random.Generator
    ) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        n, settings = len(x), self._settings
        mixed = generator.random(n) < settings.mixing_share
        partners = torch.from_numpy((np.arange(n) + generator.integers(min(1, n - 1), max(n, 1), n)) % n).to(x.device)
        if settings.mixing == "mixup":
            kept = _tensor(np.where(mixed, generator.beta(_MIXUP_ALPHA, _MIXUP_ALPHA, n), 1.0), weights)
            x = mix_waves(x, lengths, partners, kept, by_energy=False)
            lengths = mix_lengths(lengths, partners, kept)
        else:
            # Only as far as both records go.
            both = lengths if lengths is None else torch.minimum(lengths, lengths[partners])
            stretch = (
                self._draw_stretches(x, both, 1.0, generator) & torch.from_numpy(mixed).to(x.device)[:, None, None]
            )
            long = x.shape[2] if lengths is None else lengths
            kept = 1 - stretch.sum((1, 2)).to(weights.dtype) / long
            x = torch.where(stretch, x[partners], x)
        if self._n_classes is not None and targets.ndim == 1:
            targets = F.one_hot(targets, self._n_classes).to(weights.dtype)
        targets, weights = mix_targets(targets, weights, partners, kept)
        return x, lengths, targets, weights

    def _draw_stretches(
        self, x: Tensor, lengths: Tensor | None, longest: float, generator: np.random.Generator
    ) -> Tensor:
        """Return True inside one stretch of each record, of up to this share of its length: ``(batch, 1, time)``."""
        n_steps = _last_steps(x, lengths) + 1
        share = longest * generator.random(len(x))
        start = (1 - share) * generator.random(len(x))
        first = (_tensor(start, x)[:, None] * n_steps).round()
        behind = first + (_tensor(share, x)[:, None] * n_steps).round()
        steps = torch.arange(x.shape[2], device=x.device)
        inside: Tensor = (steps >= first) & (steps < torch.minimum(behind, n_steps))
        return inside[:, None]


def measure_level(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return each record's mean in each channel, of what is not NaN: ``(batch, channels, 1)``.

    >>> measure_level(torch.tensor([[[1.0, float("nan"), 3.0, 0.0]]]), torch.tensor([[[True, True, True, False]]]))
    tensor([[[2.]]])
    """
    observed = ~x.isnan() if mask is None else ~x.isnan() & mask
    total = torch.where(observed, x, 0.0).sum(2, keepdim=True)
    return total / observed.sum(2, keepdim=True).clamp_min(1)


def draw_moments(speeds: Tensor, last: Tensor, n_steps: int) -> Tensor:
    """Return where each record is read, step by step, so that it goes from its first to its last value.

    Parameters
    ----------
    speeds
        How fast time goes at moments equally far apart, ``(batch, n_knots)``, greater than 0; straight lines between.
    last
        The last step of each record, ``(batch, 1)``.
    n_steps
        Steps of the batch.

    Returns
    -------
    Tensor
        Moments in steps, ``(batch, n_steps)``; those behind a record's end stand at its last step.

    Examples
    --------
    >>> draw_moments(torch.tensor([[1.0, 1.0]]), torch.tensor([[3.0]]), 5).tolist()
    [[0.0, 1.0, 2.0, 3.0, 3.0]]
    """
    steps = torch.arange(n_steps, device=speeds.device, dtype=speeds.dtype)
    # The distance gone at a share of the record: the integral of straight lines, piece by piece.
    n_pieces = speeds.shape[1] - 1
    place = (steps / last.clamp_min(1)).clamp_max(1) * n_pieces
    piece = place.floor().clamp_max(n_pieces - 1)
    rest, index = place - piece, piece.long()
    before = F.pad(((speeds[:, 1:] + speeds[:, :-1]) / 2).cumsum(1), (1, 0))
    at, to = speeds.gather(1, index), speeds.gather(1, index + 1)
    gone = before.gather(1, index) + rest * (at + rest * (to - at) / 2)
    return gone / before[:, -1:] * last


def read_at(x: Tensor, moments: Tensor) -> Tensor:
    """Read ``(batch, channels, time)`` at moments between its steps, ``(batch, n)``, on straight lines.

    >>> read_at(torch.tensor([[[0.0, 10.0, 20.0]]]), torch.tensor([[0.5, 2.0]])).tolist()
    [[[5.0, 20.0]]]
    """
    first = moments.floor().clamp(0, max(x.shape[2] - 2, 0))
    share = (moments - first)[:, None]
    index = first.long()[:, None].expand(-1, x.shape[1], -1)
    following = x.gather(2, (index + 1).clamp_max(x.shape[2] - 1))
    return torch.lerp(x.gather(2, index), following, share)


def _last_steps(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the last step of each record, ``(batch, 1)``."""
    if lengths is None:
        return x.new_full((len(x), 1), x.shape[2] - 1)
    return (lengths[:, None] - 1).to(x.dtype)


def _tensor(numbers: AnyArray, like: Tensor) -> Tensor:
    return torch.from_numpy(numbers).to(like.device, like.dtype)
