"""The engine of neural networks: a search in a process of its own, so that a network can be ended at any moment."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace
from typing import Any

from app.errors import ServiceError, TrainingFailed
from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines import baseline
from app.pipelines.autokeras import backend, params
from app.pipelines.base import FEATURES, Board, Candidate, Problem, Trial
from app.pipelines.board import CANDIDATES_LIMIT
from app.pipelines.processes import Child, ChildDied, ChildFailed
from app.pipelines.running import STOPPED

logger = logging.getLogger(__name__)

#: What is told while networks are tried.
_STAGE = "search"

#: Seconds between two reports.
_TICK = 0.5

#: Seconds beyond its limit after which a network is ended from without: it looks at the clock after each batch, and is
#: measured then.
_GRACE = 7.0


class AutoKerasEngine:
    """AutoKeras's models by their names, and two for series."""

    searches = True
    seconds = None

    def models(self) -> list[str]:
        """List the dotted names of the models."""
        return list(params.MODELS)

    def task(self, model: str) -> Task:
        """Tell what a model predicts."""
        return params.MODELS[model][0]

    def reads(self, model: str) -> frozenset[str]:
        """Return what a model takes of a series."""
        return frozenset({"signals"}) if params.MODELS[model][1] == "series" else FEATURES

    def check(self, parameters: TrainParameters, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless the search takes these arguments."""
        params.check(parameters)

    def check_kinds(self, model: str, kinds: dict[str, Kind]) -> None:
        """Raise InvalidData unless the model takes columns of these kinds."""
        params.check_kinds(model, kinds)

    def search(self, problem: Problem, board: Board) -> Trial:
        """Search until a limit is reached and return the best network; a linear baseline is tried before.

        Raises
        ------
        EngineMissing, InvalidData
        TrainingFailed
            Every network failed, and the baseline too.
        """
        model = problem.parameters.model_training.model
        assert model is not None
        params.check_kinds(model, problem.kinds)
        backend.check()
        if board.best is None:
            board.try_all([Candidate("baseline", "baseline", baseline.pipeline(problem))], "baseline")
        ended = self._search(problem, board)
        networks = [trial for trial in board.trials if trial.engine == "autokeras"]
        scored = [trial for trial in networks if trial.score is not None]
        best = board.best
        if not scored:
            why = networks[0].error if networks else ended
            if best is None:
                raise TrainingFailed(f"{model} found no network: {why}")
            board.note = f"No network was found: {why}. This is the baseline, a linear model."
            return best
        found = max(scored, key=board.rank)
        if best is not None and board.rank(best) > board.rank(found):
            board.note = f"{best.name} scored better than the best network ({best.score:.4g} to {found.score:.4g})."
        return found

    def _search(self, problem: Problem, board: Board) -> str:
        """Search in a child, and in another where a network took the child with it; say why there may be no network."""
        known = board.recall("autokeras", _STAGE)
        try:
            while (lost := self._until_lost(problem, board, known)) is not None:
                board.add(lost, _STAGE)
                known = [trial for trial in board.trials if trial.engine == "autokeras"]
        except (ServiceError, ChildFailed, ChildDied) as error:
            # What it had found until then stands.
            logger.warning("the search ended early: %s", error)
            return str(error)
        full = board.stopped == CANDIDATES_LIMIT
        return "the limit of candidates was reached before one" if full else "there was no time to train one"

    def _until_lost(self, problem: Problem, board: Board, known: list[Trial]) -> Trial | None:
        """Search until a network is lost with its child, and return it with the reason; None at the end.

        One may go on beyond its limit, within one batch of many rows say, or be more than the machine has memory for.
        """
        from app.pipelines.autokeras.search import trials

        limit = problem.parameters.limits.candidate_seconds or math.inf
        begun: Trial | None = None
        since, seconds = 0.0, board.left
        child = Child(trials, problem, seconds, known, seconds=seconds)
        try:
            while not child.ended:
                child.connection.poll(_TICK)
                for trial in child.receive():
                    if trial is None:
                        board.cut_short()
                    elif trial.score is None and trial.error is None:
                        begun, since = trial, time.monotonic()
                    else:
                        begun = None
                        board.add(trial, _STAGE)
                board.look(_STAGE)
                if board.left <= 0:
                    board.cut_short()
                    return None
                if begun is not None and time.monotonic() > since + limit + _GRACE:
                    return replace(begun, error=STOPPED)
        except TimeoutError:
            board.cut_short()
        except (ServiceError, ChildFailed, ChildDied) as error:
            if begun is None:
                raise
            logger.warning("%s ended the search's process: %s", begun.name, error)
            return replace(begun, error=str(error))
        finally:
            child.kill()
        return None
