"""The kinds of models that a portfolio tries, and the variants of each.

Each kind is a row of `KINDS`: how it is made for classes and for numbers, and with which arguments. To add a kind, add
a row; to add a variant, add its arguments to the row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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
