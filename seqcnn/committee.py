"""A committee: networks that were fitted to the same records, and answer together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from seqcnn.network import Network
from seqcnn.rebuilding import Rebuildable

Blend: TypeAlias = Literal["probabilities", "labels", "values"]
"""What is averaged: probabilities of classes, of labels each by itself, or numbers."""


class Committee(Rebuildable):
    """Raw input to scores, as a :class:`seqcnn.network.Network` does, by the weighted mean of what its members say.

    Members say probabilities, so the scores are the logarithms of the mean probabilities: a softmax gives these back.
    For labels of which a record has any number they are the logits of the means, and for numbers the means themselves.

    Shape: ``(batch, channels, time)`` to ``(batch, n_outputs)``.

    Parameters
    ----------
    members
        Networks of the same input and outputs.
    weights
        ``(n_members,)``, positive; only their ratios count.
    blend
        What is averaged.
    sharpness
        What the scores of classes and labels are multiplied by: a mean of probabilities, each calibrated, is less sure
        than it could be.

    Examples
    --------
    >>> from seqcnn.encoders import FCN
    >>> from seqcnn.heads import LinearHead
    >>> from seqcnn.layers.pooling import BinPool1d
    >>> from seqcnn.stems import PassThrough
    >>> members = [Network(PassThrough(1), FCN(1), BinPool1d("mean"), LinearHead(128, 2)) for _ in range(2)]
    >>> committee = Committee(nn.ModuleList(members), torch.tensor([3.0, 1.0]), "probabilities").eval()
    >>> committee.weights.tolist(), committee(torch.zeros(5, 1, 50)).shape
    ([0.75, 0.25], torch.Size([5, 2]))
    """

    weights: Tensor
    sharpness: Tensor

    def __init__(self, members: nn.ModuleList, weights: Tensor, blend: Blend, sharpness: Tensor | None = None) -> None:
        super().__init__()
        assert len(members) == len(weights) > 0
        self.members = members
        self.blend: Blend = blend
        self.register_buffer("weights", weights / weights.sum())
        self.register_buffer("sharpness", torch.ones(()) if sharpness is None else sharpness)

    def __iter__(self) -> Iterator[Network]:
        return (cast("Network", member) for member in self.members)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def n_outputs(self) -> int:
        """Columns of the scores."""
        return next(iter(self)).n_outputs

    @property
    def n_features(self) -> int:
        """Features in front of the heads of all members together."""
        return sum(member.n_features for member in self)

    @property
    def minimum_length(self) -> int:
        """Time steps that a batch must have."""
        return max(member.minimum_length for member in self)

    @property
    def shortest_record(self) -> int:
        """Time steps that a record must have."""
        return max(member.shortest_record for member in self)

    @property
    def knows_past(self) -> bool:
        """False: some members read a record as a whole."""
        return False

    def combine(self, scores: Sequence[Tensor]) -> Tensor:
        """Return the scores of the committee, given those of its members, ``(batch, n_outputs)`` each."""
        return blend(scores, self.weights, self.blend, self.sharpness)

    def embed(self, x: Tensor, lengths: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the features of all members side by side, ``(batch, n_features)``; parameters as in `forward`."""
        return torch.cat([member.embed(x, lengths, static) for member in self], 1)

    def forward(self, x: Tensor, lengths: Tensor | None = None, static: Tensor | None = None) -> Tensor:
        """Return the scores, ``(batch, n_outputs)``.

        Parameters
        ----------
        x
            The input, zero behind each record's length.
        lengths
            Time steps of each record, ``(batch,)``; None says that nothing is padded.
        static
            The numbers beside each record, ``(batch, n_columns)``; None where the members were built without.
        """
        return self.combine([member(x, lengths, static) for member in self])


def blend(scores: Sequence[Tensor], weights: Tensor, kind: Blend, sharpness: Tensor | float = 1.0) -> Tensor:
    """Return the scores of a committee, given those of its members.

    Parameters
    ----------
    scores
        ``(batch, n_outputs)`` of each member.
    weights
        ``(n_members,)``, with a sum of one.
    kind
        What is averaged.
    sharpness
        As in :class:`Committee`.

    Examples
    --------
    >>> says = [torch.tensor([[0.0, 0.0]]), torch.tensor([[9.0, -9.0]])]
    >>> blend(says, torch.tensor([0.5, 0.5]), "probabilities").exp()
    tensor([[0.7500, 0.2500]])
    """
    stacked = torch.stack(list(scores))
    weights = weights.to(stacked)[:, None, None]
    if kind == "values":
        return (weights * stacked).sum(0)
    if kind == "labels":
        yes, no = ((weights.log() + part).logsumexp(0) for part in (_log_sigmoid(stacked), _log_sigmoid(-stacked)))
        return (yes - no) * sharpness
    return (weights.log() + stacked.log_softmax(2)).logsumexp(0) * sharpness


def _log_sigmoid(scores: Tensor) -> Tensor:
    return nn.functional.logsigmoid(scores)
