"""What of RQ is used: its queue, its hash of each job, and its list of those that run.

RQ takes what it finds in Redis at its word: it imports and calls the functions that a job's hash names as its own and
as its callbacks, in whichever process cleans up after it, and sends requests to the URLs that the hash names. Here only
the fields that this service uses are read, and nothing that they name is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from rq import Queue
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from app.errors import JobRefused
from app.jobs.leases import Leases

#: Name of the one queue.
QUEUE = "training"

#: The fields of a job's hash that are read. Not among them: callbacks, webhooks, dependencies, repetitions and groups.
_FIELDS = frozenset(
    f"{name}".encode()
    for name in (
        "data", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "status", "description",
        "timeout", "result_ttl", "failure_ttl", "retries_left", "worker_name",
    )
)  # fmt: skip


class SignedJob(RqJob):
    """A job of RQ that names nothing that is run: what is done is in the signed record of the same id."""

    def restore(self, raw_data: dict[bytes, bytes]) -> None:
        """Read a hash.

        Raises
        ------
        NoSuchJobError
            It is not as RQ writes it.
        """
        try:
            super().restore({name: value for name, value in raw_data.items() if name in _FIELDS})
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise NoSuchJobError(f"not a job: {self.key}") from None
        self.origin = QUEUE

    @property
    def func(self) -> Callable[..., Any]:
        """Never: RQ would import what the hash names."""
        raise JobRefused(self.id)

    @property
    def started_job_registry(self) -> Leases:
        """The list of jobs that run, by Redis' own clock."""
        return TrainingQueue.of(self.connection).started_job_registry


class TrainingQueue(Queue):
    """The queue of all jobs."""

    job_class = SignedJob

    @classmethod
    def of(cls, client: redis.Redis) -> TrainingQueue:
        """Return the queue as it is in a Redis."""
        return cls(QUEUE, connection=client, serializer=JSONSerializer)

    @property
    def started_job_registry(self) -> Leases:
        """The list of jobs that run, by Redis' own clock."""
        return Leases(self)

    def enqueue_dependents(self, *args: Any, **options: Any) -> None:
        """Do nothing: no job of ours waits for another, and what Redis says of that is not looked at."""


def require(job: RqJob, function: str) -> None:
    """Refuse a job that is not one call of this function with the job's own id.

    Raises
    ------
    JobRefused
    """
    try:
        asked = (job.func_name, job.instance, job.args, job.kwargs)
    except DeserializationError:
        raise JobRefused(job.id) from None
    if asked != (function, None, [job.id], {}):
        raise JobRefused(job.id)
