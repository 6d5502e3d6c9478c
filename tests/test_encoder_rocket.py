"""MiniRocket, MultiRocket and Hydra give what aeon's implementations give, and what their papers define.

tests/fixtures/rocket_reference.npz was written by ``python benchmarks/rocket_reference.py`` in an environment with
aeon 1.6, numba 0.63 and torch 2.15: random walks, the parameters that aeon fitted to them, and its features.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from seqcnn.encoders.hydra import Hydra
from seqcnn.encoders.minirocket import MiniRocket
from seqcnn.encoders.multirocket import MultiRocket
from seqcnn.encoders.rocket_kernels import KernelBank

REFERENCE = np.load(Path(__file__).parent / "fixtures" / "rocket_reference.npz")
SEED, N_SHOWN = int(REFERENCE["seed"]), int(REFERENCE["n_shown"])
CASES = [name.removesuffix("/x") for name in REFERENCE.files if name.endswith("/x")]
MULTIROCKET_CASES = [case for case in CASES if f"{case}/multirocket/series_biases" in REFERENCE.files]


def reference(name: str) -> torch.Tensor:
    return torch.from_numpy(REFERENCE[name])


def in_aeons_order(features: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Reorder the last two axes, biases and kernels, from dilation, bias, kernel to dilation, kernel, bias."""
    return torch.cat([part.transpose(-1, -2).flatten(-2) for part in features.split(counts.tolist(), -2)], -1)


def fitted_channels(prefix: str, counts: torch.Tensor, in_channels: int) -> torch.Tensor:
    """Return which channels each of aeon's kernels adds up, ``(dilations, 84, in_channels)``."""
    members = torch.zeros(84 * len(counts), in_channels, dtype=torch.bool)
    if in_channels == 1:
        return (~members).view(len(counts), 84, 1)
    n_channels = reference(f"{prefix}n_channels").long()
    rows = torch.arange(len(members)).repeat_interleave(n_channels)
    members[rows, reference(f"{prefix}channels").long()] = True
    return members.view(len(counts), 84, in_channels)


def assert_took_aeons_parameters(bank: KernelBank, prefix: str) -> None:
    counts = reference(f"{prefix}counts").long()
    assert bank.dilations.tolist() == reference(f"{prefix}dilations").tolist()
    assert bank.counts.tolist() == counts.tolist()
    assert torch.equal(bank.channels, fitted_channels(prefix, counts, bank.in_channels))
    # Sums of float32 in another order: the walks reach some tens, so their last digit is about 4e-6.
    torch.testing.assert_close(in_aeons_order(bank.biases, counts), reference(f"{prefix}biases"), rtol=0, atol=1e-4)


def load_aeons_parameters(bank: KernelBank, prefix: str) -> None:
    counts = reference(f"{prefix}counts").long()
    parts = reference(f"{prefix}biases").split((84 * counts).tolist())
    bank.load_state_dict(
        {
            "dilations": reference(f"{prefix}dilations").long(),
            "counts": counts,
            "channels": fitted_channels(prefix, counts, bank.in_channels),
            "biases": torch.cat([part.view(84, -1).T for part in parts]),
        }
    )


@pytest.mark.parametrize("case", CASES)
def test_minirocket_draws_what_aeon_draws_under_the_same_seed(case: str) -> None:
    x, biases = reference(f"{case}/x"), REFERENCE[f"{case}/minirocket/biases"]
    encoder = MiniRocket(x.shape[1], n_features=len(biases))
    encoder.prepare(x, seed=SEED)
    assert_took_aeons_parameters(encoder.bank, f"{case}/minirocket/")


@pytest.mark.parametrize("case", CASES)
def test_minirocket_gives_aeons_features(case: str) -> None:
    x, expected = reference(f"{case}/x"), reference(f"{case}/minirocket/features")
    encoder = MiniRocket(x.shape[1], n_features=expected.shape[1])
    load_aeons_parameters(encoder.bank, f"{case}/minirocket/")
    assert len(encoder.bank.dilations) > 2
    features = encoder(x[:N_SHOWN]).view(N_SHOWN, -1, 84)
    torch.testing.assert_close(in_aeons_order(features, encoder.bank.counts), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", MULTIROCKET_CASES)
def test_multirocket_draws_what_aeon_draws_under_the_same_seed(case: str) -> None:
    x, biases = reference(f"{case}/x"), REFERENCE[f"{case}/multirocket/series_biases"]
    encoder = MultiRocket(x.shape[1], n_features=len(biases) * 8)
    encoder.prepare(x, seed=SEED)
    assert_took_aeons_parameters(encoder.series, f"{case}/multirocket/series_")
    assert_took_aeons_parameters(encoder.difference, f"{case}/multirocket/difference_")


@pytest.mark.parametrize("case", MULTIROCKET_CASES)
def test_multirocket_gives_aeons_four_statistics_of_the_series_and_of_its_difference(case: str) -> None:
    x = reference(f"{case}/x")
    encoder = MultiRocket(x.shape[1], n_features=len(REFERENCE[f"{case}/multirocket/series_biases"]) * 8)
    banks = {"series": encoder.series, "difference": encoder.difference}
    for view, bank in banks.items():
        load_aeons_parameters(bank, f"{case}/multirocket/{view}_")
    features = encoder(x[:N_SHOWN]).view(N_SHOWN, 2, 4, -1, 84)
    for position, (view, bank) in enumerate(banks.items()):
        expected = reference(f"{case}/multirocket/{view}_features").view(N_SHOWN, 4, -1)
        ours = in_aeons_order(features[:, position], bank.counts)
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_hydra_draws_aeons_kernels_and_gives_its_features_under_the_same_seed(case: str) -> None:
    x, kernels = reference(f"{case}/x"), reference(f"{case}/hydra/kernels")
    encoder = Hydra(x.shape[1], n_groups=2 * kernels.shape[2] // 8)
    encoder.prepare(x, seed=SEED)
    assert torch.equal(encoder.kernels, kernels.view(encoder.kernels.shape))
    assert torch.equal(encoder.channels, reference(f"{case}/hydra/channels").long())
    torch.testing.assert_close(encoder(x[:N_SHOWN]), reference(f"{case}/hydra/features"), rtol=1e-5, atol=1e-4)
