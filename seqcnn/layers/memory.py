"""Layers that remember: a causal network reads a stream piece by piece and gives the numbers it gives for the whole.

A layer that looks at earlier steps keeps them from piece to piece, in the place of the zeros that stand in front of a
record. If every piece is a multiple of a network's stride long, all of its branches give as many steps as each other,
so that sums and concatenations need to know nothing of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Remembers(nn.Module):
    """A layer that looks at earlier steps, and can be told to keep them between its calls.

    A subclass asks :attr:`reads_stream` in its ``forward``, and takes :meth:`with_past` in the place of padding on the
    left. What it remembers is no part of its state dict.
    """

    reads_stream: bool = False
    _past: Tensor | None = None

    def begin_stream(self) -> None:
        """Forget, and keep from now on what later calls will look back at: a record begins, silence before it."""
        self.reads_stream, self._past = True, None

    def end_stream(self) -> None:
        """Read records whole again."""
        self.reads_stream, self._past = False, None

    def with_past(self, x: Tensor, n_steps: int) -> Tensor:
        """Return the piece ``(batch, channels, time)`` behind the ``n_steps`` before it, and remember its own last."""
        if n_steps == 0:
            return x
        past = self._past
        if past is None:
            past = x.transpose(1, 2).new_zeros(x.shape[0], n_steps, x.shape[1]).transpose(1, 2)
        joined = torch.cat([past, x], dim=2)
        self._past = joined[:, :, -n_steps:]
        return joined


def begin_stream(network: nn.Module) -> None:
    """Let every layer of a network forget, and remember from now on.

    >>> from seqcnn.layers import Conv1d
    >>> layer = Conv1d(1, 2, 3, padding="causal")
    >>> x = torch.randn(1, 1, 6)
    >>> whole = layer(x)
    >>> begin_stream(layer)
    >>> torch.allclose(torch.cat([layer(x[..., :4]), layer(x[..., 4:])], 2), whole, atol=1e-6)
    True
    """
    for module in network.modules():
        if isinstance(module, Remembers):
            module.begin_stream()


def end_stream(network: nn.Module) -> None:
    """Let every layer of a network read records whole again."""
    for module in network.modules():
        if isinstance(module, Remembers):
            module.end_stream()
