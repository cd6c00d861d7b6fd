"""Which of the caller's columns is behind each input of a pipeline's last step, where each has just one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import InvalidData
from app.explain import forests
from app.explain.base import FinalStep
from app.pipelines import preprocess
from app.pipelines.refusals import refusals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

#: Transformers that change each column by itself and keep their number and order.
_COLUMNWISE = {
    "Binarizer", "FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "Passthrough", "PowerTransformer",
    "QuantileTransformer", "RobustScaler", "StandardScaler",
}  # fmt: skip


def final_step(fitted: Pipeline, background: pd.DataFrame) -> FinalStep | None:
    """Return the last step of a fitted pipeline, or None when a step before it mixes columns.

    None too for a pipeline of other steps than `preprocess` and `model`: one that reads whole series, say, or a mix of
    whole pipelines.

    Parameters
    ----------
    fitted
        `preprocess` and `model`, where the model may be a pipeline of its own, as TPOT's are.
    background
        Rows that the pipeline takes.
    """
    if [name for name, _ in fitted.steps] != ["preprocess", "model"]:
        return None
    first, model = fitted[0], fitted[-1]
    known = preprocess.origins(first) if hasattr(first, "transformers_") else list(background.columns)
    steps = [first]
    while hasattr(model, "steps"):
        for _, step in model.steps[:-1]:
            traced = _traced(step, known)
            if traced is None:
                return None
            known = traced
            steps.append(step)
        model = model.steps[-1][1]

    def transform(rows: pd.DataFrame) -> np.ndarray[Any, Any]:
        import numpy as np

        values: Any = _transformed(first, rows)
        for step in steps[1:]:
            values = step.transform(values)
        return np.asarray(values, dtype="float64")

    def answers(inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        import numpy as np

        with refusals(fitted, InvalidData, "cannot predict these rows"):
            told = forests.answers(model, inputs)
            if told is None:
                told = model.predict_proba(inputs) if hasattr(model, "predict_proba") else model.predict(inputs)
        return np.asarray(told, dtype="float64").reshape(len(inputs), -1)

    # What a transformer really gives is the proof of the trace.
    if transform(background.head(1)).shape[1] != len(known):
        return None
    return FinalStep(model, transform, answers, tuple(known), tuple(steps))


def _transformed(first: Any, rows: pd.DataFrame) -> Any:
    """Return what the first step makes of rows; of a ColumnTransformer without its checks, which take as long as it."""
    import numpy as np

    if not hasattr(first, "transformers_"):
        return first.transform(rows)
    used = [(step, list(columns)) for _, step, columns in first.transformers_ if step != "drop" and len(columns)]
    return np.hstack([step.transform(rows[columns]) for step, columns in used])


def _traced(step: Any, known: list[str]) -> list[str] | None:
    """Return the origins of a step's outputs, given those of its inputs; None when they cannot be told."""
    name = type(step).__name__
    if name == "SkipTransformer":
        return []
    if name in _COLUMNWISE:
        return known
    if name == "SplineTransformer":
        each = step.n_features_out_ // step.n_features_in_
        return [origin for origin in known for _ in range(each)]
    if hasattr(step, "get_support"):
        return [origin for origin, kept in zip(known, step.get_support(), strict=True) if kept]
    if hasattr(step, "transformer_list"):
        branches = [_traced(branch, known) for _, branch in step.transformer_list]
        return None if None in branches else [origin for branch in branches if branch for origin in branch]
    return None
