"""What an engine is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from app.payloads.parameters import Kind, Task, TrainParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

    from app.pipelines.metrics import Metric


class Progress(Protocol):
    """How a training tells where it is. Called as often as is convenient; the receiver throttles."""

    def __call__(
        self,
        stage: str,
        fraction: float | None = None,
        candidates: int | None = None,
        failed: int | None = None,
        best_score: float | None = None,
        metric: str | None = None,
    ) -> None:
        """Report a stage, the share of it that is done, and what a search has tried, lost and reached, by which metric.

        What is left out stands as it was said before.
        """


@dataclass(frozen=True)
class Problem:
    """What an engine learns from.

    Attributes
    ----------
    X
        DataFrame of shape (n_samples, n_features), a column a feature. Its columns hold what `kinds` says.
    y
        Array of shape (n_samples,): class codes 0 … n_classes - 1, or float64 targets.
    kinds
        {column: kind}. number and boolean are float64, category and text str, date datetime64; image is a column of
        bytes (PNG or JPEG), signal one of arrays of shape (n_samples_of_the_series,).
    classes
        Labels by code; of two the positive one is the last. Empty for numbers.
    folds
        (training positions, test positions) of the rows of X, a pair a fold.
    weights
        Array of shape (n_samples,), or None.
    seconds
        Wall time left for the search.
    select
        Whether a pipeline begins with tsfresh's test of relevance.
    scheduler
        Address of a Dask scheduler to work on; None for this machine.
    """

    X: pd.DataFrame
    y: np.ndarray[Any, Any]
    kinds: dict[str, Kind]
    task: Task
    classes: tuple[Any, ...]
    parameters: TrainParameters
    metric: Metric
    folds: tuple[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], ...]
    weights: np.ndarray[Any, Any] | None
    seconds: float
    select: bool = False
    scheduler: str | None = None

    @property
    def seed(self) -> int:
        """Of every random choice of the training."""
        return self.parameters.seed

    def pipeline(self, model: BaseEstimator, scaled: bool) -> Pipeline:
        """Return the unfitted pipeline from rows of X to predictions around a model that takes numbers.

        Parameters
        ----------
        model
            Unfitted, with `fit(X, y)` as scikit-learn has it. Of a forecasting it learns changes of the last value.
        scaled
            Whether the model's numbers must have mean 0 and variance 1.
        """
        from sklearn.pipeline import Pipeline

        from app.pipelines.preprocess import assemble

        pipeline = assemble(self, model, scaled)
        if self.task is not Task.FORECASTING:
            return pipeline
        from app.pipelines.tsfresh.relative import RelativeToLast

        return Pipeline([("model", RelativeToLast(pipeline))])


#: What most models take of a series.
FEATURES = frozenset({"features"})


@dataclass(frozen=True)
class Candidate:
    """A pipeline to be tried. Names are unique in a training and say what it is.

    Attributes
    ----------
    seconds
        That it may take over all folds; it is ended as soon as its first folds tell that it takes longer.
    """

    name: str
    engine: str
    pipeline: Pipeline
    seconds: float | None = None


@dataclass(frozen=True)
class Trial:
    """How a candidate did: a row of the leaderboard.

    Attributes
    ----------
    score
        Mean over the folds, as the metric counts it; None when the candidate failed, and `error` says why.
    fold_scores
        One a fold.
    out_of_fold
        Predictions for rows of X by a model that has not seen them: probabilities, shape (n_samples, n_classes), or
        targets, (n_samples,). NaN for rows that no fold tests. None where they were not kept.
    fit_seconds, predict_seconds
        Of one fold: seconds to fit it, and seconds to predict 1,000 rows.
    size
        Bytes of the fitted pipeline.
    details
        What else the engine knows: operators, epochs, learning curve.
    threads
        That its native code had; None for as many as there are cores. What follows the search takes as long only with
        as many: small matrices on two threads can take six times as long as on one.
    """

    name: str
    engine: str
    pipeline: Pipeline
    score: float | None = None
    fold_scores: tuple[float, ...] = ()
    out_of_fold: np.ndarray[Any, Any] | None = None
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    size: int = 0
    error: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    threads: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it has a score over all folds, which can be compared with others."""
        return self.score is not None and not self.details.get("partial")


class Board(Protocol):
    """The leaderboard of a training, as an engine sees it. Candidates run in processes of their own, within limits.

    Attributes
    ----------
    note
        What the user should know of how the result was found.
    reserve
        Estimates the seconds that follow the search, which `left` leaves for them; an engine may set its own.
    """

    note: str | None
    reserve: Callable[[], float]

    @property
    def trials(self) -> list[Trial]:
        """Every trial so far, failed ones too, in the order in which they ended."""

    @property
    def best(self) -> Trial | None:
        """The trial with the best score so far."""

    @property
    def left(self) -> float:
        """Seconds left for the search; 0 when it is to end, for its time or its number of candidates."""

    @property
    def stopped(self) -> str | None:
        """Why the search ended though it had more to try; None when it had not."""

    @property
    def remaining(self) -> float:
        """Seconds left for the search and for fitting what it has found."""

    def cut_short(self) -> None:
        """Note that the search ends though it has more to try: for its number of candidates, else for its time."""

    def try_all(self, candidates: Sequence[Candidate], stage: str) -> list[Trial]:
        """Try candidates over the problem's folds, several at once, until nothing is left; return their trials.

        A candidate tried by an earlier attempt at this training is not tried again.
        """

    def recall(self, engine: str, stage: str) -> list[Trial]:
        """Add and return what an earlier attempt at this training has found with an engine."""

    def add(self, trial: Trial, stage: str) -> None:
        """Add a trial that the engine has made itself."""

    def look(self, stage: str) -> None:
        """Report; to be called at least once a second while nothing is tried or added."""

    def rank(self, trial: Trial) -> float:
        """Return a trial's score so that greater is better; minus infinity for one that failed."""


class Engine(Protocol):
    """What trains. Knows neither Flask, nor the store, nor another engine.

    Attributes
    ----------
    searches
        Whether it tries candidates of its own, so that the best so far is worth publishing before the end.
    seconds
        Wall time of a training that names no limit; None for the service's own.
    """

    searches: bool
    seconds: int | None

    def models(self) -> list[str]:
        """List the dotted names of the models."""

    def task(self, model: str) -> Task | None:
        """Tell what a model of this engine predicts; None when this engine has no such model."""

    def reads(self, model: str) -> frozenset[str]:
        """Return what a model takes of a series: "features", "signals", or both."""

    def check(self, parameters: TrainParameters, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless the model takes these arguments."""

    def check_kinds(self, model: str, kinds: dict[str, Kind]) -> None:
        """Raise InvalidData unless the model takes columns of these kinds."""

    def search(self, problem: Problem, board: Board) -> Trial:
        """Return the trial to be fitted and published. May raise TrainingFailed."""
