"""A head of decision trees, as tensors: what was grown elsewhere is part of the network."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from seqcnn.encoders.features import GrowingBuffers
from seqcnn.heads import Head

Means = Literal["probabilities", "labels", "values"]
"""What the leaves hold: probabilities of classes of which a record has one, of labels of which it has any number, or
values in units of the targets' deviation."""

_DOUBT = 0.1
"""What every class has beside its share of the trees, so that what none of them says is unlikely and not impossible.

Of .005 to .4, it gave the best probabilities for records left out of the training parts of twelve UCR sets."""
_AT_A_TIME = 2**21
"""Answers of single trees that are held at a time."""


class Trees(NamedTuple):
    """Decision trees, their nodes one behind the other.

    Attributes
    ----------
    roots
        ``(n_trees,)``: where each tree begins.
    feature, threshold
        ``(n_nodes,)``: at a node, a record whose feature is larger than the threshold goes right; at a leaf, none does:
        its threshold is infinite.
    child
        ``(n_nodes,)``: the left child, behind which the right one stands; both stand behind their parent. A leaf is its
        own.
    answer
        ``(n_nodes,)``: the row of ``values`` that a leaf answers with.
    values
        ``(n_answers, n_outputs)``.
    """

    roots: Tensor
    feature: Tensor
    threshold: Tensor
    child: Tensor
    answer: Tensor
    values: Tensor


class ForestHead(GrowingBuffers, Head):
    """The mean of what many trees answer, as scores.

    Of classes, scores are logarithms of the shares of trees, of labels, log odds. Before the logarithm is taken, every
    class is given a little share beside, so that what no tree says is unlikely and not impossible. A factor and an
    offset then make them mean chances: a softmax gives probabilities.

    NOTE No gradient passes through it: a step to the left or right has none.

    Shape: ``(batch, in_features)`` to ``(batch, n_outputs)``.

    Parameters
    ----------
    in_features
        Features in front of it.
    n_outputs
        Classes, labels or targets.
    means
        What they are: "probabilities" of classes, of "labels", or "values".
    center, scale
        ``(n_outputs,)`` mean and deviation of the targets; None leaves the output as it is (class scores).

    Examples
    --------
    One tree that asks whether the first feature is above 0.5:

    >>> head = ForestHead(2, 2, means="probabilities")
    >>> feature, threshold = torch.tensor([0, 0, 0]), torch.tensor([0.5, torch.inf, torch.inf])
    >>> child, answer = torch.tensor([1, 1, 2]), torch.tensor([0, 0, 1])
    >>> head.plant(Trees(torch.tensor([0]), feature, threshold, child, answer, torch.eye(2)))
    >>> head(torch.tensor([[0.2, 9.0], [0.7, 9.0]])).argmax(1).tolist()
    [0, 1]
    """

    roots: Tensor
    feature: Tensor
    threshold: Tensor
    child: Tensor
    answer: Tensor
    values: Tensor
    factor: Tensor
    offset: Tensor

    def __init__(
        self,
        in_features: int,
        n_outputs: int,
        *,
        means: Means,
        center: Tensor | None = None,
        scale: Tensor | None = None,
    ) -> None:
        super().__init__(in_features, n_outputs, center, scale)
        self.means = means
        for name in ("roots", "feature", "child", "answer"):
            self.register_buffer(name, torch.zeros(0, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(0))
        self.register_buffer("values", torch.zeros(0, n_outputs))
        self.register_buffer("factor", torch.ones(n_outputs))
        self.register_buffer("offset", torch.zeros(n_outputs))
        self._depth = 0

    def plant(self, trees: Trees) -> None:
        """Take these trees, in place of those before.

        Raises
        ------
        ValueError
            If they do not fit each other or the head.
        """
        for name, values in trees._asdict().items():
            setattr(self, name, values.to(getattr(self, name)))
        self._buffers_changed()

    def calibrate(self, factor: Tensor, offset: Tensor) -> None:
        """Stretch and shift scores from now on, by numbers ``()`` or ``(n_outputs,)``."""
        self.factor = factor.expand(self.n_outputs).clone().to(self.factor)
        self.offset = offset.expand(self.n_outputs).clone().to(self.offset)

    @torch.no_grad()
    def forward(self, features: Tensor) -> Tensor:
        """Map ``(batch, in_features)``."""
        if torch.compiler.is_exporting():
            answers = self._ask(features).mean(1)
        else:
            step = max(1, _AT_A_TIME // (len(self.roots) * max(8, self.n_outputs)))
            answers = torch.cat([self._ask(part).mean(1) for part in torch.split(features, step)])
        return self.in_units(self.score(answers))

    @torch.no_grad()
    def ask_each(self, features: Tensor, n_parts: int) -> Tensor:
        """Return what parts of the trees, of one size, answer on average, ``(batch, n_parts, n_outputs)``."""
        step = max(1, _AT_A_TIME // (len(self.roots) * max(8, self.n_outputs)))
        parts = [
            self._ask(part).reshape(len(part), n_parts, -1, self.n_outputs).mean(2)
            for part in torch.split(features, step)
        ]
        return torch.cat(parts)

    def score(self, answers: Tensor) -> Tensor:
        """Turn mean answers, ``(batch, n_outputs)``, into scores before :meth:`in_units`."""
        if self.means == "values":
            return answers
        n_ways = self.n_outputs if self.means == "probabilities" else 2
        chances = (answers + _DOUBT) / (1 + _DOUBT * n_ways)
        scores = chances.log() if self.means == "probabilities" else chances.logit()
        return scores * self.factor + self.offset

    def _ask(self, features: Tensor) -> Tensor:
        """Return the answer of each tree, ``(batch, n_trees, n_outputs)``."""
        # As the trees were grown: in single precision, in which thresholds have been rounded.
        features = features.float()
        node = self.roots.long()[None].expand(features.shape[0], -1)
        for _ in range(self._depth):
            right = features.gather(1, self.feature[node].long()) > self.threshold[node]
            node = self.child[node].long() + right.long()
        return self.values[self.answer[node].long()]

    def _buffers_changed(self) -> None:
        self._check_trees()
        self._depth, nodes = 0, self.roots.long()
        while True:
            left = self.child[nodes].long()
            left = torch.unique(left[left != nodes])
            if not len(left):
                return
            self._depth, nodes = self._depth + 1, torch.cat([left, left + 1])

    def _check_trees(self) -> None:
        n_nodes = len(self.child)
        own = torch.arange(n_nodes, device=self.child.device)
        inner = self.child != own
        fits = (
            len(self.feature) == len(self.threshold) == len(self.answer) == n_nodes
            and _all_within(self.roots, n_nodes)
            and _all_within(self.feature, self.in_features)
            and _all_within(self.answer, len(self.values))
            and bool((self.child >= own).all())
            and _all_within(self.child[inner], n_nodes - 1)
            # A leaf that sent a record on would send it into the next tree.
            and bool(self.threshold[~inner].eq(torch.inf).all())
        )
        if not fits:
            raise ValueError("the trees of a ForestHead do not fit together")


def _all_within(places: Tensor, n: int) -> bool:
    return not len(places) or bool(((places >= 0) & (places < n)).all())
