"""The table of encoders: one entry enrols an architecture everywhere, in the estimators as in the contract tests."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from seqcnn._checks import check_boolean, check_choice, check_integer, did_you_mean, join_words, shorten
from seqcnn._types import Kind
from seqcnn.encoders.alexnet import AlexNet
from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.bcresnet import BCResNet
from seqcnn.encoders.convnext import convnext_tiny
from seqcnn.encoders.convtran import ConvTran
from seqcnn.encoders.efficientnet import efficientnet_b0
from seqcnn.encoders.fcn import FCN
from seqcnn.encoders.features import FeatureEncoder
from seqcnn.encoders.fourier import RandomFourier
from seqcnn.encoders.h_inception import HInception
from seqcnn.encoders.hydra import Hydra
from seqcnn.encoders.inception import Inception
from seqcnn.encoders.lenet import LeNet
from seqcnn.encoders.lite import LITE
from seqcnn.encoders.matchboxnet import MatchboxNet
from seqcnn.encoders.minirocket import MiniRocket
from seqcnn.encoders.mobilenet_v2 import mobilenet_v2
from seqcnn.encoders.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from seqcnn.encoders.multirocket import MultiRocket
from seqcnn.encoders.quant import Quant
from seqcnn.encoders.residual import resnet18, resnet34, resnet50
from seqcnn.encoders.resnet import ResNet
from seqcnn.encoders.rocket import Rocket
from seqcnn.encoders.samplecnn import SampleCNN
from seqcnn.encoders.shapelets import RandomDilatedShapelets
from seqcnn.encoders.shufflenet import shufflenet_v2_x1_0
from seqcnn.encoders.sincnet import SincNet
from seqcnn.encoders.tcn import TCN
from seqcnn.encoders.tcresnet import tc_resnet8, tc_resnet14
from seqcnn.encoders.td_filterbank import TDFilterbankNet
from seqcnn.encoders.vdcnn import vdcnn9, vdcnn17, vdcnn29, vdcnn49
from seqcnn.encoders.vgg import vgg11, vgg13, vgg16, vgg19
from seqcnn.encoders.waveform import m3, m5, m11, m18
from seqcnn.encoders.waveform_residual import m34_res
from seqcnn.encoders.wavegram import Wavegram
from seqcnn.encoders.weasel import Weasel
from seqcnn.encoders.zhang import zhang_large, zhang_small


@dataclass(frozen=True)
class EncoderEntry:
    """What the table knows of an encoder: what it is for, and ``build(in_channels, **parameters)``.

    ``reads`` tells what its channels are: samples as they came in, or the bands of a spectrum, some 100 times a second.

    >>> ENCODERS["fcn"].kind, ENCODERS["fcn"].defaults["width"], ENCODERS["matchboxnet"].reads
    ('series', 128, 'bands')
    """

    kind: Kind
    build: Callable[..., SequenceEncoder | FeatureEncoder]
    reads: Literal["samples", "bands"] = "samples"

    @property
    def defaults(self) -> dict[str, Any]:
        """The parameters that ``encoder__...`` may set and their defaults, from the one place that states them."""
        signature = inspect.signature(self.build)
        return {p.name: p.default for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}

    @property
    def can_be_causal(self) -> bool:
        """Whether ``encoder__causal=True`` makes it look back only, so that it can read a stream."""
        return "causal" in self.defaults

    @property
    def is_fixed(self) -> bool:
        """Whether its kernels are taken from data once, and the head behind them is solved in closed form."""
        return isinstance(self.build, type) and issubclass(self.build, FeatureEncoder)


ENCODERS: Mapping[str, EncoderEntry] = {
    "lenet": EncoderEntry("series", LeNet),
    "alexnet": EncoderEntry("series", AlexNet),
    "vgg": EncoderEntry("series", vgg11),
    "vgg11": EncoderEntry("series", vgg11),
    "vgg13": EncoderEntry("series", vgg13),
    "vgg16": EncoderEntry("series", vgg16),
    "vgg19": EncoderEntry("series", vgg19),
    "fcn": EncoderEntry("series", FCN),
    "resnet": EncoderEntry("series", ResNet),
    "resnet18": EncoderEntry("series", resnet18),
    "resnet34": EncoderEntry("series", resnet34),
    "resnet50": EncoderEntry("series", resnet50),
    "inception": EncoderEntry("series", Inception),
    "h-inception": EncoderEntry("series", HInception),
    "lite": EncoderEntry("series", LITE),
    "tcn": EncoderEntry("series", TCN),
    "convnext": EncoderEntry("series", convnext_tiny),
    "efficientnet": EncoderEntry("series", efficientnet_b0),
    "mobilenet": EncoderEntry("series", mobilenet_v3_small),
    "mobilenet-v2": EncoderEntry("series", mobilenet_v2),
    "mobilenet-v3-small": EncoderEntry("series", mobilenet_v3_small),
    "mobilenet-v3-large": EncoderEntry("series", mobilenet_v3_large),
    "shufflenet": EncoderEntry("series", shufflenet_v2_x1_0),
    "convtran": EncoderEntry("series", ConvTran),
    "rocket": EncoderEntry("series", Rocket),
    "minirocket": EncoderEntry("series", MiniRocket),
    "multirocket": EncoderEntry("series", MultiRocket),
    "hydra": EncoderEntry("series", Hydra),
    "shapelets": EncoderEntry("series", RandomDilatedShapelets),
    "weasel": EncoderEntry("series", Weasel),
    "quant": EncoderEntry("series", Quant),
    "fourier": EncoderEntry("series", RandomFourier),
    "zhang-small": EncoderEntry("text", zhang_small),
    "zhang-large": EncoderEntry("text", zhang_large),
    "vdcnn": EncoderEntry("text", vdcnn9),
    "vdcnn9": EncoderEntry("text", vdcnn9),
    "vdcnn17": EncoderEntry("text", vdcnn17),
    "vdcnn29": EncoderEntry("text", vdcnn29),
    "vdcnn49": EncoderEntry("text", vdcnn49),
    "m3": EncoderEntry("audio", m3),
    "m5": EncoderEntry("audio", m5),
    "m11": EncoderEntry("audio", m11),
    "m18": EncoderEntry("audio", m18),
    "m34-res": EncoderEntry("audio", m34_res),
    "samplecnn": EncoderEntry("audio", SampleCNN),
    "sincnet": EncoderEntry("audio", SincNet),
    "wavegram": EncoderEntry("audio", Wavegram),
    "td-filterbank": EncoderEntry("audio", TDFilterbankNet),
    "matchboxnet": EncoderEntry("audio", MatchboxNet, reads="bands"),
    "tc-resnet8": EncoderEntry("audio", tc_resnet8, reads="bands"),
    "tc-resnet14": EncoderEntry("audio", tc_resnet14, reads="bands"),
    "bc-resnet": EncoderEntry("audio", BCResNet, reads="bands"),
}


def list_encoders(kind: Kind | None = None) -> list[str]:
    """Return the names that ``encoder=`` takes.

    Parameters
    ----------
    kind
        "series", "text" or "audio" for those made for it; None for all. An encoder for series also takes audio, and
        the other way round: all of them read ``(batch, channels, time)``.

    Raises
    ------
    ValueError
        If ``kind`` is something else.

    Examples
    --------
    >>> list_encoders("text")
    ['zhang-small', 'zhang-large', 'vdcnn', 'vdcnn9', 'vdcnn17', 'vdcnn29', 'vdcnn49']
    """
    check_choice("kind", kind, [*get_args(Kind), None], caller="list_encoders")
    return [name for name, entry in ENCODERS.items() if kind in (None, entry.kind)]


def build_encoder(
    name: str, in_channels: int, parameters: Mapping[str, Any], *, caller: str
) -> SequenceEncoder | FeatureEncoder:
    """Build a named encoder with its ``encoder__...`` parameters.

    Raises
    ------
    ValueError
        If the table has no such name, the encoder no such parameter, or a value makes no network.
    TypeError
        If a width, depth or size is no integer, or a switch neither True nor False.

    Examples
    --------
    >>> build_encoder("fcn", 3, {"width": 16}, caller="SeqCNNClassifier").out_channels
    16
    """
    entry = find_encoder(name, caller=caller)
    unknown = [parameter for parameter in parameters if parameter not in entry.defaults]
    if unknown:
        # Compared without the prefix, which would make every two names alike.
        close = [did_you_mean(word, entry.defaults).replace("'", "'encoder__", 1) for word in unknown]
        hints = "".join(dict.fromkeys(close))
        raise ValueError(
            f"The encoder {name!r} of {caller} has no parameter {join_words(map(repr, unknown), 'or')}. {hints}"
            f"It takes {join_words(f'encoder__{known}' for known in entry.defaults)}."
        )
    for parameter, value in parameters.items():
        if isinstance(entry.defaults[parameter], bool):
            check_boolean(f"encoder__{parameter}", value, caller=caller)
        elif isinstance(entry.defaults[parameter], int):
            # Widths, depths and sizes, of which torch would make an empty layer or a strange one.
            check_integer(f"encoder__{parameter}", value, minimum=1, caller=caller)
    try:
        return entry.build(in_channels, **parameters)
    except (TypeError, ValueError, RuntimeError, ArithmeticError, IndexError) as error:
        shown = join_words(f"encoder__{parameter}={shorten(value)}" for parameter, value in parameters.items())
        raise ValueError(
            f"The encoder {name!r} of {caller} cannot be built from its parameters. Received: {shown}, "
            f"to which torch says: {str(error).rstrip('.')}. Pass values like the defaults, "
            f"{join_words(f'encoder__{known}={value!r}' for known, value in entry.defaults.items())}."
        ) from error


def find_encoder(name: str, *, caller: str) -> EncoderEntry:
    """Return the entry of this name ("_" counts as "-"), or raise ValueError with the nearest name.

    >>> find_encoder("m34_res", caller="SeqCNNClassifier").kind
    'audio'
    """
    name = name.replace("_", "-")
    if name not in ENCODERS:
        choices = cast("list[str]", list(ENCODERS))
        raise ValueError(
            f"The 'encoder' parameter of {caller} must be 'auto', a torch.nn.Module or one of "
            f"{join_words(map(repr, choices), 'or')}. Received: {shorten(name)}. {did_you_mean(name, choices)}"
            f"list_encoders() shows the names."
        )
    return ENCODERS[name]
