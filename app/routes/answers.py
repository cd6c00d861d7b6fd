"""Answers as JSON."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from app.services import services

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return strict JSON: what is not a finite number is null."""
    return Response(orjson.dumps(value, option=_OPTIONS), status, headers, mimetype="application/json")


def legacy_answer(value: Any) -> Response:
    """Return the answer of a route of 2017; its clients may want JSON inside a JSON string, as it was then."""
    if not services().settings.legacy_json_strings:
        return answer(value)
    return answer(orjson.dumps(value, option=_OPTIONS).decode())
