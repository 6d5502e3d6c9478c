"""What every stem has."""

from __future__ import annotations

import torch
from torch import Tensor

from seqcnn.layers.gaps import fill_gaps
from seqcnn.layers.readers import Histories, Reader
from seqcnn.rebuilding import Rebuildable


class Stem(Rebuildable):
    """What every stem has.

    Attributes
    ----------
    out_channels : int
        Channels that an encoder reads.
    stride : int
        Input steps from one of its steps to the next.
    whole_record : bool
        Whether a step depends on what comes after it in its record, so that no stream can be read.
    """

    out_channels: int
    stride: int = 1
    whole_record: bool = False

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return the steps behind the stem, ``ceil(lengths / stride)``."""
        return lengths if self.stride == 1 else (lengths + self.stride - 1) // self.stride

    def piece_reader(self, histories: Histories) -> Reader | None:
        """Return what reads a stream's pieces (:mod:`seqcnn.layers.readers`), or None where there is nothing."""
        return None


def fill_and_tell(x: Tensor, observed: Tensor, mask: Tensor | None, indicator: float) -> Tensor:
    """Fill the gaps, and append ``indicator`` where a value was observed: ``(batch, 2 * channels, time)``."""
    return torch.cat([fill_gaps(x, observed, mask), observed.to(x.dtype) * indicator], dim=1)
