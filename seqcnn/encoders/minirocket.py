"""MiniRocket: fixed two-valued kernels, and how often each exceeds a bias.

Dempster, Schmidt and Webb (2021), "MiniRocket: a very fast (almost) deterministic transform for time series
classification", arXiv 2012.08791.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqcnn.encoders.features import FeatureEncoder
from seqcnn.encoders.rocket_kernels import N_KERNELS, KernelBank, Responses


class MiniRocket(FeatureEncoder):
    """The share of time steps at which each of 84 dilated kernels exceeds each of its biases.

    NOTE differences from the paper:

    - A response is computed from differences to the kernel's middle tap. Mathematically nothing changes, but a flat
      stretch answers with an exact zero and not with rounding errors.
    - Records may be of unequal length: see :class:`seqcnn.encoders.FeatureEncoder`.
    - Features stand in the order dilation, bias, kernel.

    Parameters
    ----------
    in_channels
        Channels of the input; each kernel adds up some of them at each dilation, nine at most.
    n_features
        Rounded down to a multiple of 84, the number of kernels; at least 84.
    max_dilations
        The most dilations of a kernel.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``.

    Examples
    --------
    >>> encoder = MiniRocket(1, n_features=200)
    >>> x = torch.randn(5, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape
    torch.Size([5, 168])
    """

    def __init__(self, in_channels: int, *, n_features: int = 10_000, max_dilations: int = 32) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.bank = KernelBank(in_channels, max(1, n_features // N_KERNELS), max_dilations)

    @property
    def n_features(self) -> int:
        """Numbers out."""
        return self.bank.n_features

    @property
    def is_prepared(self) -> bool:
        """Whether the encoder has its dilations and biases."""
        return self.bank.is_prepared

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        self.bank.prepare(x, lengths, seed, np.random.RandomState(seed))

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return self.bank.summarise(x, lengths, share_above, 1, self._records_at_once(x)).flatten(1)

    def _trace(self, x: Tensor) -> Tensor:
        return self.bank.trace(x, traced_share_above).flatten(1)

    def _records_at_once(self, x: Tensor) -> int:
        return 64 if x.device.type == "cpu" else 4096


def share_above(responses: Responses) -> Tensor:
    """Return the share of outputs above each bias, ``(1, n_biases, batch, kernels)``."""
    totals = torch.zeros_like(responses.biases)
    each = list(zip(responses.biases.unbind(), totals.unbind(), strict=True))
    above = ones = responses.biases[:0]
    for _, rows in responses.blocks():
        if above.shape != rows.shape:
            above, ones = torch.empty_like(rows), rows.new_ones(len(rows))
            columns = above.T
        for bias, total in each:
            torch.gt(rows, bias, out=above)
            total.addmv_(columns, ones)
    return (responses.by_lane(totals).sum(1) / responses.layout.n_steps.clamp_min(1))[None]


def traced_share_above(responses: Tensor, biases: Tensor, places: Tensor, n_steps: Tensor) -> Tensor:
    """Return the share of outputs above each bias, ``(batch, 1, n_biases, kernels)``."""
    counts = (places >= 0) & (places < n_steps)
    above = (responses[:, None] > biases) & counts
    return (above.to(responses.dtype).sum(-1) / n_steps[:, 0])[:, None]
