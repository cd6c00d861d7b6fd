"""Clients that send at times fixed before, whether or not earlier requests have been answered.

A client that waits for its answer sends less while the server is slow, and so does not see most of what others would
wait. Here a latency counts from the moment at which the request was to be sent, the time in which all connections were
taken included.
"""

from __future__ import annotations

import random
import select
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from benchmarks.serving.load import PATIENCE, Connection

#: Seconds after the last intended time in which what is late is still sent.
GRACE = 10.0


@dataclass
class Answers:
    """What came of requests at a rate.

    Attributes
    ----------
    offered
        Requests a second that were to be sent.
    answers
        (second of the intended time, status or 0 where the connection broke, milliseconds from the intended time).
    late
        Milliseconds by which the client itself was late to begin at most.
    unsent
        Requests for which no connection was free until `GRACE` after the last was to be sent.
    """

    offered: float
    answers: list[tuple[float, int, float]] = field(default_factory=list)
    late: float = 0.0
    unsent: int = 0

    def statuses(self) -> dict[int, int]:
        """Return how many answers had each status."""
        return dict(Counter(status for _, status, _ in self.answers))

    def within(self, share: float, *statuses: int, since: float = 0.0) -> float:
        """Return the milliseconds within which a share of the answers with these statuses came; 0 without any."""
        found = sorted(ms for second, status, ms in self.answers if status in statuses and second >= since)
        return found[min(len(found) - 1, int(share * len(found)))] if found else 0.0


def at_rate(port: int, request: bytes, rate: float, seconds: float, connections: int, seed: int = 0) -> Answers:
    """Send a request at random times, so many a second on average (Poisson), over at most so many connections."""
    draw = random.Random(seed)  # noqa: S311  of times, not of secrets
    times, moment = deque[float](), 0.0
    while (moment := moment + draw.expovariate(rate)) < seconds:
        times.append(moment)
    return _Driver(port, request, times, connections).run(Answers(rate), seconds + GRACE)


class _Driver:
    """Connections that are idle or wait for an answer, and the requests that are still to be sent."""

    def __init__(self, port: int, request: bytes, times: deque[float], connections: int) -> None:
        self._port, self._request, self._times, self._most = port, request, times, connections
        self._idle: list[Connection] = []
        self._waiting: dict[int, tuple[Connection, float]] = {}
        self._poll = select.epoll()

    def run(self, found: Answers, most: float) -> Answers:
        """Send all that can be sent within so many seconds, and wait for the last answer."""
        begun = time.perf_counter()
        try:
            while self._times or self._waiting:
                now = time.perf_counter() - begun
                if now > most:
                    found.unsent += len(self._times)
                    self._times.clear()
                while self._times and self._times[0] <= now and self._may_send():
                    intended = self._times.popleft()
                    found.late = max(found.late, 0.0 if self._full else (now - intended) * 1000)
                    self._send(intended)
                self._full = bool(self._times) and self._times[0] <= now
                until = PATIENCE if self._full or not self._times else self._times[0] - now
                events = self._poll.poll(max(0.0, until))
                if not events and until >= PATIENCE:
                    raise TimeoutError(f"no answer within {PATIENCE:.0f} s")
                for number, _ in events:
                    self._receive(number, begun, found)
        finally:
            for one in (*self._idle, *(one for one, _ in self._waiting.values())):
                one.socket.close()
            self._poll.close()
        return found

    #: Whether requests were due at the last look for which there was no connection: these are not late by the client.
    _full = False

    def _may_send(self) -> bool:
        return bool(self._idle) or len(self._waiting) < self._most

    def _send(self, intended: float) -> None:
        # The one used last: a server closes those that have been idle for long.
        one = self._idle.pop() if self._idle else Connection(self._port)
        number = one.socket.fileno()
        try:
            one.send(self._request)
        except OSError:
            one.socket.close()
            one = Connection(self._port)
            number = one.socket.fileno()
            one.send(self._request)
        self._waiting[number] = one, intended
        self._poll.register(number, select.EPOLLIN)

    def _receive(self, number: int, begun: float, found: Answers) -> None:
        one, intended = self._waiting[number]
        try:
            if not one.whole():
                return
            status = one.status
        except OSError:
            status = 0
        self._poll.unregister(number)
        del self._waiting[number]
        found.answers.append((intended, status, (time.perf_counter() - begun - intended) * 1000))
        if status == 0 or one.closing:
            one.socket.close()
        else:
            self._idle.append(one)
