"""MiniRocket, MultiRocket and Hydra give what aeon's implementations give, and what their papers define.

tests/fixtures/rocket_reference.npz was written by ``python benchmarks/rocket_reference.py`` in an environment with
aeon 1.6, numba 0.63 and torch 2.15: random walks, the parameters that aeon fitted to them, and its features.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from seqcnn.encoders.hydra import Hydra
from seqcnn.encoders.minirocket import MiniRocket
from seqcnn.encoders.multirocket import MultiRocket
from seqcnn.encoders.rocket_kernels import KernelBank, spread_dilations

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


def written_out(bank: KernelBank, record: torch.Tensor) -> list[tuple[float, float, float, float]]:
    """Return the four statistics of one record ``(channels, time)``, in loops, as the papers define them."""
    found, n_timepoints, row = [], record.shape[1], 0
    for position, (dilation, count) in enumerate(zip(bank.dilations.tolist(), bank.counts.tolist(), strict=True)):
        margin = 4 * dilation
        outputs = []
        for kernel, weights in enumerate(bank.weights.double()):
            x = torch.nn.functional.pad(record[bank.channels[position, kernel]].sum(0), (margin, margin))
            output = sum(weights[tap] * x[tap * dilation :][:n_timepoints] for tap in range(9))
            assert isinstance(output, torch.Tensor)
            without_padding = (kernel + position) % 2 == 1 and n_timepoints > 2 * margin
            outputs.append(output[margin:-margin] if without_padding else output)
        for bias in range(row, row + count):
            found += [four_numbers(output, bank.biases[bias, kernel]) for kernel, output in enumerate(outputs)]
        row += count
    return found


def four_numbers(output: torch.Tensor, bias: torch.Tensor) -> tuple[float, float, float, float]:
    """Return the share above, the longest stretch not below, the mean above and its mean place."""
    above = (output > bias).nonzero()[:, 0]
    ends = sorted({0, len(output) - 1, *(output < bias).nonzero()[:, 0].tolist()})
    stretch = max((after - before for before, after in pairwise(ends)), default=0)
    if not len(above):
        return 0.0, float(stretch), 0.0, -1.0
    mean, place = (output[above] + bias).mean(), above.double().mean()
    return len(above) / len(output), float(stretch), float(mean), float(place)


@pytest.mark.parametrize("shortest_lane", [64, 8])
@pytest.mark.parametrize(("in_channels", "n_timepoints"), [(1, 40), (1, 101), (3, 40)])
def test_features_are_what_the_papers_define_for_each_record_whatever_its_length_and_however_it_is_cut(
    in_channels: int, n_timepoints: int, shortest_lane: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A long record in a small batch is laid out in lanes side by side.
    monkeypatch.setattr("seqcnn.encoders.rocket_kernels._SHORTEST_LANE", shortest_lane)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, in_channels, n_timepoints, generator=generator, dtype=torch.float64)
    lengths = torch.tensor([n_timepoints, n_timepoints - 7, n_timepoints // 2, 3])
    for record, length in zip(x, lengths.tolist(), strict=True):
        record[:, length:] = 0
    mini, multi = MiniRocket(in_channels, n_features=500).double(), MultiRocket(in_channels, n_features=2500).double()
    for encoder in (mini, multi):
        encoder.prepare(x[:2], lengths[:2])
    features, statistics = mini(x, lengths), multi(x, lengths).view(4, 2, 4, -1)
    for position, (record, length) in enumerate(zip(x, lengths.tolist(), strict=True)):
        real = record[:, :length]
        expected = torch.tensor(written_out(mini.bank, real)).double()
        torch.testing.assert_close(features[position], expected[:, 0], rtol=0, atol=1e-6)
        for view, (bank, values) in enumerate(((multi.series, real), (multi.difference, real.diff(dim=1)))):
            expected = torch.tensor(written_out(bank, values), dtype=torch.float64).T
            torch.testing.assert_close(statistics[position, view], expected, rtol=1e-9, atol=1e-9)
    alone = torch.cat([multi(record[None, :, :length]) for record, length in zip(x[:3], lengths[:3], strict=True)])
    torch.testing.assert_close(alone, multi(x, lengths)[:3], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("level", [0.1, -3.3, 1e6 / 3])
def test_a_flat_stretch_answers_with_an_exact_zero(level: float) -> None:
    encoder = MiniRocket(1, n_features=300)
    encoder.prepare(torch.randn(4, 1, 80, generator=torch.Generator().manual_seed(0)))
    encoder.bank.biases.zero_()
    counts = encoder.bank.counts.tolist()
    features = encoder(torch.full((1, 1, 200), level)).view(-1, 84).split(counts)
    for position, of_dilation in enumerate(features):
        without_padding = of_dilation[:, (position + 1) % 2 :: 2]
        assert not without_padding.any()


def test_dilations_grow_from_one_until_a_kernel_spans_the_record() -> None:
    for n_timepoints in (10, 24, 301, 5000):
        dilations, counts = spread_dilations(n_timepoints, 119, 32)
        assert dilations[0] == 1
        assert 8 * dilations[-1] <= n_timepoints - 1 < 16 * max(1, dilations[-1])
        assert (np.diff(dilations) > 0).all()
        assert counts.sum() == 119
        assert counts.min() > 0


@pytest.mark.parametrize("n_dilations", [1, 7])
def test_hydra_adds_up_the_winners_and_counts_the_losers_of_each_group(n_dilations: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, 8 * 2 ** (n_dilations - 1) + 5, generator=generator, dtype=torch.float64)
    encoder = Hydra(2, n_groups=4).double()
    encoder.prepare(x)
    assert encoder.n_features == 2 * 8 * 4 * n_dilations
    expected = []
    for position in range(n_dilations):
        for view, values in enumerate((x, x.diff(dim=2))):
            most, least = torch.zeros(2, 3, 2, 8, dtype=torch.float64)
            for group in range(2):
                mixed = values[:, encoder.channels[position, view, group]].sum(1, keepdim=True)
                kernels = encoder.kernels[position, view, group][:, None]
                answers = torch.nn.functional.conv1d(mixed, kernels, padding=4 * 2**position, dilation=2**position)
                high, low = answers.max(1), answers.min(1)
                most[:, group].scatter_add_(1, high.indices, high.values)
                least[:, group].scatter_add_(1, low.indices, torch.ones_like(low.values))
            expected += [most, least]
    torch.testing.assert_close(encoder(x), torch.stack(expected, 1).flatten(1), rtol=1e-5, atol=1e-5)
