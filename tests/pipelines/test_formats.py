"""Fitted pipelines as bytes: those of skops only where they predict the same."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline

from app.pipelines import formats


class Forgetful(ClassifierMixin, BaseEstimator):
    """Is less sure after it was stored by its state, of the same class."""

    def fit(self, X, y):
        self.classes_, self.share_ = np.unique(y), 0.9
        return self

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "share_"}

    def __reduce__(self):
        return _with, (self.classes_, getattr(self, "share_", 0.6))

    def predict_proba(self, X):
        share = getattr(self, "share_", 0.6)
        return np.tile([1 - share, share], (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _with(classes, share):
    found = Forgetful()
    found.classes_, found.share_ = classes, share
    return found


def test_probabilities_must_be_the_same_not_only_the_likeliest_classes(monkeypatch):
    monkeypatch.setattr(formats, "TRUSTED", formats.TRUSTED | {f"{__name__}.Forgetful"})
    X = np.zeros((4, 1))
    fitted = Pipeline([("model", Forgetful())]).fit(X, [0, 1, 0, 1])
    name, data = formats.dump(fitted, X)
    assert name == "pickle"
    np.testing.assert_array_equal(formats.load(name, data).predict_proba(X), fitted.predict_proba(X))
