"""Work on all cores at once, where most of it is done without Python's lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import TypeVar

from app.pipelines.processes import cores

Given = TypeVar("Given")
Found = TypeVar("Found")

#: Cores that one request may use: each share has arrays of its own.
CORES = min(8, cores())

#: Whether this thread does a share of something, so that what it calls has no other core.
_SHARING: ContextVar[bool] = ContextVar("sharing", default=False)


def each(call: Callable[[Given], Found], some: Sequence[Given]) -> list[Found]:
    """Return what a call gives of each of some, in their order; the calling thread does its share.

    What a call raises is raised, when all have ended.
    """
    threads = 1 if _SHARING.get() else min(CORES, len(some))
    if threads < 2:
        return [call(one) for one in some]

    def share(first: int) -> list[Found]:
        token = _SHARING.set(True)
        try:
            return [call(one) for one in some[first::threads]]
        finally:
            _SHARING.reset(token)

    # Threads of a pool that is kept would not be there in a process that is forked from this one.
    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(copy_context().run, share, first) for first in range(1, threads)]
        shares = [share(0), *(other.result() for other in others)]
    return [shares[place % threads][place // threads] for place in range(len(some))]
