"""Pipelines that were fitted to rows without some of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


class Recoded(Pipeline):  # type: ignore[misc]  # scikit-learn has no types
    """A fitted pipeline that has learned places in `learned` instead of the classes themselves.

    XGBoost's classifiers want classes 0 to n_classes - 1. Rows that lack one, earlier than its first occurrence say,
    can be learned by their places.
    """

    @property
    def classes_(self) -> Array:
        """The classes, shape (n_classes,), in the order of the columns of `predict_proba`."""
        learned: Array = self.learned
        return learned

    def predict(self, X: pd.DataFrame) -> Array:
        """Return the likeliest classes, shape (n_samples,)."""
        found: Array = self.learned[super().predict(X)]
        return found


def recode(pipeline: Pipeline, learned: Array) -> Pipeline:
    """Return a clone of an unfitted pipeline whose weights of classes are by their places in `learned`."""
    weights = {
        name: {place: given[code] for place, code in enumerate(learned.tolist()) if code in given}
        for name, given in pipeline.get_params().items()
        if name.endswith("class_weight") and isinstance(given, dict)
    }
    return clone(pipeline).set_params(**weights)
