"""What is known of a job, in Redis. RQ's own status is a hint; this is the truth that callers see.

automl:jobs              sorted set of job ids by time; of another namespace than the default one it begins otherwise,
                         see `store.keys`, while a job is found by its id alone: a worker is told no more
automl:job:<id>          hash, fields as in `Job`; signature, of those that never change and of the digests in inputs;
                         outcome, the signature of those that tell how it ended
automl:job:<id>:input    hash of Arrow, JSON and bytes: what was uploaded; expires with a job that left a version, of
                         another training the parameters alone are kept
automl:job:<id>:rows     hash name → signed artefact: rows of its leaderboard
automl:job:<id>:history  list of JSON: what happened, oldest first
"""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import suppress
from typing import Any

import orjson
import redis

from app.errors import ArtifactRejected, JobNotFound, JobRefused, ServiceError
from app.jobs import counts, signature
from app.jobs.job import TEXTS, Job, JobKind, JobState, Stop
from app.payloads.training import Tables
from app.store import keys
from app.store.artifact import Artifact, seal, unseal
from app.store.connection import store_errors
from app.store.keys import begin

logger = logging.getLogger(__name__)

#: Seconds in a day.
_DAY = 24 * 3600

#: Events of a job that are remembered: a long search has thousands of candidates, of which a person looks at the last.
_EVENTS = 5_000

#: What is told of a candidate when it has been tried.
_TOLD = ("name", "engine", "score", "fit_seconds", "error")

#: Jobs that are listed.
_RECENT = 100

#: Fields that are written once, and signed: all that says what a worker is to do, and on what.
_SIGNED = ("pipeline_id", "model", "created", "seconds", "memory_mb", "kind", "inputs", *TEXTS)

#: Fields that are written when a job ends, and signed then: what its caller takes for our answer.
_OUTCOME = ("state", "ended", "result", "error")

#: What is kept of the data of a job that has ended without a version.
_KEPT = {"parameters"}

#: The version under which rows are signed; they have none.
_NO_VERSION = 0


class JobRecords:
    """Reads and writes jobs.

    Parameters
    ----------
    days
        How long an ended job is remembered.
    namespace
        A job of another is not found; None for those of all, which one queue holds and any worker takes.
    """

    def __init__(self, client: redis.Redis, secret: str, days: int, namespace: str | None = None) -> None:
        # As in the model store: redis-py's types are of any client, and this one's answers are bytes.
        self._redis: Any = client
        self._secret = secret
        self._days = days
        self._namespace = namespace

    def of(self, namespace: str | None) -> JobRecords:
        """Return the jobs of one namespace, or those of all."""
        return JobRecords(self._redis, self._secret, self._days, namespace)

    def create(self, pipe: Any, job: Job, stored: dict[str, bytes]) -> None:
        """Add the writes of a new job and its input to a transaction."""
        written = {
            "pipeline_id": orjson.dumps(job.pipeline_id),
            "model": job.model.encode(),
            "created": orjson.dumps(job.created),
            "seconds": orjson.dumps(job.seconds),
            "memory_mb": orjson.dumps(job.memory_mb),
            "kind": job.kind.value.encode(),
            "inputs": signature.digests(stored),
            **{name: value.encode() for name in TEXTS if (value := getattr(job, name)) is not None},
        }
        signed = {"signature": signature.sign(job.job_id, written, self._secret)}
        pipe.hset(_key(job.job_id), mapping={"state": job.state.value, **written, **signed})
        pipe.hset(f"{_key(job.job_id)}:input", mapping=stored)
        listed = f"{begin(job.namespace)}:jobs"
        pipe.zadd(listed, {job.job_id: job.created})
        pipe.zremrangebyscore(listed, 0, job.created - self._days * _DAY)

    @store_errors()
    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises
        ------
        JobNotFound
        JobRefused
            What is stored is no job, or one of a later release, or has ended by nobody of this service.
        """
        # No id has a colon: behind one stands the name of something else that is kept of a job.
        stored = {} if ":" in job_id else self._stored(job_id)
        if "state" not in stored:
            raise JobNotFound(job_id)
        job = Job.of_hash(job_id, stored)
        if self._namespace not in (None, job.namespace):
            # In the words of one that never was.
            raise JobNotFound(job_id)
        if job.state.final and not self._has_ended(job_id, stored):
            raise JobRefused(job_id)
        return job

    def _stored(self, job_id: str) -> dict[str, bytes]:
        return {name.decode(errors="replace"): value for name, value in self._redis.hgetall(_key(job_id)).items()}

    def _has_ended(self, job_id: str, stored: dict[str, bytes]) -> bool:
        """Tell whether a process of this service has brought a job to the end that is stored."""
        told = {name: stored[name] for name in _OUTCOME if name in stored}
        return signature.verifies(stored.get("outcome", b""), job_id, told, self._secret)

    def verified(self, job_id: str) -> Job:
        """Return a job that was written by a process with our secret, and not changed since.

        Raises
        ------
        JobRefused
        """
        return self._signed(job_id)[0]

    @store_errors()
    def _signed(self, job_id: str) -> tuple[Job, dict[str, str]]:
        """Return a job that is signed, and the digests of its data."""
        stored = self._stored(job_id)
        written = {name: stored[name] for name in _SIGNED if name in stored}
        if not signature.verifies(stored.get("signature", b""), job_id, written, self._secret):
            raise JobRefused(job_id)
        return Job.of_hash(job_id, stored), orjson.loads(written["inputs"])

    def find(self, job_id: str) -> Job | None:
        """Return a job; None when it is not remembered.

        Raises
        ------
        JobRefused
        """
        try:
            return self.get(job_id)
        except JobNotFound:
            return None

    @store_errors()
    def recent(self) -> list[Job]:
        """Return the latest jobs of the namespace, newest first, without those that cannot be read."""
        assert self._namespace is not None, "there is a list a namespace, and none of all"
        found = []
        for job_id in self._redis.zrevrange(f"{begin(self._namespace)}:jobs", 0, _RECENT - 1):
            with suppress(JobNotFound, JobRefused):
                found.append(self.get(job_id.decode(errors="replace")))
        return found

    @store_errors()
    def queued_by(self, key_id: str, job_ids: list[str]) -> int:
        """Return how many of these jobs, of whichever namespace, somebody with this key has queued."""
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(_key(job_id), "key_id")
            return sum(found == key_id.encode() for found in pipe.execute())

    @store_errors()
    def start(self, job_id: str) -> int:
        """Note that a worker has begun, and return which attempt this is."""
        with self._redis.pipeline() as pipe:
            pipe.hset(_key(job_id), mapping={"state": JobState.RUNNING.value, "started": time.time()})
            pipe.hincrby(_key(job_id), "attempts", 1)
            return int(pipe.execute()[1])

    @store_errors()
    def requeue(self, job: Job, why: str) -> None:
        """Note that a job waits again, unless another attempt at it has begun since it was read."""
        progress = orjson.dumps({"stage": "queued", "note": why})

        def write(pipe: Any) -> None:
            now = self.find(job.job_id)
            pipe.multi()
            if now is not None and not now.state.final and now.attempts == job.attempts:
                pipe.hset(_key(job.job_id), mapping={"state": JobState.QUEUED.value, "progress": progress})

        self._redis.transaction(write, _key(job.job_id))

    @store_errors()
    def report(self, job_id: str, progress: dict[str, Any]) -> None:
        """Replace the progress of a running job."""
        self._redis.hset(_key(job_id), "progress", orjson.dumps(progress))

    @store_errors()
    def note(self, job_id: str, event: dict[str, Any]) -> None:
        """Remember that something happened, and when."""
        key = f"{_key(job_id)}:history"
        with self._redis.pipeline() as pipe:
            pipe.rpush(key, orjson.dumps({"time": round(time.time(), 3), **event}))
            pipe.ltrim(key, -_EVENTS, -1)
            # As long as a job can take to end, and be remembered after.
            pipe.expire(key, 2 * self._days * _DAY)
            pipe.execute()

    @store_errors()
    def history(self, job_id: str) -> list[dict[str, Any]]:
        """Return what happened in a job, oldest first: the stages that began, and candidates that were tried."""
        return [orjson.loads(event) for event in self._redis.lrange(f"{_key(job_id)}:history", 0, -1)]

    @store_errors()
    def ask_to_stop(self, job_id: str, why: Stop) -> None:
        """Leave word for the worker, unless there is word already."""
        self._redis.hsetnx(_key(job_id), "stop", why.value)

    def input(self, job_id: str) -> Tables | None:
        """Return what was uploaded; None once the job is forgotten.

        Raises
        ------
        JobRefused
        """
        stored = self.stored_input(job_id)
        # Of a training that has failed there are the parameters alone.
        return Tables.from_bytes(stored) if "frame" in stored else None

    @store_errors()
    def parameters(self, job_id: str) -> dict[str, Any] | None:
        """Return the parameters of a training, as they were sent; None once they are forgotten.

        Raises
        ------
        JobRefused
            They are not what was stored.
        """
        stored = self._redis.hget(f"{_key(job_id)}:input", "parameters")
        if stored is None:
            return None
        if hashlib.sha256(stored).hexdigest() != self._signed(job_id)[1].get("parameters"):
            raise JobRefused(job_id)
        return dict(orjson.loads(stored))

    @store_errors()
    def stored_input(self, job_id: str) -> dict[str, bytes]:
        """Return what was uploaded as it was stored; empty once the job is forgotten.

        Raises
        ------
        JobRefused
            It is not what was stored.
        """
        stored = {
            name.decode(errors="replace"): data for name, data in self._redis.hgetall(f"{_key(job_id)}:input").items()
        }
        if not stored:
            return {}
        job, wanted = self._signed(job_id)
        if job.state.final and stored.keys() <= _KEPT:
            wanted = {name: wanted.get(name, "") for name in stored}
        if orjson.loads(signature.digests(stored)) != wanted:
            raise JobRefused(job_id)
        return stored

    @store_errors()
    def add_row(self, job_id: str, name: str, row: Artifact) -> None:
        """Keep a row of the job's leaderboard."""
        sealed = seal(row, job_id, _NO_VERSION, self._secret)
        self._redis.hset(f"{_key(job_id)}:rows", _digest(name), sealed)
        self.note(job_id, {"candidate": {name: row.manifest.get(name) for name in _TOLD}})

    @store_errors()
    def row(self, job_id: str, name: str) -> Artifact | None:
        """Return a row of a job's leaderboard, verified; None when the job is not remembered any more.

        Raises
        ------
        ArtifactRejected
        """
        sealed = self._redis.hget(f"{_key(job_id)}:rows", _digest(name))
        return None if sealed is None else self._row(job_id, _digest(name).encode(), sealed)

    def _row(self, job_id: str, field: bytes, sealed: bytes) -> Artifact:
        """Verify a row, and that it stands under its own name: rows of one leaderboard are not to be swapped either."""
        row = unseal(sealed, job_id, _NO_VERSION, self._secret)
        if _digest(str(row.manifest.get("name"))).encode() != field:
            raise ArtifactRejected(job_id, _NO_VERSION)
        return row

    @store_errors()
    def rows(self, job_id: str) -> list[Artifact]:
        """Return the rows that were kept, verified.

        Raises
        ------
        ArtifactRejected
        """
        stored = self._redis.hgetall(f"{_key(job_id)}:rows").items()
        return [self._row(job_id, field, sealed) for field, sealed in stored]

    @store_errors()
    def manifests(self, job_id: str) -> list[dict[str, Any]]:
        """Return what the rows tell, in the order in which they ended, without their pipelines and predictions.

        A row whose signature is not ours is left out: what it is asked for by goes on without.
        """
        order = [event["candidate"]["name"] for event in self.history(job_id) if "candidate" in event]
        found = []
        # One at a time: those of a long search are together more than a web process should hold.
        for field, sealed in self._redis.hscan_iter(f"{_key(job_id)}:rows", count=10):
            with suppress(ArtifactRejected):
                found.append(self._row(job_id, field, sealed).manifest)
        place = {name: number for number, name in enumerate(order)}
        return sorted(found, key=lambda row: place.get(row["name"], -1))

    @store_errors()
    def end(
        self,
        job_id: str,
        state: JobState,
        result: dict[str, Any] | None = None,
        error: ServiceError | None = None,
        attempt: int | None = None,
    ) -> None:
        """Bring a job to a final state, once: the first end stands, and is counted and logged.

        Parameters
        ----------
        attempt
            Which attempt at it has come to this end; where a later one has begun, nothing happens.
        """
        key, now = _key(job_id), time.time()
        ending = {"state": state.value.encode(), "ended": orjson.dumps(now)}
        if result is not None:
            ending["result"] = orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        if error is not None:
            ending["error"] = orjson.dumps(error.as_problem())
        ending["outcome"] = signature.sign(job_id, ending, self._secret)

        def write(pipe: Any) -> Job | None:
            stored = self._stored(job_id)
            job = Job.of_hash(job_id, stored) if "state" in stored else None
            data = [name for name in pipe.hkeys(f"{key}:input") if name.decode(errors="replace") not in _KEPT]
            pipe.multi()
            if job is None or attempt not in (None, job.attempts):
                return None
            if job.state.final and self._has_ended(job_id, stored):
                return None
            pipe.hdel(key, *_OUTCOME)
            pipe.hset(key, mapping=ending)
            for name in (key, f"{key}:input", f"{key}:rows"):
                pipe.expire(name, self._days * _DAY)
            if result is None:
                # There is no leaderboard whose rows could be promoted. With its parameters it can be tried again.
                pipe.delete(f"{key}:rows")
                if job.kind is not JobKind.TRAINING:
                    pipe.delete(f"{key}:input")
                elif data:
                    pipe.hdel(f"{key}:input", *data)
            counts.count(pipe, job.kind, state, _seconds(job, now))
            return job

        if (job := self._redis.transaction(write, key, value_from_callable=True)) is not None:
            ended = {"state": state.value, "seconds": round(_seconds(job, now), 3)}
            logger.info("job", extra={"fields": job.known() | ended})


def _digest(name: str) -> str:
    """Rows can have long names."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _seconds(job: Job, now: float) -> float:
    """Return how long a job ran: it may have been begun by another machine, whose clock is ahead."""
    return max(0.0, now - (job.started or now))


def _key(job_id: str) -> str:
    return keys.job(job_id)
