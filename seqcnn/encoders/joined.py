"""Several encoders of fixed kernels as one: what they make of a record stands side by side, behind it one head."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from seqcnn._checks import join_words
from seqcnn.encoders.features import FeatureEncoder, Scaling


class Joined(FeatureEncoder):
    """Gives the features of several encoders of fixed kernels, side by side in their order.

    One linear head then weighs all features against each other, those of each part scaled as the part asks for, as
    Hydra's authors join it to MultiRocket (Dempster, Schmidt and Webb 2023, arXiv 2203.13652).

    Parameters
    ----------
    encoders
        :class:`seqcnn.encoders.FeatureEncoder` that read the same channels, in an ``nn.ModuleList``; at least one.

    Raises
    ------
    TypeError
        If there is something else than a :class:`FeatureEncoder` among them.
    ValueError
        If there are none, or they read unequal numbers of channels.

    Notes
    -----
    Shape: ``(batch, in_channels, time)`` to ``(batch, n_features)``, the sum of the parts'.

    Examples
    --------
    >>> from seqcnn.encoders import Hydra, MultiRocket
    >>> encoder = Joined(nn.ModuleList([MultiRocket(1, n_features=672), Hydra(1, n_groups=2)]))
    >>> x = torch.randn(5, 1, 50)
    >>> encoder.prepare(x)
    >>> encoder(x).shape, encoder.scalings
    (torch.Size([5, 768]), ((672, 'deviation'), (96, 'root')))
    """

    def __init__(self, encoders: nn.ModuleList) -> None:
        super().__init__()
        for encoder in encoders:
            if not isinstance(encoder, FeatureEncoder):
                raise TypeError(
                    f"The 'encoders' of Joined must be encoders of fixed kernels. Received: {type(encoder).__name__}. "
                    f"Pass such as MultiRocket(1) and Hydra(1), in an nn.ModuleList."
                )
        channels = [cast("FeatureEncoder", encoder).in_channels for encoder in encoders]
        if len(set(channels)) != 1:
            shown = f"encoders of {join_words(channels)} channels" if channels else "none"
            raise ValueError(
                f"The 'encoders' of Joined must be at least one, and all must read the same channels. Received: "
                f"{shown}. Build each with the same in_channels."
            )
        self.encoders = encoders
        self.in_channels = channels[0]
        self.minimum_length = max(part.minimum_length for part in self.parts)

    @property
    def parts(self) -> list[FeatureEncoder]:
        """The encoders, in order."""
        return [cast("FeatureEncoder", encoder) for encoder in self.encoders]

    @property
    def n_features(self) -> int:
        """Numbers out."""
        return sum(part.n_features for part in self.parts)

    @property
    def scalings(self) -> tuple[tuple[int, Scaling], ...]:
        """How many features are scaled in which way, part by part."""
        return tuple(scaling for part in self.parts for scaling in part.scalings)

    @property
    def is_prepared(self) -> bool:
        """Whether every part has taken its parameters from data, or from a state dict."""
        return all(part.is_prepared for part in self.parts)

    def _learn(self, x: Tensor, lengths: Tensor, seed: int) -> None:
        for part in self.parts:
            part.prepare(x, lengths, seed=seed)

    def _encode(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        return torch.cat([part(x, lengths) for part in self.parts], 1)

    def _trace(self, x: Tensor) -> Tensor:
        return torch.cat([part._trace(x) for part in self.parts], 1)

    def _records_at_once(self, x: Tensor) -> int:
        # Each part cuts a batch by itself.
        return len(x)
