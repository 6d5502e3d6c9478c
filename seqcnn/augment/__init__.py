"""Augmentation: training records changed as the world would change them, and records made of clips and of noise.

:class:`AudioAugmentation` and :class:`SeriesAugmentation` say what is done and are what an estimator takes as
``augment=``; nothing here loads torch before it is needed.
"""

from __future__ import annotations

from seqcnn.augment.clips import make_silence, place_by_energy
from seqcnn.augment.series_settings import SeriesAugmentation
from seqcnn.augment.settings import AudioAugmentation

__all__ = ["AudioAugmentation", "SeriesAugmentation", "make_silence", "place_by_energy"]
