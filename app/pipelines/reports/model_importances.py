"""What a fitted model itself says of its columns: `feature_importances_` or `coef_`, folded back to the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pipelines.reports.curves import number, numbers
from app.pipelines.reports.inputs import inputs, scaled

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

    Array = np.ndarray[Any, Any]

#: Coefficients that are told one by one, and classes that each is told for.
COEFFICIENTS, OUTPUTS = 100, 20


def model_importances(fitted: Pipeline, columns: list[str]) -> dict[str, Any] | None:
    """Return what the last step says, or None where it says nothing or its inputs cannot be traced to columns.

    Returns
    -------
    {"from": "feature_importances_", "columns": [{"name", "importance"}, …]}, the most important first. The importance
    of a column is the sum over what it became: categories, parts of a date. Of coefficients it is that of their sizes,
    over all classes; they compare with each other only where the columns are scaled. They tell what the model uses, not
    what that is worth. Beside coefficients there is `coefficients`: {"scaled", "inputs": [{"column", "part",
    "values"}]}, the `COEFFICIENTS` largest, a value a class, or one; of two classes it is that of the last.
    """
    import numpy as np

    while not hasattr(fitted, "steps"):
        if not hasattr(fitted, "regressor_"):
            return None
        fitted = fitted.regressor_
    if hasattr(fitted[-1], "regressor_") and hasattr(fitted[-1].regressor_, "steps"):
        return model_importances(fitted[-1].regressor_, columns)
    source = next((name for name in ("feature_importances_", "coef_") if _has(fitted[-1], name)), None)
    names = inputs(fitted, columns)
    if source is None or names is None:
        return None
    told = np.asarray(getattr(fitted[-1], source), dtype="float64")
    told = told.reshape(-1, told.shape[-1] if told.ndim else 1)
    if told.shape[1] != len(names):
        return None
    summed = dict.fromkeys((name for name, _ in names), 0.0)
    for (name, _), size in zip(names, np.abs(told).sum(axis=0).tolist(), strict=True):
        summed[name] += size
    ranked = sorted(summed.items(), key=lambda pair: -pair[1])
    found = {"from": source, "columns": [{"name": name, "importance": number(size)} for name, size in ranked]}
    return found | {"coefficients": _coefficients(told, names, scaled(fitted))} if source == "coef_" else found


def _coefficients(told: Array, names: list[tuple[str, str]], alike: bool) -> dict[str, Any]:
    """Tell the largest of coefficients of shape (n_outputs, n_inputs), with their signs."""
    import numpy as np

    largest = np.argsort(-np.abs(told).sum(axis=0), kind="stable")[:COEFFICIENTS].tolist()
    each = [
        {"column": names[place][0], "part": names[place][1], "values": numbers(told[:OUTPUTS, place])}
        for place in largest
    ]
    return {"scaled": alike, "left_out": told.shape[1] - len(each), "inputs": each}


def _has(model: Any, name: str) -> bool:
    try:
        return getattr(model, name, None) is not None
    except (AttributeError, ValueError, NotImplementedError):
        # A support vector machine has coefficients only with a linear kernel, LightGBM and XGBoost when fitted, …
        return False
