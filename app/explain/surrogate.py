"""The local linear model of LIME (Ribeiro, Singh & Guestrin 2016), whatever the parts that are left out.

A ridge regression of the model's answers on which parts are as in the row, each drawn row weighed by how near it is.
All outputs are fitted at once, as they share the rows drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.explain import variates
from app.explain.base import Asked, Subject
from app.explain.found import Contribution, Local, Part
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

    #: From a number of samples, a generator, and whether the first of them is the explained row itself.
    Draw = Callable[[int, np.random.Generator, bool], "Rows"]

#: Of the ridge regression, as in LIME.
_ALPHA = 1.0

#: Samples of the first round where an error is asked for, at least and for each part; each round doubles what there is.
_FIRST, _FOR_EACH = 500, 5

#: Share of its own prediction that a row decides at most: one that decides all tells nothing of the others.
_MOST_OWN = 0.999

#: Rows that are worked on at once: arrays that do not fit into a core's cache take three times as long.
_BLOCK = 1_000


@dataclass(frozen=True)
class Fit:
    """A local linear model of one output.

    Attributes
    ----------
    weights, errors
        Shape (n_parts,): weights and their standard errors.
    base
        What it predicts without any part.
    fidelity
        R² on the drawn rows, weighed, each predicted by a model of the others: with many parts and few rows a linear
        model follows what it has seen whatever it is.
    divergence
        Mean Kullback-Leibler divergence from the model's probabilities to those of the linear models of all classes,
        weighed; None for numbers.
    """

    weights: Array
    errors: Array
    base: float
    fidelity: float
    divergence: float | None


@dataclass(frozen=True)
class Rows:
    """Rows and what the model answers to them.

    Attributes
    ----------
    masks
        Which parts are as in the explained row, shape (n_rows, n_parts).
    answers
        Shape (n_rows, n_outputs).
    strata
        The group of each value, shape (n_rows, n_parts), where each was drawn by itself; None of other parts.
    """

    masks: Array
    answers: Array
    strata: Array | None = None

    def __len__(self) -> int:
        return len(self.masks)

    def __add__(self, other: Rows) -> Rows:
        """Return these rows and others."""
        import numpy as np

        both = None
        if self.strata is not None and other.strata is not None:
            both = np.concatenate([self.strata, other.strata])
        answers = np.concatenate([self.answers, other.answers])
        return Rows(np.concatenate([self.masks, other.masks]), answers, both)


@dataclass(frozen=True)
class Around:
    """What lies around a row.

    Attributes
    ----------
    draw
        Draws rows near it.
    nearness
        From masks to the weight of each row, shape (n_samples,).
    """

    draw: Draw
    nearness: Callable[[Array], Array]


def explain(
    subject: Subject,
    parts: Sequence[Part],
    asked: Asked,
    around: Around,
    n_samples: int,
    conditions: Sequence[str | None] | None = None,
) -> Local:
    """Draw until the largest standard error is below `max_error`, or there are `n_samples` with the row, and fit.

    Parameters
    ----------
    conditions
        What the row's own value of each part is like, where parts are columns.
    """
    import numpy as np

    max_error = asked.parameters.max_error
    generator = np.random.default_rng(asked.seed)
    count = n_samples if max_error is None else min(max(_FIRST, _FOR_EACH * len(parts)), n_samples)
    rows = around.draw(count, generator, True)
    ended = "num_samples"
    while True:
        found = fit(rows, around.nearness(rows.masks), asked.output, subject.task is Task.CLASSIFICATION)
        if max_error is not None and found.errors.max(initial=0.0) <= max_error:
            ended = "max_error"
        if ended == "max_error" or len(rows) >= n_samples:
            break
        rows += around.draw(min(len(rows), n_samples - len(rows)), generator, False)
    shown = conditions or [None] * len(parts)
    contributions = [
        Contribution(part, float(weight), float(error), condition)
        for part, weight, error, condition in zip(parts, found.weights, found.errors, shown, strict=True)
    ]
    trust: dict[str, float | None] = {
        "fidelity": found.fidelity,
        "standard_error": float(found.errors.max(initial=0.0)),
    }
    if found.divergence is not None:
        trust["divergence"] = found.divergence
    return Local(
        contributions,
        base_value=found.base,
        local_prediction=float(found.base + found.weights.sum()),
        trust=trust,
        algorithm="lime",
        scale=subject.scale,
        num_samples=len(rows),
        ended=ended,
    )


def fit(rows: Rows, near: Array, output: int, classes: bool) -> Fit:
    """Fit the linear model of one output; of classes all of them, for the divergence.

    Parameters
    ----------
    near
        Weight of each row, shape (n_rows,).
    """
    import numpy as np

    masks = rows.masks
    chosen = rows.answers if classes else rows.answers[:, [output]]
    place = output if classes else 0
    total = near.sum()
    blocks = [slice(first, first + _BLOCK) for first in range(0, len(masks), _BLOCK)]
    x_mean = np.sum([near[block] @ masks[block] for block in blocks], axis=0) / total
    y_mean = near @ chosen / total
    gram, cross = _ALPHA * np.eye(masks.shape[1]), np.zeros((masks.shape[1], chosen.shape[1]))
    roots = np.sqrt(near)[:, None]
    for block in blocks:
        # The same array on either side: half of a symmetric product is enough.
        weighed = (masks[block] - x_mean) * roots[block]
        gram += weighed.T @ weighed
        cross += weighed.T @ ((chosen[block] - y_mean) * roots[block])
    inverse = np.linalg.inv(gram)
    weights = inverse @ cross
    by_chance = np.zeros(len(masks))
    if rows.strata is not None:
        missed = chosen[:, place] - y_mean[place] - (masks @ weights[:, place] - x_mean @ weights[:, place])
        by_chance = variates.beside(masks, rows.strata, missed, near)
        # Its weighed mean is 0. What one class has less, the others have more.
        less = inverse @ ((near * by_chance) @ masks)
        others = np.arange(chosen.shape[1]) != place
        weights[:, others] += less[:, None] / max(1, others.sum())
        weights[:, place] -= less
    # Of errors seven digits are enough, which are computed in half the time.
    rough = inverse.astype("float32")
    local, missed, squares = np.empty_like(chosen), np.empty(len(masks)), np.zeros(masks.shape[1])
    for block in blocks:
        x = masks[block] - x_mean
        local[block] = y_mean + x @ weights
        x = x.astype("float32")
        pulls = x @ rough
        # By how much each row draws the model to itself; what it would be missed by without that (Allen 1974).
        own = (near[block] * (1 / total + np.einsum("ij,ij->i", pulls, x))).clip(max=_MOST_OWN)
        apart = (chosen[block] - local[block])[:, place]
        missed[block] = apart / (1 - own)
        # Heteroscedastic, of few rows (White 1980, MacKinnon & White 1985): what is near counts for more, and is drawn
        # no more often.
        squares += (near[block] * (apart - by_chance[block]) / (1 - own)) ** 2 @ pulls**2
    unexplained, spread = float(near @ missed**2), float(near @ (chosen[:, place] - y_mean[place]) ** 2)
    return Fit(
        weights=weights[:, place],
        errors=np.sqrt(squares),
        base=float((y_mean - x_mean @ weights)[place]),
        # A model that never changes its answer is met exactly.
        fidelity=1.0 - unexplained / spread if spread > 1e-24 * total else 1.0,
        divergence=_divergence(chosen, local, near) if classes else None,
    )


def _divergence(answers: Array, local: Array, near: Array) -> float:
    import numpy as np

    tiny = 1e-9
    p, q = answers.clip(tiny, 1), local.clip(tiny, 1)
    # Products, as NumPy takes ten times as long to add up rows of a few numbers.
    whole = np.ones((p.shape[1], 1))
    p, q = p / (p @ whole), q / (q @ whole)
    return float((near @ (p * np.log(p / q))).sum() / near.sum())
