"""Versions that were made before or elsewhere, put into the store as they were: under their numbers, signed anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import redis

from app.errors import ArtifactMissing, ArtifactRejected, NotFound, RecordDamaged, RecordTooNew
from app.store.artifact import seal
from app.store.connection import store_errors
from app.store.keys import Keys
from app.store.publications import write_version
from app.store.record import PROTOCOL, Version
from app.store.redis import ModelStore
from app.store.signed import signed, to_json

#: What is wrong with a version that cannot be read whole.
_UNREADABLE = (ArtifactMissing, ArtifactRejected, RecordDamaged, RecordTooNew)


class RestoreError(Exception):
    """Something cannot be restored here; the message says what to do."""


@dataclass(frozen=True)
class Kept:
    """One version and all that is kept of it, with the namespace that it is of."""

    namespace: str
    version: Version
    explanations: dict[str, Any] | None


def kept(client: redis.Redis, secret: str, namespace: str, lost: list[str]) -> Iterator[Kept]:
    """Yield all versions of a namespace that do not train any more, of each model the current one first.

    Parameters
    ----------
    lost
        Gets a line for each version that cannot be read whole, which is left out.
    """
    keys, store = Keys(namespace), ModelStore(client, secret, namespace)
    for name in sorted(_texts(client, "smembers", keys.models)):
        numbers = _texts(client, "hkeys", keys.records(name))
        try:
            current = str(store.current(name))
        except (NotFound, *_UNREADABLE):
            # Which is current is not known, and all versions are there.
            current = ""
        for number in sorted(numbers, key=lambda number: (number != current, number)):
            try:
                # One that is deleted meanwhile is not lost.
                with suppress(NotFound):
                    yield from _one(store, name, int(number))
            except (ValueError, *_UNREADABLE) as error:
                lost.append(f"{store.whole(name)} version {number}: {error}")


def _one(store: ModelStore, name: str, number: int) -> Iterator[Kept]:
    record = store.record(name, number)
    if not record.provisional:
        version = Version(record, store.artifact(name, number), store.report(name, number))
        yield Kept(store.namespace, version, store.explanations(name, number))


@store_errors()
def _texts(client: Any, command: str, key: str) -> list[str]:
    return [text.decode(errors="replace") for text in getattr(client, command)(key)]


@store_errors()
def restore(client: redis.Redis, secret: str, one: Kept) -> bool:
    """Store a version as it was, in one transaction; False when it is there already.

    It becomes current where its model has no current one, and its number is not given again.

    Raises
    ------
    RestoreError
        Another version has its number.
    """
    connection: Any = client
    keys, store, record = Keys(one.namespace), ModelStore(client, secret, one.namespace), one.version.record
    name, number = record.pipeline_id, record.version
    sealed = seal(one.version.artifact, name, number, secret, one.namespace)
    described = record.artifact | {"bytes": len(sealed), "sha256": hashlib.sha256(sealed).hexdigest()}
    # What an earlier release has stored is written as this one does.
    record = replace(record, artifact=described, protocol=PROTOCOL)

    def write(pipe: Any) -> bool:
        if pipe.hexists(keys.records(name), str(number)):
            # One that cannot be read is replaced: that is what a backup is for.
            with suppress(*_UNREADABLE):
                if store.artifact(name, number).parts == one.version.artifact.parts:
                    return False
                raise RestoreError(
                    f"Model {store.whole(name)} has another version {number} already. Delete it, or restore into an "
                    "empty store."
                )
        latest = max(number, int(pipe.hget(keys.latest, str(name)) or 0))
        pipe.multi()
        write_version(pipe, keys, replace(one.version, record=record), sealed, secret)
        if one.explanations is not None:
            told = keys.explanations(name, number)
            pipe.set(told, signed(told, to_json(one.explanations), secret))
        pipe.hsetnx(keys.model(name), "current", number)
        pipe.hset(keys.latest, str(name), latest)
        return True

    watched = (keys.model(name), keys.records(name), keys.latest)
    stored: bool = connection.transaction(write, *watched, value_from_callable=True)
    return stored
