"""Models in Redis. A publication is one transaction: a version is there whole or not at all.

automl:models                     set of pipeline ids
automl:latest                     hash id → last version number given; survives deletion, so none is given twice
automl:model:<id>                 hash: current; <version> → digest of its artefact
automl:records:<id>               hash version → record (JSON)
automl:artifact:<id>:<version>    signed artefact
automl:report:<id>:<version>      what its training reported (JSON)
automl:published:<job>            "<id> <version>" that a job has published, so that a repeated job does not again
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import orjson
import redis

from app.errors import ModelNotFound, StaleVersion, StillTraining, VersionInUse, VersionNotFound
from app.store.artifact import Artifact, seal, unseal
from app.store.connection import store_errors
from app.store.record import Record, Version

#: Seconds for which a job's publication is remembered.
_REMEMBERED = 7 * 24 * 3600


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
    def publish(self, version: Version) -> Record:
        """Store a version and make it current, unless a later one is current already.

        A provisional version becomes current only where there is no other; its job's next publication takes its place,
        under the same number.

        Parameters
        ----------
        version
            With any number; the one it gets is in the record returned. If its job has published its end before, that
            record is returned and nothing is stored.
        """
        record = version.record
        key, job = _model(record.pipeline_id), f"automl:published:{record.job_id}"

        def write(pipe: Any) -> Record:
            number = 0
            if earlier := pipe.get(job):
                number = int(earlier.split()[1])
                stored = pipe.hget(f"automl:records:{record.pipeline_id}", str(number))
                known = Record.from_bytes(stored) if stored else None
                if known is not None and not known.provisional:
                    return known
            current = int(pipe.hget(key, "current") or 0)
            # A number is given once. That of a provisional version that was deleted meanwhile is not taken up again.
            if not number or known is None:
                number = self._redis.hincrby("automl:latest", str(record.pipeline_id), 1)
            sealed = seal(version.artifact, record.pipeline_id, number, self._secret)
            numbered = _numbered(record, number, version.artifact, sealed)
            pipe.multi()
            pipe.set(_artifact(record.pipeline_id, number), sealed)
            pipe.set(_report(record.pipeline_id, number), _json(version.report))
            pipe.hset(f"automl:records:{record.pipeline_id}", str(number), numbered.to_bytes())
            pipe.hset(key, str(number), numbered.artifact["sha256"])
            pipe.sadd("automl:models", str(record.pipeline_id))
            pipe.set(job, f"{record.pipeline_id} {number}", ex=_REMEMBERED)
            if not current or (number > current and not record.provisional):
                pipe.hset(key, "current", number)
            return numbered

        published: Record = self._redis.transaction(write, key, job, value_from_callable=True)
        return published

    @store_errors()
    def conclude(self, job_id: str, why: str) -> Record | None:
        """Make the provisional version of a training that was stopped a version like any other, and say why."""
        known = self.published_by(job_id)
        if known is None or not known.provisional:
            return known
        changed = {"stopped": why, "note": "Its training was stopped; this is the best that it had until then."}
        final = replace(known, provisional=False, result=known.result | changed)
        key = _model(known.pipeline_id)

        def write(pipe: Any) -> None:
            current = int(pipe.hget(key, "current") or 0)
            pipe.multi()
            pipe.hset(f"automl:records:{known.pipeline_id}", str(known.version), final.to_bytes())
            if known.version > current:
                pipe.hset(key, "current", known.version)

        self._redis.transaction(write, key)
        return final

    @store_errors()
    def withdraw(self, job_id: str) -> None:
        """Remove the provisional version of a training that is not to leave anything."""
        known = self.published_by(job_id)
        if known is None or not known.provisional:
            return
        key, records = _model(known.pipeline_id), f"automl:records:{known.pipeline_id}"

        def write(pipe: Any) -> None:
            others = [int(number) for number in pipe.hkeys(records) if int(number) != known.version]
            current = int(pipe.hget(key, "current") or 0)
            pipe.multi()
            self._remove(pipe, known.pipeline_id, known.version)
            pipe.delete(f"automl:published:{job_id}")
            if not others:
                pipe.srem("automl:models", str(known.pipeline_id))
                pipe.delete(key)
            elif current == known.version:
                pipe.hset(key, "current", max(others))

        self._redis.transaction(write, key, records)

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
    def digest(self, pipeline_id: str | int, version: int) -> str:
        """Return the SHA-256 of a version's artefact, which changes as long as the version is provisional.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        found = self._redis.hget(_model(pipeline_id), str(version))
        if found is None:
            # It does not exist, or was stored before digests were.
            return str(self.record(pipeline_id, version).artifact["sha256"])
        return str(found.decode())

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
    def report(self, pipeline_id: str | int, version: int) -> dict[str, Any]:
        """Return what a version's training reported; empty for versions from before there were reports."""
        data = self._redis.get(_report(pipeline_id, version))
        return dict(orjson.loads(data)) if data else {}

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
        StillTraining
            The version is provisional.
        """
        key, records = _model(pipeline_id), f"automl:records:{pipeline_id}"

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
        key, records = _model(pipeline_id), f"automl:records:{pipeline_id}"

        def write(pipe: Any) -> None:
            versions = [int(number) for number in pipe.hkeys(records)]
            if not versions:
                raise ModelNotFound(pipeline_id)
            pipe.multi()
            pipe.srem("automl:models", str(pipeline_id))
            for version in versions:
                self._remove(pipe, pipeline_id, version)
            pipe.delete(key, records)

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
            self._remove(pipe, pipeline_id, version)

        self._redis.transaction(write, key, records)

    def _remove(self, pipe: Any, pipeline_id: str | int, version: int) -> None:
        pipe.hdel(f"automl:records:{pipeline_id}", str(version))
        pipe.hdel(_model(pipeline_id), str(version))
        pipe.delete(_artifact(pipeline_id, version), _report(pipeline_id, version))


def _model(pipeline_id: str | int) -> str:
    return f"automl:model:{pipeline_id}"


def _report(pipeline_id: str | int, version: int) -> str:
    return f"automl:report:{pipeline_id}:{version}"


def _json(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def _artifact(pipeline_id: str | int, version: int) -> str:
    return f"automl:artifact:{pipeline_id}:{version}"


def _numbered(record: Record, version: int, artifact: Artifact, sealed: bytes) -> Record:
    described: dict[str, Any] = {
        "format": artifact.manifest["format"],
        "bytes": len(sealed),
        "sha256": hashlib.sha256(sealed).hexdigest(),
    }
    return replace(record, version=version, artifact=described, result=record.result | {"version": version})
