"""A search over whole pipelines by genetic programming, with TPOT, in a process of its own.

Measured with TPOT 1.1.0: its `callback` is never called, its limits are kept only between evaluations and only for some
of them, and it raises when no candidate was scored in time. Hence it is given one objective of ours, which tries a
pipeline as every engine's are tried, tells of it at once, and ends it at its limit.
"""

from __future__ import annotations

import logging
from typing import Any

from app.errors import EngineMissing
from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines import baseline
from app.pipelines.base import FEATURES, Board, Candidate, Problem, Trial
from app.pipelines.processes import ChildDied, ChildFailed, stream
from app.pipelines.running import STOPPED
from app.pipelines.tpot import params
from app.pipelines.tpot.evolve import evolve

logger = logging.getLogger(__name__)

#: Seconds that a limit may be short of without being called the reason for an end.
_NEGLIGIBLE = 1.0

#: What is told while TPOT searches.
_STAGE = "search"


class TpotEngine:
    """TPOTClassifier and TPOTRegressor."""

    searches = True
    seconds = None

    def models(self) -> list[str]:
        """List the dotted names of the models."""
        return list(params.MODELS)

    def task(self, model: str) -> Task:
        """Tell what a model predicts."""
        return params.MODELS[model]

    def reads(self, model: str) -> frozenset[str]:
        """Return what a model takes of a series."""
        return FEATURES

    def check(self, parameters: TrainParameters, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless the search takes these arguments."""
        params.check(parameters.model_training, len(classes))

    def check_kinds(self, model: str, kinds: dict[str, Kind]) -> None:
        """Take columns of any kind: they become numbers before the model."""

    def search(self, problem: Problem, board: Board) -> Trial:
        """Search until a limit is reached and return the best; a linear baseline is among the candidates.

        Raises
        ------
        EngineMissing
        """
        try:
            import tpot  # noqa: F401  the child that needs it could not say that it is missing
        except ImportError:
            raise EngineMissing("TPOT", "tpot and setuptools<82") from None
        if board.best is None:
            board.try_all([Candidate("baseline", "baseline", baseline.pipeline(problem))], "baseline")
        given = problem.parameters.model_training.model_args
        wanted = given.get("max_time_mins", params.DEFAULT_MINUTES) * 60
        seconds = min(wanted, board.left)
        board.recall("tpot", _STAGE)
        known = {trial.name for trial in board.trials}
        tried = sorted(board.trials, key=board.rank, reverse=True)
        ended = "No candidate of the search was scored in time"
        try:
            for trial in stream(evolve, problem, given, tried, seconds=seconds):
                if trial is not None and trial.name not in known:
                    known.add(trial.name)
                    board.add(trial, _STAGE)
                board.look(_STAGE)
                if board.left <= 0:
                    board.cut_short()
                    break
        except TimeoutError:
            if seconds < wanted - _NEGLIGIBLE:
                board.cut_short()
        except (ChildFailed, ChildDied) as error:
            # What it had found until then stands.
            logger.warning("the search ended early: %s", error)
            ended = "The search failed before a candidate was scored"
        best = board.best
        candidates = [trial for trial in board.trials if trial.engine == "tpot"]
        scored = [trial for trial in candidates if trial.score is not None]
        if not scored:
            refused = [trial.error for trial in candidates if trial.error is not None]
            if refused and STOPPED not in refused:
                ended = f"Every candidate of the search failed; the first said: {refused[0].rstrip('.')}"
            board.note = f"{ended}. This is the baseline, a linear model."
            return best or baseline.untried(problem)
        found = max(scored, key=board.rank)
        if best is not None and board.rank(best) > board.rank(found):
            board.note = (
                f"{best.name} scored better than the best of the search ({best.score:.4g} to {found.score:.4g})."
            )
        return found
