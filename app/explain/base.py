"""What an explainer is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class FinalStep:
    """The last step of a pipeline, where each column before it comes from one column of the caller.

    Attributes
    ----------
    model
        The fitted estimator.
    transform
        From rows of the caller's columns to the array that the model takes, shape (n_rows, n_inputs).
    origins
        The caller's column behind each input, shape (n_inputs,).
    """

    model: Any
    transform: Callable[[pd.DataFrame], np.ndarray[Any, Any]]
    origins: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """The model as explainers see it.

    Attributes
    ----------
    predict
        From rows to probabilities, shape (n_rows, n_classes), or for a regression to values, (n_rows, 1).
    background
        Training rows to compare with, columns as `predict` takes them: float64 or str.
    final
        Set where the contributions to the last step can be added up by the caller's column.
    """

    task: Task
    predict: Callable[[pd.DataFrame], np.ndarray[Any, Any]]
    background: pd.DataFrame
    final: FinalStep | None

    @property
    def columns(self) -> list[str]:
        """The caller's columns, or the features of a series."""
        return list(self.background.columns)


@dataclass(frozen=True, slots=True)
class Asked:
    """How to explain. `output` is the column of `predict` to explain; `num_samples` None means the method's default."""

    output: int
    num_features: int
    num_samples: int | None
    seed: int


@dataclass(frozen=True)
class Local:
    """One row explained.

    Attributes
    ----------
    contributions
        {column: share}, all that the method gives.
    base_value, local_prediction
        Where the contributions start from, and base value plus all contributions.
    trust
        `fidelity` or `additivity_error`.
    conditions
        {column: range or category that the share belongs to}, where the method has such.
    algorithm
        Which variant of the method it was.
    scale
        Unit of base value and contributions: probability, log_odds, score or value.
    """

    contributions: dict[str, float]
    base_value: float
    local_prediction: float
    trust: dict[str, float]
    algorithm: str
    scale: str
    num_samples: int | None
    background: int
    conditions: dict[str, str] = field(default_factory=dict)


class Explainer(Protocol):
    """A method. Knows neither Flask, nor the store, nor an engine; the same arguments give the same answer."""

    def __call__(self, subject: Subject, row: pd.DataFrame, asked: Asked) -> Local:
        """Explain one row, a DataFrame of shape (1, n_columns)."""
