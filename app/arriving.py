"""The bytes of a connection: a request takes a thread once it is whole, and a slow one holds few threads, not for long.

A client that sends a byte now and then costs nothing as long as its request is small enough to be kept until it is
whole. What is larger is read by its thread, and of those no more may wait for their clients than may wait for
trainings: the other half of the threads is free for everybody else.
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections.abc import Callable

from gunicorn.http.unreader import SocketUnreader

from app import probes
from app.errors import HeadTooLarge, Overloaded, TooSlow, Unreadable

#: Bytes of a request that are kept until it is whole; its head has to fit in.
EARLY = 2**16

#: Seconds in which a request has to arrive, and bytes that give it one more, never more than those from now.
_PATIENCE, _PACE = 15, 2**16

#: Seconds that a thread that nobody else wants waits for a client in all before it needs a place among those that may.
_GRACE = 0.25

#: Milliseconds after which a thread that waits looks whether others want it, and for which it waits in all if they do.
_LOOK = 20

#: The end of a head, also of one that the parser is going to refuse.
_END = re.compile(rb"\n\r?\n")

#: How what platforms ask begins; behind a whole path there is a space.
_PROBES = tuple(f"GET {path}{'' if path.endswith('/') else ' '}".encode() for path in probes.PATHS)

_CUT = "The request did not arrive whole. Send it again."

_LENGTH = b"\ncontent-length:"


# gunicorn has no types.
class Source(SocketUnreader):  # type: ignore[misc]
    """What gunicorn's parser reads a connection's requests from.

    Parameters
    ----------
    most
        Seconds that are waited for a client at most, however long its request may take.
    places
        Of the threads that may wait.
    wanted
        Tells whether others wait for a thread.
    """

    def __init__(
        self, sock: socket.socket, most: float, places: threading.BoundedSemaphore, wanted: Callable[[], bool]
    ) -> None:
        super().__init__(sock)
        self._patience, self._places, self._wanted = min(_PATIENCE, most), places, wanted
        self._waited, self._placed, self._left = 0.0, False, False
        #: When the request has to be here, by `time.monotonic`; None before its first byte.
        self.ends: float | None = None

    def gather(self) -> bool:
        """Take what has come, without waiting; return whether a thread can begin with it.

        Raises
        ------
        EOFError
            The client has closed the connection, between two requests.
        Unreadable, HeadTooLarge
        OSError
        """
        early = self.buf.getvalue()
        if early and _is_whole(early):
            # Nothing more is taken of a client that sends the next before it was answered.
            self.ends = self.ends or time.monotonic() + self._patience
            return True
        # The last request has left its time here, for which the loop would wait.
        if self.sock.gettimeout() != 0:
            self.sock.setblocking(False)
        try:
            fresh = self.sock.recv(EARLY)
        except BlockingIOError:
            fresh = None
        if fresh:
            early = early + fresh if early else fresh
            self.buf.seek(0, 2)
            self.buf.write(fresh)
        if early and self.ends is None:
            self.ends = time.monotonic() + self._patience
        if _is_whole(early):
            return True
        if fresh == b"":
            if early:
                raise Unreadable(_CUT)
            raise EOFError
        return False

    def is_probe(self) -> bool:
        """Tell whether the request that has been gathered is one by which a platform looks after this process."""
        return bool(self.buf.getvalue().startswith(_PROBES))

    def begin(self) -> None:
        """Begin to read a request in a thread."""
        self._waited, self._left = 0.0, False

    def leave(self) -> None:
        """Wait for nothing more of this request: it has been answered."""
        self._left = True

    def end(self) -> None:
        """Give back what the request held."""
        self.ends = None
        if self._placed:
            self._placed = False
            self._places.release()

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next bytes of a request that a thread reads.

        Raises
        ------
        TooSlow, Overloaded
        Unreadable
            The client has gone: gunicorn would take what there is for the whole.
        TimeoutError
            Nothing is there, and nothing is waited for.
        """
        self._wait()
        data: bytes = super().chunk(size_hint)
        if not data and not self._left:
            raise Unreadable(_CUT)
        if self.ends is not None:
            # What comes fast wins time only for what comes at once: nobody may send much and then be silent for long.
            self.ends = min(self.ends + len(data) / _PACE, time.monotonic() + self._patience)
        return data

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        if poll.poll(0):
            self._look_at_the_time()
            return
        if self._left:
            raise TimeoutError
        since = time.monotonic()
        while not poll.poll(_LOOK):
            self._check(time.monotonic() - since)
        self._waited += time.monotonic() - since
        self._check(0.0)

    def _check(self, more: float) -> None:
        """Refuse to wait for a client whose time is over, or for one more than may be waited for."""
        self._look_at_the_time()
        wanted = self._wanted()
        if self._placed or self._waited + more < (_LOOK / 1000 if wanted else _GRACE):
            return
        self._placed = self._places.acquire(blocking=False)
        if not self._placed and wanted:
            raise Overloaded

    def _look_at_the_time(self) -> None:
        if self.ends is not None and not self._left and time.monotonic() > self.ends:
            raise TooSlow


def _is_whole(early: bytes) -> bool:
    """Tell whether a thread can begin with the first bytes of a request.

    Only a guess at when to begin, which need not hold: what they mean is the parser's to say.

    Raises
    ------
    HeadTooLarge
    """
    end = _END.search(early)
    if end is None:
        if len(early) > EARLY:
            raise HeadTooLarge
        return False
    head = early[: end.end()].lower()
    if head.count(_LENGTH) != 1 or b"\ntransfer-encoding:" in head or b"\nexpect:" in head:
        # Of no length that could be waited for; a client that expects to be asked for its body waits for that.
        return True
    at = head.index(_LENGTH) + len(_LENGTH)
    try:
        length = int(head[at : head.index(b"\n", at)])
    except ValueError:
        return True
    return length > EARLY or len(early) - end.end() >= length
