"""The engine that searches nothing: it trains the estimator that was named."""

from __future__ import annotations

from typing import Any

from app.errors import Fault, InvalidParameters, OutOfTime, TrainingFailed
from app.payloads.parameters import Kind, Task, TrainParameters
from app.pipelines.base import FEATURES, Board, Candidate, Problem, Trial
from app.pipelines.calibrated import with_probabilities
from app.pipelines.evaluate import takes_weights
from app.pipelines.quiet import quiet
from app.pipelines.sklearn import params


class SklearnEngine:
    """Any classifier or regressor of scikit-learn, XGBoost or LightGBM by its dotted name."""

    searches = False
    seconds = None

    def models(self) -> list[str]:
        """List the dotted names of the models."""
        return params.names(params.CLASSIFIERS) + params.names(params.REGRESSORS)

    def task(self, model: str) -> Task:
        """Tell what a model predicts."""
        return Task.CLASSIFICATION if model in params.names(params.CLASSIFIERS) else Task.REGRESSION

    def reads(self, model: str) -> frozenset[str]:
        """Return what a model takes of a series."""
        return FEATURES

    def check(self, parameters: TrainParameters, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless the estimator takes these arguments."""
        training = parameters.model_training
        assert training.model is not None
        params.check(training.model, training.model_args)
        params.classes_named(training.model_args, classes)
        if parameters.sample_weight is not None and not takes_weights(params.build(training.model, {})):
            raise InvalidParameters(
                f"{training.model} cannot weigh its rows.",
                [Fault("/params/sample_weight", "leave it out, or name a model that can")],
            )

    def check_kinds(self, model: str, kinds: dict[str, Kind]) -> None:
        """Take columns of any kind: they become numbers before the model."""

    def search(self, problem: Problem, board: Board) -> Trial:
        """Try the estimator that was named, with the training's seed where it takes one.

        Raises
        ------
        TrainingFailed, OutOfTime
        """
        training = problem.parameters.model_training
        assert training.model is not None
        arguments = params.classes_named(training.model_args, problem.classes)
        estimator = quiet(params.build(training.model, arguments))
        known = estimator.get_params(deep=False)
        if "random_state" in known and "random_state" not in arguments:
            estimator.set_params(random_state=problem.seed)
        model = with_probabilities(problem, estimator)
        scaled = training.model.rpartition(".")[0] in params.SCALED
        candidate = Candidate(training.model, "sklearn", problem.pipeline(model, scaled))
        found = board.try_all([candidate], "cross-validation")
        if board.stopped is not None:
            raise OutOfTime(problem.parameters.limits.seconds)
        if found[0].score is None:
            raise TrainingFailed(found[0].error or f"{training.model} could not be scored.")
        return found[0]
