"""Errors as `application/problem+json` (RFC 9457): where what a view or Flask raises becomes an answer.

Below the paths of other protocols an error has the form that their clients read, and on the web pages it is a page.
What does not get as far as Flask is answered by `app/refusals.py`.
"""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from app.errors import ServiceError, StorageUnavailable, Unreadable, UploadTooLarge
from app.pages import problems as pages

logger = logging.getLogger(__name__)

#: What a disk says that has no room.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

#: {status: MLflow's code for it}; any other of a request is BAD_REQUEST, of the service INTERNAL_ERROR.
_MLFLOW_CODES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "RESOURCE_CONFLICT",
    422: "INVALID_PARAMETER_VALUE",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


def _in_words(problem: dict[str, Any]) -> str:
    """Return all that a problem says in one line, for forms that have no place for its parts."""
    faults = "; ".join(f"{fault['pointer'] or 'body'}: {fault['detail']}" for fault in problem.get("errors", ()))
    return f"{problem['detail']} {faults}".strip()


def _for_inference(problem: dict[str, Any]) -> dict[str, Any]:
    return {"error": _in_words(problem)}


def _for_mlflow(problem: dict[str, Any]) -> dict[str, Any]:
    other = "BAD_REQUEST" if problem["status"] < 500 else "INTERNAL_ERROR"
    return {"error_code": _MLFLOW_CODES.get(problem["status"], other), "message": _in_words(problem)}


#: [(paths, what an error is below them)] of other protocols: Open Inference (V2) and V1, and MLflow's scoring server.
_FORMS: list[tuple[re.Pattern[str], Callable[[dict[str, Any]], dict[str, Any]]]] = [
    (re.compile(r"/v[12](/|$)"), _for_inference),
    (re.compile(r"(/models/[^/]+)?/invocations/?$"), _for_mlflow),
]


def register(app: Flask) -> None:
    """Answer every error of a request, ours, Werkzeug's and the unforeseen, as `application/problem+json`."""

    def answer(problem: dict[str, Any], headers: Iterable[tuple[str, str]]) -> Response:
        if pages.PATHS.match(request.path):
            shown = pages.page(problem)
            shown.headers.extend(dict(headers))
            return shown
        form = next((write for paths, write in _FORMS if paths.match(request.path)), None)
        told = {**problem, "instance": request.path} if form is None else form(problem)
        media_type = "application/problem+json" if form is None else "application/json"
        response = app.response_class(orjson.dumps(told), problem["status"], mimetype=media_type)
        response.headers.extend(dict(headers))
        return response

    @app.errorhandler(ServiceError)
    def service_error(error: ServiceError) -> Response:
        if error.status >= 500:
            logger.warning("%s at %s %s: %s", type(error).__name__, request.method, request.path, error.detail)
        return answer(error.as_problem(), error.headers.items())

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> Response:
        most, field = request.max_content_length or 0, request.max_form_memory_size or 0
        return service_error(
            UploadTooLarge(
                f"The request has more than {_size(most)}, a field of more than {_size(field)} that is not a file, "
                "or more parts than any route reads."
            )
        )

    @app.errorhandler(ClientDisconnected)
    def broken_off(error: ClientDisconnected) -> Response:
        return service_error(Unreadable("The body of the request did not arrive whole, or not in time. Send it again."))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return answer(_http_problem(error), _kept_headers(error))

    @app.errorhandler(OSError)
    def disk_error(error: OSError) -> Response:
        # An upload goes to the temporary folder as it is read.
        return service_error(StorageUnavailable()) if error.errno in _FULL else unforeseen(error)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        logger.error("unforeseen error at %s %s", request.method, request.path, exc_info=error)
        return answer(ServiceError("The service met an error of its own. It is in the log.").as_problem(), ())


def _size(count: int) -> str:
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count // 2**10} KiB"


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
