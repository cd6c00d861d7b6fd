"""SHAP's own reader of trees, made once for a loaded version: values of inputs, and of pairs of inputs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from app.errors import EngineMissing
from app.explain.base import FinalStep, Subject

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
    # XGBoost's are of 32 bits, in which their sum would miss itself.
    found = np.asarray(explainer.shap_values(inputs, check_additivity=False), dtype="float64")
    base = np.ravel(np.asarray(explainer.expected_value, dtype="float64"))
    return found if found.ndim == 3 else found[:, :, np.newaxis], base


def interaction_values(subject: Subject, final: FinalStep, inputs: Array, output: int) -> Array | None:
    """Return SHAP interaction values of one output, shape (n_rows, n_inputs, n_inputs); None if it reads none."""
    import numpy as np

    explainer = _explainer(subject, final)
    if explainer is None:
        return None
    try:
        found = np.asarray(explainer.shap_interaction_values(inputs), dtype="float64")
    except (NotImplementedError, ValueError, TypeError, AssertionError, AttributeError):
        return None
    return found[..., output] if found.ndim == 4 else found


def _explainer(subject: Subject, final: FinalStep) -> Any:
    """Return SHAP's reader of the last step, made at its first use; None where it cannot read it."""

    def made() -> Any:
        shap = _library()
        refused = (shap.utils._exceptions.InvalidModelError, NotImplementedError, ValueError, TypeError, AssertionError)
        try:
            return shap.TreeExplainer(final.model)
        except refused:
            # Gradient boosting of several classes, for one, is not read.
            return None

    return subject.once("trees", made)


def _library() -> Any:
    try:
        import shap
    except ImportError:
        raise EngineMissing("SHAP", "shap") from None
    # It warns of what its next release will do; filters of a block would be those of all threads.
    warnings.filterwarnings("ignore", module="shap")
    return shap
