"""Every request as its operator sees it: an id, a line in the log, a count, a span, and a time until it is answered.

Around Flask and not a hook in it: a prediction may take less than hooks and their proxies would.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from app import caller, deadline, limits, probes, refusals
from app.settings import Settings
from app.telemetry import context, metrics
from app.telemetry.traces import TRACES

if TYPE_CHECKING:
    from apiflask import APIFlask

logger = logging.getLogger(__name__)

#: An id that a caller may give: nothing in it could be taken for something else in a log or a header.
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

#: Where in the WSGI environment what answers without Flask says which route it was.
ROUTE = "automl.route"

#: Asked every few seconds by platforms; their lines would hide the others.
_QUIET = probes.ENDPOINTS | {"metrics.show"}

#: What every answer says of itself, by its name in lower case.
_USUAL = tuple((header[0].lower(), header) for header in refusals.HEADERS)


class Watched:
    """A WSGI application around that of Flask.

    Parameters
    ----------
    seconds
        Within which a request is to be answered.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], seconds: float) -> None:
        self._application = application
        self._seconds = seconds

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        began = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _ID.fullmatch(given) else os.urandom(16).hex()
        if (client := environ.get("gunicorn.socket")) is not None:
            # A client that stops in the middle of its request, or does not take its answer, would keep a thread.
            client.settimeout(self._seconds)

        def answered(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            headers += [header for name, header in _USUAL if name not in said]
            headers.append(("X-Request-Id", request_id))
            if context.known().get("stale"):
                headers.append(("Warning", '110 - "Response is Stale"'))
            _tell(environ, int(status[:3]), time.perf_counter() - began)
            return start_response(status, headers, *error)

        # Until it has shown a key it is nobody's, whoever this thread has served before.
        nobody = caller.begin(caller.STRANGER)
        known, waited = context.begin(request_id=request_id), deadline.WAITED.get()
        deadline.begin(self._seconds, waited)
        metrics.REQUEST_WAIT_SECONDS.observe(waited)
        try:
            with TRACES.request(environ):
                # Platforms are answered however many others wait.
                if deadline.FULL.get() and not environ["PATH_INFO"].startswith(probes.PATHS):
                    environ[ROUTE] = metrics.OTHER
                    return refusals.overloaded(environ, answered)
                return self._application(environ, answered)
        finally:
            # Threads serve one request after another.
            deadline.end()
            limits.end()
            caller.end(nobody)
            context.end(known)


def _tell(environ: dict[str, Any], status: int, seconds: float) -> None:
    """Count and log an answer, of which the body may be still to come."""
    method = environ["REQUEST_METHOD"]
    rule = None if ROUTE in environ else environ["werkzeug.request"].url_rule
    route = environ.get(ROUTE, metrics.OTHER if rule is None else rule.rule)
    metrics.answered(route, method, status, seconds)
    TRACES.answered(method, route, status)
    level = logging.DEBUG if rule is not None and rule.endpoint in _QUIET and status < 500 else logging.INFO
    fields = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6)}
    logger.log(level, "request", extra={"fields": fields})


def register(app: APIFlask, settings: Settings) -> None:
    """Watch every request."""
    TRACES.start(settings, "automl-web")
    # As Flask's documentation has it.
    app.wsgi_app = Watched(app.wsgi_app, settings.request_seconds)  # type: ignore[method-assign]
