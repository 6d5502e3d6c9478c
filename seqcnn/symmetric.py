"""Symmetric matrices of many rows: products that are added up on one side only, and Cholesky factors."""

from __future__ import annotations

import torch
from torch import Tensor

_COLUMNS = 512
"""Columns of a product that are computed at a time; of what mirrors them, only so many as well."""


def add_products(into: Tensor, x: Tensor, times: float) -> None:
    """Add the products of all columns of ``(n, n_columns)``; below the blocks on the diagonal nothing is added."""
    for first in range(0, x.shape[1], _COLUMNS):
        columns = slice(first, first + _COLUMNS)
        into[columns, first:].addmm_(x[:, columns].T, x[:, first:], alpha=times)


def mirror(square: Tensor) -> None:
    """Write what stands above the blocks on the diagonal below them as well."""
    for first in range(0, len(square), _COLUMNS):
        columns, behind = slice(first, first + _COLUMNS), slice(first + _COLUMNS, None)
        square[behind, columns] = square[columns, behind].T


def factorise(square: Tensor, penalty: float, into: Tensor) -> tuple[Tensor, bool]:
    """Compute the lower Cholesky factor of a symmetric matrix with a penalty on its diagonal.

    Parameters
    ----------
    square
        ``(n, n)``; it is what it was when this returns.
    penalty
        Is added to the diagonal.
    into
        ``(n, n)``: the memory that the factor is written into.

    Returns
    -------
    Tensor
        The factor, ``(n, n)``.
    bool
        Whether there is one: rounding can leave a matrix without.
    """
    diagonal = square.diagonal()
    before = diagonal.clone()
    diagonal += penalty
    # Column after column, as LAPACK writes it: with another layout torch would make a copy.
    factor, info = into.mT, torch.zeros((), dtype=torch.int32, device=square.device)
    torch.linalg.cholesky_ex(square, out=(factor, info))
    diagonal.copy_(before)
    return factor, not int(info)


def solve_factorised(factor: Tensor, targets: Tensor) -> Tensor:
    """Return the inverse of what was factorised times ``(n, n_outputs)``."""
    # Not cholesky_solve, which copies the factor.
    half = torch.linalg.solve_triangular(factor, targets, upper=False)
    solution: Tensor = torch.linalg.solve_triangular(factor.mT, half, upper=True)
    return solution
