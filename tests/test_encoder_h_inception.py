"""H-Inception: what makes it different from the other encoders, whose contract is in test_encoders.py."""

from __future__ import annotations

import pytest
import torch

from seqcnn.cost import count_multiply_accumulates
from seqcnn.encoders import HInception, Inception
from seqcnn.encoders.lite import HandcraftedFilters


def test_what_stands_beside_the_learned_filters_are_the_handcrafted_ones() -> None:
    encoder = HInception(2, width=4, depth=1).eval()
    x = torch.randn(3, 2, 60, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        encoded = encoder(x)
        assert encoded.shape == (3, 4 * 4 + 17 * 2, 60)
        torch.testing.assert_close(encoded[:, 16:], encoder.first.normalization(HandcraftedFilters()(x)).relu())
        torch.testing.assert_close(encoded[:, :16], encoder.first.learned(x))


def test_steps_are_pooled_behind_the_first_module_by_their_maximum() -> None:
    whole, pooled = HInception(1, width=4, depth=1).eval(), HInception(1, width=4, depth=1, stride=3).eval()
    pooled.load_state_dict(whole.state_dict())
    x = torch.randn(2, 1, 40, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        steps = whole(x)
        expected = torch.stack([steps[..., i : i + 3].amax(2) for i in range(0, 40, 3)], 2)
        torch.testing.assert_close(pooled(x), expected)


@pytest.mark.parametrize(("depth", "n_behind"), [(1, 0), (2, 1), (4, 3)])
def test_depth_counts_all_modules_and_the_shortcut_goes_around_those_behind_the_first(
    depth: int, n_behind: int
) -> None:
    encoder = HInception(1, width=4, depth=depth)
    assert len(encoder.inception_modules) == n_behind
    assert (encoder.shortcut is None) == (n_behind == 0)


def test_it_costs_a_fraction_of_an_inception_network_and_pooling_takes_most_of_the_rest() -> None:
    def cost(encoder: HInception | Inception) -> int:
        return count_multiply_accumulates(encoder, 256)

    assert cost(HInception(1)) < cost(Inception(1)) / 5
    assert cost(HInception(1, stride=4)) < cost(HInception(1)) / 2
