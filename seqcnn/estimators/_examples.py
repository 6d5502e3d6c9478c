"""Examples: records with what is to be learnt of them, as they go through a training together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.estimators._targets import Target
from seqcnn.inputs.records import Records


@dataclass(frozen=True)
class Examples:
    """Records, their targets, and how much each counts.

    Attributes
    ----------
    records
        What is read.
    target
        What is learnt of them; None is nothing.
    sample_weight
        The user's weights, ``(n_records,)``.
    groups
        The number of each record's group, ``(n_records,)``, or None.
    """

    records: Records
    target: Target | None
    sample_weight: Float64Array
    groups: IntegerArray | None = None

    @cached_property
    def weights(self) -> Float64Array:
        """How much each record counts, ``(n_records,)``: the user's weight times that of its class."""
        return self.sample_weight if self.target is None else self.sample_weight * self.target.weights()

    def take(self, rows: IntegerArray) -> Examples:
        """Return the examples at these positions; balanced classes are balanced anew among them."""
        return Examples(
            self.records.take(rows),
            None if self.target is None else self.target.take(rows),
            self.sample_weight[rows],
            None if self.groups is None else self.groups[rows],
        )
