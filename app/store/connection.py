"""Connections to Redis, and what becomes of its failures."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from app.errors import StoreUnavailable

logger = logging.getLogger(__name__)

#: Seconds a connection may take, and an answer.
_CONNECT, _ANSWER = 1, 5


def connect(url: str) -> redis.Redis:
    """Return a client; it connects when first used, so it may be made before a process forks."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_CONNECT,
        socket_timeout=_ANSWER,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=1, base=0.05), retries=2),
    )


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a failure of Redis into ours, and log what it was; also a decorator."""
    try:
        yield
    except redis.RedisError as error:
        logger.warning("Redis: %s: %s", type(error).__name__, _without_commands(error))
        raise StoreUnavailable from None


def _without_commands(error: redis.RedisError) -> str:
    """Return the words of a failure, without the uploads and passwords that were sent.

    redis-py puts the command of a transaction before them, and Redis the arguments of one that it does not know behind.
    """
    return str(error).rpartition(" caused error: ")[2].partition(", with args ")[0]
