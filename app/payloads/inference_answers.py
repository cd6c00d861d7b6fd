"""Answers of the Open Inference Protocol (V2): what a model takes and gives, and what it has predicted.

Outputs are `predict`, the classes or numbers; of classes `predict_proba`, of shape [rows, classes], whose order the
metadata tell; and beside them `id`, of a forecast `step` and `time` too. The first two have the names that MLServer
gives them.
"""

from __future__ import annotations

from typing import Any

import orjson

from app.errors import Unreadable, listed
from app.payloads import tensors
from app.payloads.inference import PREDICT_PROBA, Request
from app.payloads.instances import expected
from app.payloads.parameters import Kind, Task
from app.payloads.signature import Column, Signature
from app.payloads.tensors import Tensor

#: Output of the classes or numbers.
PREDICT = "predict"

#: What a prediction's columns of scores begin with.
_SCORE = "score_"

#: {kind of a column: datatype of its values}; of any other BYTES. A request may have others that can be read so.
_DATATYPES = {Kind.NUMBER: "FP64", Kind.BOOLEAN: "BOOL"}


def metadata(
    model: str, versions: list[int], engine: str, task: Task, classes: list[Any], signature: Signature
) -> dict[str, Any]:
    """Return what a version takes and gives. A shape's -1 is any number of rows."""
    columns = expected(signature)
    inputs = [{"name": column.name, "datatype": _datatype(column), "shape": [-1]} for column in columns]
    # The ids of a table are those that are sent, or else the rows' positions.
    ids = next((column for column in columns if column.role == "id"), None)
    outputs: list[dict[str, Any]] = [
        {"name": PREDICT, "datatype": tensors.of(PREDICT, classes or [0.0]).datatype, "shape": [-1]}
    ]
    if task is Task.CLASSIFICATION:
        told = {"classes": classes}
        outputs.append({"name": PREDICT_PROBA, "datatype": "FP64", "shape": [-1, len(classes)], "parameters": told})
    outputs.append({"name": "id", "datatype": "INT64" if ids is None else _datatype(ids), "shape": [-1]})
    if task is Task.FORECASTING:
        outputs.append({"name": "step", "datatype": "INT64", "shape": [-1]})
    return {
        "name": model,
        "versions": [str(version) for version in versions],
        "platform": f"automl_{engine}",
        "inputs": inputs,
        "outputs": outputs,
    }


def _datatype(column: Column) -> str:
    if column.role in ("id", "signal") and column.kind is Kind.NUMBER:
        return "INT64"
    return _DATATYPES.get(column.kind, "BYTES")


def answer(
    asked: Request, columns: dict[str, list[Any]], task: Task, model: str, version: int
) -> tuple[bytes, int | None]:
    """Return the body of an answer, and how much of it is JSON where raw bytes follow.

    Raises
    ------
    Unreadable
        An output that the model does not have.
    """
    known = {tensor.name: tensor for tensor in _outputs(columns, task)}
    unknown = [name for name in asked.outputs if name not in known]
    if unknown:
        # Scores are only computed where somebody asks for them, or for all.
        names = listed(dict.fromkeys([*known, *([PREDICT_PROBA] if task is Task.CLASSIFICATION else [])]))
        raise Unreadable(f"The model has no output {listed(name[:80] for name in unknown)}; known are {names}.")
    described, raw = [], []
    for name in asked.outputs or known:
        tensor = known[name]
        one: dict[str, Any] = {"name": name, "datatype": tensor.datatype, "shape": tensor.shape}
        data = tensor.binary() if asked.outputs.get(name, asked.binary) else None
        if data is None:
            one["data"] = tensor.values
        else:
            one["parameters"] = {"binary_data_size": len(data)}
            raw.append(data)
        described.append(one)
    told = {} if asked.id is None else {"id": asked.id}
    text = orjson.dumps({"model_name": model, "model_version": str(version), **told, "outputs": described})
    return b"".join([text, *raw]), len(text) if raw else None


def _outputs(columns: dict[str, list[Any]], task: Task) -> list[Tensor]:
    """Return the columns of a prediction as tensors, what was predicted first."""
    found = [tensors.of(PREDICT, columns["prediction"])]
    scores = [name for name in columns if name.startswith(_SCORE)] if task is Task.CLASSIFICATION else []
    if scores:
        flat = [value for row in zip(*(columns[name] for name in scores), strict=True) for value in row]
        found.append(tensors.of(PREDICT_PROBA, flat, len(scores)))
    others = [name for name in columns if name != "prediction" and name not in scores]
    return found + [tensors.of(name, columns[name]) for name in others]
