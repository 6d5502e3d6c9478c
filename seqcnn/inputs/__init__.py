"""Inputs: what the user has (arrays, frames, strings, paths, waveforms) becomes :class:`Records`.

One adapter a kind (``series``, ``text``, ``audio``), which know nothing of each other; ``containers`` and ``detect``
say what was received; ``reading`` holds the two ways in, for fit and for predict.
"""

from seqcnn.inputs.containers import count_cases
from seqcnn.inputs.contract import InputContract
from seqcnn.inputs.reading import find_kind, read_for_fit, read_for_predict
from seqcnn.inputs.records import Records
from seqcnn.inputs.vocabulary import Vocabulary

__all__ = ["InputContract", "Records", "Vocabulary", "count_cases", "find_kind", "read_for_fit", "read_for_predict"]
