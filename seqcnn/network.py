"""The whole network: stem, encoder, pooling, head, in one ``nn.Module``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.features import FeatureEncoder
from seqcnn.heads import Head
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
    def n_outputs(self) -> int:
        """Columns of the scores; of a network that ends in features, how many these are."""
        return self.head.n_outputs if isinstance(self.head, Head) else self.n_features

    @property
    def knows_past(self) -> bool:
        """Whether an encoded step depends on its own input and that before it alone, and so can stand in a stream.

        Then a window of a record can be given what was before it.
        """
        return bool(getattr(self.encoder, "causal", False)) and not self.stem.whole_record

    @property
    def receptive_field(self) -> int | None:
        """Time steps of the input that an encoded step sees; None where that has no end."""
        own = getattr(self.encoder, "receptive_field", None)
        window = int(getattr(getattr(self.stem, "front_end", None), "window_length", 1))
        return None if own is None else (own - 1) * int(getattr(self.stem, "stride", 1)) + window

    @property
    def minimum_length(self) -> int:
        """Time steps that a batch must have."""
        encoder = self.encoder
        return self.stem.stride * (encoder.minimum_length if isinstance(encoder, FeatureEncoder) else encoder.stride)

    @property
    def shortest_record(self) -> int:
        """Time steps that a record must have; shorter ones than a batch must have are padded."""
        return self.stem.stride * (1 if isinstance(self.encoder, FeatureEncoder) else self.encoder.stride)

    @property
    def stride(self) -> int:
        """Input steps from one encoded step to the next; of features, which have no time, the stem's alone."""
        return self.stem.stride * (1 if isinstance(self.encoder, FeatureEncoder) else self.encoder.stride)

    def read(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return what the encoder reads, and the length of each record in it; parameters as in :meth:`forward`."""
        return self.stem(x, lengths), None if lengths is None else self.stem.output_lengths(lengths)

    def embed(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        static: Tensor | None = None,
        kept: Tensor | int | None = None,
    ) -> Tensor:
        """Return the features in front of the head, ``(batch, n_features)``; parameters as in :meth:`forward`."""
        return self.join_static(self._pool(x, lengths, kept), static)

    def join_static(self, features: Tensor, static: Tensor | None) -> Tensor:
        """Set the numbers beside each record behind its pooled features, where the network reads such."""
        if self.static is None:
            return features
        if static is None:
            raise TypeError(
                f"This network also reads numbers beside each record. Received: none. Pass static=, a tensor of shape "
                f"(batch, {self.static.n_columns})."
            )
        return torch.cat([features, self.static(static).to(features.dtype)], 1)

    def encode(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return what stands in front of the pooling, ``(batch, channels, ceil(time / stride))``."""
        encoded: Tensor = self.encoder(*self.read(x, lengths))
        return encoded

    def _pool(self, x: Tensor, lengths: Tensor | None, kept: Tensor | int | None) -> Tensor:
        encoded = self.encode(x, lengths)
        if isinstance(self.encoder, FeatureEncoder):
            return encoded
        assert self.pooling is not None
        mask = None
        if isinstance(kept, int):
            assert lengths is None
            encoded = encoded[..., encoded.shape[2] - kept :]
        elif lengths is not None or kept is not None:
            n_steps = torch.full((x.shape[0],), encoded.shape[2], device=x.device)
            if lengths is not None:
                n_steps = self.encoder.output_lengths(self.stem.output_lengths(lengths))
            mask = length_mask(n_steps, encoded.shape[2])
            if kept is not None:
                mask = mask & ~length_mask(n_steps - kept, encoded.shape[2])
        features: Tensor = self.pooling(encoded, mask)
        return features

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        static: Tensor | None = None,
        kept: Tensor | int | None = None,
    ) -> Tensor:
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
        kept
            Encoded steps that are pooled, the last ones of each record, ``(batch,)`` or one number for all where
            nothing is padded: those in front of them are context. None pools all.
        """
        scores: Tensor = self.head(self.embed(x, lengths, static, kept))
        return scores
