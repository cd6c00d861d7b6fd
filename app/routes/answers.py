"""Answers as JSON."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from app.services import services
from app.settings import Settings

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return strict JSON: what is not a finite number is null."""
    return Response(orjson.dumps(value, option=_OPTIONS), status, headers, mimetype="application/json")


def legacy_answer(value: Any) -> Response:
    """Return the answer of a route of 2017."""
    return Response(written(value, services().settings), mimetype="application/json")


def written(value: Any, settings: Settings) -> bytes:
    """Return the JSON of a route of 2017; its clients may want it inside a JSON string, as it was then."""
    data = orjson.dumps(value, option=_OPTIONS)
    return orjson.dumps(data.decode()) if settings.legacy_json_strings else data
