"""Probabilities for classifiers that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pipelines.base import Problem

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


def with_probabilities(problem: Problem, model: BaseEstimator) -> BaseEstimator:
    """Wrap a classifier that has no probabilities in one that calibrates its scores (Platt 1999)."""
    if not problem.classes or hasattr(model, "predict_proba"):
        return model
    import numpy as np
    from sklearn.calibration import CalibratedClassifierCV

    # The least that a fold leaves of a class.
    rarest = min(int(np.bincount(problem.y[seen], minlength=1)[problem.y[seen]].min()) for seen, _ in problem.folds)
    return CalibratedClassifierCV(model, cv=max(2, min(5, rarest)), ensemble=False)
