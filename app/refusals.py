"""Answers without Flask to what is refused before it gets there, and what every answer says of itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson

from app.errors import Overloaded, ServiceError
from app.telemetry import metrics

logger = logging.getLogger(__name__)

#: What an answer says of itself unless it says otherwise. It is for whoever asked, and nothing for a browser to show in
#: a frame, to take for another type than it has, to keep, or to tell other sites of.
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)


def overloaded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer that there is no thread for a request, with as little work as it takes."""
    error = Overloaded()
    body = orjson.dumps({**error.as_problem(), "instance": environ["PATH_INFO"]})
    start_response("503 Service Unavailable", _head(error, body))
    return [body]


def unasked(error: ServiceError) -> bytes:
    """Return the whole answer to what did not become a request, after which its connection ends; count and log it."""
    request_id, status = os.urandom(16).hex(), HTTPStatus(error.status)
    body = orjson.dumps(error.as_problem())
    headers = [("Connection", "close"), *_head(error, body), *HEADERS, ("X-Request-Id", request_id)]
    metrics.answered(metrics.OTHER, metrics.OTHER, status, 0.0)
    fields = {"status": int(status), "problem": error.code, "request_id": request_id}
    logger.info("refused", extra={"fields": fields})
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {int(status)} {status.phrase}\r\n{head}\r\n".encode() + body


def _head(error: ServiceError, body: bytes) -> list[tuple[str, str]]:
    told = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    return [*told, *error.headers.items()]
