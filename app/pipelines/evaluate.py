"""How good a pipeline is: over folds, and on rows that its search did not see."""

from __future__ import annotations

import math
import pickle
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError, TrainingFailed
from app.payloads.parameters import Task
from app.pipelines import metrics
from app.pipelines.base import Candidate, Problem, Trial
from app.pipelines.refusals import refusals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    Array = np.ndarray[Any, Any]

#: Rows whose prediction is timed.
_TIMED_ROWS = 1_000

#: Rows of scikit-learn's report of a classification that are of all classes.
_OF_ALL = ("accuracy", "micro avg", "macro avg", "weighted avg")

#: What an estimator did that refuses data or arguments.
_FAILED = "could not be trained on this data"


def fit(pipeline: Pipeline, X: pd.DataFrame, y: Array, weights: Array | None = None) -> Pipeline:
    """Fit a clone of a pipeline, its last step with the weights.

    Parameters
    ----------
    y
        Class codes or targets, shape (n_samples,). Of the codes some may be missing.

    Raises
    ------
    TrainingFailed
        In the estimator's own words. It saw numbers and class codes, so they hold no text of the data.
    """
    import numpy as np
    from sklearn.base import clone, is_classifier

    learned = np.unique(y)
    if is_classifier(pipeline) and learned[-1] >= len(learned):
        # XGBoost's refuse such codes, as folds in the order of time have them: a class may first occur later.
        from app.pipelines.recoded import Recoded, recode

        recoded = Recoded(fit(recode(pipeline, learned), X, np.searchsorted(learned, y), weights).steps)
        recoded.learned = learned
        return recoded
    if "tpot.builtin_modules" in sys.modules:
        # A row of TPOT's may be fitted by any training: as a member of an ensemble, or promoted.
        from app.pipelines.tpot.stacking import mend_stacking

        mend_stacking()
    with refusals(pipeline, TrainingFailed, _FAILED):
        return clone(pipeline).fit(X, y, **({} if weights is None else _fit_parameter(pipeline, weights)))


def takes_weights(pipeline: Pipeline) -> bool:
    """Tell whether the last step of a pipeline can be fitted with weights."""
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(_last(pipeline)[1], "sample_weight"))


def innermost(pipeline: Any) -> Any:
    """Return the model of a pipeline, fitted or not: its last step, and of a forecast what predicts the change."""
    step = pipeline
    while True:
        if hasattr(step, "steps"):
            step = step.steps[-1][1]
        elif hasattr(step, "regressor"):
            step = getattr(step, "regressor_", step.regressor)
        else:
            return step


def _last(pipeline: Pipeline) -> tuple[str, Any]:
    """Return the path and the estimator of the innermost last step."""
    path, step = "", pipeline
    while hasattr(step, "steps"):
        name, step = step.steps[-1]
        path += f"{name}__"
    return path, step


def _fit_parameter(pipeline: Pipeline, weights: Array) -> dict[str, Array]:
    return {f"{_last(pipeline)[0]}sample_weight": weights} if takes_weights(pipeline) else {}


def predict(fitted: Pipeline, X: pd.DataFrame, n_classes: int) -> Array:
    """Return probabilities, shape (n_samples, n_classes), or for numbers (no classes) the targets, (n_samples,).

    Raises
    ------
    TrainingFailed
        The estimator cannot predict these rows, or not as finite numbers.
    """
    import numpy as np

    with refusals(fitted, TrainingFailed, _FAILED):
        given = fitted.predict_proba(X) if n_classes else fitted.predict(X)
        found = np.asarray(given, dtype="float64").reshape(len(X), -1)
    if not np.isfinite(found).all():
        # Left as they are, a fold of them would not count, and a model that diverges there would seem a better one.
        raise TrainingFailed(f"{type(fitted[-1]).__name__} predicts values that are not finite numbers.")
    if not n_classes:
        return found[:, 0]
    known = np.asarray(fitted.classes_, dtype="int64")
    if len(known) == n_classes:
        return found
    # A fold in the order of time may have been trained before a class first occurred.
    probabilities = np.zeros((len(X), n_classes))
    probabilities[:, known] = found
    return probabilities


def trials(problem: Problem, candidate: Candidate) -> Iterator[Trial]:
    """Try a candidate fold by fold, yielding what is known of it after each.

    A candidate that fails is a trial with an error, in the estimator's words.
    """
    import numpy as np

    n_classes = len(problem.classes)
    out_of_fold = np.full((len(problem.y), n_classes) if n_classes else len(problem.y), np.nan)
    trial = Trial(candidate.name, candidate.engine, candidate.pipeline, out_of_fold=out_of_fold)
    scores: list[float] = []
    try:
        for number, (seen, unseen) in enumerate(problem.folds):
            weights = problem.weights
            started = time.monotonic()
            fitted = fit(
                candidate.pipeline, problem.X.iloc[seen], problem.y[seen], None if weights is None else weights[seen]
            )
            fitted_at = time.monotonic()
            out_of_fold[unseen] = predict(fitted, problem.X.iloc[unseen], n_classes)
            tested = None if weights is None else weights[unseen]
            scores.append(problem.metric.score(problem.y[unseen], out_of_fold[unseen], tested))
            if math.isnan(scores[-1]) and _measurable(problem, unseen, tested):
                # Left out, as a fold that nothing can be measured on is, it would leave the mean to the easy folds.
                raise TrainingFailed("its predictions cannot be measured by the metric")
            trial = replace(
                trial,
                score=_mean(scores),
                fold_scores=tuple(scores),
                fit_seconds=round(fitted_at - started, 4),
                # Of the first fold, as the others are alike.
                predict_seconds=trial.predict_seconds if number else _seconds_to_predict(fitted, problem.X, unseen),
                size=trial.size if number else len(pickle.dumps(fitted, protocol=5)),
                error=None,
            )
            yield trial
    except ServiceError as error:
        yield replace(trial, score=None, error=error.detail)
        return
    if scores and trial.score is None:
        yield replace(trial, error="its predictions cannot be measured by the metric")


def _measurable(problem: Problem, rows: Array, weights: Array | None) -> bool:
    """Tell whether the targets of some rows can be measured, if not with the predictions at hand.

    Of classes it is the rows that decide: those of a single class have no area under a curve, whatever is predicted.
    """
    counted = weights is None or bool((weights > 0).any())
    return not problem.classes and counted and problem.metric.refusal(problem.y[rows]) is None


def _seconds_to_predict(fitted: Pipeline, X: pd.DataFrame, unseen: Array) -> float:
    """Measure the seconds of a prediction of 1,000 rows; fewer rows would mostly tell what a call costs."""
    import numpy as np

    rows = X.iloc[np.resize(unseen, _TIMED_ROWS)]
    started = time.monotonic()
    predict(fitted, rows, 0 if not hasattr(fitted, "predict_proba") else len(fitted.classes_))
    return round(time.monotonic() - started, 6)


def _mean(scores: list[float]) -> float | None:
    known = [score for score in scores if math.isfinite(score)]
    return sum(known) / len(known) if known else None


def over_folds(problem: Problem, trial: Trial) -> dict[str, Any]:
    """Measure a trial's out-of-fold predictions, fold by fold; those of a split of an engine's own as one.

    Returns
    -------
    {"folds": count, metric: {"mean", "std", "folds": [one a fold]}} for the metric asked for and those that are
    always reported. A score that a fold's rows cannot have is None.
    """
    import numpy as np

    assert trial.out_of_fold is not None
    known = np.flatnonzero(~np.isnan(trial.out_of_fold.reshape(len(problem.y), -1)).any(axis=1))
    # A candidate that was cut short has been tested on the first folds.
    tested = [rows for _, rows in problem.folds[: len(trial.fold_scores)]]
    if not np.array_equal(known, np.unique(np.concatenate([[], *tested]))):
        # A split of an engine's own is one test, however the folds would cut it: a few rows of each tell little.
        tested = [known]
    described: dict[str, Any] = {"folds": len(tested)}
    for metric in _reported(problem):
        values = []
        for rows in tested:
            weights = None if problem.weights is None else problem.weights[rows]
            values.append(metric.score(problem.y[rows], trial.out_of_fold[rows], weights))
        finite = [value for value in values if math.isfinite(value)]
        described[metric.name] = {
            "mean": float(np.mean(finite)) if finite else None,
            "std": float(np.std(finite)) if finite else None,
            "folds": [value if math.isfinite(value) else None for value in values],
        }
    return described


def unmeasured(scores: dict[str, Any]) -> list[str]:
    """Return a sentence for each metric that some of the folds cannot be measured by, as its mean is of the others."""
    found = []
    for name, measured in scores.items():
        missing = measured["folds"].count(None) if isinstance(measured, dict) else 0
        if missing:
            found.append(f"{name} could not be measured on {missing} of {len(measured['folds'])} folds.")
    return found


def _reported(problem: Problem) -> list[metrics.Metric]:
    """Return the metric asked for and those that are always reported, each once."""
    names = dict.fromkeys([problem.metric.name, *metrics.REPORTED[problem.task]])
    return [metrics.resolve(name, problem.task, len(problem.classes)) for name in names]


def held_out(problem: Problem, fitted: Pipeline, X: pd.DataFrame, y: Array, weights: Array | None) -> dict[str, Any]:
    """Describe a fitted pipeline on the rows held out: scores, and for a classification confusion matrix and report.

    The matrix has a row a true class and a column a predicted one, in the order of `classes`.
    """
    from sklearn.metrics import classification_report, confusion_matrix

    classes = problem.classes
    predicted = predict(fitted, X, len(classes))
    described: dict[str, Any] = {"rows": len(y)}
    for metric in _reported(problem):
        value = metric.score(y, predicted, weights)
        described[metric.name] = value if math.isfinite(value) else None
    if problem.task is not Task.CLASSIFICATION:
        return described
    codes, likeliest = list(range(len(classes))), predicted.argmax(axis=1)
    # A class may be called as a row of the report that is of all classes.
    named = [f"class {name}" if name in _OF_ALL else str(name) for name in classes]
    report = classification_report(y, likeliest, labels=codes, target_names=named, output_dict=True, zero_division=0.0)
    matrix = confusion_matrix(y, likeliest, labels=codes).tolist()
    return described | {"classes": list(classes), "confusion_matrix": matrix, "classification_report": report}
