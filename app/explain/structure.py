"""What a fitted pipeline is made of, and which of the caller's columns is behind each input of its last step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.errors import InvalidData
from app.explain import forests
from app.explain.base import FinalStep, Member
from app.pipelines import preprocess
from app.pipelines.refusals import refusals

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    Array = np.ndarray[Any, Any]

#: Transformers that change each column by itself and keep their number and order.
_COLUMNWISE = {
    "Binarizer", "FunctionTransformer", "MaxAbsScaler", "MinMaxScaler", "Passthrough", "PowerTransformer",
    "QuantileTransformer", "RobustScaler", "StandardScaler",
}  # fmt: skip


def members(fitted: Pipeline) -> tuple[Member, ...]:
    """Take a fitted pipeline apart, or a mix of pipelines.

    Parameters
    ----------
    fitted
        Of `preprocess` and `model`, where the model may be a pipeline of its own, as TPOT's are; or of a `model` that
        averages such pipelines. Of others, such as those that read whole series, nothing is told.
    """
    names = [name for name, _ in fitted.steps]
    if names == ["preprocess", "model"]:
        return (_member(fitted, 1.0),)
    model = fitted[-1]
    if names != ["model"] or not (hasattr(model, "fitted_") and hasattr(model, "members")):
        return ()
    each = [members(member) for member in model.fitted_]
    if any(len(found) != 1 for found in each):
        return ()
    shares = [share for _, _, share in model.members]
    return tuple(replace(found, share=share) for (found,), share in zip(each, shares, strict=True))


def _member(fitted: Pipeline, share: float) -> Member:
    steps, model = [fitted[0]], fitted[-1]
    while hasattr(model, "steps"):
        steps += [step for _, step in model.steps[:-1]]
        model = model.steps[-1][1]

    def answers(inputs: Array) -> Array:
        import numpy as np

        with refusals(fitted, InvalidData, "cannot predict these rows"):
            told = forests.answers(model, inputs)
            if told is None:
                told = model.predict_proba(inputs) if hasattr(model, "predict_proba") else model.predict(inputs)
        return np.asarray(told, dtype="float64").reshape(len(inputs), -1)

    return Member(share, tuple(steps), model, answers)


def final_step(members: Sequence[Member], background: pd.DataFrame) -> FinalStep | None:
    """Return the last step of the pipelines that answer, or None where a step before it mixes columns.

    Parameters
    ----------
    background
        Rows that the pipelines take.
    """
    import numpy as np

    each = [_origins(member, background) for member in members]
    known = [origins for origins in each if origins is not None]
    if not known or len(known) < len(each):
        return None
    ends = np.cumsum([len(origins) for origins in known])[:-1]

    def transform(rows: pd.DataFrame) -> Array:
        return np.hstack([_inputs(member, rows) for member in members])

    def answers(inputs: Array) -> Array:
        told = [member.answers(some) for member, some in zip(members, np.split(inputs, ends, axis=1), strict=True)]
        return averaged(told, members)

    origins = tuple(origin for some in known for origin in some)
    # What the transformers really give is the proof of the trace.
    if transform(background.head(1)).shape[1] != len(origins):
        return None
    return FinalStep(members[0].model if len(members) == 1 else None, transform, answers, origins)


def averaged(told: Sequence[Array], members: Sequence[Member]) -> Array:
    """Return the mean of what members answer, as `app.pipelines.portfolio.ensemble` computes it."""
    import numpy as np

    if len(told) == 1:
        return told[0]
    mean: Array = np.average(np.stack(told), axis=0, weights=[member.share for member in members])
    return mean


def _origins(member: Member, background: pd.DataFrame) -> list[str] | None:
    """Return the caller's column behind each input of a member's model; None where one has several."""
    first, *others = member.steps
    known = preprocess.origins(first) if hasattr(first, "transformers_") else list(background.columns)
    for step in others:
        traced = _traced(step, known)
        if traced is None:
            return None
        known = traced
    return known


def _inputs(member: Member, rows: pd.DataFrame) -> Array:
    import numpy as np

    first, *others = member.steps
    values: Any = _transformed(first, rows)
    for step in others:
        values = step.transform(values)
    return np.asarray(values, dtype="float64")


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
    if name == "ColumnOneHotEncoder":
        return _of_categories(step, known)
    if hasattr(step, "get_support"):
        return [origin for origin, kept in zip(known, step.get_support(), strict=True) if kept]
    if hasattr(step, "transformer_list"):
        branches = [_traced(branch, known) for _, branch in step.transformer_list]
        return None if None in branches else [origin for branch in branches if branch for origin in branch]
    return None


def _of_categories(step: Any, known: list[str]) -> list[str]:
    """Return the origins of what TPOT makes categories of, by its places, which come first, and of all else."""
    if not len(step.columns_):
        return known
    encoded = [known[place] for place in step.columns_]
    # Numbered, so that what comes before the first underscore is a place.
    outputs = step.enc.get_feature_names_out([str(number) for number in range(len(encoded))])
    others = [origin for place, origin in enumerate(known) if place not in set(step.columns_)]
    return [encoded[int(output.partition("_")[0])] for output in outputs] + others
