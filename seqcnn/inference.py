"""Running a network over many windows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import Float64Array
from seqcnn.batches import WindowStore, prediction_batches
from seqcnn.encoders.plain import PlainEncoder
from seqcnn.network import Network

_VALUES_A_BATCH = 2**20
"""Time steps in a batch of prediction: enough to fill the processor, little enough to fit beside the data."""


def run_network(network: Network, store: WindowStore, *, features: bool = False) -> Float64Array:
    """Return the network's output for every window, in the windows' order.

    Parameters
    ----------
    network
        Is put into evaluation mode for the run, and back.
    store
        The windows.
    features
        Return what stands in front of the head instead of the scores.

    Returns
    -------
    ndarray
        ``(n_windows, n_outputs)`` float64.
    """
    was_training = network.training
    network.eval()
    longest = max(int(store.lengths.max()), 1)
    batch_size = int(np.clip(_VALUES_A_BATCH // (longest * 16), 1, 1024))
    batches = prediction_batches(store.lengths, batch_size, equal_length=knows_no_padding(network))
    outputs: list[Tensor] = []
    try:
        with torch.inference_mode():
            for windows in batches:
                x, lengths = store.batch(windows)
                outputs.append(network.embed(x, lengths) if features else network(x, lengths))
    finally:
        network.train(was_training)
    joined = torch.cat(outputs).cpu().to(torch.float64).numpy()
    in_order = np.empty_like(joined)
    in_order[np.concatenate(batches)] = joined
    return in_order


def knows_no_padding(network: Network) -> bool:
    """Tell whether the network must be given batches of equal length."""
    return isinstance(network.encoder, PlainEncoder)
