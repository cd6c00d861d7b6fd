"""Forecasts as changes of the last value, so that every regressor can follow a trend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

from app.pipelines.tsfresh.seasons import LAST

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

#: Columns of a value that rise and fall with its level, by what follows `<value>__`.
_LEVELS = re.compile(r"(?:lag|season)_\d+|mean|median|minimum|maximum|quantile__q_[\d.]+")


class RelativeToLast(MetaEstimatorMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]  # no types
    """Fit a regressor to the difference between the target and a column, and add the column back.

    A tree predicts means of targets that it has seen, so it cannot follow a level beyond them; differences it can.
    What it learns from is made relative as well: lags, means and extremes of a value become differences from the last
    one of that value, or a tree would know a season or a slope only at the levels that it has seen.

    Models whose targets must be positive do not fit: differences are of both signs. Around
    ``DummyRegressor(strategy="constant", constant=0)`` it is the naive forecast, that all stays as it is.

    Parameters
    ----------
    regressor
        Any regressor, or a pipeline that ends in one.
    column
        Column of X that holds the last known value; the first that ends with `__last` when None, where `WindowFeatures`
        puts that of the value to forecast.

    Attributes
    ----------
    regressor_ : the fitted clone.
    column_ : the column.
    levels_ : {column: the column of last values that it becomes relative to}.
    """

    def __init__(self, regressor: BaseEstimator, column: str | None = None) -> None:
        self.regressor = regressor
        self.column = column

    def fit(self, X: pd.DataFrame, y: Array) -> Self:
        """Fit to X of shape (n_samples, n_features) and targets of shape (n_samples,).

        Raises
        ------
        ValueError
            No column ends with `__last`.
        """
        import numpy as np

        lasts = [name for name in X.columns if str(name).endswith(LAST)]
        if self.column is None and not lasts:
            raise ValueError("X has no column of last values")
        self.column_ = self.column if self.column is not None else lasts[0]
        self.levels_ = _levels(list(X.columns), lasts)
        self.n_features_in_ = X.shape[1]
        self.feature_names_in_ = np.asarray(X.columns, dtype="object")
        self.regressor_ = clone(self.regressor).fit(self._relative(X), y - self._last(X))
        return self

    def predict(self, X: pd.DataFrame) -> Array:
        """Return targets, shape (n_samples,)."""
        predicted: Array = self.regressor_.predict(self._relative(X)).reshape(len(X)) + self._last(X)
        return predicted

    def _last(self, X: pd.DataFrame) -> Array:
        last: Array = X[self.column_].to_numpy(dtype="float64")
        return last

    def _relative(self, X: pd.DataFrame) -> pd.DataFrame:
        relative = X.copy(deep=False)
        for name, last in self.levels_.items():
            relative[name] = X[name] - X[last]
        return relative


def _levels(columns: list[str], lasts: list[str]) -> dict[str, str]:
    prefixes = {last.removesuffix(LAST) + "__": last for last in lasts}
    return {
        name: last
        for name in columns
        for prefix, last in prefixes.items()
        if name.startswith(prefix) and _LEVELS.fullmatch(name.removeprefix(prefix))
    }
