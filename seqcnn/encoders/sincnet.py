"""Learnt band-pass filters on the raw wave: SincNet.

Ravanelli and Bengio (2018), "Speaker recognition from raw waveform with SincNet", arXiv 1808.00158.

NOTE differences from the paper: the paper cuts windows of 200 ms and looks at each whole, through dense layers of 2048;
here further convolutions of the same kind take their place (``depth``), so that an output sees 152 ms at 16 kHz, and
the mean over time is classified. Layer normalization is over the channels of each step, with a weight a channel, not
over the window, whose length would be fixed with it; the wave itself is left to the network's stem. Filters have a gain
of one in their band, as in the paper's formula; the authors' code divides each by its largest tap. As in that code, the
filters' outputs are taken as magnitudes before they are pooled, cut-offs start equally spaced on the mel scale, and
ReLUs leak. Every channel of a recording of several goes through the same filters.
"""

from __future__ import annotations

import math
from numbers import Real

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqcnn._checks import check_integer, shorten
from seqcnn.encoders.base import SequenceEncoder, receptive_field
from seqcnn.layers.convolution import Conv1d, pad_for
from seqcnn.layers.layout import as_image, as_sequence, channels_innermost, prefers_channels_innermost
from seqcnn.layers.masking import stride_mask
from seqcnn.layers.memory import Remembers
from seqcnn.layers.normalization import LayerNorm1d
from seqcnn.layers.pooling import MaxPool1d

_KERNEL, _POOL, _LEAK = 5, 3, 0.2

_MIN_LOW_HZ, _MIN_BAND_HZ = 50.0, 50.0
"""No filter begins lower or is narrower."""

_START_HZ = 30.0
"""What the lowest filter starts with above the limit, and the highest below Nyquist: at a limit nothing is learnt."""

_MIN_SAMPLE_RATE = 400
"""Below it hardly one filter of least width finds room."""


class SincConv1d(Remembers):
    """A bank of band-pass filters of which only the two cut-offs of each are learnt.

    A filter is the difference of two ideal low-passes, cut to ``kernel_size`` taps by a Hamming window. Its gain is
    about one inside its band and about zero outside; the flanks are some ``3.3 * sample_rate / kernel_size`` Hz wide
    (210 Hz for 251 taps at 16 kHz), and a band narrower than that does not reach one.

    Parameters
    ----------
    in_channels
        Channels of the input; the same filters are applied to each.
    n_filters
        Filters.
    kernel_size
        Taps of each filter; odd, so that it is symmetric about its centre.
    sample_rate
        Of the recordings, in Hz.
    causal
        Whether the whole of a filter lies behind its output and not about it, so that what comes out is the same,
        half a filter later.

    Raises
    ------
    TypeError, ValueError
        If ``sample_rate`` is no number of at least 400, or ``kernel_size`` no odd integer of at least 3.

    Notes
    -----
    Shape: ``(batch, in_channels, samples)`` to ``(batch, in_channels * n_filters, samples)``, the filters of one
    channel side by side.

    Examples
    --------
    >>> filters = SincConv1d(1, 4, 101, sample_rate=8000)
    >>> filters(torch.zeros(2, 1, 800)).shape
    torch.Size([2, 4, 800])
    >>> low, high = filters.cut_offs()
    >>> bool((low >= 50).all() and (high <= 4000).all())
    True
    """

    steps: Tensor
    window: Tensor

    def __init__(
        self,
        in_channels: int,
        n_filters: int,
        kernel_size: int = 251,
        *,
        sample_rate: float = 16000,
        causal: bool = False,
    ) -> None:
        super().__init__()
        _check_sample_rate(sample_rate)
        check_integer("kernel_size", kernel_size, minimum=3, caller="SincConv1d")
        if kernel_size % 2 == 0:
            raise ValueError(
                f"The 'kernel_size' parameter of SincConv1d must be odd, so that a filter has a middle. Received: "
                f"{kernel_size}. Pass kernel_size={kernel_size + 1}."
            )
        self.in_channels, self.kernel_size, self.sample_rate = in_channels, kernel_size, float(sample_rate)
        self.causal = causal
        edges = _mel_spaced(_START_HZ, self.nyquist - _MIN_LOW_HZ - _MIN_BAND_HZ - _START_HZ, n_filters + 1)
        # In kHz above the limits. A step of the optimizer is about as long as the learning rate, whatever the gradient:
        # in Hz nothing would move, and as shares of the sample rate everything would jump.
        self.low = nn.Parameter(edges[:-1] / 1000)
        self.band = nn.Parameter(edges.diff() / 1000)
        half, dtype = kernel_size // 2, torch.get_default_dtype()
        window = torch.hamming_window(kernel_size, periodic=False, dtype=torch.float64)
        # Buffers, so that they move with the module; not saved, because they follow from the parameters.
        self.register_buffer("steps", torch.arange(-half, half + 1).to(dtype), persistent=False)
        self.register_buffer("window", window.to(dtype), persistent=False)

    @property
    def nyquist(self) -> float:
        """The highest frequency that the sample rate can carry, in Hz."""
        return self.sample_rate / 2

    def cut_offs(self) -> tuple[Tensor, Tensor]:
        """Return each filter's lower and upper cut-off in Hz, both ``(n_filters,)``.

        Whatever was learnt, they lie between 50 Hz and Nyquist, the upper at least 50 Hz above the lower.
        """
        # Bfloat16 has steps of 32 Hz at 5 kHz.
        wide = torch.promote_types(self.low.dtype, torch.float32)
        low = (1000 * self.low.to(wide).abs() + _MIN_LOW_HZ).clamp(max=self.nyquist - _MIN_BAND_HZ)
        high = (low + 1000 * self.band.to(wide).abs() + _MIN_BAND_HZ).clamp(max=self.nyquist)
        return low, high

    def filters(self) -> Tensor:
        """Return the taps, ``(n_filters, kernel_size)``, in float32 or wider also in mixed precision."""
        low, high = (2 * cut_off[:, None] / self.sample_rate for cut_off in self.cut_offs())
        # Products and sines alone: autocast would turn a matrix product into bfloat16.
        return self.window * (high * torch.sinc(high * self.steps) - low * torch.sinc(low * self.steps))

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``(batch, in_channels, samples)``."""
        weight = self.once(self.low, lambda: self.filters().to(x.dtype).repeat(self.in_channels, 1)[:, None])
        padding = self.kernel_size // 2
        if self.causal:
            past = self.kernel_size - 1
            x, padding = self.with_past(x, past) if self.reads_stream else F.pad(x, (past, 0)), 0
        else:
            assert not self.reads_stream, "filters that look ahead cannot read a stream"
        if not prefers_channels_innermost(x):
            return F.conv1d(x, weight, padding=padding, groups=self.in_channels)
        image = F.conv2d(as_image(x), as_image(weight), padding=(0, padding), groups=self.in_channels)
        # An input of one channel leaves the order in memory open, and torch then puts time innermost.
        return channels_innermost(as_sequence(image))

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        return f"{self.in_channels}, {len(self.low)}, {self.kernel_size}, sample_rate={self.sample_rate:g}"


class SincNet(SequenceEncoder):
    """Band-pass filters, then convolutions of 5 steps; each is pooled by 3, normalized and goes through a leaky ReLU.

    Parameters
    ----------
    in_channels
        Channels of the waveform, 1 for mono.
    width
        Filters; the convolutions have three quarters as many channels (80 and 60 in the paper).
    depth
        Convolutions behind the filters. The paper has 2; each more sees three times as far, and an output stands for
        ``3 ** (depth + 1)`` samples, 729 for 5.
    kernel_size
        Taps of the filters; odd.
    sample_rate
        Of the recordings, in Hz: what the filters' cut-offs mean. A wrong one costs only a worse start.
    causal
        Whether no output sees later samples than those it stands for; the whole of every kernel is then behind it.

    Raises
    ------
    TypeError, ValueError
        If ``depth`` is no integer of at least 1, or as in :class:`SincConv1d`.

    Notes
    -----
    Shape: ``(batch, in_channels, samples)`` to ``(batch, 3 * width / 4, ceil(samples / 3 ** (depth + 1)))``.

    Examples
    --------
    >>> SincNet(1, width=8, sample_rate=8000)(torch.zeros(2, 1, 8000)).shape
    torch.Size([2, 6, 11])
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 80,
        depth: int = 5,
        kernel_size: int = 251,
        sample_rate: float = 16000,
        causal: bool = False,
    ) -> None:
        super().__init__()
        check_integer("depth", depth, minimum=1, caller="SincNet")
        out_channels, self.causal = max(1, round(0.75 * width)), causal
        self.in_channels, self.out_channels, self.stride = in_channels, out_channels, _POOL ** (depth + 1)
        self.receptive_field = receptive_field(
            [(kernel_size, 1), (_POOL, _POOL), *[(_KERNEL, 1), (_POOL, _POOL)] * depth]
        )
        self.sinc = SincConv1d(in_channels, width, kernel_size, sample_rate=sample_rate, causal=causal)
        self.pool = MaxPool1d(_POOL)
        self.convolutions = nn.ModuleList()
        self.normalizations = nn.ModuleList([LayerNorm1d(in_channels * width)])
        channels = in_channels * width
        for _ in range(depth):
            self.convolutions.append(Conv1d(channels, out_channels, _KERNEL, padding=pad_for(causal)))
            self.normalizations.append(LayerNorm1d(out_channels))
            channels = out_channels

    def encode(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Apply the layers to ``(batch, in_channels, samples)``."""
        x = self.sinc(x).abs()
        for position, normalization in enumerate(self.normalizations):
            if position > 0:
                x = self.convolutions[position - 1](x)
            # The pool sets to zero what a convolution left in the padding.
            x = self.pool(x, mask)
            mask = stride_mask(mask, _POOL)
            x = F.leaky_relu(normalization(x, mask), _LEAK)
        return x


def _mel_spaced(low_hz: float, high_hz: float, count: int) -> Tensor:
    """Return ``count`` frequencies from one to the other, equally spaced on the mel scale (O'Shaughnessy 1987)."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (low_hz, high_hz))
    mel = torch.linspace(low, high, count, dtype=torch.float64)
    return (700 * (10 ** (mel / 2595) - 1)).to(torch.get_default_dtype())


def _check_sample_rate(sample_rate: object) -> None:
    message = (
        f"The 'sample_rate' parameter of SincConv1d must be the recordings' samples a second, at least "
        f"{_MIN_SAMPLE_RATE}. Received: {shorten(sample_rate)}. Pass it in Hz, for example 16000."
    )
    if not isinstance(sample_rate, Real) or isinstance(sample_rate, bool):
        raise TypeError(message)
    if not _MIN_SAMPLE_RATE <= float(sample_rate) < math.inf:
        raise ValueError(message)
