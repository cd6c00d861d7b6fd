"""What jobs publish. A publication is one transaction: a version is there whole or not at all."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import redis

from app.caller import DEFAULT
from app.errors import Superseded
from app.store import signed
from app.store.artifact import Artifact, seal
from app.store.connection import store_errors
from app.store.keys import Keys
from app.store.keys import job as job_key
from app.store.record import Record, Version
from app.store.signed import to_json

#: Makes the rows of a leaderboard of those that there are.
Leaderboard = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]

#: Seconds for which a job's publication is remembered.
_REMEMBERED = 7 * 24 * 3600


class Publications:
    """One version a job, provisional until its training ends.

    Parameters
    ----------
    namespace
        What is published is of it.
    """

    def __init__(self, client: redis.Redis, secret: str, namespace: str = DEFAULT) -> None:
        # redis-py types every answer as bytes or text, whatever the client; of this one all are bytes.
        self._redis: Any = client
        self._secret = secret
        self.namespace = namespace
        self._keys = Keys(namespace)
        #: Which attempt at its job may write; any where nobody says.
        self._attempt: int | None = None

    def of(self, namespace: str) -> Self:
        """Return the publications of another namespace."""
        other = copy.copy(self)
        other.namespace, other._keys = namespace, Keys(namespace)
        return other

    def fenced(self, attempt: int) -> Self:
        """Return these for one attempt at a job: once a later one has begun, it can change nothing any more.

        A process that was frozen, or cut off from Redis, may wake after its job was given to another.
        """
        fenced = copy.copy(self)
        fenced._attempt = attempt
        return fenced

    @store_errors()
    def publish(self, version: Version) -> Record:
        """Store a version and make it current, unless a later one is current already, or it is to wait for an admin.

        A provisional version becomes current only where there is no other; its job's next publication takes its place,
        under the same number.

        Parameters
        ----------
        version
            With any number; the one it gets is in the record returned. If its job has published its end before, that
            record is returned and nothing is stored.

        Raises
        ------
        Superseded
        """
        record = version.record
        key, records = self._keys.model(record.pipeline_id), self._keys.records(record.pipeline_id)
        job = self._keys.published(record.job_id)

        given: int | None = None

        def write(pipe: Any) -> Record:
            nonlocal given
            known = self._watched(pipe, record.job_id)
            if known is not None and not known.provisional:
                return known
            current = int(pipe.hget(key, "current") or 0)
            # A number is given once. That of a provisional version that was deleted meanwhile is not taken up again.
            # Nor is one left out where another training publishes meanwhile, and this begins anew.
            if known is None and given is None:
                given = int(self._redis.hincrby(self._keys.latest, str(record.pipeline_id), 1))
            number = known.version if known else given
            assert number is not None
            sealed = seal(version.artifact, record.pipeline_id, number, self._secret, self.namespace)
            numbered = _numbered(record, number, version.artifact, sealed)
            pipe.multi()
            write_version(pipe, self._keys, replace(version, record=numbered), sealed, self._secret)
            pipe.set(job, f"{record.pipeline_id} {number}", ex=_REMEMBERED)
            if not current or (number > current and not record.provisional and _promotes(record)):
                pipe.hset(key, "current", number)
            return numbered

        published: Record = self._redis.transaction(write, key, records, job, value_from_callable=True)
        return published

    @store_errors()
    def conclude(self, job_id: str, why: str, board: Leaderboard | None = None) -> Record | None:
        """Make the provisional version of a training that was stopped a version like any other, and say why.

        Parameters
        ----------
        board
            Returns the leaderboard as the version is to have it, of the one that it was published with.

        Raises
        ------
        Superseded
        """

        def write(pipe: Any) -> Record | None:
            known = self._watched(pipe, job_id)
            if known is None or not known.provisional:
                return known
            current = int(pipe.hget(self._keys.model(known.pipeline_id), "current") or 0)
            note = "Its training was stopped; this is the best that it had until then."
            if known.engine == "baseline":
                note = "Its training was stopped before it had more than this: the baseline, a linear model."
            result = known.result | {"stopped": why, "note": note}
            final = replace(known, provisional=False, result=result)
            report = self._keys.report(known.pipeline_id, known.version)
            kept = pipe.get(report) if board else None
            told = signed.told(report, kept, self._secret) if kept else {}
            pipe.multi()
            if board is not None:
                changed = told | {"leaderboard": board(told.get("leaderboard") or [])}
                pipe.set(report, self._signed(report, changed))
            place = self._keys.record(known.pipeline_id, known.version)
            pipe.hset(self._keys.records(known.pipeline_id), str(known.version), final.signed(place, self._secret))
            if known.version > current and (not current or _promotes(known)):
                pipe.hset(self._keys.model(known.pipeline_id), "current", known.version)
            return final

        concluded: Record | None = self._redis.transaction(
            write, self._keys.published(job_id), value_from_callable=True
        )
        return concluded

    @store_errors()
    def withdraw(self, job_id: str) -> None:
        """Remove the provisional version of a training that is not to leave anything.

        Raises
        ------
        Superseded
        """

        def write(pipe: Any) -> None:
            known = self._watched(pipe, job_id)
            if known is None or not known.provisional:
                return
            key, records = self._keys.model(known.pipeline_id), self._keys.records(known.pipeline_id)
            others = [int(number) for number in pipe.hkeys(records) if int(number) != known.version]
            current = int(pipe.hget(key, "current") or 0)
            pipe.multi()
            self._keys.remove_version(pipe, known.pipeline_id, known.version)
            pipe.delete(self._keys.published(job_id))
            if not others:
                pipe.srem(self._keys.models, str(known.pipeline_id))
                pipe.delete(key)
            elif current == known.version:
                pipe.hset(key, "current", max(others))

        self._redis.transaction(write, self._keys.published(job_id))

    @store_errors()
    def keep_explanations(self, record: Record, explanations: dict[str, Any]) -> None:
        """Keep explanations of a version, unless it was deleted meanwhile."""
        key = self._keys.explanations(record.pipeline_id, record.version)

        def write(pipe: Any) -> None:
            known = pipe.hexists(self._keys.records(record.pipeline_id), str(record.version))
            pipe.multi()
            if known:
                pipe.set(key, self._signed(key, explanations))

        self._redis.transaction(write, self._keys.records(record.pipeline_id))

    @store_errors()
    def published_by(self, job_id: str) -> Record | None:
        """Return the record that a job has published, if it has and the version still exists."""
        place = self._place(self._redis, job_id)
        return self._record(self._redis, *place) if place else None

    def _watched(self, pipe: Any, job_id: str) -> Record | None:
        """Return what a job has published, and let the transaction begin anew when that changes before its end.

        Its worker, the web process that takes it for dead, and a caller who deletes the model may all be at it.
        """
        if self._attempt is not None:
            pipe.watch(job_key(job_id))
            if int(pipe.hget(job_key(job_id), "attempts") or 0) != self._attempt:
                raise Superseded(job_id)
        if (place := self._place(pipe, job_id)) is None:
            return None
        pipe.watch(self._keys.model(place[0]), self._keys.records(place[0]))
        return self._record(pipe, *place)

    def _place(self, client: Any, job_id: str) -> tuple[str, str] | None:
        """Return the id and the version that a job has published."""
        if (found := client.get(self._keys.published(job_id))) is None:
            return None
        pipeline_id, version = found.decode().split()
        return pipeline_id, version

    def _record(self, client: Any, pipeline_id: str, version: str) -> Record | None:
        data = client.hget(self._keys.records(pipeline_id), version)
        return Record.stored(self._keys.record(pipeline_id, version), data, self._secret) if data else None

    def _signed(self, place: str, value: dict[str, Any]) -> bytes:
        return signed.signed(place, to_json(value), self._secret)


def write_version(pipe: Any, keys: Keys, version: Version, sealed: bytes, secret: str) -> None:
    """Add the writing of a version, with its artefact as it is stored, to a transaction."""
    record = version.record
    name, number = record.pipeline_id, record.version
    pipe.set(keys.artifact(name, number), sealed)
    pipe.set(report := keys.report(name, number), signed.signed(report, to_json(version.report), secret))
    pipe.hset(keys.records(name), str(number), record.signed(keys.record(name, number), secret))
    pipe.hset(keys.scores(name), str(number), to_json(record.score))
    pipe.hset(keys.model(name), str(number), record.artifact["sha256"])
    pipe.sadd(keys.models, str(name))


def _promotes(record: Record) -> bool:
    """Tell whether a version was trained to take the place of the current one; those of earlier releases were."""
    return bool(record.parameters.get("promote", True))


def _numbered(record: Record, version: int, artifact: Artifact, sealed: bytes) -> Record:
    described: dict[str, Any] = {
        "format": artifact.manifest["format"],
        "bytes": len(sealed),
        "sha256": hashlib.sha256(sealed).hexdigest(),
    }
    return replace(record, version=version, artifact=described, result=record.result | {"version": version})
