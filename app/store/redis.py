"""Models in Redis, as their callers read, promote and delete them; `publications` is what makes them."""

from __future__ import annotations

from typing import Any

import orjson
import redis

from app.errors import ModelNotFound, StaleVersion, StillTraining, VersionInUse, VersionNotFound
from app.store import keys
from app.store.artifact import Artifact, unseal
from app.store.connection import store_errors
from app.store.record import Record


class ModelStore:
    """Versions of pipelines: immutable, numbered from 1, one of them current."""

    def __init__(self, client: redis.Redis, secret: str) -> None:
        # As in the publications: redis-py's types are of any client, and this one's answers are bytes.
        self._redis: Any = client
        self._secret = secret

    @store_errors()
    def ping(self) -> None:
        """Raise StoreUnavailable unless Redis answers."""
        self._redis.ping()

    @store_errors()
    def write(self) -> None:
        """Raise StoreUnavailable unless Redis takes writes."""
        self._redis.set(keys.PROBE, b"", ex=60)

    @store_errors()
    def current(self, pipeline_id: str | int) -> int:
        """Return the number of the current version: one small read.

        Raises
        ------
        ModelNotFound
        """
        version = self._redis.hget(keys.model(pipeline_id), "current")
        if version is None:
            raise ModelNotFound(pipeline_id)
        return int(version)

    @store_errors()
    def place(self, pipeline_id: str | int, version: int | None = None, likely: int | None = None) -> tuple[int, str]:
        """Return a version's number, the current one when none is named, and the SHA-256 of its artefact.

        The latter changes as long as the version is provisional. It is one small read where `likely` is the number.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        key, wanted = keys.model(pipeline_id), likely if version is None else version
        current, digest = self._redis.hmget(key, "current", str(wanted or 1))
        if current is None:
            raise ModelNotFound(pipeline_id)
        number = int(current) if version is None else version
        if number != (wanted or 1):
            digest = self._redis.hget(key, str(number))
        if digest is None:
            # It does not exist, or was stored before digests were.
            return number, str(self.record(pipeline_id, number).artifact["sha256"])
        return number, str(digest.decode())

    @store_errors()
    def record(self, pipeline_id: str | int, version: int | None = None) -> Record:
        """Return the record of a version, the current one when none is named.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        wanted = self.current(pipeline_id) if version is None else version
        data = self._redis.hget(keys.records(pipeline_id), str(wanted))
        if data is None:
            self.current(pipeline_id)
            raise VersionNotFound(pipeline_id, wanted)
        return Record.from_bytes(data)

    @store_errors()
    def report(self, pipeline_id: str | int, version: int) -> dict[str, Any]:
        """Return what a version's training reported; empty for versions from before there were reports."""
        data = self._redis.get(keys.report(pipeline_id, version))
        return dict(orjson.loads(data)) if data else {}

    @store_errors()
    def explanations(self, pipeline_id: str | int, version: int) -> dict[str, Any] | None:
        """Return the explanations that were made at the end of a version's training; None where none were."""
        data = self._redis.get(keys.explanations(pipeline_id, version))
        return dict(orjson.loads(data)) if data else None

    @store_errors()
    def artifact(self, pipeline_id: str | int, version: int) -> Artifact:
        """Return the verified artefact of a version.

        Raises
        ------
        ModelNotFound, VersionNotFound, ArtifactRejected
        """
        return unseal(self.sealed(pipeline_id, version), pipeline_id, version, self._secret)

    @store_errors()
    def sealed(self, pipeline_id: str | int, version: int) -> bytes:
        """Return the artefact of a version as it is stored: signed, and not verified.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        stored: bytes | None = self._redis.get(keys.artifact(pipeline_id, version))
        if stored is None:
            self.current(pipeline_id)
            raise VersionNotFound(pipeline_id, version)
        return stored

    @store_errors()
    def versions(self, pipeline_id: str | int) -> list[Record]:
        """Return the records of all versions of a pipeline, oldest first.

        Raises
        ------
        ModelNotFound
        """
        stored = self._redis.hgetall(keys.records(pipeline_id))
        if not stored:
            raise ModelNotFound(pipeline_id)
        return sorted(map(Record.from_bytes, stored.values()), key=lambda record: record.version)

    @store_errors()
    def models(self) -> list[Record]:
        """Return the current record of every pipeline, ordered by id."""
        ids = sorted(name.decode() for name in self._redis.smembers(keys.MODELS))
        with self._redis.pipeline(transaction=False) as pipe:
            for name in ids:
                pipe.hget(keys.model(name), "current")
            currents = pipe.execute()
            found = [(name, version) for name, version in zip(ids, currents, strict=True) if version]
            for name, version in found:
                pipe.hget(keys.records(name), version)
            return [Record.from_bytes(data) for data in pipe.execute() if data]

    @store_errors()
    def scores(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Return for each pipeline the scores of its versions, oldest first, as `Record.score` has them.

        Versions from before scores were stored apart are left out.
        """
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(keys.scores(name))
            found = pipe.execute()
        return {
            name: [{"version": int(number), **orjson.loads(stored[number])} for number in sorted(stored, key=int)]
            for name, stored in zip(names, found, strict=True)
        }

    @store_errors()
    def promote(self, pipeline_id: str | int, version: int, expected: int | None = None) -> None:
        """Make a version current, by compare-and-set.

        Raises
        ------
        ModelNotFound, VersionNotFound
        StaleVersion
            `expected` is given and is not the current version.
        StillTraining
            The version is provisional.
        """
        key, records = keys.model(pipeline_id), keys.records(pipeline_id)

        def write(pipe: Any) -> None:
            current = self.current(pipeline_id)
            if expected is not None and current != expected:
                raise StaleVersion(pipeline_id, expected, current)
            stored = pipe.hget(records, str(version))
            if stored is None:
                raise VersionNotFound(pipeline_id, version)
            if current != version and Record.from_bytes(stored).provisional:
                raise StillTraining(pipeline_id, version)
            pipe.multi()
            pipe.hset(key, "current", version)

        self._redis.transaction(write, key, records)

    @store_errors()
    def delete(self, pipeline_id: str | int) -> None:
        """Delete a pipeline and all its versions.

        Raises
        ------
        ModelNotFound
        """
        key, records = keys.model(pipeline_id), keys.records(pipeline_id)

        def write(pipe: Any) -> None:
            versions = [int(number) for number in pipe.hkeys(records)]
            if not versions:
                raise ModelNotFound(pipeline_id)
            pipe.multi()
            pipe.srem(keys.MODELS, str(pipeline_id))
            for version in versions:
                keys.remove_version(pipe, pipeline_id, version)
            pipe.delete(key, records)

        self._redis.transaction(write, key, records)

    @store_errors()
    def delete_version(self, pipeline_id: str | int, version: int) -> None:
        """Delete one version that is not current.

        Raises
        ------
        ModelNotFound, VersionNotFound, VersionInUse
        """
        key, records = keys.model(pipeline_id), keys.records(pipeline_id)

        def write(pipe: Any) -> None:
            if self.current(pipeline_id) == version:
                raise VersionInUse(pipeline_id, version)
            if not pipe.hexists(records, str(version)):
                raise VersionNotFound(pipeline_id, version)
            pipe.multi()
            keys.remove_version(pipe, pipeline_id, version)

        self._redis.transaction(write, key, records)
