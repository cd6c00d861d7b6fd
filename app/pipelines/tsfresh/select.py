"""tsfresh's test of relevance as a step of a pipeline: a fold's labels choose the features of that fold only."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator, TransformerMixin

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class RelevantFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Keep the features whose dependence on the labels is significant (Benjamini-Yekutieli, Christ et al. 2018).

    When none is, all are kept: a model of weak features is an answer, a model of none is not.

    Attributes
    ----------
    relevant_ : names of the kept columns, in their order.
    """

    def __init__(self, task: str = "classification") -> None:
        self.task = task

    def fit(self, X: pd.DataFrame, y: np.ndarray[Any, Any]) -> Self:
        """Test every column of X, shape (n_samples, n_features), against y."""
        import numpy as np
        import pandas as pd
        from tsfresh.feature_selection.relevance import calculate_relevance_table

        # Raw signals may stand beside the features.
        X = X.select_dtypes("number")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = calculate_relevance_table(
                X,
                pd.Series(y, index=X.index),
                ml_task=self.task,
                multiclass=self.task == "classification" and len(np.unique(y)) > 2,
                n_jobs=0,
            )
        relevant = set(table[table["relevant"].astype("bool")].index)
        self.relevant_ = [name for name in X.columns if name in relevant] or list(X.columns)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the kept columns."""
        return X[self.relevant_]
