"""Clients over HTTP: so many kept-alive connections, each of which sends its next request when it has its answer.

The bytes of a request are made before. Of an answer no more is read than its status and its length, so that at some
thousand requests a second most of a core is left. `Burst.client_share` says how much of one was taken.
"""

from __future__ import annotations

import itertools
import select
import socket
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

#: Seconds to wait for any answer.
PATIENCE = 60.0

#: Bytes that are read at once.
_CHUNK = 1 << 20


class WrongAnswer(Exception):
    """A server answered with another status than 200; the message begins with what it said."""


@dataclass(frozen=True)
class Burst:
    """What was measured.

    Attributes
    ----------
    seconds
        From the first request to the last answer.
    latencies
        Milliseconds of each request, from sending to the end of its answer, in the order of the answers.
    client_share
        Share of a core that the clients took.
    """

    seconds: float
    latencies: list[float]
    client_share: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def median(self) -> float:
        """Milliseconds."""
        return statistics.median(self.latencies)

    def late(self, share: float = 0.99) -> float:
        """Return the milliseconds within which a share of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def post(path: str, body: bytes, content_type: str = "application/json", **headers: str) -> bytes:
    """Return the bytes of a POST request."""
    named: Mapping[str, str] = {"Host": "127.0.0.1", "Content-Type": content_type, "Content-Length": str(len(body))}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in (*named.items(), *headers.items()))]
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str) -> bytes:
    """Return the bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def burst(
    port: int,
    requests: Sequence[bytes],
    clients: int,
    seconds: float,
    least: int = 1,
    processes: Sequence[psutil.Process] = (),
) -> Burst:
    """Send requests in turn from so many clients for so long, until each has at least so many answers.

    With `processes` each of them is given as many of the connections, as a load balancer does; without, a connection is
    with whichever process happened to accept it first.

    Raises
    ------
    WrongAnswer, TimeoutError, ConnectionError
    """
    connections = _dealt(port, clients, processes) if processes else [Connection(port) for _ in range(clients)]
    try:
        return _driven(connections, requests, seconds, least)
    finally:
        for one in connections:
            one.socket.close()


def once(port: int, request: bytes) -> bytes:
    """Send one request on a connection of its own and return the body of its answer."""
    connection = Connection(port)
    try:
        connection.socket.sendall(request)
        while not connection.whole():
            pass
        connection.expect(200)
        return connection.body()
    finally:
        connection.socket.close()


def _dealt(port: int, clients: int, processes: Sequence[psutil.Process]) -> list[Connection]:
    """Return connections of which each process has accepted as many, or one more; open others until it is so."""
    most, kept = -(-clients // len(processes)), dict[int, list[Connection]]()
    deadline = time.monotonic() + PATIENCE
    while sum(map(len, kept.values())) < clients:
        if time.monotonic() > deadline:
            raise TimeoutError(f"connections were not dealt evenly within {PATIENCE:.0f} s")
        one = Connection(port)
        mine = kept.setdefault(_accepting(one, processes), [])
        if len(mine) < most:
            mine.append(one)
        else:
            one.socket.close()
    return [one for mine in kept.values() for one in mine]


def _accepting(connection: Connection, processes: Sequence[psutil.Process]) -> int:
    """Return the id of the process that has accepted a connection."""
    own = connection.socket.getsockname()[1]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for process in processes:
            if any(one.raddr and one.raddr.port == own for one in process.net_connections("tcp")):
                return process.pid
    raise TimeoutError(f"no process accepted a connection within {PATIENCE:.0f} s")


class Connection:
    """A connection and what of its answer has come.

    Attributes
    ----------
    status
        Of the answer whose head has come.
    closing
        Whether the server closes the connection after that answer.
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = 0.0
        self.answers = 0
        self.status, self.closing = 0, False
        self._parts: list[bytes] = []
        self._missing = -1

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._parts, self._missing = [], -1
        self.since = time.perf_counter()
        self.socket.sendall(request)

    def whole(self) -> bool:
        """Read what has come; tell whether that is the whole answer."""
        data = self.socket.recv(_CHUNK)
        if not data:
            raise ConnectionError("the server closed the connection within an answer")
        self._parts.append(data)
        if self._missing < 0:
            so_far = data if len(self._parts) == 1 else b"".join(self._parts)
            if (end := so_far.find(b"\r\n\r\n")) < 0:
                return False
            self.status, self.closing, length = _read(so_far[:end])
            self._missing = end + 4 + length - len(so_far)
        else:
            self._missing -= len(data)
        return self._missing <= 0

    def expect(self, status: int) -> None:
        """Raise where the answer has another status.

        Raises
        ------
        WrongAnswer
        """
        if self.status != status:
            raise WrongAnswer(b"".join(self._parts)[:2000].decode(errors="replace"))

    def body(self) -> bytes:
        """Return the body of the answer."""
        return b"".join(self._parts).partition(b"\r\n\r\n")[2]


def _read(head: bytes) -> tuple[int, bool, int]:
    """Return an answer's status, whether its connection closes, and the length of its body."""
    lowered = head.lower()
    place = lowered.find(b"content-length:")
    if place < 0:
        raise WrongAnswer("an answer without a Content-Length")
    length = int(lowered[place + 15 :].partition(b"\r\n")[0])
    return int(head[9:12]), b"\nconnection: close" in lowered, length


def _driven(connections: list[Connection], requests: Sequence[bytes], seconds: float, least: int) -> Burst:
    latencies: list[float] = []
    by_number = {one.socket.fileno(): one for one in connections}
    turn, still = itertools.cycle(requests), len(connections)
    # The standard library's selectors cost as much as all the rest.
    with select.epoll() as ready:
        for number in by_number:
            ready.register(number, select.EPOLLIN)
        processor, started = time.process_time(), time.perf_counter()
        until, now = started + seconds, started
        for one in connections:
            one.send(next(turn))
        while still:
            if not (events := ready.poll(PATIENCE)):
                raise TimeoutError(f"no answer within {PATIENCE:.0f} s")
            for number, _ in events:
                one = by_number[number]
                if not one.whole():
                    continue
                one.expect(200)
                now = time.perf_counter()
                latencies.append((now - one.since) * 1000)
                one.answers += 1
                if now < until or one.answers < least:
                    one.send(next(turn))
                else:
                    still -= 1
        elapsed = now - started
        return Burst(elapsed, latencies, (time.process_time() - processor) / elapsed)
