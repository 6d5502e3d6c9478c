"""Descent: AdamW steps on a network's parameters, and what the optimizer remembers from one training to the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqcnn.flat_parameters import flatten_parameters


class Moments(NamedTuple):
    """What AdamW remembers of a group of parameters, laid end to end on the CPU, whatever the device they are on.

    Attributes
    ----------
    steps
        How many there were.
    first, second
        Running means of the gradient and of its square, ``(n_numbers,)``.
    """

    steps: float
    first: Tensor
    second: Tensor


class Descent:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101); gradients clipped (Pascanu et al. 2013, arXiv 1211.5063).

    Parameters
    ----------
    groups
        Parameters with the same weight decay and type.
    decays
        The decay of each group.
    max_gradient_norm
        Longer gradients are shortened to this.
    fused
        Whether torch computes a step in one call.
    """

    def __init__(
        self, groups: list[list[nn.Parameter]], decays: list[float], *, max_gradient_norm: float, fused: bool
    ) -> None:
        self._groups = groups
        self._parameters = [parameter for group in groups for parameter in group]
        self._max_gradient_norm = max_gradient_norm
        self._optimizer = torch.optim.AdamW(
            [{"params": group, "weight_decay": decay} for group, decay in zip(groups, decays, strict=True)],
            fused=fused,
        )

    def step(self, loss: Tensor, rate: float) -> None:
        """Take a step against the gradient of a loss, at a learning rate."""
        for parameter in self._parameters:
            if parameter.grad is not None:
                parameter.grad.zero_()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._parameters, self._max_gradient_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._optimizer.step()

    def moments(self) -> list[Moments]:
        """Return what the optimizer remembers of each group; nothing before the first step."""
        state = self._optimizer.state
        if not state:
            return []
        remembered = []
        for group in self._groups:
            # A parameter that had no part in the loss has no state on a device without flat parameters.
            known = [state.get(parameter, {}) for parameter in group]
            first, second = (
                torch.cat(
                    [
                        each.get(name, torch.zeros_like(parameter)).detach().flatten().cpu()
                        for each, parameter in zip(known, group, strict=True)
                    ]
                )
                for name in ("exp_avg", "exp_avg_sq")
            )
            remembered.append(Moments(max(float(each.get("step", 0.0)) for each in known), first, second))
        return remembered

    def remember(self, moments: Sequence[Moments]) -> None:
        """Go on from what :meth:`moments` gave for the same network."""
        for group, (steps, first, second) in zip(self._groups, moments, strict=True):
            sizes = [parameter.numel() for parameter in group]
            pieces = zip(group, torch.split(first, sizes), torch.split(second, sizes), strict=True)
            for parameter, own_first, own_second in pieces:
                self._optimizer.state[parameter] = {
                    "step": torch.tensor(steps, dtype=torch.float32, device=parameter.device),
                    "exp_avg": own_first.to(parameter).view_as(parameter).clone(),
                    "exp_avg_sq": own_second.to(parameter).view_as(parameter).clone(),
                }


@contextmanager
def descend(
    network: nn.Module,
    *,
    weight_decay: float,
    max_gradient_norm: float,
    moments: Sequence[Moments] = (),
) -> Iterator[Descent]:
    """Yield the descent on a network's trainable parameters, which lie side by side inside the block.

    Parameters
    ----------
    network
        Kernels decay, biases and normalization do not.
    weight_decay, max_gradient_norm
        As in :class:`seqcnn.training.TrainingSettings`.
    moments
        What an earlier descent on this network remembers; none starts anew.

    Examples
    --------
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> nn.init.zeros_(layer.weight).tolist()
    [[0.0, 0.0]]
    >>> with descend(layer, weight_decay=0.0, max_gradient_norm=5.0) as descent:
    ...     descent.step(-layer(torch.ones(1, 2)).sum(), rate=0.5)
    ...     moments = descent.moments()
    >>> layer.weight.detach().round(decimals=3).tolist(), moments[0].steps
    ([[0.5, 0.5]], 1.0)
    """
    groups: dict[tuple[bool, torch.dtype], list[nn.Parameter]] = defaultdict(list)
    for parameter in network.parameters():
        if parameter.requires_grad:
            groups[parameter.ndim > 1, parameter.dtype].append(parameter)
    device = next(network.parameters()).device
    # Elsewhere some modules (recurrent ones) keep their weights together in a way of their own.
    arrange = flatten_parameters if device.type == "cpu" else nullcontext
    with arrange(list(groups.values())) as arranged:
        descent = Descent(
            arranged,
            [weight_decay if is_kernel else 0.0 for is_kernel, _ in groups],
            max_gradient_norm=max_gradient_norm,
            fused=device.type in ("cpu", "cuda"),
        )
        if moments:
            descent.remember(moments)
        yield descent
