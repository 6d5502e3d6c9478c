"""Levels of records, and what is added or moved at a level: gain, noise at a signal-to-noise ratio, shift in time.

Every function takes a batch ``(batch, channels, time)`` that is zero behind the records' lengths ``(batch,)``, gives a
new one of which the same is true, and changes nothing in place.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqcnn.layers.masking import hide_padding, length_mask


def measure_energy(x: Tensor) -> Tensor:
    """Return the sum of squares of each record, ``(batch, 1, 1)``."""
    energy: Tensor = torch.linalg.vector_norm(x.flatten(1), dim=1).square()
    return energy[:, None, None]


def change_gain(x: Tensor, decibels: Tensor) -> Tensor:
    """Make each record louder by so many decibels, ``(batch,)``.

    >>> change_gain(torch.ones(1, 1, 2), torch.tensor([20.0])).tolist()
    [[[10.0, 10.0]]]
    """
    return x * to_factor(decibels)[:, None, None]


def to_factor(decibels: Tensor) -> Tensor:
    """Return the factor of an amplitude that so many decibels are."""
    return torch.pow(10.0, decibels / 20)


def add_noise(x: Tensor, lengths: Tensor | None, noise: Tensor, decibels: Tensor) -> Tensor:
    """Add noise to each record, at a signal-to-noise ratio.

    Parameters
    ----------
    x, lengths
        The batch; None says that nothing is padded.
    noise
        ``(batch, channels or 1, time)``, of any level; what is silent adds nothing, and to silence nothing is added.
    decibels
        The ratio of the record's power to the noise's, over the record's length, ``(batch,)``.

    Examples
    --------
    >>> add_noise(torch.ones(1, 1, 2), None, torch.tensor([[[4.0, -4.0]]]), torch.tensor([0.0])).tolist()
    [[[2.0, 0.0]]]
    """
    mask = None if lengths is None else length_mask(lengths, x.shape[2])
    noise = hide_padding(noise, mask)
    # One noise for all channels is as loud in each.
    channels = x.shape[1] / noise.shape[1]
    wanted = measure_energy(x) / to_factor(decibels)[:, None, None].square()
    energy = measure_energy(noise) * channels
    factor = torch.where(energy > 0, (wanted / torch.where(energy > 0, energy, 1.0)).sqrt(), 0.0)
    return torch.addcmul(x, noise, factor)


def take_stretch(x: Tensor, starts: Tensor, n_steps: int) -> Tensor:
    """Return ``n_steps`` of each record from its start on, ``(batch,)`` integers of any sign, zeros outside of it.

    >>> take_stretch(torch.tensor([[[1.0, 2.0, 3.0]]]), torch.tensor([-1]), 3).tolist()
    [[[0.0, 1.0, 2.0]]]
    """
    n_before = max(0, -int(starts.min()))
    n_behind = max(0, int(starts.max()) + n_steps - x.shape[2])
    # Rows of a view of the batch between zeros: copied once, without an index for every sample.
    windows = torch.nn.functional.pad(x, (n_before, n_behind)).unfold(2, n_steps, 1).transpose(1, 2)
    return windows[torch.arange(len(x), device=x.device), starts + n_before]


def shift_in_time(x: Tensor, lengths: Tensor | None, steps: Tensor) -> Tensor:
    """Move each record later by so many steps, ``(batch,)`` integers, or earlier where they are negative.

    A record keeps its length: what is moved out of it is lost, zeros move in.

    Examples
    --------
    >>> shift_in_time(torch.tensor([[[1.0, 2.0, 3.0]]]), None, torch.tensor([1])).tolist()
    [[[0.0, 1.0, 2.0]]]
    """
    moved = take_stretch(x, -steps, x.shape[2])
    return moved if lengths is None else hide_padding(moved, length_mask(lengths, x.shape[2]))
