"""Mel-frequency cepstral coefficients: the shape of the spectrum, its fine structure apart.

Davis and Mermelstein (1980), "Comparison of parametric representations for monosyllabic word recognition in
continuously spoken sentences".
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from seqcnn._checks import check_integer
from seqcnn._types import AnyArray, Float64Array
from seqcnn.front_ends.log_mel import LogMel
from seqcnn.front_ends.mel import MelScale
from seqcnn.layers.readers import multiply


class MFCC(LogMel):
    """The cosine transform (DCT-II, orthonormal) of mel bands in decibels.

    The numbers are those of torchaudio's ``MFCC`` over the bands of :class:`LogMel`, but that ``floor_db`` takes the
    place of a floor 80 dB below the loudest band of a batch, which would look ahead and depend on other recordings.
    (``top_db=80`` sets it below the loudest of each recording.)

    Parameters
    ----------
    n_coefficients
        The first so many are kept; None keeps as many as there are bands, and nothing is lost.
    sample_rate, window_seconds, hop_seconds, n_bands, low_hz, high_hz, mel_scale, fft_length, floor_db, top_db
        As :class:`LogMel` takes them.

    Raises
    ------
    TypeError, ValueError
        If a parameter is off.

    Examples
    --------
    >>> import torch
    >>> MFCC(n_coefficients=13)(torch.zeros(1, 1, 16000)).shape
    torch.Size([1, 13, 100])
    """

    transform: Tensor

    def __init__(
        self,
        *,
        sample_rate: float = 16000,
        n_coefficients: int | None = None,
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
        caller = type(self).__name__
        check_integer("n_coefficients", n_coefficients, minimum=1, or_none=True, caller=caller)
        check_integer("n_bands", n_bands, minimum=1, caller=caller)
        if n_coefficients is None:
            n_coefficients = n_bands
        if n_coefficients > n_bands:
            raise ValueError(
                f"The 'n_coefficients' parameter of {caller} must be at most {n_bands}, its n_bands. Received: "
                f"{n_coefficients}. Pass n_coefficients={n_bands} or less, or more bands."
            )
        self._n_coefficients = int(n_coefficients)
        super().__init__(
            sample_rate=sample_rate,
            window_seconds=window_seconds,
            hop_seconds=hop_seconds,
            n_bands=n_bands,
            low_hz=low_hz,
            high_hz=high_hz,
            mel_scale=mel_scale,
            fft_length=fft_length,
            floor_db=floor_db,
            top_db=top_db,
        )
        self.out_channels = self._n_coefficients

    def _tables(self) -> Mapping[str, Float64Array]:
        bands, coefficients = np.arange(self.n_bands)[:, None], np.arange(self._n_coefficients)
        waves = np.cos(np.pi / self.n_bands * (bands + 0.5) * coefficients) * np.sqrt(2 / self.n_bands)
        waves[:, 0] /= np.sqrt(2)
        return {**super()._tables(), "transform": waves}

    def finish(self, energies: Tensor) -> Tensor:
        """Return the coefficients."""
        return super().finish(energies) @ self.transform

    def finish_piece(self, energies: AnyArray) -> AnyArray:
        """Return the coefficients of a little piece."""
        return multiply(super().finish_piece(energies), self.transform.numpy())
