"""The time until which a request is to be answered. A thread cannot be ended, so each stage looks before it begins."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from app.errors import DeadlinePassed


class _Deadline(NamedTuple):
    """The seconds that were given, and when they end by `time.monotonic`."""

    seconds: float
    ends: float


#: Seconds that the request of this thread has waited for a thread.
WAITED: ContextVar[float] = ContextVar("waited", default=0.0)

#: Whether this thread refuses requests, because too many wait for the others.
FULL: ContextVar[bool] = ContextVar("full", default=False)

_CURRENT: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


def begin(seconds: float, waited: float = 0.0) -> None:
    """Give what this thread does from now on some seconds, less those that have gone."""
    _CURRENT.set(_Deadline(seconds, time.monotonic() + seconds - waited))


def end() -> None:
    """Give this thread time without end, as jobs have it."""
    _CURRENT.set(None)


def shorten(seconds: float) -> None:
    """Give it no more than these seconds from now, as its caller asks."""
    if seconds < left():
        begin(seconds)


def left() -> float:
    """Return the seconds that are left, at least 0; infinite where nobody waits."""
    current = _CURRENT.get()
    return math.inf if current is None else max(0.0, current.ends - time.monotonic())


def check() -> None:
    """Go no further when the time has passed.

    Raises
    ------
    DeadlinePassed
    """
    current = _CURRENT.get()
    if current is not None and time.monotonic() >= current.ends:
        raise DeadlinePassed(current.seconds)


@contextmanager
def holding(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock, waiting no longer for it than there is time.

    Raises
    ------
    DeadlinePassed
    """
    while not lock.acquire(timeout=min(left(), threading.TIMEOUT_MAX)):
        check()
    try:
        yield
    finally:
        lock.release()
