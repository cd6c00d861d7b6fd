"""What two columns do together: SHAP interaction values of trees (Lundberg et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidParameters
from app.explain import trees
from app.explain.base import Asked, Case, FinalStep, Subject
from app.explain.found import Contribution, Overall, Part
from app.payloads.parameters import Task

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: Numbers that the interaction values of one row may be, and of rows that are computed at once.
_MOST, _TOGETHER = 4_000_000, 16_000_000


def explain(subject: Subject, cases: Sequence[Case], asked: Asked) -> Overall:
    """Return mean absolute interaction values between columns of the caller.

    A pair's value is what both together add beyond what each adds alone, once for each order of the two.

    Raises
    ------
    InvalidParameters
        SHAP has no interaction values of these trees, or there would be too many.
    """
    import numpy as np

    final = subject.final
    if final is None:
        raise _unreadable()
    values = _by_column(subject, final, cases, asked)
    n_rows, columns = len(values), subject.columns
    strength = np.abs(values).mean(axis=0)
    error = np.abs(values).std(axis=0, ddof=1) / np.sqrt(n_rows) if n_rows > 1 else np.full(strength.shape, np.nan)
    pairs: list[dict[str, Any]] = [
        {
            "features": [columns[a], columns[b]],
            # Both orders of a pair are the same, and together its effect.
            "interaction": float(strength[a, b] * 2),
            "standard_error": float(error[a, b] * 2) if n_rows > 1 else None,
        }
        for a, b in zip(*np.triu_indices(len(columns), 1), strict=True)
    ]
    pairs.sort(key=lambda pair: -pair["interaction"])
    return Overall(
        contributions=[
            Contribution(Part(name), float(strength[place, place]), float(error[place, place]), degrees=n_rows - 1)
            for place, name in enumerate(columns)
        ],
        algorithm="tree_interactions",
        scale=_scale(subject, final),
        rows=n_rows,
        ended="deadline" if n_rows < len(cases) else "exact",
        details={"interactions": pairs[: asked.parameters.num_features]},
    )


def _by_column(subject: Subject, final: FinalStep, cases: Sequence[Case], asked: Asked) -> Array:
    """Return interaction values added up by column, shape (n_rows, n_columns, n_columns)."""
    import numpy as np
    import pandas as pd

    n_inputs, n_outputs = len(final.origins), max(1, len(subject.classes))
    each = n_inputs**2 * n_outputs
    if each > _MOST:
        raise InvalidParameters(
            f"Of {n_inputs} inputs and {n_outputs} classes there are {each:,} interaction values a row; at most "
            f"{_MOST:,} are computed.",
            [Fault("/params/method", "ask for partial_dependence of two columns")],
        )
    member = np.array([[origin == name for name in subject.columns] for origin in final.origins], dtype="float64")
    step = max(1, _TOGETHER // each)
    found: list[Array] = []
    for first in range(0, len(cases), step):
        if found and asked.late:
            break
        inputs = final.transform(pd.concat([case.row for case in cases[first : first + step]]))
        values = trees.interaction_values(subject, final, inputs, asked.output)
        if values is None:
            raise _unreadable()
        found.append(member.T @ values @ member)
    return np.concatenate(found)


def _scale(subject: Subject, final: FinalStep) -> str:
    raw = "value" if subject.task is not Task.CLASSIFICATION else ("score" if len(subject.classes) > 2 else "log_odds")
    return trees.scale(final.model) or raw


def _unreadable() -> InvalidParameters:
    return InvalidParameters(
        "SHAP has no interaction values of this model's trees.",
        [Fault("/params/method", "does not fit this model; partial_dependence of two columns does")],
    )
