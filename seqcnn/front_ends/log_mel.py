"""Mel bands in decibels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqcnn._checks import check_number
from seqcnn._types import AnyArray
from seqcnn.front_ends.base import FrontEnd
from seqcnn.front_ends.mel import MelScale


class LogMel(FrontEnd):
    """The energy in each mel band, in decibels.

    The numbers are those of torchaudio's ``MelSpectrogram(n_fft=window, hop_length=hop)`` and
    ``AmplitudeToDB(top_db=None)``, of a recording with ``window - hop`` zeros in front, for ``floor_db=-100``. (At odd
    sample rates and for spectra of an odd number of samples, torchaudio lays the bins a little off their frequencies.)

    Parameters
    ----------
    sample_rate, window_seconds, hop_seconds, n_bands, low_hz, high_hz, mel_scale, fft_length
        As :class:`~seqcnn.front_ends.base.FrontEnd` takes them.
    floor_db
        The least level: silence has none of its own. Samples of 16 bits do not reach far below -80 dB.
    top_db
        How far below a recording's loudest level, over all its channels, its least may be; what is quieter is raised to
        it, as torchaudio's ``AmplitudeToDB(top_db=...)`` does. What is left is the same in any room that is quieter
        than that, and by any microphone. 40 suits short words by few speakers. It takes the whole recording, or the
        whole window of a longer one, so that no stream can be read. None raises nothing.

    Raises
    ------
    TypeError, ValueError
        If a parameter is off: frequencies above half the sample rate, more bands than the spectrum resolves.

    Examples
    --------
    >>> front_end = LogMel(sample_rate=8000)
    >>> front_end(torch.zeros(2, 1, 8000)).shape, front_end.stride
    (torch.Size([2, 40, 100]), 80)
    >>> bands = LogMel(top_db=40)(torch.sin(torch.arange(16000.0) ** 1.5 / 1000)[None, None])
    >>> round(float(bands.max() - bands.min()), 2)
    40.0
    """

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
        floor_db: float = -80.0,
        top_db: float | None = None,
    ) -> None:
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
        check_number("floor_db", floor_db, minimum=-300, maximum=100, caller=type(self).__name__)
        check_number("top_db", top_db, above=0, or_none=True, caller=type(self).__name__)
        self.floor_db, self.top_db = float(floor_db), None if top_db is None else float(top_db)
        self.whole_record = top_db is not None
        self.out_channels = self.n_bands

    def compare(self, energies: Tensor, mask: Tensor | None) -> Tensor:
        """Raise what is quiet beside the recording's loudest."""
        assert self.top_db is not None
        heard = energies if mask is None else torch.where(mask[..., None], energies, 0.0)
        return torch.maximum(energies, heard.amax((1, 2, 3), keepdim=True) * 10.0 ** (-self.top_db / 10))

    def finish(self, energies: Tensor) -> Tensor:
        """Return levels in decibels."""
        least = 10.0 ** (self.floor_db / 10)
        if energies.requires_grad or torch.compiler.is_compiling():
            return 10.0 * energies.clamp(min=least).log10()
        return energies.clamp_(min=least).log10_().mul_(10.0)

    def finish_piece(self, energies: AnyArray) -> AnyArray:
        """Return levels of a little piece."""
        levels = np.log10(np.maximum(energies, 10.0 ** (self.floor_db / 10), out=energies), out=energies)
        return np.multiply(levels, 10.0, out=levels)  # type: ignore[no-any-return]
