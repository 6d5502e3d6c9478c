"""The input contract: what an estimator was fitted on, kept so that predict can demand the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seqcnn._types import Kind
from seqcnn.inputs.vocabulary import Vocabulary


@dataclass(frozen=True)
class InputContract:
    """What was settled about the input at fit.

    Attributes
    ----------
    kind
        "series", "text" or "audio".
    n_channels
        Channels of every record; 1 for text.
    n_timepoints
        Columns of X, if it was one 2-D table of numbers (predict then demands as many); otherwise None.
    sample_rate
        Of the audio the network sees, in Hz; otherwise None.
    resample
        Whether audio of another rate is resampled to ``sample_rate`` (it was given) or refused (it was found).
    mono
        Whether the channels of audio are averaged.
    missing
        "error", "interpolate" or "mask": what is done with NaN in series.
    max_characters
        Where texts are cut; None reads them whole.
    vocabulary
        The learnt characters, for text; otherwise None.
    record_columns, static_columns, column_order
        Of a DataFrame with number columns beside those that hold the records: the names of both, in the order in which
        they are read, and of all, in the order of the frame; otherwise empty.

    Examples
    --------
    >>> contract = InputContract(kind="series", n_channels=3)
    >>> InputContract.from_dict(contract.to_dict()) == contract
    True
    """

    kind: Kind
    n_channels: int = 1
    n_timepoints: int | None = None
    sample_rate: int | None = None
    resample: bool = False
    mono: bool = True
    missing: str = "error"
    max_characters: int | None = 1014
    vocabulary: Vocabulary | None = None
    record_columns: tuple[Hashable, ...] = ()
    static_columns: tuple[Hashable, ...] = ()
    column_order: tuple[Hashable, ...] = ()

    @property
    def masks_missing(self) -> bool:
        """Whether NaN goes into the network, whose stem reads it as absent."""
        return self.kind == "series" and self.missing == "mask"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as values that JSON holds; the vocabulary as one string."""
        fields = asdict(self)
        fields["vocabulary"] = None if self.vocabulary is None else self.vocabulary.characters
        return fields

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> InputContract:
        """Build the contract that :meth:`to_dict` gave these fields of."""
        characters = fields["vocabulary"]
        # JSON knows lists only.
        columns = {name: tuple(fields[name]) for name in ("record_columns", "static_columns", "column_order")}
        return cls(**{**fields, **columns, "vocabulary": None if characters is None else Vocabulary(characters)})
