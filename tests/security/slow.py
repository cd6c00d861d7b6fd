"""A model that takes its time, as Gaussian processes and neighbours of many rows do."""

from __future__ import annotations

import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Slow(ClassifierMixin, BaseEstimator):
    """Is as sure of the second of two classes as the first column is large."""

    #: Seconds a row; a test sets it.
    pace = 0.0

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        time.sleep(self.pace * len(X))
        sure = 1 / (1 + np.exp(-np.asarray(X, dtype="float64")[:, 0]))
        return np.column_stack([1 - sure, sure])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
