"""Small records, networks and stores that the tests of the core share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn.batches import WindowStore
from seqcnn.encoders import ENCODERS, SequenceEncoder
from seqcnn.heads import LinearHead
from seqcnn.inputs import Records
from seqcnn.layers import BinPool1d
from seqcnn.network import Network
from seqcnn.stems import PassThrough
from seqcnn.windows import cut_windows


def series(lengths: Sequence[int], n_channels: int = 1, seed: int = 0) -> Records:
    """Return noise, one record a length."""
    generator = np.random.default_rng(seed)
    return Records("series", [generator.standard_normal((n_channels, n)).astype(np.float32) for n in lengths])


def text(lengths: Sequence[int], n_codes: int = 20, seed: int = 0) -> Records:
    """Return random character codes, one record a length; no code is the padding's zero."""
    generator = np.random.default_rng(seed)
    return Records("text", [generator.integers(1, n_codes, n).astype(np.int32) for n in lengths])


def store_of(
    records: Records, window_length: int | None = None, hop_length: int | None = None, **options: Any
) -> WindowStore:
    """Return the store of these records' windows."""
    return WindowStore(records, cut_windows(records.lengths, window_length, hop_length), **options)


def small_encoder(name: str, in_channels: int = 1, width: int = 4, seed: int = 0, **options: Any) -> SequenceEncoder:
    """Build an entry of the table, narrow where its signature allows, in evaluation mode, with lively statistics.

    Fresh batch normalization is nearly the identity; random statistics and weights make the tests mean something.
    """
    entry = ENCODERS[name]
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        encoder = entry.build(in_channels, **({"width": width} if "width" in entry.defaults else {}), **options)
        for module in encoder.modules():
            if isinstance(module, nn.BatchNorm1d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0.0, 0.3)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0.2, 0.3)
    return encoder.eval()


def network_around(encoder: SequenceEncoder, n_outputs: int = 2, stem: nn.Module | None = None) -> Network:
    """Return a network of this encoder; without a stem the input goes in as it is."""
    stem = PassThrough(encoder.in_channels) if stem is None else stem
    return Network(stem, encoder, BinPool1d(encoder.pooling), LinearHead(encoder.out_channels, n_outputs))


def padded(records: Sequence[Tensor], n_timepoints: int) -> tuple[Tensor, Tensor]:
    """Lay ``(channels, time_i)`` records into one batch of this length, and return their lengths too."""
    batch = torch.zeros(len(records), records[0].shape[0], n_timepoints, dtype=records[0].dtype)
    for row, record in zip(batch, records, strict=True):
        row[:, : record.shape[1]] = record
    return batch, torch.tensor([record.shape[1] for record in records])


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """Return the largest difference as a share of the largest value, or of one where that is larger."""
    assert actual.shape == expected.shape
    actual, expected = actual.detach().double(), expected.detach().double()
    difference = (actual - expected).abs().max()
    return float(difference / expected.abs().max().clamp(min=1.0))
