"""The bytes of a connection's answers, and what is answered to what did not become a request."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from gunicorn.http import errors as http

from app.arriving import EARLY
from app.errors import HeadTooLarge, Malformed, ServiceError


class Joining:
    """A client's socket by which the head of an answer goes out together with the beginning of its body.

    Each of them alone would be a call of the system, a packet, and a client that wakes up.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._head: bytes | None = None
        self._begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def begin(self) -> None:
        """Begin another answer."""
        self._head, self._begun = None, False

    def sendall(self, data: bytes) -> None:
        """Send a part of an answer, the first of them with the next."""
        if not self._begun:
            self._head, self._begun = data, True
            return
        if self._head is not None and len(data) <= EARLY:
            data, self._head = self._head + data, None
        self.flush()
        self._sock.sendall(data)

    def sendfile(self, *args: Any, **kwargs: Any) -> int:
        """Send a file."""
        self.flush()
        return self._sock.sendfile(*args, **kwargs)

    def flush(self) -> None:
        """Send what waits for more."""
        if self._head is not None:
            head, self._head = self._head, None
            self._sock.sendall(head)


def refuse(client: socket.socket, error: ServiceError) -> None:
    """Send the last answer on a connection, if it is still there."""
    # The numbers' library looks for its folder when it is imported: this module is, before gunicorn sets it.
    from app import refusals

    with suppress(OSError):
        client.send(refusals.unasked(error), socket.MSG_DONTWAIT)


def in_words(error: BaseException) -> ServiceError:
    """Return what is wrong with a request that the parser refuses, whose own words repeat what was sent."""
    match error:
        case ServiceError():
            return error
        case http.LimitRequestHeaders() | http.LimitRequestLine():
            return HeadTooLarge()
        case http.InvalidResponseHeader() | http.InvalidResponseHeaderName():
            return ServiceError("The service met an error of its own. It is in the log.")
        case http.ParseException():
            return Malformed()
    return ServiceError("The service met an error of its own. It is in the log.")
