"""Convolutional encoders: ``(batch, in_channels, time)`` to ``(batch, out_channels, time')``.

Each is a plain ``nn.Module`` that works without the estimators.
"""

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.fcn import FCN
from seqcnn.encoders.inception import Inception
from seqcnn.encoders.plain import PlainEncoder
from seqcnn.encoders.resnet import ResNet
from seqcnn.encoders.table import ENCODERS, EncoderEntry, build_encoder, find_encoder, list_encoders
from seqcnn.encoders.waveform import WaveformCNN, m5, m11
from seqcnn.encoders.zhang import ZhangCNN, zhang_small

__all__ = [
    "ENCODERS",
    "FCN",
    "EncoderEntry",
    "Inception",
    "PlainEncoder",
    "ResNet",
    "SequenceEncoder",
    "WaveformCNN",
    "ZhangCNN",
    "build_encoder",
    "find_encoder",
    "list_encoders",
    "m5",
    "m11",
    "zhang_small",
]
