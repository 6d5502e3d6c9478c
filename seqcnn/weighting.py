"""How much each member of a committee counts, by what it says of records that it did not learn.

The weights are those under which the mixture of all members makes the known answers most likely (Wolpert 1992, "Stacked
generalization"; Breiman 1996, "Stacked regressions", for positive weights), drawn towards equal ones of the trusted
members, as if some records more had been seen of which each of these knew as much. The others have to earn all of their
weight: few records would else leave some to members that are seldom good. Equal weights, powers of the accuracy and of
the likelihood, and trust in all members were worse on resplits of the training parts of the UCR archive
(docs/recipe.md).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqcnn._types import Float64Array

PRIOR = 0.5
"""Records for each trusted member that pull its weight towards an equal one: few, a weak member among equals hurts."""
LEAST_LIKELY = 1e-12
"""What is given to an answer that was thought impossible."""
LEAST_WEIGHT = 0.02
"""A smaller one is no weight: the member is dropped."""


def weigh_by_likelihood(
    likelihoods: Sequence[Float64Array], counts: Float64Array, trusted: Sequence[bool] | None = None
) -> Float64Array:
    """Return the weights of members, given how likely each makes the known answers.

    Parameters
    ----------
    likelihoods
        ``(n_records,)`` of each member: the probability (or density) that it gives to the known answer.
    counts
        ``(n_records,)``: how much each record counts.
    trusted
        Of each member, whether it has weight before anything is seen; None, or none of them, for all.

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
    pulls = _pulls(n_members, trusted)
    weights: Float64Array = np.full(n_members, 1 / n_members)
    # Expectation and maximisation (Dempster, Laird and Rubin 1977), which never goes down; the problem is concave.
    for _ in range(500):
        parts = weights[:, None] * stacked
        shares = parts / parts.sum(0)
        updated = shares @ counts + pulls
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


def weigh_by_error(
    errors: Sequence[Float64Array], counts: Float64Array, trusted: Sequence[bool] | None = None
) -> Float64Array:
    """Return the weights under which the weighted mean of members has the least squared error.

    Parameters
    ----------
    errors
        ``(n_records, n_targets)`` of each member, in units of the targets' deviation.
    counts
        ``(n_records,)``: how much each record counts.
    trusted
        Of each member, whether it has weight before anything is seen; None, or none of them, for all.

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
    pulls = _pulls(n_members, trusted)
    pull = float(np.sqrt(pulls.sum() / len(counts) * np.square(columns).sum(0).mean())) or 1.0
    # Rows more than there are errors: the pull towards equal weights, and their sum, which outweighs all.
    certain = 1e4 * max(float(np.abs(columns).max()), pull)
    left = np.vstack([columns, pull * np.eye(n_members), np.full((1, n_members), certain)])
    right = np.concatenate([np.zeros(len(columns)), pull * pulls / pulls.sum(), [certain]])
    weights: Float64Array = nnls(left, right)[0]
    weights /= weights.sum()
    return weights


def _pulls(n_members: int, trusted: Sequence[bool] | None) -> Float64Array:
    """Return how many records pull each weight up."""
    pulls: Float64Array = np.full(n_members, PRIOR)
    if trusted is not None and any(trusted):
        pulls[~np.asarray(trusted)] = 0.0
    return pulls
