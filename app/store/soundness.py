"""Whether each model has all that serves it: after a file was cut off or a key was deleted, one may not."""

from __future__ import annotations

from typing import Any

import redis

from app.caller import DEFAULT
from app.errors import Fault, RecordDamaged, RecordTooNew, at
from app.store.connection import store_errors
from app.store.keys import Keys
from app.store.record import Record
from app.store.redis import ModelStore


@store_errors()
def namespaces(client: redis.Redis) -> list[str]:
    """Return the namespaces that have models, and the default one."""
    connection: Any = client
    found = [key.decode() for key in connection.scan_iter("automl:~*:models", count=1000)]
    return [DEFAULT, *sorted(key.removeprefix("automl:~").removesuffix(":models") for key in found)]


@store_errors()
def soundness(client: redis.Redis, secret: str) -> list[Fault]:
    """Return what is wrong with models: of each its current version is looked at, and no artefact read.

    Raises
    ------
    StoreUnavailable
    """
    return [fault for namespace in namespaces(client) for fault in _of(client, secret, namespace)]


@store_errors()
def newest(client: redis.Redis, secret: str) -> str | None:
    """Open the artefact of the model that was trained last, and return its name; None where there are no models.

    Raises
    ------
    ArtifactRejected, ArtifactMissing, RecordDamaged, StoreUnavailable
    """
    stores = [ModelStore(client, secret, namespace) for namespace in namespaces(client)]
    found = [(record.created_at, store, record) for store in stores for record in store.models()]
    if not found:
        return None
    _, store, record = max(found, key=lambda one: one[0])
    store.artifact(record.pipeline_id, record.version)
    return store.whole(record.pipeline_id)


def _of(client: Any, secret: str, namespace: str) -> list[Fault]:
    """Look at the models of one namespace, in two questions for all of them."""
    keys, store = Keys(namespace), ModelStore(client, secret, namespace)
    names = sorted(name.decode(errors="replace") for name in client.smembers(keys.models))
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hget(keys.model(name), "current")
        numbers = [(number or b"").decode(errors="replace") for number in pipe.execute()]
        for name, number in zip(names, numbers, strict=True):
            pipe.hget(keys.records(name), number)
            pipe.exists(keys.artifact(name, number))
        found = pipe.execute()
    faults = []
    for name, number, record, artifact in zip(names, numbers, found[::2], found[1::2], strict=True):
        if wrong := _wrong(keys.record(name, number), number, record, artifact, secret):
            faults.append(Fault(at("models", store.whole(name)), wrong))
    return faults


def _wrong(place: str, number: str, record: bytes | None, artifact: int, secret: str) -> str | None:
    """Say what the current version of a model lacks."""
    if not number:
        return "it has no current version"
    if record is None:
        return f"the record of its current version, {number}, is missing"
    if not artifact:
        return f"the artefact of its current version, {number}, is missing"
    try:
        Record.stored(place, record, secret)
    except RecordDamaged:
        return f"the record of its current version, {number}, is damaged, or was signed with another SIGNING_SECRET"
    except RecordTooNew:
        return f"the record of its current version, {number}, was written by a newer release"
    return None
