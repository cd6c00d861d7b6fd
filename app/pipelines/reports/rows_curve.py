"""How good a pipeline is by how many rows it learns from, which tells whether more of them would help."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError
from app.pipelines import evaluate

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    from app.pipelines.dataset import Dataset

    Array = np.ndarray[Any, Any]

#: Shares of the rows that are learned from beside all of them.
_SHARES = (0.125, 0.25, 0.5)

#: Rows, of a classification of each class, that the smallest share must have.
_FEWEST, _OF_A_CLASS = 10, 2

#: Fits to all rows that those to the shares, and their scores, may take together.
_FITS = 1.5


def rows_curve(
    dataset: Dataset, fit: Callable[[Array], Pipeline], fitted: Pipeline, took: float, seconds: float
) -> dict[str, Any] | None:
    """Score a pipeline that has learned from parts of the rows on those held out.

    Parameters
    ----------
    fit
        Fits a clone to the rows of some numbers.
    fitted, took
        Of all rows but those held out, and the seconds of that.
    seconds
        That this may take.

    Returns
    -------
    {"metric", "rows", "held_out", "learned_from"}: how many rows, and the scores on those held out and on those that
    were learned from. None where there is no time, where rows are too few, or of a forecasting, whose windows overlap.
    """
    problem = dataset.problem()
    if dataset.samples.order is not None or took * _FITS > seconds:
        return None
    parts = [_part(dataset, share) for share in _SHARES]
    if any(part is None for part in parts):
        return None
    points = []
    for rows in parts:
        assert rows is not None
        # Neighbours may be more than a part has rows; the curve then begins later.
        with suppress(ServiceError):
            points.append((rows, fit(rows)))
    points.append((dataset.seen, fitted))
    return {
        "metric": problem.metric.name,
        "rows": [len(rows) for rows, _ in points],
        "held_out": [_score(dataset, one, dataset.unseen) for _, one in points],
        "learned_from": [_score(dataset, one, rows) for rows, one in points],
    }


def _part(dataset: Dataset, share: float) -> Array | None:
    """Return the numbers of a share of the rows that are learned from: of each class alike, in time the latest."""
    import numpy as np

    data, seen = dataset.samples, dataset.seen
    count = int(share * len(seen))
    if count < _FEWEST:
        return None
    if data.times is not None:
        return seen[np.argsort(data.times[seen], kind="stable")][-count:]
    order = np.random.default_rng(dataset.parameters.seed).permutation(seen)
    if not data.classes:
        return order[:count]
    taken = []
    for code in range(len(data.classes)):
        own = order[data.y[order] == code]
        if int(share * len(own)) < _OF_A_CLASS:
            return None
        taken.append(own[: int(share * len(own))])
    return np.concatenate(taken)


def _score(dataset: Dataset, fitted: Pipeline, rows: Array) -> float | None:
    """Score on some rows; None where these cannot be predicted or measured."""
    problem, data = dataset.problem(), dataset.samples
    weights = None if data.weights is None else data.weights[rows]
    with suppress(ServiceError):
        predicted = evaluate.predict(fitted, data.X.iloc[rows], len(data.classes))
        found = problem.metric.score(data.y[rows], predicted, weights)
        return found if found == found else None
    return None
