"""Masks over bands, for training: a network must not lean on one moment or one band.

Park et al. (2019), "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech.

NOTE differences from the paper: no time warping, of which it says that it brings little. Masks over time are limited to
a share of each record's own frames, as in the paper, and masks over bands to the same share of the bands.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqcnn._checks import check_integer, check_number
from seqcnn.rebuilding import Rebuildable


class SpecAugment(Rebuildable):
    """Sets random stretches of time and random bands of each record to zero, the mean of normalized bands.

    It does so whenever it is called; a network calls it in training. Chance comes from torch's global generator.

    Shape: ``(batch, bands, frames)`` to the same.

    Parameters
    ----------
    time_seconds
        The longest stretch of time that is masked; how long it is, is drawn evenly from none to that.
    n_time_masks
        Such stretches in a record; they may overlap.
    bands
        The most neighbouring bands that are masked.
    n_band_masks
        Such groups of bands.
    largest_share
        No mask is longer than this share of a record's frames, or of the bands.
    frame_seconds
        From one frame to the next.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> masked = SpecAugment(bands=2)(torch.ones(1, 8, 50))
    >>> bool((masked == 0).any()), bool((masked == 1).any())
    (True, True)
    """

    def __init__(
        self,
        *,
        time_seconds: float = 0.25,
        n_time_masks: int = 2,
        bands: int = 8,
        n_band_masks: int = 2,
        largest_share: float = 0.2,
        frame_seconds: float = 0.01,
    ) -> None:
        super().__init__()
        caller = type(self).__name__
        check_number("time_seconds", time_seconds, minimum=0, caller=caller)
        check_integer("n_time_masks", n_time_masks, minimum=0, caller=caller)
        check_integer("bands", bands, minimum=0, caller=caller)
        check_integer("n_band_masks", n_band_masks, minimum=0, caller=caller)
        check_number("largest_share", largest_share, minimum=0, maximum=1, caller=caller)
        check_number("frame_seconds", frame_seconds, above=0, caller=caller)
        self.frames, self.n_time_masks = round(time_seconds / frame_seconds), int(n_time_masks)
        self.bands, self.n_band_masks = int(bands), int(n_band_masks)
        self.largest_share = float(largest_share)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mask ``(batch, bands, frames)``; ``lengths`` are the frames of each record, None says that nothing is padded.

        No mask begins or ends in the padding, so that short records are masked as much as long ones.
        """
        batch, n_bands, n_frames = x.shape
        if lengths is None:
            lengths = torch.full((batch,), n_frames, device=x.device)
        widest = torch.full((batch,), n_bands, device=x.device)
        in_time = self._draw(lengths, n_frames, self.frames, self.n_time_masks)
        in_bands = self._draw(widest, n_bands, self.bands, self.n_band_masks)
        return x.masked_fill(in_time[:, None, :] | in_bands[:, :, None], 0.0)

    def _draw(self, lengths: Tensor, size: int, longest: int, n_masks: int) -> Tensor:
        """Return True where something is masked, ``(batch, size)``."""
        most = (lengths * self.largest_share).floor().clamp(max=longest)[:, None]
        chance = torch.rand(2, len(lengths), n_masks, device=lengths.device)
        widths = (chance[0] * (most + 1)).floor()
        starts = (chance[1] * (lengths[:, None] - widths + 1)).floor()
        steps = torch.arange(size, device=lengths.device)
        covered = (steps >= starts[..., None]) & (steps < (starts + widths)[..., None])
        return covered.any(1)

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        return f"{self.n_time_masks} of {self.frames} frames, {self.n_band_masks} of {self.bands} bands"
