"""What a ridge regression would say of rows if it were fitted without them, and the penalty that this chooses.

With ``H`` the matrix that turns targets into fitted values, residuals are ``(I - H) y``, and those of rows ``g`` left
out together ``inverse((I - H)[g, g])`` times their residuals (Allen 1974, "The relationship between variable selection
and data augmentation and a method for prediction").

Of few rows ``I - H`` follows for all penalties from one decomposition. Of many, several Cholesky factors take a small
part of its time, and from a good start two or three penalties have to be tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from seqcnn._types import IntegerArray
from seqcnn.symmetric import factorise, solve_factorised

DECOMPOSED = 1000
"""Rows or features of which all penalties are tried, at most; of more, so many rows tell which to try first."""
_ROWS = 512
"""Rows that are left out at a time, about."""

T = TypeVar("T")


class Dual(NamedTuple):
    """A ridge regression of more features than rows.

    Attributes
    ----------
    best
        Which of the penalties was chosen.
    solution
        ``(n_rows, n_outputs)``: how often each row is part of the coefficients.
    errors
        ``(n_rows, n_outputs)``, on rows left out with their group.
    """

    best: int
    solution: Tensor
    errors: Tensor


def choose_dual(gram: Tensor, wanted: Tensor, direction: Tensor, groups: IntegerArray, alphas: Sequence[float]) -> Dual:
    """Solve a ridge regression under the penalty with the least squared error on rows left out.

    Of more rows than are decomposed, some give a penalty to start from, and the one chosen is the first on the way down
    from there whose neighbours are no better.

    Parameters
    ----------
    gram
        ``(n_rows, n_rows)``: products of all rows less their mean. It is changed.
    wanted
        ``(n_rows, n_outputs)``: the targets less their mean.
    direction
        ``(n_rows,)``, of length one: what the intercept takes out. Products with the gram and the targets are zero.
    groups
        ``(n_rows,)``: rows of one number are left out together. Where all are one group there is nothing to leave out,
        and errors are residuals.
    alphas
        The penalties.
    """
    weight = _give_weight(gram, direction)
    if len(gram) > DECOMPOSED:
        some = np.sort(np.random.default_rng(0).permutation(len(gram))[:DECOMPOSED])
        places = torch.from_numpy(some).to(gram.device)
        start = _decompose(gram[places][:, places], wanted[places], groups[some], alphas).best
        factors = _Factors(gram, wanted, direction, weight, groups)
        loss, dual = descend(alphas, start, lambda best: factors.dual(best, alphas[best]))
        if np.isfinite(loss):
            return dual
    return _decompose(gram, wanted, groups, alphas)


def guess_penalty(x: Tensor, wanted: Tensor, direction: Tensor, groups: IntegerArray, alphas: Sequence[float]) -> int:
    """Return which penalty some rows choose, those of ``(n_rows, n_features)``; the rest is as in a dual."""
    gram = x @ x.T
    _give_weight(gram, direction)
    return _decompose(gram, wanted, groups, alphas).best


def descend(alphas: Sequence[float], start: int, attempt: Callable[[int], tuple[float, T]]) -> tuple[float, T]:
    """Go from a penalty to larger or else to smaller ones while the loss falls.

    Parameters
    ----------
    alphas
        The penalties.
    start
        Which of them is tried first.
    attempt
        Gives the loss of one, infinite where there is no fit, and what else is known.

    Returns
    -------
    float
        The least loss, infinite if there is none.
    T
        What is known.
    """
    ascending = np.argsort(alphas).tolist()
    first = at = ascending.index(start)
    least, best = attempt(start)
    for step in (1, -1):
        # Who could go up has come from below.
        while 0 <= at + step < len(ascending) and (step > 0 or at <= first):
            loss, following = attempt(ascending[at + step])
            if loss > least:
                break
            at, least, best = at + step, loss, following
    return least, best


def _give_weight(gram: Tensor, direction: Tensor) -> float:
    """Give a direction by far the largest eigenvalue, which makes it the last eigenvector, and return how much."""
    weight = 2 * float(gram.trace().clamp_min(1.0))
    gram.addr_(direction, direction, alpha=weight)
    return weight


def _decompose(gram: Tensor, wanted: Tensor, groups: IntegerArray, alphas: Sequence[float]) -> Dual:
    """Try all penalties by one decomposition of a gram in which the intercept's direction is the last eigenvector."""
    values, vectors = torch.linalg.eigh(gram)
    penalties = torch.tensor(alphas, dtype=gram.dtype, device=gram.device)
    # Residuals are vectors @ diag(factors) @ vectors.T @ wanted.
    factors = penalties[:, None] / (values.clamp_min(0.0) + penalties[:, None])
    factors[:, -1] = 0.0
    errors = Leftover(vectors, vectors.T @ wanted, factors).errors(groups)
    best = int(errors.square().mean((1, 2)).argmin())
    solution = vectors @ (factors[best][:, None] / penalties[best] * (vectors.T @ wanted))
    return Dual(best, solution, errors[best])


class _Factors:
    """What is left of the targets under one penalty after the other, each by a Cholesky factor."""

    def __init__(self, gram: Tensor, wanted: Tensor, direction: Tensor, weight: float, groups: IntegerArray) -> None:
        self._gram, self._wanted, self._groups = gram, wanted, groups
        self._direction, self._weight = direction, weight
        self._memory = torch.empty_like(gram)
        self._parts = list(pack(groups, np.arange(len(groups)), _ROWS))

    def dual(self, position: int, alpha: float) -> tuple[float, Dual]:
        """Return the mean squared error under a penalty, infinite where it has no factor, and the regression."""
        factor, exists = factorise(self._gram, alpha, self._memory)
        if not exists:
            return np.inf, Dual(position, self._wanted, self._wanted)
        solution = solve_factorised(factor, self._wanted)
        errors = self._errors(factor, alpha, alpha * solution)
        return float(errors.square().mean().nan_to_num(np.inf)), Dual(position, solution, errors)

    def _errors(self, factor: Tensor, alpha: float, residuals: Tensor) -> Tensor:
        """Return the errors on rows left out with their group, ``(n_rows, n_outputs)``."""
        if (self._groups == self._groups[0]).all():
            return residuals
        errors = torch.empty_like(residuals)
        # I - H is alpha times the inverse, less what is left of the direction.
        direction = self._direction * (alpha / (self._weight + alpha)) ** 0.5
        for part in self._parts:
            places = torch.from_numpy(part).to(factor.device)
            first = int(part.min())
            units = factor.new_zeros(len(factor) - first, len(part))
            units[places - first, torch.arange(len(part), device=factor.device)] = alpha**0.5
            # The inverse's columns are those of two triangles, the first of which is zero above the first of the rows.
            basis = torch.linalg.solve_triangular(factor[first:, first:], units, upper=False).T
            along = direction[places]
            errors[places] = leave_out(
                residuals[places],
                self._groups[part],
                basis.square().sum(1) - along.square(),
                partial(products_less, basis, along),
            )
        return errors


class Leftover:
    """What is left of the targets under each penalty of a decomposition, and of rows that were left out.

    Residuals are ``basis @ diag(factors) @ projected``, and ``wanted`` if it is given. ``I - H`` is ``basis @
    diag(factors) @ basis.T``, and if a direction is given, one less the products of the direction.
    """

    def __init__(
        self,
        basis: Tensor,
        projected: Tensor,
        factors: Tensor,
        wanted: Tensor | None = None,
        direction: Tensor | None = None,
    ) -> None:
        self._basis = basis
        self._factors = factors
        self._direction = direction
        # (penalty, row, output)
        self._residuals = torch.stack([basis @ (factor[:, None] * projected) for factor in factors])
        if wanted is not None:
            self._residuals += wanted

    def errors(self, groups: IntegerArray) -> Tensor:
        """Return the errors on rows left out with their group, ``(n_penalties, n_rows, n_outputs)``.

        Where all rows are one group there is nothing to leave out, and these are the residuals.
        """
        if (groups == groups[0]).all():
            return self._residuals
        diagonals = (self._basis.square() @ self._factors.T).T
        if self._direction is not None:
            diagonals += 1 - self._direction.square()
        return torch.stack(
            [
                leave_out(residuals, groups, diagonal, partial(self._blocks, factor))
                for residuals, diagonal, factor in zip(self._residuals, diagonals, self._factors, strict=True)
            ]
        )

    def _blocks(self, factor: Tensor, members: Tensor) -> Tensor:
        basis = self._basis[members]
        blocks: Tensor = (basis * factor) @ basis.mT
        if self._direction is None:
            return blocks
        direction = self._direction[members]
        return blocks + torch.eye(members.shape[1]).to(blocks) - direction[..., None] * direction[:, None]


def leave_out(residuals: Tensor, groups: IntegerArray, diagonal: Tensor, blocks: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the errors on rows of whole groups, each left out with its group.

    Parameters
    ----------
    residuals
        Of the fit to all, ``(n_rows, n_outputs)``.
    groups
        ``(n_rows,)``.
    diagonal
        ``(n_rows,)``, of ``I - H``.
    blocks
        Gives its blocks for the members of groups, ``(n_groups, size)`` to ``(n_groups, size, size)``.
    """
    errors = residuals / diagonal[:, None]
    for rows in group_rows(groups):
        members = torch.from_numpy(rows).to(errors.device)
        errors[members] = torch.linalg.solve(blocks(members), residuals[members])
    return errors


def products_less(basis: Tensor, direction: Tensor, members: Tensor) -> Tensor:
    """Return the products of groups' rows of a basis, less those of a direction, ``(n_groups, size, size)``."""
    rows, along = basis[members], direction[members]
    return rows @ rows.mT - along[..., None] * along[:, None]


def group_rows(groups: IntegerArray) -> Iterator[IntegerArray]:
    """Yield the rows of groups of more than one, ``(n_groups, size)``, all groups of a size at once."""
    order = np.argsort(groups, kind="stable")
    _, first, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    for size in np.unique(sizes[sizes > 1]):
        yield order[first[sizes == size][:, None] + np.arange(size)]


def pack(groups: IntegerArray, rows: IntegerArray, n: int) -> Iterator[IntegerArray]:
    """Yield rows in parts of whole groups, of at most ``n`` rows each unless a group has more."""
    _, first, number = np.unique(groups[rows], return_index=True, return_inverse=True)
    # Groups come in the order of their first rows.
    place = first[number]
    rows = rows[np.argsort(place, kind="stable")]
    sizes = np.bincount(place, minlength=len(rows))
    ends = np.cumsum(sizes[sizes > 0])
    start = 0
    while start < len(rows):
        fitting = int(np.searchsorted(ends, start + n, side="right"))
        following = int(np.searchsorted(ends, start, side="right"))
        stop = int(ends[max(fitting - 1, following)])
        yield rows[start:stop]
        start = stop
