"""FLAML's AutoML with its own defaults."""

from __future__ import annotations

from typing import Any

import harness
import lightgbm  # noqa: F401  imported before the clock starts
import xgboost  # noqa: F401  as above
from flaml import AutoML


def fit(run: harness.Run) -> AutoML:
    """Search for the whole time."""
    automl = AutoML()
    automl.fit(
        X_train=run.X,
        y_train=run.y,
        task=run.pick("classification", "classification", "regression"),
        metric=run.pick("roc_auc", "roc_auc_ovr_weighted", "r2"),
        time_budget=run.seconds,
        n_jobs=run.cores,
        seed=run.seed,
        verbose=0,
    )
    return automl


def predict(automl: AutoML, run: harness.Run) -> Any:
    """Return probabilities or values."""
    return automl.predict(run.X_test) if run.classes is None else automl.predict_proba(run.X_test)


if __name__ == "__main__":
    harness.run(fit, predict, ["flaml", "lightgbm", "xgboost"], lambda automl: str(automl.best_estimator))
