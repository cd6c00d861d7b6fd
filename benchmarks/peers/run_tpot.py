"""TPOT with its own defaults: its linear search space, 10 folds, its preprocessing for texts and missing values."""

from __future__ import annotations

from typing import Any

import harness
import numpy as np
import tpot
from scipy.special import expit, softmax


def fit(run: harness.Run) -> Any:
    """Search for the whole time."""
    kind = tpot.TPOTRegressor if run.classes is None else tpot.TPOTClassifier
    estimator = kind(
        scorers=[run.pick("roc_auc", "roc_auc_ovr_weighted", "r2")],
        categorical_features=run.texts or None,
        preprocessing=True,
        max_time_mins=run.seconds / 60,
        n_jobs=run.cores,
        random_state=run.seed,
        verbose=0,
    )
    y = run.y if run.classes is None else run.y.map({name: code for code, name in enumerate(run.classes)})
    return estimator.fit(run.X, y)


def predict(estimator: Any, run: harness.Run) -> Any:
    """Return probabilities or values; where a model knows only distances to its border, these in their order."""
    if run.classes is None:
        return estimator.predict(run.X_test)
    try:
        return estimator.predict_proba(run.X_test)
    except AttributeError:
        distances = estimator.decision_function(run.X_test)
    if distances.ndim == 1:
        return np.column_stack([1 - expit(distances), expit(distances)])
    return softmax(distances, axis=1)


def steps(estimator: Any) -> str:
    """Name the steps of what was found."""
    return " > ".join(type(step).__name__ for _, step in estimator.fitted_pipeline_.steps)


if __name__ == "__main__":
    harness.run(fit, predict, ["tpot", "scikit-learn", "xgboost", "lightgbm"], steps)
