"""Pooling the last window of encoded steps, hop after hop."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import AnyArray
from seqcnn.layers.pooling import BinPool1d
from seqcnn.layers.readers import History

_NUMBERS_AT_ONCE = 2**22


class WindowPool:
    """Takes encoded steps and gives the pooled features of the window that ends at each hop.

    Each window is summed anew, from sums of the blocks that windows and hops have in common, and not by adding what
    comes and subtracting what leaves: after ten hours it is as exact as after a second. Until a window is full, what
    there is since the beginning is pooled.

    Parameters
    ----------
    pooling
        The network's.
    n_steps, hop_steps
        Encoded steps of a window, and from one to the next.

    Examples
    --------
    >>> pool = WindowPool(BinPool1d("mean"), n_steps=4, hop_steps=2)
    >>> [row.tolist() for row in pool.push(torch.arange(7.0).reshape(1, 1, 7))]
    [[0.5], [1.5], [3.5]]
    """

    def __init__(self, pooling: BinPool1d, n_steps: int, hop_steps: int) -> None:
        self._pooling = pooling
        self._hop_steps, self._n_steps = hop_steps, n_steps
        # Bins have borders of their own, wherever the window's length puts them.
        self._is_plain = pooling.n_bins == 1
        self._block = math.gcd(n_steps, hop_steps) if self._is_plain else 1
        self._window = n_steps // self._block
        self._hop = hop_steps // self._block
        self._is_mean = pooling.kind == "mean"
        # Before the record stands what changes no sum, and no maximum.
        self._history = History(self._window - 1, 0.0 if self._is_mean else -math.inf)
        self.reset()

    def reset(self) -> None:
        """Begin a record: nothing before it."""
        self._steps: AnyArray | None = None  # (n, channels), less than a block
        self._history.reset()
        self._n_blocks = 0

    def push(self, encoded: Tensor) -> Tensor:
        """Take ``(1, channels, n)`` and return ``(n_rows, n_features)``, a row for each hop that ended."""
        blocks = self._join(encoded[0].T.numpy())
        windows = self._history.windows(blocks, self._window)  # one that ends with each block
        before, self._n_blocks = self._n_blocks, self._n_blocks + len(blocks)
        first, last = before // self._hop + 1, self._n_blocks // self._hop
        if last < first:
            return torch.from_numpy(np.empty((0, blocks.shape[1] * self._pooling.n_bins), blocks.dtype))
        ended = windows[first * self._hop - before - 1 :: self._hop]
        if not self._is_plain:
            return self._pool_bins(ended, first)
        if not self._is_mean:
            return torch.from_numpy(ended.max(1))
        features = ended.sum(1)
        if first * self._hop >= self._window:
            features /= self._n_steps
        else:
            counts = np.arange(first, last + 1, dtype=features.dtype) * self._hop_steps
            features /= np.minimum(counts, self._n_steps)[:, None]
        return torch.from_numpy(features)

    def _join(self, steps: AnyArray) -> AnyArray:
        """Return sums or maxima of blocks, and keep the steps of an incomplete one."""
        block = self._block
        if block == 1:
            return steps
        if self._steps is not None:
            steps = np.concatenate([self._steps, steps])
        n_new = len(steps) // block
        self._steps = steps[n_new * block :].copy() if n_new * block < len(steps) else None
        parts = steps[: n_new * block].reshape(n_new, block, steps.shape[1])
        joined: AnyArray = parts.sum(1) if self._is_mean else parts.max(1)
        return joined

    def _pool_bins(self, ended: AnyArray, first: int) -> Tensor:
        rows = []
        for hop, window in enumerate(ended, first):
            n_steps = min(hop * self._hop, self._window)
            rows.append(torch.from_numpy(window[self._window - n_steps :].T.copy()[None]))
        if len({row.shape for row in rows}) > 1:
            return torch.cat([self._pooling(row) for row in rows])
        at_once = max(_NUMBERS_AT_ONCE // rows[0].numel(), 1)
        return torch.cat([self._pooling(torch.cat(rows[k : k + at_once])) for k in range(0, len(rows), at_once)])
