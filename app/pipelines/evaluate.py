"""How good a pipeline is: over folds, and on rows that its training did not see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import TrainingFailed
from app.payloads.labels import FOLDS
from app.payloads.parameters import Task
from app.pipelines.base import Progress
from app.pipelines.refusals import refusals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

#: Share of the rows that are held out.
HOLDOUT = 0.2

#: What an estimator did that refuses data or arguments.
_FAILED = "could not be trained on this data"


def split(y: np.ndarray[Any, Any], task: Task, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the positions of the rows to search on and of those held out, each class in its share."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    classified = task is Task.CLASSIFICATION
    # With many classes of few rows a fifth may have fewer places than there are classes.
    held = max(round(HOLDOUT * len(y)), len(np.unique(y)) if classified else 1)
    seen, unseen = train_test_split(
        np.arange(len(y)), test_size=held, stratify=y if classified else None, random_state=seed
    )
    return np.sort(seen), np.sort(unseen)


def fit(pipeline: Pipeline, X: pd.DataFrame, y: np.ndarray[Any, Any]) -> Pipeline:
    """Fit a clone of a pipeline.

    Raises
    ------
    TrainingFailed
        In the estimator's own words. It saw numbers and class codes, so they hold no text of the data.
    """
    from sklearn.base import clone

    with refusals(pipeline, TrainingFailed, _FAILED):
        return clone(pipeline).fit(X, y)


def cross_validated(
    pipeline: Pipeline, X: pd.DataFrame, y: np.ndarray[Any, Any], task: Task, seed: int, progress: Progress
) -> dict[str, Any]:
    """Score a pipeline over 5 shuffled folds, stratified for a classification.

    Returns
    -------
    {"folds": 5, metric: {"mean", "std", "folds": [one a fold]}} for accuracy and roc_auc (one class against the rest,
    weighted, when there are more than two), or r2 and rmse.
    """
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = KFold if task is Task.REGRESSION else StratifiedKFold
    scores: list[dict[str, float | None]] = []
    for number, (seen, unseen) in enumerate(kind(FOLDS, shuffle=True, random_state=seed).split(X, y)):
        progress("cross-validation", number / FOLDS)
        fitted = fit(pipeline, X.iloc[seen], y[seen])
        scores.append(score(fitted, X.iloc[unseen], y[unseen], task))
    described: dict[str, Any] = {"folds": FOLDS}
    for metric in scores[0]:
        values = [fold[metric] for fold in scores]
        known = [value for value in values if value is not None]
        mean = float(np.mean(known)) if known else None
        described[metric] = {"mean": mean, "std": float(np.std(known)) if known else None, "folds": values}
    return described


def score(fitted: Pipeline, X: pd.DataFrame, y: np.ndarray[Any, Any], task: Task) -> dict[str, float | None]:
    """Score a fitted pipeline on rows it has not seen. A score that these rows cannot have is None.

    Raises
    ------
    TrainingFailed
        The estimator cannot predict them.
    """
    with refusals(fitted, TrainingFailed, _FAILED):
        return _regression(fitted, X, y) if task is Task.REGRESSION else _classification(fitted, X, y)


def _regression(fitted: Pipeline, X: pd.DataFrame, y: np.ndarray[Any, Any]) -> dict[str, float | None]:
    import numpy as np
    from sklearn import metrics

    predicted = np.asarray(fitted.predict(X)).reshape(len(y))
    return {
        "r2": _finite(metrics.r2_score(y, predicted) if len(y) > 1 else None),
        "rmse": _finite(metrics.root_mean_squared_error(y, predicted)),
    }


def _classification(fitted: Pipeline, X: pd.DataFrame, y: np.ndarray[Any, Any]) -> dict[str, float | None]:
    import numpy as np
    from sklearn import metrics

    accuracy = float(metrics.accuracy_score(y, np.asarray(fitted.predict(X))))
    probabilities = fitted.predict_proba(X)
    n_classes = probabilities.shape[1]
    if len(np.unique(y)) < n_classes:
        return {"accuracy": accuracy, "roc_auc": None}
    scores = probabilities[:, 1] if n_classes == 2 else probabilities
    auc = metrics.roc_auc_score(y, scores, multi_class="ovr", average="macro" if n_classes == 2 else "weighted")
    return {"accuracy": accuracy, "roc_auc": _finite(auc)}


def _finite(value: float | None) -> float | None:
    import math

    return float(value) if value is not None and math.isfinite(value) else None


def held_out(
    fitted: Pipeline, X: pd.DataFrame, y: np.ndarray[Any, Any], task: Task, classes: tuple[Any, ...]
) -> dict[str, Any]:
    """Describe a fitted pipeline on the rows held out: scores, and for a classification confusion matrix and report.

    The matrix has a row a true class and a column a predicted one, in the order of `classes`.
    """
    import numpy as np
    from sklearn import metrics

    described: dict[str, Any] = {"rows": len(y), **score(fitted, X, y, task)}
    if task is Task.REGRESSION:
        return described
    predicted = np.asarray(fitted.predict(X))
    codes = list(range(len(classes)))
    report = metrics.classification_report(
        y, predicted, labels=codes, target_names=[str(name) for name in classes], output_dict=True, zero_division=0.0
    )
    matrix = metrics.confusion_matrix(y, predicted, labels=codes).tolist()
    return described | {"classes": list(classes), "confusion_matrix": matrix, "classification_report": report}
