"""The local linear model of LIME (Ribeiro, Singh & Guestrin 2016), whatever the parts that are left out.

A ridge regression of the model's answers on which parts are as in the row, each drawn row weighed by how near it is.
All outputs are fitted at once, as they share the rows drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.explain.base import Asked, Subject
from app.explain.found import Contribution, Local, Part
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

    #: From a number of samples and a generator to masks, (n_samples, n_parts), and answers, (n_samples, n_outputs).
    Draw = Callable[[int, np.random.Generator], tuple[Array, Array]]

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
class Around:
    """What lies around a row.

    Attributes
    ----------
    itself
        The row's own mask, with all of its parts, and answer, shapes (1, n_parts) and (1, n_outputs).
    draw
        Draws rows near it.
    nearness
        From masks to the weight of each row, shape (n_samples,).
    """

    itself: tuple[Array, Array]
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
    drawn = around.draw(count - 1, generator)
    masks, answers = (np.concatenate(both) for both in zip(around.itself, drawn, strict=True))
    ended = "num_samples"
    while True:
        found = fit(masks, answers, around.nearness(masks), asked.output, subject.task is Task.CLASSIFICATION)
        if max_error is not None and found.errors.max(initial=0.0) <= max_error:
            ended = "max_error"
        if ended == "max_error" or len(masks) >= n_samples:
            break
        more = around.draw(min(len(masks), n_samples - len(masks)), generator)
        masks, answers = np.concatenate([masks, more[0]]), np.concatenate([answers, more[1]])
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
        num_samples=len(masks),
        ended=ended,
    )


def fit(masks: Array, answers: Array, near: Array, output: int, classes: bool) -> Fit:
    """Fit the linear model of one output; of classes all of them, for the divergence."""
    import numpy as np

    chosen = answers if classes else answers[:, [output]]
    place = output if classes else 0
    total = near.sum()
    x_mean, y_mean = near @ masks / total, near @ chosen / total
    blocks = [slice(first, first + _BLOCK) for first in range(0, len(masks), _BLOCK)]
    gram, cross = _ALPHA * np.eye(masks.shape[1]), np.zeros((masks.shape[1], chosen.shape[1]))
    roots = np.sqrt(near)[:, None]
    for block in blocks:
        # The same array on either side: half of a symmetric product is enough.
        weighed = (masks[block] - x_mean) * roots[block]
        gram += weighed.T @ weighed
        cross += weighed.T @ ((chosen[block] - y_mean) * roots[block])
    inverse = np.linalg.inv(gram)
    weights = inverse @ cross
    # Of errors seven digits are enough, which are computed in half the time.
    rough = inverse.astype("float32")
    local, residuals, squares = np.empty_like(chosen), np.empty(len(masks)), np.zeros(masks.shape[1])
    for block in blocks:
        x = masks[block] - x_mean
        local[block] = y_mean + x @ weights
        x = x.astype("float32")
        pulls = x @ rough
        # By how much each row draws the model to itself; what it would be missed by without that (Allen 1974).
        own = (near[block] * (1 / total + np.einsum("ij,ij->i", pulls, x))).clip(max=_MOST_OWN)
        residuals[block] = (chosen[block] - local[block])[:, place] / (1 - own)
        # Heteroscedastic, of few rows (White 1980, MacKinnon & White 1985): what is near counts for more, and is drawn
        # no more often.
        squares += (near[block] * residuals[block]) ** 2 @ pulls**2
    unexplained, spread = float(near @ residuals**2), float(near @ (chosen[:, place] - y_mean[place]) ** 2)
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
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    return float(near @ (p * np.log(p / q)).sum(axis=1) / near.sum())
