"""Front ends: recordings ``(batch, 1, samples)`` to bands ``(batch, out_channels, frames)``, by fixed filters.

Each is a plain ``nn.Module`` that works without the estimators, reads streams, and has no trained parameter.
"""

from seqcnn.front_ends.base import FrontEnd
from seqcnn.front_ends.log_mel import LogMel
from seqcnn.front_ends.mfcc import MFCC
from seqcnn.front_ends.pcen import PCEN
from seqcnn.front_ends.table import FRONT_ENDS, build_front_end, find_front_end, front_end_defaults

__all__ = [
    "FRONT_ENDS",
    "MFCC",
    "PCEN",
    "FrontEnd",
    "LogMel",
    "build_front_end",
    "find_front_end",
    "front_end_defaults",
]
