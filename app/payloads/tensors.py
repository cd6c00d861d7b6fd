"""Tensors of the Open Inference Protocol (V2): their values out of JSON or out of raw bytes, and into either.

A tensor here has one dimension, or two. Nothing is made of the shape that it claims before its values were counted.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Any

from app.errors import Unreadable, UploadTooLarge

#: {datatype: numpy's name of it}; the bytes of each are little-endian.
NUMPY = {
    "BOOL": "u1",
    "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip

#: Every datatype; BYTES are texts, or images.
DATATYPES = (*NUMPY, "BYTES")

#: Before each text among raw bytes stands its length in bytes.
_LENGTH = struct.Struct("<I")

#: Types of JSON values that a datatype may have; null is a missing value in any.
_TYPES: dict[str, set[type]] = {
    name: {bool} if name == "BOOL" else {str} if name == "BYTES" else {int, float} if name.startswith("FP") else {int}
    for name in DATATYPES
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor, row by row in one list; None, and for floats NaN, is a missing value."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: list[Any]

    @property
    def width(self) -> int:
        """Values in a row."""
        return self.shape[1] if len(self.shape) == 2 else 1

    def columns(self) -> list[list[Any]]:
        """Return the values column by column."""
        return [self.values[number :: self.width] for number in range(self.width)]

    def binary(self) -> bytes | None:
        """Return the values as raw bytes; None where one is missing for which bytes have no sign."""
        import numpy as np

        if self.datatype == "BYTES":
            if None in self.values:
                return None
            texts = [value.encode() for value in self.values]
            return b"".join(part for text in texts for part in (_LENGTH.pack(len(text)), text))
        if None in self.values and not self.datatype.startswith("FP"):
            return None
        return np.array(self.values, dtype=NUMPY[self.datatype]).tobytes()


def of(name: str, values: list[Any], width: int = 0) -> Tensor:
    """Return values of Python as a tensor, whose datatype is told of them.

    Parameters
    ----------
    width
        Values in a row; 0 for one dimension.
    """
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {bool}:
        datatype = "BOOL"
    elif kinds == {int}:
        datatype = "INT64"
    elif kinds and kinds <= {int, float}:
        datatype = "FP64"
    else:
        datatype = "BYTES"
        values = [value if value is None else str(value) for value in values]
    return Tensor(name, datatype, (len(values) // width, width) if width else (len(values),), values)


def read(described: dict[str, Any], raw: memoryview | None, most_cells: int) -> Tensor:
    """Read one input of a request.

    Parameters
    ----------
    described
        `name`, `datatype`, `shape`, and `data` unless there are raw bytes.
    raw
        Its values, where they came as bytes beside the JSON.
    most_cells
        How many values are read.

    Raises
    ------
    Unreadable, UploadTooLarge
    """
    name, datatype, shape = described.get("name"), described.get("datatype"), described.get("shape")
    if not isinstance(name, str):
        raise Unreadable("An input has no name.")
    place = f"The input {name[:80]}"
    if datatype not in DATATYPES:
        raise Unreadable(f"{place} has no datatype of {', '.join(DATATYPES)}.")
    if not isinstance(shape, list) or len(shape) not in (1, 2) or not all(type(n) is int and n >= 0 for n in shape):
        raise Unreadable(f"{place} has no shape of one or two whole numbers: [rows], or [rows, columns].")
    count = shape[0] * (shape[1] if len(shape) == 2 else 1)
    if count > most_cells:
        # What it claims may have more digits than Python writes.
        raise UploadTooLarge(f"{place} has more values than are read; there is room for {most_cells}.")
    if raw is None:
        values = _checked(_flat(described.get("data"), shape, place), datatype, place)
    else:
        values = _texts(raw, count, place) if datatype == "BYTES" else _numbers(raw, datatype, count, place)
    if len(values) != count:
        raise Unreadable(f"{place} has {len(values)} values, and its shape says {count}.")
    if datatype == "BYTES" and _content_type(described) == "base64" and raw is None:
        values = [_of_base64(value, place) for value in values]
    return Tensor(name, datatype, tuple(shape), values)


def _flat(data: Any, shape: list[int], place: str) -> list[Any]:
    """Return JSON values in one list, whether they came so or a list a row."""
    if not isinstance(data, list):
        raise Unreadable(f"{place} has no data: a list of values, row by row.")
    nested = len(shape) == 2 and any(isinstance(row, list) for row in data)
    if not nested:
        return data
    if len(data) != shape[0] or not all(isinstance(row, list) and len(row) == shape[1] for row in data):
        raise Unreadable(f"{place} has other rows than its shape says.")
    return [value for row in data for value in row]


def _checked(values: list[Any], datatype: str, place: str) -> list[Any]:
    present = [value for value in values if value is not None] if None in values else values
    if not set(map(type, present)) <= _TYPES[datatype]:
        raise Unreadable(f"{place} has a value that is not {datatype}; a missing one is null.")
    if "INT" in datatype and present:
        bits = int(datatype.lstrip("UINT"))
        low, high = (0, 2**bits - 1) if datatype.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if min(present) < low or max(present) > high:
            raise Unreadable(f"{place} has a value that is beyond {datatype}.")
    return values


def _numbers(raw: memoryview, datatype: str, count: int, place: str) -> list[Any]:
    import numpy as np

    kind = np.dtype(NUMPY[datatype])
    if len(raw) != count * kind.itemsize:
        raise Unreadable(f"{place} has {len(raw)} bytes, and its shape and datatype say {count * kind.itemsize}.")
    found = np.frombuffer(raw, dtype=kind)
    if datatype == "BOOL":
        if (found > 1).any():
            raise Unreadable(f"{place} has a byte that is neither 0 nor 1.")
        found = found.astype("bool")
    values: list[Any] = found.tolist()
    return values


def _texts(raw: memoryview, count: int, place: str) -> list[bytes]:
    """Read texts with their lengths before them, one more than there should be at most."""
    found: list[bytes] = []
    at = 0
    while at < len(raw) and len(found) <= count:
        if at + _LENGTH.size > len(raw):
            raise Unreadable(f"{place} ends within a length.")
        end = at + _LENGTH.size + _LENGTH.unpack_from(raw, at)[0]
        if end > len(raw):
            raise Unreadable(f"{place} has a text that is longer than what was sent.")
        found.append(bytes(raw[at + _LENGTH.size : end]))
        at = end
    return found


def _content_type(described: dict[str, Any]) -> Any:
    parameters = described.get("parameters")
    return parameters.get("content_type") if isinstance(parameters, dict) else None


def _of_base64(text: str | None, place: str) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(f"{place} is not base64 as its content_type says.") from None
