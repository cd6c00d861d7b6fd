"""How much a model needs each of its columns."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError
from app.pipelines.evaluate import predict
from app.pipelines.reports.curves import number, numbers
from app.pipelines.reports.model_importances import model_importances

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from app.pipelines.metrics import Metric

    Array = np.ndarray[Any, Any]

#: Rows that are predicted, columns that are permuted, and times that each is.
ROWS, COLUMNS, REPEATS = 2_000, 100, 10

#: Rows that the model is asked for at once, those of several columns together: a pipeline takes milliseconds for a call
#: of however few rows.
_TOGETHER = 4_000

#: Repeats from which on a spread can be told.
FEWEST = 2

#: Share of the seconds that may go into the choice of columns, where there are more than `COLUMNS`.
_CHOICE = 0.4


def importances(
    fitted: Pipeline,
    X: pd.DataFrame,
    y: Array,
    metric: Metric,
    seed: int,
    seconds: float,
    weights: Array | None = None,
) -> dict[str, Any]:
    """Permute one column of X after the other and tell what that costs (Breiman 2001).

    It is what `sklearn.inspection.permutation_importance` does to a whole pipeline, but for the limit: that one knows
    no time, and permutes every column. A column of images or of signals is permuted as one. Columns that tell the same
    stand in for each other, so that each by itself may seem needless.

    Parameters
    ----------
    fitted
        Takes rows of X.
    X, y
        Rows that `fitted` was not trained on, shape (n_samples, n_columns), and their codes or targets. Of more than
        `ROWS` a sample is taken.
    seconds
        Wall time after which no repeat is begun, and none goes on; columns that are being predicted are finished.
    weights
        Of the rows, shape (n_samples,).

    Returns
    -------
    "baseline" is the score of the rows as they are, and `columns` {"name", "mean", "std", "values": [one a repeat]}:
    how much worse the score is with that column permuted, greater is more important whatever the metric; the most
    important first. `repeats` were made in whole. `left_out` columns were not permuted, and `note` says why. `model`
    has what the model itself says of its columns, or is None: see `model_importances`.
    """
    started = time.monotonic()
    rows = _sample(len(X), seed)
    X, y, weights = X.iloc[rows], y[rows], None if weights is None else weights[rows]
    own = model_importances(fitted, list(X.columns))
    described: dict[str, Any] = {"metric": metric.name, "rows": len(X), "seed": seed, "repeats": 0, "model": own}
    work = _Permutation(fitted, X, y, metric, seed, weights)
    described["baseline"] = number(work.baseline)
    if len(X.columns) == 1:
        note = "There is a single column, which all depends on."
    elif math.isnan(work.baseline):
        note = "The metric cannot be measured on these rows."
    else:
        return described | _repeated(work, own, started, seconds)
    return described | {"columns": [], "left_out": len(X.columns), "note": note}


def _sample(n_rows: int, seed: int) -> Array:
    import numpy as np

    if n_rows <= ROWS:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(seed).choice(n_rows, ROWS, replace=False))


class _Permutation:
    """The score of a model on rows of which one column is permuted.

    Attributes
    ----------
    baseline
        The score of the rows as they are.
    together
        Columns whose costs are asked for at once.
    """

    def __init__(
        self, fitted: Pipeline, X: pd.DataFrame, y: Array, metric: Metric, seed: int, weights: Array | None
    ) -> None:
        self._fitted, self.X, self._y, self._metric = fitted, X, y, metric
        self._seed, self._weights = seed, weights
        (self.baseline,) = self._scores(X)
        self.together = max(1, _TOGETHER // len(X))

    def costs(self, columns: Sequence[int], repeat: int) -> list[float]:
        """Return how much worse the score is for each column; NaN where the permuted rows cannot be predicted."""
        import pandas as pd

        scores = self._scores(pd.concat([self._permuted(column, repeat) for column in columns]))
        if len(scores) < len(columns):
            # One of them is refused, and all with it.
            return [self.costs([column], repeat)[0] for column in columns]
        return [self._metric.sign * (self.baseline - score) for score in scores]

    def _permuted(self, column: int, repeat: int) -> pd.DataFrame:
        import numpy as np

        # By its own generator, so that a value is the same whether time was left for others or not.
        order = np.random.default_rng([self._seed, repeat, column]).permutation(len(self.X))
        name = self.X.columns[column]
        permuted = self.X[name].iloc[order].set_axis(self.X.index)
        X = self.X.copy(deep=False)
        X[name] = permuted
        return X

    def _scores(self, X: pd.DataFrame) -> list[float]:
        """Return the score of each so many rows as there are; one NaN where they cannot be predicted."""
        import numpy as np

        try:
            predicted = predict(self._fitted, X, self._metric.n_classes)
        except ServiceError:
            return [math.nan]
        each = np.split(predicted, len(X) // len(self._y))
        return [self._metric.score(self._y, some, self._weights) for some in each]


def _repeated(work: _Permutation, own: dict[str, Any] | None, started: float, seconds: float) -> dict[str, Any]:
    notes = []
    columns = list(range(work.X.shape[1]))
    if len(columns) > COLUMNS:
        columns, how = _likeliest(work, own, started + _CHOICE * seconds)
        notes.append(f"Of {work.X.shape[1]} columns the {len(columns)} were permuted {how}.")
    values: dict[int, list[float]] = {column: [] for column in columns}
    repeats = 0
    while repeats < REPEATS and _round(work, values, repeats, started + seconds):
        repeats += 1
    if repeats < REPEATS:
        # Of a round that the limit cut short, only the columns that have no other value keep theirs.
        values = {column: found[: max(1, repeats)] for column, found in values.items()}
        reached = sum(1 for found in values.values() if found)
        if repeats < FEWEST:
            notes.append(
                f"There was time for {repeats} whole repeat(s): {reached} columns have a value, without a spread."
            )
    return {
        "repeats": repeats,
        "columns": _described(work.X, values),
        "left_out": work.X.shape[1] - sum(1 for found in values.values() if found),
        "note": " ".join(notes) or None,
    }


def _round(work: _Permutation, values: dict[int, list[float]], repeat: int, until: float) -> bool:
    """Permute each column once more; tell whether there was time for all."""
    columns = list(values)
    for first in range(0, len(columns), work.together):
        if time.monotonic() > until:
            return False
        some = columns[first : first + work.together]
        for column, cost in zip(some, work.costs(some, repeat), strict=True):
            values[column].append(cost)
    return True


def _likeliest(work: _Permutation, own: dict[str, Any] | None, until: float) -> tuple[list[int], str]:
    """Choose the columns that are permuted, and say how they were chosen."""
    if own is not None:
        place = {name: number for number, name in enumerate(work.X.columns)}
        return [place[column["name"]] for column in own["columns"][:COLUMNS]], "that the model itself says to use most"
    first: dict[int, list[float]] = {column: [] for column in range(work.X.shape[1])}
    # By another repeat than those that are told: chosen by their own values, the chosen would look too important.
    _round(work, first, REPEATS, until)
    ranked = sorted((column for column in first if first[column]), key=lambda column: -first[column][0])
    chosen = [column for column in ranked if first[column][0] == first[column][0]][:COLUMNS]
    return chosen, "that cost most when each was permuted once"


def _described(X: pd.DataFrame, values: dict[int, list[float]]) -> list[dict[str, Any]]:
    import numpy as np

    described = [
        {
            "name": str(X.columns[column]),
            "mean": number(np.mean(found)),
            "std": number(np.std(found)) if len(found) > 1 else None,
            "values": numbers(found),
        }
        for column, found in values.items()
        if found
    ]
    return sorted(described, key=lambda one: -np.inf if one["mean"] is None else one["mean"], reverse=True)
