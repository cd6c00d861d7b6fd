"""Models in Redis, as their callers read, promote and delete them; `publications` is what makes them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import redis

from app.caller import DEFAULT
from app.errors import (
    ArtifactMissing,
    ArtifactRejected,
    ModelNotFound,
    RecordDamaged,
    RecordTooNew,
    ServiceError,
    StaleVersion,
    StillTraining,
    VersionInUse,
    VersionNotFound,
)
from app.store.artifact import Artifact, unseal
from app.store.connection import is_full, store_errors
from app.store.keys import PROBE, Keys
from app.store.record import Record
from app.store.signed import told

logger = logging.getLogger(__name__)


class ModelStore:
    """Versions of pipelines: immutable, numbered from 1, one of them current.

    Parameters
    ----------
    namespace
        Nothing of another is seen or changed.
    """

    def __init__(self, client: redis.Redis, secret: str, namespace: str = DEFAULT) -> None:
        # As in the publications: redis-py's types are of any client, and this one's answers are bytes.
        self._redis: Any = client
        self._secret = secret
        self.namespace = namespace
        self._keys = Keys(namespace)

    def of(self, namespace: str) -> ModelStore:
        """Return the models of another namespace."""
        return self if namespace == self.namespace else ModelStore(self._redis, self._secret, namespace)

    def whole(self, pipeline_id: str | int) -> str:
        """Return the name of a pipeline among those of all namespaces, for what is kept of it in a process."""
        return str(pipeline_id) if self.namespace == DEFAULT else f"~{self.namespace}:{pipeline_id}"

    @property
    def place_and_secret(self) -> tuple[Any, str]:
        """The client and the secret, for what looks at all namespaces."""
        return self._redis, self._secret

    @store_errors()
    def ping(self) -> None:
        """Raise StoreUnavailable unless Redis answers: also one that refuses, for want of disk, even this."""
        try:
            self._redis.ping()
        except redis.ResponseError as error:
            if not is_full(error):
                raise

    @store_errors()
    def write(self) -> None:
        """Raise StoreUnavailable unless Redis takes writes."""
        self._redis.set(PROBE, b"", ex=60)

    @store_errors()
    def current(self, pipeline_id: str | int) -> int:
        """Return the number of the current version: one small read.

        Raises
        ------
        ModelNotFound
        """
        version = self._redis.hget(self._keys.model(pipeline_id), "current")
        if version is None:
            raise ModelNotFound(pipeline_id)
        return _number(version)

    @store_errors()
    def current_on_record(self, pipeline_id: str | int) -> int:
        """Return the number of the current version, which is one that there is.

        Raises
        ------
        ModelNotFound
        RecordDamaged
            The number is of a version that there is not: it is not signed, and what is stored may be damaged.
        """
        version = self.current(pipeline_id)
        there = self._redis.hexists(self._keys.records(pipeline_id), str(version))
        # One that another has taken the place of meanwhile may have been deleted.
        if not there and self.current(pipeline_id) == version:
            raise RecordDamaged
        return version

    @store_errors()
    def place(self, pipeline_id: str | int, version: int | None = None, likely: int | None = None) -> tuple[int, str]:
        """Return a version's number, the current one when none is named, and the SHA-256 of its artefact.

        The latter changes as long as the version is provisional. It is one small read where `likely` is the number.

        Raises
        ------
        ModelNotFound, VersionNotFound
        """
        key, wanted = self._keys.model(pipeline_id), likely if version is None else version
        current, digest = self._redis.hmget(key, "current", str(wanted or 1))
        if current is None:
            raise ModelNotFound(pipeline_id)
        number = _number(current) if version is None else version
        if number != (wanted or 1):
            digest = self._redis.hget(key, str(number))
        if digest is None:
            # It does not exist, or was stored before digests were.
            return number, str(self.record(pipeline_id, number).artifact["sha256"])
        return number, str(digest.decode("ascii", "replace"))

    @store_errors()
    def record(self, pipeline_id: str | int, version: int | None = None) -> Record:
        """Return the record of a version, the current one when none is named.

        Raises
        ------
        ModelNotFound, VersionNotFound, RecordDamaged, RecordTooNew
        """
        wanted = self.current(pipeline_id) if version is None else version
        data = self._redis.hget(self._keys.records(pipeline_id), str(wanted))
        if data is None:
            self.current(pipeline_id)
            raise VersionNotFound(pipeline_id, wanted)
        return self._record(pipeline_id, wanted, data)

    @store_errors()
    def report(self, pipeline_id: str | int, version: int) -> dict[str, Any]:
        """Return what a version's training reported; empty for versions from before there were reports.

        Raises
        ------
        RecordDamaged, RecordTooNew
        """
        data = self._redis.get(key := self._keys.report(pipeline_id, version))
        return told(key, data, self._secret) if data else {}

    @store_errors()
    def explanations(self, pipeline_id: str | int, version: int) -> dict[str, Any] | None:
        """Return the explanations that were made at the end of a version's training; None where none were.

        Raises
        ------
        RecordDamaged, RecordTooNew
        """
        data = self._redis.get(key := self._keys.explanations(pipeline_id, version))
        return told(key, data, self._secret) if data else None

    @store_errors()
    def artifact(self, pipeline_id: str | int, version: int) -> Artifact:
        """Return the verified artefact of a version, which is the one that its record tells of.

        Raises
        ------
        ModelNotFound, VersionNotFound, ArtifactMissing, ArtifactRejected, RecordDamaged, RecordTooNew
        """
        return unseal(self.sealed(pipeline_id, version), pipeline_id, version, self._secret, self.namespace)

    @store_errors()
    def sealed(self, pipeline_id: str | int, version: int) -> bytes:
        """Return the artefact of a version as it is stored, signed, which is the one that its record tells of.

        Raises
        ------
        ModelNotFound, VersionNotFound, ArtifactMissing, ArtifactRejected, RecordDamaged, RecordTooNew
        """
        # Both at one moment: a provisional version may be replaced by a better one at any.
        with self._redis.pipeline() as pipe:
            pipe.hget(self._keys.records(pipeline_id), str(version))
            pipe.get(self._keys.artifact(pipeline_id, version))
            data, stored = pipe.execute()
        if data is None or stored is None:
            raise self._absent(pipeline_id, version, data)
        # What was published under this number before is ours too, and is not what serves now.
        if hashlib.sha256(stored).hexdigest() != self._record(pipeline_id, version, data).artifact.get("sha256"):
            raise ArtifactRejected(pipeline_id, version)
        return bytes(stored)

    @store_errors()
    def versions(self, pipeline_id: str | int) -> list[Record]:
        """Return the records of all versions of a pipeline that can be read, oldest first.

        Raises
        ------
        ModelNotFound
        """
        stored = self._redis.hgetall(self._keys.records(pipeline_id))
        if not stored:
            raise ModelNotFound(pipeline_id)
        found = [self._listed(pipeline_id, number.decode("ascii", "replace"), data) for number, data in stored.items()]
        return sorted((record for record in found if record), key=lambda record: record.version)

    @store_errors()
    def models(self) -> list[Record]:
        """Return the current record of every pipeline that can be read, ordered by id; others are logged."""
        ids = sorted(name.decode(errors="replace") for name in self._redis.smembers(self._keys.models))
        with self._redis.pipeline(transaction=False) as pipe:
            for name in ids:
                pipe.hget(self._keys.model(name), "current")
            currents = pipe.execute()
            found = [
                (name, number.decode("ascii", "replace")) for name, number in zip(ids, currents, strict=True) if number
            ]
            for name, number in found:
                pipe.hget(self._keys.records(name), number)
            records = [self._listed(*place, data) for place, data in zip(found, pipe.execute(), strict=True) if data]
        return [record for record in records if record]

    @store_errors()
    def scores(self, names: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Return for each pipeline the scores of its versions, oldest first, as `Record.score` has them.

        Versions from before scores were stored apart are left out, and scores that cannot be read.
        """
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(self._keys.scores(name))
            found = pipe.execute()
        return {
            name: sorted(_scores(stored), key=lambda score: int(score["version"]))
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
        key, records = self._keys.model(pipeline_id), self._keys.records(pipeline_id)

        def write(pipe: Any) -> None:
            current = self.current(pipeline_id)
            if expected is not None and current != expected:
                raise StaleVersion(pipeline_id, expected, current)
            stored = pipe.hget(records, str(version))
            if stored is None:
                raise VersionNotFound(pipeline_id, version)
            if current != version and self._record(pipeline_id, version, stored).provisional:
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
        key, records = self._keys.model(pipeline_id), self._keys.records(pipeline_id)

        def write(pipe: Any) -> None:
            versions = [_number(number) for number in pipe.hkeys(records)]
            if not versions:
                raise ModelNotFound(pipeline_id)
            pipe.multi()
            pipe.srem(self._keys.models, str(pipeline_id))
            for version in versions:
                self._keys.remove_version(pipe, pipeline_id, version)
            pipe.delete(key, records)

        self._redis.transaction(write, key, records)

    @store_errors()
    def delete_version(self, pipeline_id: str | int, version: int) -> None:
        """Delete one version that is not current.

        Raises
        ------
        ModelNotFound, VersionNotFound, VersionInUse
        """
        key, records = self._keys.model(pipeline_id), self._keys.records(pipeline_id)

        def write(pipe: Any) -> None:
            if self.current(pipeline_id) == version:
                raise VersionInUse(pipeline_id, version)
            if not pipe.hexists(records, str(version)):
                raise VersionNotFound(pipeline_id, version)
            pipe.multi()
            self._keys.remove_version(pipe, pipeline_id, version)

        self._redis.transaction(write, key, records)

    def _record(self, pipeline_id: str | int, version: int | str, data: bytes) -> Record:
        return Record.stored(self._keys.record(pipeline_id, version), data, self._secret)

    def _listed(self, pipeline_id: str | int, version: str, data: bytes) -> Record | None:
        """Return a record for a list, which is not to fail for one that cannot be read."""
        try:
            return self._record(pipeline_id, version, data)
        except (RecordDamaged, RecordTooNew) as error:
            logger.warning("model %s version %s is left out of a list: %s", pipeline_id, version, error.code)
            return None

    def _absent(self, pipeline_id: str | int, version: int, record: bytes | None) -> ServiceError:
        """Say what is missing of a version: all of it, or the bytes that serve it."""
        if record is not None:
            return ArtifactMissing(pipeline_id, version)
        self.current(pipeline_id)
        return VersionNotFound(pipeline_id, version)


def _number(stored: bytes) -> int:
    try:
        return int(stored)
    except ValueError:
        raise RecordDamaged from None


def _scores(stored: dict[bytes, bytes]) -> Iterator[dict[str, Any]]:
    """Yield those that have the form in which they were written: they are not signed."""
    for number, written in stored.items():
        with suppress(ValueError, TypeError, KeyError):
            found = orjson.loads(written)
            score = {name: found[name] for name in ("metric", "mean", "std")}
            if all(isinstance(score[name], float | int | None) for name in ("mean", "std")):
                yield {"version": int(number), **score}
