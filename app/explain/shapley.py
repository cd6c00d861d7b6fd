"""Shapley values of the parts of one row: exact where all coalitions can be asked for, else sampled with errors.

Walks through permutations of the parts (Castro, Gómez & Tejada 2009), each with its reverse (Mitchell et al. 2022):
base value and contributions add up to the prediction after every walk, whatever the number of samples. The standard
error of a contribution is that of the mean over pairs of walks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Parts up to which all coalitions are asked for: 4096 of them.
MOST_EXACT = 12

#: Pairs of walks that are asked for in one call, the fewest that are made, and the fewest before an error ends them.
_TOGETHER, LEAST, _FEWEST = 8, 2, 4


@dataclass(frozen=True)
class Shares:
    """What each part contributes.

    Attributes
    ----------
    values, errors
        Shape (n_parts,): contributions and their standard errors; errors are 0 where all coalitions were asked for.
    base, full
        The answer without any part, and with all.
    asked
        Coalitions that were asked for.
    ended
        What ended the sampling: exact, max_error or num_samples.
    """

    values: Array
    errors: Array
    base: float
    full: float
    asked: int
    ended: str


def shares(
    answers: Callable[[Array], Array], n_parts: int, budget: int | None, seed: int, max_error: float | None = None
) -> Shares:
    """Return the Shapley value of each part.

    Parameters
    ----------
    answers
        From masks, shape (n_masks, n_parts), True where a part is kept, to the answers, (n_masks,).
    budget
        Coalitions to ask for at most; two pairs of walks are made in any case. None: all that there are.
    max_error
        Standard error at which sampling ends, the largest over the parts.
    """
    if budget is None:
        return _exact(answers, n_parts)
    return _sampled(answers, n_parts, budget, seed, max_error)


def _exact(answers: Callable[[Array], Array], n_parts: int) -> Shares:
    from math import factorial

    import numpy as np

    codes = np.arange(2**n_parts)
    masks = (codes[:, None] >> np.arange(n_parts)) & 1 == 1
    told = answers(masks)
    sizes = masks.sum(axis=1)
    weights = np.array([factorial(s) * factorial(n_parts - s - 1) / factorial(n_parts) for s in range(n_parts)])
    values = np.empty(n_parts)
    for part in range(n_parts):
        without = codes[~masks[:, part]]
        values[part] = (weights[sizes[without]] * (told[without | (1 << part)] - told[without])).sum()
    return Shares(values, np.zeros(n_parts), float(told[0]), float(told[-1]), len(codes), "exact")


def _sampled(
    answers: Callable[[Array], Array], n_parts: int, budget: int, seed: int, max_error: float | None
) -> Shares:
    import numpy as np

    generator = np.random.default_rng(seed)
    none, every = answers(np.array([[False] * n_parts, [True] * n_parts]))
    # The ends of a walk are known: between them there are as many coalitions as parts but one, twice a pair.
    of_a_pair = 2 * (n_parts - 1)
    most = max(LEAST, (budget - 2) // max(1, of_a_pair))
    pairs: list[Array] = []
    ended = "num_samples"
    while len(pairs) < most:
        orders = [generator.permutation(n_parts) for _ in range(min(_TOGETHER, most - len(pairs)))]
        walks = np.array([walk for order in orders for walk in (order, order[::-1])])
        pairs += list(_marginal(answers, walks, none, every).reshape(len(orders), 2, n_parts).mean(axis=1))
        if max_error is not None and len(pairs) >= _FEWEST and _errors(pairs).max() <= max_error:
            ended = "max_error"
            break
    values = np.mean(pairs, axis=0)
    return Shares(values, _errors(pairs), float(none), float(every), 2 + len(pairs) * of_a_pair, ended)


def _marginal(answers: Callable[[Array], Array], walks: Array, none: float, every: float) -> Array:
    """Return what each part adds when its turn comes, shape (n_walks, n_parts)."""
    import numpy as np

    n_walks, n_parts = walks.shape
    # Place of each part in each walk; a part is there from its own step on.
    places = np.argsort(walks, axis=1)
    steps = np.arange(1, n_parts)
    masks = places[:, None, :] < steps[None, :, None]
    told = np.empty((n_walks, n_parts + 1))
    told[:, 0], told[:, -1] = none, every
    if n_parts > 1:
        told[:, 1:-1] = answers(masks.reshape(-1, n_parts)).reshape(n_walks, n_parts - 1)
    added = np.empty((n_walks, n_parts))
    np.put_along_axis(added, walks, np.diff(told, axis=1), axis=1)
    return added


def _errors(pairs: list[Array]) -> Array:
    import numpy as np

    errors: Array = np.std(pairs, axis=0, ddof=1) / np.sqrt(len(pairs))
    return errors
