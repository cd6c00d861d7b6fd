"""A network as a row of the leaderboard."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.errors import ServiceError
from app.pipelines import evaluate
from app.pipelines.base import Problem, Trial

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    Array = np.ndarray[Any, Any]


def _pipeline(problem: Problem, network: Any) -> Pipeline:
    """Return an unfitted pipeline. A network makes numbers of whole series, images and texts itself."""
    from sklearn.pipeline import Pipeline

    return problem.pipeline(network, scaled=True) if network.kind == "table" else Pipeline([("model", network)])


def tried(problem: Problem, network: Any, rows: tuple[Array, Array], name: str) -> Iterator[Trial]:
    """Yield a trial of a network as it begins, and as it ends: fitted on one part of the rows, measured on the other.

    One that has only begun has neither score nor error. The pipeline of a trial holds no rows back, as AutoKeras's last
    fit does not: it learns from all rows for as many epochs as were the best here.
    """
    import numpy as np
    from sklearn.base import clone

    seen, unseen = rows
    n_classes, weights = len(problem.classes), problem.weights
    whole = {"validation_fraction": 0.0, "held_back": None, "seconds": None}
    trial = Trial(name, "autokeras", _pipeline(problem, clone(network).set_params(**whole)))
    yield trial
    started = time.monotonic()
    try:
        fitted = evaluate.fit(
            _pipeline(problem, network),
            problem.X.iloc[seen],
            problem.y[seen],
            None if weights is None else weights[seen],
        )
        fitted_at = time.monotonic()
        predicted = evaluate.predict(fitted, problem.X.iloc[unseen], n_classes)
    except ServiceError as error:
        yield replace(trial, error=error.detail)
        return
    took = time.monotonic() - fitted_at
    score = problem.metric.score(problem.y[unseen], predicted, None if weights is None else weights[unseen])
    if not math.isfinite(score):
        yield replace(trial, error="its predictions cannot be measured by the metric")
        return
    out_of_fold = np.full((len(problem.y), n_classes) if n_classes else len(problem.y), np.nan)
    out_of_fold[unseen] = predicted
    inner = evaluate.innermost(fitted)
    found = clone(network).set_params(hyperparameters=inner.hyperparameters_, epochs=_best(inner.history_), **whole)
    yield Trial(
        name,
        "autokeras",
        _pipeline(problem, found),
        score=score,
        fold_scores=(score,),
        out_of_fold=out_of_fold,
        fit_seconds=round(fitted_at - started, 4),
        predict_seconds=round(1000 * took / len(unseen), 6),
        size=len(pickle.dumps(fitted, protocol=5)),
        details=_details(inner),
    )


def _best(history: dict[str, list[float]]) -> int:
    """Return the number, from 1, of the epoch with the least loss on the rows held back; without any, the last."""
    losses = [value if math.isfinite(value) else math.inf for value in history.get("val_loss", [])]
    return 1 + losses.index(min(losses)) if losses else len(history["loss"])


def _details(network: Any) -> dict[str, Any]:
    stopped = {"stopped": "time limit"} if network.cut_ else {}
    return stopped | {
        "epochs": len(network.history_["loss"]),
        # A training that diverged in the end has numbers that JSON has not.
        "history": {
            name: [value if math.isfinite(value) else None for value in values]
            for name, values in network.history_.items()
        },
        "hyperparameters": network.hyperparameters_,
        "weights": network.n_weights_,
        "device": network.device_,
    }
