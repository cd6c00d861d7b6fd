"""TPOT's arguments by the names of 0.x and of 1.x, with their bounds."""

from __future__ import annotations

from typing import Any

from app.errors import Fault, InvalidParameters, at
from app.payloads.parameters import ModelTraining, Task
from app.pipelines import metrics

MODELS = {"tpot.TPOTClassifier": Task.CLASSIFICATION, "tpot.TPOTRegressor": Task.REGRESSION}

#: Minutes of a search that names no limit.
DEFAULT_MINUTES = 5.0

#: {argument: (type, least, most)}.
BOUNDS: dict[str, tuple[type, float, float]] = {
    "generations": (int, 1, 10_000),
    "population_size": (int, 2, 1_000),
    "max_time_mins": (float, 0.01, 7 * 24 * 60),
    "max_eval_time_mins": (float, 0.01, 24 * 60),
    "cv": (int, 2, 20),
    "random_state": (int, 0, 2**32 - 1),
    "early_stop": (int, 1, 10_000),
}

#: {argument: values}. 0.x called a smaller space `config_dict: TPOT light`.
CHOICES = {
    "search_space": ("linear", "linear-light"),
    "config_dict": ("TPOT light",),
}

#: Arguments that change nothing here: output goes to the job's progress, and every core is used.
ACCEPTED_UNUSED = ("verbosity", "verbose", "n_jobs", "disable_update_check")

#: What may stand last in a pipeline, when `estimators` names it.
ESTIMATORS = {
    Task.CLASSIFICATION: "AdaBoostClassifier BaggingClassifier BernoulliNB DecisionTreeClassifier ExtraTreesClassifier "
    "GaussianNB GradientBoostingClassifier HistGradientBoostingClassifier KNeighborsClassifier LGBMClassifier "
    "LinearDiscriminantAnalysis LinearSVC LogisticRegression MLPClassifier MultinomialNB "
    "QuadraticDiscriminantAnalysis RandomForestClassifier SGDClassifier SVC XGBClassifier",
    Task.REGRESSION: "ARDRegression AdaBoostRegressor BaggingRegressor DecisionTreeRegressor ElasticNet "
    "ExtraTreesRegressor GradientBoostingRegressor HistGradientBoostingRegressor KNeighborsRegressor LGBMRegressor "
    "Lasso LassoLarsCV LinearSVR MLPRegressor RandomForestRegressor Ridge SGDRegressor SVR XGBRegressor",
}


def check(training: ModelTraining, n_classes: int) -> None:
    """Check the arguments of a search.

    Raises
    ------
    InvalidParameters
        Naming each argument that is not known, gone since 0.x, or out of bounds.
    """
    assert training.model is not None
    task = MODELS[training.model]
    faults = [
        Fault(at("params", "model_training", "model_args", name), detail)
        for name, value in training.model_args.items()
        if (detail := _refusal(name, value, task, n_classes))
    ]
    if faults:
        raise InvalidParameters(f"{training.model} does not take these arguments.", faults)


def _refusal(name: str, value: Any, task: Task, n_classes: int) -> str | None:
    if name in ACCEPTED_UNUSED:
        return None
    if name == "scoring":
        known = metrics.known_names(n_classes)
        return None if value in known else f"known are {', '.join(known)}"
    if name == "estimators":
        known = ESTIMATORS[task].split()
        named = isinstance(value, list) and value and all(item in known for item in value)
        return None if named else f"must be a list of some of {', '.join(known)}"
    if name in CHOICES:
        return None if value in CHOICES[name] else f"known are {', '.join(CHOICES[name])}"
    if name not in BOUNDS:
        known = [*BOUNDS, *CHOICES, "estimators", "scoring", *ACCEPTED_UNUSED]
        return f"not an argument that TPOT 1 takes here; known are {', '.join(known)}"
    kind, least, most = BOUNDS[name]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or (kind is int and not isinstance(value, int)) or not least <= value <= most:
        return f"must be {'a whole number' if kind is int else 'a number'} from {least} to {most}"
    return None
