"""Stochastic depth: residual paths that are left out at random.

Huang et al. (2016), "Deep networks with stochastic depth", arXiv 1603.09382.
"""

from __future__ import annotations

from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """Drops a record's residual path with probability ``rate`` in training, and scales the kept ones up.

    Shape: ``(batch, channels, time)`` to the same.

    Examples
    --------
    >>> import torch
    >>> StochasticDepth(0.5).eval()(torch.ones(1, 1, 1)).item()
    1.0
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Drop whole records of ``(batch, channels, time)``."""
        if not self.training or self.rate == 0.0:
            return x
        kept = x.new_empty(x.shape[0], 1, 1).bernoulli_(1.0 - self.rate)
        return x * (kept / (1.0 - self.rate))

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        return f"rate={self.rate}"
