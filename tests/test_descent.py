"""What the optimizer remembers: two trainings with it are one training."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from seqcnn import descent as descent_module
from seqcnn.descent import descend


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))


@pytest.mark.parametrize("flat", [True, False])
def test_handed_on_moments_give_the_bits_of_an_unbroken_training(flat, monkeypatch):
    if not flat:  # as on a GPU
        monkeypatch.setattr(descent_module, "flatten_parameters", nullcontext)

    def run(module, breaks):
        moments = ()
        done = 0
        for n in breaks:
            with descend(module, weight_decay=0.1, max_gradient_norm=5.0, moments=moments) as descent:
                for step in range(done, done + n):
                    x = torch.linspace(-1, 1, 12).reshape(4, 3) + step
                    descent.step(module(x).square().mean(), 0.01)
                moments = descent.moments()
            done += n
        return module

    whole, parts = run(network(), [6]), run(network(), [2, 1, 3])
    for ours, theirs in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_nothing_is_remembered_before_the_first_step():
    with descend(network(), weight_decay=0.0, max_gradient_norm=5.0) as descent:
        assert descent.moments() == []
