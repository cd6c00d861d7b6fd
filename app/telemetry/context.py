"""What is going on here: the ids that every line of the log has, from the start of a request or job to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

#: {field of the log: value} of the request or job that this thread works on.
_KNOWN: ContextVar[dict[str, Any] | None] = ContextVar("known", default=None)


def begin(**fields: Any) -> Token[dict[str, Any] | None]:
    """Begin a request or job, and return what `end` takes."""
    return _KNOWN.set(fields)


def end(token: Token[dict[str, Any] | None]) -> None:
    """Forget a request or job."""
    _KNOWN.reset(token)


@contextmanager
def during(**fields: Any) -> Iterator[None]:
    """Hold these fields, and those that are noted on the way, as long as a job goes on."""
    token = begin(**fields)
    try:
        yield
    finally:
        end(token)


def note(**fields: Any) -> None:
    """Add what is known by now; outside of requests and jobs nothing happens."""
    if (known := _KNOWN.get()) is not None:
        known |= fields


def known() -> dict[str, Any]:
    """Return all fields, not to be changed."""
    return _KNOWN.get() or {}
