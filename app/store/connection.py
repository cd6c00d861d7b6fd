"""Connections to Redis, and what becomes of its failures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from app.errors import StoreFull, StoreUnavailable

logger = logging.getLogger(__name__)

#: Seconds a connection may take.
_CONNECT = 0.5

#: Seconds an answer may take, or a part of a long one: of whoever keeps a caller waiting, and of whoever is patient.
_QUICK, _PATIENT = 0.9, 30

#: How the refusals of a write begin for which there is no class of their own: no memory is left, or no disk.
_FULL = ("OOM", "MISCONF")


def connect(url: str, patient: bool = False) -> redis.Redis:
    """Return a client; it connects when first used, so it may be made before a process forks.

    A lost connection is tried again, as a Redis that was restarted closes all. A server that is silent is not: it would
    be as silent the next time, while a caller waits. Nor is it asked for a PING now and then: one with a full disk
    refuses that, and answers all that is read.

    Parameters
    ----------
    patient
        For what sends megabytes, as the time of a send is for all of it, and for processes that nobody waits for.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_CONNECT,
        socket_timeout=_PATIENT if patient else _QUICK,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 2, supported_errors=(redis.ConnectionError,)),
    )


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a failure of Redis into ours, and log what it was; also a decorator."""
    try:
        yield
    except redis.RedisError as error:
        told = _without_commands(error)
        logger.warning("Redis: %s: %s", type(error).__name__, told)
        raise StoreFull() if is_full(error) else StoreUnavailable() from None


def is_full(error: redis.RedisError) -> bool:
    """Tell whether a write was refused for want of memory or of disk; what is stored can be read all the same."""
    return isinstance(error, redis.OutOfMemoryError) or _without_commands(error).startswith(_FULL)


def _without_commands(error: redis.RedisError) -> str:
    """Return the words of a failure, without the uploads and passwords that were sent.

    redis-py puts the command of a transaction before them, and Redis the arguments of one that it does not know behind.
    """
    return str(error).rpartition(" caused error: ")[2].partition(", with args ")[0]
