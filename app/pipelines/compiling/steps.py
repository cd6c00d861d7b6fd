"""Fitted steps that take numbers, into operations: the table, and transformers. Models have rooms of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled import models, transformers
from app.pipelines.compiled.operation import OfNumbers
from app.pipelines.compiling.boosted import booster, forest, one_tree
from app.pipelines.compiling.linear import (
    calibrated,
    constant,
    discriminant,
    gaussian_process,
    generalised,
    logistic,
    machine,
    network,
    regression,
    sampled_kernel,
    stochastic,
)
from app.pipelines.compiling.networks import of_matrix
from app.pipelines.compiling.uncompiled import Uncompiled

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Compiles a step inside another.
Compile = Callable[[Any], OfNumbers]


def _pipeline(step: Any, inner: Compile) -> OfNumbers:
    return transformers.Chain(tuple(inner(each) for _, each in step.steps))


def _union(step: Any, inner: Compile) -> OfNumbers | None:
    if step.transformer_weights:
        return None
    return transformers.Union(tuple(inner(each) for _, each in step.transformer_list if each != "drop"))


def _nothing(step: Any, inner: Compile) -> OfNumbers | None:
    return None if getattr(step, "func", None) is not None else transformers.Chain(())


def _left_out(step: Any, inner: Compile) -> OfNumbers:
    import numpy as np

    return transformers.Kept(np.zeros(0, dtype="int64"))


def _standard(step: Any, inner: Compile) -> OfNumbers:
    import numpy as np

    centre = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
    return transformers.Scaled(centre, step.scale_ if step.with_std else np.ones(step.n_features_in_))


def _robust(step: Any, inner: Compile) -> OfNumbers:
    import numpy as np

    centre = step.center_ if step.with_centering else np.zeros(step.n_features_in_)
    return transformers.Scaled(centre, step.scale_ if step.with_scaling else np.ones(step.n_features_in_))


def _least_most(step: Any, inner: Compile) -> OfNumbers:
    least, most = step.feature_range if step.clip else (None, None)
    return transformers.Stretched(step.scale_, step.min_, least, most)


def _largest(step: Any, inner: Compile) -> OfNumbers | None:
    import numpy as np

    return None if getattr(step, "clip", False) else transformers.Scaled(np.zeros(step.n_features_in_), step.scale_)


def _filled(step: Any, inner: Compile) -> OfNumbers | None:
    import numpy as np

    whole = not np.isnan(step.statistics_).any() and not step.add_indicator
    return transformers.Filled(step.statistics_) if whole else None


def _selected(step: Any, inner: Compile) -> OfNumbers:
    import numpy as np

    return transformers.Kept(np.flatnonzero(step.get_support()))


def _unit(step: Any, inner: Compile) -> OfNumbers:
    return transformers.Unit(step.norm)


def _binary(step: Any, inner: Compile) -> OfNumbers:
    return transformers.Above(float(step.threshold))


def _components(step: Any, inner: Compile) -> OfNumbers:
    import numpy as np

    directions = step.components_.T
    if getattr(step, "whiten", False):
        directions = directions / np.maximum(np.sqrt(step.explained_variance_), np.finfo("float64").eps)
    return transformers.Product(step.mean_, directions)


def _independent(step: Any, inner: Compile) -> OfNumbers:
    import numpy as np

    mean = step.mean_ if step.whiten else np.zeros(step.n_features_in_)
    return transformers.Product(mean, step.components_.T)


def _powers(step: Any, inner: Compile) -> OfNumbers:
    return transformers.Powers(step.powers_)


def _ranks(step: Any, inner: Compile) -> OfNumbers | None:
    if step.output_distribution != "uniform":
        return None
    return transformers.Ranks(step.quantiles_, step.references_)


def _splines(step: Any, inner: Compile) -> OfNumbers | None:
    import numpy as np

    if step.extrapolation != "constant" or not step.include_bias:
        return None
    return transformers.Splines(np.stack([spline.t for spline in step.bsplines_]), int(step.degree))


def _bag(step: Any, inner: Compile) -> OfNumbers | None:
    members = [
        transformers.Chain((transformers.Kept(places), inner(each)))
        for each, places in zip(step.estimators_, step.estimators_features_, strict=True)
    ]
    if hasattr(step, "classes_") and any(len(each.classes_) < len(step.classes_) for each in step.estimators_):
        return None
    return models.MeanOf(tuple(members), (1.0,) * len(members))


def _recoded(step: Any, inner: Compile) -> OfNumbers:
    raise Uncompiled("its model has not seen every class")


#: {estimator: what compiles it}, by package and class. None from it: such a one is left to ONNX.
STEPS: dict[str, Callable[[Any, Compile], OfNumbers | None]] = {
    "sklearn.Pipeline": _pipeline,
    "sklearn.FeatureUnion": _union,
    "app.Recoded": _recoded,
    "sklearn.FunctionTransformer": _nothing,
    "tpot.Passthrough": _nothing,
    "tpot.SkipTransformer": _left_out,
    "sklearn.StandardScaler": _standard,
    "sklearn.RobustScaler": _robust,
    "sklearn.MinMaxScaler": _least_most,
    "sklearn.MaxAbsScaler": _largest,
    "sklearn.Normalizer": _unit,
    "sklearn.Binarizer": _binary,
    "sklearn.SimpleImputer": _filled,
    "sklearn.PCA": _components,
    "sklearn.FastICA": _independent,
    "sklearn.PolynomialFeatures": _powers,
    "sklearn.QuantileTransformer": _ranks,
    "sklearn.SplineTransformer": _splines,
    "sklearn.Nystroem": sampled_kernel,
    **dict.fromkeys(
        (
            "sklearn.VarianceThreshold",
            "sklearn.SelectKBest",
            "sklearn.SelectPercentile",
            "sklearn.SelectFwe",
            "sklearn.SelectFpr",
            "sklearn.SelectFdr",
            "sklearn.SelectFromModel",
            "sklearn.RFE",
        ),
        _selected,
    ),
    "sklearn.BaggingClassifier": _bag,
    "sklearn.BaggingRegressor": _bag,
    "sklearn.LogisticRegression": logistic,
    "sklearn.LogisticRegressionCV": logistic,
    "sklearn.SGDClassifier": stochastic,
    "sklearn.LinearDiscriminantAnalysis": discriminant,
    "sklearn.CalibratedClassifierCV": calibrated,
    "app.NetworkClassifier": of_matrix,
    "app.NetworkRegressor": of_matrix,
    "sklearn.MLPClassifier": network,
    "sklearn.MLPRegressor": network,
    "sklearn.SVR": machine,
    "sklearn.NuSVR": machine,
    "sklearn.GaussianProcessRegressor": gaussian_process,
    "sklearn.DummyClassifier": constant,
    "sklearn.DummyRegressor": constant,
    **dict.fromkeys(
        (
            "sklearn.ARDRegression",
            "sklearn.BayesianRidge",
            "sklearn.ElasticNet",
            "sklearn.ElasticNetCV",
            "sklearn.HuberRegressor",
            "sklearn.Lars",
            "sklearn.LarsCV",
            "sklearn.Lasso",
            "sklearn.LassoCV",
            "sklearn.LassoLars",
            "sklearn.LassoLarsCV",
            "sklearn.LassoLarsIC",
            "sklearn.LinearRegression",
            "sklearn.LinearSVR",
            "sklearn.OrthogonalMatchingPursuit",
            "sklearn.OrthogonalMatchingPursuitCV",
            "sklearn.PassiveAggressiveRegressor",
            "sklearn.QuantileRegressor",
            "sklearn.Ridge",
            "sklearn.RidgeCV",
            "sklearn.SGDRegressor",
            "sklearn.TheilSenRegressor",
        ),
        regression,
    ),
    **dict.fromkeys(("sklearn.PoissonRegressor", "sklearn.GammaRegressor"), generalised),
    **dict.fromkeys(
        (
            "sklearn.RandomForestClassifier",
            "sklearn.RandomForestRegressor",
            "sklearn.ExtraTreesClassifier",
            "sklearn.ExtraTreesRegressor",
            "sklearn.GradientBoostingClassifier",
            "sklearn.GradientBoostingRegressor",
            "sklearn.HistGradientBoostingClassifier",
            "sklearn.HistGradientBoostingRegressor",
        ),
        forest,
    ),
    **dict.fromkeys(
        (
            "sklearn.DecisionTreeClassifier",
            "sklearn.DecisionTreeRegressor",
            "sklearn.ExtraTreeClassifier",
            "sklearn.ExtraTreeRegressor",
        ),
        one_tree,
    ),
    **dict.fromkeys(
        (
            "xgboost.XGBClassifier",
            "xgboost.XGBRegressor",
            "xgboost.XGBRFClassifier",
            "xgboost.XGBRFRegressor",
            "lightgbm.LGBMClassifier",
            "lightgbm.LGBMRegressor",
        ),
        booster,
    ),
}
