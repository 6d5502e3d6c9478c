"""How much each member of a committee counts, by what it says of records that it did not learn.

The weights are those under which the mixture of all members makes the known answers most likely (Wolpert 1992, "Stacked
generalization"; Breiman 1996, "Stacked regressions", for positive weights), drawn towards equal ones as if some records
more had been seen of which every member knew as much. Equal weights, powers of the accuracy and of the likelihood were
worse on resplits of the training parts of the UCR archive (docs/recipe.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqcnn._types import Float64Array

PRIOR = 0.3
"""Records for each member that pull its weight towards an equal one: few, a weak member among equals hurts."""
LEAST_LIKELY = 1e-12
"""What is given to an answer that was thought impossible."""
LEAST_WEIGHT = 0.02
"""A smaller one is no weight: the member is dropped."""


def weigh_by_likelihood(likelihoods: Sequence[Float64Array], counts: Float64Array) -> Float64Array:
    """Return the weights of members, given how likely each makes the known answers.

    Parameters
    ----------
    likelihoods
        ``(n_records,)`` of each member: the probability (or density) that it gives to the known answer.
    counts
        ``(n_records,)``: how much each record counts.

    Returns
    -------
    ndarray
        ``(n_members,)``, with a sum of one.

    Examples
    --------
    >>> mostly_right, never_sure = np.array([0.9] * 9 + [0.1]), np.full(10, 0.6)
    >>> weights = weigh_by_likelihood([mostly_right, never_sure], np.ones(10))
    >>> bool(weights[0] > weights[1] > 0.02)
    True
    """
    stacked = np.maximum(np.stack(likelihoods), LEAST_LIKELY)
    # Mean one, so that the prior means the same whatever the weights' unit.
    counts = counts / counts.mean()
    n_members = len(stacked)
    weights: Float64Array = np.full(n_members, 1 / n_members)
    # Expectation and maximisation (Dempster, Laird and Rubin 1977), which never goes down; the problem is concave.
    for _ in range(500):
        parts = weights[:, None] * stacked
        shares = parts / parts.sum(0)
        updated = shares @ counts + PRIOR
        updated /= updated.sum()
        done = np.abs(updated - weights).max() < 1e-7
        weights = updated
        if done:
            break
    return weights


def drop_little(weights: Float64Array) -> Float64Array:
    """Set weights below :data:`LEAST_WEIGHT` to zero, and let the others sum to one."""
    kept: Float64Array = np.where(weights < min(LEAST_WEIGHT, weights.max()), 0.0, weights)
    kept /= kept.sum()
    return kept


def weigh_by_error(errors: Sequence[Float64Array], counts: Float64Array) -> Float64Array:
    """Return the weights under which the weighted mean of members has the least squared error.

    Parameters
    ----------
    errors
        ``(n_records, n_targets)`` of each member, in units of the targets' deviation.
    counts
        ``(n_records,)``: how much each record counts.

    Returns
    -------
    ndarray
        ``(n_members,)``, with a sum of one.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> weigh_by_error([generator.normal(size=(1000, 1)), generator.normal(size=(1000, 1))], np.ones(1000)).round(1)
    array([0.5, 0.5])
    """
    from scipy.optimize import nnls  # type: ignore[import-untyped]

    n_members = len(errors)
    counts = counts / counts.sum()
    # As weights have a sum of one, the error of their mean is the mean of their errors.
    columns = np.stack([(np.sqrt(counts)[:, None] * error).ravel() for error in errors], axis=1)
    # Members without any error leave it to the pull alone.
    pull = float(np.sqrt(PRIOR * n_members / len(counts) * np.square(columns).sum(0).mean())) or 1.0
    # Two rows more than the members: the pull towards equal weights, and their sum, which outweighs all.
    certain = 1e4 * max(float(np.abs(columns).max()), pull)
    left = np.vstack([columns, pull * np.eye(n_members), np.full((1, n_members), certain)])
    right = np.concatenate([np.zeros(len(columns)), np.full(n_members, pull / n_members), [certain]])
    weights: Float64Array = nnls(left, right)[0]
    weights /= weights.sum()
    return weights
