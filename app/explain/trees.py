"""SHAP's own reader of trees, made once for a loaded version: exact values, and what pairs of columns do together."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.errors import EngineMissing, Fault, InvalidParameters
from app.explain.base import Asked, Case, Contribution, FinalStep, Overall, Part, Subject
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Estimators whose trees vote with probabilities, and all those whose trees SHAP reads.
_VOTING = {
    "DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier",
}  # fmt: skip
_TREES = _VOTING | {
    "DecisionTreeRegressor", "ExtraTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor",
    "GradientBoostingClassifier", "GradientBoostingRegressor",
    "HistGradientBoostingClassifier", "HistGradientBoostingRegressor",
    "XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor", "LGBMClassifier", "LGBMRegressor",
}  # fmt: skip


def reads(model: Any) -> bool:
    """Tell whether SHAP has a reader for an estimator's trees."""
    return type(model).__name__ in _TREES


def scale(model: Any) -> str | None:
    """Return the unit of the values where the trees vote; None for the model's raw output."""
    return "probability" if type(model).__name__ in _VOTING else None


def values(subject: Subject, final: FinalStep, inputs: Array) -> tuple[Array, Array] | None:
    """Return SHAP values, shape (n_rows, n_inputs, n_outputs), and base values, (n_outputs,); None if it reads none."""
    import numpy as np

    explainer = _explainer(subject, final)
    if explainer is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # XGBoost's are of 32 bits, in which their sum would miss itself.
        found = np.asarray(explainer.shap_values(inputs, check_additivity=False), dtype="float64")
    base = np.ravel(np.asarray(explainer.expected_value, dtype="float64"))
    return found if found.ndim == 3 else found[:, :, np.newaxis], base


def interactions(subject: Subject, cases: Sequence[Case], asked: Asked) -> Overall:
    """Return mean absolute SHAP interaction values (Lundberg et al. 2020), between columns of the caller.

    A pair's value is what both together add beyond what each adds alone, once for each order of the two.

    Raises
    ------
    InvalidParameters
        SHAP has no interaction values of these trees.
    """
    import numpy as np
    import pandas as pd

    final = subject.final
    explainer = _explainer(subject, final) if final is not None and reads(final.model) else None
    if explainer is None or final is None:
        raise _unreadable()
    rows = pd.concat([case.row for case in cases])
    inputs = final.transform(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = np.asarray(explainer.shap_interaction_values(inputs), dtype="float64")
        except (NotImplementedError, ValueError, TypeError, AssertionError, AttributeError):
            raise _unreadable() from None
    if found.ndim == 4:
        found = found[..., asked.output]
    columns = subject.columns
    member = np.array([[origin == name for name in columns] for origin in final.origins], dtype="float64")
    by_column = np.einsum("rij,ia,jb->rab", found, member, member)
    strength = np.abs(by_column).mean(axis=0)
    error = np.abs(by_column).std(axis=0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else np.zeros_like(strength)
    pairs: list[dict[str, Any]] = [
        {
            "features": [columns[a], columns[b]],
            # Both orders of a pair are the same, and together its effect.
            "interaction": float(strength[a, b] * 2),
            "standard_error": float(error[a, b] * 2),
        }
        for a in range(len(columns))
        for b in range(a + 1, len(columns))
    ]
    pairs.sort(key=lambda pair: -pair["interaction"])
    mains = [Contribution(Part(name), float(strength[a, a]), float(error[a, a])) for a, name in enumerate(columns)]
    voting = scale(final.model)
    several = final.model.__class__.__name__.endswith("Classifier") and len(subject.classes) > 2
    raw = "value" if subject.task is not Task.CLASSIFICATION else ("score" if several else "log_odds")
    return Overall(
        contributions=mains,
        algorithm="tree_interactions",
        scale=voting or raw,
        rows=len(rows),
        details={"interactions": pairs[: asked.parameters.num_features]},
    )


def _unreadable() -> InvalidParameters:
    return InvalidParameters(
        "SHAP has no interaction values of this model's trees.",
        [Fault("/params/method", "does not fit this model; partial_dependence of two columns does")],
    )


def _explainer(subject: Subject, final: FinalStep) -> Any:
    """Return SHAP's reader of the last step, made at its first use; None where it cannot read it."""
    if "trees" not in subject.kept:
        shap = _library()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                made = shap.TreeExplainer(final.model)
            except (
                shap.utils._exceptions.InvalidModelError,
                NotImplementedError,
                ValueError,
                TypeError,
                AssertionError,
            ):
                # Gradient boosting of several classes, for one, is not read.
                made = None
        subject.kept["trees"] = made
    return subject.kept["trees"]


def _library() -> Any:
    try:
        import shap
    except ImportError:
        raise EngineMissing("SHAP", "shap") from None
    return shap
