"""LightGBM as it is: its defaults, texts as categories, missing values as they come."""

from __future__ import annotations

from typing import Any

import harness
from lightgbm import LGBMClassifier, LGBMRegressor


def fit(run: harness.Run) -> Any:
    """Fit once."""
    kind = LGBMRegressor if run.classes is None else LGBMClassifier
    X, _ = run.categorical()
    return kind(n_jobs=run.cores, random_state=run.seed, verbose=-1).fit(X, run.y)


def predict(model: Any, run: harness.Run) -> Any:
    """Return probabilities or values."""
    _, X = run.categorical()
    return model.predict(X) if run.classes is None else model.predict_proba(X)


if __name__ == "__main__":
    harness.run(fit, predict, ["lightgbm"], lambda model: "defaults")
