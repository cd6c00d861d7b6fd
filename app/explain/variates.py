"""Control variates: what rows drawn at random answer by chance, taken from their answers before anything is fitted.

A local linear model sees of a value only whether it is like the row's own, and all that values change beside that is
noise to it. Where each value is drawn by itself, what the values of one column change on average is known from the same
answers, and is the same with and without the others: without it a fit has the same expectation, and less variance
(Owen, Monte Carlo theory, methods and examples, section 8.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Rows of a group, of average weight, below which it is left as it is.
_FEW = 10


def beside(masks: Array, strata: Array, missed: Array, near: Array) -> Array:
    """Return what of each answer its values explain, and the masks do not, shape (n_rows,).

    Of each column it is on average 0 over the rows that have the part, and over those that do not. As it is estimated
    of the same rows, it is less by as much as of columns that explain nothing would be found (James & Stein 1961).

    Parameters
    ----------
    masks, strata
        Which parts each row has, and the group of each value, shape (n_rows, n_parts).
    missed
        By how much a linear model of the masks misses each answer, shape (n_rows,). Of the answers themselves what one
        part weighs would be found again, by chance, in the groups of the others, and be taken from its weight.
    near
        The weight of each row, shape (n_rows,).
    """
    import numpy as np

    n_parts, n_groups, total = masks.shape[1], 2 * (int(strata.max(initial=0)) + 1), near.sum()
    # Column by column, as arrays of all of them do not fit into a core's cache.
    groups = [2 * strata[:, part] + masks[:, part] for part in range(n_parts)]
    weights, sums = (
        np.array([np.bincount(each, values, n_groups) for each in groups]).reshape(n_parts, -1, 2)
        for values in (near, near * missed)
    )
    # What few rows answer is mostly their own; all the more of the explained row itself, which nothing weighs up.
    few = weights < _FEW * total / len(near)
    weights[few] = sums[few] = 0.0
    means = _divided(sums, weights) - _divided(sums.sum(axis=1), weights.sum(axis=1))[:, None, :]
    means[few] = 0.0
    found = (weights * means**2).sum(axis=(1, 2))
    degrees = (weights > 0).sum(axis=(1, 2)) - (weights.sum(axis=1) > 0).sum(axis=1)
    by_chance = degrees * (near @ missed**2 / total) * (near @ near / total)
    explained = np.zeros(len(missed))
    for part in np.flatnonzero(found > by_chance):
        explained += ((1 - by_chance[part] / found[part]) * means[part]).ravel().take(groups[part])
    return explained


def _divided(numbers: Array, by: Array) -> Array:
    import numpy as np

    return np.divide(numbers, by, out=np.zeros_like(numbers), where=by > 0)
