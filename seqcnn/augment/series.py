"""Batches of series changed in training, as a :class:`SeriesAugmentation` says.

    crop and warp -> mixing -> amplitude -> noise -> masking

All chance comes from the numpy generator of a training: a few numbers a record, so that the same seed gives the same
numbers on every device; only noise is a number for every value.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._checks import check_choice, check_number
from seqcnn._types import AnyArray
from seqcnn.augment.mixing import mix_lengths, mix_targets, mix_waves
from seqcnn.layers.masking import hide_padding, length_mask

MIXING = (None, "mixup", "cutmix")

_KNOTS = 5
"""Of a warp: the speed is drawn at so many moments of a record, and goes in straight lines between them."""

_MIXUP_ALPHA = 0.2
"""Of the beta distribution that a share is drawn from: mostly near 0 or 1."""


@dataclass(frozen=True, kw_only=True)
class SeriesAugmentation:
    """How series are changed in training, anew in every epoch.

    Each change keeps a record's length. What is only predicted or held back is never changed. An amount of 0 leaves a
    change out. Same values, same hash; ``dataclasses.replace`` makes a changed copy.

    Parameters
    ----------
    crop
        A stretch of the record is drawn over its whole length: of it, up to this share is left out (window slicing, Le
        Guennec et al. 2016, "Data augmentation for time series classification using convolutional neural networks").
    warp
        Time goes faster in some parts of a record and slower in others: the deviation of the speed's logarithm (window
        warping, same source).
    amplitude
        Deviation of the logarithm of the factor that a record's distance from its own mean is multiplied by: 0.1 is
        about a tenth more or less.
    noise
        White noise of so many deviations of the training records.
    mask
        A stretch of the record of up to this share is set to the record's mean (cutout, DeVries and Taylor 2017, arXiv
        1708.04552).
    mixing
        None; "mixup" (Zhang et al. 2018, arXiv 1710.09412): two records are averaged, with a weight that is mostly near
        one or the other, and so are their targets; "cutmix" (Yun et al. 2019, arXiv 1905.04899): a stretch of one
        record stands in the other, and the targets are mixed as its length says.
    mixing_share
        The share of records that another one is mixed into.

    Raises
    ------
    TypeError, ValueError
        If a value is off; the message says what, what was received, and what to do.

    Examples
    --------
    >>> SeriesAugmentation(noise=0.1) == SeriesAugmentation(noise=0.1)
    True
    >>> SeriesAugmentation(mask=1.5)
    Traceback (most recent call last):
        ...
    ValueError: The 'mask' parameter of SeriesAugmentation must be a number at least 0 and at most 0.9. Received: 1.5. \
Pass a value in that range.
    """

    crop: float = 0.0
    warp: float = 0.0
    amplitude: float = 0.0
    noise: float = 0.0
    mask: float = 0.0
    mixing: str | None = None
    mixing_share: float = 0.5

    def __post_init__(self) -> None:
        caller = type(self).__name__
        for name in ("crop", "mask"):
            check_number(name, getattr(self, name), minimum=0, maximum=0.9, caller=caller)
        for name in ("warp", "amplitude"):
            check_number(name, getattr(self, name), minimum=0, maximum=1, caller=caller)
        check_number("noise", self.noise, minimum=0, caller=caller)
        check_number("mixing_share", self.mixing_share, minimum=0, maximum=1, caller=caller)
        check_choice("mixing", self.mixing, MIXING, caller=caller)

    def to_dict(self) -> dict[str, Any]:
        """Return the values that ``SeriesAugmentation(**values)`` takes, as JSON holds them."""
        return asdict(self)


class SeriesAugmenter:
    """Changes batches of series.

    Parameters
    ----------
    settings
        What is done.
    deviation
        Of the training records, a channel: ``(channels,)`` or ``(channels, 1)``; noise is measured in it.
    n_classes
        Where targets are class numbers, how many there are: mixed, they are probabilities. Otherwise None.

    Examples
    --------
    >>> change = SeriesAugmenter(SeriesAugmentation(warp=0.2, mixing="cutmix"), torch.ones(1), n_classes=3)
    >>> x, lengths, targets, weights = change(
    ...     torch.randn(4, 1, 100), None, torch.tensor([0, 1, 2, 0]), torch.ones(4), np.random.default_rng(0)
    ... )
    >>> x.shape, targets.shape
    (torch.Size([4, 1, 100]), torch.Size([4, 3]))
    """

    def __init__(self, settings: SeriesAugmentation, deviation: Tensor, *, n_classes: int | None = None) -> None:
        self._settings = settings
        self._deviation = deviation.reshape(-1, 1)
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
        if settings.amplitude or settings.mask:
            level = measure_level(x, mask)
            if settings.amplitude:
                factor = np.exp(generator.normal(0.0, settings.amplitude, len(x)))
                x = hide_padding(level + (x - level) * _tensor(factor, x)[:, None, None], mask)
            if settings.mask:
                x = torch.where(self._draw_stretches(x, lengths, settings.mask, generator), level, x)
        if settings.noise:
            drawn = _tensor(generator.standard_normal(tuple(x.shape), dtype=np.float32), x)
            x = hide_padding(torch.addcmul(x, drawn, self._deviation.to(x), value=settings.noise), mask)
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
