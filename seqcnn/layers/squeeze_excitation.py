"""Squeeze and excitation: channels weighed by what the whole record holds.

Hu et al. (2018), "Squeeze-and-excitation networks", arXiv 1709.01507.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from seqcnn.layers.blocks import Activation, build_activation
from seqcnn.layers.pooling import BinPool1d


class SqueezeExcitation(nn.Module):
    """Multiplies each channel by a gate between 0 and 1, computed from the means of all channels over real time steps.

    Every output then depends on the whole record: a network with such a block neither is causal nor streams.

    Parameters
    ----------
    n_channels
        Channels in and out.
    n_squeezed
        Channels between the two dense layers.
    activation
        Between them.
    gate
        "sigmoid", or its piecewise linear form of MobileNetV3.

    Notes
    -----
    Shape: ``(batch, n_channels, time)`` to the same; ``mask`` is ``(batch, 1, time)``.

    Examples
    --------
    >>> import torch
    >>> SqueezeExcitation(8, 2)(torch.ones(1, 8, 5)).shape
    torch.Size([1, 8, 5])
    """

    def __init__(
        self,
        n_channels: int,
        n_squeezed: int,
        *,
        activation: Activation = "relu",
        gate: Literal["sigmoid", "hardsigmoid"] = "sigmoid",
    ) -> None:
        super().__init__()
        self.pool = BinPool1d("mean")
        self.squeeze = nn.Linear(n_channels, n_squeezed)
        self.activation = build_activation(activation)
        self.excite = nn.Linear(n_squeezed, n_channels)
        self.gate = nn.Sigmoid() if gate == "sigmoid" else nn.Hardsigmoid()

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Weigh the channels of ``(batch, n_channels, time)``."""
        squeezed = self.activation(self.squeeze(self.pool(x, mask)))
        weighed: Tensor = x * self.gate(self.excite(squeezed))[..., None]
        return weighed
