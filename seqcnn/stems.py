"""The first module of a network: it takes what the user has and gives what an encoder reads.

Because it is part of the network, a saved or exported model takes raw input, and serving cannot differ from training.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn._types import AnyArray, Float64Array
from seqcnn.front_ends.base import FrontEnd
from seqcnn.layers.gaps import fill_gaps, find_observed
from seqcnn.layers.masking import hide_padding, length_mask
from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.layers.readers import Histories, Reader, as_array, chain
from seqcnn.rebuilding import Rebuildable

_PADDING, _UNKNOWN = 0, 1
"""Codes of a vocabulary that stand for no character of their own."""

_SAMPLES_AT_A_TIME = 2**20
"""Samples of a record that go through a front end at a time, for its statistics."""

Normalize = Literal["dataset", "record", "level", "step"]

_COMPARED = 1000
"""Records, at most, of which the next is asked."""
_ALIKE = 0.005
"""Share of the variance that lies between records at the same step, under which records are all but the same shape."""


class Stem(Rebuildable):
    """What every stem has.

    Attributes
    ----------
    out_channels : int
        Channels that an encoder reads.
    stride : int
        Input steps from one of its steps to the next.
    """

    out_channels: int
    stride: int = 1

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return the steps behind the stem, ``ceil(lengths / stride)``."""
        return lengths if self.stride == 1 else (lengths + self.stride - 1) // self.stride

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`), or None where there is nothing."""
        return None


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
        self.indicator = indicator
        self.out_channels = 2 * n_channels if mask_missing else n_channels
        self.register_buffer("mean", torch.zeros(n_channels, n_steps))
        self.register_buffer("deviation", torch.ones(n_channels, 1))

    def learn(self, values: Sequence[AnyArray], weights: Float64Array) -> None:
        """Take mean and deviation from records ``(channels, time_i)``, each counted ``weights[i]`` times."""
        if self.mode == "record":
            return
        if self.mode == "step":
            self._remember(*_statistics_of_steps(values, weights))
            return
        if self.mask_missing:
            mean, deviation = _observed_statistics(values, weights, within=self.mode == "level")
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
            return _fill_and_tell((x - self._means(x)) / self.deviation, observed, mask, self.indicator)
        count = observed.sum(2, keepdim=True).clamp(min=1)
        level = torch.where(observed, x, 0.0).sum(2, keepdim=True) / count
        centred = torch.where(observed, x - level, 0.0)
        centred = torch.where(observed, centred - centred.sum(2, keepdim=True) / count, 0.0)
        scaled = centred / self.deviation if self.mode == "level" else _scale(centred, level, count)
        return _fill_and_tell(scaled, observed, mask, self.indicator)

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


def are_alike(values: Sequence[AnyArray], weights: Float64Array) -> bool:
    """Tell whether records ``(channels, time)`` of one length are all but the same shape.

    They are where they differ at the same step by less than half a percent of the variance of all values: spectra of
    oils do by 0.01 %, of wines by 0.06, outlines of bones by 2.6 (shares of sets of the UCR archive).

    >>> shape = 10.0 * np.arange(20.0)[None]
    >>> are_alike([shape, shape + 1], np.ones(2)), are_alike([shape, -shape], np.ones(2))
    (True, False)
    """
    if len(values) < 2 or len({value.shape[1] for value in values}) > 1:
        return False
    every = -(-len(values) // _COMPARED)
    means, between = _statistics_of_steps(values[::every], weights[::every])
    along = np.square(means - means.mean(1, keepdims=True)).mean(1)
    total = np.square(between) + along
    # Of constant channels nothing can be said.
    shares = np.square(between)[total > 0] / total[total > 0]
    return bool(len(shares)) and float(shares.max()) < _ALIKE


def _statistics_of_steps(values: Sequence[AnyArray], weights: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return the mean of each step, ``(channels, time)``, and the deviation from it, ``(channels,)``, of what is there.

    A step that no record has observed has its channel's mean.
    """
    shape = (values[0].shape[0], max(value.shape[1] for value in values))
    count, total, square = (np.zeros(shape) for _ in range(3))
    for weight, value in zip(weights, values, strict=True):
        observed = ~np.isnan(value)
        count[:, : value.shape[1]] += weight * observed
        total[:, : value.shape[1]] += weight * np.where(observed, value, 0.0)
    level = total.sum(1, keepdims=True) / np.maximum(count.sum(1, keepdims=True), 1e-300)
    mean = np.where(count > 0, total / np.where(count > 0, count, 1.0), level)
    # A second pass: the difference of two large sums would lose small variances on top of large means.
    for weight, value in zip(weights, values, strict=True):
        square[:, : value.shape[1]] += weight * np.nan_to_num(np.square(value - mean[:, : value.shape[1]]))
    n_observed = count.sum(1)
    return mean, np.sqrt(square.sum(1) / np.where(n_observed > 0, n_observed, 1.0))


def _observed_statistics(
    values: Sequence[AnyArray], weights: Float64Array, *, within: bool
) -> tuple[Float64Array, Float64Array]:
    """Return mean and deviation of what is not NaN, ``(channels,)`` each; 0 and 0 for what was never observed.

    The deviation is that from the mean of all, or ``within`` records, from each record's own.
    """
    count = total = square = np.zeros(values[0].shape[0])
    for weight, value in zip(weights, values, strict=True):
        observed = ~np.isnan(value)
        count = count + weight * observed.sum(1)
        total = total + weight * value.sum(1, dtype=np.float64, where=observed)
    mean = total / np.where(count > 0, count, 1.0)
    for weight, value in zip(weights, values, strict=True):
        observed = ~np.isnan(value)
        centre = mean
        if within:
            centre = value.sum(1, dtype=np.float64, where=observed) / np.maximum(observed.sum(1), 1)
        square = square + weight * np.square(value - centre[:, None]).sum(1, where=observed)
    return mean, np.sqrt(square / np.where(count > 0, count, 1.0))


class PassThrough(Stem):
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

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return ``x``."""
        if not self.mask_missing:
            return x
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        return _fill_and_tell(x, find_observed(x, mask), mask, self.indicator)

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces; None where gaps are filled."""
        return None if self.mask_missing else lambda steps: steps


class CharacterEmbedding(Stem):
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


class FrontEndStem(Stem):
    """Turns recordings into bands, and normalizes each; in training it may also hide some.

    Shape: ``(batch, n_channels, samples)`` to ``(batch, n_channels * bands, ceil(samples / stride))``, each channel's
    bands side by side; zero in the padding.

    Parameters
    ----------
    n_channels
        Channels of the recordings; the same filters are applied to each.
    front_end
        Computes the bands.
    mode
        "dataset", "record" or "level", as :class:`Normalizer` takes it, for each band; None leaves the bands as they
        are.
    masks
        Changes normalized bands in training, called with them and the frames of each record
        (:class:`seqcnn.layers.SpecAugment`); None changes nothing.

    Examples
    --------
    >>> from seqcnn.front_ends import LogMel
    >>> stem = FrontEndStem(1, LogMel(sample_rate=8000))
    >>> stem.learn([np.ones((1, 900)), np.zeros((1, 500))], np.ones(2))
    >>> stem(torch.zeros(2, 1, 900)).shape, stem.output_lengths(torch.tensor([900, 500])).tolist()
    (torch.Size([2, 40, 12]), [12, 7])
    """

    def __init__(
        self,
        n_channels: int,
        front_end: FrontEnd,
        mode: Normalize | None = "dataset",
        *,
        masks: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.front_end = front_end
        self.mode = mode
        self.out_channels, self.stride = n_channels * front_end.out_channels, front_end.stride
        self.normalizer = None if mode is None else Normalizer(self.out_channels, mode)
        self.masks = masks

    def learn(self, values: Sequence[AnyArray], weights: Float64Array) -> None:
        """Take each band's mean and deviation from records ``(channels, time_i)``, counted ``weights[i]`` times."""
        if self.normalizer is not None and self.mode == "dataset":
            pairs = zip(weights, values, strict=True)
            self.normalizer.learn_parts((weight, bands) for weight, value in pairs for bands in self._bands(value))

    def _bands(self, value: AnyArray) -> Iterator[AnyArray]:
        """Yield the bands of one record; of a long one piece by piece, as a stream, so that memory is bounded."""
        size = _SAMPLES_AT_A_TIME // self.stride * self.stride
        like = self.front_end.window
        with torch.no_grad():
            if value.shape[1] <= size:
                yield self.front_end(torch.as_tensor(value).to(like.device, like.dtype)[None])[0].cpu().numpy()
                return
            begin_stream(self.front_end)
            try:
                for begin in range(0, value.shape[1], size):
                    piece = value[:, begin : begin + size]
                    piece = np.pad(piece, ((0, 0), (0, -piece.shape[1] % self.stride)))
                    yield self.front_end(torch.as_tensor(piece).to(like.device, like.dtype)[None])[0].cpu().numpy()
            finally:
                end_stream(self.front_end)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Compute normalized bands of ``(batch, n_channels, samples)``."""
        frames = None if lengths is None else self.output_lengths(lengths)
        # What normalizes hides the padding, too.
        bands: Tensor = self.front_end(x, lengths if self.normalizer is None else None)
        if self.normalizer is not None:
            bands = self.normalizer(bands, frames)
        if self.masks is not None and self.training:
            bands = self.masks(bands, frames)
        return bands

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces, of one channel."""
        if self.out_channels != self.front_end.out_channels:
            return None
        read = self.front_end.piece_reader(histories)
        return read if self.normalizer is None else chain(read, self.normalizer.piece_reader(histories))
