"""What is told of a version from the rows that were held out of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Task
from app.pipelines.evaluate import predict
from app.pipelines.reports import curves
from app.pipelines.reports.importances import importances
from app.pipelines.reports.structure import structure

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from app.pipelines.metrics import Metric


def describe(
    fitted: Pipeline,
    X: pd.DataFrame,
    y: np.ndarray[Any, Any],
    classes: tuple[Any, ...],
    task: Task,
    metric: Metric,
    weights: np.ndarray[Any, Any] | None,
    seed: int,
    seconds: float,
) -> dict[str, Any]:
    """Describe a fitted pipeline on rows that it was not trained on.

    Parameters
    ----------
    X, y
        Rows, shape (n_samples, n_columns), and their codes or targets.
    classes
        Labels by code; empty for numbers.
    weights
        Of the rows, shape (n_samples,), or None.
    seconds
        Wall time that the importances may take; the rest takes little.

    Returns
    -------
    {"curves", "importances", "structure"} as JSON has it: text, lists and numbers, None for what is none.

    Raises
    ------
    TrainingFailed
        The rows cannot be predicted.
    """
    predicted = predict(fitted, X, len(classes))
    if task is Task.CLASSIFICATION:
        told = (y, predicted, classes, weights)
        drawn: dict[str, Any] = {
            "roc": curves.roc(*told),
            "precision_recall": curves.precision_recall(*told),
            "calibration": curves.calibration(*told),
            "gains": curves.gains(*told),
        }
    else:
        drawn = {"residuals": curves.residuals(y, predicted, weights, seed)}
    return {
        "curves": drawn,
        "importances": importances(fitted, X, y, metric, seed, seconds, weights),
        "structure": structure(fitted),
    }
