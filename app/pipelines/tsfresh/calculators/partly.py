"""What an array operation gives that does not compute every series."""

from __future__ import annotations

from dataclasses import dataclass

from app.pipelines.tsfresh.calculators.batch import Array


@dataclass(frozen=True)
class Partly:
    """Features of some series.

    Attributes
    ----------
    values
        Shape (n_series, n_features).
    left
        The series that tsfresh itself must compute, shape (n_series,), of bool. They are refused there, or their
        values depend on how tsfresh rounds.
    """

    values: Array
    left: Array
