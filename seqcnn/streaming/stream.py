"""A trained model on a signal that never ends: samples go in as they come, and a row of scores comes out each hop."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from seqcnn._checks import check_integer
from seqcnn._types import AnyArray, Float64Array, FloatArray
from seqcnn.committee import Committee
from seqcnn.encoders.features import FeatureEncoder
from seqcnn.encoders.plain import PlainEncoder
from seqcnn.heads import LinearHead
from seqcnn.layers.pooling import BinPool1d
from seqcnn.model import Model
from seqcnn.network import Network
from seqcnn.piecewise import Reach, build_piece_encoder, find_reach
from seqcnn.streaming.pooling import WindowPool
from seqcnn.streaming.resampling import StreamResampler
from seqcnn.streaming.samples import read_samples
from seqcnn.threads import one_thread, thread_limit

_HOP_SECONDS = 0.02


class Stream:
    """Scores of a signal as it comes.

    Row ``k`` since the last reset is about the ``window_length`` samples that end with sample
    ``(k + 1) * hop_length - 1`` of the model's rate, and is what the network, run once over everything since the reset,
    gives when the encoded steps of that window are pooled. Of a causal network it comes with the last of these samples,
    and until a window is full it equals the model's scores for the record up to there; of a network that looks ahead it
    comes ``look_ahead`` samples later. How the samples are cut into pieces changes nothing but the last bits.

    It works on a copy of the network on the CPU, with one thread; the model may be used and trained beside it. A stream
    belongs to one signal, and is not for several threads at once.

    Parameters
    ----------
    model
        Of an estimator; ``estimator.stream(...)`` passes its own.
    sample_rate
        Of what will be pushed, in Hz; None is the model's. Another rate is resampled, to the numbers that torchaudio
        gives for the whole record. None for series.
    window_length
        In samples of the model's rate; None is the model's own ``window_length``, else the median length of its
        training records.
    hop_length
        Samples of the model's rate from one row to the next, a multiple of the network's stride. None is for audio the
        multiple that is nearest to 20 ms, else the stride.
    look_ahead
        Samples of the model's rate by which rows may come late. Causal networks need none. Others need as many as they
        look ahead, and are refused with fewer.
    caller
        Who asks, for the messages.

    Attributes
    ----------
    sample_rate, model_sample_rate : int or None
        Of what is pushed, and of what the network sees, in Hz.
    window_length, hop_length, look_ahead : int
        In samples of the model's rate; ``look_ahead`` is what the network needs.
    delay_seconds : float or None
        How far behind the end of its window a row comes, by looking ahead and by resampling; None for series. Pushing
        in pieces adds the length of a piece.
    n_scores : int
        Rows that were given since the last reset.
    n_outputs : int
        Columns of a row.
    classes : ndarray or None
        The classes of the columns; None for values and features.

    Raises
    ------
    TypeError, ValueError
        If a parameter is off, or if the model cannot stream; the message says why, and what to do.

    Examples
    --------
    >>> from seqcnn import SeqCNNClassifier
    >>> from seqcnn.datasets import make_shapes_in_noise
    >>> X, y = make_shapes_in_noise(60, random_state=0)
    >>> classifier = SeqCNNClassifier("tcn", encoder__depth=3, max_epochs=2, random_state=0).fit(X, y)
    >>> stream = classifier.stream(hop_length=8)
    >>> rows = np.concatenate([stream.push(X[0, :50]), stream.push(X[0, 50:])])
    >>> rows.shape
    (16, 3)
    >>> np.allclose(rows[-1], classifier.predict_proba(X[:1])[0], atol=1e-5)
    True
    """

    def __init__(
        self,
        model: Model,
        sample_rate: int | None = None,
        *,
        window_length: int | None = None,
        hop_length: int | None = None,
        look_ahead: int = 0,
        caller: str = "Stream",
    ) -> None:
        asked = f"{caller}.stream"
        check_integer("sample_rate", sample_rate, minimum=1, or_none=True, caller=asked)
        check_integer("window_length", window_length, minimum=1, or_none=True, caller=asked)
        check_integer("hop_length", hop_length, minimum=1, or_none=True, caller=asked)
        check_integer("look_ahead", look_ahead, minimum=0, caller=asked)
        contract, network = model.contract, _find_network(model, caller)
        self.model_sample_rate: int | None = contract.sample_rate
        self.sample_rate: int | None = _settle_rate(sample_rate, contract.sample_rate, caller)
        self.window_length = _settle_window(window_length, model, caller)
        self.hop_length = _settle_hop(hop_length, network.stride, contract.sample_rate, caller)
        reach = find_reach(network, contract.n_channels, wants_past=False)
        reach = _check_reach(reach, look_ahead, network, contract.sample_rate, caller)
        self.look_ahead = reach.ahead
        self.classes: AnyArray | None = model.classes
        self.n_outputs = network.n_features if model.output == "features" else model.n_outputs
        self.n_scores = self._n_samples = 0

        self._contract, self._finish_outputs = contract, model.finish
        own = deepcopy(network).cpu().eval()
        self._dtype = model.dtype
        self._head = None if model.output == "features" else _plain_head(own.head)
        assert isinstance(own.pooling, BinPool1d)
        with thread_limit(1):
            encoder = build_piece_encoder(own, reach, contract.n_channels, little_pieces=True)
        if encoder is None:
            raise ValueError(
                f"The network of {caller} sees everything before a step, as PCEN's smoother does, and looks ahead or "
                f"forgets, so that no piece of a stream holds what it needs. Received: {type(network.encoder).__name__}"
                f". To stream, {_advise(network)}."
            )
        self._encoder = encoder
        n_steps = max(-(-self.window_length // network.stride), 1)
        self._pool = WindowPool(own.pooling, n_steps, self.hop_length // network.stride)
        self._resampler: StreamResampler | None = None
        if self.sample_rate is not None and self.sample_rate != contract.sample_rate:
            assert contract.sample_rate is not None
            self._resampler = StreamResampler(self.sample_rate, contract.sample_rate, contract.n_channels)

    @property
    def delay_seconds(self) -> float | None:
        """How far behind the end of its window a row comes, in seconds; None for series."""
        if self.model_sample_rate is None:
            return None
        resampling = 0.0 if self._resampler is None else self._resampler.delay_seconds
        return self.look_ahead / self.model_sample_rate + resampling

    def push(self, samples: Any) -> Float64Array:
        """Take the next samples, any number of them, and return the rows of the hops that they complete.

        Parameters
        ----------
        samples
            ``(n,)`` or ``(channels, n)`` of ``sample_rate`` Hz: array, list or tensor. Audio in integers is scaled by
            its type, and its channels are averaged if the model's are.

        Returns
        -------
        ndarray
            ``(n_new, n_outputs)``: probabilities, values or features; ``n_new`` may be 0.

        Raises
        ------
        TypeError, ValueError
            If samples are not finite real numbers of the right channels. The stream is then what it was before.
        """
        values = read_samples(samples, self._contract)
        with torch.inference_mode(), one_thread():
            return self._score(self._encode(values if self._resampler is None else self._resampler.push(values)))

    def finish(self) -> Float64Array:
        """End the signal, and return the rows that its end completes, silence behind it; the stream is then reset.

        Causal networks have none left, unless samples were resampled.
        """
        with torch.inference_mode(), one_thread():
            encoded = [] if self._resampler is None else self._encode(self._resampler.finish())
            n_before, n_rows = self.n_scores, self._n_samples // self.hop_length
            # The step of a last incomplete stride may end a hop, but the record does not reach that far.
            rows = self._score(encoded + self._encoder.finish())[: n_rows - n_before]
        self.reset()
        return rows

    def reset(self) -> None:
        """Forget everything: what comes next is the beginning of another signal."""
        self._encoder.reset()
        self._pool.reset()
        if self._resampler is not None:
            self._resampler.reset()
        self.n_scores = self._n_samples = 0

    def _encode(self, values: FloatArray) -> list[Tensor]:
        if not values.shape[1]:
            return []
        self._n_samples += values.shape[1]
        x = torch.from_numpy(values)
        return self._encoder.push((x if self._dtype == torch.float32 else x.to(self._dtype))[None])

    def _score(self, encoded: list[Tensor]) -> Float64Array:
        rows = [features for steps in encoded if len(features := self._pool.push(steps))]
        if not rows:
            return np.empty((0, self.n_outputs))
        outputs = rows[0] if len(rows) == 1 else torch.cat(rows)
        if self._head is not None:
            outputs = self._head(outputs)
        self.n_scores += len(outputs)
        return self._finish_outputs(outputs.to(torch.float64).numpy())


def _find_network(model: Model, caller: str) -> Network:
    """Return the network of a model, or raise ValueError with the reason why it cannot stream."""
    network, contract = model.network, model.contract
    if isinstance(network, Committee):
        raise ValueError(
            f"{caller} streams single networks. Received: a committee of {len(network)}, whose fixed kernels count "
            f"over a whole record. Fit it with one causal encoder, such as 'tcn', to stream."
        )
    encoder = type(network.encoder).__name__
    if contract.kind == "text":
        raise ValueError(
            f"{caller} streams series and audio. Received: a model of text. Score texts whole, with predict."
        )
    if isinstance(network.encoder, FeatureEncoder):
        raise ValueError(
            f"The encoder of {caller} has fixed kernels, whose features are counted over a whole record. Received: "
            f"{encoder}. Fit it with a causal encoder, such as 'tcn', to stream."
        )
    if isinstance(network.encoder, PlainEncoder):
        raise ValueError(
            f"The encoder of {caller} is a module of your own, and how its steps lie in time is not known. Received: "
            f"{type(network.encoder.module).__name__}. Derive it from seqcnn.encoders.SequenceEncoder, which states "
            f"its stride and its receptive field, or take a causal encoder, such as 'tcn', to stream."
        )
    if network.static is not None:
        raise ValueError(
            f"{caller} reads numbers beside each record, and a stream has none. Received: a model of the columns "
            f"{', '.join(map(str, contract.static_columns))}. Fit it without these columns to stream."
        )
    if contract.masks_missing:
        raise ValueError(
            f"The network of {caller} draws a line through each gap, which needs the gap's end. Received: a model "
            f"with missing='mask'. Fit it with another value of missing to stream."
        )
    if (mode := getattr(network.stem, "mode", "dataset")) == "step":
        raise ValueError(
            f"The network of {caller} shifts each step of a record by a mean of its own, and a stream has no first "
            f"step. Received: a model with normalize='step'. Fit it with normalize='dataset' to stream."
        )
    top_db = getattr(getattr(network.stem, "front_end", None), "top_db", None)
    if top_db is not None:
        raise ValueError(
            f"The front end of {caller} compares each level with the recording's loudest, which needs the whole "
            f"recording. Received: a model with front_end__top_db={top_db:g}. Fit it with front_end__top_db=None to "
            f"stream."
        )
    if mode in ("record", "level"):
        own = "mean and deviation, which need" if mode == "record" else "mean, which needs"
        raise ValueError(
            f"The network of {caller} scales each record by its own {own} the whole record. Received: a model with "
            f"normalize={mode!r}. Fit it with normalize='dataset' to stream."
        )
    return network


def _plain_head(head: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return what a head computes, without what it has for training: a row is little work."""
    if type(head) is not LinearHead or head.scaler is not None:
        return head
    weight, bias, in_units = head.dense.weight.detach().T.contiguous(), head.dense.bias.detach(), head.in_units
    if head.scale is None:
        return lambda features: torch.addmm(bias, features, weight)
    return lambda features: in_units(torch.addmm(bias, features, weight))


def _settle_rate(sample_rate: int | None, own: int | None, caller: str) -> int | None:
    if own is None and sample_rate is not None:
        raise ValueError(
            f"The 'sample_rate' parameter of {caller}.stream must be None for series, which have none. Received: "
            f"{sample_rate}. Leave it out, and push samples that are as far apart as those of the training records."
        )
    return own if sample_rate is None else int(sample_rate)


def _settle_window(window_length: int | None, model: Model, caller: str) -> int:
    settled = next((n for n in (window_length, model.window_length, model.record_length) if n is not None), None)
    if settled is None:
        raise ValueError(
            f"The 'window_length' parameter of {caller}.stream must be given for this model, which an earlier version "
            f"saved without the length of its training records. Received: None. Pass window_length=..., in samples; "
            f"the length of a training record suits."
        )
    return int(settled)


def _settle_hop(hop_length: int | None, stride: int, sample_rate: int | None, caller: str) -> int:
    if hop_length is None:
        wanted = stride if sample_rate is None else sample_rate * _HOP_SECONDS
        return max(round(wanted / stride), 1) * stride
    if hop_length % stride:
        below = hop_length // stride * stride
        near = f"{below} or {below + stride}" if below else str(stride)
        raise ValueError(
            f"The 'hop_length' parameter of {caller}.stream must be a multiple of {stride} samples, the stride of its "
            f"network. Received: {hop_length}. Pass hop_length={near}."
        )
    return int(hop_length)


def _check_reach(reach: Reach | None, look_ahead: int, network: Network, sample_rate: int | None, caller: str) -> Reach:
    """Return the reach; raise ValueError if a step looks farther ahead than may be waited for."""
    if reach is None:
        _refuse_sight(network, caller)
    if reach.ahead > look_ahead:
        seconds = "" if sample_rate is None else f" ({reach.ahead / sample_rate:.3g} s)"
        raise ValueError(
            f"The encoder of {caller}, {type(network.encoder).__name__}, looks {reach.ahead:,} samples{seconds} ahead, "
            f"and those have not come yet. Received: look_ahead={look_ahead}. Pass look_ahead={reach.ahead} to have "
            f"scores that much later, or {_advise(network)}."
        )
    return reach


def _refuse_sight(network: Network, caller: str) -> NoReturn:
    raise ValueError(
        f"The encoder of {caller} sees the whole record at every step, by attention or squeeze and excitation, and a "
        f"stream has no end. Received: {type(network.encoder).__name__}. To stream, {_advise(network)}."
    )


def _advise(network: Network) -> str:
    has_causal = "causal" in inspect.signature(type(network.encoder)).parameters
    return "fit it with encoder__causal=True" if has_causal else "take a causal encoder, such as 'tcn'"
