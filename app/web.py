"""gunicorn's threaded worker, which tells each request how long it has waited, and keeps a busy connection's thread."""

from __future__ import annotations

import select
import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from app import deadline
from app.telemetry import logs

#: Milliseconds that a thread waits for the next request of a connection.
_STAY = 10


# gunicorn has no types.
class Worker(ThreadWorker):  # type: ignore[misc]
    """A request that waited past its time need not be worked on: whoever sent it has gone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._staying = threading.Lock()

    def init_process(self) -> None:
        """Begin to work, in a process of its own."""
        # Its settings look for what they are at each use, of which a request has some fifty.
        self.cfg.__dict__.update({name: getattr(self.cfg, name) for name in self.cfg.settings})
        logs.gather()
        super().init_process()

    def enqueue_req(self, conn: Any) -> None:
        """Let a connection with a request wait for a thread."""
        conn.enqueued = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Answer a connection's request, and those that follow at once, in a thread."""
        deadline.WAITED.set(time.monotonic() - conn.enqueued)
        kept = super().handle(conn)
        while kept is True and self._follows(conn):
            deadline.WAITED.set(0.0)
            kept = super().handle(conn)
        return kept

    def _follows(self, conn: Any) -> bool:
        """Wait a little for the next request of a connection, unless others need the thread.

        The way through the loop of the worker and back takes as long as a prediction. Only one thread waits so: whoever
        else comes finds the others free, and threads that wake up together would wait for each other.
        """
        if not self.alive or conn.parser.unreader.buf.getvalue() or not self._staying.acquire(blocking=False):
            return False
        try:
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            return any(not self.tpool._work_queue.qsize() and poll.poll(1) for _ in range(_STAY))
        finally:
            self._staying.release()
