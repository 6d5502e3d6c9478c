"""The whole network: stem, encoder, pooling, head, in one ``nn.Module``."""

from __future__ import annotations

from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.features import FeatureEncoder
from seqcnn.layers.masking import length_mask
from seqcnn.layers.pooling import BinPool1d
from seqcnn.rebuilding import Rebuildable


class Network(Rebuildable):
    """Raw input to scores.

    Shape: ``(batch, channels, time)``, or ``(batch, time)`` character codes, to ``(batch, n_outputs)``.

    Parameters
    ----------
    stem
        Normalizer or character embedding.
    encoder
        Reads ``(batch, stem.out_channels, time)``.
    pooling
        Summarises time behind a :class:`SequenceEncoder`; a :class:`FeatureEncoder` has done so, and takes None.
    head
        Reads ``(batch, n_features)``; ``nn.Identity()`` gives the features themselves.
    """

    encoder: SequenceEncoder | FeatureEncoder
    pooling: BinPool1d | None

    def __init__(
        self,
        stem: nn.Module,
        encoder: SequenceEncoder | FeatureEncoder,
        pooling: BinPool1d | None,
        head: nn.Module,
    ) -> None:
        super().__init__()
        assert isinstance(encoder, FeatureEncoder) == (pooling is None)
        self.stem = stem
        self.encoder = encoder
        self.pooling = pooling
        self.head = head

    @property
    def n_features(self) -> int:
        """Features in front of the head."""
        if isinstance(self.encoder, FeatureEncoder):
            return self.encoder.n_features
        assert self.pooling is not None
        return self.encoder.out_channels * self.pooling.n_bins

    @property
    def minimum_length(self) -> int:
        """Time steps that a batch must have."""
        return self.encoder.minimum_length if isinstance(self.encoder, FeatureEncoder) else self.encoder.stride

    def embed(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the features in front of the head, ``(batch, n_features)``."""
        encoded: Tensor = self.encoder(self.stem(x, lengths), lengths)
        if isinstance(self.encoder, FeatureEncoder):
            return encoded
        assert self.pooling is not None
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
