"""Mixed styles, for training: a network must not lean on the voice and the microphone that a record was made with.

Zhou, Yang, Qiao and Xiang (2021), "Domain generalization with MixStyle", ICLR, arXiv 2104.02008.

NOTE difference from the paper: it mixes features between the blocks of a network for pictures; here the bands in front
of the network are mixed, whose means and deviations over time are what voice and microphone leave in all of a record.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seqcnn._checks import check_number
from seqcnn.layers.masking import hide_padding, length_mask
from seqcnn.rebuilding import Rebuildable


class MixStyle(Rebuildable):
    """Moves each band's mean and deviation over time towards those of another record of the batch.

    It does so whenever it is called; a network calls it in training. Chance comes from torch's global generator.

    Shape: ``(batch, bands, frames)`` to the same.

    Parameters
    ----------
    share
        The share of records that are changed.
    concentration
        Of the Beta distribution that the own style's weight is drawn from; small values leave either style nearly
        whole (0.1 in the paper).

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> bands = torch.randn(4, 8, 50)
    >>> MixStyle(share=0.0)(bands).equal(bands), MixStyle(share=1.0)(bands).shape
    (True, torch.Size([4, 8, 50]))
    """

    def __init__(self, *, share: float = 0.5, concentration: float = 0.3) -> None:
        super().__init__()
        caller = type(self).__name__
        check_number("share", share, minimum=0, maximum=1, caller=caller)
        check_number("concentration", concentration, above=0, caller=caller)
        self.share, self.concentration = float(share), float(concentration)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Mix ``(batch, bands, frames)``; ``lengths`` are the frames of each record, None says that nothing is padded.

        Statistics are those of the real frames, and padding stays zero.
        """
        n_records = len(x)
        mask = None if lengths is None else length_mask(lengths, x.shape[2])
        count = x.shape[2] if lengths is None else lengths[:, None, None]
        mean = hide_padding(x, mask).sum(2, keepdim=True) / count
        centred = hide_padding(x - mean, mask)
        # A band that does not move in a record has no style to give or to lose.
        deviation = (centred.square().sum(2, keepdim=True) / count + 1e-4).sqrt()
        other = torch.randperm(n_records, device=x.device)
        weights = torch.full((n_records,), self.concentration, dtype=x.dtype, device=x.device)
        own = torch.distributions.Beta(weights, weights).sample()
        changed = torch.rand(n_records, device=x.device) < self.share
        own = torch.where(changed, own, 1.0)[:, None, None]
        styled = centred / deviation * (own * deviation + (1 - own) * deviation[other])
        styled = hide_padding(styled + own * mean + (1 - own) * mean[other], mask)
        return torch.where(changed[:, None, None], styled, x)

    def extra_repr(self) -> str:
        """Show the settings in the network's printout."""
        return f"share={self.share}, concentration={self.concentration}"
