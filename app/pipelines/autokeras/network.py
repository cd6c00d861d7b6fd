"""Neural networks of found hyperparameters, as scikit-learn's estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.base import ClassifierMixin, RegressorMixin

from app.pipelines.autokeras import backend
from app.pipelines.autokeras.base import Network
from app.pipelines.autokeras.scales import scale

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


class NetworkClassifier(ClassifierMixin, Network):  # type: ignore[misc]  # scikit-learn has no types
    """A network that tells classes apart. Its parameters are those of `Network`.

    Attributes
    ----------
    classes_
        Labels, sorted, as they were given.
    """

    def fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None = None) -> Self:
        """Train on labels of any type, shape (n_samples,)."""
        import numpy as np

        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("a classification needs rows of two classes")
        targets = np.eye(len(self.classes_), dtype="float32")[codes]
        self._fit(X, targets[:, 1:] if len(self.classes_) == 2 else targets, codes, sample_weight)
        return self

    def predict_proba(self, X: pd.DataFrame) -> Array:
        """Return the probability of each of `classes_`, shape (n_samples, n_classes)."""
        import numpy as np

        found = self._answer(X)
        if found.shape[1] == 1:
            return np.column_stack([1 - found, found])
        # In float64 they add up to 1.
        shares: Array = found / found.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: pd.DataFrame) -> Array:
        """Return the likeliest class of each row, shape (n_samples,)."""
        found: Array = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return found


class NetworkRegressor(RegressorMixin, Network):  # type: ignore[misc]  # scikit-learn has no types
    """A network that predicts numbers. Its parameters are those of `Network`.

    Attributes
    ----------
    mean_, deviation_
        Of the targets, from which its output is scaled.
    """

    def fit(self, X: pd.DataFrame, y: Array, sample_weight: Array | None = None) -> Self:
        """Train on numbers, shape (n_samples,). The losses of `history_` are of numbers of mean 0 and variance 1."""
        import numpy as np

        y = np.asarray(y, dtype="float64")
        self.mean_, self.deviation_ = scale(y)
        self._fit(X, ((y - self.mean_) / self.deviation_).astype("float32")[:, None], None, sample_weight)
        return self

    def predict(self, X: pd.DataFrame) -> Array:
        """Return a number for each row, shape (n_samples,)."""
        # In float64: of large targets that differ little a float32 would keep nothing but their mean.
        return self._answer(X)[:, 0] * self.deviation_ + self.mean_

    def _exported(self, network: Any) -> Any:
        """Return the network with a last layer that brings its output to the scale of the targets."""
        keras = backend.keras()
        return keras.Model(network.inputs[0], keras.layers.Rescaling(self.deviation_, self.mean_)(network.outputs[0]))
