"""The contract of a front end, and what all of them begin with: a recording's energy in mel bands, frame for frame.

A frame's spectrum is a convolution with fixed kernels, windowed cosines and sines. An exported program holds it as
that. Here a Fourier transform computes the same numbers in a fraction of the time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._checks import check_choice, check_integer, check_number
from seqcnn._types import AnyArray, Float64Array
from seqcnn.front_ends.checks import check_bands, check_fft_length, check_limits, count_samples
from seqcnn.front_ends.mel import MelScale, mel_edges, mel_filters
from seqcnn.layers.masking import hide_padding, length_mask
from seqcnn.layers.memory import Remembers
from seqcnn.layers.readers import Histories, Reader, as_array, multiply
from seqcnn.rebuilding import Rebuildable

_FRAMES_AT_A_TIME = 1024
"""Frames that are worked on at a time on a CPU, so that their spectra stay in its cache."""


class FrontEnd(Remembers, Rebuildable, ABC):
    """Turns a recording into bands, a frame a hop; nothing in it is trained.

    Frame ``i`` sees the window that ends with sample ``(i + 1) * stride - 1``, zeros before the beginning and, in a
    last incomplete hop, behind the end. So it looks ahead no further than its hop, and can read a stream
    (:mod:`seqcnn.layers.memory`) in pieces of a multiple of it.

    It computes in float32 or float64, also where a network around it multiplies in bfloat16: that has three decimal
    digits, and a band that holds a thousandth of the loudest one's energy would be its rounding error.

    Shape: ``(batch, channels, samples)`` to ``(batch, channels * out_channels, ceil(samples / stride))``, each
    channel's bands side by side.

    Parameters
    ----------
    sample_rate
        Of the recordings, in Hz.
    window_seconds, hop_seconds
        What a frame sees, and from one frame to the next; rounded to whole samples.
    n_bands
        Mel bands.
    low_hz, high_hz
        Where the lowest band begins and the highest ends; None is half the sample rate.
    mel_scale
        "htk" or "slaney" (:mod:`seqcnn.front_ends.mel`).
    fft_length
        Samples that the window is padded to with zeros for its spectrum, for many bands at low frequencies; None pads
        nothing.

    Attributes
    ----------
    window_length, stride : int
        Samples of a window, and of a hop.
    out_channels : int
        Channels out for each channel in.
    whole_record : bool
        Whether a frame depends on all of its recording, so that no stream can be read.
    """

    window: Tensor
    mel: Tensor
    out_channels: int
    whole_record: bool = False

    def __init__(
        self,
        *,
        sample_rate: float,
        window_seconds: float,
        hop_seconds: float,
        n_bands: int,
        low_hz: float,
        high_hz: float | None,
        mel_scale: MelScale,
        fft_length: int | None,
    ) -> None:
        super().__init__()
        caller = type(self).__name__
        check_number("sample_rate", sample_rate, minimum=100, maximum=1e6, caller=caller)
        check_number("window_seconds", window_seconds, above=0, caller=caller)
        check_number("hop_seconds", hop_seconds, above=0, caller=caller)
        check_integer("n_bands", n_bands, minimum=1, caller=caller)
        check_number("low_hz", low_hz, minimum=0, caller=caller)
        check_number("high_hz", high_hz, above=0, or_none=True, caller=caller)
        check_choice("mel_scale", mel_scale, ("htk", "slaney"), caller=caller)
        check_integer("fft_length", fft_length, minimum=1, or_none=True, caller=caller)
        self.sample_rate = float(sample_rate)
        self.window_length, self.stride = count_samples(window_seconds, hop_seconds, self.sample_rate, caller)
        self.n_bands, self.fft_length = int(n_bands), fft_length or self.window_length
        check_fft_length(fft_length, self.window_length, caller)
        low, high = check_limits(low_hz, high_hz, self.sample_rate, caller)
        check_bands(self.n_bands, low, high, mel_scale, self.fft_length, self.sample_rate, caller)
        self._limits: tuple[float, float, MelScale] = (low, high, mel_scale)
        for name, table in self._tables().items():
            # Not saved: they follow from the parameters.
            self.register_buffer(name, as_tensor(table, torch.get_default_dtype()), persistent=False)

    @property
    def frame_seconds(self) -> float:
        """Seconds from one frame to the next."""
        return self.stride / self.sample_rate

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Return the frames of recordings of so many samples, ``ceil(lengths / stride)``."""
        return (lengths + self.stride - 1) // self.stride

    def _tables(self) -> Mapping[str, Float64Array]:
        """Return the buffers and what they hold; a subclass adds its own."""
        filters = _filters(self.n_bands, *self._limits, self.fft_length, self.sample_rate)
        # Squares of real and imaginary part lie side by side, and count alike.
        return {"window": _window(self.window_length), "mel": np.repeat(filters, 2, axis=0)}

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        # In double precision the tables are to be as precise, and in half precision they stay in single.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, table in self._tables().items():
            buffer = getattr(self, name)
            setattr(self, name, as_tensor(table, torch.promote_types(buffer.dtype, torch.float32)).to(buffer.device))
        return self

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Compute the bands.

        Parameters
        ----------
        x
            ``(batch, channels, samples)``, zero behind each record's length.
        lengths
            Samples of each record, ``(batch,)``: frames behind them become zero. None says that nothing is padded.

        Raises
        ------
        ValueError
            If ``x`` has not three axes.
        """
        if x.ndim != 3:
            raise ValueError(
                f"{type(self).__name__} takes input of shape (batch, channels, samples). Received: {tuple(x.shape)}. "
                f"Pass three axes, x[:, None] for a batch of mono recordings."
            )
        dtype = x.dtype
        x = x.to(torch.promote_types(dtype, torch.float32))
        if torch.is_autocast_enabled(x.device.type):
            with torch.autocast(x.device.type, enabled=False):
                return self._run(x, lengths).to(dtype)
        return self._run(x, lengths).to(dtype)

    def _run(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        batch, channels, n_samples = x.shape
        missing = -n_samples % self.stride
        if self.reads_stream:
            assert not self.whole_record, "a stream has no whole record"
            assert missing == 0, "pieces of a stream are whole hops"
            x = self.with_past(x, self.window_length - self.stride)
        else:
            x = F.pad(x, (self.window_length - self.stride, missing))
        energies = self._energies(x.reshape(batch * channels, x.shape[2]))
        mask = None if lengths is None else length_mask(self.output_lengths(lengths), energies.shape[1])
        if self.whole_record and energies.shape[1]:
            by_record = energies.view(batch, channels, *energies.shape[1:])
            energies = self.compare(by_record, mask).flatten(0, 1)
        bands = self.finish(energies).transpose(1, 2)
        return hide_padding(bands if channels == 1 else bands.reshape(batch, channels * self.out_channels, -1), mask)

    def compare(self, energies: Tensor, mask: Tensor | None) -> Tensor:
        """Change energies by what all of a recording has, where ``whole_record`` says so.

        Parameters
        ----------
        energies
            ``(batch, channels, frames, n_bands)``.
        mask
            ``(batch, 1, frames)``, True where a frame is a recording's own; None where all are.
        """
        return energies

    @abstractmethod
    def finish(self, energies: Tensor) -> Tensor:
        """Turn energies ``(recordings, frames, n_bands)`` into ``(recordings, frames, out_channels)``."""

    def _energies(self, x: Tensor) -> Tensor:
        """Return the energy in each band: ``(recordings, samples)`` to ``(recordings, frames, n_bands)``."""
        if torch.compiler.is_compiling():
            return self._convolve(x)
        if x.shape[1] < self.window_length:
            return x.new_zeros(x.shape[0], 0, self.n_bands)
        frames = x.unfold(1, self.window_length, self.stride)
        if x.device.type != "cpu" or (x.requires_grad and torch.is_grad_enabled()):
            return self._spectrum(frames).square() @ self.mel
        n_recordings, n_frames, _ = frames.shape
        if n_recordings * n_frames <= _FRAMES_AT_A_TIME:
            return self._spectrum(frames).square_() @ self.mel
        energies = x.new_empty(n_recordings, n_frames, self.n_bands)
        together = max(1, _FRAMES_AT_A_TIME // n_frames)
        for row in range(0, n_recordings, together):
            for begin in range(0, n_frames, _FRAMES_AT_A_TIME):
                place = (slice(row, row + together), slice(begin, begin + _FRAMES_AT_A_TIME))
                squares = self._spectrum(frames[place]).square_()
                torch.mm(squares.flatten(0, 1), self.mel, out=energies[place].view(-1, self.n_bands))
        return energies

    def piece_reader(self, histories: Histories) -> Reader:
        """Return what reads a stream's pieces, ``(samples, 1)`` (:mod:`seqcnn.layers.readers`)."""
        size, stride, fft_length = self.window_length, self.stride, self.fft_length
        history, window, mel = histories.add(size - stride), as_array(self.window), as_array(self.mel)

        def read(samples: AnyArray) -> AnyArray:
            frames = history.windows(samples, size, stride)[:, :, 0]
            spectrum = np.fft.rfft(frames * window, fft_length)
            # numpy before 2.0 computes in double precision only.
            parts = spectrum.view(spectrum.real.dtype).astype(mel.dtype, copy=False)
            energies = multiply(np.square(parts, out=parts), mel)
            return self.finish_piece(energies)

        return read

    def finish_piece(self, energies: AnyArray) -> AnyArray:
        """Do what :meth:`finish` does to a little piece of a stream, ``(frames, n_bands)``."""
        return as_array(self.finish(torch.from_numpy(energies)[None])[0])

    def _spectrum(self, frames: Tensor) -> Tensor:
        """Return real and imaginary parts side by side, ``(recordings, frames, 2 * bins)``."""
        return torch.view_as_real(torch.fft.rfft(frames * self.window, self.fft_length)).flatten(-2)

    def _convolve(self, x: Tensor) -> Tensor:
        """Compute the energies by convolutions with fixed kernels, as an exported program does."""
        table = _kernels(self.window_length, self.fft_length)
        kernels = as_tensor(table, x.dtype).to(x.device)
        squares = F.conv1d(x[:, None], kernels[:, None], stride=self.stride).square()
        return F.conv1d(squares, self.mel.T[..., None]).transpose(1, 2)

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        low, high, _ = self._limits
        return (
            f"{self.sample_rate:g} Hz, window={self.window_length}, hop={self.stride} samples, {self.n_bands} bands "
            f"from {low:g} to {high:g} Hz"
        )


@lru_cache(8)
def _window(n_samples: int) -> Float64Array:
    """Return a Hann window, periodic."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_samples) / n_samples))


@lru_cache(8)
def _filters(
    n_bands: int, low: float, high: float, scale: MelScale, fft_length: int, sample_rate: float
) -> Float64Array:
    edges = mel_edges(n_bands, low, high, scale)
    return mel_filters(edges, fft_length // 2 + 1, sample_rate / fft_length)


@lru_cache(2)
def _kernels(window_length: int, fft_length: int) -> Float64Array:
    """Return windowed cosines and sines by turns, ``(2 * bins, window_length)``."""
    # Whole turns are taken out before the cosine, for the precision of large angles.
    turns = np.outer(np.arange(fft_length // 2 + 1), np.arange(window_length)) % fft_length / fft_length
    waves = np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], axis=1)
    return np.asarray(waves.reshape(-1, window_length) * _window(window_length))


def as_tensor(table: Float64Array, dtype: torch.dtype) -> Tensor:
    """Return a table in this precision; rounded before torch sees it, so that an exported program holds no other."""
    return torch.from_numpy(table.astype(np.float64 if dtype == torch.float64 else np.float32)).to(dtype)
