"""Threads: how many torch may use, so that programs beside each other do not wait for each other's cores."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from seqcnn.batches import WindowStore
from seqcnn.encoders.base import SequenceEncoder
from seqcnn.network import Network

_LITTLE_WORK = 10_000_000
"""Multiplications of a forward pass below which waiting for a second thread takes longer than it saves
(benchmarks/engine.py)."""


def threads_for(network: Network, store: WindowStore, batch_size: int) -> int:
    """Return the threads that training takes: torch's setting, or one where a step is little work."""
    assert isinstance(network.encoder, SequenceEncoder)
    kernels = sum(parameter.numel() for parameter in network.encoder.parameters())
    multiplications = kernels * min(batch_size, len(store)) * int(store.lengths.max()) / network.stride
    return 1 if multiplications < _LITTLE_WORK else torch.get_num_threads()


@contextmanager
def thread_limit(n_threads: int | None) -> Iterator[None]:
    """Let torch use this many threads inside the block.

    None leaves torch's setting, but for one thread in a worker: in a search with ``n_jobs``, several fits run beside
    each other, and threads that wait for each other's cores make all of them many times slower.
    """
    if n_threads is None and _is_worker():
        n_threads = 1
    before = torch.get_num_threads()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        if n_threads is not None:
            torch.set_num_threads(before)


def _is_worker() -> bool:
    """Tell whether this is a thread or a process that another one started."""
    in_thread = threading.current_thread() is not threading.main_thread()
    return in_thread or multiprocessing.parent_process() is not None
