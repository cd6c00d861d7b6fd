"""Bytes on a socket, as no client library would send them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

#: Seconds after which a connection that should have been closed is taken to stay open.
PATIENCE = 30.0

PROBE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@dataclass
class Answered:
    """All that came back on a connection, and whether its end did."""

    data: bytes
    closed: bool

    @property
    def statuses(self) -> list[int]:
        """The statuses of all answers."""
        return [int(part[:3]) for part in self.data.split(b"HTTP/1.1 ")[1:]]

    @property
    def problem(self) -> dict[str, Any]:
        """The body of the last answer."""
        return dict(json.loads(self.data.rpartition(b"\r\n\r\n")[2]))


def connected(port: int) -> socket.socket:
    """Return a new connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def ask(port: int, sent: bytes, *, half_close: bool = False, seconds: float = PATIENCE) -> Answered:
    """Send bytes, and read until the other side closes, or for some seconds."""
    with connected(port) as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(sent)
            if half_close:
                client.shutdown(socket.SHUT_WR)
        return read(client, seconds)


def read(client: socket.socket, seconds: float = PATIENCE) -> Answered:
    """Read until the other side closes, or for some seconds."""
    found, ends = b"", time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        client.settimeout(left)
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            return Answered(found, True)
        except TimeoutError:
            break
        if not data:
            return Answered(found, True)
        found += data
    return Answered(found, False)


@contextmanager
def trickling(port: int, head: bytes, clients: int, byte: bytes = b"1", pause: float = 0.5) -> Iterator[list[int]]:
    """Let clients send a head and then a byte now and then; gives the status by which each was cut off, or 0."""
    over, gone = threading.Event(), list[int]()

    def trickle() -> None:
        status = 0
        with connected(port) as client:
            client.settimeout(0)
            try:
                client.send(head)
                while not over.wait(pause):
                    client.send(byte)
                    with suppress(BlockingIOError):
                        status = int(client.recv(65536)[9:12] or 0)
                        break
            except OSError:
                pass
        if not over.is_set():
            gone.append(status)

    threads = [threading.Thread(target=trickle) for _ in range(clients)]
    for one in threads:
        one.start()
    try:
        yield gone
    finally:
        over.set()
        for one in threads:
            one.join(PATIENCE)
