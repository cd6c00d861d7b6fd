"""What is known of a job, in Redis. RQ's own status is a hint; this is the truth that callers see.

automl:jobs              sorted set of job ids by time; of another namespace than the default one it begins otherwise,
                         see `store.keys`, while a job is found by its id alone: a worker is told no more
automl:job:<id>          hash, fields as in `Job`
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
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
import redis

from app.caller import DEFAULT
from app.errors import ArtifactRejected, JobNotFound, ServiceError
from app.jobs import counts
from app.payloads.training import Tables
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

#: Fields of a job that are stored as they are, where it has them.
_TEXTS = ("namespace", "key_id", "origin", "row", "request_id", "traceparent")

#: The version under which rows are signed; they have none.
_NO_VERSION = 0


class JobState(StrEnum):
    """Where a job is. The last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


class JobKind(StrEnum):
    """What a job does."""

    TRAINING = "training"
    EXPLANATION = "explanation"
    BATCH = "batch_prediction"


class Stop(StrEnum):
    """Why a job is to be stopped before its end."""

    CANCEL = "cancelled"
    CANCEL_KEEP = "cancelled, keeping the best"
    TIME = "time limit"
    MEMORY = "memory limit"


@dataclass(frozen=True, slots=True)
class Job:
    """One training, explanation or batch prediction as callers see it. Times are seconds since 1970.

    `error` is a problem (RFC 9457). `model` is what is trained or predicts, of an explanation the method.
    What it reads and publishes is of its `namespace`; `key_id` names the key of whoever queued it.
    `origin` and `row` name the job and the row of its leaderboard that this one promotes.
    `request_id` and `traceparent` name the request that queued it, in logs and traces.
    """

    job_id: str
    state: JobState
    pipeline_id: int | str
    model: str
    created: float
    seconds: float
    memory_mb: int
    kind: JobKind = JobKind.TRAINING
    namespace: str = DEFAULT
    key_id: str = ""
    origin: str | None = None
    row: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    stop: Stop | None = None
    progress: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    def known(self) -> dict[str, Any]:
        """Return what each line of the log says of the job."""
        return {name: getattr(self, name) for name in ("request_id", "job_id", "kind", "pipeline_id", "model")}

    def as_json(self) -> dict[str, Any]:
        """Return the job as GET /jobs/<id> shows it."""
        left = None
        if self.state is JobState.RUNNING and self.started is not None:
            left = max(0.0, round(self.started + self.seconds - time.time(), 1))
        return {
            "jobId": self.job_id,
            "kind": self.kind.value,
            "state": self.state.value,
            "modelId": self.pipeline_id,
            "model": self.model,
            "created": self.created,
            "started": self.started,
            "ended": self.ended,
            "attempts": self.attempts,
            "limits": {"seconds": self.seconds, "memory_mb": self.memory_mb},
            "progress": {**(self.progress or {}), "seconds_left": left},
            "result": self.result,
            "error": self.error,
        }


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
        fields = {
            "state": job.state.value,
            "pipeline_id": orjson.dumps(job.pipeline_id),
            "model": job.model,
            "created": job.created,
            "seconds": job.seconds,
            "memory_mb": job.memory_mb,
            "kind": job.kind.value,
            **{name: value for name in _TEXTS if (value := getattr(job, name)) is not None},
        }
        pipe.hset(_key(job.job_id), mapping=fields)
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
        """
        fields = self._redis.hgetall(_key(job_id))
        if b"state" not in fields:
            raise JobNotFound(job_id)
        stored = {name.decode(): value for name, value in fields.items()}
        found: dict[str, Any] = {"job_id": job_id, "state": JobState(stored.pop("state").decode())}
        found["model"] = stored.pop("model").decode()
        found |= {name: stored.pop(name).decode() for name in _TEXTS if name in stored}
        if "kind" in stored:
            found["kind"] = JobKind(stored.pop("kind").decode())
        if "stop" in stored:
            found["stop"] = Stop(stored.pop("stop").decode())
        # All that is left is JSON: numbers, and the texts that were stored as JSON.
        job = Job(**found, **{name: orjson.loads(value) for name, value in stored.items()})
        if self._namespace not in (None, job.namespace):
            # In the words of one that never was.
            raise JobNotFound(job_id)
        return job

    def find(self, job_id: str) -> Job | None:
        """Return a job; None when it is not remembered."""
        try:
            return self.get(job_id)
        except JobNotFound:
            return None

    @store_errors()
    def recent(self) -> list[Job]:
        """Return the latest jobs of the namespace, newest first."""
        assert self._namespace is not None, "there is a list a namespace, and none of all"
        listed = self._redis.zrevrange(f"{begin(self._namespace)}:jobs", 0, _RECENT - 1)
        ids = [job_id.decode() for job_id in listed]
        return [job for job in map(self.find, ids) if job is not None]

    @store_errors()
    def start(self, job_id: str) -> None:
        """Note that a worker has begun."""
        with self._redis.pipeline() as pipe:
            pipe.hset(_key(job_id), mapping={"state": JobState.RUNNING.value, "started": time.time()})
            pipe.hincrby(_key(job_id), "attempts", 1)
            pipe.execute()

    @store_errors()
    def requeue(self, job_id: str, why: str) -> None:
        """Note that the job waits again."""
        progress = orjson.dumps({"stage": "queued", "note": why})
        self._redis.hset(_key(job_id), mapping={"state": JobState.QUEUED.value, "progress": progress})

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
        """Return what was uploaded; None once the job is forgotten."""
        stored = self.stored_input(job_id)
        # Of a training that has failed there are the parameters alone.
        return Tables.from_bytes(stored) if "frame" in stored else None

    @store_errors()
    def parameters(self, job_id: str) -> dict[str, Any] | None:
        """Return the parameters of a training, as they were sent; None once they are forgotten."""
        stored = self._redis.hget(f"{_key(job_id)}:input", "parameters")
        return None if stored is None else dict(orjson.loads(stored))

    @store_errors()
    def stored_input(self, job_id: str) -> dict[str, bytes]:
        """Return what was uploaded as it is stored; empty once the job is forgotten."""
        return {name.decode(): data for name, data in self._redis.hgetall(f"{_key(job_id)}:input").items()}

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
        return None if sealed is None else unseal(sealed, job_id, _NO_VERSION, self._secret)

    @store_errors()
    def rows(self, job_id: str) -> list[Artifact]:
        """Return the rows that were kept, verified.

        Raises
        ------
        ArtifactRejected
        """
        stored = self._redis.hvals(f"{_key(job_id)}:rows")
        return [unseal(sealed, job_id, _NO_VERSION, self._secret) for sealed in stored]

    @store_errors()
    def manifests(self, job_id: str) -> list[dict[str, Any]]:
        """Return what the rows tell, in the order in which they ended, without their pipelines and predictions.

        A row whose signature is not ours is left out: what it is asked for by goes on without.
        """
        order = [event["candidate"]["name"] for event in self.history(job_id) if "candidate" in event]
        found = []
        # One at a time: those of a long search are together more than a web process should hold.
        for _, sealed in self._redis.hscan_iter(f"{_key(job_id)}:rows", count=10):
            with suppress(ArtifactRejected):
                found.append(unseal(sealed, job_id, _NO_VERSION, self._secret).manifest)
        place = {name: number for number, name in enumerate(order)}
        return sorted(found, key=lambda row: place.get(row["name"], -1))

    @store_errors()
    def end(
        self,
        job_id: str,
        state: JobState,
        result: dict[str, Any] | None = None,
        error: ServiceError | None = None,
    ) -> None:
        """Bring a job to a final state, once: the first end stands, and is counted and logged."""
        key, now = _key(job_id), time.time()
        fields: dict[str, Any] = {"state": state.value, "ended": now}
        if result is not None:
            fields["result"] = orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        if error is not None:
            fields["error"] = orjson.dumps(error.as_problem())

        def write(pipe: Any) -> Job | None:
            job = self.find(job_id)
            data = [name for name in pipe.hkeys(f"{key}:input") if name != b"parameters"]
            pipe.multi()
            if job is None or job.state.final:
                return None
            pipe.hset(key, mapping=fields)
            for name in (key, f"{key}:input", f"{key}:rows"):
                pipe.expire(name, self._days * _DAY)
            if result is None:
                # There is no leaderboard whose rows could be promoted. With its parameters it can be tried again.
                pipe.delete(f"{key}:rows")
                if job.kind is not JobKind.TRAINING:
                    pipe.delete(f"{key}:input")
                elif data:
                    pipe.hdel(f"{key}:input", *data)
            counts.count(pipe, job.kind, state, now - (job.started or now))
            return job

        if (job := self._redis.transaction(write, key, value_from_callable=True)) is not None:
            ended = {"state": state.value, "seconds": round(now - (job.started or now), 3)}
            logger.info("job", extra={"fields": job.known() | ended})


def _digest(name: str) -> str:
    """Rows can have long names."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _key(job_id: str) -> str:
    return f"automl:job:{job_id}"
