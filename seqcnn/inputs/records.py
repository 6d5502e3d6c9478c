"""Records: the one form in which every kind of input travels on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqcnn._types import AnyArray, Float64Array, IntegerArray, Kind


@dataclass(frozen=True)
class Records:
    """What every input adapter gives.

    Attributes
    ----------
    kind
        "series", "text" or "audio".
    values
        One array a record: ``(channels, time)`` float32 for series and audio, ``(time,)`` int32 character codes for
        text (one-hot letters would need gigabytes; the network embeds the codes instead).
    sample_rate
        In Hz, for audio; otherwise None.
    static
        The numbers beside the records, ``(n_records, n_columns)`` float64 with NaN where one is missing, or None.
    """

    kind: Kind
    values: list[AnyArray]
    sample_rate: int | None = None
    static: Float64Array | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def lengths(self) -> IntegerArray:
        """Time steps of each record, ``(n_records,)``."""
        return np.array([value.shape[-1] for value in self.values], dtype=np.int64)

    def take(self, rows: IntegerArray) -> Records:
        """Return the records at these positions."""
        static = None if self.static is None else self.static[rows]
        return Records(self.kind, [self.values[row] for row in rows], self.sample_rate, static)
