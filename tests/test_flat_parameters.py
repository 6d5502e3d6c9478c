"""Parameters side by side in memory, and back."""

import copy
import pickle

import pytest
import torch
from torch import nn

from seqcnn.flat_parameters import flatten_parameters


def train(network, groups, x, n_steps=5):
    optimizer = torch.optim.AdamW(
        [{"params": group, "weight_decay": decay} for group, decay in zip(groups, (0.1, 0.0), strict=True)], lr=0.01
    )
    for _ in range(n_steps):
        for group in groups:
            for parameter in group:
                if parameter.grad is not None:
                    parameter.grad.zero_()
        network(x).square().mean().backward()
        optimizer.step()


def two_groups(network):
    return [[p for p in network.parameters() if (p.ndim > 1) == is_kernel] for is_kernel in (True, False)]


def a_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def test_training_side_by_side_is_training_one_by_one():
    apart, together, x = a_network(), a_network(), torch.randn(8, 3)
    train(apart, two_groups(apart), x)
    with flatten_parameters(two_groups(together)) as groups:
        train(together, groups, x)
    for one, other in zip(apart.parameters(), together.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert not torch.equal(next(together.parameters()), next(a_network().parameters()))


def test_behind_the_block_each_parameter_lies_where_it_lay():
    network = a_network()
    weight = network[0].weight = nn.Parameter(torch.randn(3, 4).T)
    places = [(id(p), p.data_ptr(), p.stride()) for p in network.parameters()]

    def fail():
        with flatten_parameters(two_groups(network)):
            assert weight.stride() == (3, 1)
            weight.detach().fill_(7.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [(id(p), p.data_ptr(), p.stride()) for p in network.parameters()] == places
    assert (weight == 7.0).all()
    assert all(p.grad is None for p in network.parameters())


def test_inside_the_block_a_state_dict_is_copied_and_loaded_as_ever():
    network = a_network()
    before = copy.deepcopy(network.state_dict())
    with flatten_parameters(two_groups(network)) as groups:
        kept = copy.deepcopy(network.state_dict())
        train(network, groups, torch.randn(8, 3))
        assert not torch.equal(network[0].weight, before["0.weight"])
        network.load_state_dict(pickle.loads(pickle.dumps(kept)))
        assert torch.equal(groups[0][0][:12].view(4, 3), before["0.weight"])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
