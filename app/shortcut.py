"""The commonest request, a prediction of a JSON body, without Flask: routing, contexts and hooks take as long as it.

It answers what `routes.serve_prediction` does, by the same functions, or leaves the request to Flask: whatever has a
header or a parameter that asks for more, and what is refused or fails, so that there is one place that says why.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected

from app import auth, watch
from app.errors import ServiceError
from app.payloads import rows
from app.pipelines import run
from app.routes import answers, serve_prediction

if TYPE_CHECKING:
    from app.services import Services

#: The one route that is answered here, and Flask's name of it.
PATH, ENDPOINT = "/serve_prediction", "serve_prediction.predict"

#: Headers that ask for more than a prediction, or that are looked at before there is one.
_MORE = {"HTTP_CONTENT_ENCODING", "HTTP_ORIGIN", "HTTP_PREFER", "HTTP_SEC_FETCH_SITE", "HTTP_TRANSFER_ENCODING"}

#: What `Accept` may be.
_ACCEPTED = {"*/*", "application/json"}


class Shortcut:
    """A WSGI application around that of Flask."""

    def __init__(self, application: Callable[..., Iterable[bytes]], services: Services) -> None:
        self._application = application
        self._services = services

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if not self._fits(environ) or not self._may(environ):
            return self._application(environ, start_response)
        try:
            found = self._predicted(environ)
        except Exception as error:
            # Flask says what is wrong, in the one place that does; nothing is tried twice.
            environ[serve_prediction.FAILED] = error
            found = None
        if found is None:
            return self._application(environ, start_response)
        environ[watch.ROUTE] = PATH
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(found)))])
        return [found]

    def _fits(self, environ: dict[str, Any]) -> bool:
        """Tell whether nothing but a prediction is asked for."""
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["PATH_INFO"] == PATH
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE") == "application/json"
            and environ.get("HTTP_ACCEPT", "*/*") in _ACCEPTED
            and not environ.get("QUERY_STRING")
            and "HTTP_HOST" in environ
            and _MORE.isdisjoint(environ)
            and length.isdecimal()
            and int(length) <= self._services.settings.predict_bytes
        )

    def _may(self, environ: dict[str, Any]) -> bool:
        """Tell whether its sender may predict; Flask refuses those who may not, before anything of a body is read."""
        held, header = self._services, environ.get("HTTP_AUTHORIZATION")
        try:
            auth.check_host(held.settings, environ["HTTP_HOST"])
            auth.authorise(held.keyring, held.limits, ENDPOINT, header, environ.get("REMOTE_ADDR", ""))
        except ServiceError as error:
            environ[auth.CHECKED] = error
            return False
        environ[auth.CHECKED] = None
        return True

    def _predicted(self, environ: dict[str, Any]) -> bytes | None:
        """Return the answer to a body; None where more than a prediction is asked for."""
        held = self._services
        try:
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        except OSError:
            raise ClientDisconnected from None
        parameters, upload = rows.of_json(body)
        if parameters.explain is not None:
            environ["wsgi.input"] = io.BytesIO(body)
            return None
        found = run.predict(parameters, upload, held.store, held.pipelines, held.settings)
        return answers.written(serve_prediction.by_columns(found), held.settings)
