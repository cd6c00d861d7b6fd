"""gunicorn's threaded worker, whose threads are for requests that are here, and of which nobody holds all.

A request waits in the worker's loop until it has arrived (`app/arriving.py`), then for a thread. When more wait than
can be answered soon, the next is refused at once by a thread that does nothing but that, and answer those who look
after this process: they hear from it however busy it is.
"""

from __future__ import annotations

import copy
import errno
import math
import select
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import errors as http
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from app import deadline
from app.arriving import EARLY, Source
from app.errors import Malformed, ServiceError, TooSlow
from app.leaving import Joining, in_words, refuse
from app.telemetry import logs

#: What accepting a connection fails of where there is no room for it, and beside that where it is gone again.
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PASSING = {errno.EAGAIN, errno.ECONNABORTED, *_FULL}

#: Seconds until it is tried again, and between two lines of the log about it.
_ROOM, _TELL = 0.05, 60.0

#: Milliseconds that a thread waits for the next request of a connection.
_STAY = 10

#: Requests that may wait for each thread; one more is refused.
_WAITING = 8

#: Threads that refuse, and answer probes.
_REFUSING = 2

#: Seconds, and bytes, for which a connection is kept open that has had its last answer: closed at once, with bytes of
#: its request unread, it would take the answer along.
_LINGER, _DROPPED = 2, 2**20

#: Seconds between two looks at connections whose requests do not arrive.
_LOOK = 0.5


class _Chunks(Body):  # type: ignore[misc]
    """A body in chunks, of which one may turn out to be wrong when it is read."""

    def _read_reader(self, size: int) -> bytes:
        try:
            data: bytes = super()._read_reader(size)
        except http.ParseException:
            raise Malformed from None
        return data


# gunicorn has no types.
class Worker(ThreadWorker):  # type: ignore[misc]
    """A request that waited past its time need not be worked on: whoever sent it has gone."""

    sockets: list[Any]
    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._staying = threading.Lock()
        self._refusing = ThreadPoolExecutor(_REFUSING, "refusing")
        # Connections whose next request is still to arrive, or that are about to be closed.
        self.pending_conns = set[Any]()
        self._looked, self._stops, self._told = 0.0, 0.0, -math.inf

    def init_process(self) -> None:
        """Begin to work, in a process of its own."""
        # Its settings look for what they are at each use, of which a request has some fifty.
        self.cfg.__dict__.update({name: getattr(self.cfg, name) for name in self.cfg.settings})
        logs.gather()
        super().init_process()

    def accept(self, listener: socket.socket) -> bool:
        """Let a new client's first request arrive; return whether there was one."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in _PASSING:
                raise
            if error.errno in _FULL:
                self._wait_for_room(error)
            return False
        self.nr_conns += 1
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.init()
        held = self.app.wsgi().extensions["automl"]
        conn.parser.unreader = Source(client, held.settings.request_seconds, held.places, self._is_wanted)
        conn.idle_since, conn.served, conn.closing, conn.dropped = time.monotonic(), False, None, 0
        conn.answering = copy.copy(conn)
        conn.answering.sock = Joining(client)
        self.enqueue_req(conn)
        return True

    def _wait_for_room(self, error: OSError) -> None:
        """Say that there is no room for a client, now and then, and wait a moment: it would be found at once again."""
        if time.monotonic() > self._told + _TELL:
            self._told = time.monotonic()
            self.log.warning("a client has to wait: %s", error.strerror)
        time.sleep(_ROOM)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take new clients or not; at the end those that have connected by then, and no further ones."""
        super().set_accept_enabled(enabled and self.alive)
        if not self.alive:
            for listener in self.sockets:
                while self.nr_conns < self.worker_connections and self.accept(listener):
                    pass
                # Or whoever comes would be let in by the kernel, and cut off when this process has ended.
                listener.close()
            self.sockets = []

    def is_parent_alive(self) -> bool:
        """Tell whether what has started this process lives; where it does not, this one ends as when it is told to."""
        self.alive = self.alive and super().is_parent_alive()
        return bool(self.alive)

    def _is_wanted(self) -> bool:
        """Tell whether requests wait for a thread."""
        return bool(self.tpool._work_queue.qsize())

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection's request a thread, once it is whole; called by the loop alone."""
        source = conn.parser.unreader
        try:
            if not source.gather():
                self._await(conn)
                return
        except ServiceError as error:
            self._refuse(conn, error)
            return
        except (OSError, EOFError):
            self._close(conn)
            return
        conn.enqueued = time.monotonic()
        waiting = self.tpool._work_queue.qsize()
        if waiting >= self.cfg.threads * _WAITING or (waiting and source.is_probe()):
            self._refusing.submit(self._work, self._handle_refused, conn)
        else:
            self.tpool.submit(self._work, self.handle, conn)

    def _work(self, answer: Callable[[Any], bool], conn: Any) -> None:
        """Work on a connection in a thread, and give it back, whatever happens."""
        kept = False
        try:
            deadline.WAITED.set(time.monotonic() - conn.enqueued)
            kept = answer(conn)
        finally:
            self._give_back(conn, kept)

    def handle(self, conn: Any) -> bool:
        """Answer a connection's request, and those that follow at once; return whether it may have another."""
        kept = self._handle(conn)
        while kept and self._follows(conn):
            deadline.WAITED.set(0.0)
            kept = self._handle(conn)
        return kept

    def _handle_refused(self, conn: Any) -> bool:
        """Answer a request for which there is no thread: that there is none, unless it is a probe."""
        token = deadline.FULL.set(True)
        try:
            return self._handle(conn)
        finally:
            deadline.FULL.reset(token)

    def _handle(self, conn: Any) -> bool:
        source = conn.parser.unreader
        source.begin()
        try:
            return super().handle(conn) is True
        finally:
            source.end()

    def _give_back(self, conn: Any, kept: bool) -> None:
        """Keep a connection for its next request, or let the loop close it."""
        if not kept:
            self.method_queue.defer(self._leave, conn)
            return
        if conn.parser.unreader.buf.getvalue():
            # What has been read already makes no socket readable.
            self.method_queue.defer(self.enqueue_req, conn)
            return
        conn.idle_since, conn.served = time.monotonic(), True
        if self.alive:
            # The loop need not be woken for that.
            self._await(conn)
        else:
            self.method_queue.defer(self._await, conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request."""
        reader = req.body.reader
        if isinstance(reader, ChunkedReader):
            req.body = _Chunks(reader)
        elif isinstance(reader, LengthReader) and reader.length > EARLY:
            usual = req.should_close
            # What is left of it when the answer begins is not read, so that the client has to be told of the end.
            req.should_close = lambda: usual() or reader.length > 0
        if self.nr_conns > self.max_keepalived:
            # There is room for as many new clients as there are threads.
            req.force_close()
        joining = conn.answering.sock
        joining.begin()
        kept = super().handle_request(req, conn.answering)
        joining.flush()
        return kept

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Tell whether a connection can have another request: not if the rest of this were to be waited for."""
        parser = conn.parser
        parser.unreader.leave()
        kept = False
        # Nobody is told what is wrong with that rest: there has been an answer.
        with suppress(OSError, ServiceError, http.ParseException):
            kept = keepalive and bool(parser.finish_body(max_bytes=EARLY))
        # Or the parser would look for it again.
        parser.mesg = None
        return kept

    def _follows(self, conn: Any) -> bool:
        """Wait a little for the next request of a connection, unless others need the thread.

        The way through the loop of the worker and back takes as long as a prediction. Only one thread waits so: whoever
        else comes finds the others free, and threads that wake up together would wait for each other.
        """
        source = conn.parser.unreader
        if not self.alive or source.buf.getvalue() or not self._staying.acquire(blocking=False):
            return False
        try:
            poll = select.poll()
            poll.register(conn.sock, select.POLLIN)
            # What is wrong with it is said by the loop, which finds the same. Its head may come before its body.
            with suppress(OSError, EOFError, ServiceError):
                return any(
                    not self.tpool._work_queue.qsize() and poll.poll(1) and source.gather() for _ in range(_STAY)
                )
            return False
        finally:
            self._staying.release()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what the parser refuses, and what went wrong outside of the application, in the form of all errors."""
        error = in_words(exc)
        if error.status >= 500:
            self.log.error("a request could not be answered", exc_info=exc)
        refuse(client, error)

    def _await(self, conn: Any) -> None:
        conn.sock.setblocking(False)
        self.pending_conns.add(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Look whether a request is whole by now; drop what comes on a connection that is to be closed."""
        self.poller.unregister(client)
        self.pending_conns.discard(conn)
        if conn.closing is None:
            self.enqueue_req(conn)
        else:
            self._drop(conn)

    def murder_pending(self) -> None:
        """Close connections whose request has not arrived in time; called by the loop each second or more often.

        A connection on which nothing has come is kept as long as one between two requests, while there is room. A
        process that ends answers for a moment what is on its way.
        """
        now, full = time.monotonic(), self.nr_conns >= self.worker_connections
        if now < self._looked + _LOOK:
            return
        self._looked = now
        if not self.alive and not self._stops:
            self._stops = now + STOP_KEEPALIVE_LINGER
        for conn in list(self.pending_conns):
            ends = conn.parser.unreader.ends
            if conn.closing is not None:
                over = now > conn.closing
            elif ends is not None:
                over = now > ends
            else:
                idle = self.cfg.keepalive if conn.served or not full else 0
                over = now > min(conn.idle_since + idle, self._stops or math.inf)
            if not over:
                continue
            self.poller.unregister(conn.sock)
            self.pending_conns.discard(conn)
            if conn.closing is None and ends is not None:
                self._refuse(conn, TooSlow())
            else:
                self._close(conn)

    def _refuse(self, conn: Any, error: ServiceError) -> None:
        """Answer what did not become a request."""
        refuse(conn.sock, error)
        self._leave(conn)

    def _leave(self, conn: Any) -> None:
        """Close a connection as soon as its client has, or has had the time to read its answer."""
        conn.closing = time.monotonic() + _LINGER
        with suppress(OSError):
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self._drop(conn)
            return
        self._close(conn)

    def _drop(self, conn: Any) -> None:
        with suppress(BlockingIOError):
            while conn.dropped < _DROPPED:
                try:
                    count = len(conn.sock.recv(EARLY))
                except ConnectionError:
                    count = 0
                if not count:
                    break
                conn.dropped += count
            self._close(conn)
            return
        self._await(conn)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()
