"""What a fitted model itself says of its columns: `feature_importances_` or `coef_`, folded back to the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pipelines.preprocess import origins
from app.pipelines.reports.curves import number

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def model_importances(fitted: Pipeline, columns: list[str]) -> dict[str, Any] | None:
    """Return what the last step says, or None where it says nothing or its inputs cannot be traced to columns.

    Returns
    -------
    {"from": "feature_importances_", "columns": [{"name", "importance"}, …]}, the most important first. The importance
    of a column is the sum over what it became: categories, parts of a date. Of coefficients it is that of their sizes,
    over all classes; they compare with each other only where the columns are scaled. They tell what the model uses, not
    what that is worth.
    """
    import numpy as np

    while not hasattr(fitted, "steps"):
        if not hasattr(fitted, "regressor_"):
            return None
        fitted = fitted.regressor_
    if hasattr(fitted[-1], "regressor_") and hasattr(fitted[-1].regressor_, "steps"):
        return model_importances(fitted[-1].regressor_, columns)
    source = next((name for name in ("feature_importances_", "coef_") if _has(fitted[-1], name)), None)
    names = _inputs(fitted, columns)
    if source is None or names is None:
        return None
    sizes = np.abs(np.asarray(getattr(fitted[-1], source), dtype="float64"))
    sizes = sizes.reshape(-1, sizes.shape[-1]).sum(axis=0) if sizes.ndim else sizes.reshape(1)
    if len(sizes) != len(names):
        return None
    summed = dict.fromkeys(names, 0.0)
    for name, size in zip(names, sizes.tolist(), strict=True):
        summed[name] += size
    ranked = sorted(summed.items(), key=lambda pair: -pair[1])
    return {"from": source, "columns": [{"name": name, "importance": number(size)} for name, size in ranked]}


def _has(model: Any, name: str) -> bool:
    try:
        return getattr(model, name, None) is not None
    except (AttributeError, ValueError, NotImplementedError):
        # A support vector machine has coefficients only with a linear kernel, LightGBM and XGBoost when fitted, …
        return False


def _inputs(fitted: Pipeline, columns: list[str]) -> list[str] | None:
    """Name the column behind each input of the last step, or None where a step mixes them."""
    names: list[str] = columns
    for name, step in fitted.steps[:-1]:
        if isinstance(step, str) or _does_nothing(step):
            continue
        if hasattr(step, "relevant_"):
            names = step.relevant_
        elif name == "preprocess" and hasattr(step, "transformers_"):
            names = origins(step)
        elif not _one_to_one(step):
            return None
    return names


def _does_nothing(step: Any) -> bool:
    return type(step).__name__ in ("Passthrough", "FunctionTransformer") and getattr(step, "func", None) is None


def _one_to_one(step: Any) -> bool:
    """Tell whether each output is its input, scaled: those of scikit-learn's scalers are."""
    from sklearn.base import OneToOneFeatureMixin

    return isinstance(step, OneToOneFeatureMixin)
