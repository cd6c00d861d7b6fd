"""Fitted pipelines into operations, in the process that has trained them.

To compile one more kind of step, add a row to `STEPS`: the estimator's package and class, and the function that reads
its fitted state. What is in no row goes through ONNX. Whatever is made is compared with the original before it serves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from app.pipelines.compiled import encoders, models, transformers
from app.pipelines.compiled.operation import OfColumns, OfNumbers
from app.pipelines.compiling.uncompiled import Uncompiled

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def compiled(fitted: Any, names: Sequence[str]) -> OfColumns:
    """Return the operation that answers as a fitted pipeline does.

    Parameters
    ----------
    fitted
        From rows of `names` to codes or targets: a Pipeline, or what a `model` step has such pipelines inside.

    Raises
    ------
    Uncompiled
        Saying why.
    """
    steps = [step for _, step in fitted.steps] if hasattr(fitted, "steps") else [fitted]
    if kind_of(fitted) == "app.Recoded":
        raise Uncompiled("its model has not seen every class")
    first, *rest = steps
    whole = _WHOLE.get(kind_of(first))
    if whole is not None and not rest:
        return whole(first, names)
    if kind_of(first) == "sklearn.ColumnTransformer":
        from app.pipelines.compiling.columns import encoder

        return transformers.Pipeline(encoder(first), tuple(map(of_numbers, rest)))
    return transformers.Pipeline(encoders.Numbers(tuple(names)), tuple(map(of_numbers, steps)))


def of_numbers(step: Any) -> OfNumbers:
    """Return the operation of a fitted step that takes numbers.

    Raises
    ------
    Uncompiled
    """
    from app.pipelines.compiling.steps import STEPS

    if isinstance(step, str):
        # What scikit-learn calls a step that is none.
        return transformers.Chain(())
    make = STEPS.get(kind_of(step))
    if make is not None and (found := make(step, of_numbers)) is not None:
        return found
    from app.pipelines.compiling.graphs import of_sklearn

    return of_sklearn(step)


def kind_of(step: Any) -> str:
    """Return the package and the class of an estimator: sklearn.Ridge."""
    return f"{type(step).__module__.partition('.')[0]}.{type(step).__name__}"


def _ensemble(step: Any, names: Sequence[str]) -> OfColumns:
    members = tuple(compiled(fitted, names) for fitted in step.fitted_)
    return models.Mean(members, tuple(float(weight) for _, _, weight in step.members))


def _forecast(step: Any, names: Sequence[str]) -> OfColumns:
    levels = step.levels_
    return models.Change(
        compiled(step.regressor_, names), step.column_, tuple(levels), tuple(str(last) for last in levels.values())
    )


def _network(step: Any, names: Sequence[str]) -> OfColumns:
    from app.pipelines.compiling.networks import of_columns

    return of_columns(step)


#: {model that reads columns itself: what compiles it}.
_WHOLE: dict[str, Callable[[Any, Sequence[str]], OfColumns]] = {
    "app.EnsembleClassifier": _ensemble,
    "app.EnsembleRegressor": _ensemble,
    "app.RelativeToLast": _forecast,
    "app.NetworkClassifier": _network,
    "app.NetworkRegressor": _network,
}
