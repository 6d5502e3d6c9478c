"""Batches by indexing data that stay in memory.

All records lie end to end in one tensor and a window is a pair of numbers into it, so overlapping windows cost nothing
and a batch is one indexing operation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import IntegerArray
from seqcnn.inputs.records import Records
from seqcnn.windows import Reading, WindowTable


class Batch(NamedTuple):
    """What a network takes.

    Attributes
    ----------
    x
        ``(batch, channels, time)``, or ``(batch, time)`` codes for text; zero behind each window's length.
    lengths
        ``(batch,)``, or None where nothing is padded.
    static
        ``(batch, n_columns)``: the numbers beside each window's record, or None where there are none.
    kept
        ``(batch,)``, or one number for all: the last encoded steps of each window that are pooled, those in front being
        context; None pools all.
    """

    x: Tensor
    lengths: Tensor | None
    static: Tensor | None = None
    kept: Tensor | int | None = None


class WindowStore:
    """The windows of some records, ready to be cut into batches.

    Parameters
    ----------
    records
        What an input adapter gave.
    table
        Where the windows lie.
    minimum_length
        Batches are padded at least to this many steps (an encoder's stride).
    dtype
        Of the numbers; codes stay integers.
    device
        Where the data, and so the batches, are kept.
    reading
        What is read for each window, if that begins before the window; ``lengths`` are then those of what is read.
    """

    def __init__(
        self,
        records: Records,
        table: WindowTable,
        *,
        minimum_length: int = 1,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
        reading: Reading | None = None,
    ) -> None:
        self.is_text = records.kind == "text"
        joined = np.concatenate(records.values, axis=-1)
        tensor = torch.from_numpy(joined).to(device)
        # Steps first: a window is then one run of rows, and channels come out innermost.
        self._steps = tensor if self.is_text else tensor.to(dtype).T.contiguous()
        offsets = np.concatenate([[0], np.cumsum(records.lengths)])[:-1]
        start = table.start if reading is None else reading.start
        self.lengths = table.lengths if reading is None else reading.stop - reading.start
        self._first = torch.from_numpy(offsets[table.record] + start).to(device)
        self._lengths = torch.from_numpy(self.lengths).to(device)
        self._kept = None if reading is None else reading.kept
        self._minimum_length = minimum_length
        self._static: Tensor | None = None
        if records.static is not None:
            # As precise as they came in, whatever the network runs in; Apple's GPUs have no float64.
            single = device is not None and device.type == "mps"
            numbers = torch.from_numpy(records.static).to(torch.float32 if single else torch.float64)
            self._static = numbers[torch.from_numpy(table.record)].to(device)
        shortest, longest = (int(self.lengths.min()), int(self.lengths.max())) if len(table) else (0, 0)
        self._only_length = longest if minimum_length <= shortest == longest else None

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def carries_past(self) -> bool:
        """Whether batches hold what was before their windows."""
        return self._kept is not None

    @property
    def dtype(self) -> torch.dtype:
        """Of what batches hold."""
        return torch.int64 if self.is_text else self._steps.dtype

    @property
    def device(self) -> torch.device:
        """Where the data are kept."""
        return self._first.device

    def batch(self, windows: IntegerArray) -> Batch:
        """Return these windows as one batch."""
        rows = torch.from_numpy(windows).to(self._first.device)
        static = None if self._static is None else self._static[rows]
        if self._only_length is not None:
            # Whatever step a window begins at, it is a row of this view.
            every_window = self._steps.unfold(0, self._only_length, 1).movedim(-1, 1)
            return Batch(self._arrange(every_window[self._first[rows]]), None, static, self._kept_of(windows, True))
        chosen = self.lengths[windows]
        longest = max(int(chosen.max()), self._minimum_length)
        first, lengths = self._first[rows], self._lengths[rows]
        index = first[:, None] + torch.arange(longest, device=first.device)
        if int(chosen.min()) == longest:
            return Batch(self._arrange(self._steps[index]), None, static, self._kept_of(windows, True))
        real = torch.arange(longest, device=first.device) < lengths[:, None]
        gathered = self._steps[torch.where(real, index, first[:, None])]
        gathered = gathered.masked_fill(~(real if self.is_text else real[..., None]), 0)
        return Batch(self._arrange(gathered), lengths, static, self._kept_of(windows, False))

    def _kept_of(self, windows: IntegerArray, is_even: bool) -> Tensor | int | None:
        """Return how many steps are pooled: a number where it is one for windows of one length, which is faster."""
        if self._kept is None:
            return None
        kept = self._kept[windows]
        if is_even and int(kept.min()) == int(kept.max()):
            return int(kept[0])
        return torch.from_numpy(kept).to(self._first.device)

    def _arrange(self, gathered: Tensor) -> Tensor:
        return gathered.long() if self.is_text else gathered.transpose(1, 2)


def training_batches(
    lengths: IntegerArray, batch_size: int, generator: np.random.Generator, *, equal_length: bool = False
) -> list[IntegerArray]:
    """Shuffle windows into batches of one epoch.

    Windows of unequal length are shuffled, then sorted by length within stretches of 32 batches, so that little is
    padded and batches still differ from epoch to epoch. A stretch is cut evenly, so that no batch is left with a lone
    window.

    Parameters
    ----------
    lengths
        Samples of each window, ``(n_windows,)``.
    batch_size
        Windows of a batch, at most.
    generator
        The source of chance.
    equal_length
        Whether a batch must hold windows of one length only (for modules that know no padding).

    Returns
    -------
    list of ndarray
        Positions of the windows of each batch; every window is in exactly one.
    """
    order = generator.permutation(len(lengths))
    if equal_length:
        batches = [
            part for length in np.unique(lengths) for part in _cut_evenly(order[lengths[order] == length], batch_size)
        ]
    elif lengths.min() == lengths.max():
        return _cut_evenly(order, batch_size)
    else:
        batches = [
            part
            for stretch in _cut_evenly(order, 32 * batch_size)
            for part in _cut_evenly(stretch[np.argsort(lengths[stretch], kind="stable")], batch_size)
        ]
    return [batches[position] for position in generator.permutation(len(batches))]


def balanced_batches(
    lengths: IntegerArray,
    classes: IntegerArray,
    batch_size: int,
    generator: np.random.Generator,
    *,
    equal_length: bool = False,
) -> list[IntegerArray]:
    """Draw as many batches as :func:`training_batches` would make, each with the classes as even as its size allows.

    A class goes through its windows in random order, and again in another order when they are used up: windows of a
    rare class come several times an epoch, of a frequent class some come in a later epoch only.

    Parameters
    ----------
    lengths, batch_size, generator, equal_length
        As :func:`training_batches` takes them. With ``equal_length`` the classes are even among the windows of each
        length.
    classes
        The class of each window, ``(n_windows,)``.

    Examples
    --------
    >>> classes = np.array([0] * 9 + [1])
    >>> batches = balanced_batches(np.full(10, 5), classes, 4, np.random.default_rng(0))
    >>> [np.bincount(classes[batch]).tolist() for batch in batches]
    [[2, 2], [1, 2], [2, 1]]
    """
    if equal_length:
        parts = [np.flatnonzero(lengths == length) for length in np.unique(lengths)]
        batches = [
            part[batch]
            for part in parts
            for batch in balanced_batches(lengths[part], classes[part], batch_size, generator)
        ]
    else:
        order = _deal_evenly(classes, generator)
        batches = []
        for stretch in _cut_evenly(order, 32 * batch_size):
            # Sorted by length within each class, so that neighbours are alike in length and still of all classes.
            if lengths.min() < lengths.max():
                for name in np.unique(classes):
                    of_class = np.flatnonzero(classes[stretch] == name)
                    stretch[of_class] = stretch[of_class][np.argsort(lengths[stretch[of_class]], kind="stable")]
            batches += _cut_evenly(stretch, batch_size)
    return [batches[position] for position in generator.permutation(len(batches))]


def _deal_evenly(classes: IntegerArray, generator: np.random.Generator) -> IntegerArray:
    """Return as many windows as there are, each class in turn, in an order of the classes that is new each round."""
    names = np.unique(classes)
    n_rounds = -(-len(classes) // len(names))
    dealt = np.empty((n_rounds, len(names)), dtype=np.int64)
    for position, name in enumerate(names):
        own = np.flatnonzero(classes == name)
        shuffles = [generator.permutation(own) for _ in range(-(-n_rounds // len(own)))]
        dealt[:, position] = np.concatenate(shuffles)[:n_rounds]
    return generator.permuted(dealt, axis=1).ravel()[: len(classes)]


def prediction_batches(lengths: IntegerArray, batch_size: int, *, equal_length: bool = False) -> list[IntegerArray]:
    """Cut windows into batches for prediction, sorted by length so that little is padded."""
    order = np.argsort(lengths, kind="stable")
    if not equal_length:
        return _cut_evenly(order, batch_size)
    ends = np.flatnonzero(np.diff(lengths[order])) + 1
    return [part for stretch in np.split(order, ends) for part in _cut_evenly(stretch, batch_size)]


def _cut_evenly(order: IntegerArray, batch_size: int) -> list[IntegerArray]:
    return np.array_split(order, -(-len(order) // batch_size))
