"""Work in processes of its own, so that it can be ended at any moment, native code included.

A child is forked: it starts at once, sees what its parent has in memory, and takes nothing of it along when it ends.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, NoReturn

from app.errors import ServiceError
from app.pipelines.refusals import words
from app.store.embedded import die_with_parent

logger = logging.getLogger(__name__)

#: Seconds between two looks at the clock while waiting for a child.
_TICK = 0.5

#: What a child sends after its last item.
_END = "end"


class ChildDied(Exception):
    """A child ended without saying why: killed by the system, or by a fault of native code."""


class ChildFailed(Exception):
    """A child's function raised; the message is the error in words."""


class Child:
    """One forked process that runs a generator function and sends what that yields.

    Parameters
    ----------
    function
        Called with `arguments` in the child. What it yields must be picklable.
    seconds
        After which the child is killed by `receive`.
    threads
        Threads that its native code may use; None for as many as there are cores.
    """

    def __init__(
        self, function: Callable[..., Iterator[Any]], *arguments: Any, seconds: float, threads: int | None = None
    ) -> None:
        self.connection: Connection[Any, Any]
        self.connection, there = Pipe(duplex=False)
        self.deadline = time.monotonic() + seconds
        parent = os.getpid()
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads. Those of TPOT's Dask hold none of the locks that a child needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            # Not multiprocessing's own process: that refuses to be started by a daemonic one, as Dask's workers are.
            self._pid = os.fork()
        if self._pid == 0:
            _run(parent, there, function, arguments, threads)
        there.close()

    def receive(self) -> Iterator[Any]:
        """Yield the items that are there without waiting; stop at the child's end.

        Raises
        ------
        TimeoutError
            The child's time is over; it was killed.
        ServiceError
            The child raised it.
        ChildFailed, ChildDied
        """
        while self.connection.poll():
            try:
                kind, item = self.connection.recv()
            except (EOFError, OSError):
                self.kill()
                raise ChildDied("its process died") from None
            if kind == _END:
                self.kill()
                return
            if kind == "error":
                self.kill()
                raise item
            yield item
        if time.monotonic() > self.deadline:
            self.kill()
            raise TimeoutError

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return self.connection.closed

    def kill(self) -> None:
        """End the child, its own children too, whatever it is doing."""
        if self.ended:
            return
        for end in (os.killpg, os.kill):
            # Its group is its own as soon as it runs; before that there is just the process.
            with suppress(ProcessLookupError, PermissionError):
                end(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self.connection.close()


def stream(
    function: Callable[..., Iterator[Any]],
    *arguments: Any,
    seconds: float,
    threads: int | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[Any]:
    """Yield what a generator function yields in a forked child; the child dies when the consumer stops.

    Parameters
    ----------
    wanted
        Asked twice a second and more; when it says no, the child is ended, and the stream with it.

    Raises
    ------
    TimeoutError, ServiceError, ChildFailed, ChildDied
    """
    if seconds <= 0:
        raise TimeoutError
    child = Child(function, *arguments, seconds=seconds, threads=threads)
    try:
        while not child.ended and wanted():
            child.connection.poll(max(0.0, min(_TICK, child.deadline - time.monotonic())))
            yield from child.receive()
    finally:
        if not child.ended:
            child.kill()


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(
    parent: int,
    there: Connection[Any, Any],
    function: Callable[..., Iterator[Any]],
    arguments: Any,
    threads: int | None,
) -> NoReturn:
    """In the child: run, send, and leave without the parent's clean-up."""
    # A group of its own, so that its children can be ended with it; and it ends with its parent.
    os.setpgid(0, 0)
    die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        # A thread of its own, as whoever forks keeps waiting for the threads that native code had in the parent, and
        # they are not here (GNU's OpenMP).
        work = threading.Thread(target=_send, args=(there, function, arguments, threads))
        work.start()
        work.join()
    finally:
        # Not sys.exit: threads and exit handlers of the parent's libraries are not this process's to end.
        os._exit(0)


def _send(
    there: Connection[Any, Any], function: Callable[..., Iterator[Any]], arguments: Any, threads: int | None
) -> None:
    """Send what the function yields, then the end or the error."""
    try:
        with _limited(threads):
            for item in function(*arguments):
                there.send(("item", item))
        there.send((_END, None))
    except ServiceError as error:
        there.send(("error", error))
    except Exception as error:
        logger.debug("a child failed", exc_info=True)
        there.send(("error", ChildFailed(f"{type(error).__name__}: {words(error)}")))
    finally:
        there.close()


def _limited(threads: int | None) -> Any:
    from contextlib import nullcontext

    from threadpoolctl import threadpool_limits

    return nullcontext() if threads is None else threadpool_limits(threads)
