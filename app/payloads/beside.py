"""What stands beside the labels of a training: groups, times and weights, one a row or series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, at
from app.payloads import dates
from app.payloads.parameters import TrainParameters

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: {parameter: name of the array}.
ROLES = {"groups": "groups", "time": "times", "sample_weight": "weights"}


def named(parameters: TrainParameters) -> list[str]:
    """Return the columns that the parameters name for these roles."""
    return [name for role in ROLES if (name := getattr(parameters, role))]


def read(
    parameters: TrainParameters,
    frame: pd.DataFrame,
    labels: pd.DataFrame | None,
    id_column: str | None,
    ids: pd.Index,
) -> dict[str, np.ndarray[Any, Any]]:
    """Return {groups, times, weights: array of shape (n_samples,)}, in the order of `ids`, of those that are named.

    A column is taken from the labels part, else from raw_data. In raw_data a series must have one value of it.

    Raises
    ------
    InvalidData
        A column is missing or empty in places, differs within a series, cannot be ordered, or weighs less than 0.
    """
    found = {}
    for role, name in ROLES.items():
        column = getattr(parameters, role)
        if column is not None:
            values = _values(column, role, frame, labels, id_column, ids)
            found[name] = _checked(values, role, column)
    return found


def _values(
    column: str, role: str, frame: pd.DataFrame, labels: pd.DataFrame | None, id_column: str | None, ids: pd.Index
) -> pd.Series:
    source, part = (labels, "labels") if labels is not None and column in labels.columns else (frame, "raw_data")
    if column not in source.columns:
        raise InvalidData(
            f"{role} names a column that neither labels nor raw_data has.",
            [Fault(at("raw_data", column), "this column is missing")],
        )
    if id_column is None or id_column not in source.columns:
        return source[column]
    pairs = source[[id_column, column]].drop_duplicates()
    if pairs[id_column].duplicated().any():
        raise InvalidData(
            f"{column} must have one value for each {id_column}.",
            [Fault(at(part, column), "differs within a series")],
        )
    return pairs.set_index(id_column)[column].reindex(ids)


def _checked(values: pd.Series, role: str, column: str) -> np.ndarray[Any, Any]:
    import numpy as np

    if values.isna().any():
        raise InvalidData(
            f"{column} is empty in {int(values.isna().sum())} row(s).", [Fault(at("params", role), "has empty values")]
        )
    if role == "groups":
        codes: np.ndarray[Any, Any] = np.unique(values.astype("str"), return_inverse=True)[1]
        return codes
    if role == "time" and values.dtype.kind not in "ifM":
        text = values.astype("str")
        form = dates.tell(text)
        if form is None or (values := dates.read(text, form)).isna().any():
            raise InvalidData(f"{column} must hold numbers or dates.", [Fault("/params/time", "cannot be ordered")])
    if role == "sample_weight":
        weights: np.ndarray[Any, Any] = (
            values.to_numpy(dtype="float64", na_value=np.nan) if values.dtype.kind in "if" else np.empty(0)
        )
        if not len(weights) or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise InvalidData(
                f"{column} must hold numbers of at least 0, not all of them 0.",
                [Fault("/params/sample_weight", "has other values")],
            )
        return weights
    return np.asarray(values)
