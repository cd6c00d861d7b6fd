"""Last steps that weigh their inputs and add them up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Estimators whose answer, or its log odds, is a sum over inputs.
_LINEAR = {
    "LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis",
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "BayesianRidge",
    "ARDRegression", "HuberRegressor", "Lars", "LarsCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearSVR",
    "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor", "QuantileRegressor",
    "SGDRegressor", "TheilSenRegressor",
}  # fmt: skip

#: Those of classes whose probabilities are the logistic function of the sums, or their softmax.
_LOGISTIC = {"LogisticRegression", "LogisticRegressionCV"}


def adds_up(model: Any) -> bool:
    """Tell whether an estimator's output is a sum over its inputs."""
    return type(model).__name__ in _LINEAR


def weights(model: Any) -> tuple[Array, Array]:
    """Return the weights of the inputs, shape (n_inputs, n_sums), and what the sums begin with, (n_sums,)."""
    import numpy as np

    found = np.atleast_2d(model.coef_).T
    return found, np.ravel(np.broadcast_to(model.intercept_, (found.shape[1],)))


def answering(model: Any) -> Callable[[Array], Array] | None:
    """Return what makes answers of sums, shape (n_rows, n_sums) to (n_rows, n_outputs); None where it is not known."""
    if not adds_up(model):
        return None
    if type(model).__name__ in _LOGISTIC:
        return _probabilities
    return None if hasattr(model, "predict_proba") else lambda sums: sums


def _probabilities(sums: Array) -> Array:
    import numpy as np
    from scipy.special import expit, softmax

    found: Array = softmax(sums, axis=1) if sums.shape[1] > 1 else np.hstack([expit(-sums), expit(sums)])
    return found
