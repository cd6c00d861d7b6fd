"""Which jobs run: a worker holds a lease of seconds on its job, and says again and again that it lives.

All times are Redis': clocks of machines differ by minutes, and jump, and a lease that one of them wrote would have run
out, or never would, for another.
"""

from __future__ import annotations

import logging
from typing import Any

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import JobStatus
from rq.registry import StartedJobRegistry

logger = logging.getLogger(__name__)

#: Seconds without a sign of a worker after which its job is another's.
LEASE = 20


class Leases(StartedJobRegistry):
    """RQ's list of jobs that run, whose scores are the end of their leases."""

    connection: Any

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue=queue, job_class=queue.job_class)
        self._queue = queue

    def now(self) -> float:
        """Return Redis' time."""
        seconds, micros = self.connection.time()
        return float(seconds + micros / 1e6)

    def add_execution(self, execution: Execution, pipeline: Any, ttl: int = 0, xx: bool = False) -> int:
        """Begin or go on with a lease; with `xx` only where it still stands."""
        return int(bool(pipeline.zadd(self.key, {execution.composite_key: self.now() + ttl}, xx=xx)))

    def held(self, execution: Execution) -> bool:
        """Tell whether a lease still stands: when it has run out, its job may be another's by now."""
        return self.connection.zscore(self.key, execution.composite_key) is not None

    def cleanup(self, timestamp: float | None = None, exception_handlers: list[Any] | None = None) -> None:
        """Do as `expire`, for whatever of RQ counts the jobs that run."""
        self.expire()

    def expire(self) -> list[str]:
        """Give the jobs whose leases have run out back to the queue, or up when it was their last try.

        Returns
        -------
        list of str
            Their ids.
        """
        now = self.now()
        entries = self.connection.zrangebyscore(self.key, 0, now)
        if not entries or self.connection.info("server")["uptime_in_seconds"] < LEASE:
            # While Redis was gone nobody could say that he lives.
            return []
        found = [self._expire(entry, now) for entry in entries]
        return [job_id for job_id in found if job_id is not None]

    def _expire(self, entry: bytes, now: float) -> str | None:
        """End one lease, unless its worker has come back or another process was first; return whose it was."""
        job_id = entry.partition(b":")[0].decode(errors="replace")

        def write(pipe: Any) -> str | None:
            score = pipe.zscore(self.key, entry)
            try:
                job = self.job_class.fetch(job_id, connection=self.connection, serializer=self.serializer)
            except (NoSuchJobError, ValueError):
                job = None
            pipe.multi()
            if score is None or score > now:
                return None
            pipe.zrem(self.key, entry)
            if job is None or job.get_status(refresh=False) in (JobStatus.FINISHED, JobStatus.FAILED):
                return job_id
            if job.should_retry:
                job.retry(self._queue, pipe)
            else:
                job.set_status(JobStatus.FAILED, pipeline=pipe)
                job._handle_failure("its worker was lost", pipe, worker_name="")
            return job_id

        expired: str | None = self.connection.transaction(write, self.key, value_from_callable=True)
        if expired is not None:
            logger.warning("the worker of job %s was lost", expired)
        return expired
