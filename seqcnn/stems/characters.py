"""Vectors for characters."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqcnn.stems.base import Stem

_PADDING, _UNKNOWN = 0, 1
"""Codes of a vocabulary that stand for no character of their own."""


class CharacterEmbedding(Stem):
    """Gives each character code a learnt vector; code 0 is padding and stays zero.

    In training a share of the characters is read as unknown (code 1): the network cannot lean on single spellings, and
    the unknown code's vector is learnt. The method is Iyyer et al.'s (2015) for words, "Deep unordered composition
    rivals syntactic methods for text classification", applied to characters.

    Shape: ``(batch, time)`` integers to ``(batch, width, time)``.

    Parameters
    ----------
    n_codes
        Rows of the table: the vocabulary's size.
    width
        Length of a character's vector.
    unknown_share
        The share of characters that training reads as unknown.

    Examples
    --------
    >>> CharacterEmbedding(30, width=8)(torch.tensor([[2, 3, 0]])).shape
    torch.Size([1, 8, 3])
    """

    def __init__(self, n_codes: int, width: int = 32, unknown_share: float = 0.1) -> None:
        super().__init__()
        self.unknown_share = unknown_share
        self.out_channels = width
        self.table = nn.Embedding(n_codes, width, padding_idx=0)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Embed ``(batch, time)`` codes."""
        if self.training and self.unknown_share > 0:
            hidden = torch.rand(x.shape, device=x.device) < self.unknown_share
            x = x.masked_fill(hidden & (x != _PADDING), _UNKNOWN)
        vectors: Tensor = self.table(x)
        return vectors.transpose(1, 2)
