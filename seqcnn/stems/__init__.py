"""The first module of a network: it takes what the user has and gives what an encoder reads.

Because it is part of the network, a saved or exported model takes raw input, and serving cannot differ from training.
"""

from seqcnn.stems.bands import FrontEndStem
from seqcnn.stems.base import Stem
from seqcnn.stems.characters import CharacterEmbedding
from seqcnn.stems.normalizer import Normalize, Normalizer
from seqcnn.stems.pass_through import PassThrough
from seqcnn.stems.statistics import are_alike

__all__ = [
    "CharacterEmbedding",
    "FrontEndStem",
    "Normalize",
    "Normalizer",
    "PassThrough",
    "Stem",
    "are_alike",
]
