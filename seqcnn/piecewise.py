"""A network's encoder over a signal that comes in pieces, and how far its steps really see.

Two ways to the same numbers. Layers that remember (:mod:`seqcnn.layers.memory`) take each sample once. Every other
encoder of finite sight is run over a piece and as much before it as a step sees, and a step comes out when all that it
looks ahead to has come.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from seqcnn.encoders.base import SequenceEncoder
from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.layers.readers import Histories, Reader, chain
from seqcnn.layers.tracing import trace_reader
from seqcnn.network import Network

_FARTHEST = 2**18
"""Samples; an encoder that sees farther is taken to see the whole record."""

_SOME = 64
"""Steps over which a network that sees everything before is tried."""

_BLOCK = 2**14
"""Samples that go through a network at once, at most (or one stride); longer pieces only take more memory."""


@dataclass(frozen=True)
class Reach:
    """How far an encoded step sees; step ``i`` stands for the samples ``i * stride`` to ``(i + 1) * stride - 1``.

    Attributes
    ----------
    back
        Samples in front of the first one that it stands for; a few more may be counted, never fewer. None where it sees
        everything before.
    ahead
        Samples behind the last one that it stands for.
    """

    back: int | None
    ahead: int


def find_reach(network: Network, n_channels: int, *, wants_past: bool = True) -> Reach | None:
    """Find how far an encoded step sees: change its past and its future, and look from where on that gets there.

    NaN gets everywhere a weight does, but also through products with a weight of zero, such as those of a smoother that
    is one matrix. Where it seems to come from everywhere, or from behind a step of a network that says it is causal,
    other finite numbers decide. In float64, where convolutions are computed as they are written.

    Parameters
    ----------
    network
        Stem and encoder are looked at.
    n_channels
        Of its input.
    wants_past
        Whether ``back`` is looked for where a network looks nothing ahead; None stands for it otherwise. It takes most
        of the time.

    Returns
    -------
    Reach or None
        None where a step sees the whole record.

    Examples
    --------
    >>> from seqcnn.encoders import FCN
    >>> from seqcnn.layers import BinPool1d
    >>> from seqcnn.stems import PassThrough
    >>> find_reach(Network(PassThrough(1), FCN(1, width=2), BinPool1d(), torch.nn.Identity()), 1).ahead
    7
    """
    span = network.receptive_field
    if span is None:
        return None
    probe = deepcopy(network).double().cpu().eval()
    found = None
    # What a network tells of its sight is checked, too: a front end may tell too little.
    for n_samples in (span, 4 * span):
        if n_samples <= _FARTHEST:
            found = _find_within(probe, n_channels, n_samples, wants_past)
        if found is not None and (found.back is not None or found.ahead == 0):
            break
    return found


def _find_within(network: Network, n_channels: int, span: int, wants_past: bool) -> Reach | None:
    """Find the reach within ``span`` samples; None where it is longer."""
    stride = network.stride
    step = -(-span // stride) + 1
    first, n_samples = step * stride, (2 * step + 1) * stride
    last, reach = first + stride - 1, None
    noise = _noise(n_channels, n_samples).double()

    def probes() -> Iterator[_Probe]:
        yield _Probe(network, noise, step)
        yield _Probe(network, _SCALES[:, None, None] * noise, step, -1.5)

    # The usual case, at once: how far NaN gets is looked for only in what does look ahead.
    by_end = (probe.by_future(last, 1) for probe in probes() if not probe(n_samples - 1, n_samples))
    if not wants_past and network.knows_past and not all(by_end):
        return Reach(None, 0)
    for probe in probes():
        if probe(n_samples - 1, n_samples):
            continue
        ahead = _largest(partial(probe.by_future, last), n_samples - 1 - last) if probe.by_future(last, 1) else 0
        if ahead == 0 and not wants_past:
            return Reach(None, 0)
        if reach is not None and ahead > 0:
            break  # it does look ahead, and NaN told better how far
        back = None if probe(0, 1) else _largest(partial(probe.by_past, first), first)
        reach = Reach(back, ahead)
        if ahead == 0 or not network.knows_past:
            break
    return reach


_SCALES = torch.tensor([0.01, 0.1, 1.0, 3.0, 10.0, 100.0], dtype=torch.float64)
"""Of noise: what a rectifier or a maximum hides of one, it shows of another."""


class _Probe:
    """Tells whether an encoded step changes with samples, which become NaN or are multiplied."""

    def __init__(self, network: Network, noise: Tensor, step: int, factor: float = torch.nan) -> None:
        self._network, self._noise, self._step, self._factor = network, noise, step, factor
        self._before = self._encode(noise)

    @torch.inference_mode()
    def _encode(self, x: Tensor) -> Tensor:
        return self._network.encode(x)[:, :, self._step]

    def __call__(self, start: int, stop: int) -> bool:
        x = self._noise.clone()
        x[..., start:stop] *= self._factor
        return not torch.equal(self._encode(x), self._before)

    def by_future(self, last: int, n: int) -> bool:
        """Tell whether it changes with what begins ``n`` samples behind ``last``."""
        return self(last + n, self._noise.shape[2])

    def by_past(self, first: int, n: int) -> bool:
        """Tell whether it changes with what ends ``n`` samples in front of ``first``."""
        return self(0, first - n + 1)


def _largest(holds: Callable[[int], bool], limit: int) -> int:
    """Return the largest number from 1 to ``limit`` for which it holds, as it does for all below; 0 if for none."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def _noise(n_channels: int, n_samples: int) -> Tensor:
    return torch.randn(1, n_channels, n_samples, generator=torch.Generator().manual_seed(0))


class PieceEncoder(ABC):
    """Takes samples piece by piece, and gives the encoded steps that are complete, in order and each once.

    Joined, they are what the network's ``encode`` gives for all samples at once.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._stride = network.stride
        self._block = max(_BLOCK // self._stride, 1) * self._stride
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Begin a record: nothing before it."""

    @abstractmethod
    def push(self, x: Tensor) -> list[Tensor]:
        """Take ``(1, n_channels, n)`` and return what is complete, ``(1, out_channels, n_steps)`` each, maybe none."""

    @abstractmethod
    def finish(self) -> list[Tensor]:
        """End the record, and return the steps that its end completes."""


class RememberingEncoder(PieceEncoder):
    """Of a causal network whose layers remember."""

    _waiting: Tensor | None

    def reset(self) -> None:
        """Begin a record."""
        begin_stream(self._network)
        self._waiting = None

    def _encode(self, x: Tensor) -> Tensor:
        return self._network.encode(x)

    def push(self, x: Tensor) -> list[Tensor]:
        """Take samples, and return the steps that are complete."""
        if self._waiting is not None:
            x = torch.cat([self._waiting, x], 2)
        n_samples, stride = x.shape[2], self._stride
        n_ready = n_samples - n_samples % stride
        # A copy: what is left of a long piece must not hold all of it.
        self._waiting = x[..., n_ready:].clone() if n_ready < n_samples else None
        if n_ready <= self._block:
            return [self._encode(x[..., :n_ready] if n_ready < n_samples else x)] if n_ready else []
        parts = range(0, n_ready, self._block)
        return [self._encode(x[..., start : min(start + self._block, n_ready)]) for start in parts]

    def finish(self) -> list[Tensor]:
        """Return the steps that the record's end completes."""
        # Silence behind the end makes a last incomplete stride whole; so does the padding of a whole record.
        return [] if self._waiting is None else self.push(_fill(self._waiting, self._stride))


class ReadingEncoder(RememberingEncoder):
    """Of a causal network that has a reader, which takes a fraction of the time of its layers for little pieces.

    Parameters
    ----------
    network
        On the CPU; its front end may remember what the reader leaves to it.
    reader
        Of :func:`build_reader`.
    histories
        What the reader remembers.
    """

    def __init__(self, network: Network, reader: Reader, histories: Histories) -> None:
        self._read, self._histories = reader, histories
        super().__init__(network)

    def reset(self) -> None:
        """Begin a record."""
        super().reset()
        self._histories.reset()

    def _encode(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self._read(x.numpy()[0].T).T)[None]


def build_reader(network: Network, histories: Histories) -> Reader | None:
    """Return the reader of stem and encoder, or None where there is none.

    Parameters
    ----------
    network
        In evaluation mode.
    histories
        Gets what the reader remembers.
    """
    place = next(network.parameters(), None)
    if place is None or place.device.type != "cpu" or place.dtype not in (torch.float32, torch.float64):
        return None
    encoder = network.encoder
    assert isinstance(encoder, SequenceEncoder)
    build = getattr(encoder, "piece_reader", None)
    if build is not None:
        read = build(histories)
    else:
        read = trace_reader(partial(encoder.encode, mask=None), encoder, histories)
    build_stem = getattr(network.stem, "piece_reader", None)
    return None if build_stem is None else chain(build_stem(histories), read)


class SlidingEncoder(PieceEncoder):
    """Of any network of finite reach: run over what came and so much before it, it gives steps as their future comes.

    Parameters
    ----------
    network
        Reads whole records.
    reach
        Of its steps.
    """

    def __init__(self, network: Network, reach: Reach) -> None:
        assert reach.back is not None
        self._ahead = reach.ahead
        self._n_before = -(-reach.back // network.stride)
        super().__init__(network)
        # Each piece is read with its past, which costs little beside a long piece.
        self._block = max(self._block, 4 * self._n_before * self._stride)

    def reset(self) -> None:
        """Begin a record."""
        self._held: Tensor | None = None
        self._held_from = self._n_given = 0  # steps

    def push(self, x: Tensor) -> list[Tensor]:
        """Take samples, and return the steps that are complete."""
        given = []
        for start in range(0, x.shape[2], self._block):
            part = x[..., start : start + self._block]
            self._held = part.clone() if self._held is None else torch.cat([self._held, part], 2)
            n_samples = self._held_from * self._stride + self._held.shape[2]
            n_complete = (n_samples - self._ahead) // self._stride
            if n_complete > self._n_given:
                given.append(self._give(self._held, n_complete))
        return given

    def finish(self) -> list[Tensor]:
        """Return the steps that the record's end completes."""
        if self._held is None:
            return []
        n_steps = self._held_from - (-self._held.shape[2] // self._stride)
        held = self._held if self._held.shape[2] >= self._stride else _fill(self._held, self._stride)
        return [self._give(held, n_steps)] if n_steps > self._n_given else []

    def _give(self, held: Tensor, n_complete: int) -> Tensor:
        encoded = self._network.encode(held)[..., self._n_given - self._held_from : n_complete - self._held_from]
        held_from = max(0, n_complete - self._n_before)
        self._held = held[..., (held_from - self._held_from) * self._stride :].clone()
        self._held_from, self._n_given = held_from, n_complete
        return encoded


def _fill(x: Tensor, stride: int) -> Tensor:
    """Return ``x`` with zeros behind it, to a whole number of strides."""
    return torch.cat([x, x.new_zeros(*x.shape[:2], -x.shape[2] % stride)], 2)


def build_piece_encoder(
    network: Network, reach: Reach, n_channels: int, *, little_pieces: bool = False
) -> PieceEncoder | None:
    """Return the encoder of pieces that is fastest for a network, or None where there is none.

    That is where a step sees everything before it, and layers do not remember it.

    Parameters
    ----------
    network
        In evaluation mode, and this encoder's own from now on: it is no network for whole records any more.
    reach
        From :func:`find_reach`.
    n_channels
        Of its input.
    little_pieces
        Whether pieces of fractions of a second will come, for which it may be rewritten in numpy.
    """
    if reach.ahead == 0:
        for encoder in _remembering(network, little_pieces):
            if _gives_the_whole(encoder, network, n_channels):
                return encoder
    end_stream(network)
    if reach.back is None:
        # It was not looked for, because what remembers does not ask.
        reach = find_reach(network, n_channels) or reach
    return None if reach.back is None else SlidingEncoder(network, reach)


@torch.inference_mode()
def _remembering(network: Network, little_pieces: bool) -> Iterator[RememberingEncoder]:
    """Yield encoders that remember, the faster first."""
    if little_pieces:
        histories = Histories()
        reader = build_reader(network, histories)
        if reader is not None:
            yield ReadingEncoder(network, reader, histories)
    yield RememberingEncoder(network)


@torch.inference_mode()
def _gives_the_whole(encoder: RememberingEncoder, network: Network, n_channels: int) -> bool:
    """Tell whether all layers that look back remember: whether pieces give what they give together."""
    end_stream(network)
    stride = network.stride
    n_before = -(-(network.receptive_field or _SOME * stride) // stride) + 1
    place = next(network.parameters(), torch.empty(0))
    noise = _noise(n_channels, (n_before + 3) * stride).to(place)
    whole = network.encode(noise)
    encoder.reset()
    try:
        parts = [encoder.push(part) for part in torch.split(noise, [n_before * stride, stride, 2 * stride], 2)]
    except (AssertionError, RuntimeError, ValueError):
        return False
    finally:
        encoder.reset()
    pieces = torch.cat([piece for part in parts for piece in part], 2)
    scale = float(whole.abs().max())
    return pieces.shape == whole.shape and float((pieces - whole).abs().max()) <= 1e-4 * max(scale, 1e-6)
