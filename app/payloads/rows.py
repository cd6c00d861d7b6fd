"""Requests that name a pipeline and bring rows: a multipart form, one JSON body, or the table itself as the body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from app.errors import Fault, FormatUnknown, InvalidParameters, Unreadable, within
from app.payloads import encoded, long_columns, strict_json, strict_yaml
from app.payloads.explaining import ExplainParameters, check_explaining
from app.payloads.parameters import PredictParameters, check
from app.payloads.uploads import FORMATS, Upload, parts, take

if TYPE_CHECKING:
    from flask import Request

#: Digits of an integer in a query; a longer one stays text, and is refused as text.
_DIGITS = 15

#: A fraction or a number with a sign; of more digits of an exponent it might be none that ends.
_FRACTION = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?", re.ASCII)

#: Parameters that a query may have more than once, and those that stay text whatever they look like.
_LISTS, _TEXTS = ("ids", "columns", "immutable"), ("pipeline_id", "target", "wanted", "text", "labels")


def to_predict(request: Request) -> tuple[PredictParameters, Upload]:
    """Return the parameters of a prediction and its table, still to be parsed.

    Raises
    ------
    Unreadable, Unacceptable, InvalidParameters, FormatUnknown, UploadTooLarge
    """
    values, upload, part = _read(request, "raw_data", "params")
    with within(part):
        return check(PredictParameters, values), _there(upload, part)


def of_json(data: bytes) -> tuple[PredictParameters, Upload]:
    """Return what `to_predict` does, of a JSON body.

    Raises
    ------
    Unreadable, InvalidParameters
    """
    values, upload = _json_body(data)
    with within("body"):
        return check(PredictParameters, values), _there(upload, "body")


def to_explain(request: Request) -> tuple[ExplainParameters, Upload | None]:
    """Return the parameters of an explanation and its table, which some methods do without.

    Raises
    ------
    Unreadable, Unacceptable, InvalidParameters, FormatUnknown, UploadTooLarge
    """
    values, upload, part = _read(request, "params")
    with within(part):
        parameters = check_explaining(values)
    return parameters, _there(upload, part) if parameters.needs_rows else upload


def _there(upload: Upload | None, part: str) -> Upload:
    if upload is not None:
        return upload
    if part == "body":
        raise InvalidParameters("The body has no data.", [Fault("/data", "missing")])
    raise InvalidParameters("There is no data to explain or predict.", [Fault("/raw_data", "missing")])


def _read(request: Request, *required: str) -> tuple[dict[str, Any], Upload | None, str]:
    """Return parameters, the table if one was sent, and what to call the parameters in an error.

    Parameters
    ----------
    required
        Parts that a multipart form must have.
    """
    if request.mimetype == "multipart/form-data":
        _refuse_query(request, "params")
        uploads = parts(request)
        take(uploads, required, () if "raw_data" in required else ("raw_data",))
        return strict_yaml.loads(uploads["params"].data, "params"), uploads.get("raw_data"), "params"
    if "pipeline_id" in request.args:
        data = encoded.body(request)
        return _query(request), Upload("raw_data", data, request.mimetype) if data else None, "query"
    if FORMATS.get(request.mimetype) == "json":
        _refuse_query(request, "the body")
        values, upload = _json_body(encoded.body(request))
        return values, upload, "body"
    raise FormatUnknown(
        "Send multipart/form-data with raw_data and params, or JSON with pipeline_id and data, "
        "or the table itself with ?pipeline_id="
    )


def _refuse_query(request: Request, place: str) -> None:
    """Refuse parameters of which none would be looked at: a version that was asked for, and not given, misleads."""
    if request.args:
        faults = [Fault(f"/query/{name}", f"belongs in {place}") for name in request.args]
        raise InvalidParameters("A query is for a body that is a table alone, with ?pipeline_id=.", faults)


def _json_body(data: bytes) -> tuple[dict[str, Any], Upload | None]:
    body = long_columns.of_body(data) or strict_json.loads(data, "body")
    if not isinstance(body, dict):
        raise Unreadable("The body is not a JSON object with pipeline_id and data.")
    values = dict(body)
    table = values.pop("data", None)
    return values, None if table is None else Upload("data", value=table)


def _query(request: Request) -> dict[str, Any]:
    values: dict[str, Any] = request.args.to_dict()
    values |= {name: request.args.getlist(name) for name in _LISTS if name in request.args}
    if "ids" in values:
        values["ids"] = [_whole(one) for one in values["ids"]]
    return {
        name: value if name in _TEXTS or isinstance(value, list) else _number(value) for name, value in values.items()
    }


def _whole(text: str) -> str | int:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else text


def _number(text: str) -> str | int | float | bool:
    """Return a number or a boolean that a query writes."""
    if text in ("true", "false"):
        return text == "true"
    whole = _whole(text)
    return float(text) if whole == text and _FRACTION.fullmatch(text) else whole
