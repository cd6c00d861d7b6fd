"""Who has changed what, and who was refused: a line of the log each, and an entry that `GET /audit` shows.

automl:audit:<namespace>    stream of what callers of a namespace did
automl:audit:               stream of those who had no key, apart, so that whoever tries keys pushes nothing out
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import redis

from app import caller
from app.caller import Caller
from app.store.connection import store_errors
from app.telemetry import context

if TYPE_CHECKING:
    from flask import Flask, Response

logger = logging.getLogger(__name__)

#: Entries that are kept of a namespace, about, and of those without a key.
_KEPT, _KEPT_OF_STRANGERS = 100_000, 10_000

#: Seconds for which Redis is not told anything once it did not answer: no request waits for that again.
_PAUSE = 5.0

#: Characters of what was changed.
_LONGEST = 200

#: Methods that change nothing.
_SAFE = {"GET", "HEAD", "OPTIONS"}

#: What takes a model or its predictions away as a whole.
_DOWNLOADS = {"models.artifact", "models.network", "jobs.result"}

#: What is sent by POST and changes nothing: these are counted in the metrics, not listed.
_COMPUTED = {
    "serve_prediction.predict", "explain.explain", "v1.predict", "v1.explain", "v2.infer", "v2.explain",
    "invocations.predict", "models.paths", "profile.show", "ui_train.look", "ui_train.text",
}  # fmt: skip
_COMPUTED_PAGES = ("ui_predict.", "ui_explain.", "ui_what_if.", "ui_models.follow")

#: Statuses of a refusal.
_REFUSED = {401, 403, 429}


class Audit:
    """Writes and reads what happened."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis: Any = client
        self._silent_until = 0.0

    def record(self, who: Caller, **fields: str) -> None:
        """Keep what somebody did; a Redis that does not answer fails no request, and the line of the log stays."""
        told = {"key_id": who.key_id, "role": who.role, "namespace": who.namespace, **fields}
        logger.info("audit", extra={"fields": told})
        if time.monotonic() < self._silent_until:
            return
        try:
            most = _KEPT if who.namespace else _KEPT_OF_STRANGERS
            self._redis.xadd(_stream(who.namespace), told, maxlen=most, approximate=True)
        except redis.RedisError as error:
            self._silent_until = time.monotonic() + _PAUSE
            logger.warning("the audit log is not written for %g s: %s", _PAUSE, type(error).__name__)

    @store_errors()
    def entries(self, who: Caller, since: float, count: int) -> list[dict[str, Any]]:
        """Return what happened in the caller's namespace, newest first; in `default` also what strangers tried."""
        if not count:
            # Redis takes none for a mistake.
            return []
        streams = [_stream(who.namespace), *([_stream("")] if who.namespace == caller.DEFAULT else [])]
        first = str(int(since * 1000))
        found = [entry for name in streams for entry in self._redis.xrevrange(name, "+", first, count)]
        found.sort(key=lambda entry: tuple(map(int, entry[0].split(b"-"))), reverse=True)
        return [_told(*entry) for entry in found[:count]]


def _stream(namespace: str) -> str:
    return f"automl:audit:{namespace}"


def _told(number: bytes, fields: dict[bytes, bytes]) -> dict[str, Any]:
    told: dict[str, Any] = {name.decode(): value.decode(errors="replace") for name, value in fields.items()}
    told["status"] = int(told.get("status", 0))
    return {"time": int(number.split(b"-")[0]) / 1000, **told}


def about(name: str) -> None:
    """Say what a request changes, where its path does not; it is recorded whatever its method."""
    from flask import g

    g.audited = name


def register(app: Flask, audit: Audit) -> None:
    """Record what every request has changed, once it is known how it ended."""
    from flask import g, request

    @app.after_request
    def record(response: Response) -> Response:
        endpoint = request.endpoint or ""
        if "audited" in g or _counts(request.method, endpoint, response.status_code):
            named: Iterator[str] = (str(value) for value in (request.view_args or {}).values())
            what = g.get("audited") or " ".join(named) or response.headers.get("Location", "") or request.path
            audit.record(
                caller.current(),
                action=endpoint or "none",
                method=request.method,
                object=what.encode(errors="replace").decode()[:_LONGEST],
                status=str(response.status_code),
                address=request.remote_addr or "",
                request_id=context.known().get("request_id", ""),
            )
        return response


def _counts(method: str, endpoint: str, status: int) -> bool:
    """Tell whether an answer is of a change, a download, or a refusal."""
    if status in _REFUSED:
        return True
    if 400 <= status < 500:
        # What is wrong in itself has changed nothing.
        return False
    if method in _SAFE:
        return endpoint in _DOWNLOADS
    return bool(endpoint) and endpoint not in _COMPUTED and not endpoint.startswith(_COMPUTED_PAGES)
