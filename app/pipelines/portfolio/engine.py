"""The engine that picks: baselines of different kinds, their variants, a TPOT search, and a weighted ensemble."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.errors import Fault, InvalidParameters, ServiceError, TrainingFailed, at
from app.payloads.parameters import Kind, ModelTraining, Task, TrainParameters
from app.pipelines import baseline, registry
from app.pipelines.base import Board, Problem, Trial
from app.pipelines.portfolio import choice, members
from app.pipelines.running import STOPPED

#: Seconds without which a TPOT search is not worth its start.
TPOT_LEAST = 15.0

#: Individuals of a generation of that search: few, so that a generation comes to its end.
TPOT_POPULATION = 12


class PortfolioEngine:
    """What trains when no model is named."""

    searches = True
    seconds = 60

    def models(self) -> list[str]:
        """List the dotted names of the models."""
        return ["portfolio"]

    def task(self, model: str) -> Task | None:
        """Tell what a model predicts: here the labels decide."""
        return None

    def reads(self, model: str) -> frozenset[str]:
        """Return what a model takes of a series."""
        return frozenset({"features", "signals"})

    def check(self, parameters: TrainParameters, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless there are no arguments: the limits are all that it takes."""
        given = parameters.model_training.model_args
        if given:
            raise InvalidParameters(
                "The portfolio takes no arguments.",
                [Fault(at("params", "model_training", "model_args", name), "unknown; see limits") for name in given],
            )

    def check_kinds(self, model: str, kinds: dict[str, Kind]) -> None:
        """Take columns of any kind: they become numbers before the model."""

    def search(self, problem: Problem, board: Board) -> Trial:
        """Try kinds, then variants of the best kinds, then TPOT among these; return the best, or the best mix.

        Raises
        ------
        TrainingFailed
            Nothing could be trained on this data at all.
        """
        board.reserve = lambda: choice.finish_seconds(problem, board)
        board.try_all(members.first(problem), "baselines")
        if board.left > 0:
            board.try_all(members.variants(problem, choice.kinds(board)), "variants")
        if board.left > TPOT_LEAST:
            self._search_with_tpot(problem, board)
        elif board.left <= 0:
            board.cut_short()
        if board.best is not None:
            return choice.choose(problem, board)
        refused = next((trial.error for trial in board.trials if trial.error not in (None, STOPPED)), None)
        if refused is not None:
            raise TrainingFailed(f"No model could be trained on this data; the first said: {refused}")
        board.note = "There was no time to try any candidate. This is the baseline, a linear model."
        return baseline.untried(problem)

    def _search_with_tpot(self, problem: Problem, board: Board) -> None:
        """Let TPOT search around the kinds that did best so far."""
        estimators = members.tpot_names(problem, choice.kinds(board))
        if not estimators:
            return
        model = "tpot.TPOTClassifier" if problem.classes else "tpot.TPOTRegressor"
        arguments = {"estimators": estimators, "population_size": TPOT_POPULATION, "max_time_mins": board.left / 60}
        training = ModelTraining(model=model, model_args=arguments, metric=problem.parameters.model_training.metric)
        parameters = problem.parameters.model_copy(update={"model_training": training})
        try:
            registry.resolve(parameters).search(replace(problem, parameters=parameters), board)
            board.note = None
        except ServiceError as error:
            # What has been found stands, without a search by TPOT.
            board.note = f"TPOT did not search: {error.detail}"
            return
        if board.left <= TPOT_LEAST:
            # It would have gone on.
            board.cut_short()
