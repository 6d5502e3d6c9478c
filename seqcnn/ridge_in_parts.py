"""A ridge regression on more rows than there is memory for their features.

Features are read twice, part by part, and never stand side by side. The first time their covariance is added up, which
is all that a ridge regression needs. The penalty is chosen by leaving out some of the rows. The second time gives what
the regression says of each row, and what it would say without the row's group.

Leaving out a few rows changes the covariance by a matrix of low rank, and what a fit without them says follows from the
one there is (Sherman and Morrison 1950, "Adjustment of an inverse matrix corresponding to a change in one element of a
given matrix"; Woodbury 1950, "Inverting modified matrices"). A group of very many is taken out of the covariance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import Float64Array, IntegerArray
from seqcnn.closed_form import ALPHAS, Ridge
from seqcnn.leaving_out import DECOMPOSED, descend, guess_penalty, leave_out, pack
from seqcnn.symmetric import add_products, factorise, mirror, solve_factorised

SAMPLE = 3000
"""Rows, about, on which the penalty is chosen."""
_FEWEST_GROUPS = 4
"""Groups on which the penalty is chosen, at least."""
_VALUES = 2**24
"""Features that are worked on at a time in float64."""

Read = Callable[[IntegerArray], Tensor]
"""Numbers of rows to their features, ``(n, n_features)``."""
Report = Callable[[str, float], None]
"""Is told what is being done, and the share of the whole that is done."""
Taken = tuple[IntegerArray, tuple[Tensor, Tensor, Tensor]]
"""Rows, and their features, targets and roots of weights."""
T = TypeVar("T")


def fit_ridge_in_parts(
    read: Read,
    n_features: int,
    targets: Tensor,
    weights: Tensor,
    *,
    order: IntegerArray | None = None,
    groups: IntegerArray | None = None,
    alphas: Sequence[float] = ALPHAS,
    scale: bool | Tensor = True,
    emphasis: Tensor | None = None,
    report: Report | None = None,
) -> tuple[Ridge, Tensor]:
    """Fit the ridge regression of :func:`seqcnn.closed_form.fit_ridge` to features that are read part by part.

    The penalty is chosen on about 3,000 rows, or on four whole groups if these are more; of fewer rows, on all. Of more
    than a thousand features not all penalties are tried (:func:`seqcnn.leaving_out.descend`). All else is what it is
    there. Beside a part of the features, two squares of their number are held in float64, and three
    where a group has very many rows.

    Parameters
    ----------
    read
        Gives the features of rows, each time the same.
    n_features
        How many.
    targets, weights, groups, alphas, scale, emphasis
        As there.
    order
        ``(n_rows,)``: all rows, neighbours being quick to read together; None is as they come.
    report
        Is told how it goes.

    Returns
    -------
    Ridge
        As there.
    Tensor
        ``(n_rows, n_outputs)`` float64: what the map says of each row.

    Examples
    --------
    >>> x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> fit, fitted = fit_ridge_in_parts(lambda rows: x[rows], 1, 2 * x + 1, torch.ones(4))
    >>> fit.alpha, fit.coefficients.round(decimals=2).tolist(), fitted.round(decimals=2).flatten().tolist()
    (0.001, [[2.0]], [1.0, 3.0, 5.0, 7.0])
    """
    tell, n_rows = report or _say_nothing, len(targets)
    order = np.arange(n_rows) if order is None else order
    # Where all rows are one group there is nothing to leave out.
    leaves_out = groups is None or bool((groups != groups[0]).any())
    numbers = np.arange(n_rows) if groups is None or not leaves_out else np.unique(groups, return_inverse=True)[1]
    rows_a_part = max(1, _VALUES // n_features)
    sample = _draw(numbers)
    rows = _Rows(read, n_features, targets, weights)
    rows.look_at(sample[:rows_a_part])
    for done, part in _counted(list(_cut(order, rows_a_part))):
        rows.add(part)
        tell("computing features", 0.4 * done)
    rows.finish(scale, emphasis)
    without = _Without(rows, numbers, rows_a_part, leaves_out)
    alpha = without.choose(
        list(pack(numbers, sample, rows_a_part)), alphas, lambda done: tell("choosing the penalty", 0.4 + 0.2 * done)
    )
    solution = without.settle(alpha)
    fitted, left_out = torch.empty(2, *targets.shape, dtype=torch.float64, device=targets.device)
    # Large groups come last: fits without them take the memory of the factor that the others need.
    for done, part in _counted(sorted(pack(numbers, order, rows_a_part), key=lambda part: len(part) > rows_a_part)):
        for some, *answers in without.answers(part):
            places = torch.from_numpy(some).to(targets.device)
            fitted[places], left_out[places] = answers
        tell("leaving windows out", 0.6 + 0.4 * done)
    coefficients = (solution / rows.deviation[:, None]).T
    return Ridge(coefficients, rows.center - coefficients @ rows.mean, alpha, left_out), fitted


class _Rows:
    """Features of rows, less their mean, divided by their deviation and times the root of the weights, and their sums.

    Attributes
    ----------
    covariance
        ``(n_features, n_features)``: products of all columns.
    moment
        ``(n_features, n_outputs)``: products with the targets.
    """

    def __init__(self, read: Read, n_features: int, targets: Tensor, weights: Tensor) -> None:
        self._read, self._weights = read, weights.double()
        self.targets, self.root = targets.double(), self._weights.sqrt()
        self.total = self._weights.sum()
        self.center = (self._weights @ self.targets) / self.total
        # Allocated first, and changed in place from then on.
        self.covariance = self.targets.new_zeros(n_features, n_features)
        self.moment = self.targets.new_zeros(n_features, targets.shape[1])
        self._sum = self.targets.new_zeros(n_features)
        self.mean, self.deviation = torch.zeros_like(self._sum), torch.ones_like(self._sum)

    def look_at(self, rows: IntegerArray) -> None:
        """Take a mean to begin with, near which products are precise."""
        self.mean = self._read(rows).to(self.root.device).double().mean(0)

    def add(self, rows: IntegerArray) -> None:
        """Add rows to the sums."""
        x, wanted, root = self.take(rows)
        add_products(self.covariance, x, 1.0)
        self.moment.addmm_(x.T, wanted)
        self._sum += root @ x

    def finish(self, scale: bool | Tensor, emphasis: Tensor | None) -> None:
        """Make the sums those of features around their own mean, in units of their deviation."""
        self.covariance.addr_(self._sum, self._sum, alpha=-1 / float(self.total))
        self.mean += self._sum / self.total
        deviation = (self.covariance.diagonal() / self.total).clamp_min(0).sqrt()
        # Rounding alone gives a constant some deviation.
        constant = deviation <= 1e-7 * self.mean.abs()
        deviation[constant | ~torch.as_tensor(scale, device=constant.device)] = 1.0
        self.deviation = deviation if emphasis is None else deviation / emphasis
        self.covariance.div_(self.deviation).div_(self.deviation[:, None])
        self.moment.div_(self.deviation[:, None])
        mirror(self.covariance)

    def take(self, rows: IntegerArray) -> tuple[Tensor, Tensor, Tensor]:
        """Return features and targets of rows, ``(n, n_features)`` and ``(n, n_outputs)``, and roots of weights."""
        places = torch.from_numpy(rows).to(self.root.device)
        root = self.root[places]
        x = self._read(rows).to(root.device).double() - self.mean
        wanted = (self.targets[places] - self.center) * root[:, None]
        return x.div_(self.deviation).mul_(root[:, None]), wanted, root


class _Without:
    """What the fit says of rows, and what fits without their groups say.

    With ``H`` the matrix that turns targets into fitted values, residuals are ``(I - H) y``, and those of rows ``g``
    left out together ``inverse((I - H)[g, g])`` times their residuals.
    """

    def __init__(self, rows: _Rows, groups: IntegerArray, rows_a_part: int, leaves_out: bool) -> None:
        self._rows, self._groups, self._rows_a_part, self._leaves_out = rows, groups, rows_a_part, leaves_out
        self._factor = torch.empty_like(rows.covariance)
        self._rest: Tensor | None = None

    def choose(self, parts: Sequence[IntegerArray], alphas: Sequence[float], report: Callable[[float], None]) -> float:
        """Return the penalty with the least squared error on these rows, left out.

        Of many features not all penalties are tried, but those from where some of the rows start to where errors rise.
        """
        small = [(part, self._rows.take(part)) for part in parts if not self._is_large(part)]
        large = [part for part in parts if self._is_large(part)]
        squares: dict[int, float] = {}

        def attempt(position: int) -> tuple[float, float]:
            squares[position] = self._squares(small, alphas[position])
            report(len(squares) / len(alphas))
            return squares[position], alphas[position]

        if self._leaves_out and not large and len(self._rows.covariance) > DECOMPOSED:
            _, alpha = descend(alphas, self._guess(small, alphas), attempt)
            report(1.0)
            return alpha
        each: Float64Array = np.array([attempt(position)[0] for position in range(len(alphas))])
        for part in large:
            for _, _, errors in self._refit(part, alphas):
                each += errors.square().sum((1, 2)).cpu().numpy()
        return alphas[int(np.where(np.isnan(each), np.inf, each).argmin())]

    def _squares(self, small: Sequence[Taken], alpha: float) -> float:
        """Return the sum of squared errors under a penalty, infinite where there is no fit."""
        if not small:
            return 0.0
        factor, solution = self._solve(self._rows.covariance, self._rows.moment, alpha)
        square = sum(
            float(self._errors(self._groups[part], x, wanted - x @ solution, root, factor).square().sum())
            for part, (x, wanted, root) in small
        )
        return np.inf if np.isnan(square) else square

    def _guess(self, small: Sequence[Taken], alphas: Sequence[float]) -> int:
        """Return which penalty some of the rows choose by themselves."""
        step = -(-sum(len(part) for part, _ in small) // DECOMPOSED)
        x, wanted, root = (
            torch.cat(several) for several in zip(*([one[::step] for one in taken] for _, taken in small), strict=True)
        )
        groups = np.concatenate([part[::step] for part, _ in small])
        return guess_penalty(x, wanted, root / self._rows.total.sqrt(), self._groups[groups], alphas)

    def settle(self, alpha: float) -> Tensor:
        """Stay with one penalty, and return the fit to all rows, ``(n_features, n_outputs)``.

        Its factor is there until a part is one large group.
        """
        self._alpha = alpha
        self._settled, self._solution = self._solve(self._rows.covariance, self._rows.moment, alpha)
        return self._solution

    def answers(self, part: IntegerArray) -> Iterator[tuple[IntegerArray, Tensor, Tensor]]:
        """Yield rows, what the fit says of them, and what fits without their groups say; groups must be whole."""
        rows = self._rows
        if not self._is_large(part):
            x, wanted, root = rows.take(part)
            residuals = wanted - x @ self._solution
            errors = self._errors(self._groups[part], x, residuals, root, self._settled)
            fitted, left_out = (rows.center + (wanted - wrong) / root[:, None] for wrong in (residuals, errors))
            yield part, fitted, left_out
            return
        for some, (x, wanted, root), errors in self._refit(part, [self._alpha]):
            answers = rows.center + (wanted - errors[0]) / root[:, None]
            yield some, rows.center + x @ self._solution / root[:, None], answers

    def _is_large(self, part: IntegerArray) -> bool:
        """Tell whether a part, which holds whole groups, is one group of more rows than a part should hold."""
        return len(part) > self._rows_a_part

    def _errors(self, groups: IntegerArray, x: Tensor, residuals: Tensor, root: Tensor, factor: Tensor) -> Tensor:
        """Return the errors on rows of whole groups, each left out with its group, ``(n, n_outputs)``."""
        if not self._leaves_out:
            return residuals
        # H[g, g] is projected.T @ projected, and direction @ direction.T of the intercept.
        projected: Tensor = torch.linalg.solve_triangular(factor, x.T, upper=False)
        direction = root / self._rows.total.sqrt()
        basis = projected.T
        return leave_out(
            residuals,
            groups,
            1 - direction.square() - basis.square().sum(1),
            lambda of: (
                torch.eye(of.shape[1]).to(x)
                - direction[of][..., None] * direction[of][:, None]
                - basis[of] @ basis[of].mT
            ),
        )

    def _refit(
        self, group: IntegerArray, alphas: Sequence[float]
    ) -> Iterator[tuple[IntegerArray, tuple[Tensor, Tensor, Tensor], Tensor]]:
        """Fit without a large group, and yield some of its rows at a time, what was taken, and the errors on them.

        The errors are ``(n_alphas, n, n_outputs)``.
        """
        rows = self._rows
        if self._rest is None:
            self._rest = torch.empty_like(rows.covariance)
        rest, moment = self._rest.copy_(rows.covariance), rows.moment.clone()
        parts = list(_cut(group, self._rows_a_part))
        weight, features, targets = rows.total.clone(), torch.zeros_like(rows.mean), torch.zeros_like(rows.center)
        for part in parts:
            x, wanted, root = rows.take(part)
            add_products(rest, x, -1.0)
            moment.addmm_(x.T, wanted, alpha=-1)
            weight -= root.square().sum()
            features -= root @ x
            targets -= root @ wanted
        # The others have another mean.
        rest.addr_(features, features, alpha=-1 / float(weight))
        moment -= torch.outer(features, targets) / weight
        features, targets = features / weight, targets / weight
        mirror(rest)
        # Penalties side by side: one product of the features with all of them.
        solutions = torch.cat([self._solve(rest, moment, alpha)[1] for alpha in alphas], 1)
        for part in parts:
            x, wanted, root = rows.take(part)
            answers = (x - root[:, None] * features) @ solutions
            errors = wanted - answers.view(len(part), len(alphas), -1).movedim(1, 0) - root[:, None] * targets
            yield part, (x, wanted, root), errors

    def _solve(self, covariance: Tensor, moment: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
        """Return the Cholesky factor under a penalty, valid until the next call, and the solution, NaN if it fails."""
        factor, exists = factorise(covariance, alpha, self._factor)
        solution = solve_factorised(factor, moment)
        return factor, solution if exists else solution.fill_(torch.nan)


def _draw(groups: IntegerArray) -> IntegerArray:
    """Return the rows of whole groups, drawn until there are enough of both."""
    sizes = np.bincount(groups)
    drawn = np.random.default_rng(0).permutation(len(sizes))
    n_groups = max(int(np.searchsorted(np.cumsum(sizes[drawn]), SAMPLE)) + 1, _FEWEST_GROUPS)
    return np.flatnonzero(np.isin(groups, drawn[:n_groups]))


def _cut(rows: IntegerArray, n: int) -> Iterator[IntegerArray]:
    return (rows[first : first + n] for first in range(0, len(rows), n))


def _counted(parts: Sequence[T]) -> Iterator[tuple[float, T]]:
    """Yield each with the share that is done when the next is asked for."""
    return (((position + 1) / len(parts), part) for position, part in enumerate(parts))


def _say_nothing(what: str, share: float) -> None:
    """Report to no one."""
