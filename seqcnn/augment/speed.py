"""Speed: records resampled, so that they last shorter or longer and their pitch goes along, as with a tape.

A windowed sinc filter (Smith, "Digital audio resampling", ccrma.stanford.edu/~jos/resample) for each of a few rational
speeds: the samples of a block all hang on the same stretch of the input, by one small matrix.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from seqcnn.augment.settings import SPEED_STEPS
from seqcnn.layers.masking import hide_padding, length_mask

_CROSSINGS = 8
"""Zeros of the sinc on each side."""

_PASSED = 0.94
"""The share of the narrower band that passes: what is above would come back as another tone."""


def change_speed(
    x: Tensor, lengths: Tensor | None, speeds: Tensor, *, minimum_length: int = 1
) -> tuple[Tensor, Tensor | None]:
    """Play each record at a speed.

    Parameters
    ----------
    x, lengths
        The batch ``(batch, channels, time)``, zero behind the lengths ``(batch,)``; None says that nothing is padded.
    speeds
        In twentieths, ``(batch,)`` integers: 22 is 1.1 times as fast.
    minimum_length
        The new batch is padded at least to this many steps.

    Returns
    -------
    Tensor
        ``(batch, channels, new time)``: a record of ``n`` samples has ``ceil(n / speed)``.
    Tensor or None
        The new lengths; None where again nothing is padded.

    Examples
    --------
    >>> x, lengths = change_speed(torch.ones(2, 1, 40), None, torch.tensor([20, 10]))
    >>> x.shape, lengths.tolist()
    (torch.Size([2, 1, 80]), [40, 80])
    """
    before = x.new_full((len(x),), x.shape[2], dtype=torch.long) if lengths is None else lengths
    after = -((-before * SPEED_STEPS) // speeds)
    longest = max(int(after.max()), minimum_length)
    changed = x.new_zeros(x.shape[0], x.shape[1], longest)
    for speed in torch.unique(speeds).tolist():
        rows = torch.nonzero(speeds == speed).squeeze(1)
        played = _play(x[rows], speed)[:, :, :longest]
        changed[rows, :, : played.shape[2]] = played
    if bool((after == longest).all()):
        return changed, None
    # What the filter rings on behind the end, and a last sample between two.
    return hide_padding(changed, length_mask(after, longest)), after


def _play(x: Tensor, speed: int) -> Tensor:
    """Resample ``(batch, channels, time)`` so that ``ceil(time / speed)`` samples are left, or a few more."""
    shared = math.gcd(speed, SPEED_STEPS)
    taken, given = speed // shared, SPEED_STEPS // shared
    if taken == given:
        return x
    matrix = _filters(taken, given, x.dtype, x.device)
    reach = (matrix.shape[1] - taken) // 2
    n_blocks = -(-x.shape[2] // taken)
    padded = torch.nn.functional.pad(x, (reach, matrix.shape[1] + n_blocks * taken - x.shape[2]))
    blocks = padded.unfold(2, matrix.shape[1], taken)[:, :, :n_blocks]
    played: Tensor = (blocks @ matrix.T).flatten(2)
    return played


@functools.lru_cache(maxsize=64)
def _filters(taken: int, given: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return the matrix from a stretch of the input to ``given`` samples, ``(given, reach + taken + reach)``.

    Each block begins ``taken`` samples behind the one before it.
    """
    band = _PASSED * min(1.0, given / taken)
    reach = math.ceil(_CROSSINGS / band)
    places = torch.arange(given, dtype=torch.float64) * taken / given
    steps = torch.arange(-reach, taken + reach, dtype=torch.float64)
    away = (places[:, None] - steps) * band
    window = torch.where(away.abs() < _CROSSINGS, torch.cos(math.pi * away / (2 * _CROSSINGS)).square(), 0.0)
    filters = torch.sinc(away) * window
    # A constant stays what it is.
    return (filters / filters.sum(1, keepdim=True)).to(device, dtype)
