"""What takes the place of training behind an encoder of fixed kernels: a linear head solved in closed form.

The head is a ridge regression whose penalty is chosen by leaving each record out.

Hoerl and Kennard (1970), "Ridge regression: biased estimation for nonorthogonal problems"; what a model says of a
record that was left out follows without fitting again (:mod:`seqcnn.leaving_out`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import IntegerArray
from seqcnn.batches import WindowStore, prediction_batches
from seqcnn.calibration import Calibrate
from seqcnn.encoders.features import FeatureEncoder
from seqcnn.heads import CountScaler, LinearHead, PartsScaler
from seqcnn.leaving_out import Leftover, choose_dual
from seqcnn.network import Network
from seqcnn.symmetric import add_products, mirror

ALPHAS = tuple(np.logspace(-3, 3, 10).tolist())
ALPHAS_OF_NUMBERS = tuple(np.logspace(-3, 17 / 3, 14).tolist())
"""More of the same: noisy numbers ask for large penalties. Under these, classes are told no better, though the squared
error to 1 and -1 may be less."""
LARGEST = 20_000
"""The most records or features, whichever are fewer: their square is decomposed or factorised."""
_BLOCK = 2**22
"""Features that are worked on at a time in float64."""
_VALUES_TO_PREPARE = 2**25
"""Time steps that an encoder is prepared from, at most; so many hold far more records than it draws."""
_VALUES_A_BATCH = 2**22


@dataclass(frozen=True)
class Ridge:
    """A linear map and what is known of it.

    Attributes
    ----------
    coefficients
        ``(n_outputs, n_features)`` float64, of the features as they came in.
    intercept
        ``(n_outputs,)`` float64.
    alpha
        The penalty that was chosen.
    left_out
        ``(n_rows, n_outputs)`` float64: what the map says of each row when it is fitted without the row's group.
    """

    coefficients: Tensor
    intercept: Tensor
    alpha: float
    left_out: Tensor


class Solution(NamedTuple):
    """What a head that was solved says of the windows it was solved for, ``(n_windows, n_outputs)`` each.

    Attributes
    ----------
    outputs
        Of the head as it is.
    left_out
        Of heads that were solved without the window's group.
    """

    outputs: Tensor
    left_out: Tensor


def prepare_encoder(network: Network, store: WindowStore, generator: np.random.Generator) -> None:
    """Let an encoder of fixed kernels take what it needs from the windows, or from some of them if there are many."""
    assert isinstance(network.encoder, FeatureEncoder)
    n_windows, seed = len(store), int(generator.integers(2**31))
    n_steps = -(-int(store.lengths.max()) // network.stem.stride)
    wanted = max(1, _VALUES_TO_PREPARE // (n_steps * network.encoder.in_channels))
    windows = np.arange(n_windows)
    if n_windows > wanted:
        windows = np.sort(generator.choice(n_windows, wanted, replace=False))
    x, lengths, *_ = store.batch(windows)
    with torch.no_grad():
        network.encoder.prepare(*network.read(x, lengths), seed=seed)


def embed_windows(
    network: Network,
    store: WindowStore,
    report: Callable[[float], None] | None = None,
    *,
    windows: IntegerArray | None = None,
) -> Tensor:
    """Return the features of windows, ``(n_windows, n_features)``, in the network's precision.

    Parameters
    ----------
    network, store
        The network, and windows.
    report
        Is told the share that is done.
    windows
        Numbers of those that are wanted; None is all.
    """
    lengths = store.lengths if windows is None else store.lengths[windows]
    batch_size = max(1, _VALUES_A_BATCH // (int(store.lengths.max()) * 16))
    features, done = torch.empty(0), 0
    for batch in prediction_batches(lengths, batch_size):
        with torch.inference_mode():
            part = network.embed(*store.batch(batch if windows is None else windows[batch]))
        if not done:
            features = part.new_empty(len(lengths), part.shape[1])
        features[torch.from_numpy(batch).to(part.device)] = part
        done += len(batch)
        if report is not None:
            report(done / len(lengths))
    return features


def solve_head(
    network: Network,
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    *,
    groups: IntegerArray | None = None,
    calibrate: Calibrate | None = None,
) -> Solution:
    """Solve the dense layer of a network's head, and what scales the features in front of it.

    Parameters
    ----------
    network
        Its head is a :class:`LinearHead`, which is filled.
    features
        Of the windows, ``(n_windows, n_features)``.
    targets
        What the dense layer is to give, ``(n_windows, n_outputs)``; for classes and labels 1 for a window's own and
        -1 else.
    weights
        ``(n_windows,)``.
    groups
        ``(n_windows,)``: windows of one number are left out together; None leaves out one at a time.
    calibrate
        For classes and labels: takes the scores of windows that were left out and gives the factor and the offset under
        which they become probabilities.
    """
    head = network.head
    assert isinstance(head, LinearHead)
    scale = learn_scale(head, features, weights)
    if head.scaler is not None:
        features = head.scaler(features)
    emphasis = emphasise_static(network, features.device)
    alphas = choose_grid(calibrate)
    ridge = fit_ridge(features, targets, weights, groups=groups, alphas=alphas, scale=scale, emphasis=emphasis)
    factor, offset = fill_head(head, ridge, weights, calibrate)
    with torch.no_grad():
        outputs = torch.cat([head.in_units(head.dense(part)) for part in torch.split(features, 1024)])
    return Solution(outputs, head.in_units(ridge.left_out * factor + offset))


def choose_grid(calibrate: Calibrate | None) -> tuple[float, ...]:
    """Return the penalties to choose from, for classes and labels, whose scores are calibrated, or for numbers."""
    return ALPHAS_OF_NUMBERS if calibrate is None else ALPHAS


def learn_scale(head: LinearHead, features: Tensor, weights: Tensor) -> bool | Tensor:
    """Let what scales features in front of a head learn from some; tell which of them the ridge is to scale itself."""
    if head.scaler is None:
        return True
    assert isinstance(head.scaler, CountScaler | PartsScaler)
    head.scaler.learn(features, weights)
    if isinstance(head.scaler, CountScaler):
        return False
    left_alone = head.scaler.left_alone.to(features.device)
    return torch.cat([left_alone, left_alone.new_zeros(features.shape[1] - len(left_alone))])


def emphasise_static(network: Network, device: torch.device) -> Tensor | None:
    """Return how much larger each feature is to count for the penalty, ``(n_features,)``; None is all the same.

    A few numbers beside thousands of features would drown under one penalty. Now they count as much together.
    """
    if network.static is None:
        return None
    n_columns, n_pooled = network.static.n_columns, network.n_pooled_features
    emphasis = torch.ones(n_pooled + n_columns, dtype=torch.float64, device=device)
    emphasis[n_pooled:] = max(1.0, n_pooled / n_columns) ** 0.5
    return emphasis


def fill_head(
    head: LinearHead, ridge: Ridge, weights: Tensor, calibrate: Calibrate | None = None
) -> tuple[Tensor, Tensor]:
    """Make a head of a ridge regression, and return the factor and the offset by which it was calibrated."""
    left_out = ridge.left_out
    factor, offset = left_out.new_ones(()), left_out.new_zeros(())
    if calibrate is not None:
        factor, offset = (part.to(left_out.device) for part in calibrate(left_out, weights))
    with torch.no_grad():
        head.dense.weight.copy_(ridge.coefficients * factor.reshape(-1, 1))
        head.dense.bias.copy_(ridge.intercept * factor + offset)
    return factor, offset


def fit_ridge(
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    *,
    groups: IntegerArray | None = None,
    alphas: Sequence[float] = ALPHAS,
    scale: bool | Tensor = True,
    emphasis: Tensor | None = None,
) -> Ridge:
    """Fit a ridge regression with an intercept that is not penalised.

    The penalty is the one of ``alphas`` under which rows that are left out are predicted with the least squared error,
    over all outputs; of more than a thousand rows and still more features, the one that neighbours are no better than
    (:func:`seqcnn.leaving_out.choose_dual`). Beside the features, nothing larger than the square of the smaller of rows
    and features is held.

    Parameters
    ----------
    features
        ``(n_rows, n_features)``.
    targets
        ``(n_rows, n_outputs)``.
    weights
        ``(n_rows,)``, positive: how often each row counts.
    groups
        ``(n_rows,)``: rows of one number are left out together, such as the windows of a record; None leaves out one
        row at a time.
    alphas
        The penalties to choose from, positive.
    scale
        Penalise features as if each had a deviation of one; ``(n_features,)`` truth values: some of them.
    emphasis
        ``(n_features,)``: penalise each as if it were so many times as large; None is once.

    Returns
    -------
    Ridge
        Of the features as they came in: the scales are part of the coefficients.

    Raises
    ------
    ValueError
        If there are too many rows and features to decompose.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> fit = fit_ridge(x, 2 * x + 1, torch.ones(4))
    >>> fit.alpha, fit.coefficients.round(decimals=2).tolist(), fit.intercept.round(decimals=2).tolist()
    (0.001, [[2.0]], [1.0])
    """
    n_rows, n_features = features.shape
    check_size(n_rows, n_features)
    matrix = _Centred(features, weights.double(), scale, emphasis)
    root = matrix.root
    total = root.square().sum()
    center = (weights.double() @ targets.double()) / total
    wanted = (targets.double() - center) * root[:, None]
    direction = root / total.sqrt()
    groups = np.arange(n_rows) if groups is None else groups
    if n_rows <= n_features:
        best, rows, errors = choose_dual(matrix.gram(), wanted, direction, groups, alphas)
        solution = matrix.transposed_times(rows)
    else:
        values, vectors = torch.linalg.eigh(matrix.covariance())
        values = values.clamp_min(0.0)
        penalties = torch.tensor(alphas, dtype=torch.float64, device=features.device)
        basis = matrix.times(vectors)
        projected = basis.T @ wanted
        # Residuals are wanted + basis @ diag(factors) @ basis.T @ wanted.
        leftover = Leftover(basis, projected, -1 / (values + penalties[:, None]), wanted, direction)
        under_each = leftover.errors(groups)
        best = int(under_each.square().mean((1, 2)).argmin())
        errors = under_each[best]
        solution = vectors @ (projected / (values[:, None] + penalties[best]))
    coefficients = (solution / matrix.deviation[:, None]).T
    return Ridge(
        coefficients,
        center - coefficients @ matrix.mean,
        alphas[best],
        targets.double() - errors / root[:, None],
    )


def check_size(n_rows: int, n_features: int) -> None:
    """Raise ValueError if there are too many rows and features to decompose."""
    if min(n_rows, n_features) > LARGEST:
        raise ValueError(
            f"A head in closed form takes at most {LARGEST:,} records or {LARGEST:,} features. Received: {n_rows:,} "
            f"records (or windows) and {n_features:,} features. Pass fewer records, longer windows, or an encoder of "
            f"fewer features."
        )


class _Centred:
    """Features less their mean, divided by their deviation and times the root of the weights, a block at a time."""

    def __init__(self, features: Tensor, weights: Tensor, scale: bool | Tensor, emphasis: Tensor | None) -> None:
        self.root = weights.sqrt()
        self._features = features
        total = weights.sum()
        mean, deviation = [], []
        for block in self._columns():
            values = features[:, block].double()
            mean.append(weights @ values / total)
            deviation.append((weights @ (values - mean[-1]).square() / total).sqrt())
        self.mean, self.deviation = torch.cat(mean), torch.cat(deviation)
        # Rounding alone gives a constant some deviation.
        constant = self.deviation <= 1e-7 * self.mean.abs()
        self.deviation[constant | ~torch.as_tensor(scale, device=constant.device)] = 1.0
        if emphasis is not None:
            self.deviation /= emphasis

    def gram(self) -> Tensor:
        """Return the products of all rows, ``(n_rows, n_rows)``."""
        n_rows = len(self._features)
        gram = self.mean.new_zeros(n_rows, n_rows)
        for block in self._columns():
            values = self._take(slice(None), block)
            add_products(gram, values.T, 1.0)
        mirror(gram)
        return gram

    def covariance(self) -> Tensor:
        """Return the products of all columns, ``(n_features, n_features)``."""
        n_features = self._features.shape[1]
        covariance = self.mean.new_zeros(n_features, n_features)
        for block in self._rows():
            values = self._take(block, slice(None))
            add_products(covariance, values, 1.0)
        mirror(covariance)
        return covariance

    def times(self, other: Tensor) -> Tensor:
        """Return the product with ``(n_features, n)``."""
        return torch.cat([self._take(block, slice(None)) @ other for block in self._rows()])

    def transposed_times(self, other: Tensor) -> Tensor:
        """Return the transpose's product with ``(n_rows, n)``."""
        return torch.cat([self._take(slice(None), block).T @ other for block in self._columns()])

    def _take(self, rows: slice, columns: slice) -> Tensor:
        values = self._features[rows, columns].double() - self.mean[columns]
        return values.div_(self.deviation[columns]).mul_(self.root[rows, None])

    def _columns(self) -> Iterator[slice]:
        return _cut(*self._features.shape)

    def _rows(self) -> Iterator[slice]:
        return _cut(*self._features.T.shape)


def _cut(length: int, n: int) -> Iterator[slice]:
    step = max(1, _BLOCK // length)
    return (slice(first, first + step) for first in range(0, n, step))
