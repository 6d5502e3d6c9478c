"""seqcnn: 1D convolutional networks for time series, text and audio behind one scikit-learn estimator.

The package imports nothing heavy by itself: a name is loaded when it is first used (PEP 562), so that
``import seqcnn`` costs next to nothing and parts that do not need torch never load it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from seqcnn import augment, datasets, encoders, plots, spotting
    from seqcnn.encoders import list_encoders
    from seqcnn.estimators import SeqCNNClassifier, SeqCNNEmbedder, SeqCNNRegressor, load
    from seqcnn.inputs.tslearn import from_tslearn

__all__ = [
    "SeqCNNClassifier",
    "SeqCNNEmbedder",
    "SeqCNNRegressor",
    "augment",
    "datasets",
    "encoders",
    "from_tslearn",
    "list_encoders",
    "load",
    "plots",
    "spotting",
]

_HOMES = {
    "SeqCNNClassifier": "seqcnn.estimators",
    "SeqCNNEmbedder": "seqcnn.estimators",
    "SeqCNNRegressor": "seqcnn.estimators",
    "from_tslearn": "seqcnn.inputs.tslearn",
    "list_encoders": "seqcnn.encoders",
    "load": "seqcnn.estimators",
}
_SUBMODULES = ("augment", "datasets", "encoders", "plots", "spotting")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"seqcnn.{name}")
    raise AttributeError(f"module 'seqcnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
