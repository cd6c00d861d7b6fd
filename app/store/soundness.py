"""Whether each model has all that serves it: after a file was cut off or a key was deleted, one may not."""

from __future__ import annotations

from typing import Any

import redis

from app.errors import Fault, RecordDamaged, RecordTooNew, at
from app.store import keys
from app.store.artifact import unseal
from app.store.connection import store_errors
from app.store.record import Record
from app.store.signed import verified


@store_errors()
def soundness(client: redis.Redis, secret: str) -> list[Fault]:
    """Return what is wrong with models, by their ids: of each its current version is looked at, and no byte loaded.

    Raises
    ------
    StoreUnavailable
    """
    connection: Any = client
    names = sorted(name.decode(errors="replace") for name in connection.smembers(keys.MODELS))
    with connection.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hget(keys.model(name), "current")
        currents = [(current or b"").decode(errors="replace") for current in pipe.execute()]
        for name, current in zip(names, currents, strict=True):
            pipe.hget(keys.records(name), current)
            pipe.hexists(keys.model(name), current)
            pipe.exists(keys.artifact(name, current))
        found = pipe.execute()
    parts = zip(names, currents, found[::3], found[1::3], found[2::3], strict=True)
    told = [(name, _wrong(name, *part, secret)) for name, *part in parts]
    return [Fault(at("models", name), wrong) for name, wrong in told if wrong]


def _wrong(name: str, current: str, record: bytes | None, digest: bool, artifact: bool, secret: str) -> str | None:
    """Say what a model lacks."""
