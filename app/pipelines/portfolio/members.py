"""The kinds of models that a portfolio tries first, and the variants of each that follow.

Each kind is a row below: how it is made for classes and for numbers, and with which arguments. To add a kind, add a row
to `KINDS`; to add a variant, add its arguments to the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from app.payloads.parameters import Kind, Task
from app.pipelines.base import Candidate, Problem
from app.pipelines.calibrated import with_probabilities
from app.pipelines.evaluate import takes_weights
from app.pipelines.quiet import quiet

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

#: Arguments that keep an estimator on the one core that a candidate has, and quiet, where it takes them.
_COMMON = {"n_jobs": 1, "verbosity": 0, "verbose": 0}

#: Arguments whose values in the rows below are for classes; a regressor keeps its own default.
_OF_CLASSES = {"criterion"}


#: Share of the search, and the least seconds, that a candidate may take: of many rows a forest would leave no time for
#: anything else.
SHARE, LEAST = 0.15, 5.0

#: Names of the candidates that are only for forecasts, and only for series.
NAIVE, CONVOLUTIONS = "last value", "random convolutions"


@dataclass(frozen=True)
class KindOfModel:
    """A kind of model.

    Attributes
    ----------
    classifier, regressor
        Dotted names.
    scaled
        Whether its numbers must have mean 0 and variance 1.
    before
        Transformers between the columns' preprocessing and the model: dotted names and their arguments.
    positive
        Whether all targets must be greater than 0.
    least_rows, most_rows
        Between which it is tried: some need rows to place what they place among them, some take time in the square of
        the rows.
    first
        Arguments of the one that is tried first; None for a kind that only follows.
    variants
        Arguments of those that follow, the likeliest to help first.
    tpot
        TPOT's names of the kind, for classes and for numbers.
    """

    classifier: str | None
    regressor: str | None
    scaled: bool = False
    before: tuple[tuple[str, dict[str, Any]], ...] = ()
    positive: bool = False
    least_rows: int = 0
    most_rows: int = 10**9
    first: dict[str, Any] | None = field(default_factory=dict)
    variants: tuple[dict[str, Any], ...] = ()
    tpot: tuple[str | None, str | None] = (None, None)


#: Columns to smooth curves of them: ranks first, so that a long tail does not leave the knots to a few rows.
_CURVES = (
    ("sklearn.preprocessing.QuantileTransformer", {"n_quantiles": 50}),
    ("sklearn.preprocessing.SplineTransformer", {"n_knots": 4}),
)

KINDS = {
    "linear": KindOfModel(
        "sklearn.linear_model.LogisticRegression",
        "sklearn.linear_model.RidgeCV",
        scaled=True,
        first={"max_iter": 500, "alphas": [0.01, 0.1, 1.0, 10.0, 100.0]},
        variants=({"C": 0.1, "max_iter": 500, "alphas": [1000.0]}, {"C": 10.0, "max_iter": 500, "alphas": [1e-4]}),
        tpot=("LogisticRegression", "Ridge"),
    ),
    "lightgbm": KindOfModel(
        "lightgbm.LGBMClassifier",
        "lightgbm.LGBMRegressor",
        first={"n_estimators": 200, "learning_rate": 0.05},
        variants=(
            {"n_estimators": 400, "learning_rate": 0.03, "num_leaves": 15, "min_child_samples": 10,
             "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.7, "reg_lambda": 1.0},
            {"n_estimators": 400, "learning_rate": 0.04, "num_leaves": 5, "min_child_samples": 30,
             "subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.6, "reg_lambda": 5.0},
            {"n_estimators": 300, "learning_rate": 0.05, "extra_trees": True, "colsample_bytree": 0.8},
            {"n_estimators": 300, "learning_rate": 0.03, "num_leaves": 127, "min_child_samples": 5},
        ),
        tpot=("LGBMClassifier", "LGBMRegressor"),
    ),
    "xgboost": KindOfModel(
        "xgboost.XGBClassifier",
        "xgboost.XGBRegressor",
        first={"n_estimators": 200, "learning_rate": 0.08},
        variants=(
            {"n_estimators": 500, "learning_rate": 0.03, "max_depth": 4, "subsample": 0.8, "colsample_bytree": 0.7,
             "min_child_weight": 2},
            {"n_estimators": 400, "learning_rate": 0.06, "max_depth": 2, "subsample": 0.8, "colsample_bytree": 0.6,
             "reg_lambda": 5.0},
            {"n_estimators": 300, "learning_rate": 0.05, "max_depth": 8, "subsample": 0.9, "colsample_bytree": 0.5},
        ),
        tpot=("XGBClassifier", "XGBRegressor"),
    ),
    "histogram boosting": KindOfModel(
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.HistGradientBoostingRegressor",
        variants=(
            # It ends by rows of its own when more rounds do not help, so that it is as large as the rows allow.
            {"learning_rate": 0.06, "max_iter": 1000, "early_stopping": True, "n_iter_no_change": 15},
            {"learning_rate": 0.04, "max_iter": 250, "max_leaf_nodes": 15, "l2_regularization": 1.0},
        ),
        tpot=("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
    ),
    "forest": KindOfModel(
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.ensemble.RandomForestRegressor",
        first={"n_estimators": 200},
        variants=(
            {"n_estimators": 300, "min_samples_leaf": 3, "max_features": 0.5},
            {"n_estimators": 300, "criterion": "entropy", "max_features": "sqrt"},
        ),
        tpot=("RandomForestClassifier", "RandomForestRegressor"),
    ),
    "extra trees": KindOfModel(
        "sklearn.ensemble.ExtraTreesClassifier",
        "sklearn.ensemble.ExtraTreesRegressor",
        first={"n_estimators": 200},
        variants=({"n_estimators": 300, "min_samples_leaf": 2, "max_features": 0.7},),
        tpot=("ExtraTreesClassifier", "ExtraTreesRegressor"),
    ),
    # A smooth curve of each column, added up.
    "splines": KindOfModel(
        "sklearn.linear_model.LogisticRegression",
        "sklearn.linear_model.RidgeCV",
        before=_CURVES,
        least_rows=100,
        first=None,
        variants=({"C": 0.1, "max_iter": 500, "alphas": [0.1, 1.0, 10.0, 100.0]},),
    ),
    # Those curves with what happens between columns, for any number of rows: likenesses to a sample of these, as a
    # kernel machine has them to all (Williams & Seeger 2001).
    "sampled kernel": KindOfModel(
        "sklearn.linear_model.LogisticRegression",
        "sklearn.linear_model.RidgeCV",
        before=(*_CURVES, ("sklearn.kernel_approximation.Nystroem", {"n_components": 300})),
        least_rows=600,
        first=None,
        variants=({"C": 1.0, "max_iter": 500, "alphas": [1e-3, 0.01, 0.1, 1.0, 10.0]},),
    ),
    # Errors as shares of the value, for prices, incomes and durations.
    "gamma boosting": KindOfModel(
        None,
        "xgboost.XGBRegressor",
        positive=True,
        first=None,
        variants=(
            {"objective": "reg:gamma", "n_estimators": 500, "learning_rate": 0.05, "max_depth": 4, "subsample": 0.8,
             "colsample_bytree": 0.7},
        ),
    ),
    "neighbours": KindOfModel(
        "sklearn.neighbors.KNeighborsClassifier",
        "sklearn.neighbors.KNeighborsRegressor",
        scaled=True,
        most_rows=20_000,
        first=None,
        variants=({"n_neighbors": 15, "weights": "distance"}, {"n_neighbors": 5, "weights": "distance"}),
        tpot=("KNeighborsClassifier", "KNeighborsRegressor"),
    ),
    "kernel": KindOfModel(
        "sklearn.svm.SVC",
        "sklearn.svm.SVR",
        scaled=True,
        most_rows=4_000,
        first=None,
        variants=({"C": 1.0}, {"C": 10.0}),
        tpot=("SVC", "SVR"),
    ),
    "network": KindOfModel(
        "sklearn.neural_network.MLPClassifier",
        "sklearn.neural_network.MLPRegressor",
        scaled=True,
        most_rows=30_000,
        first=None,
        variants=({"hidden_layer_sizes": [64, 32], "alpha": 0.01, "early_stopping": True, "max_iter": 300},),
        tpot=("MLPClassifier", "MLPRegressor"),
    ),
    "gaussian process": KindOfModel(
        None,
        "sklearn.gaussian_process.GaussianProcessRegressor",
        scaled=True,
        most_rows=600,
        first=None,
        variants=({"alpha": 0.1, "normalize_y": True},),
    ),
}  # fmt: skip


def first(problem: Problem) -> list[Candidate]:
    """Return one candidate of each kind that is tried first, the quickest first."""
    found = [*_special(problem)]
    for name, kind in KINDS.items():
        if kind.first is not None and (candidate := _candidate(problem, name, kind, kind.first, name)):
            found.append(candidate)
    return found


def variants(problem: Problem, best: list[str]) -> list[Candidate]:
    """Return the variants, those of the kinds that did best first; kinds that have not been tried come between.

    Parameters
    ----------
    best
        Names of the kinds that have been tried, the best first.
    """
    untried = [name for name, kind in KINDS.items() if kind.first is None]
    order = [*best[:2], *untried, *best[2:]]
    found = []
    for number in range(max(len(kind.variants) for kind in KINDS.values())):
        for name in order:
            kind = KINDS.get(name)
            if kind is not None and number < len(kind.variants):
                label = f"{name} {number + 2}"
                if candidate := _candidate(problem, name, kind, kind.variants[number], label):
                    found.append(candidate)
    return found


def tpot_names(problem: Problem, best: list[str]) -> list[str]:
    """Return TPOT's names of the three kinds that did best."""
    place = 0 if problem.classes else 1
    names = [KINDS[name].tpot[place] for name in best if name in KINDS]
    return [name for name in names if name is not None][:3]


def is_baseline(name: str) -> bool:
    """Tell whether a candidate, by its name, is one of those that are tried first."""
    return name in KINDS or name in (NAIVE, CONVOLUTIONS)


def kind_of(name: str) -> str:
    """Return the kind of a candidate of this module by the candidate's name."""
    return next((kind for kind in KINDS if name == kind or name.startswith(f"{kind} ")), name)


def _candidate(
    problem: Problem, name: str, kind: KindOfModel, arguments: dict[str, Any], label: str
) -> Candidate | None:
    """Return a candidate, or None where its kind is not for this problem."""
    dotted = kind.classifier if problem.classes else kind.regressor
    if dotted is None or set(problem.kinds.values()) == {Kind.SIGNAL}:
        return None
    if not kind.least_rows <= len(problem.y) <= kind.most_rows:
        return None
    from sklearn.pipeline import make_pipeline

    # A forecast's model learns steps from the last value, which may go down.
    if kind.positive and (problem.task is Task.FORECASTING or problem.y.min() <= 0):
        return None
    model = with_probabilities(problem, quiet(_made(problem, dotted, arguments)))
    if kind.before:
        model = make_pipeline(*(_made(problem, *step) for step in kind.before), model)
    pipeline = problem.pipeline(model, kind.scaled)
    if problem.weights is not None and not takes_weights(pipeline):
        return None
    return Candidate(label, "portfolio", pipeline, max(LEAST, SHARE * problem.seconds))


def _made(problem: Problem, dotted: str, arguments: dict[str, Any]) -> BaseEstimator:
    """Return an estimator with those of the arguments that it takes."""
    module, _, attribute = dotted.rpartition(".")
    make: Callable[..., BaseEstimator] = getattr(import_module(module), attribute)
    known = make().get_params(deep=False).keys() - (set() if problem.classes else _OF_CLASSES)
    wanted = _COMMON | {"random_state": problem.seed} | arguments
    return make(**{key: value for key, value in wanted.items() if key in known})


def _special(problem: Problem) -> list[Candidate]:
    """Return what is only for series or forecasts."""
    found = []
    if problem.task is Task.FORECASTING:
        from sklearn.dummy import DummyRegressor

        # Its steps are relative to the last value, so this one says that nothing changes.
        naive = problem.pipeline(DummyRegressor(strategy="constant", constant=0.0), scaled=False)
        found.append(Candidate(NAIVE, "portfolio", naive))
    if Kind.SIGNAL in problem.kinds.values():
        found.append(Candidate(CONVOLUTIONS, "portfolio", _convolutions(problem)))
    return found


def _convolutions(problem: Problem) -> Pipeline:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from app.pipelines.convolutions import RandomConvolutions

    signals = [name for name, kind in problem.kinds.items() if kind is Kind.SIGNAL]
    model = LogisticRegression(C=0.01, max_iter=300) if problem.classes else RidgeCV([0.1, 1.0, 10.0, 100.0, 1000.0])
    return Pipeline(
        [
            ("convolutions", ColumnTransformer([("signals", RandomConvolutions(random_state=problem.seed), signals)])),
            ("scale", StandardScaler()),
            ("model", model),
        ]
    )
