"""The fitted thing: a network and everything one must know to use it on raw input."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
import torch

from seqcnn._types import AnyArray, Float64Array
from seqcnn.aggregate import average_over_windows
from seqcnn.batches import WindowStore
from seqcnn.committee import Committee
from seqcnn.continuous import run_continuously
from seqcnn.inference import run_network
from seqcnn.inputs import InputContract
from seqcnn.inputs.records import Records
from seqcnn.network import Network
from seqcnn.windows import WindowTable, cut_windows, read_with_past

Output = Literal["probabilities", "labels", "values", "features"]


@dataclass(frozen=True)
class Model:
    """A trained network with its input contract.

    Attributes
    ----------
    network
        Stem, encoder, pooling, head; or several of them, a committee.
    contract
        What the input must be.
    output
        What a window's output means: probabilities of classes of which a record has one, of labels of which it has any
        number, target values, or features.
    window_length, hop_length
        In samples; ``window_length=None`` reads records whole.
    classes
        The labels behind the columns of the probabilities, else None.
    record_length
        The median length of the training records, in samples; None where an earlier version saved it without.
    """

    network: Network | Committee
    contract: InputContract
    output: Output
    window_length: int | None = None
    hop_length: int | None = None
    classes: AnyArray | None = None
    record_length: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A model trained on a GPU must open on a machine without one.
        state = dict(self.__dict__)
        if self._place.device.type != "cpu":
            state["network"] = deepcopy(self.network).cpu()
        return state

    @property
    def n_outputs(self) -> int:
        """Columns of the outputs."""
        return self.network.n_outputs

    def store(self, records: Records, table: WindowTable) -> WindowStore:
        """Put windows of records where the network is, in its precision."""
        place, network, reading = self._place, self.network, None
        if self.knows_past:
            assert isinstance(network, Network)
            reading = read_with_past(
                table, records.lengths, stride=network.stride, receptive_field=network.receptive_field
            )
        return WindowStore(
            records,
            table,
            minimum_length=network.minimum_length,
            dtype=place.dtype,
            device=place.device,
            reading=reading,
        )

    @property
    def knows_past(self) -> bool:
        """Whether a window of a record knows what was before it: the network is causal, and records are cut."""
        return self.window_length is not None and self.network.knows_past

    @property
    def dtype(self) -> torch.dtype:
        """The precision it computes in."""
        return self._place.dtype

    @property
    def _place(self) -> torch.Tensor:
        """A tensor where the network is, in its precision; a network of a user's modules may have no tensor at all."""
        tensors = chain(self.network.parameters(), self.network.buffers())
        return next((tensor for tensor in tensors if tensor.is_floating_point()), torch.empty(0))

    def check_lengths(self, records: Records, *, caller: str, name: str = "X") -> None:
        """Raise ValueError if a series is shorter than a window or than what the encoder needs.

        Texts and recordings may be: they are padded with nothing and with silence.
        """
        if records.kind == "series":
            _check_lengths(records, self.window_length, self.network, caller, name)

    def cut(self, records: Records) -> WindowTable:
        """Cut records into the model's windows."""
        return cut_windows(records.lengths, self.window_length, self.hop_length)

    def score_windows(self, records: Records, *, caller: str) -> tuple[WindowTable, Float64Array]:
        """Return the windows and their outputs ``(n_windows, n_outputs)``.

        A causal network runs once over each record, and a window is the last of what it gave up to the window's end, as
        in a stream. Any other network reads each window by itself.
        """
        self.check_lengths(records, caller=caller)
        table = self.cut(records)
        if self.knows_past:
            assert isinstance(self.network, Network)
            place, features = self._place, self.output == "features"
            outputs = run_continuously(
                self.network, records, table, features=features, dtype=place.dtype, device=place.device
            )
            return table, self.finish(outputs)
        outputs = run_network(self.network, self.store(records, table), features=self.output == "features")
        return table, self.finish(outputs)

    def score_records(self, records: Records, *, caller: str) -> Float64Array:
        """Return each record's mean output over its windows, ``(n_records, n_outputs)``."""
        table, outputs = self.score_windows(records, caller=caller)
        return average_over_windows(outputs, table)

    def finish(self, outputs: Float64Array) -> Float64Array:
        """Turn the network's scores into what the model promises."""
        scores = torch.from_numpy(outputs)
        if self.output == "probabilities":
            return scores.softmax(1).numpy()
        return scores.sigmoid().numpy() if self.output == "labels" else outputs


def _check_lengths(
    records: Records, window_length: int | None, network: Network | Committee, caller: str, name: str
) -> None:
    lengths, minimum = records.lengths, network.shortest_record
    shortest = int(lengths.min())
    where = f"{name}[{int(np.argmin(lengths))}]"
    if window_length is not None and shortest < window_length:
        raise ValueError(
            f"The 'window_length' parameter of {caller} must be at most {shortest}, the shortest record in {name} "
            f"({where}). Received: {window_length}. Pass window_length={shortest} or drop the shorter records."
        )
    shortest = shortest if window_length is None else window_length
    if shortest < minimum:
        what = f"the shortest record in {name} ({where})" if window_length is None else "a window"
        raise ValueError(
            f"The encoder of {caller} needs at least {minimum} time steps, its stride. Received: {what} with "
            f"{shortest}. Pass longer records, or take an encoder of a smaller stride such as 'fcn'."
        )
