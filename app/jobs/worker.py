"""`python -m app.jobs.worker`: runs one training at a time, each in a forked process that it watches and can end.

The fork costs nothing and inherits the engines, imported once; nothing but imports has run before it, so no lock or
thread of a library's is held in the child.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
import sys
import time
from importlib import import_module
from typing import Any

import psutil
from rq import Queue, Worker
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

from app.jobs import batches
from app.jobs.queue import QUEUE
from app.jobs.records import JobRecords, Stop
from app.jobs.tasks import TASKS, open_records, settle
from app.settings import Settings, SettingsError
from app.store.connection import connect
from app.store.embedded import die_with_parent
from app.store.policy import require_kept
from app.store.publications import Publications
from app.telemetry import logs, metrics
from app.telemetry.traces import TRACES

# By its own name, also where this is the program.
logger = logging.getLogger("app.jobs.worker")

#: Seconds between two looks at a running training.
_INTERVAL = 1

#: Seconds without a sign of a worker after which its job is another's.
_LEASE = 20

#: Seconds beyond its limit that a training has to come to its own end: it plans for less than the limit.
_GRACE = 8

#: Seconds between two sweeps of the files of batch predictions.
_SWEEP = 3600

#: Added to the niceness of trainings, so that the web processes beside them are served first.
_NICE = 10

#: Imported before the first fork.
_ENGINES = ("pandas", "pyarrow", "sklearn.ensemble", "skops.io", "lightgbm", "xgboost", "tsfresh", "tpot")


class TrainingWorker(Worker):
    """An RQ worker that runs nothing but trainings and keeps their limits, native code included."""

    def __init__(
        self, *args: Any, records: JobRecords, publications: Publications, settings: Settings, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._settings = settings
        self._records = records
        self._publications = publications
        #: Under which the processes of its jobs count, one after another.
        self._counted_as = f"worker-{os.getpid()}"
        self._before = 0
        self._shutting_down = False
        self._swept = -math.inf

    def get_heartbeat_ttl(self, job: RqJob) -> int:
        """Return the seconds after which a silent worker counts as dead; RQ's own is a minute more."""
        return _LEASE

    def maintain_heartbeats(self, job: RqJob) -> None:
        """Once a second: say that this worker lives, and hold its training to its limits."""
        super().maintain_heartbeats(job)
        self._watch(job)

    def run_maintenance_tasks(self) -> None:
        """Between jobs, from time to time: what RQ has to clean up, and once an hour files that nobody needs."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        if time.monotonic() - self._swept > _SWEEP:
            self._swept = time.monotonic()
            batches.sweep(self._records, self._settings)

    def execute_job(self, job: RqJob, queue: Queue) -> None:
        """Fork a process for the job and watch it to its end."""
        self._before = _pss(psutil.Process())
        super().execute_job(job, queue)
        metrics.ended(self._settings.prometheus_multiproc_dir, self._counted_as)

    def main_work_horse(self, job: RqJob, queue: Queue) -> None:
        """In the forked process: die with this worker, give way to the web processes, then run the job."""
        die_with_parent(signal.SIGKILL)
        os.nice(_NICE)
        metrics.stand_in(self._counted_as)
        super().main_work_horse(job, queue)

    def perform_job(self, job: RqJob, queue: Queue) -> bool:
        """Run the job if it is one of ours. Whoever can write to the queue could name any function of any module."""
        if job.func_name not in TASKS.values():
            logger.error("refused a job that is neither a training nor an explanation")
            job.retries_left = 0
            self.handle_job_failure(job, queue, exc_string="refused: neither a training nor an explanation")
            return False
        return super().perform_job(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """At SIGTERM give the running training back to the queue: platforms allow seconds, and it takes minutes."""
        self._shutting_down = True
        if self.horse_pid:
            self.kill_horse()

    def handle_work_horse_killed(self, job: RqJob, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """Decide what becomes of a training whose process has gone: another try, or its end."""
        record = self._records.get(job.id)
        if record.state.final:
            job.retries_left = 0
        elif record.stop is not None:
            job.retries_left = 0
            settle(record, self._publications, self._records, self._settings)
        elif self._shutting_down:
            job.retries_left = (job.retries_left or 0) + 1
            self._records.requeue(job.id, "its worker was shut down")
        elif job.retries_left:
            self._records.requeue(job.id, "its worker's process died")
        else:
            settle(record, self._publications, self._records, self._settings)

    def _watch(self, job: RqJob) -> None:
        """End a training that is over a limit or is to be stopped. What it has published so far is in the store."""
        record = self._records.get(job.id)
        stop = record.stop
        if stop is None and self.current_job_working_time > record.seconds + _GRACE:
            stop = Stop.TIME
        if self._memory_mb() > record.memory_mb:
            stop = Stop.MEMORY
        if stop is not None:
            self._records.ask_to_stop(job.id, stop)
            self.kill_horse()

    def _memory_mb(self) -> float:
        """Return what the training's processes take together, beyond what this worker took before it."""
        try:
            horse = psutil.Process(self.horse_pid)
            processes = (psutil.Process(), horse, *horse.children(recursive=True))
        except psutil.Error:
            return 0.0
        return (sum(map(_pss, processes)) - self._before) / 2**20


def _pss(process: psutil.Process) -> int:
    """Return a process's share of memory in bytes: a page of several processes counts once in all of them."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def main() -> int:
    """Work until SIGTERM."""
    try:
        settings = Settings.from_environment()
        logs.start(settings.log_level)
        TRACES.start(settings, "automl-worker", flushed=True)
        if settings.redis_url is None:
            raise SettingsError("REDIS_URL: a worker needs the Redis of its web process")
        require_kept(settings.redis_url)
        records, publications = open_records(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name in _ENGINES:
        try:
            import_module(name)
        except ImportError:
            logger.warning("%s is not installed here; trainings that need it will say so", name)
    # What is frozen is not looked at by the collector of a forked process, which would copy the pages of all of it.
    gc.collect()
    gc.freeze()
    client = connect(settings.redis_url, patient=True)
    queue = Queue(QUEUE, connection=client, serializer=JSONSerializer)
    worker = TrainingWorker(
        [queue],
        connection=client,
        serializer=JSONSerializer,
        worker_ttl=30,
        job_monitoring_interval=_INTERVAL,
        maintenance_interval=10,
        records=records,
        publications=publications,
        settings=settings,
    )
    worker.work(logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main())
