"""A stop in order: readiness goes first, then what comes is answered for a while, then what has begun is finished."""

from __future__ import annotations

import mmap
import signal
from types import FrameType
from typing import Any


class Drain:
    """Whether the service is about to stop, as all web processes that are forked from this one see it."""

    def __init__(self) -> None:
        # A byte of memory that forked processes share.
        self._flag = mmap.mmap(-1, 1)

    def begin(self) -> None:
        """Say so, for good."""
        self._flag[0] = 1

    @property
    def begun(self) -> bool:
        """Whether it has been said."""
        return self._flag[0] == 1


def at_sigterm(arbiter: Any, seconds: int) -> None:
    """Let gunicorn's arbiter begin a drain at SIGTERM, and stop when its time is over or at a second SIGTERM.

    The arbiter goes on meanwhile as ever. A timer of the kernel's ends the drain: a thread would not live on in what
    the arbiter forks, and what it forks does not inherit the timer.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        arbiter.signal(signal.SIGTERM, frame)

    def drain(number: int, frame: FrameType | None) -> None:
        held: Drain = arbiter.app.wsgi().extensions["automl"].drain
        if held.begun or not seconds:
            stop(number, frame)
        else:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        held.begin()

    signal.signal(signal.SIGALRM, stop)
    signal.signal(signal.SIGTERM, drain)
