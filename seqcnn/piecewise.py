"""A network's encoder over a signal that comes in pieces, and how far its steps really see.

Two ways to the same numbers. Layers that remember (:mod:`seqcnn.layers.memory`) take each sample once. Every other
encoder of finite sight is run over a piece and as much before it as a step sees, and a step comes out when all that it
looks ahead to has come.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from seqcnn.layers.memory import begin_stream, end_stream
from seqcnn.network import Network

_FARTHEST = 2**18
"""Samples; an encoder that sees farther is taken to see the whole record."""

_SOME = 64
"""Steps for which a network that sees everything before is tried."""

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


def find_reach(network: Network, n_channels: int) -> Reach | None:
    """Find how far an encoded step sees: put NaN into its past and its future, and look from where on it gets there.

    In float64, where convolutions are computed as they are written: faster ways add taps of weight zero, which NaN
    passes through.

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
    stride, span = network.stride, network.receptive_field
    if span is None:
        return None
    probe = deepcopy(network).double().cpu().eval()
    while span <= _FARTHEST:
        step = -(-span // stride) + 1
        first, n_samples = step * stride, (2 * step + 1) * stride
        reached = _Probe(probe, _noise(n_channels, n_samples).double(), step)
        # What a network tells of its sight is checked, too: a front end may tell too little.
        if not reached(n_samples - 1, n_samples):
            last = first + stride - 1
            ahead = _largest(partial(reached.by_future, last), step * stride)
            if not reached(0, 1):
                return Reach(_largest(partial(reached.by_past, first), first), ahead)
            if ahead == 0:
                return Reach(None, ahead)
        span *= 4
    return None


class _Probe:
    """Tells whether samples that are NaN reach an encoded step."""

    def __init__(self, network: Network, noise: Tensor, step: int) -> None:
        self._network, self._noise, self._step = network, noise, step

    @torch.inference_mode()
    def __call__(self, start: int, stop: int) -> bool:
        x = self._noise.clone()
        x[..., start:stop] = torch.nan
        return bool(self._network.encode(x)[0, :, self._step].isnan().any())

    def by_future(self, last: int, n: int) -> bool:
        """Tell whether it is reached by what begins ``n`` samples behind ``last``."""
        return self(last + n, self._noise.shape[2])

    def by_past(self, first: int, n: int) -> bool:
        """Tell whether it is reached by what ends ``n`` samples in front of ``first``."""
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

    def push(self, x: Tensor) -> list[Tensor]:
        """Take samples, and return the steps that are complete."""
        if self._waiting is not None:
            x = torch.cat([self._waiting, x], 2)
        n_samples, stride = x.shape[2], self._stride
        n_ready = n_samples - n_samples % stride
        # A copy: what is left of a long piece must not hold all of it.
        self._waiting = x[..., n_ready:].clone() if n_ready < n_samples else None
        if n_ready <= self._block:
            return [self._network.encode(x[..., :n_ready] if n_ready < n_samples else x)] if n_ready else []
        parts = range(0, n_ready, self._block)
        return [self._network.encode(x[..., start : min(start + self._block, n_ready)]) for start in parts]

    def finish(self) -> list[Tensor]:
        """Return the steps that the record's end completes."""
        # Silence behind the end makes a last incomplete stride whole; so does the padding of a whole record.
        return [] if self._waiting is None else self.push(_fill(self._waiting, self._stride))


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


def build_piece_encoder(network: Network, reach: Reach, n_channels: int) -> PieceEncoder | None:
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
    """
    if reach.ahead == 0 and _remembers(network, reach, n_channels):
        return RememberingEncoder(network)
    end_stream(network)
    return None if reach.back is None else SlidingEncoder(network, reach)


@torch.inference_mode()
def _remembers(network: Network, reach: Reach, n_channels: int) -> bool:
    """Tell whether all layers that look back remember: whether pieces give what they give together."""
    end_stream(network)
    stride = network.stride
    n_before = -(-(_SOME * stride if reach.back is None else reach.back) // stride) + 1
    place = next(network.parameters(), torch.empty(0))
    noise = _noise(n_channels, (n_before + 3) * stride).to(place)
    whole = network.encode(noise)
    encoder = RememberingEncoder(network)
    try:
        parts = [encoder.push(part) for part in torch.split(noise, [n_before * stride, stride, 2 * stride], 2)]
    except (AssertionError, RuntimeError, ValueError):
        return False
    pieces = torch.cat([piece for part in parts for piece in part], 2)
    scale = float(whole.abs().max())
    return pieces.shape == whole.shape and float((pieces - whole).abs().max()) <= 1e-4 * max(scale, 1e-6)
