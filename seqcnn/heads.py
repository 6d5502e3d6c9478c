"""The last module of a network: from features to the numbers that are learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn


class LinearHead(nn.Module):
    """Dropout and one dense layer; for numeric targets its output is in the target's own units.

    Shape: ``(batch, in_features)`` to ``(batch, n_outputs)``.

    Parameters
    ----------
    in_features
        Features behind the pooling.
    n_outputs
        Classes, or targets.
    dropout
        Share of features dropped in training.
    center, scale
        ``(n_outputs,)`` mean and deviation of the targets; None leaves the output as it is (class scores).

    Examples
    --------
    >>> LinearHead(8, 3)(torch.zeros(2, 8)).shape
    torch.Size([2, 3])
    """

    center: Tensor | None
    scale: Tensor | None

    def __init__(
        self,
        in_features: int,
        n_outputs: int,
        *,
        dropout: float = 0.0,
        center: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(in_features, n_outputs)
        self.register_buffer("center", center)
        self.register_buffer("scale", scale)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # The target's units stay in float64 when the network is cast: beside a large mean, float32 would round small
        # differences away. Apple's GPUs alone have no float64.
        kept = {"center": self.center, "scale": self.scale}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, before in kept.items():
            after = getattr(self, name)
            if before is not None and after.device.type != "mps":
                setattr(self, name, before.to(after.device))
        return self

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(batch, in_features)``."""
        scores: Tensor = self.dense(self.dropout(features))
        if self.center is None or self.scale is None:
            return scores
        # Units of the target are kept in full precision, whatever the dense layer ran in.
        wide = scores.to(torch.promote_types(scores.dtype, self.scale.dtype))
        return wide * self.scale + self.center
