"""Compiled pipelines as bytes and back: JSON for the structure, numpy's own format for the arrays, no pickle.

PROTOCOL is the number of this format. Raise it when a field of an operation changes its meaning or goes; a web process
serves the original of a pipeline whose number it does not know.
"""

from __future__ import annotations

import io
from dataclasses import fields
from typing import Any

import orjson

from app.pipelines.compiled import encoders, models, networks, texts, transformers
from app.pipelines.compiled.operation import OfColumns

PROTOCOL = 1

#: Every operation, by the name that it is stored under.
OPERATIONS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        encoders.Beside,
        encoders.Numbers,
        encoders.Zeros,
        encoders.Categories,
        encoders.Dates,
        encoders.Pixels,
        encoders.Convolutions,
        texts.Texts,
        networks.NetworkInput,
        networks.NetworkNumbers,
        transformers.Pipeline,
        transformers.Chain,
        transformers.Union,
        transformers.Scaled,
        transformers.Stretched,
        transformers.Filled,
        transformers.Kept,
        transformers.Unit,
        transformers.Above,
        transformers.Product,
        transformers.Powers,
        transformers.Ranks,
        transformers.Splines,
        transformers.Likenesses,
        models.Linear,
        models.Applied,
        models.Trees,
        models.Graph,
        models.Sigmoids,
        models.Mean,
        models.MeanOf,
        models.Constant,
        models.Change,
    )
}


def dumps(program: OfColumns) -> bytes:
    """Return an operation, with all that is inside it, as bytes."""
    import numpy as np

    arrays: list[Any] = []
    structure = orjson.dumps({"protocol": PROTOCOL, "program": _written(program, arrays)})
    packed = io.BytesIO()
    for value in (np.frombuffer(structure, dtype="uint8"), *arrays):
        np.save(packed, value, allow_pickle=False)
    return packed.getvalue()


def loads(data: bytes) -> OfColumns | None:
    """Return what `dumps` was given; None where it was written under another protocol."""
    import numpy as np

    packed, arrays = io.BytesIO(data), []
    while packed.tell() < len(data):
        arrays.append(np.load(packed, allow_pickle=False))
    structure = orjson.loads(arrays[0].tobytes())
    if structure["protocol"] != PROTOCOL:
        return None
    program: OfColumns = _read(structure["program"], arrays[1:])
    return program


def _written(value: Any, arrays: list[Any]) -> Any:
    import numpy as np

    if isinstance(value, tuple):
        return [_written(one, arrays) for one in value]
    if isinstance(value, np.ndarray | bytes):
        arrays.append(np.frombuffer(value, dtype="uint8") if isinstance(value, bytes) else value)
        return {"bytes" if isinstance(value, bytes) else "array": len(arrays) - 1}
    if type(value).__name__ in OPERATIONS:
        inner = {field.name: _written(getattr(value, field.name), arrays) for field in fields(value)}
        return {"operation": type(value).__name__, "fields": inner}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _read(value: Any, arrays: list[Any]) -> Any:
    if isinstance(value, list):
        return tuple(_read(one, arrays) for one in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "bytes" in value:
        return arrays[value["bytes"]].tobytes()
    inner = {name: _read(one, arrays) for name, one in value["fields"].items()}
    return OPERATIONS[value["operation"]](**inner)
