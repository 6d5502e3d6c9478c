"""Keyword spotting: from a classifier's scores over time to detections that keep a promise about false alarms.

:class:`KeywordSpotter` is the whole of it; :class:`PersonalKeywords` adds words from a handful of recordings.
``events`` and ``bounds`` are numpy alone.
"""

from seqcnn.spotting.evaluation import SpottingReport
from seqcnn.spotting.listening import Detection, Listener
from seqcnn.spotting.personal import PersonalKeywords
from seqcnn.spotting.spotter import KeywordSpotter
from seqcnn.spotting.tuning import TunedThreshold

__all__ = ["Detection", "KeywordSpotter", "Listener", "PersonalKeywords", "SpottingReport", "TunedThreshold"]
