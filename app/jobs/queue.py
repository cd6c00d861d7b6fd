"""The web's side of jobs: submit, look up, wait, cancel."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis
from rq import Retry

from app import caller
from app.errors import (
    Busy,
    Fault,
    InvalidParameters,
    JobEnded,
    JobNotFound,
    JobRefused,
    KeyReused,
    ModelExists,
    ModelNotFound,
    RowGone,
    RowNotFound,
    StaleVersion,
    TooMany,
)
from app.jobs import batches, counts
from app.jobs.janitor import Janitor
from app.jobs.job import Job, JobKind, JobState, Stop
from app.jobs.records import JobRecords
from app.jobs.rq_queue import TrainingQueue
from app.jobs.tasks import settle, told
from app.payloads.batches.parameters import Order
from app.payloads.explaining import ExplainParameters
from app.payloads.training import Tables
from app.payloads.uploads import Upload
from app.pipelines import registry
from app.store.connection import store_errors
from app.store.keys import begin
from app.store.publications import Publications
from app.store.redis import ModelStore
from app.telemetry import context
from app.telemetry.traces import TRACES

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from app.settings import Settings

#: Seconds for which an Idempotency-Key stands for its job.
_IDEMPOTENT = 24 * 3600

#: Seconds between two looks at a job that somebody waits for, and between two checks that its worker lives.
_POLL, _CHECK = 0.1, 5.0

#: Seconds after which a stream of events says that it still is there.
_SILENCE = 15.0

#: Seconds for which RQ remembers a job that failed, in its own words; what callers see is in `JobRecords`.
_REMEMBERED = 24 * 3600

#: Seconds after which a key whose jobs wait may try again.
_COME_BACK = 30

#: Seconds beyond a job's own limit after which RQ's timer would end it, had our worker not done so.
_MARGIN = 120


class JobQueue:
    """Trainings and explanations of one namespace, that of its models, that wait, run and have ended.

    Parameters
    ----------
    uploads
        A patient client for what was uploaded, where `client` is not.
    """

    def __init__(
        self,
        client: redis.Redis,
        records: JobRecords,
        store: ModelStore,
        publications: Publications,
        settings: Settings,
        uploads: redis.Redis | None = None,
    ) -> None:
        self._redis: Any = client
        self._uploads: Any = uploads or client
        self._records = records.of(store.namespace)
        self._store = store
        self._publications = publications
        self._settings = settings
        self._queue = TrainingQueue.of(client)
        self._janitor = Janitor(self._queue, records.of(None), publications, settings)

    def of(self, namespace: str) -> JobQueue:
        """Return the jobs of another namespace; they wait in the same line."""
        if namespace == self._store.namespace:
            return self
        store, publications = self._store.of(namespace), self._publications.of(namespace)
        return JobQueue(self._redis, self._records, store, publications, self._settings, self._uploads)

    @store_errors()
    def submit(self, tables: Tables, idempotency_key: str | None = None, new: bool = False) -> Job:
        """Queue a training. When this returns, Redis has all of it.

        Parameters
        ----------
        idempotency_key
            The same key with the same upload returns the job of the first time.
        new
            Whether a pipeline is wanted that is not there yet.

        Raises
        ------
        ModelExists
            It is to be new, and has a version, or a training that may give it one.
        InvalidParameters
            A limit above the service's own.
        KeyReused
            The key came with another upload before.
        TooMany
            As many jobs of this key wait as may.
        Busy
            The queue is full.
        """
        seconds, memory_mb = self._limits(tables)
        training = tables.parameters
        job = Job(
            job_id=uuid.uuid4().hex,
            state=JobState.QUEUED,
            pipeline_id=training.pipeline_id,
            model=registry.named(training),
            created=time.time(),
            seconds=seconds,
            memory_mb=memory_mb,
        )
        return self._enqueue(job, tables.to_bytes(), idempotency_key, new)

    @store_errors()
    def submit_explanation(
        self, parameters: ExplainParameters, upload: Upload | None, idempotency_key: str | None = None
    ) -> Job:
        """Queue an explanation, with the key as a training has it.

        Raises
        ------
        ModelNotFound, KeyReused, Busy
        """
        version = parameters.version or self._store.current(parameters.pipeline_id)
        job = Job(
            job_id=uuid.uuid4().hex,
            state=JobState.QUEUED,
            pipeline_id=parameters.pipeline_id,
            model=parameters.method,
            created=time.time(),
            seconds=float(self._settings.train_seconds),
            memory_mb=self._settings.train_memory_mb,
            kind=JobKind.EXPLANATION,
        )
        # A version that becomes current meanwhile is not the one that was asked about.
        asked = parameters.model_copy(update={"version": version})
        return self._enqueue(job, asked.to_bytes() | ({} if upload is None else upload.to_bytes()), idempotency_key)

    @store_errors()
    def submit_batch(self, order: Order, upload: Path | None, idempotency_key: str | None = None) -> Job:
        """Queue a batch prediction, with the key as a training has it.

        Parameters
        ----------
        upload
            The file that was sent, which is moved away.

        Raises
        ------
        ModelNotFound, VersionNotFound, InvalidParameters, DriverMissing, StorageUnavailable, KeyReused, Busy
        """
        job, order = batches.planned(order, self._store, self._settings)
        with batches.kept(upload, job.job_id, self._settings) as taken:
            queued = self._enqueue(job, order.to_bytes(), idempotency_key)
            taken(queued)
        return queued

    @store_errors()
    def promote_row(self, pipeline_id: int | str, version: int, row: int, expected: int | None = None) -> Job:
        """Queue the training of a row of a version's leaderboard, on the data of that version.

        Raises
        ------
        ModelNotFound, VersionNotFound, RowNotFound, ArtifactRejected
        StaleVersion
            `expected` is given and is not the current version.
        RowGone
            The job that made the version is not remembered any more, and its data with it.
        """
        current = self._store.current(pipeline_id)
        if expected is not None and current != expected:
            raise StaleVersion(pipeline_id, expected, current)
        record = self._store.record(pipeline_id, version)
        board = self._store.report(pipeline_id, version).get("leaderboard", [])
        found = next((entry for entry in board if entry["row"] == row), None)
        if found is None or found["score"] is None:
            raise RowNotFound(pipeline_id, version, row)
        try:
            origin = self._records.find(record.job_id)
            stored = self._records.stored_input(record.job_id)
        except JobRefused:
            # What was changed since it was sent is not signed a second time.
            raise RowGone(pipeline_id, version, row) from None
        if origin is None or not stored or self._records.row(record.job_id, found["name"]) is None:
            raise RowGone(pipeline_id, version, row)
        job = replace(
            origin,
            job_id=uuid.uuid4().hex,
            state=JobState.QUEUED,
            created=time.time(),
            model=found["name"][:200],
            origin=record.job_id,
            row=found["name"],
        )
        return self._enqueue(job, stored, None)

    @store_errors()
    def counts(self) -> list[Metric]:
        """Return how many jobs of all namespaces wait, run and have ended, and for how long, for /metrics."""
        return [*counts.waiting(self._redis, self._queue, self._records.of(None)), counts.ended(self._redis)]

    @store_errors()
    def workers(self) -> int:
        """Return how many workers are heard of: what each says of itself ends unless it says so again."""
        known = self._redis.smembers("rq:workers")
        return int(self._redis.exists(*known)) if known else 0

    def _enqueue(self, job: Job, stored: dict[str, bytes], idempotency_key: str | None, new: bool = False) -> Job:
        job = replace(
            job,
            namespace=self._store.namespace,
            key_id=caller.current().key_id,
            request_id=context.known().get("request_id"),
            traceparent=TRACES.traceparent(),
        )
        digest = hashlib.sha256(b"".join(stored[name] for name in sorted(stored))).hexdigest()
        # Without a key of its caller a job has its id for one: redis-py takes the lost answer to a transaction for a
        # failed one and begins anew, and what stands under the key tells that all is written.
        name = job.job_id if idempotency_key is None else hashlib.sha256(idempotency_key.encode()).hexdigest()
        key = f"{begin(job.namespace)}:idempotency:{name}"

        def write(pipe: Any) -> str:
            if earlier := pipe.get(key):
                job_id, _, body = earlier.decode().partition(" ")
                if body != digest:
                    raise KeyReused("This Idempotency-Key came with another upload before. Use a new one.")
                return str(job_id)
            if new:
                self._refuse_known(job.pipeline_id)
            self._refuse_many(job.key_id)
            pipe.multi()
            pipe.set(key, f"{job.job_id} {digest}", ex=_IDEMPOTENT)
            self._records.create(pipe, job, stored)
            self._queue.enqueue_call(
                told(job.kind),
                args=(job.job_id,),
                job_id=job.job_id,
                timeout=int(job.seconds) + _MARGIN,
                # A training whose worker died runs once more, once.
                retry=Retry(max=1),
                failure_ttl=_REMEMBERED,
                pipeline=pipe,
            )
            return job.job_id

        # The queue is watched too, or of uploads that arrive together each would find the last place free.
        watched = (key, self._queue.key)
        # A server that is silent is told at once, before the one who may take long over megabytes is asked.
        self._redis.ping()
        return self._records.get(self._uploads.transaction(write, *watched, value_from_callable=True))

    def _refuse_many(self, key_id: str) -> None:
        """Refuse one job more than may wait, of all keys or of one."""
        waiting = self._queue.get_job_ids()
        if len(waiting) >= self._settings.max_queued_jobs:
            raise Busy("Too many jobs wait already. Try again later.")
        most = self._settings.max_queued_jobs_per_key
        if key_id and len(waiting) >= most and self._records.queued_by(key_id, waiting) >= most:
            raise TooMany(f"{most} jobs of this key wait already. Try again when one of them has begun.", _COME_BACK)

    def _refuse_known(self, pipeline_id: int | str) -> None:
        """Refuse a training of a pipeline that is there, or that another training is about to make."""
        # In this order: a training publishes its version first and ends after it.
        known = any(
            str(job.pipeline_id) == str(pipeline_id) and job.kind is JobKind.TRAINING and not job.state.final
            for job in self._records.recent()
        )
        with suppress(ModelNotFound):
            known = known or self._store.current(pipeline_id) > 0
        if known:
            raise ModelExists(pipeline_id)

    def get(self, job_id: str) -> Job:
        """Return a job, after noticing whether its worker has died.

        Raises
        ------
        JobNotFound
        """
        job = self._records.get(job_id)
        if job.state.final:
            return job
        self._reconcile(job)
        return self._records.get(job_id)

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """Return what happened in a job, oldest first.

        Raises
        ------
        JobNotFound
        """
        self._records.get(job_id)
        return self._records.history(job_id)

    def parameters(self, job_id: str) -> dict[str, Any] | None:
        """Return the parameters of a training, as they were sent; None of another job.

        Raises
        ------
        JobNotFound
        """
        job = self._records.get(job_id)
        return self._records.parameters(job_id) if job.kind is JobKind.TRAINING else None

    def recent(self) -> list[Job]:
        """Return the latest jobs, newest first, after noticing whose workers have died."""
        found = []
        for job in self._records.recent():
            # One may be forgotten meanwhile.
            with suppress(JobNotFound, JobRefused):
                found.append(job if job.state.final else self.get(job.job_id))
        return found

    def wait(self, job_id: str, seconds: float) -> Job:
        """Return the job when it has ended, or as it is after some seconds.

        Raises
        ------
        JobNotFound
        """
        deadline = time.monotonic() + seconds
        job = self.get(job_id)
        for job in self._looks(job_id):
            if job.state.final or time.monotonic() >= deadline:
                break
        return job

    def events(self, job_id: str) -> Iterator[Job | None]:
        """Yield the job whenever it has changed, up to and with its final state; None when it has not for a while.

        Raises
        ------
        JobNotFound
        """
        before, told = None, time.monotonic()
        for job in self._looks(job_id):
            if job != before:
                yield job
                told = time.monotonic()
            elif time.monotonic() - told > _SILENCE:
                yield None
                told = time.monotonic()
            before = job
            if job.state.final:
                return

    @store_errors()
    def cancel(self, job_id: str, keep: bool) -> Job:
        """Ask for a job's end. A queued one ends at once, a running one within seconds.

        Parameters
        ----------
        keep
            Publish the best model so far.

        Raises
        ------
        JobNotFound, JobEnded
        """
        job = self.get(job_id)
        if job.state.final:
            raise JobEnded(job_id, job.state.value)
        self._records.ask_to_stop(job_id, Stop.CANCEL_KEEP if keep else Stop.CANCEL)
        # A job that is still queued ends here; one that a worker has just taken reads the request at its start.
        if self._redis.lrem(self._queue.key, 1, job_id):
            settle(self._records.get(job_id), self._publications, self._records, self._settings)
        return self._records.get(job_id)

    def cancel_all(self, pipeline_id: int | str) -> None:
        """End the trainings of a pipeline that is deleted, or the next of them would bring it back."""
        for job in self.recent():
            if str(job.pipeline_id) == str(pipeline_id) and not job.state.final:
                with suppress(JobEnded):
                    self.cancel(job.job_id, keep=False)

    def _looks(self, job_id: str) -> Iterator[Job]:
        """Yield the job as it is, for ever, a few times a second."""
        checked = 0.0
        while True:
            now = time.monotonic()
            if now - checked >= _CHECK:
                yield self.get(job_id)
                checked = now
            else:
                yield self._records.get(job_id)
            time.sleep(_POLL)

    @store_errors()
    def _reconcile(self, job: Job) -> None:
        """Notice what became of the worker of a job."""
        self._janitor.reconcile(job)

    def _limits(self, tables: Tables) -> tuple[float, int]:
        wanted, settings = tables.parameters.limits, self._settings
        faults = []
        if (wanted.seconds or 0) > settings.max_train_seconds:
            faults.append(Fault("/params/limits/seconds", f"must be at most {settings.max_train_seconds}"))
        if (wanted.memory_mb or 0) > settings.train_memory_mb:
            faults.append(Fault("/params/limits/memory_mb", f"must be at most {settings.train_memory_mb}"))
        if faults:
            raise InvalidParameters("The limits are above those of this service.", faults)
        return float(wanted.seconds or settings.train_seconds), wanted.memory_mb or settings.train_memory_mb
