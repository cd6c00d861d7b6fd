"""The engine that searches nothing: it trains the estimator that was named."""

from __future__ import annotations

from typing import Any

from app.errors import Fault, InvalidParameters
from app.payloads.parameters import ModelTraining, Task
from app.pipelines.base import Found, Keep, Problem, Progress
from app.pipelines.sklearn import params


class SklearnEngine:
    """Any classifier or regressor of scikit-learn, XGBoost or LightGBM by its dotted name."""

    def models(self) -> list[str]:
        """List the dotted names of the models."""
        return params.names(params.CLASSIFIERS) + params.names(params.REGRESSORS)

    def task(self, model: str) -> Task | None:
        """Tell what a model predicts; None when there is no such model."""
        if model in params.names(params.CLASSIFIERS):
            return Task.CLASSIFICATION
        return Task.REGRESSION if model in params.names(params.REGRESSORS) else None

    def check(self, training: ModelTraining, classes: tuple[Any, ...]) -> None:
        """Raise InvalidParameters unless the estimator takes these arguments."""
        if training.metric is not None:
            raise InvalidParameters(
                "A metric is what a search maximises, and this model is trained as it is.",
                [Fault("/params/model_training/metric", "leave it out, or name a model that searches")],
            )
        params.check(training.model, training.model_args)
        params.classes_named(training.model_args, classes)

    def search(self, problem: Problem, progress: Progress, keep: Keep) -> Found:
        """Return the estimator that was named, with the training's seed where it takes one."""
        arguments = params.classes_named(problem.training.model_args, problem.classes)
        estimator = params.build(problem.training.model, arguments)
        known = estimator.get_params(deep=False)
        if "random_state" in known and "random_state" not in arguments:
            estimator.set_params(random_state=problem.seed)
        if "verbose" in known and problem.training.model.startswith("lightgbm"):
            estimator.set_params(verbose=-1)
        module = problem.training.model.rpartition(".")[0]
        return Found(estimator, scaled=module in params.SCALED)
