"""SHAP (Lundberg & Lee 2017): exact for trees and linear models where the pipeline allows, else sampled.

Exact values are those of the last step; they are added up by the caller's column, which is right because each input of
that step comes from one column. The sampler walks permutations of the caller's own columns (Castro et al. 2009), each
with its reverse (Mitchell et al. 2022), so base value and contributions always add up to the prediction.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from app.errors import EngineMissing
from app.explain.base import Asked, FinalStep, Local, Subject
from app.explain.encoding import Encoding
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: Estimators whose trees SHAP reads, and those of them whose trees vote with probabilities.
_VOTING = {
    "DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier",
}  # fmt: skip
_TREES = _VOTING | {
    "DecisionTreeRegressor", "ExtraTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor",
    "GradientBoostingClassifier", "GradientBoostingRegressor",
    "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
    "XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor", "LGBMClassifier", "LGBMRegressor",
}  # fmt: skip

#: Estimators whose answer, or its log odds, is a sum over columns.
_LINEAR = {
    "LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis",
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "BayesianRidge",
    "ARDRegression", "HuberRegressor", "Lars", "LarsCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearSVR",
    "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor", "QuantileRegressor",
    "SGDRegressor", "TheilSenRegressor",
}  # fmt: skip

#: Share of the output's size by which exact values may miss it. More means that the estimator was read wrongly (a
#: link function that SHAP does not know), and the sampler answers instead.
_TOLERANCE = 1e-4

#: Rows the sampler asks the model for, one explanation; and how many training rows it compares with at most.
SAMPLES = 20_000
_BACKGROUND = 50


def explain(subject: Subject, row: pd.DataFrame, asked: Asked) -> Local:
    """Explain one row by Shapley values, `additivity_error` being what they miss the model's output by."""
    final = subject.final
    if final is not None:
        name = type(final.model).__name__
        exact = _tree(subject, final, row, asked) if name in _TREES else None
        exact = _linear(subject, final, row, asked) if name in _LINEAR else exact
        if exact is not None:
            return exact
    return _permutation(subject, row, asked)


def _tree(subject: Subject, final: FinalStep, row: pd.DataFrame, asked: Asked) -> Local | None:
    """Exact values of a tree ensemble (Lundberg et al. 2020), conditional on the paths that training rows took."""
    import numpy as np

    shap = _library()
    inputs = final.transform(row)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            explainer = shap.TreeExplainer(final.model)
            # XGBoost's are of 32 bits, in which their sum would miss itself.
            values = np.asarray(explainer.shap_values(inputs, check_additivity=False), dtype="float64")
        except (shap.utils._exceptions.InvalidModelError, NotImplementedError, ValueError, TypeError, AssertionError):
            # Gradient boosting of several classes, for one, is not read.
            return None
    base = np.ravel(np.asarray(explainer.expected_value, dtype="float64"))
    scale = "probability" if type(final.model).__name__ in _VOTING else None
    return _exact(subject, final, values, base, inputs, asked, "tree", scale)


def _linear(subject: Subject, final: FinalStep, row: pd.DataFrame, asked: Asked) -> Local | None:
    """Exact values of a linear model whose columns are taken to be independent: weight times distance to the mean."""
    import numpy as np

    inputs = final.transform(row)
    mean = np.asarray(final.transform(subject.background)).mean(axis=0)
    weights = np.atleast_2d(final.model.coef_)
    intercept = np.ravel(np.broadcast_to(final.model.intercept_, (len(weights),)))
    values = (weights * (inputs[0] - mean)).T[np.newaxis]
    base = weights @ mean + intercept
    return _exact(subject, final, values, base, inputs, asked, "linear", None)


def _exact(
    subject: Subject,
    final: FinalStep,
    values: np.ndarray[Any, Any],
    base: np.ndarray[Any, Any],
    inputs: np.ndarray[Any, Any],
    asked: Asked,
    algorithm: str,
    scale: str | None,
) -> Local | None:
    """Add up the values of the last step's inputs by column; None when they do not add up to its output.

    Parameters
    ----------
    values
        Shape (1, n_inputs) or (1, n_inputs, n_outputs). One output of two classes is that of the second class.
    """
    import numpy as np

    values = values[0] if values.ndim == 3 else values[0][:, np.newaxis]
    sign, output = _place(subject, values.shape[1], asked.output)
    chosen, start = sign * values[:, output], float(sign * base[min(output, len(base) - 1)])
    answers = _raw_output(final.model, inputs) if scale is None else final.model.predict_proba(inputs)
    actual = float(sign * answers[0, output])
    total = start + float(chosen.sum())
    error = abs(total - actual)
    if error > _TOLERANCE * max(1.0, abs(actual)):
        return None
    contributions = dict.fromkeys(subject.columns, 0.0)
    for name, value in zip(final.origins, chosen, strict=True):
        contributions[name] += float(value)
    if scale is None:
        scale = (
            "value" if subject.task is not Task.CLASSIFICATION else ("log_odds" if values.shape[1] == 1 else "score")
        )
    return Local(
        contributions=contributions,
        base_value=start,
        local_prediction=total,
        trust={"additivity_error": error},
        algorithm=algorithm,
        scale=scale,
        num_samples=None,
        background=0 if algorithm == "tree" else len(subject.background),
    )


def _place(subject: Subject, n_outputs: int, wanted: int) -> tuple[float, int]:
    """Return the sign and the position of the wanted output: log odds of two classes are one, negated for the first."""
    if n_outputs > 1:
        return 1.0, wanted
    return (1.0 if subject.task is not Task.CLASSIFICATION or wanted == 1 else -1.0), 0


def _raw_output(model: Any, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what the values of a model add up to, shape (1, n_outputs): its answer before any link function."""
    import numpy as np

    name = type(model).__name__
    if not hasattr(model, "predict_proba"):
        # What numbers are, whatever the link: values of its logarithm do not add up to them, and are then not used.
        raw = model.predict(inputs)
    elif name.startswith("XGB"):
        raw = model.predict(inputs, output_margin=True)
    elif name.startswith("LGBM"):
        raw = model.predict(inputs, raw_score=True)
    else:
        raw = model.decision_function(inputs)
    return np.asarray(raw, dtype="float64").reshape(1, -1)


def _permutation(subject: Subject, row: pd.DataFrame, asked: Asked) -> Local:
    """Sampled values: the mean change of the answer as the row's columns replace those of background rows, in turn."""
    import numpy as np

    generator = np.random.default_rng(asked.seed)
    budget = asked.num_samples or SAMPLES
    n_columns = len(subject.columns)
    # A walk and its reverse ask for each column of each background row; at least one pair of walks is made.
    n_background = max(1, min(_BACKGROUND, len(subject.background), budget // (2 * n_columns)))
    n_pairs = max(1, budget // (2 * n_columns * n_background))
    encoding = Encoding.fit(subject.background, row)
    chosen = generator.choice(len(subject.background), n_background, replace=False)
    background, point = encoding.encode(subject.background.iloc[chosen]), encoding.encode(row)[0]
    totals = np.zeros(n_columns)
    start = 0.0
    for _ in range(n_pairs):
        order = generator.permutation(n_columns)
        for walk in (order, order[::-1]):
            answers = _walk(subject, encoding, background, point, walk, asked.output)
            totals[walk] += np.diff(answers)
            start = answers[0]
    contributions = totals / (2 * n_pairs)
    actual = float(subject.predict(row)[0, asked.output])
    return Local(
        contributions=dict(zip(subject.columns, map(float, contributions), strict=True)),
        base_value=float(start),
        local_prediction=float(start + contributions.sum()),
        trust={"additivity_error": abs(float(start + contributions.sum()) - actual)},
        algorithm="permutation",
        scale="value" if subject.task is not Task.CLASSIFICATION else "probability",
        num_samples=2 * n_pairs * n_columns * n_background,
        background=n_background,
    )


def _walk(
    subject: Subject,
    encoding: Encoding,
    background: np.ndarray[Any, Any],
    point: np.ndarray[Any, Any],
    order: np.ndarray[Any, Any],
    output: int,
) -> np.ndarray[Any, Any]:
    """Return the mean answers before the first column is replaced and after each, shape (n_columns + 1,)."""
    import numpy as np

    states = np.repeat(background[np.newaxis], len(order) + 1, axis=0)
    for step, column in enumerate(order, start=1):
        states[step:, :, column] = point[column]
    answers = subject.predict(encoding.decode(states.reshape(-1, len(order))))[:, output]
    means: np.ndarray[Any, Any] = answers.reshape(len(order) + 1, len(background)).mean(axis=1)
    return means


def _library() -> Any:
    try:
        import shap
    except ImportError:
        raise EngineMissing("SHAP", "shap") from None
    return shap
