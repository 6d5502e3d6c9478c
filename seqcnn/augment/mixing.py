"""Mixing of two records, their targets and their weights."""

from __future__ import annotations

import torch
from torch import Tensor

from seqcnn.augment.levels import measure_energy


def mix_waves(x: Tensor, lengths: Tensor | None, partners: Tensor, shares: Tensor, *, by_energy: bool) -> Tensor:
    """Mix each record with another one of the batch.

    Parameters
    ----------
    x, lengths
        The batch ``(batch, channels, time)``, zero behind the lengths; None says that nothing is padded.
    partners
        Whose row is mixed into each, ``(batch,)``.
    shares
        How much of a record stays, ``(batch,)``, 0 to 1; 1 leaves it alone.
    by_energy
        False averages the samples, as mixup does (Zhang et al. 2018, arXiv 1710.09412). True weighs them so that the
        two are heard as their shares say, and keeps the mixture's energy (Tokozume et al. 2018, arXiv 1711.10282).
        NOTE difference from the paper: levels are root mean squares, not A-weighted, and the two may be of one class.

    Returns
    -------
    Tensor
        ``(batch, channels, time)``; :func:`mix_lengths` says how long each now is.

    Examples
    --------
    >>> x = torch.tensor([[[1.0, 1.0]], [[3.0, 0.0]]])
    >>> mix_waves(x, None, torch.tensor([1, 0]), torch.tensor([0.75, 1.0]), by_energy=False).tolist()
    [[[1.5, 0.75]], [[3.0, 0.0]]]
    """
    share = shares.to(x.dtype)[:, None, None]
    if not by_energy:
        return torch.addcmul(x * share, x[partners], 1 - share)
    n_timepoints = x.new_full((len(x), 1, 1), x.shape[2]) if lengths is None else lengths[:, None, None]
    level = (measure_energy(x) / n_timepoints).sqrt()
    # The paper's p = 1 / (1 + a / b * (1 - r) / r), without a division by zero. Silence has no level to be brought to.
    heard = (level > 0) & (level[partners] > 0)
    own, others = level[partners] * share, level * (1 - share)
    p = torch.where(heard, own / torch.where(heard, own + others, 1.0), share)
    scale = torch.rsqrt(p.square() + (1 - p).square())
    return torch.addcmul(x * (p * scale), x[partners], (1 - p) * scale)


def mix_lengths(lengths: Tensor | None, partners: Tensor, shares: Tensor) -> Tensor | None:
    """Return the lengths of mixtures: the longer one's, where there is anything of both."""
    if lengths is None:
        return None
    return torch.where(shares < 1, torch.maximum(lengths, lengths[partners]), lengths)


def mix_targets(targets: Tensor, weights: Tensor, partners: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Mix targets ``(batch, n)`` and weights ``(batch,)``, so that a loss linear in its target is that of both.

    Examples
    --------
    >>> targets, weights = torch.eye(2), torch.tensor([1.0, 3.0])
    >>> mixed, counted = mix_targets(targets, weights, torch.tensor([1, 0]), torch.tensor([0.5, 1.0]))
    >>> mixed.tolist(), counted.tolist()
    ([[0.25, 0.75], [0.0, 1.0]], [2.0, 3.0])
    """
    own, others = weights * shares.to(weights.dtype), weights[partners] * (1 - shares.to(weights.dtype))
    counted = own + others
    share = (own / counted).to(targets.dtype)[:, None]
    return targets * share + targets[partners] * (1 - share), counted
