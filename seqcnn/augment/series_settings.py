"""What is done to series in training, as one value: numbers that can be compared, hashed and written as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from seqcnn._checks import check_choice, check_number

MIXING = (None, "mixup", "cutmix")


@dataclass(frozen=True, kw_only=True)
class SeriesAugmentation:
    """How series are changed in training, anew in every epoch; ``augment="series"`` is this one with its defaults.

    Each change keeps a record's length. What is only predicted or held back is never changed. An amount of 0 leaves a
    change out. Same values, same hash; ``dataclasses.replace`` makes a changed copy.

    Parameters
    ----------
    crop
        A stretch of the record is drawn over its whole length: of it, up to this share is left out (window slicing, Le
        Guennec et al. 2016, "Data augmentation for time series classification using convolutional neural networks").
    warp
        Time goes faster in some parts of a record and slower in others: the deviation of the speed's logarithm (window
        warping, same source).
    amplitude
        Deviation of the logarithm of the factor that a record's distance from its own mean is multiplied by: 0.1 is
        about a tenth more or less.
    noise
        White noise of so many deviations of the record around its own mean.
    mask
        A stretch of the record of up to this share is set to the record's mean (cutout, DeVries and Taylor 2017, arXiv
        1708.04552).
    mixing
        None; "mixup" (Zhang et al. 2018, arXiv 1710.09412): two records are averaged, with a weight that is mostly near
        one or the other, and so are their targets; "cutmix" (Yun et al. 2019, arXiv 1905.04899): a stretch of one
        record stands in the other, and the targets are mixed as its length says.
    mixing_share
        The share of records that another one is mixed into.

    Raises
    ------
    TypeError, ValueError
        If a value is off; the message says what, what was received, and what to do.

    Examples
    --------
    >>> from seqcnn.augment import SeriesAugmentation
    >>> SeriesAugmentation(noise=0.1) == SeriesAugmentation(noise=0.1)
    True
    >>> SeriesAugmentation(mask=1.5)
    Traceback (most recent call last):
        ...
    ValueError: The 'mask' parameter of SeriesAugmentation must be a number at least 0 and at most 0.9. Received: 1.5. \
Pass a value in that range.
    """

    crop: float = 0.0
    warp: float = 0.2
    amplitude: float = 0.0
    noise: float = 0.0
    mask: float = 0.0
    mixing: str | None = None
    mixing_share: float = 0.5

    def __post_init__(self) -> None:
        caller = type(self).__name__
        for name in ("crop", "mask"):
            check_number(name, getattr(self, name), minimum=0, maximum=0.9, caller=caller)
        for name in ("warp", "amplitude"):
            check_number(name, getattr(self, name), minimum=0, maximum=1, caller=caller)
        check_number("noise", self.noise, minimum=0, caller=caller)
        check_number("mixing_share", self.mixing_share, minimum=0, maximum=1, caller=caller)
        check_choice("mixing", self.mixing, MIXING, caller=caller)

    def to_dict(self) -> dict[str, Any]:
        """Return the values that ``SeriesAugmentation(**values)`` takes, as JSON holds them."""
        return asdict(self)
