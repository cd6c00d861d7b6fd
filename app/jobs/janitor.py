"""What processes that died have left of jobs: whoever is there brings it in order, every few seconds."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rq.exceptions import NoSuchJobError
from rq.job import JobStatus

from app.errors import JobRefused
from app.jobs.job import Job, JobState
from app.jobs.records import JobRecords
from app.jobs.rq_queue import SignedJob, TrainingQueue
from app.jobs.tasks import settle
from app.settings import Settings
from app.store.publications import Publications

#: Seconds after which a job that a worker took, and did not begin, waits again.
_TAKEN = 60

#: What RQ says of a job that was taken and not begun.
_WAITS = (JobStatus.QUEUED, JobStatus.STARTED)

#: Jobs that RQ has given up of which it is seen, each time, whether our record knows.
_LATEST = 50


class Janitor:
    """Brings RQ's notes and our records of jobs together again."""

    def __init__(
        self, queue: TrainingQueue, records: JobRecords, publications: Publications, settings: Settings
    ) -> None:
        self._queue = queue
        self._redis: Any = queue.connection
        self._records = records
        self._publications = publications
        self._settings = settings

    def sweep(self) -> None:
        """Look at all jobs whose worker may be lost."""
        expired = self._queue.started_job_registry.expire()
        self._taken()
        given_up = self._redis.zrevrange(self._queue.failed_job_registry.key, 0, _LATEST - 1)
        waiting = self._redis.lrange(self._queue.key, 0, -1)
        for job_id in {*expired, *(one.decode(errors="replace") for one in (*given_up, *waiting))}:
            with suppress(JobRefused):
                job = self._records.find(job_id)
                if job is not None and not job.state.final:
                    self._settle(job)
        for ended in (self._queue.finished_job_registry, self._queue.failed_job_registry):
            ended.cleanup()

    def reconcile(self, job: Job) -> None:
        """Give a job whose worker's lease has run out back to the queue, or bring it to its end."""
        self._queue.started_job_registry.expire()
        self._settle(job)

    def _settle(self, job: Job) -> None:
        """Let our record of a job follow what RQ knows of it."""
        status = self._status(job.job_id)
        # Read again: the worker writes our record first and RQ's status after it.
        if status in (JobStatus.FAILED, JobStatus.STOPPED, None):
            current = self._records.get(job.job_id)
            if not current.state.final:
                settle(current, self._publications, self._records, self._settings)
        elif status is JobStatus.QUEUED and job.state is JobState.RUNNING:
            self._records.requeue(job, "its worker was lost")

    def _taken(self) -> None:
        """Put jobs back that a worker has taken, and died before it began."""
        taken = self._queue.intermediate_queue
        for entry in self._redis.lrange(taken.key, 0, -1):
            job_id = entry.decode(errors="replace")
            seen = taken.get_first_seen_key(job_id)
            # Only one that lies there for long: its worker may just be about to begin.
            if not self._redis.set(seen, "", nx=True, ex=2 * _TAKEN) and self._redis.ttl(seen) < _TAKEN:
                begun = self._queue.started_job_registry.holds(job_id)
                self._put_back(entry, taken.key, waits=not begun and self._status(job_id) in _WAITS)

    def _put_back(self, entry: bytes, taken: str, waits: bool) -> None:
        def write(pipe: Any) -> None:
            found = pipe.lpos(taken, entry) is not None
            pipe.multi()
            if found:
                pipe.lrem(taken, 1, entry)
            if found and waits:
                # First, as it was before.
                pipe.lpush(self._queue.key, entry)

        self._redis.transaction(write, taken)

    def _status(self, job_id: str) -> JobStatus | None:
        """Return what RQ knows of a job."""
        try:
            return SignedJob.fetch(job_id, self._redis, self._queue.serializer).get_status(refresh=False)
        except (NoSuchJobError, ValueError):
            return None
