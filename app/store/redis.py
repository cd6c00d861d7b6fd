"""Models in Redis. A publication is one transaction: a version is there whole or not at all.

automl:models                     set of pipeline ids
automl:latest                     hash id → last version number given; survives deletion, so none is given twice
automl:model:<id>                 hash: current
automl:records:<id>               hash version → record (JSON)
automl:artifact:<id>:<version>    signed artefact
automl:published:<job>            "<id> <version>" that a job has published, so that a repeated job does not again
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from app.errors import ModelNotFound, StaleVersion, StoreUnavailable, VersionInUse, VersionNotFound
from app.store.artifact import Artifact, seal, unseal
from app.store.record import Record

#: Seconds a connection may take, and an answer.
_CONNECT, _ANSWER = 1, 5

#: Seconds for which a job's publication is remembered.
_REMEMBERED = 7 * 24 * 3600


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
    """Turn a failure of Redis into ours; also a decorator."""
    try:
        yield
    except redis.RedisError:
        raise StoreUnavailable from None


class ModelStore:
    """Versions of pipelines: immutable, numbered from 1, one of them current."""

    def __init__(self, client: redis.Redis, secret: str) -> None:
        # redis-py types every answer as bytes or text, whatever the client; of this one all are bytes.
        self._redis: Any = client
        self._secret = secret

    @store_errors()
    def ping(self) -> None:
        """Raise StoreUnavailable unless Redis answers."""
        self._redis.ping()

    @store_errors()
    def publish(self, record: Record, artifact: Artifact) -> Record:
        """Store a new version and make it current, unless a later one is current already.

        Parameters
        ----------
        record
            With any version; the one it gets is in the record returned. If its job has published before, that
            version's record is returned and nothing is stored.
        """
        key, job = _model(record.pipeline_id), f"automl:published:{record.job_id}"

        def write(pipe: Any) -> Record:
            if earlier := pipe.get(job):
                return self.record(record.pipeline_id, int(earlier.split()[1]))
            current = int(pipe.hget(key, "current") or 0)
            version = self._redis.hincrby("automl:latest", str(record.pipeline_id), 1)
            sealed = seal(artifact, record.pipeline_id, version, self._secret)
            numbered = _numbered(record, version, artifact, sealed)
            pipe.multi()
            pipe.set(_artifact(record.pipeline_id, version), sealed)
            pipe.hset(f"automl:records:{record.pipeline_id}", str(version), numbered.to_bytes())
            pipe.sadd("automl:models", str(record.pipeline_id))
            pipe.set(job, f"{record.pipeline_id} {version}", ex=_REMEMBERED)
            if version > current:
                pipe.hset(key, "current", version)
            return numbered

        published: Record = self._redis.transaction(write, key, job, value_from_callable=True)
        return published

    @store_errors()
    def published_by(self, job_id: str) -> Record | None:
        """Return the record that a job has published, if it has and the version still exists."""
        found = self._redis.get(f"automl:published:{job_id}")
        if found is None:
            return None
        pipeline_id, version = found.decode().split()
        data = self._redis.hget(f"automl:records:{pipeline_id}", version)
        return Record.from_bytes(data) if data else None

    @store_errors()
    def current(self, pipeline_id: str | int) -> int:
        """Return the number of the current version: one small read.

        Raises
        ------
        ModelNotFound
        """
        version = self._redis.hget(_model(pipeline_id), "current")
        if version is None:
            raise ModelNotFound(pipeline_id)
        return int(version)

    @store_errors()
    def record(self, pipeline_id: str | int, version: int | None = None) -> Record:
        """Return the record of a version, the current one when none is named.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        wanted = self.current(pipeline_id) if version is None else version
        data = self._redis.hget(f"automl:records:{pipeline_id}", str(wanted))
        if data is None:
            self.current(pipeline_id)
            raise VersionNotFound(pipeline_id, wanted)
        return Record.from_bytes(data)

    @store_errors()
    def check(self, pipeline_id: str | int, version: int) -> None:
        """Raise unless a version exists: one small read.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        if not self._redis.hexists(f"automl:records:{pipeline_id}", str(version)):
            self.current(pipeline_id)
            raise VersionNotFound(pipeline_id, version)

    @store_errors()
    def artifact(self, pipeline_id: str | int, version: int) -> Artifact:
        """Return the verified artefact of a version.

        Raises
        ------
        ModelNotFound, VersionNotFound, ArtifactRejected
        """
        sealed = self._redis.get(_artifact(pipeline_id, version))
        if sealed is None:
            self.current(pipeline_id)
            raise VersionNotFound(pipeline_id, version)
        return unseal(sealed, pipeline_id, version, self._secret)

    @store_errors()
    def versions(self, pipeline_id: str | int) -> list[Record]:
        """Return the records of all versions of a pipeline, oldest first.

        Raises
        ------
        ModelNotFound
        """
        stored = self._redis.hgetall(f"automl:records:{pipeline_id}")
        if not stored:
            raise ModelNotFound(pipeline_id)
        return sorted(map(Record.from_bytes, stored.values()), key=lambda record: record.version)

    @store_errors()
    def models(self) -> list[Record]:
        """Return the current record of every pipeline, ordered by id."""
        ids = sorted(name.decode() for name in self._redis.smembers("automl:models"))
        with self._redis.pipeline(transaction=False) as pipe:
            for name in ids:
                pipe.hget(_model(name), "current")
            currents = pipe.execute()
            found = [(name, version) for name, version in zip(ids, currents, strict=True) if version]
            for name, version in found:
                pipe.hget(f"automl:records:{name}", version)
            return [Record.from_bytes(data) for data in pipe.execute() if data]

    @store_errors()
    def promote(self, pipeline_id: str | int, version: int, expected: int | None = None) -> None:
        """Make a version current, by compare-and-set.

        Raises
        ------
        ModelNotFound, VersionNotFound
        StaleVersion
            `expected` is given and is not the current version.
        """
        key, records = _model(pipeline_id), f"automl:records:{pipeline_id}"

        def write(pipe: Any) -> None:
            current = self.current(pipeline_id)
            if expected is not None and current != expected:
                raise StaleVersion(pipeline_id, expected, current)
            if not pipe.hexists(records, str(version)):
                raise VersionNotFound(pipeline_id, version)
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
        key, records = _model(pipeline_id), f"automl:records:{pipeline_id}"

        def write(pipe: Any) -> None:
            versions = [int(number) for number in pipe.hkeys(records)]
            if not versions:
                raise ModelNotFound(pipeline_id)
            pipe.multi()
            pipe.srem("automl:models", str(pipeline_id))
            pipe.delete(key, records, *(_artifact(pipeline_id, version) for version in versions))

        self._redis.transaction(write, key, records)

    @store_errors()
    def delete_version(self, pipeline_id: str | int, version: int) -> None:
        """Delete one version that is not current.

        Raises
        ------
        ModelNotFound, VersionNotFound, VersionInUse
        """
        key, records = _model(pipeline_id), f"automl:records:{pipeline_id}"

        def write(pipe: Any) -> None:
            if self.current(pipeline_id) == version:
                raise VersionInUse(pipeline_id, version)
            if not pipe.hexists(records, str(version)):
                raise VersionNotFound(pipeline_id, version)
            pipe.multi()
            pipe.hdel(records, str(version))
            pipe.delete(_artifact(pipeline_id, version))

        self._redis.transaction(write, key, records)


def _model(pipeline_id: str | int) -> str:
    return f"automl:model:{pipeline_id}"


def _artifact(pipeline_id: str | int, version: int) -> str:
    return f"automl:artifact:{pipeline_id}:{version}"


def _numbered(record: Record, version: int, artifact: Artifact, sealed: bytes) -> Record:
    described: dict[str, Any] = {
        "format": artifact.manifest["format"],
        "bytes": len(sealed),
        "sha256": hashlib.sha256(sealed).hexdigest(),
    }
    return replace(record, version=version, artifact=described, result=record.result | {"version": version})
