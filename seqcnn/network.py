"""The whole network: stem, encoder, pooling, head, in one ``nn.Module``."""

from __future__ import annotations

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.layers.masking import length_mask
from seqcnn.layers.pooling import BinPool1d


class Network(nn.Module):
    """Raw input to scores.

    Shape: ``(batch, channels, time)``, or ``(batch, time)`` character codes, to ``(batch, n_outputs)``.

    Parameters
    ----------
    stem
        Normalizer or character embedding.
    encoder
        Reads ``(batch, stem.out_channels, time)``.
    pooling
        Summarises time.
    head
        Reads ``(batch, encoder.out_channels * pooling.n_bins)``; ``nn.Identity()`` gives the features themselves.
    """

    def __init__(self, stem: nn.Module, encoder: SequenceEncoder, pooling: BinPool1d, head: nn.Module) -> None:
        super().__init__()
        self.stem = stem
        self.encoder = encoder
        self.pooling = pooling
        self.head = head

    @property
    def n_features(self) -> int:
        """Features in front of the head."""
        return self.encoder.out_channels * self.pooling.n_bins

    def embed(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the features in front of the head, ``(batch, n_features)``."""
        encoded = self.encoder(self.stem(x, lengths), lengths)
        mask = None if lengths is None else length_mask(self.encoder.output_lengths(lengths), encoded.shape[2])
        features: Tensor = self.pooling(encoded, mask)
        return features

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the scores, ``(batch, n_outputs)``.

        Parameters
        ----------
        x
            The input, zero behind each record's length.
        lengths
            Time steps of each record, ``(batch,)``; None says that nothing is padded.
        """
        scores: Tensor = self.head(self.embed(x, lengths))
        return scores
