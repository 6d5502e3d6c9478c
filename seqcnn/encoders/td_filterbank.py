"""Learnt filters on the raw wave in the place of mel bands, and MatchboxNet over them: time-domain filterbanks.

Zeghidour, Usunier, Kokkinos, Schatz, Synnaeve and Dupoux (2018), "Learning filterbanks from raw speech for phone
recognition", arXiv 1711.01161: complex filters that begin as Gabor wavelets where mel bands lie, their squared modulus,
a low-pass that thins it out, a logarithm. LEAF followed it: Zeghidour et al. (2021), "LEAF: a learnable frontend for
audio classification", arXiv 2101.08596.

NOTE differences from the paper: a filter stands at every quarter of a hop (2.5 ms), not at every sample, which takes a
fortieth of the multiplications at 16 kHz; what a band's energy does faster than that is folded onto what the low-pass
lets through. The low-pass is fixed (the paper's "learn-filterbank"), and its window has no zeros at its ends. A small
constant is added to the energy in front of the logarithm, not one. Batch normalization takes the place of the mean and
deviation of each sentence, so that a frame can be normalized when it comes. There is no learnt pre-emphasis. Each
channel of a recording of several goes through the same filters. The paper's network for phones is not this one's body.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._checks import check_integer, check_number
from seqcnn._types import Float64Array
from seqcnn.encoders.base import SequenceEncoder
from seqcnn.encoders.matchboxnet import MatchboxNet
from seqcnn.front_ends.checks import check_limits, count_samples
from seqcnn.front_ends.mel import mel_edges
from seqcnn.layers.depthwise import depthwise_convolution
from seqcnn.layers.gathered import gather_windows
from seqcnn.layers.layout import prefers_channels_innermost
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.memory import Remembers
from seqcnn.layers.normalization import BatchNorm1d
from seqcnn.layers.pieces import convolve_piece, is_little_piece

_POSITIONS = 4
"""Places of the filters in a hop."""

_DEVIATION = 3.0
"""Of the taps as they are learnt. On speakers held back from Speech Commands 1 and 5 did as well."""

_FLOOR = 1e-5
"""The energy that silence has, 50 dB below that of the training records."""


class TDFilterbank(Remembers):
    """The logarithm of the energy in learnt bands.

    The taps of a band's filter are a complex wavelet, real and imaginary part each learnt freely. It begins with the
    frequency of a mel band's peak, and is as wide as the band at half its height. Its energy is one, so that white
    noise of deviation one has that energy in every band.

    Energies and logarithms are computed in float32 or float64, also where a network around it multiplies in bfloat16.

    Parameters
    ----------
    sample_rate
        Of the recordings, in Hz: where the filters begin. A wrong one costs only a worse start.
    n_bands
        Filters.
    window_seconds
        Of a filter, and of the low-pass behind it; rounded to samples.
    hop_seconds
        From one output to the next; rounded to four times a number of samples.
    low_hz, high_hz
        Where the lowest band begins and the highest ends; None is half the sample rate.
    causal
        Whether no output sees later samples than those of its own hop; else as many behind it as in front.

    Attributes
    ----------
    taps : nn.Parameter
        What is learnt, ``(2 * n_bands, window_length)``: real parts above imaginary ones.
    window_length, stride : int
        Samples of a filter, and of a hop.
    receptive_field : int
        Samples that one output sees, those of the low-pass's filters.

    Raises
    ------
    TypeError, ValueError
        If a parameter is off: frequencies above half the sample rate, a hop of no sample.

    Notes
    -----
    Shape: ``(batch, channels, samples)`` to ``(batch, channels * n_bands, ceil(samples / stride))``, the bands of one
    channel side by side.

    Examples
    --------
    >>> bank = TDFilterbank(sample_rate=8000)
    >>> bank(torch.zeros(2, 1, 8000)).shape, bank.stride, bank.taps.shape
    (torch.Size([2, 40, 100]), 80, torch.Size([80, 200]))
    """

    low_pass: Tensor

    def __init__(
        self,
        *,
        sample_rate: float = 16000,
        n_bands: int = 40,
        window_seconds: float = 0.025,
        hop_seconds: float = 0.01,
        low_hz: float = 60.0,
        high_hz: float | None = None,
        causal: bool = False,
    ) -> None:
        super().__init__()
        caller = type(self).__name__
        check_number("sample_rate", sample_rate, minimum=400, maximum=1e6, caller=caller)
        check_integer("n_bands", n_bands, minimum=1, caller=caller)
        check_number("window_seconds", window_seconds, above=0, caller=caller)
        check_number("hop_seconds", hop_seconds, above=0, caller=caller)
        check_number("low_hz", low_hz, minimum=0, caller=caller)
        check_number("high_hz", high_hz, above=0, or_none=True, caller=caller)
        self.sample_rate, self.n_bands, self.causal = float(sample_rate), n_bands, causal
        self.window_length, hop = count_samples(window_seconds, hop_seconds, self.sample_rate, caller)
        low, high = check_limits(low_hz, high_hz, self.sample_rate, caller)
        self.step = max(1, round(hop / _POSITIONS))
        self.stride = _POSITIONS * self.step
        n_positions = max(_POSITIONS, round(self.window_length / self.step))
        self.receptive_field = self.window_length + (n_positions - 1) * self.step
        around = self.receptive_field - self.stride
        self.padding_left = around if causal else (around + 1) // 2
        self.padding_right = around - self.padding_left
        # A step of the optimizer is about as long as the learning rate, whatever the gradient. Taps of a filter of
        # energy one are so small that a few steps would leave noise of them, so what is learnt are larger ones.
        self.gain = 1.0 / (_DEVIATION**2 * self.window_length)
        wavelets = gabor_wavelets(mel_edges(n_bands, low, high, "htk"), self.window_length, self.sample_rate)
        dtype = torch.get_default_dtype()
        self.taps = nn.Parameter(torch.from_numpy(wavelets / math.sqrt(self.gain)).to(dtype))
        window = np.sin(np.pi * (np.arange(n_positions) + 0.5) / n_positions) ** 4
        # Not saved: it follows from the parameters.
        self.register_buffer("low_pass", torch.from_numpy(window / window.sum()).to(dtype), persistent=False)

    def filters(self) -> Tensor:
        """Return the filters, complex, which began with an energy of one: ``(n_bands, window_length)``."""
        real, imaginary = (self.taps * math.sqrt(self.gain)).chunk(2)
        return torch.complex(real, imaginary)

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``(batch, channels, samples)``."""
        batch, channels, n_samples = x.shape
        dtype, x = x.dtype, x.reshape(batch * channels, 1, n_samples)
        if self.reads_stream:
            assert self.padding_right == 0, "filters that look ahead cannot read a stream"
            x, is_little = self.with_past(x, self.padding_left), is_little_piece(x)
            if is_little and channels == 1:
                return self._read_piece(x[:, 0]).transpose(1, 2)
        else:
            # A last incomplete hop is filled up with zeros, which stand behind every record.
            x = F.pad(x, (self.padding_left, -n_samples % self.stride + self.padding_right))
        bands = self._log_energies(self._convolve(x)).to(dtype)
        return bands if channels == 1 else bands.reshape(batch, channels * self.n_bands, -1)

    def _read_piece(self, samples: Tensor) -> Tensor:
        """Do the same with a little piece of a stream behind its past, in few operations.

        Shape: ``(batch, samples)`` to ``(batch, frames, n_bands)``.
        """
        taps, low_pass = self.once(self.taps, self._arrange)
        windows = samples.unfold(1, self.window_length, self.step)
        squares = torch.mm(windows.reshape(-1, self.window_length), taps).square_()
        energies = squares[:, : self.n_bands] + squares[:, self.n_bands :]
        energies = energies.view(*windows.shape[:2], self.n_bands)
        return convolve_piece(energies, low_pass, None, _POSITIONS).add_(_FLOOR).log_()

    def _arrange(self) -> tuple[Tensor, Tensor]:
        return self.taps.t().contiguous(), (self.gain * self.low_pass)[:, None].repeat(1, self.n_bands)

    def _convolve(self, x: Tensor) -> Tensor:
        """Return real and imaginary parts, ``(recordings, 2 * n_bands, positions)``."""
        if not prefers_channels_innermost(x) or torch.compiler.is_compiling():
            return F.conv1d(x, self.taps[:, None], stride=self.step)
        if torch.is_autocast_enabled("cpu"):
            # Before each sample is copied into all the windows that hold it.
            x = x.to(torch.get_autocast_dtype("cpu"))
        windows = gather_windows(x.transpose(1, 2), self.window_length, 0, 0, stride=self.step)
        return F.linear(windows, self.taps).view(len(x), -1, 2 * self.n_bands).transpose(1, 2)

    def _log_energies(self, waves: Tensor) -> Tensor:
        with torch.autocast(waves.device.type, enabled=False):
            # Real and imaginary parts are smoothed together: squares count alike.
            squares = waves.to(torch.promote_types(waves.dtype, torch.float32)).square()
            energies = squares[:, : self.n_bands] + squares[:, self.n_bands :]
            kernel = (self.gain * self.low_pass.to(energies.dtype)).expand(self.n_bands, 1, -1)
            if prefers_channels_innermost(energies) and not torch.compiler.is_compiling():
                smooth = depthwise_convolution(energies, kernel, _POSITIONS, 1, 0, 0)
            else:
                smooth = F.conv1d(energies, kernel, stride=_POSITIONS, groups=self.n_bands)
            return (smooth + _FLOOR).log()

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        return (
            f"{self.n_bands}, {self.window_length}, stride={self.stride}, sample_rate={self.sample_rate:g}, "
            f"causal={self.causal}"
        )


class TDFilterbankNet(SequenceEncoder):
    """Learnt bands, 100 times a second, and :class:`~seqcnn.encoders.MatchboxNet` over them.

    Parameters
    ----------
    in_channels
        Channels of the waveform, 1 for mono.
    width, depth, repeats
        Of the body, as :class:`~seqcnn.encoders.MatchboxNet` takes them.
    sample_rate, n_bands, window_seconds, hop_seconds, low_hz, high_hz
        Of the filters, as :class:`TDFilterbank` takes them.
    causal
        Whether no output sees later samples than those it stands for.

    Attributes
    ----------
    masks : nn.Module or None
        Changes normalized bands in training, called with them and the frames of each record
        (:class:`seqcnn.layers.SpecAugment`); an estimator's ``augment`` sets it while it trains.

    Raises
    ------
    TypeError, ValueError
        If a parameter is off, as in :class:`TDFilterbank`, or ``depth`` or ``repeats`` is no integer of at least 1.

    Notes
    -----
    Shape: ``(batch, in_channels, samples)`` to ``(batch, 2 * width, ceil(samples / stride))``. At 16 kHz 32,000 of
    83,304 parameters are the filters' taps.

    Examples
    --------
    >>> TDFilterbankNet(1)(torch.zeros(2, 1, 16000)).shape
    torch.Size([2, 96, 100])
    """

    masks: nn.Module | None

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 48,
        depth: int = 3,
        repeats: int = 2,
        n_bands: int = 40,
        sample_rate: float = 16000,
        window_seconds: float = 0.025,
        hop_seconds: float = 0.01,
        low_hz: float = 60.0,
        high_hz: float | None = None,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.filterbank = TDFilterbank(
            sample_rate=sample_rate,
            n_bands=n_bands,
            window_seconds=window_seconds,
            hop_seconds=hop_seconds,
            low_hz=low_hz,
            high_hz=high_hz,
            causal=causal,
        )
        self.n_bands = in_channels * n_bands
        self.normalization = BatchNorm1d(self.n_bands)
        self.masks = None
        self.body = MatchboxNet(self.n_bands, width=width, depth=depth, repeats=repeats, causal=causal)
        self.in_channels, self.out_channels, self.causal = in_channels, self.body.out_channels, causal
        self.stride = self.filterbank.stride
        assert self.body.receptive_field is not None
        self.receptive_field = (self.body.receptive_field - 1) * self.stride + self.filterbank.receptive_field

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, samples)``."""
        mask = stride_mask(mask, self.stride)
        bands: Tensor = self.normalization(self.filterbank(x), mask)
        if self.masks is not None and self.training:
            bands = self.masks(bands, None if mask is None else mask.sum((1, 2)))
        return self.body.encode(bands, mask)


def gabor_wavelets(edges: Float64Array, n_taps: int, sample_rate: float) -> Float64Array:
    """Return wavelets of energy one for mel bands, real parts above imaginary parts.

    Parameters
    ----------
    edges
        Where the bands begin, peak and end in Hz, as :func:`seqcnn.front_ends.mel.mel_edges` gives them.
    n_taps
        Of each wavelet.
    sample_rate
        In Hz.

    Returns
    -------
    Float64Array
        ``(2 * n_bands, n_taps)``.

    Examples
    --------
    >>> wavelets = gabor_wavelets(np.array([500.0, 1000.0, 1500.0]), 200, 8000)
    >>> wavelets.shape, round(float((wavelets**2).sum()), 6)
    ((2, 200), 1.0)
    """
    seconds = (np.arange(n_taps) - (n_taps - 1) / 2) / sample_rate
    # Power falls to a half a quarter of the band's width to either side of its peak, as a triangle does.
    widths = (edges[2:] - edges[:-2]) / 2
    deviations = math.sqrt(math.log(2)) / (math.pi * widths)
    envelopes = np.exp(-0.5 * (seconds / deviations[:, None]) ** 2)
    # What float32 cannot add to the rest anyway: numbers near its least one would multiply at a fraction of the speed.
    envelopes[envelopes < 1e-9] = 0.0
    envelopes /= np.linalg.norm(envelopes, axis=1, keepdims=True)
    phases = 2 * np.pi * edges[1:-1, None] * seconds
    return np.concatenate([envelopes * np.cos(phases), envelopes * np.sin(phases)])
