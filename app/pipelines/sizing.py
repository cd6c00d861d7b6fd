"""How many rows and folds of a table an engine that picks has the time for, and which rows.

Of half a million rows no candidate comes to its end within a minute, and the linear model that is there first would be
what is published. Of a part of them there are dozens, boosted trees among them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError
from app.payloads.parameters import Kind
from app.pipelines import baseline, evaluate
from app.pipelines.base import Problem, Progress
from app.pipelines.processes import ChildDied, ChildFailed, stream

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    from app.pipelines.folds import Fold

    Array = np.ndarray[Any, Any]

#: Rows up to which all are learned from without a look at the time; with texts, each of which may be long, fewer.
SMALL, SMALL_WITH_TEXTS = 10_000, 2_000

#: Rows that are learned from in any case; and those from which on one split tells as much as folds do.
LEAST, ENOUGH = 1_000, 10_000

#: Share of the search that all folds of a quick candidate may take: an engine that picks ends those that take longer.
SHARE = 0.1

#: Rows of a first fit, which loads libraries and is not counted; then those that the pace is told from, as far as there
#: is the time and up to half of all: of few rows trees have fewer leaves, so that the more rows, the truer it is.
_FIRST, _TRIED = 100, (1_000, 4_000, 16_000, 64_000)

#: Seconds that trying a model takes at most, whatever its share of the search.
_SECONDS = 3.0

#: Rows of each class that are drawn in any case, and different groups or times up to which one row of each is.
_OF_A_CLASS, _FEW = 10, 1_000


@dataclass(frozen=True)
class _Pace:
    """What a model takes: seconds for a number of rows, and for each one more."""

    rows: float
    seconds: float
    of_a_row: float

    def rows_within(self, seconds: float) -> float:
        """Return how many rows can be learned from within some seconds; infinitely many where rows cost nothing."""
        return self.rows + (seconds - self.seconds) / self.of_a_row if self.of_a_row > 0 else float("inf")


def is_small(n_rows: int, kinds: Collection[str]) -> bool:
    """Tell whether rows of columns of these kinds are so few that there is the time for all, whatever they hold."""
    return n_rows <= (SMALL_WITH_TEXTS if Kind.TEXT in kinds else SMALL)


def affordable(problem: Problem, all_folds: bool, progress: Progress) -> tuple[int | None, int | None]:
    """Return how many of a problem's rows and folds there is the time for; None for all of them.

    Boosted trees decide, which are what wins on many rows; where they could have few, since they take long for the
    columns and not for the rows, a linear model. First the folds become one: of many rows one split tells enough.

    Parameters
    ----------
    problem
        Of a table; of images and series nothing is told.
    all_folds
        Whether the folds must stay as many as they are.
    """
    kinds, n_rows = set(problem.kinds.values()), len(problem.y)
    if is_small(n_rows, kinds) or kinds & {Kind.IMAGE, Kind.SIGNAL}:
        return None, None

    def rows(pace: _Pace, folds: Sequence[Fold]) -> float:
        """Return how many rows there may be in all, where these folds learn from their share of them."""
        learned = sum(len(seen) for seen, _ in folds) / len(folds) / n_rows
        return pace.rows_within(SHARE * problem.seconds / len(folds)) / learned

    every, one = problem.folds, problem.folds[-1:]
    pace = _pace(_boosting, problem, progress)
    if pace is None or rows(pace, one) < ENOUGH:
        pace = _pace(baseline.pipeline, problem, progress)
    if pace is None:
        return LEAST, None
    if rows(pace, every) >= n_rows:
        return None, None
    if not all_folds and rows(pace, one) >= min(ENOUGH, n_rows):
        return (None if rows(pace, one) >= n_rows else int(rows(pace, one))), 1
    return max(LEAST, int(rows(pace, every))), None


def _boosting(problem: Problem) -> Pipeline:
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if problem.classes else LGBMRegressor
    return problem.pipeline(kind(n_estimators=200, learning_rate=0.05, n_jobs=1, verbosity=-1), scaled=False)


def _pace(model: Callable[[Problem], Pipeline], problem: Problem, progress: Progress) -> _Pace | None:
    """Measure what a model takes; None where it has not come to its end with few rows."""

    def told() -> bool:
        progress("sizing", 0.0)
        return True

    seconds = min(_SECONDS, SHARE * problem.seconds)
    taken: list[tuple[int, float]] = []
    with suppress(TimeoutError, ServiceError, ChildFailed, ChildDied):
        # One by one: what comes before the time is over counts.
        taken.extend(stream(_timed, model, problem, seconds=seconds, threads=1, wanted=told))
    if len(taken) < 2:
        return None
    (few, quick), (rows, slow) = taken[-2:]
    # With one number alone, all of its time counts as the rows'.
    return _Pace(rows, slow, slow / rows if len(taken) == 2 else (slow - quick) / (rows - few))


def _timed(model: Callable[[Problem], Pipeline], problem: Problem) -> Iterator[tuple[int, float]]:
    import numpy as np

    pipeline, order = model(problem), np.random.default_rng(problem.seed).permutation(len(problem.y))
    for n_rows in (_FIRST, *(count for count in _TRIED if count <= len(order) / 2)):
        rows = order[:n_rows]
        X, weights = problem.X.iloc[rows], problem.weights
        started = time.monotonic()
        fitted = evaluate.fit(pipeline, X, problem.y[rows], None if weights is None else weights[rows])
        evaluate.predict(fitted, X.head(n_rows // len(problem.folds)), len(problem.classes))
        yield n_rows, time.monotonic() - started


def rows_drawn(
    y: Array,
    n_rows: int,
    seed: int,
    classified: bool,
    beside: Sequence[Array | None] = (),
    weights: Array | None = None,
) -> Array:
    """Return the positions of rows drawn at random, in ascending order; a few more where something would be lost.

    Of each class some are drawn in any case, and of few groups or times one each, so that whatever can be learned of
    all rows can be learned of these.

    Parameters
    ----------
    beside
        Groups and times, each of shape (n_samples,) or None.
    """
    import numpy as np
    import pandas as pd

    order = np.random.default_rng(seed).permutation(len(y))
    if weights is not None:
        # Those that weigh nothing come last: a class is not learned of them.
        order = order[np.argsort(weights[order] == 0, kind="stable")]
    certain = np.zeros(len(order), dtype="bool")
    if classified:
        certain |= pd.Series(y[order]).groupby(y[order]).cumcount().to_numpy() < _OF_A_CLASS
    for values in beside:
        if values is not None and pd.Series(values).nunique() <= _FEW:
            certain |= ~pd.Series(values[order]).duplicated().to_numpy()
    others = order[~certain][: max(0, n_rows - int(certain.sum()))]
    return np.sort(np.concatenate([order[certain], others]))
