"""Convolutional encoders: ``(batch, in_channels, time)`` to ``(batch, out_channels, time')``, or to features.

Each is a plain ``nn.Module`` that works without the estimators.
"""

from seqcnn.encoders.alexnet import AlexNet
from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.bcresnet import BCResNet, bc_resnet_1
from seqcnn.encoders.convnext import ConvNeXt, convnext_base, convnext_small, convnext_tiny
from seqcnn.encoders.convtran import ConvTran
from seqcnn.encoders.efficientnet import (
    EfficientNet,
    efficientnet_b0,
    efficientnet_b1,
    efficientnet_b2,
    efficientnet_b3,
    efficientnet_b4,
    efficientnet_b5,
    efficientnet_b6,
    efficientnet_b7,
)
from seqcnn.encoders.fcn import FCN
from seqcnn.encoders.features import FeatureEncoder
from seqcnn.encoders.fourier import RandomFourier
from seqcnn.encoders.h_inception import HInception
from seqcnn.encoders.hydra import Hydra
from seqcnn.encoders.inception import Inception
from seqcnn.encoders.joined import Joined
from seqcnn.encoders.lenet import LeNet
from seqcnn.encoders.lite import LITE
from seqcnn.encoders.matchboxnet import MatchboxNet, matchboxnet_3x1x64, matchboxnet_3x2x64
from seqcnn.encoders.minirocket import MiniRocket
from seqcnn.encoders.mobilenet_v2 import MobileNetV2, mobilenet_v2
from seqcnn.encoders.mobilenet_v3 import MobileNetV3, mobilenet_v3_large, mobilenet_v3_small
from seqcnn.encoders.multirocket import MultiRocket
from seqcnn.encoders.plain import PlainEncoder
from seqcnn.encoders.quant import Quant
from seqcnn.encoders.residual import ResidualNetwork, resnet18, resnet34, resnet50
from seqcnn.encoders.resnet import ResNet
from seqcnn.encoders.rocket import Rocket
from seqcnn.encoders.samplecnn import SampleCNN, samplecnn_3_9
from seqcnn.encoders.shapelets import RandomDilatedShapelets
from seqcnn.encoders.shufflenet import (
    ShuffleNetV2,
    shufflenet_v2_x0_5,
    shufflenet_v2_x1_0,
    shufflenet_v2_x1_5,
    shufflenet_v2_x2_0,
)
from seqcnn.encoders.sincnet import SincConv1d, SincNet
from seqcnn.encoders.table import ENCODERS, EncoderEntry, build_encoder, find_encoder, list_encoders
from seqcnn.encoders.tcn import TCN
from seqcnn.encoders.tcresnet import TCResNet, tc_resnet8, tc_resnet14
from seqcnn.encoders.td_filterbank import TDFilterbank, TDFilterbankNet
from seqcnn.encoders.vdcnn import VDCNN, vdcnn9, vdcnn17, vdcnn29, vdcnn49
from seqcnn.encoders.vgg import VGG, vgg11, vgg13, vgg16, vgg19
from seqcnn.encoders.waveform import WaveformCNN, m3, m5, m11, m18
from seqcnn.encoders.waveform_residual import WaveformResidualCNN, m34_res
from seqcnn.encoders.wavegram import Wavegram
from seqcnn.encoders.weasel import Weasel
from seqcnn.encoders.zhang import ZhangCNN, zhang_large, zhang_small

__all__ = [
    "ENCODERS",
    "FCN",
    "LITE",
    "TCN",
    "VDCNN",
    "VGG",
    "AlexNet",
    "BCResNet",
    "ConvNeXt",
    "ConvTran",
    "EfficientNet",
    "EncoderEntry",
    "FeatureEncoder",
    "HInception",
    "Hydra",
    "Inception",
    "Joined",
    "LeNet",
    "MatchboxNet",
    "MiniRocket",
    "MobileNetV2",
    "MobileNetV3",
    "MultiRocket",
    "PlainEncoder",
    "Quant",
    "RandomDilatedShapelets",
    "RandomFourier",
    "ResNet",
    "ResidualNetwork",
    "Rocket",
    "SampleCNN",
    "SequenceEncoder",
    "ShuffleNetV2",
    "SincConv1d",
    "SincNet",
    "TCResNet",
    "TDFilterbank",
    "TDFilterbankNet",
    "WaveformCNN",
    "WaveformResidualCNN",
    "Wavegram",
    "Weasel",
    "ZhangCNN",
    "bc_resnet_1",
    "build_encoder",
    "convnext_base",
    "convnext_small",
    "convnext_tiny",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "find_encoder",
    "list_encoders",
    "m3",
    "m5",
    "m11",
    "m18",
    "m34_res",
    "matchboxnet_3x1x64",
    "matchboxnet_3x2x64",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "resnet18",
    "resnet34",
    "resnet50",
    "samplecnn_3_9",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
    "tc_resnet8",
    "tc_resnet14",
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
