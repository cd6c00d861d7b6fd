"""AutoGluon's tabular predictor with its own defaults, or with the presets that a fifth argument names."""

from __future__ import annotations

import sys
from typing import Any

import catboost  # noqa: F401  imported before the clock starts
import fastai.tabular.all  # noqa: F401  as above
import harness
import lightgbm  # noqa: F401  as above
import torch  # noqa: F401  as above
import xgboost  # noqa: F401  as above
from autogluon.tabular import TabularPredictor

#: AutoGluon's own default is medium_quality; best_quality is what it advises where only the score counts.
PRESETS = sys.argv[5] if len(sys.argv) > 5 else None


def fit(run: harness.Run) -> TabularPredictor:
    """Train what it trains in the time. It takes no seed: only the rows differ between seeds."""
    predictor = TabularPredictor(
        label="target",
        problem_type=run.description["task"],
        eval_metric=run.pick("roc_auc", "roc_auc_ovr_weighted", "r2"),
        path=str(run.scratch / "models"),
        verbosity=1,
    )
    frame = run.X.assign(target=run.y)
    return predictor.fit(frame, time_limit=run.seconds, presets=PRESETS, num_cpus=run.cores, num_gpus=0)


def predict(predictor: TabularPredictor, run: harness.Run) -> Any:
    """Return probabilities or values."""
    if run.classes is None:
        return predictor.predict(run.X_test).to_numpy()
    return predictor.predict_proba(run.X_test)[run.classes].to_numpy()


if __name__ == "__main__":
    harness.run(fit, predict, ["autogluon.tabular"], lambda predictor: str(predictor.model_best))
