"""The head behind fixed kernels, solved for as many windows as there are: whole, or in parts."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import IntegerArray
from seqcnn.batches import WindowStore
from seqcnn.calibration import Calibrate
from seqcnn.closed_form import (
    LARGEST,
    Solution,
    check_size,
    choose_grid,
    embed_windows,
    emphasise_static,
    fill_head,
    learn_scale,
    solve_head,
)
from seqcnn.forest import ForestHead
from seqcnn.growing import grow_head
from seqcnn.heads import LinearHead
from seqcnn.leaving_out import DECOMPOSED
from seqcnn.network import Network
from seqcnn.ridge_in_parts import SAMPLE, Report, fit_ridge_in_parts

HELD_BYTES = 1_500_000_000
"""The most that features may take, and their projections in float64, for their matrix to be decomposed whole."""


def works_in_parts(n_windows: int, n_features: int) -> bool:
    """Tell whether features are too many to be decomposed whole, and not so many that their square is.

    >>> works_in_parts(10_000, 10_000), works_in_parts(100_000, 10_000), works_in_parts(8_000, 50_000)
    (False, True, False)
    """
    # Of more windows than features, projections in float64 are held as well: as many numbers, twice as wide.
    bytes_each = 4 if n_windows <= n_features else 12
    return n_features <= LARGEST and n_windows * n_features * bytes_each > HELD_BYTES


def solve_windows(
    network: Network,
    store: WindowStore,
    targets: Tensor,
    weights: Tensor,
    *,
    groups: IntegerArray | None = None,
    calibrate: Calibrate | None = None,
    report: Report | None = None,
) -> Solution:
    """Solve the head of a network whose encoder is prepared, in the memory there is.

    Of so few windows that their features can be held (:data:`HELD_BYTES`), these are computed once, and solved whole
    (:func:`seqcnn.closed_form.solve_head`), or, if they are more than a thousand and windows more still, part by part
    (:func:`seqcnn.ridge_in_parts.fit_ridge_in_parts`). Of more windows, features are computed part by part, twice, and
    counts take their scale from a sample of the windows; memory then grows with the square of the number of features,
    16 bytes each, and not with the number of windows.

    Parameters
    ----------
    network
        Its head is a :class:`seqcnn.heads.LinearHead` or a :class:`seqcnn.forest.ForestHead`, which is filled.
    store
        The windows.
    targets, weights, groups, calibrate
        As :func:`seqcnn.closed_form.solve_head` takes them.
    report
        Is told how it goes.

    Raises
    ------
    ValueError
        If there are too many windows and features.
    """
    tell = report or _say_nothing
    n_windows, n_features, home = len(store), network.n_features, store.device
    # Apple's GPUs have no float64.
    place = torch.device("cpu") if home.type == "mps" else home
    targets, weights = targets.to(place), weights.to(place)
    head = network.head
    if isinstance(head, ForestHead):
        features = embed_windows(network, store, partial(tell, "computing features")).to(place)
        tell("growing trees", 0.0)
        network.to(place)
        solution = grow_head(network, features, targets, weights, groups=groups, calibrate=calibrate)
        network.to(home)
        return solution
    assert isinstance(head, LinearHead)
    check_size(n_windows, n_features)
    held: Tensor | None = None
    if not works_in_parts(n_windows, n_features):
        held = embed_windows(network, store, partial(tell, "computing features"))
        if min(n_windows, n_features) <= DECOMPOSED or n_windows <= n_features:
            network.to(place)
            solution = solve_head(network, held.to(place), targets, weights, groups=groups, calibrate=calibrate)
            network.to(home)
            return solution

    def embed(windows: IntegerArray) -> Tensor:
        return embed_windows(network, store, windows=windows) if held is None else held[torch.from_numpy(windows)]

    scale: bool | Tensor = True
    if head.scaler is not None and held is not None:
        scale = learn_scale(head, held, weights.to(home))
    elif head.scaler is not None:
        # Counts are scaled before anything is added up, and so by the statistics of some.
        some = np.sort(np.random.default_rng(0).permutation(n_windows)[:SAMPLE])
        own = weights[torch.from_numpy(some).to(place)].to(home)
        scale = learn_scale(head, embed(some), own)

    def read(windows: IntegerArray) -> Tensor:
        features = embed(windows)
        return features if head.scaler is None else head.scaler(features)

    ridge, fitted = fit_ridge_in_parts(
        read,
        n_features,
        targets,
        weights,
        order=np.argsort(store.lengths, kind="stable"),
        groups=groups,
        alphas=choose_grid(calibrate),
        scale=scale,
        emphasis=emphasise_static(network, place),
        report=tell,
    )
    network.to(place)
    factor, offset = fill_head(head, ridge, weights, calibrate)
    solution = Solution(head.in_units(fitted * factor + offset), head.in_units(ridge.left_out * factor + offset))
    network.to(home)
    return solution


def _say_nothing(what: str, share: float) -> None:
    """Report to no one."""
