"""Which estimators can be named, and which arguments they take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters, at, listed

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

#: Every classifier that works without another estimator or several targets, by module.
CLASSIFIERS = {
    "sklearn.calibration": "CalibratedClassifierCV",
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.dummy": "DummyClassifier",
    "sklearn.ensemble": "AdaBoostClassifier BaggingClassifier ExtraTreesClassifier GradientBoostingClassifier "
    "HistGradientBoostingClassifier RandomForestClassifier",
    "sklearn.gaussian_process": "GaussianProcessClassifier",
    "sklearn.linear_model": "LogisticRegression LogisticRegressionCV PassiveAggressiveClassifier Perceptron "
    "RidgeClassifier RidgeClassifierCV SGDClassifier",
    "sklearn.naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
    "sklearn.neighbors": "KNeighborsClassifier NearestCentroid RadiusNeighborsClassifier",
    "sklearn.neural_network": "MLPClassifier",
    "sklearn.semi_supervised": "LabelPropagation LabelSpreading",
    "sklearn.svm": "LinearSVC NuSVC SVC",
    "sklearn.tree": "DecisionTreeClassifier ExtraTreeClassifier",
    "xgboost": "XGBClassifier XGBRFClassifier",
    "lightgbm": "LGBMClassifier",
}

#: Every regressor that works without another estimator or several targets, by module.
REGRESSORS = {
    "sklearn.compose": "TransformedTargetRegressor",
    "sklearn.cross_decomposition": "PLSRegression",
    "sklearn.dummy": "DummyRegressor",
    "sklearn.ensemble": "AdaBoostRegressor BaggingRegressor ExtraTreesRegressor GradientBoostingRegressor "
    "HistGradientBoostingRegressor RandomForestRegressor",
    "sklearn.gaussian_process": "GaussianProcessRegressor",
    "sklearn.isotonic": "IsotonicRegression",
    "sklearn.kernel_ridge": "KernelRidge",
    "sklearn.linear_model": "ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor Lars "
    "LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression OrthogonalMatchingPursuit "
    "OrthogonalMatchingPursuitCV PassiveAggressiveRegressor PoissonRegressor QuantileRegressor RANSACRegressor Ridge "
    "RidgeCV SGDRegressor TheilSenRegressor TweedieRegressor",
    "sklearn.neighbors": "KNeighborsRegressor RadiusNeighborsRegressor",
    "sklearn.neural_network": "MLPRegressor",
    "sklearn.svm": "LinearSVR NuSVR SVR",
    "sklearn.tree": "DecisionTreeRegressor ExtraTreeRegressor",
    "xgboost": "XGBRegressor XGBRFRegressor",
    "lightgbm": "LGBMRegressor",
}

#: Modules whose estimators compare or penalise numbers across columns, so that the columns must be of one scale.
SCALED = {
    "sklearn.calibration",
    "sklearn.cross_decomposition",
    "sklearn.gaussian_process",
    "sklearn.kernel_ridge",
    "sklearn.linear_model",
    "sklearn.neighbors",
    "sklearn.neural_network",
    "sklearn.semi_supervised",
    "sklearn.svm",
}

#: The most of an argument that costs time or memory in proportion, where the estimator itself knows no bound.
CEILINGS = {
    "n_estimators": 10_000,
    "max_iter": 100_000,
    "max_depth": 1_000,
    "num_leaves": 100_000,
    "max_leaf_nodes": 1_000_000,
    "max_leaves": 100_000,
    "max_bin": 10_000,
    "degree": 10,
    "cv": 20,
    "alphas": 10_000,
    "Cs": 1_000,
    "n_neighbors": 100_000,
    "max_trials": 100_000,
    "max_subpopulation": 1_000_000,
    "num_parallel_tree": 1_000,
    "batch_size": 1_000_000,
    "cache_size": 2_000,
    "early_stopping_rounds": 100_000,
    "l1_ratio": 100,
    "l1_ratios": 100,
    "max_fun": 1_000_000,
    "max_iter_predict": 10_000,
    "min_categories": 100_000,
    "max_cat_to_onehot": 10_000,
    "max_n_alphas": 10_000,
    "n_components": 10_000,
    "n_restarts_optimizer": 100,
    "n_subsamples": 1_000_000,
    "n_targets": 100,
    "hidden_layer_sizes": 20,
    "subsample_for_bin": 10_000_000,
    "subsample_freq": 100_000,
}

#: The most that a member of a list may be, where it costs.
_MEMBERS = {"hidden_layer_sizes": 10_000, "min_categories": 100_000}

#: Members of a list, and characters of a text, of any argument.
_LONGEST_LIST, _LONGEST_TEXT = 10_000, 1_000

#: Arguments that the service decides: they name files or code, or take more of the machine than a training has.
DECIDED_HERE = {"memory", "callbacks", "n_jobs", "verbose", "verbosity", "device", "solver_options"}


def names(table: dict[str, str]) -> list[str]:
    """List the dotted names of a table."""
    return [f"{module}.{name}" for module, members in table.items() for name in members.split()]


def check(model: str, arguments: dict[str, Any]) -> None:
    """Check arguments against what the estimator declares.

    Raises
    ------
    InvalidParameters
        Naming each argument that is not known, out of bounds, or decided by the service.
    """
    estimator = build(model, {})
    known = sorted(estimator.get_params(deep=False).keys() - DECIDED_HERE)
    faults = [
        Fault(at("params", "model_training", "model_args", name), detail)
        for name, value in arguments.items()
        if (detail := _refusal(estimator, name, value, known))
    ]
    if faults:
        raise InvalidParameters(f"{model} does not take these arguments.", faults)


def build(model: str, arguments: dict[str, Any]) -> BaseEstimator:
    """Make the estimator; the name must be one of the tables'.

    Raises
    ------
    EngineMissing
    """
    from importlib import import_module

    from app.errors import EngineMissing

    module, _, name = model.rpartition(".")
    try:
        estimator: BaseEstimator = getattr(import_module(module), name)(**arguments)
    except ImportError:
        raise EngineMissing("sklearn", module.partition(".")[0]) from None
    return estimator


def _refusal(estimator: BaseEstimator, name: str, value: Any, known: list[str]) -> str | None:
    """Say why an argument is not taken; None when it is."""
    if name in DECIDED_HERE:
        return "decided by the service; leave it out"
    if name not in known:
        return f"not an argument; known are {', '.join(known)}"
    size = len(value) if isinstance(value, list) else value
    if name in CEILINGS and isinstance(size, int | float) and size > CEILINGS[name]:
        return f"must be at most {CEILINGS[name]}"
    if detail := _size_refusal(name, value):
        return detail
    constraints = getattr(estimator, "_parameter_constraints", None)
    return _plain_refusal(value) if constraints is None else _declared_refusal(constraints, name, value)


def _size_refusal(name: str, value: Any) -> str | None:
    """Say what of a list, a mapping or a text is too much, whatever its estimator thinks of it."""
    if isinstance(value, str):
        return f"must have at most {_LONGEST_TEXT} characters" if len(value) > _LONGEST_TEXT else None
    if not isinstance(value, list | dict):
        most = _MEMBERS.get(name, math.inf)
        return f"must be at most {most}" if isinstance(value, int | float) and value > most else None
    if name == "cv":
        return "must be a number of folds"
    members = list(value.values()) if isinstance(value, dict) else value
    if len(members) > _LONGEST_LIST or any(isinstance(one, list | dict | str) for one in members):
        return f"must have at most {_LONGEST_LIST} members, each a number"
    most = _MEMBERS.get(name, 1e9)
    wrong = any(isinstance(one, int | float) and not -1e9 <= one <= most for one in members)
    return f"each member must be between -1e9 and {most:g}" if wrong else None


def _declared_refusal(constraints: dict[str, Any], name: str, value: Any) -> str | None:
    from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

    if name not in constraints or constraints[name] == "no_validation":
        return _plain_refusal(value)
    try:
        validate_parameter_constraints({name: constraints[name]}, {name: value}, caller_name="the model")
    except InvalidParameterError as error:
        # "The 'x' parameter of the model must be …. Got … instead.": the middle is what helps.
        return "must be" + str(error).partition("must be")[2].rpartition(" Got")[0].rstrip(".")
    return None


def _plain_refusal(value: Any) -> str | None:
    """Check an argument that its estimator declares nothing about: a number, text or boolean of reasonable size."""
    if isinstance(value, dict | list):
        return "must be a number, text or boolean"
    if isinstance(value, int | float) and not -1e9 <= value <= 1e9:
        return "must be between -1e9 and 1e9"
    return None


def classes_named(arguments: dict[str, Any], classes: tuple[Any, ...]) -> dict[str, Any]:
    """Translate the labels in `class_weight: {label: weight}` to the class codes that the estimator sees.

    Raises
    ------
    InvalidParameters
        A label that no row has.
    """
    weights = arguments.get("class_weight")
    if not isinstance(weights, dict):
        return arguments
    codes = {str(label): code for code, label in enumerate(classes)}
    unknown = [name for name in weights if name not in codes]
    if unknown:
        raise InvalidParameters(
            "class_weight names a class that no row has.",
            [Fault("/params/model_training/model_args/class_weight", f"known classes are {listed(classes)}")],
        )
    return arguments | {"class_weight": {codes[name]: weight for name, weight in weights.items()}}
