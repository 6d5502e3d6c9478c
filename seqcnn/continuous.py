"""Windows of whole records from one pass of a causal network: each window knows what was before it.

So it is in a stream, too: a window that was cut out would see zeros where the record goes on to the left.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import AnyArray, Float64Array, IntegerArray
from seqcnn.allocation import keep_freed_memory
from seqcnn.batches import WindowStore, prediction_batches
from seqcnn.inference import windows_a_batch
from seqcnn.inputs.records import Records
from seqcnn.network import Network
from seqcnn.piecewise import PieceEncoder, build_piece_encoder, find_reach
from seqcnn.windows import Reading, WindowTable, cut_windows, read_with_past

_LONG = 2**17
"""Samples from which on a record goes through the network in pieces, so that its encoded steps need not fit in memory
together."""

_NUMBERS_AT_ONCE = 2**22


def run_continuously(
    network: Network,
    records: Records,
    table: WindowTable,
    *,
    features: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> Float64Array:
    """Return a causal network's output for every window, in the windows' order.

    Parameters
    ----------
    network
        In evaluation mode; ``network.knows_past``.
    records, table
        What is read, and where the windows lie.
    features
        Return what stands in front of the head instead of the scores.
    dtype, device
        Of the network.

    Returns
    -------
    ndarray
        ``(n_windows, n_outputs)`` float64.
    """
    assert network.knows_past
    lengths = records.lengths
    reading = read_with_past(table, lengths, stride=network.stride, receptive_field=None)
    bounds = np.searchsorted(table.record, np.arange(table.n_records + 1))
    pooled: list[Tensor | None] = [None] * table.n_records
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode(), keep_freed_memory():
            for row, steps in _encode_records(network, records, dtype, device):
                windows = np.arange(bounds[row], bounds[row + 1])
                pooled[row] = _pool_windows(network, steps, reading, windows)
            together = torch.cat([part for part in pooled if part is not None])
            static = None
            if records.static is not None:
                static = torch.from_numpy(records.static[table.record]).to(together.device)
            together = network.join_static(together, static)
            outputs: Tensor = together if features else network.head(together)
    finally:
        network.train(was_training)
    return outputs.cpu().to(torch.float64).numpy()


def _encode_records(
    network: Network, records: Records, dtype: torch.dtype, device: torch.device | None
) -> Iterator[tuple[int, Iterator[Tensor]]]:
    """Yield each record's position, and its encoded steps ``(1, channels, n)`` in order, in one part or more."""
    lengths = records.lengths
    is_long = (lengths > _LONG) & (records.kind != "text")
    short = np.flatnonzero(~is_long)
    if len(short):
        some = records.take(short)
        table = cut_windows(some.lengths)
        store = WindowStore(some, table, minimum_length=network.minimum_length, dtype=dtype, device=device)
        for batch in prediction_batches(store.lengths, windows_a_batch(store, network)):
            x, real, *_ = store.batch(batch)
            encoded = network.encode(x, real)
            for position, own in zip(batch, encoded, strict=True):
                n_steps = -(-int(store.lengths[position]) // network.stride)
                yield int(short[position]), iter([own[None, :, :n_steps]])
    if not is_long.any():
        return
    own_network, n_channels = deepcopy(network), records.values[int(np.argmax(is_long))].shape[0]
    reach = find_reach(network, n_channels)
    # What says that it is causal and is not, or forgets, is run over the whole record at once.
    encoder = None if reach is None or reach.ahead else build_piece_encoder(own_network, reach, n_channels)
    for row in np.flatnonzero(is_long):
        wave = records.values[row]
        if encoder is None:
            yield int(row), iter([network.encode(torch.from_numpy(wave).to(dtype).to(device)[None])])
            continue
        encoder.reset()

        def parts(wave: AnyArray = wave, encoder: PieceEncoder = encoder) -> Iterator[Tensor]:
            for start in range(0, wave.shape[1], _LONG):
                yield from encoder.push(torch.from_numpy(wave[:, start : start + _LONG]).to(dtype).to(device)[None])
            yield from encoder.finish()

        yield int(row), parts()


def _pool_windows(network: Network, parts: Iterator[Tensor], reading: Reading, windows: IntegerArray) -> Tensor:
    """Return the pooled features of a record's windows, ``(n_windows, n_features)``, as its encoded steps come."""
    assert network.pooling is not None
    end_step, kept = reading.end_step[windows], reading.kept[windows]
    features: list[Tensor] = []
    held: Tensor | None = None
    held_from = done = 0
    for part in parts:
        held = part if held is None else torch.cat([held, part], 2)
        held_to = held_from + held.shape[2]
        # Windows lie in the order of their ends.
        ready = int(np.searchsorted(end_step, held_to, side="right"))
        features += _pool_stretches(network, held[0], end_step[done:ready] - held_from, kept[done:ready])
        done = ready
        needed = held_to if done == len(windows) else int((end_step[done:] - kept[done:]).min())
        needed = min(max(needed, held_from), held_to)
        held, held_from = held[..., needed - held_from :].clone(), needed
    return torch.cat(features)


def _pool_stretches(network: Network, steps: Tensor, ends: IntegerArray, kept: IntegerArray) -> list[Tensor]:
    """Pool stretches of ``steps`` ``(channels, n)``: ``kept[i]`` of them up to ``ends[i]``."""
    pooling = network.pooling
    assert pooling is not None
    by_step, features = steps.T, []
    # Of the same size in a row, as all are but the first ones.
    borders = np.flatnonzero(np.diff(kept)) + 1
    for stretch in np.split(np.arange(len(ends)), borders):
        if not len(stretch):
            continue
        size = int(kept[stretch[0]])
        at_once = max(_NUMBERS_AT_ONCE // (size * steps.shape[0]), 1)
        for start in range(0, len(stretch), at_once):
            first = torch.from_numpy(ends[stretch[start : start + at_once]] - size).to(steps.device)
            index = first[:, None] + torch.arange(size, device=steps.device)
            features.append(pooling(by_step[index].transpose(1, 2)))
    return features
