"""Convolutional encoders: ``(batch, in_channels, time)`` to ``(batch, out_channels, time')``.

Each is a plain ``nn.Module`` that works without the estimators.
"""

from seqcnn.encoders.alexnet import AlexNet
from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.fcn import FCN
from seqcnn.encoders.inception import Inception
from seqcnn.encoders.lenet import LeNet
from seqcnn.encoders.plain import PlainEncoder
from seqcnn.encoders.residual import ResidualNetwork, resnet18, resnet34, resnet50
from seqcnn.encoders.resnet import ResNet
from seqcnn.encoders.samplecnn import SampleCNN, samplecnn_3_9
from seqcnn.encoders.sincnet import SincConv1d, SincNet
from seqcnn.encoders.table import ENCODERS, EncoderEntry, build_encoder, find_encoder, list_encoders
from seqcnn.encoders.vdcnn import VDCNN, vdcnn9, vdcnn17, vdcnn29, vdcnn49
from seqcnn.encoders.vgg import VGG, vgg11, vgg13, vgg16, vgg19
from seqcnn.encoders.waveform import WaveformCNN, m3, m5, m11, m18
from seqcnn.encoders.waveform_residual import WaveformResidualCNN, m34_res
from seqcnn.encoders.wavegram import Wavegram
from seqcnn.encoders.zhang import ZhangCNN, zhang_large, zhang_small

__all__ = [
    "ENCODERS",
    "FCN",
    "VDCNN",
    "VGG",
    "AlexNet",
    "EncoderEntry",
    "Inception",
    "LeNet",
    "PlainEncoder",
    "ResNet",
    "ResidualNetwork",
    "SampleCNN",
    "SequenceEncoder",
    "SincConv1d",
    "SincNet",
    "WaveformCNN",
    "WaveformResidualCNN",
    "Wavegram",
    "ZhangCNN",
    "build_encoder",
    "find_encoder",
    "list_encoders",
    "m3",
    "m5",
    "m11",
    "m18",
    "m34_res",
    "resnet18",
    "resnet34",
    "resnet50",
    "samplecnn_3_9",
    "vdcnn9",
    "vdcnn17",
    "vdcnn29",
    "vdcnn49",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
    "zhang_large",
    "zhang_small",
]
