"""What an engine is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.payloads.parameters import ModelTraining, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.base import BaseEstimator


class Progress(Protocol):
    """How a training tells where it is. Called as often as is convenient; the receiver throttles."""

    def __call__(
        self,
        stage: str,
        fraction: float | None = None,
        candidates: int | None = None,
        best_score: float | None = None,
    ) -> None:
        """Report a stage, the share of it that is done, and what a search has tried and reached."""


class Keep(Protocol):
    """Where a search leaves a model that is good enough to serve, should it be stopped before its end."""

    def __call__(self, found: Found) -> None:
        """Keep this candidate instead of the one kept before."""


@dataclass(frozen=True)
class Problem:
    """What an engine learns from.

    Attributes
    ----------
    X
        DataFrame of shape (n_samples, n_features): float64, and in a plain table str columns too.
    y
        Array of shape (n_samples,): class codes 0 … n_classes - 1, or float64 targets.
    classes
        Labels by code, in sorted order; empty for a regression.
    seconds
        Wall time left for the search.
    """

    X: pd.DataFrame
    y: np.ndarray[Any, Any]
    task: Task
    classes: tuple[Any, ...]
    training: ModelTraining
    seed: int
    seconds: float

    @property
    def metric(self) -> str:
        """scikit-learn's name of what a search maximises."""
        default = "r2" if self.task is Task.REGRESSION else "roc_auc"
        return self.training.metric or default


@dataclass(frozen=True)
class Found:
    """What an engine gives back.

    Attributes
    ----------
    estimator
        Not fitted, and can be cloned: it is scored on folds and fitted on all rows by `run`.
    scaled
        Whether its numbers must have mean 0 and variance 1.
    evaluated
        {pipeline: [operators, score over the search's folds]}; None where nothing was searched.
    interrupted
        Whether the search was told to end before its time.
    note
        What the user should know of how this was found.
    """

    estimator: BaseEstimator
    scaled: bool
    evaluated: dict[str, list[float]] | None = None
    interrupted: bool = False
    note: str | None = None


class Engine(Protocol):
    """What trains. Knows neither Flask, nor the store, nor another engine."""

    def task(self, model: str) -> Task | None:
        """Tell what a model of this engine predicts; None when this engine has no such model."""

    def models(self) -> list[str]:
        """List the dotted names of the models."""

    def check(self, training: ModelTraining, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless the model takes these arguments."""

    def search(self, problem: Problem, progress: Progress, keep: Keep) -> Found:
        """Find the estimator to train. May raise TrainingFailed."""
