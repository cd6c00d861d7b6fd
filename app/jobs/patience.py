"""How workers and their jobs outlive a Redis that is gone for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from app.errors import StoreUnavailable
from app.store.keys import PROBE
from app.store.publications import Publications
from app.store.record import Record, Version

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

#: Seconds for which a job waits for Redis before it gives up what it has done.
_OUTAGE = 120

#: Seconds between two questions to a Redis that is gone: the first, and the most.
_FIRST, _MOST = 0.25, 5.0

#: Seconds between two lines of the log that say so.
_TOLD = 60


def patiently(call: Callable[[], Answer]) -> Answer:
    """Return what a call returns, made again while Redis is gone. It must be one that can be made twice.

    Raises
    ------
    StoreUnavailable
        It was gone for too long.
    """
    began, pause = time.monotonic(), _FIRST
    while True:
        try:
            return call()
        except StoreUnavailable:
            if time.monotonic() - began > _OUTAGE:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _MOST)


class PatientPublications(Publications):
    """What a job publishes, though Redis be gone for a while: a job has one version, however often it is told."""

    def publish(self, version: Version) -> Record:
        """Publish as `Publications` does."""
        return patiently(lambda: super(PatientPublications, self).publish(version))


def wait_for_redis(client: Any) -> None:
    """Return as soon as Redis takes a write: one that only answers, as it is full, is none to work with."""
    pause, told = _FIRST, -float("inf")
    while True:
        try:
            client.set(PROBE, b"", ex=_TOLD)
            return
        except redis.RedisError as error:
            if time.monotonic() - told > _TOLD:
                told = time.monotonic()
                logger.warning("waiting for Redis, which does not answer or takes no write: %s", type(error).__name__)
        time.sleep(pause)
        pause = min(2 * pause, _MOST)
