"""Running a network over many windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import Float64Array
from seqcnn.allocation import keep_freed_memory
from seqcnn.batches import Batch, WindowStore, prediction_batches
from seqcnn.committee import Committee
from seqcnn.encoders.plain import PlainEncoder
from seqcnn.network import Network

_STEPS_A_BATCH = {"cpu": 2**13, "other": 2**17}
"""Time steps that an encoder reads in a batch of prediction: on a CPU so many that a layer's features stay in its
cache."""


def run_network(network: Network | Committee, store: WindowStore, *, features: bool = False) -> Float64Array:
    """Return the network's output for every window, in the windows' order.

    Parameters
    ----------
    network
        Is put into evaluation mode for the run, and back. Members of a committee run one after the other, each in
        batches of its own.
    store
        The windows.
    features
        Return what stands in front of the head instead of the scores.

    Returns
    -------
    ndarray
        ``(n_windows, n_outputs)`` float64.
    """
    if isinstance(network, Committee):
        outputs_of_members = [run_network(member, store, features=features) for member in network]
        if features:
            return np.concatenate(outputs_of_members, 1)
        return network.combine([torch.from_numpy(scores) for scores in outputs_of_members]).numpy()
    return run_batches(network, store, lambda batch: network.embed(*batch) if features else network(*batch))


def run_batches(network: Network, store: WindowStore, read: Callable[[Batch], Tensor]) -> Float64Array:
    """Return what ``read`` gives for every window, in the windows' order, ``(n_windows, ...)`` float64.

    Parameters
    ----------
    network
        Is put into evaluation mode for the run, and back.
    store
        The windows.
    read
        Gives an answer for each window of a batch, ``(batch, ...)``.
    """
    was_training = network.training
    network.eval()
    size = windows_a_batch(store, network)
    batches = prediction_batches(store.lengths, size, equal_length=knows_no_padding(network))
    outputs: list[Tensor] = []
    try:
        with torch.inference_mode(), keep_freed_memory():
            outputs.extend(read(store.batch(windows)) for windows in batches)
    finally:
        network.train(was_training)
    joined = torch.cat(outputs).cpu().to(torch.float64).numpy()
    in_order = np.empty_like(joined)
    in_order[np.concatenate(batches)] = joined
    return in_order


def windows_a_batch(store: WindowStore, network: Network) -> int:
    """Return how many windows of a store run together fastest."""
    longest = max(int(store.lengths.max()), 1)
    steps = _STEPS_A_BATCH["cpu" if store.device.type == "cpu" else "other"]
    return int(np.clip(steps * network.stem.stride // longest, 1, 1024))


def knows_no_padding(network: Network) -> bool:
    """Tell whether the network must be given batches of equal length."""
    return isinstance(network.encoder, PlainEncoder)
