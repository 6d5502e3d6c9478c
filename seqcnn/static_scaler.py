"""The numbers that stand beside a record, brought to one scale in front of the head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor

from seqcnn._types import Float64Array
from seqcnn.rebuilding import Rebuildable


class StaticScaler(Rebuildable):
    """Centres numbers and divides them by their deviation; a missing one becomes the mean, which is zero.

    Shape: ``(batch, n_columns)`` to the same, both in the precision of the buffers, float64.

    Attributes
    ----------
    mean, deviation
        ``(n_columns,)``: of the training records. A column that never changes is only centred.

    Examples
    --------
    >>> import numpy as np
    >>> scaler = StaticScaler(1)
    >>> scaler.learn(np.array([[1.0], [5.0], [np.nan]]), np.ones(3))
    >>> scaler(torch.tensor([[1.0], [5.0], [float("nan")]])).flatten().tolist()
    [-1.0, 1.0, 0.0]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, n_columns: int) -> None:
        super().__init__()
        self.n_columns = n_columns
        self.register_buffer("mean", torch.zeros(n_columns, dtype=torch.float64))
        self.register_buffer("deviation", torch.ones(n_columns, dtype=torch.float64))

    def learn(self, values: Float64Array, weights: Float64Array | Sequence[float]) -> None:
        """Take mean and deviation from ``(n_records, n_columns)``, each record counted ``weights`` times, NaN not."""
        numbers, weight = torch.as_tensor(values), torch.as_tensor(weights, dtype=torch.float64)[:, None]
        there = ~numbers.isnan()
        share = weight * there
        share = share / share.sum(0).clamp_min(torch.finfo(torch.float64).tiny)
        mean = (share * numbers.nan_to_num()).sum(0)
        deviation = (share * (numbers.nan_to_num() - mean).square()).sum(0).sqrt()
        # Rounding alone gives a constant some deviation.
        constant = deviation <= 1e-12 * mean.abs().clamp_min(torch.finfo(torch.float64).tiny)
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(constant, 1.0, deviation))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # The columns' units stay in float64 when the network is cast: beside a large mean, as of years or of seconds
        # since 1970, float32 would round small differences away. Apple's GPUs alone have no float64.
        kept = {"mean": self.mean, "deviation": self.deviation}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in kept.items():
            after = getattr(self, name)
            if after.device.type != "mps":
                setattr(self, name, before.to(after.device))
        return self

    def forward(self, values: Tensor) -> Tensor:
        """Scale ``(batch, n_columns)``."""
        wide = values.to(self.mean.dtype)
        return torch.where(wide.isnan(), torch.zeros_like(wide), (wide - self.mean) / self.deviation)
