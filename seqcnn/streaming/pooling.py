"""Pooling the last window of encoded steps, hop after hop."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from seqcnn.layers.pooling import BinPool1d

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
        self.reset()

    def reset(self) -> None:
        """Begin a record: nothing before it."""
        self._steps: Tensor | None = None  # (n, channels), less than a block
        self._blocks: Tensor | None = None  # (n, channels): those that coming windows will need
        self._n_blocks = 0

    def push(self, encoded: Tensor) -> Tensor:
        """Take ``(1, channels, n)`` and return ``(n_rows, n_features)``, a row for each hop that ended."""
        steps = encoded[0].T
        if self._steps is not None:
            steps = torch.cat([self._steps, steps])
        block = self._block
        if block > 1:
            n_new = len(steps) // block
            self._steps = steps[n_new * block :].clone() if n_new * block < len(steps) else None
            parts = steps[: n_new * block].reshape(n_new, block, steps.shape[1])
            steps = parts.sum(1) if self._is_mean else parts.amax(1)
        if self._blocks is None:
            self._blocks = self._silence(steps)
        held = torch.cat([self._blocks, steps])
        before, self._n_blocks = self._n_blocks, self._n_blocks + len(steps)
        first, last = before // self._hop + 1, self._n_blocks // self._hop
        rows = self._pool(held, before, first, last)
        self._blocks = held[len(held) - self._window + 1 :].clone()
        return rows

    def _silence(self, steps: Tensor) -> Tensor:
        """Return what stands for the blocks before the record: what changes no sum, and no maximum."""
        return steps.new_full((self._window - 1, steps.shape[1]), 0.0 if self._is_mean else -torch.inf)

    def _pool(self, held: Tensor, before: int, first: int, last: int) -> Tensor:
        """Pool the windows that end with hops ``first`` to ``last``; ``held`` begins a window before ``before``."""
        if last < first:
            return held.new_empty(0, held.shape[1] * self._pooling.n_bins)
        # Block b of the record, counted from 0, is held[b - before + window - 1]; so a window that ends before block e
        # begins at held[e - before - 1].
        if not self._is_plain:
            return self._pool_bins(held, before, first, last)
        starts = range(first * self._hop - before - 1, last * self._hop - before, self._hop)
        if len(starts) == 1:
            window = held[starts[0] : starts[0] + self._window]
            features = (window.sum(0) if self._is_mean else window.amax(0))[None]
        else:
            windows = held[starts[0] :].unfold(0, self._window, self._hop)[: len(starts)]
            features = windows.sum(2) if self._is_mean else windows.amax(2)
        if not self._is_mean:
            return features
        if first * self._hop >= self._window:
            return features / self._n_steps
        counts = torch.arange(first, last + 1, dtype=features.dtype) * self._hop_steps
        return features / counts.clamp(max=self._n_steps)[:, None]

    def _pool_bins(self, held: Tensor, before: int, first: int, last: int) -> Tensor:
        rows = []
        for hop in range(first, last + 1):
            end = hop * self._hop - before + self._window - 1
            rows.append(held[end - min(hop * self._hop, self._window) : end].T[None])
        if len({row.shape for row in rows}) > 1:
            return torch.cat([self._pooling(row) for row in rows])
        at_once = max(_NUMBERS_AT_ONCE // rows[0].numel(), 1)
        return torch.cat([self._pooling(torch.cat(rows[k : k + at_once])) for k in range(0, len(rows), at_once)])
