"""Errors as `application/problem+json` (RFC 9457): the one place where an exception becomes an answer."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from app.errors import ServiceError, UploadTooLarge

logger = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Answer every error of a request, ours, Werkzeug's and the unforeseen, as `application/problem+json`."""

    def answer(problem: dict[str, Any], headers: Iterable[tuple[str, str]]) -> Response:
        body = orjson.dumps({**problem, "instance": request.path})
        response = app.response_class(body, problem["status"], mimetype="application/problem+json")
        response.headers.extend(dict(headers))
        return response

    @app.errorhandler(ServiceError)
    def service_error(error: ServiceError) -> Response:
        if error.status >= 500:
            logger.warning("%s at %s %s: %s", type(error).__name__, request.method, request.path, error.detail)
        return answer(error.as_problem(), error.headers.items())

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> Response:
        most = (request.max_content_length or 0) // 2**20
        return service_error(
            UploadTooLarge(f"The request has more than {most} MiB, or more parts than any route reads.")
        )

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return answer(_http_problem(error), _kept_headers(error))

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        logger.error("unforeseen error at %s %s", request.method, request.path, exc_info=error)
        return answer(ServiceError("The service met an error of its own. It is in the log.").as_problem(), ())


def _http_problem(error: HTTPException) -> dict[str, Any]:
    """Describe an error of Werkzeug's (no such route, wrong method, body over the limit) as a problem."""
    # Werkzeug's own words: those of Python's `http` are others in another version of Python.
    return {
        "type": f"urn:problem:{error.name.lower().replace(' ', '-')}",
        "title": error.name,
        "status": error.code or 500,
        "detail": error.description or error.name,
    }


def _kept_headers(error: HTTPException) -> list[tuple[str, str]]:
    """Headers that carry meaning (Allow, Retry-After); the content type is ours."""
    return [
        (name, value) for name, value in error.get_headers() if name.lower() not in ("content-type", "content-length")
    ]
