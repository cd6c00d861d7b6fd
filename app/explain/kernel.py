"""Shapley values of parts by regression (KernelSHAP, Lundberg & Lee 2017), where nothing but parts is left to chance.

Each coalition is drawn with its complement (Covert & Lee 2021), and all of a size are asked for as soon as there would
be as many draws of it. What is answered without some parts is explained by a linear model of those that are there,
whose weights add up to what all parts change. From as many answers it misses the values by half of what walks through
permutations do; that a part changes nothing it tells only roughly, where walks give 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from app.explain.shapley import Shares

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Coalitions for each part that are asked for in any case. Where an error is waited for: those that are planned with at
#: first, and pairs that are drawn in the first round; each further one doubles what there is.
_LEAST, _SOON, _FIRST = 4, 8, 32

#: Share of its own residual that a coalition decides at most: one that decides all tells nothing of the others.
_MOST_OWN = 0.999

#: By how much a number may be missed that should be the whole of another.
_ROUNDING = 1 + 1e-9


def shares(
    answers: Callable[[Array], Array], n_parts: int, budget: int, seed: int, max_error: float | None = None
) -> Shares:
    """Return the Shapley value of each part.

    Parameters
    ----------
    answers
        From masks, shape (n_masks, n_parts), True where a part is kept, to answers, (n_masks,).
    budget
        Coalitions to ask for at most; four a part are in any case.
    max_error
        Standard error at which sampling ends, the largest over the parts.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    base, full = (float(value) for value in answers(np.array([[False] * n_parts, [True] * n_parts])))
    if n_parts == 1:
        return Shares(np.array([full - base]), np.zeros(1), math.inf, base, full, 2, "exact")
    left = max(budget, _LEAST * n_parts) - 2
    sizes = _Sizes.of(n_parts, left if max_error is None else min(left, _SOON * n_parts))
    masks, weights = sizes.all()
    told = answers(masks) - base
    n_certain, n_pairs = len(masks), (left - len(masks)) // 2
    if not len(sizes.drawn):
        values, _ = _fitted(masks, weights, told, full - base, n_certain)
        return Shares(values, np.zeros(n_parts), math.inf, base, full, 2 + n_certain, "exact")
    ended = "num_samples"
    while True:
        pairs = (len(masks) - n_certain) // 2
        more = sizes.draw(n_pairs if max_error is None else min(max(_FIRST, pairs), n_pairs - pairs), generator)
        masks, told = np.concatenate([masks, more]), np.concatenate([told, answers(more) - base])
        drawn = len(masks) - n_certain
        each = np.concatenate([weights, np.full(drawn, sizes.left / drawn)])
        values, errors = _fitted(masks, each, told, full - base, n_certain)
        if max_error is not None and errors.max() <= max_error:
            ended = "max_error"
        if ended == "max_error" or drawn // 2 >= n_pairs:
            return Shares(values, errors, drawn // 2 - 1, base, full, 2 + len(masks), ended)


@dataclass(frozen=True)
class _Sizes:
    """Sizes of coalitions, each with that of the complements, by how much they weigh in a Shapley value.

    Attributes
    ----------
    weights
        Of the sizes from 1 to half of the parts, shape (n_sizes,); they add up to 1.
    n_certain
        Sizes of which all coalitions are asked for, the smallest ones.
    """

    n_parts: int
    weights: Array
    n_certain: int

    @classmethod
    def of(cls, n_parts: int, budget: int) -> _Sizes:
        """Ask for all coalitions of a size where as many would be drawn of it; of one part, or all but one, always."""
        import numpy as np

        sizes = np.arange(1, n_parts // 2 + 1)
        weights = np.where(2 * sizes == n_parts, 1, 2) * (n_parts - 1) / (sizes * (n_parts - sizes))
        weights /= weights.sum() or 1.0
        n_certain, left, share = 0, budget, 1.0
        for size, weight in zip(sizes.tolist(), weights.tolist(), strict=True):
            count = math.comb(n_parts, size) * (1 if 2 * size == n_parts else 2)
            if count > (left * weight / share * _ROUNDING if n_certain else left):
                break
            n_certain, left, share = n_certain + 1, left - count, share - weight
        return cls(n_parts, weights, n_certain)

    @property
    def drawn(self) -> Array:
        """Weights of the sizes whose coalitions are drawn."""
        return self.weights[self.n_certain :]

    @property
    def left(self) -> float:
        """What these weigh together."""
        return float(self.drawn.sum())

    def all(self) -> tuple[Array, Array]:
        """Return all coalitions of the smallest sizes and their complements, and what each weighs."""
        import numpy as np

        found, weights = np.empty((0, self.n_parts), dtype=bool), np.empty(0)
        for size, weight in enumerate(self.weights[: self.n_certain].tolist(), 1):
            chosen = np.array(list(combinations(range(self.n_parts), size)))
            masks = np.zeros((len(chosen), self.n_parts), dtype=bool)
            np.put_along_axis(masks, chosen, values=True, axis=1)
            if 2 * size != self.n_parts:
                masks = np.concatenate([masks, ~masks])
            found = np.concatenate([found, masks])
            weights = np.concatenate([weights, np.full(len(masks), weight / len(masks))])
        return found, weights

    def draw(self, n_pairs: int, generator: np.random.Generator) -> Array:
        """Draw coalitions of the other sizes, each with its complement behind it, shape (2 * n_pairs, n_parts)."""
        import numpy as np

        sizes = self.n_certain + 1 + generator.choice(len(self.drawn), n_pairs, p=self.drawn / self.left)
        numbers = generator.random((n_pairs, self.n_parts))
        last = np.sort(numbers, axis=1)[np.arange(n_pairs), sizes - 1]
        masks = numbers <= last[:, None]
        return np.stack([masks, ~masks], axis=1).reshape(-1, self.n_parts)


def _fitted(masks: Array, weights: Array, told: Array, total: float, n_certain: int) -> tuple[Array, Array]:
    """Return the weights of a linear model that add up to a total, and their standard errors, shapes (n_parts,).

    The first coalitions are no choice; behind them are pairs, which are drawn. Errors are those of weighed regressions
    whatever the residuals are like (White 1980, MacKinnon & White 1985), by pairs.
    """
    import numpy as np

    x = masks.astype("float64")
    weighed = x * weights[:, None]
    inverse = np.linalg.inv(weighed.T @ x)
    rows = inverse.sum(axis=1)
    toward = weighed.T @ told
    values = inverse @ toward - rows * ((rows @ toward - total) / rows.sum())
    # What moves the weights without their sum.
    projected = inverse - np.outer(rows, rows) / rows.sum()
    pulls = x @ projected
    own = (weights * np.einsum("ij,ij->i", pulls, x)).clip(max=_MOST_OWN)
    moved = pulls * (weights * (told - x @ values) / (1 - own))[:, None]
    pairs = moved[n_certain:].reshape(-1, 2, x.shape[1]).sum(axis=1)
    if len(pairs) < 2:
        return values, np.full(x.shape[1], np.inf)
    return values, np.sqrt(len(pairs) * pairs.var(axis=0, ddof=1))
