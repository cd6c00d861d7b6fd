"""Requests of the Open Inference Protocol (V2), with its extension for binary tensors.

Inputs are the columns of a table by their names, each of shape [rows] or [rows, 1]; or one tensor of shape
[rows, columns] in the order in which the model's metadata lists them, whatever its name. Of series the rows are those
of the long table. A missing value is null in JSON, and NaN among the bytes of floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.errors import MOST_NAMED, Fault, Unreadable, UploadTooLarge, at, listed
from app.payloads import strict_json, tensors
from app.payloads.instances import expected
from app.payloads.parameters import Kind, Output
from app.payloads.signature import Signature
from app.payloads.tensors import Tensor
from app.payloads.uploads import Upload
from app.settings import Settings

#: Header that says how much of a body is JSON, where raw bytes follow.
HEADER = "Inference-Header-Content-Length"

#: Output of the probabilities, by the name that MLServer gives it.
PREDICT_PROBA = "predict_proba"

#: Parameters of a request that are the protocol's own and of those who speak it; others are of an explanation.
_OWN = ("binary_data_output", "content_type", "headers")

#: Digits of a length.
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for.

    Attributes
    ----------
    upload
        The inputs as a table by columns; None where there are none.
    parameters
        Those that are not the protocol's own.
    outputs
        {name: whether it is to be raw bytes} of those that are asked for; empty for all.
    binary
        Whether outputs that say nothing themselves are to be raw bytes.
    """

    id: str | None
    upload: Upload | None
    parameters: dict[str, Any]
    outputs: dict[str, bool]
    binary: bool

    @property
    def rows(self) -> Upload:
        """The rows that a prediction needs.

        Raises
        ------
        Unreadable
        """
        if self.upload is None:
            raise Unreadable("The request has no inputs.")
        return self.upload

    @property
    def output(self) -> Output:
        """What the pipeline is asked for."""
        return Output.ALL if not self.outputs or PREDICT_PROBA in self.outputs else Output.PREDICTION


def read(data: bytes, length: str | None, signature: Signature, settings: Settings) -> Request:
    """Read a request.

    Parameters
    ----------
    length
        Value of the header `HEADER`; None where the body is nothing but JSON.

    Raises
    ------
    Unreadable, UploadTooLarge
    """
    end = len(data) if length is None else _end(length, len(data))
    body = strict_json.loads(data[:end], "The request")
    if not isinstance(body, dict):
        raise Unreadable("The request is not a JSON object with inputs.")
    # Clients write null for what they leave out.
    found = {name: value for name, value in body.items() if value is not None}
    if not isinstance(found.get("id", ""), str):
        raise Unreadable("The id of the request is not text.")
    parameters = _object(found, "The request")
    binary = _flag(parameters, "binary_data_output")
    inputs = _inputs(_objects(found, "inputs"), memoryview(data)[end:], settings)
    upload = Upload("inputs", value=_table(inputs, signature)) if inputs else None
    others = {name: value for name, value in parameters.items() if name not in _OWN}
    return Request(found.get("id"), upload, others, _outputs(_objects(found, "outputs"), binary), binary)


def _end(length: str, most: int) -> int:
    """Read where the JSON of a body ends."""
    if not length.isdecimal() or len(length) > _DIGITS or int(length) > most:
        raise Unreadable(f"{HEADER} is not the number of bytes of JSON with which the body begins.")
    return int(length)


def _objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    values = body.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Unreadable(f"{name} is not a list of objects.")
    return values


def _object(described: dict[str, Any], place: str) -> dict[str, Any]:
    parameters = described.get("parameters")
    if not isinstance(parameters, dict | None):
        raise Unreadable(f"{place} has parameters that are not an object.")
    return parameters or {}


def _flag(parameters: dict[str, Any], name: str, default: bool = False) -> bool:
    flag = parameters.get(name, default)
    if not isinstance(flag, bool):
        raise Unreadable(f"The parameter {name} is not true or false.")
    return flag


def _outputs(described: list[dict[str, Any]], binary: bool) -> dict[str, bool]:
    found = {}
    for one in described:
        name = one.get("name")
        if not isinstance(name, str):
            raise Unreadable("An output has no name.")
        found[name] = _flag(_object(one, f"The output {name[:80]}"), "binary_data", binary)
    return found


def _inputs(described: list[dict[str, Any]], raw: memoryview, settings: Settings) -> list[Tensor]:
    """Read all inputs; the raw bytes of each follow those of the one before."""
    if len(described) > settings.max_columns:
        raise UploadTooLarge(f"The request has more than {settings.max_columns} inputs.")
    found, start, cells = [], 0, settings.max_cells
    for one in described:
        parameters = _object(one, "An input")
        if "shared_memory_region" in parameters:
            raise Unreadable("Inputs in shared memory are not read; send their data.")
        size = parameters.get("binary_data_size")
        own = None
        if size is not None:
            if type(size) is not int or not 0 <= size <= len(raw) - start:
                raise Unreadable(f"An input's binary_data_size does not fit the bytes behind the JSON; see {HEADER}.")
            own = raw[start : start + size]
            start += size
        found.append(tensors.read(one, own, cells))
        cells -= len(found[-1].values)
    if start < len(raw):
        raise Unreadable("There are bytes behind the JSON that no input's binary_data_size tells of.")
    return found


def _table(inputs: list[Tensor], signature: Signature) -> dict[str, list[Any]]:
    """Return inputs as a table by columns."""
    columns = expected(signature)
    kinds = {column.name: column.kind for column in columns}
    first, names = inputs[0], [one.name for one in inputs]
    if len(inputs) == 1 and first.name not in (*kinds, *signature.ignored) and first.width == len(columns):
        named = {
            column.name: _whole(values) if column.role in ("id", "signal") else values
            for column, values in zip(columns, first.columns(), strict=True)
        }
    elif wide := [one for one in inputs if one.width != 1]:
        faults = [
            Fault(at("inputs", one.name), f"has {one.width} columns; known are {listed(kinds)}")
            for one in wide[:MOST_NAMED]
        ]
        rule = f"An input is one column, of shape [rows] or [rows, 1], or the only one, with all {len(columns)} columns"
        raise Unreadable(f"{rule}.", faults)
    elif len(set(names)) < len(names):
        raise Unreadable("Two inputs have one name.")
    elif others := [one for one in inputs if one.shape[0] != first.shape[0]]:
        faults = [Fault(at("inputs", one.name), f"has {one.shape[0]} rows") for one in others[:MOST_NAMED]]
        raise Unreadable(f"Not all inputs have the {first.shape[0]} rows of the first.", faults)
    else:
        named = {one.name: one.values for one in inputs}
    return {name: _as_text(values, name, kinds.get(name)) for name, values in named.items()}


def _whole(values: list[Any]) -> list[Any]:
    """Return floats that are whole as integers: a tensor of all columns has one datatype, and ids are given back."""
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]


def _as_text(values: list[Any], name: str, kind: Kind | None) -> list[Any]:
    """Decode the bytes of texts; those of images stay as they are."""
    if kind is Kind.IMAGE or bytes not in set(map(type, values)):
        return values
    try:
        return [value.decode() if isinstance(value, bytes) else value for value in values]
    except UnicodeDecodeError:
        raise Unreadable(f"The input {name[:80]} is not UTF-8 text.") from None
