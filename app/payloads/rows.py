"""Requests that name a pipeline and bring rows: a multipart form, one JSON body, or the table itself as the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from app.errors import Fault, FormatUnknown, InvalidParameters, Unreadable
from app.payloads import strict_json, strict_yaml
from app.payloads.parameters import ExplainParameters, PredictParameters, check
from app.payloads.uploads import FORMATS, Upload, parts, take

if TYPE_CHECKING:
    from flask import Request

Parameters = TypeVar("Parameters", PredictParameters, ExplainParameters)

#: Digits of an integer in a query; a longer one stays text, and is refused as text.
_DIGITS = 15
_INTEGERS = ("version", "num_features", "num_samples", "seed")


def read(request: Request, model: type[Parameters]) -> tuple[Parameters, Upload]:
    """Return the parameters of a request and its table, still to be parsed.

    Raises
    ------
    Unreadable, Unacceptable, InvalidParameters, FormatUnknown, UploadTooLarge
    """
    if request.mimetype == "multipart/form-data":
        uploads = parts(request)
        take(uploads, ("raw_data", "params"))
        values = strict_yaml.loads(uploads["params"].data, "params")
        return check(model, values), uploads["raw_data"]
    if "pipeline_id" in request.args:
        return check(model, _query(request), "query"), Upload("raw_data", request.get_data(), request.mimetype)
    if FORMATS.get(request.mimetype) == "json":
        return _json_body(request.get_data(), model)
    raise FormatUnknown(
        "Send multipart/form-data with raw_data and params, or JSON with pipeline_id and data, "
        "or the table itself with ?pipeline_id="
    )


def _json_body(data: bytes, model: type[Parameters]) -> tuple[Parameters, Upload]:
    body = strict_json.loads(data, "body")
    if not isinstance(body, dict):
        raise Unreadable("The body is not a JSON object with pipeline_id and data.")
    values = dict(body)
    table = values.pop("data", None)
    if table is None:
        raise InvalidParameters("The body has no data.", [Fault("/data", "missing")])
    return check(model, values, "body"), Upload("data", value=table)


def _query(request: Request) -> dict[str, Any]:
    values: dict[str, Any] = request.args.to_dict()
    for name in _INTEGERS:
        if values.get(name, "").isdecimal() and len(values[name]) <= _DIGITS:
            values[name] = int(values[name])
    return values
