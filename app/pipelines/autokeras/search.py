"""AutoKeras's search, as a stream of the networks that it tries."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Images, Task
from app.pipelines.autokeras import backend, oracle, params, spaces
from app.pipelines.autokeras.network import NetworkClassifier, NetworkRegressor
from app.pipelines.autokeras.training import split
from app.pipelines.autokeras.tried import tried
from app.pipelines.base import Problem, Trial

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Share of the time, and at most so many seconds, that are kept for what follows the last epoch of a network.
_SHARE_AFTER, _SECONDS_AFTER = 0.2, 10.0

#: Share of the time that one network may take: the best is fitted twice more, on more rows.
_SHARE_OF_ONE = 0.25


def trials(problem: Problem, seconds: float, known: Sequence[Trial] = ()) -> Iterator[Trial | None]:
    """Yield each network twice: as it begins, with neither score nor error, and as it ends.

    None comes last when the time was over before all were tried.

    A network whose training is cut by the time, or by the limit of one candidate, counts with its best epoch so far.

    Parameters
    ----------
    known
        Trials of an earlier attempt at this training, from which the search goes on.
    """
    deadline = time.monotonic() + seconds - min(_SECONDS_AFTER, _SHARE_AFTER * seconds)
    training = problem.parameters.model_training
    assert training.model is not None
    given = params.given(problem.parameters)
    kind = params.MODELS[training.model][1]
    rows = validation(problem, given["validation_split"], given["seed"])
    given["block_type"] = (given["block_type"] or backend.usual_images()) if kind == "image" else None
    space = spaces.space(kind, len(problem.classes), given["block_type"])
    asked = oracle.make(given["tuner"], given["max_trials"], given["seed"], space)
    earlier = {trial.name: trial for trial in known}
    for number in range(1, given["max_trials"] + 1):
        question = oracle.ask(asked, kind, given["seed"] + number)
        if question is None:
            # All there is was tried.
            return
        trial = earlier.get(f"{training.model} {number}")
        if trial is None:
            limit = problem.parameters.limits.candidate_seconds or math.inf
            left = min(deadline - time.monotonic(), _SHARE_OF_ONE * seconds, limit)
            network = _network(problem, kind, given, question.hyperparameters.values)
            network.set_params(seconds=left, held_back=held_back(problem, rows[0]))
            for trial in tried(problem, network, rows, f"{training.model} {number}"):
                if trial.score is not None:
                    led = {**trial.details, "objective": _objective(problem, trial, rows, given)}
                    trial = replace(trial, details=led)
                yield trial
        assert trial is not None
        if trial.score is None:
            oracle.tell(asked, question, None, None)
        else:
            built = spaces.space(kind, len(problem.classes), given["block_type"], trial.details["hyperparameters"])
            oracle.tell(asked, question, trial.details["objective"], built)
        if time.monotonic() > deadline:
            if number < given["max_trials"]:
                yield None
            return


def validation(problem: Problem, share: float, seed: int) -> tuple[Array, Array]:
    """Return the positions that networks learn from and those that they are measured on, which they do not see.

    With groups or times the last fold, of times the one that learns from the most; else shuffled, by class. Of few
    rows a fold too.
    """
    seen, unseen = split(len(problem.y), problem.y if problem.classes else None, share, seed)
    return (seen, unseen) if len(unseen) and not _belong_together(problem) else problem.folds[-1]


def held_back(problem: Problem, seen: Array) -> tuple[Array, Array] | None:
    """Return which of the rows learned from a network learns from, and by which it sees when it is done.

    As positions among those. Rows that belong together stay together: what is held back is the test part of a fold, of
    times the one before; None for a share at random.
    """
    import numpy as np

    if not _belong_together(problem) or len(problem.folds) < 2:
        return None
    in_time = problem.parameters.time or problem.task is Task.FORECASTING
    learned, held = problem.folds[-2 if in_time else 0]
    parts = tuple(np.flatnonzero(np.isin(seen, part)) for part in (learned, held))
    return (parts[0], parts[1]) if len(parts[0]) and len(parts[1]) else None


def _belong_together(problem: Problem) -> bool:
    return bool(problem.parameters.groups or problem.parameters.time) or problem.task is Task.FORECASTING


def _network(problem: Problem, kind: str, given: dict[str, Any], values: dict[str, Any]) -> Any:
    wanted = problem.parameters.images or Images()
    return (NetworkClassifier if problem.classes else NetworkRegressor)(
        kind,
        hyperparameters=values,
        epochs=given["epochs"],
        batch_size=given["batch_size"],
        patience=given["patience"],
        size=(wanted.height, wanted.width, wanted.channels),
        block_type=given["block_type"],
        max_model_size=given["max_model_size"],
        random_state=given["seed"],
    )


def _objective(problem: Problem, trial: Trial, rows: tuple[Array, Array], given: dict[str, Any]) -> float:
    """Return what leads the search, greater is better: the metric that the training names, else `objective`."""
    import numpy as np
    from sklearn.metrics import accuracy_score

    if problem.parameters.model_training.metric is not None:
        assert trial.score is not None
        return trial.score * problem.metric.sign
    if given["objective"] == "val_loss":
        losses = trial.details["history"].get("val_loss") or trial.details["history"]["loss"]
        return -min(float(value) for value in losses if value is not None)
    assert trial.out_of_fold is not None
    unseen = rows[1]
    weights = None if problem.weights is None else problem.weights[unseen]
    likeliest = np.asarray(trial.out_of_fold[unseen]).argmax(axis=1)
    return float(accuracy_score(problem.y[unseen], likeliest, sample_weight=weights))
