"""Shapley values of the parts of one row: exact where all coalitions can be asked for, else sampled with errors.

Walks through permutations of the parts (Castro, Gómez & Tejada 2009), each with its reverse (Mitchell et al. 2022):
base value and contributions add up to the prediction after every walk, whatever the number of samples. Where parts that
are left out have the values of other rows, each pair of walks takes another of these (Štrumbelj & Kononenko 2014), so
that the standard error, of the mean over pairs of walks, is that of the choice of these rows as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Parts up to which all coalitions are asked for: 4096 of them.
MOST_EXACT = 12

#: Pairs of walks that are asked for in one call where an error is waited for, the fewest that are made, and the fewest
#: whose error may end them: that of few pairs may be small by chance.
_TOGETHER, LEAST, _SURE = 16, 2, 8

#: Coalitions that are asked for in one call elsewhere: a pipeline takes milliseconds for a call of however few rows.
_MASKS = 5_000

#: From masks, shape (n_masks, n_parts), True where a part is kept, to answers, (n_masks,). With a number for each mask
#: the parts that are left out are those of that one of the rows compared with; with None answers are means over all.
Answers: TypeAlias = "Callable[[Array, Array | None], Array]"


@dataclass(frozen=True)
class Shares:
    """What each part contributes.

    Attributes
    ----------
    values, errors
        Shape (n_parts,): contributions and their standard errors; errors are 0 where all coalitions were asked for.
    degrees
        Degrees of freedom of the errors.
    base, full
        The answer without any part, and with all.
    asked
        Coalitions that were asked for.
    ended
        What ended the sampling: exact, max_error or num_samples.
    """

    values: Array
    errors: Array
    degrees: float
    base: float
    full: float
    asked: int
    ended: str


def shares(
    answers: Answers, n_parts: int, budget: int | None, seed: int, max_error: float | None = None, n_others: int = 1
) -> Shares:
    """Return the Shapley value of each part.

    Parameters
    ----------
    budget
        Coalitions to ask for at most; `LEAST` pairs of walks are made in any case. None: all that there are.
    max_error
        Standard error at which sampling ends, the largest over the parts.
    n_others
        Rows that are compared with.
    """
    if budget is None:
        return _exact(answers, n_parts)
    return _sampled(answers, n_parts, budget, seed, max_error, n_others)


def _exact(answers: Answers, n_parts: int) -> Shares:
    from math import factorial, inf

    import numpy as np

    codes = np.arange(2**n_parts)
    masks = (codes[:, None] >> np.arange(n_parts)) & 1 == 1
    told = answers(masks, None)
    sizes = masks.sum(axis=1)
    weights = np.array([factorial(s) * factorial(n_parts - s - 1) / factorial(n_parts) for s in range(n_parts)])
    values = np.empty(n_parts)
    for part in range(n_parts):
        without = codes[~masks[:, part]]
        values[part] = (weights[sizes[without]] * (told[without | (1 << part)] - told[without])).sum()
    return Shares(values, np.zeros(n_parts), inf, float(told[0]), float(told[-1]), len(codes), "exact")


def _sampled(answers: Answers, n_parts: int, budget: int, seed: int, max_error: float | None, n_others: int) -> Shares:
    import numpy as np

    generator = np.random.default_rng(seed)
    full = float(answers(np.ones((1, n_parts), dtype=bool), np.zeros(1, dtype=int))[0])
    # Both ends of a walk are asked for once a pair at most: between them are as many coalitions as parts but one.
    of_a_pair = 2 * (n_parts - 1) + 1
    most = max(LEAST, (budget - 1) // of_a_pair)
    if most >= n_others:
        # Each row as often as another.
        most -= most % n_others
    lenders = np.resize(generator.permutation(n_others), most)
    together = _TOGETHER if max_error is not None else max(_TOGETHER, _MASKS // of_a_pair)
    pairs: list[Array] = []
    bases: list[float] = []
    ended = "num_samples"
    while len(pairs) < most:
        others = lenders[len(pairs) : len(pairs) + together]
        orders = [generator.permutation(n_parts) for _ in others]
        walks = np.array([walk for order in orders for walk in (order, order[::-1])])
        none = answers(np.zeros((len(others), n_parts), dtype=bool), others)
        added = _marginal(answers, walks, np.repeat(others, 2), np.repeat(none, 2), full)
        pairs += list(added.reshape(len(orders), 2, n_parts).mean(axis=1))
        bases += none.tolist()
        if max_error is not None and len(pairs) >= _SURE and _errors(pairs, n_others)[0].max() <= max_error:
            ended = "max_error"
            break
    values, asked = np.mean(pairs, axis=0), 1 + len(pairs) * of_a_pair
    errors, degrees = _errors(pairs, n_others)
    return Shares(values, errors, degrees, float(np.mean(bases)), full, asked, ended)


def _marginal(answers: Answers, walks: Array, others: Array, none: Array, full: float) -> Array:
    """Return what each part adds when its turn comes, shape (n_walks, n_parts)."""
    import numpy as np

    n_walks, n_parts = walks.shape
    # Place of each part in each walk; a part is there from its own step on.
    places = np.argsort(walks, axis=1)
    steps = np.arange(1, n_parts)
    masks = places[:, None, :] < steps[None, :, None]
    told = np.empty((n_walks, n_parts + 1))
    told[:, 0], told[:, -1] = none, full
    if n_parts > 1:
        lenders = np.repeat(others, n_parts - 1)
        told[:, 1:-1] = answers(masks.reshape(-1, n_parts), lenders).reshape(n_walks, n_parts - 1)
    added = np.empty((n_walks, n_parts))
    np.put_along_axis(added, walks, np.diff(told, axis=1), axis=1)
    return added


def _errors(pairs: list[Array], n_others: int) -> tuple[Array, int]:
    """Return the standard errors of the means over pairs of walks, shape (n_parts,), and their degrees of freedom."""
    import numpy as np

    rounds, left = divmod(len(pairs), n_others)
    if rounds > 1 and not left:
        # All rows were compared with, each by several walks: which these are is no chance any more.
        spread, estimated = np.reshape(pairs, (rounds, n_others, -1)).var(axis=0, ddof=1).mean(axis=0), n_others
    else:
        spread, estimated = np.var(pairs, axis=0, ddof=1), 1
    return np.sqrt(spread / len(pairs)), len(pairs) - estimated
