"""Who asks, and in which namespace: known from the start of a request, or of a job, to its end.

Models, jobs and all that is kept of them are of one namespace. A caller sees none but those of the own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass

#: The namespace of keys that name none, and of all that was stored before there were namespaces.
DEFAULT = "default"

#: What a namespace may be called, and a pipeline: no part of a key, a path or a header can be made of it.
NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request, or queued a job.

    Attributes
    ----------
    key_id
        Names the key without telling it; empty where no key is needed.
    role
        One of `settings.ROLES`; empty for a stranger.
    namespace
        Empty for a stranger, which is no namespace of anybody's.
    """

    key_id: str
    role: str
    namespace: str


#: Where no key is needed, and outside of requests and jobs.
LOCAL = Caller("", "admin", DEFAULT)

#: Whoever has not shown a key where one is needed.
STRANGER = Caller("", "", "")

_CALLER: ContextVar[Caller] = ContextVar("caller", default=LOCAL)


def current() -> Caller:
    """Return who asks."""
    return _CALLER.get()


def enter(caller: Caller) -> None:
    """Say who asks, once it is known."""
    _CALLER.set(caller)


def begin(caller: Caller) -> Token[Caller]:
    """Begin to work for a caller, and return what `end` takes."""
    return _CALLER.set(caller)


def end(token: Token[Caller]) -> None:
    """End what was begun, whoever has entered since: threads serve one after another."""
    _CALLER.reset(token)


@contextmanager
def during(caller: Caller) -> Iterator[None]:
    """Work for a caller until the end of the block."""
    token = begin(caller)
    try:
        yield
    finally:
        end(token)
