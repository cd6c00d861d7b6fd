"""Rows of the training that are kept with a version, as a request has them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from app.payloads import dates
from app.payloads.parameters import Kind
from app.pipelines.trained import TrainedPipeline

if TYPE_CHECKING:
    from app.payloads.signature import Column

#: Why there are none to be sent again.
_OF_SERIES = "Of series the version keeps what was computed of them, and not the series themselves: send your own."


def rows(pipeline: TrainedPipeline, first: int, count: int) -> dict[str, Any]:
    """Return some of the rows that explanations compare with, each as POST /serve_prediction takes it.

    Returns
    -------
    `total`, `rows` of {column: value}, and a `note` where there are none.
    """
    if pipeline.features is not None:
        return {"total": 0, "rows": [], "note": _OF_SERIES}
    background = pipeline.background
    some = background.iloc[first : first + count]
    known = {column.name: column for column in pipeline.signature.columns}
    columns = {name: [as_sent(value, known[name]) for value in some[name].tolist()] for name in some.columns}
    found = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return {"total": len(background), "rows": found, "note": None}


def as_sent(value: Any, column: Column) -> Any:
    """Write a value of a row as its caller sent it; a missing one is None, and an image base64 text."""
    if value is None or value != value:
        return None
    if column.kind is Kind.IMAGE:
        return base64.b64encode(value).decode()
    if column.kind is Kind.DATE:
        return dates.write(value, column.form or "year first")
    return bool(value) if column.kind is Kind.BOOLEAN else value
