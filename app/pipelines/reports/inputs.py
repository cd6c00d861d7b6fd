"""What enters the last step of a fitted pipeline: of which of the caller's columns, and what of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.pipelines.preprocess import outputs
from app.pipelines.reports.parts import parts

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: Steps after which a number is no longer in the units of its column.
_SCALERS = {"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer"}


def inputs(fitted: Pipeline, columns: list[str]) -> list[tuple[str, str]] | None:
    """Name for each input of the last step its column and the part of it, as `preprocess.outputs` does.

    None where a step mixes columns.
    """
    names = [(column, "") for column in columns]
    for name, step in fitted.steps[:-1]:
        if isinstance(step, str) or _does_nothing(step):
            continue
        if hasattr(step, "relevant_"):
            names = [(column, "") for column in step.relevant_]
        elif name == "preprocess" and hasattr(step, "transformers_"):
            names = outputs(step)
        elif not _one_to_one(step):
            return None
    return names


def scaled(fitted: Pipeline) -> bool:
    """Tell whether numbers are brought to one scale before they enter the last step."""
    return any(type(part).__name__ in _SCALERS for _, step in fitted.steps[:-1] for part in _all(step))


def _all(step: Any) -> list[Any]:
    return [
        step,
        *parts(step),
        *(inner for _, other, _ in getattr(step, "transformers_", ()) for inner in parts(other)),
    ]


def _does_nothing(step: Any) -> bool:
    return type(step).__name__ in ("Passthrough", "FunctionTransformer") and getattr(step, "func", None) is None


def _one_to_one(step: Any) -> bool:
    """Tell whether each output is its input, scaled: those of scikit-learn's scalers are."""
    from sklearn.base import OneToOneFeatureMixin

    return isinstance(step, OneToOneFeatureMixin)
