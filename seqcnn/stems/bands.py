"""Bands of recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn._types import AnyArray, Float64Array
from seqcnn.front_ends.base import FrontEnd
from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.layers.readers import Histories, Reader, chain
from seqcnn.stems.base import Stem
from seqcnn.stems.normalizer import Normalize, Normalizer

_SAMPLES_AT_A_TIME = 2**20
"""Samples of a record that go through a front end at a time, for its statistics."""


class FrontEndStem(Stem):
    """Turns recordings into bands, and normalizes each; in training it may also hide some.

    Shape: ``(batch, n_channels, samples)`` to ``(batch, n_channels * bands, ceil(samples / stride))``, each channel's
    bands side by side; zero in the padding.

    Parameters
    ----------
    n_channels
        Channels of the recordings; the same filters are applied to each.
    front_end
        Computes the bands.
    mode
        "dataset", "record" or "level", as :class:`Normalizer` takes it, for each band; None leaves the bands as they
        are.
    masks
        Changes normalized bands in training, called with them and the frames of each record
        (:class:`seqcnn.layers.SpecAugment`); None changes nothing.

    Examples
    --------
    >>> from seqcnn.front_ends import LogMel
    >>> stem = FrontEndStem(1, LogMel(sample_rate=8000))
    >>> stem.learn([np.ones((1, 900)), np.zeros((1, 500))], np.ones(2))
    >>> stem(torch.zeros(2, 1, 900)).shape, stem.output_lengths(torch.tensor([900, 500])).tolist()
    (torch.Size([2, 40, 12]), [12, 7])
    """

    def __init__(
        self,
        n_channels: int,
        front_end: FrontEnd,
        mode: Normalize | None = "dataset",
        *,
        masks: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.front_end = front_end
        self.mode = mode
        self.out_channels, self.stride = n_channels * front_end.out_channels, front_end.stride
        self.normalizer = None if mode is None else Normalizer(self.out_channels, mode)
        self.whole_record = front_end.whole_record or (self.normalizer is not None and self.normalizer.whole_record)
        self.masks = masks

    def learn(self, values: Sequence[AnyArray], weights: Float64Array) -> None:
        """Take each band's mean and deviation from records ``(channels, time_i)``, counted ``weights[i]`` times."""
        if self.normalizer is not None and self.mode != "record":
            pairs = zip(weights, values, strict=True)
            self.normalizer.learn_parts((weight, bands) for weight, value in pairs for bands in self._bands(value))

    def _bands(self, value: AnyArray) -> Iterator[AnyArray]:
        """Yield the bands of one record; of a long one piece by piece, as a stream, so that memory is bounded.

        What is taken from the whole record needs its bands whole.
        """
        size = _SAMPLES_AT_A_TIME // self.stride * self.stride
        like = self.front_end.window
        with torch.no_grad():
            if value.shape[1] <= size or self.whole_record:
                yield self.front_end(torch.as_tensor(value).to(like.device, like.dtype)[None])[0].cpu().numpy()
                return
            begin_stream(self.front_end)
            try:
                for begin in range(0, value.shape[1], size):
                    piece = value[:, begin : begin + size]
                    piece = np.pad(piece, ((0, 0), (0, -piece.shape[1] % self.stride)))
                    yield self.front_end(torch.as_tensor(piece).to(like.device, like.dtype)[None])[0].cpu().numpy()
            finally:
                end_stream(self.front_end)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Compute normalized bands of ``(batch, n_channels, samples)``."""
        frames = None if lengths is None else self.output_lengths(lengths)
        # What normalizes hides the padding, too; what looks at the whole record must not see it.
        needed = self.normalizer is None or self.front_end.whole_record
        bands: Tensor = self.front_end(x, lengths if needed else None)
        if self.normalizer is not None:
            bands = self.normalizer(bands, frames)
        if self.masks is not None and self.training:
            bands = self.masks(bands, frames)
        return bands

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces, of one channel."""
        if self.out_channels != self.front_end.out_channels or self.whole_record:
            return None
        read = self.front_end.piece_reader(histories)
        return read if self.normalizer is None else chain(read, self.normalizer.piece_reader(histories))
