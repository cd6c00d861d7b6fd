"""What a job is, and how it is read from its hash in Redis."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import orjson

from app.caller import DEFAULT
from app.errors import JobRefused

#: Fields of a job that are stored as they are, where it has them; the others are JSON.
TEXTS = ("namespace", "key_id", "origin", "row", "request_id", "traceparent")


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

    @classmethod
    def of_hash(cls, job_id: str, stored: dict[str, bytes]) -> Job:
        """Return the job of a hash, without what a later release may have added to it.

        Raises
        ------
        JobRefused
        """
        known = {name: value for name, value in stored.items() if name in _NAMES}
        try:
            found: dict[str, Any] = {"job_id": job_id, "state": JobState(known.pop("state").decode())}
            found["model"] = known.pop("model").decode()
            found |= {name: known.pop(name).decode() for name in TEXTS if name in known}
            if "kind" in known:
                found["kind"] = JobKind(known.pop("kind").decode())
            if "stop" in known:
                found["stop"] = Stop(known.pop("stop").decode())
            # All that is left is JSON: numbers, and the texts that were stored as JSON.
            return cls(**found, **{name: orjson.loads(value) for name, value in known.items()})
        except (ValueError, KeyError, TypeError):
            raise JobRefused(job_id) from None

    def known(self) -> dict[str, Any]:
        """Return what each line of the log says of the job."""
        return {name: getattr(self, name) for name in ("request_id", "job_id", "kind", "pipeline_id", "model")}

    def as_json(self) -> dict[str, Any]:
        """Return the job as GET /jobs/<id> shows it."""
        left = None
        if self.state is JobState.RUNNING and self.started is not None:
            left = min(self.seconds, max(0.0, round(self.started + self.seconds - time.time(), 1)))
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


#: What is read of a job's hash.
_NAMES = {one.name for one in fields(Job)} - {"job_id"}
