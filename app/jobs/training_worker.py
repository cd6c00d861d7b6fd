"""The worker that runs one job at a time, each in a forked process that it watches and can end.

The fork costs nothing and inherits the engines, imported once; nothing but imports has run before it, so no lock or
thread of a library's is held in the child.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import psutil
import redis
from rq import Queue, Worker, worker_registration
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job as RqJob
from rq.job import JobStatus
from rq.utils import now
from rq.worker import WorkerStatus

from app.errors import JobRefused, ServiceError, Unavailable
from app.jobs import batches
from app.jobs.confinement import confine, end_descendants
from app.jobs.janitor import Janitor
from app.jobs.job import Job, JobState
from app.jobs.leases import LEASE
from app.jobs.records import JobRecords
from app.jobs.rq_queue import SignedJob, TrainingQueue, require
from app.jobs.tasks import TASKS, settle, told
from app.jobs.watch import Watch
from app.settings import Settings
from app.store.publications import Publications
from app.telemetry import metrics

logger = logging.getLogger(__name__)

#: Seconds between two looks at a running job.
INTERVAL = 1

#: Seconds between two looks at what processes that died have left, and between two sweeps of batch files.
TIDY, _SWEEP = 10, 3600


class TrainingWorker(Worker):
    """An RQ worker that runs nothing but signed jobs and keeps their limits, native code included.

    Redis may be gone while a job runs: its limits, read at its start, are kept, and its end is written when Redis is
    back. Between jobs `work` returns, to be called again when there is a Redis.

    Parameters
    ----------
    watching
        A quick client, as of `records` and `publications`: while it waits for an answer, nobody looks at the job.
    """

    job_class = SignedJob
    queue_class = TrainingQueue

    def __init__(
        self, watching: redis.Redis, records: JobRecords, publications: Publications, settings: Settings, **options: Any
    ) -> None:
        super().__init__(**options)
        self._settings = settings
        self._records = records
        self._publications = publications
        self._watching: Any = watching
        self._leases = TrainingQueue.of(watching).started_job_registry
        self._janitor = Janitor(TrainingQueue.of(watching), records, publications, settings)
        #: Under which the processes of its jobs count, one after another.
        self._counted_as = f"worker-{os.getpid()}"
        self._tidied = self._swept = -math.inf
        self.shutting_down = False
        #: Of the running job.
        self._watch = Watch(None)
        #: Whether Redis was gone at the last look.
        self._gone = False

    def get_heartbeat_ttl(self, job: RqJob) -> int:
        """Return the seconds after which a silent worker counts as dead; RQ's own is a minute more."""
        return LEASE

    def subscribe(self) -> None:
        """Listen to nothing: it would be a thread in a process that forks, and a way to command it for nobody."""

    def set_shutdown_requested_date(self) -> None:
        """Write nothing in the middle of whatever a signal has interrupted."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that this worker lives. Without a Redis between jobs `work` ends."""
        with _ending():
            super().heartbeat(timeout, pipeline)

    def teardown(self) -> None:
        """Say that this worker is gone, where there is somebody to hear it."""
        with suppress(redis.RedisError):
            super().teardown()  # type: ignore[no-untyped-call]

    def run_maintenance_tasks(self) -> None:
        """Between jobs, from time to time: bring in order what processes that died have left."""
        self.last_cleaned_at = now()  # type: ignore[assignment]
        with _ending():
            self._tidy()
            worker_registration.clean_worker_registry(self.queues[0])

    def _tidy(self) -> None:
        self._tidied = time.monotonic()
        self._janitor.sweep()
        if time.monotonic() - self._swept > _SWEEP:
            self._swept = time.monotonic()
            batches.sweep(self._records, self._settings)

    def prepare_execution(self, job: RqJob) -> Execution:
        """Take the lease of a job. From here on it tells that the job was taken, and no list of those that were."""
        execution = super().prepare_execution(job)
        self.connection.lrem(self.queues[0].intermediate_queue_key, 1, job.id)
        return execution

    @property
    def _lease(self) -> Execution:
        assert self.execution is not None, "a job runs"
        return self.execution

    def execute_job(self, job: RqJob, queue: Queue) -> None:
        """Fork a process for the job and watch it to its end."""
        # From here on a signal waits until the job is back in the queue.
        self._state = WorkerStatus.BUSY
        try:
            with _ending():
                self._watch = Watch(self._verified(job))
                super().execute_job(job, queue)
        finally:
            self.kill_horse()
            end_descendants()
            self._horse_pid = 0
            metrics.ended(self._settings.prometheus_multiproc_dir, self._counted_as)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """End the job's process and its group, which may not be there yet: then it has this worker's own."""
        if self.horse_pid:
            for end in (os.kill, os.killpg):
                with suppress(ProcessLookupError):
                    end(self.horse_pid, sig)

    def main_work_horse(self, job: RqJob, queue: Queue) -> None:
        """In the forked process: be confined, then run the job."""
        if self._watch.record is not None:
            confine(self._watch.record)
        metrics.stand_in(self._counted_as)
        super().main_work_horse(job, queue)

    def perform_job(self, job: RqJob, queue: Queue) -> bool:
        """In the forked process: do what the signed record of the job says, and nothing that RQ has read of it."""
        record = self._watch.record
        try:
            if record is None:
                raise JobRefused(job.id)
            require(job, told(record.kind))
        except JobRefused as refused:
            self._refuse(job, queue, refused)
            return False
        self.prepare_job_execution(job)
        job.started_at = now()
        try:
            TASKS[record.kind](job.id, self._settings)
        except ServiceError as error:
            logger.warning("the job's process ends: %s", error.detail)
            raise
        job.ended_at = now()
        job._status = JobStatus.FINISHED
        self.handle_job_success(job, queue, queue.started_job_registry)
        return True

    def _refuse(self, job: RqJob, queue: Queue, why: JobRefused) -> None:
        logger.error("refused a job that was not written by this service")
        job.retries_left = 0
        self.handle_job_failure(job, queue, exc_string="refused")
        # Where there is no record of it, or none that can be read, nobody waits for its end.
        with suppress(JobRefused):
            self._records.end(job.id, JobState.FAILED, error=why)

    def monitor_work_horse(self, job: RqJob, queue: Queue) -> None:
        """Look at the job each second up to the end of its process, and settle what that leaves."""
        job.started_at = now()
        horse = psutil.Process(self.horse_pid)
        while True:
            try:
                status = horse.wait(INTERVAL)
                break
            except psutil.TimeoutExpired:
                self.maintain_heartbeats(job)
        self._horse_pid = 0
        end_descendants()
        if status != os.EX_OK:
            self._settled(job, queue)

    def maintain_heartbeats(self, job: RqJob) -> None:
        """Once a second: say that this worker lives, and hold its training to its limits."""
        try:
            self._watch.lost = not self._hold()
            if (found := self._found(job)) is not None:
                self._watch.stop = self._watch.stop or found.stop
            if time.monotonic() - self._tidied > TIDY:
                # Where this is the only worker, nobody else would.
                self._tidy()
            self._gone = False
        except (redis.RedisError, Unavailable) as error:
            if not self._gone:
                logger.warning("Redis is gone (%s); the job goes on", type(error).__name__)
            self._gone = True
        # What it has published so far is in the store.
        if self.shutting_down or self._watch.must_end():
            self.kill_horse()

    def _found(self, job: RqJob) -> Job | None:
        """Return the record of a job as it stands; None where there is none that can be read."""
        with suppress(JobRefused):
            return self._records.find(job.id)
        return None

    def _verified(self, job: RqJob) -> Job | None:
        """Return the record of a job as it was signed, its limits too; None where there is none."""
        with suppress(JobRefused):
            return self._records.verified(job.id)
        return None

    def _hold(self) -> bool:
        """Go on with the lease of the running job, and tell whether it still stands."""
        with self._watching.pipeline() as pipe:
            self.heartbeat(INTERVAL + 60, pipeline=pipe)
            self._lease.heartbeat(self._leases, LEASE, pipeline=pipe)
            known = pipe.execute()[0] == 0
        if not known:
            # It had been silent for so long that it was forgotten.
            self._watching.hset(self.key, mapping=self.serialize())
            worker_registration.register(self)
        return self._leases.held(self._lease)

    def _settled(self, job: RqJob, queue: Queue) -> None:
        """Decide what becomes of a job whose process has died, as soon as there is a Redis to write it to."""
        while True:
            try:
                if self._leases.held(self._lease):
                    self._settle(job, queue)
                else:
                    # Another process has given it back to the queue, or has begun it already.
                    self.execution = None
                return
            except (redis.RedisError, Unavailable):
                if self.shutting_down:
                    raise
            time.sleep(INTERVAL)

    def _settle(self, job: RqJob, queue: Queue) -> None:
        record = self._found(job)
        if record is None or record.state.final:
            job.retries_left = 0
        elif self.shutting_down and record.stop is None:
            job.retries_left = (job.retries_left or 0) + 1
            self._records.requeue(record, "its worker was shut down")
        elif self._watch.stop is None and record.stop is None and job.retries_left:
            self._records.requeue(record, "its worker's process died")
        else:
            job.retries_left = 0
            if self._watch.stop is not None:
                self._records.ask_to_stop(job.id, self._watch.stop)
            settle(self._records.get(job.id), self._publications, self._records, self._settings)
        job.ended_at = now()
        self.handle_job_failure(job, queue, exc_string="its process ended")

    def handle_warm_shutdown_request(self) -> None:
        """At SIGTERM give the running training back to the queue: platforms allow seconds, and it takes minutes."""
        self.shutting_down = True
        self.kill_horse()

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """At another SIGTERM do nothing more: the first has ended the job, which is on its way back to the queue."""


@contextmanager
def _ending() -> Iterator[None]:
    """Let `work` end, without a word of RQ's, where there is no Redis to work with."""
    try:
        yield
    except (redis.RedisError, Unavailable) as error:
        logger.warning("Redis is gone: %s", type(error).__name__)
        raise StopRequested from None
