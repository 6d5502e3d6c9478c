"""Streams: a trained model on a signal as it comes."""

from seqcnn.streaming.stream import Stream

__all__ = ["Stream"]
