"""Per-channel energy normalization: each band beside its own recent level.

Wang, Getreuer, Hughes, Lyon and Saurous (2017), "Trainable frontend for robust and far-field keyword spotting", ICASSP.

NOTE differences from the paper: its parameters are fixed, at what the paper starts from, not trained. The smoother
begins as the mean of the frames so far, a recursion that is divided by what it would give for ones: from zero, the
first tenths of a second of every recording would come out far too loud. Samples go from -1 to 1, and the floor fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seqcnn._checks import check_number
from seqcnn._types import Float64Array
from seqcnn.front_ends.base import FrontEnd, as_tensor
from seqcnn.front_ends.mel import MelScale

_BLOCK = 128
"""Frames that are smoothed by one matrix product."""

_FORGOTTEN = 1e-9
"""Weight below which an exported program, which smooths by a convolution, leaves earlier frames out."""


class PCEN(FrontEnd):
    """The energy in each mel band, divided by its recent mean and compressed: what is steady fades, what begins stays.

    ``(energy / (floor + mean) ** gain + bias) ** power - bias ** power``, where the mean forgets with a time constant
    of ``smoothing_seconds``.

    Parameters
    ----------
    smoothing_seconds
        After so long, a frame counts 1/e of what it did (0.4 with a hop of 10 ms is the paper's s of 0.025).
    gain, bias, power
        The paper's alpha, delta and r: how far level is taken away, and the compression.
    floor_db
        The energy that is added to the mean, so that silence is not divided by zero.
    sample_rate, window_seconds, hop_seconds, n_bands, low_hz, high_hz, mel_scale, fft_length
        As :class:`~seqcnn.front_ends.base.FrontEnd` takes them.

    Raises
    ------
    TypeError, ValueError
        If a parameter is off.

    Examples
    --------
    >>> noise = torch.randn(1, 1, 16000)
    >>> quiet, loud = PCEN()(0.01 * noise), PCEN()(noise)
    >>> bool((loud - quiet).abs().mean() < 0.2)
    True
    """

    products: Tensor
    decay: Tensor
    _mean: Tensor | None = None
    _n_frames: int = 0

    def __init__(
        self,
        *,
        sample_rate: float = 16000,
        window_seconds: float = 0.025,
        hop_seconds: float = 0.01,
        n_bands: int = 40,
        low_hz: float = 20.0,
        high_hz: float | None = None,
        mel_scale: MelScale = "htk",
        fft_length: int | None = None,
        smoothing_seconds: float = 0.4,
        gain: float = 0.98,
        bias: float = 2.0,
        power: float = 0.5,
        floor_db: float = -60.0,
    ) -> None:
        caller = type(self).__name__
        check_number("smoothing_seconds", smoothing_seconds, above=0, maximum=60, caller=caller)
        check_number("gain", gain, minimum=0, maximum=1, caller=caller)
        check_number("bias", bias, minimum=0, caller=caller)
        check_number("power", power, above=0, maximum=1, caller=caller)
        check_number("floor_db", floor_db, minimum=-300, maximum=100, caller=caller)
        self._smoothing_seconds = float(smoothing_seconds)
        super().__init__(
            sample_rate=sample_rate,
            window_seconds=window_seconds,
            hop_seconds=hop_seconds,
            n_bands=n_bands,
            low_hz=low_hz,
            high_hz=high_hz,
            mel_scale=mel_scale,
            fft_length=fft_length,
        )
        self.gain, self.bias, self.power, self.floor_db = float(gain), float(bias), float(power), float(floor_db)
        self.out_channels = self.n_bands

    @property
    def keeps(self) -> float:
        """What the mean keeps of itself from one frame to the next."""
        return math.exp(-self.frame_seconds / self._smoothing_seconds)

    def _tables(self) -> Mapping[str, Float64Array]:
        ages = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)
        products = np.where(ages >= 0, (1 - self.keeps) * self.keeps ** np.maximum(ages, 0), 0.0)
        decay = self.keeps ** np.arange(1.0, _BLOCK + 1)[:, None]
        return {**super()._tables(), "products": products, "decay": decay}

    def begin_stream(self) -> None:
        """Forget, and keep from now on what later calls look back at."""
        super().begin_stream()
        self._mean, self._n_frames = None, 0

    def end_stream(self) -> None:
        """Read records whole again."""
        super().end_stream()
        self._mean, self._n_frames = None, 0

    def finish(self, energies: Tensor) -> Tensor:
        """Normalize and compress."""
        levelled = energies * (self._smooth(energies) + 10.0 ** (self.floor_db / 10)) ** -self.gain
        compressed: Tensor = (levelled + self.bias) ** self.power - self.bias**self.power
        return compressed

    def _smooth(self, energies: Tensor) -> Tensor:
        """Return the mean of the frames until each, later ones counting more: ``(recordings, frames, bands)``."""
        n_frames = energies.shape[1]
        counts = torch.arange(1, n_frames + 1, device=energies.device, dtype=energies.dtype)
        # Of 1 - keeps ** count the small ones keep their digits this way.
        whole = -torch.expm1((counts + self._n_frames) * math.log(self.keeps))
        if torch.compiler.is_compiling():
            return self._convolve_frames(energies) / whole[:, None]
        mean = self._mean
        blocks = []
        for block in torch.split(energies, _BLOCK, 1):
            size = block.shape[1]
            smoothed = self.products[:size, :size] @ block
            if mean is not None:
                smoothed = smoothed + self.decay[:size] * mean
            mean = smoothed[:, -1:]
            blocks.append(smoothed)
        if self.reads_stream:
            self._mean, self._n_frames = mean, self._n_frames + n_frames
        return torch.cat(blocks, 1) / whole[:, None]

    def _convolve_frames(self, energies: Tensor) -> Tensor:
        """Smooth by a convolution with a fixed kernel, as an exported program does."""
        n_taps = math.ceil(math.log(_FORGOTTEN) / math.log(self.keeps))
        taps = (1 - self.keeps) * self.keeps ** np.arange(n_taps - 1.0, -1, -1)
        kernel = as_tensor(taps, energies.dtype).to(energies.device)[None, None]
        n_recordings, n_frames, n_bands = energies.shape
        rows = energies.transpose(1, 2).reshape(n_recordings * n_bands, 1, n_frames)
        smoothed = F.conv1d(F.pad(rows, (n_taps - 1, 0)), kernel)
        return smoothed.reshape(n_recordings, n_bands, n_frames).transpose(1, 2)
