"""gunicorn's threaded worker, which tells each request how long it has waited for a thread."""

from __future__ import annotations

import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from app import deadline


# gunicorn has no types.
class Worker(ThreadWorker):  # type: ignore[misc]
    """A request that waited past its time need not be worked on: whoever sent it has gone."""

    def enqueue_req(self, conn: Any) -> None:
        """Let a connection with a request wait for a thread."""
        conn.enqueued = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Answer a connection's request, in a thread."""
        deadline.WAITED.set(time.monotonic() - conn.enqueued)
        return super().handle(conn)
