"""Shifting and scaling channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import AnyArray, Float64Array
from seqcnn.layers.gaps import find_observed
from seqcnn.layers.masking import hide_padding, length_mask
from seqcnn.layers.readers import Histories, Reader, as_array
from seqcnn.stems.base import Stem, fill_and_tell
from seqcnn.stems.statistics import observed_statistics, statistics_of_steps

Normalize = Literal["dataset", "record", "level", "step"]


class Normalizer(Stem):
    """Shifts and scales each channel.

    ``"dataset"`` uses one mean and one standard deviation a channel, from the training records: a loud record stays
    loud. ``"record"`` takes each record's own, which throws its level and amplitude away. ``"level"`` takes each
    record's own mean, and the deviation around it that training records have: levels differ, amplitudes mean something.
    Of log-mel bands or cepstral coefficients it takes away what a microphone and a distance do to all of a recording
    (cepstral mean normalization, Atal 1974, doi 10.1121/1.1914702). ``"step"`` takes away the mean of each time step
    over the training records, and divides by one deviation around these a channel: what spectra of like substances have
    in common, beside which their differences are too small to be learnt in a short training (mean centring, as
    chemometrics does it: Wold, Esbensen and Geladi 1987, doi 10.1016/0169-7439(87)80084-9). Steps behind the longest
    training record have its last step's mean. A constant channel is shifted only.

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
        "dataset", "record", "level" or "step".
    mask_missing
        Whether NaN is absent; otherwise it must not occur.
    indicator
        What an indicator says where a value was observed.
    n_steps
        With "step", time steps of the longest training record.

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
    >>> stem = Normalizer(1, "step", n_steps=2)
    >>> stem.learn([np.array([[7.0, 1.0]]), np.array([[9.0, 3.0]])], np.ones(2))
    >>> stem(torch.tensor([[[9.0, 2.0]]])).tolist()
    [[[1.0, 0.0]]]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        n_channels: int,
        mode: Normalize = "dataset",
        *,
        mask_missing: bool = False,
        indicator: float = 1.0,
        n_steps: int = 1,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.mask_missing = mask_missing
        # Statistics of the record, and a line through a gap, which needs the gap's end.
        self.whole_record = mask_missing or mode in ("record", "level")
        self.indicator = indicator
        self.out_channels = 2 * n_channels if mask_missing else n_channels
        self.register_buffer("mean", torch.zeros(n_channels, n_steps))
        self.register_buffer("deviation", torch.ones(n_channels, 1))

    def learn(self, values: Sequence[AnyArray], weights: Float64Array) -> None:
        """Take mean and deviation from records ``(channels, time_i)``, each counted ``weights[i]`` times."""
        if self.mode == "record":
            return
        if self.mode == "step":
            self._remember(*statistics_of_steps(values, weights))
            return
        if self.mask_missing:
            mean, deviation = observed_statistics(values, weights, within=self.mode == "level")
            self._remember(mean, deviation)
            return
        total = float(sum(weight * value.shape[1] for weight, value in zip(weights, values, strict=True)))
        pairs = list(zip(weights, values, strict=True))
        mean = sum(weight * value.sum(1, dtype=np.float64) for weight, value in pairs) / total
        # A second pass: the difference of two large sums would lose small variances on top of large means.
        square = sum(weight * np.square(value - self._centre(value, mean)).sum(1) for weight, value in pairs)
        self._remember(mean, np.sqrt(square / total))

    def _centre(self, value: AnyArray, mean: Float64Array) -> Float64Array:
        """Return what a record's deviation is taken from: ``(channels, 1)``."""
        return value.mean(1, keepdims=True, dtype=np.float64) if self.mode == "level" else mean[:, None]

    def learn_parts(self, parts: Iterable[tuple[float, AnyArray]]) -> None:
        """Take mean and deviation from a weight and values ``(channels, time_i)`` at a time, each looked at once."""
        count, mean, square = 0.0, np.zeros(len(self.mean)), np.zeros(len(self.mean))
        for weight, part in parts:
            values = np.asarray(part, np.float64)
            level = values.mean(1)
            apart, more = level - mean, weight * values.shape[1]
            square += weight * np.square(values - level[:, None]).sum(1)
            if self.mode != "level":
                square += apart**2 * (count * more / (count + more))
            mean += apart * (more / (count + more))
            count += more
        self._remember(mean, np.sqrt(square / count))

    def _remember(self, mean: Float64Array, deviation: Float64Array) -> None:
        # Relative to the level: a field of 1e-13 tesla is no constant.
        levels = mean.reshape(len(deviation), -1)
        constant = deviation <= 1e-7 * np.abs(levels).max(1)
        self.mean = torch.as_tensor(levels, dtype=self.mean.dtype)
        self.deviation = torch.as_tensor(np.where(constant, 1.0, deviation)[:, None], dtype=self.deviation.dtype)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Normalize ``(batch, channels, time)``."""
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        if self.mask_missing:
            return self._normalize_observed(x, mask)
        if self.mode in ("dataset", "step"):
            return hide_padding((x - self._means(x)) / self.deviation, mask)
        count = x.shape[2] if lengths is None else lengths[:, None, None]
        level = x.sum(2, keepdim=True) / count
        centred = hide_padding(x - level, mask)
        # Once more, for what rounding left of a high level.
        centred = hide_padding(centred - centred.sum(2, keepdim=True) / count, mask)
        return centred / self.deviation if self.mode == "level" else _scale(centred, level, count)

    def _means(self, x: Tensor) -> Tensor:
        """Return the mean of each of the batch's steps, ``(channels, time)``, or one for all, ``(channels, 1)``."""
        if self.mode == "dataset":
            return self.mean
        return self.mean[:, torch.arange(x.shape[2], device=x.device).clamp_max(self.mean.shape[1] - 1)]

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces; None where it needs the whole record, or to know where it is in it."""
        if self.mask_missing or self.mode != "dataset":
            return None
        mean, deviation = as_array(self.mean.t()), as_array(self.deviation.t())
        return lambda steps: (steps - mean) / deviation

    def _normalize_observed(self, x: Tensor, mask: Tensor | None) -> Tensor:
        observed = find_observed(x, mask)
        if self.mode in ("dataset", "step"):
            return fill_and_tell((x - self._means(x)) / self.deviation, observed, mask, self.indicator)
        count = observed.sum(2, keepdim=True).clamp(min=1)
        level = torch.where(observed, x, 0.0).sum(2, keepdim=True) / count
        centred = torch.where(observed, x - level, 0.0)
        centred = torch.where(observed, centred - centred.sum(2, keepdim=True) / count, 0.0)
        scaled = centred / self.deviation if self.mode == "level" else _scale(centred, level, count)
        return fill_and_tell(scaled, observed, mask, self.indicator)

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        masked = ", mask_missing=True" if self.mask_missing else ""
        return f"{self.mean.shape[0]}, mode={self.mode!r}{masked}"


def _scale(centred: Tensor, level: Tensor, count: Tensor | int) -> Tensor:
    """Divide each record by its own deviation, unless that is zero beside its level."""
    deviation = (centred.square().sum(2, keepdim=True) / count).sqrt()
    return centred / torch.where(deviation > 1e-7 * level.abs(), deviation, 1.0)
