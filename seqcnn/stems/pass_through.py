"""Giving the input on as it is."""

from __future__ import annotations

from torch import Tensor

from seqcnn.layers.gaps import find_observed
from seqcnn.layers.masking import length_mask
from seqcnn.layers.readers import Histories, Reader
from seqcnn.stems.base import Stem, fill_and_tell


class PassThrough(Stem):
    """Gives its input on as it is, for what needs no normalization.

    Shape: ``(batch, channels, time)`` to the same, or to twice the channels with ``mask_missing``.

    Parameters
    ----------
    n_channels
        Channels of the input.
    mask_missing
        Whether NaN is absent: a line is drawn through each gap, and an indicator for each channel is appended. A
        record's channel without any value becomes zero.
    indicator
        What an indicator says where a value was observed; it is 0 elsewhere.
    """

    def __init__(self, n_channels: int, *, mask_missing: bool = False, indicator: float = 1.0) -> None:
        super().__init__()
        self.mask_missing = self.whole_record = mask_missing
        self.indicator = indicator
        self.out_channels = 2 * n_channels if mask_missing else n_channels

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return ``x``."""
        if not self.mask_missing:
            return x
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        return fill_and_tell(x, find_observed(x, mask), mask, self.indicator)

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces; None where gaps are filled."""
        return None if self.mask_missing else lambda steps: steps
