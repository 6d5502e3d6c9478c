"""The whole network: stem, encoder, pooling, head, in one ``nn.Module``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.features import FeatureEncoder
from seqcnn.layers.masking import length_mask
from seqcnn.layers.pooling import BinPool1d
from seqcnn.rebuilding import Rebuildable
from seqcnn.static_scaler import StaticScaler
from seqcnn.stems import Stem


class Network(Rebuildable):
    """Raw input to scores.

    Shape: ``(batch, channels, time)``, or ``(batch, time)`` character codes, to ``(batch, n_outputs)``.

    Parameters
    ----------
    stem
        Normalizer, character embedding, or front end.
    encoder
        Reads ``(batch, stem.out_channels, time)``.
    pooling
        Summarises time behind a :class:`SequenceEncoder`; a :class:`FeatureEncoder` has done so, and takes None.
    head
        Reads ``(batch, n_features)``; ``nn.Identity()`` gives the features themselves.
    static
        Scales the numbers beside each record, which then stand behind the pooled features; None where there are none.
    """

    stem: Stem
    encoder: SequenceEncoder | FeatureEncoder
    pooling: BinPool1d | None
    static: StaticScaler | None

    def __init__(
        self,
        stem: Stem,
        encoder: SequenceEncoder | FeatureEncoder,
        pooling: BinPool1d | None,
        head: nn.Module,
        static: StaticScaler | None = None,
    ) -> None:
        super().__init__()
        assert isinstance(encoder, FeatureEncoder) == (pooling is None)
        self.stem = stem
        self.encoder = encoder
        self.pooling = pooling
        self.head = head
        self.static = static

    @property
    def n_features(self) -> int:
        """Features in front of the head, those beside the record among them."""
        return self.n_pooled_features + (0 if self.static is None else self.static.n_columns)

    @property
    def n_pooled_features(self) -> int:
        """Features that come from the records themselves."""
        if isinstance(self.encoder, FeatureEncoder):
            return self.encoder.n_features
        assert self.pooling is not None
        return self.encoder.out_channels * self.pooling.n_bins

    @property
    def minimum_length(self) -> int:
        """Time steps that a batch must have."""
        encoder = self.encoder
        return self.stem.stride * (encoder.minimum_length if isinstance(encoder, FeatureEncoder) else encoder.stride)

    @property
    def stride(self) -> int:
        """Input steps from one encoded step to the next; of features, which have no time, the stem's alone."""
        return self.stem.stride * (1 if isinstance(self.encoder, FeatureEncoder) else self.encoder.stride)

    def read(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return what the encoder reads, and the length of each record in it; parameters as in :meth:`forward`."""
        return self.stem(x, lengths), None if lengths is None else self.stem.output_lengths(lengths)

    def embed(self, x: Tensor, lengths: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the features in front of the head, ``(batch, n_features)``; parameters as in :meth:`forward`."""
        features = self._pool(x, lengths)
        if self.static is None:
            return features
        if static is None:
            raise TypeError(
                f"This network also reads numbers beside each record. Received: none. Pass static=, a tensor of shape "
                f"(batch, {self.static.n_columns})."
            )
        return torch.cat([features, self.static(static).to(features.dtype)], 1)

    def _pool(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        x, lengths = self.read(x, lengths)
        encoded: Tensor = self.encoder(x, lengths)
        if isinstance(self.encoder, FeatureEncoder):
            return encoded
        assert self.pooling is not None
        mask = None if lengths is None else length_mask(self.encoder.output_lengths(lengths), encoded.shape[2])
        features: Tensor = self.pooling(encoded, mask)
        return features

    def forward(self, x: Tensor, lengths: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the scores, ``(batch, n_outputs)``.

        Parameters
        ----------
        x
            The input, zero behind each record's length.
        lengths
            Time steps of each record, ``(batch,)``; None says that nothing is padded.
        static
            The numbers beside each record, ``(batch, n_columns)``, as they came in; NaN stands for the mean. None where
            the network was built without.
        """
        scores: Tensor = self.head(self.embed(x, lengths, static))
        return scores
