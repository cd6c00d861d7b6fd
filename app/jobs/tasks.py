"""The functions that workers run, and how a job that was stopped is brought to its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from app import caller
from app.caller import Caller
from app.errors import (
    BatchFailed,
    Conflict,
    MemoryExceeded,
    OutOfTime,
    Poison,
    RecordDamaged,
    RecordTooNew,
    ServiceError,
    StoreUnavailable,
    Superseded,
    TrainingFailed,
    WorkerLost,
)
from app.jobs import batches
from app.jobs.job import Job, JobKind, JobState, Stop
from app.jobs.patience import PatientPublications, patiently
from app.jobs.progress import JobProgress
from app.jobs.records import JobRecords
from app.limits import DAY
from app.payloads.explaining import ExplainParameters
from app.payloads.training import Tables
from app.payloads.uploads import Upload
from app.pipelines import leaderboard
from app.settings import Settings
from app.store.api_keys import ApiKeys
from app.store.artifact import Artifact
from app.store.connection import connect
from app.store.publications import Publications
from app.store.record import Record
from app.store.redis import ModelStore
from app.store.secret import signing_secret
from app.telemetry import context
from app.telemetry.traces import TRACES

logger = logging.getLogger(__name__)

#: Share of a training's limit that is left for the explanations at its end, and the most seconds of it.
_SHARE, _MOST = 0.03, 10.0


def train(job_id: str, settings: Settings) -> None:
    """Train what a job's record says. Everything it knows is under its id, so what RQ is told carries no code."""
    _done(job_id, _trained, settings)


def explain(job_id: str, settings: Settings) -> None:
    """Explain what a job's record says."""
    _done(job_id, _explained, settings)


def predict(job_id: str, settings: Settings) -> None:
    """Predict the file that a job's record names."""
    _done(job_id, _predicted, settings)
    batches.forget_upload(job_id, settings)


#: What a worker calls, by the kind that stands in the signed record of a job.
TASKS = {JobKind.TRAINING: train, JobKind.EXPLANATION: explain, JobKind.BATCH: predict}


def told(kind: JobKind) -> str:
    """Return what RQ is told to call. A worker refuses any other name, and looks none up."""
    return f"{__name__}.{TASKS[kind].__name__}"


def _done(
    job_id: str, work: Callable[[Job, Publications, JobRecords, Settings], dict[str, Any]], settings: Settings
) -> None:
    """Do a job's work, and bring it to its end whatever happens.

    Raises
    ------
    StoreUnavailable, Superseded
        It has not come to an end here.
    """
    records, publications = open_records(settings)
    waiting = records.find(job_id)
    if waiting is None or waiting.state.final:
        # It is forgotten, or ended meanwhile, which stands.
        return
    # Workers take jobs of all namespaces; from here on there is none but its own.
    publications = publications.of(waiting.namespace)
    if _has_finished(job_id, publications, records):
        return
    own = publications.fenced(records.start(job_id))
    # Read again as it was signed: what was seen before may have been changed since.
    job = records.verified(job_id)
    if job.stop is not None:
        settle(job, publications, records, settings)
        return
    asked_by = {"traceparent": job.traceparent} if job.traceparent else None
    asks = Caller(job.key_id, "", job.namespace)
    with caller.during(asks), context.during(**job.known()), TRACES.span(job.kind, asked_by, serves=True):
        _worked(job, partial(work, job, own, records, settings), own, records)
    # The process ends with its job, by the shortest way.
    TRACES.flush()


def _worked(job: Job, work: Callable[[], dict[str, Any]], publications: Publications, records: JobRecords) -> None:
    try:
        result = work()
    except (StoreUnavailable, Superseded):
        # Nothing is known against the job. It is given back, or is another's already, with all that it has published.
        raise
    except ServiceError as error:
        logger.info("the job failed: %s", error.detail)
        _failed(job, error, publications, records)
    except MemoryError:
        logger.info("the job failed: no memory was left to it")
        _failed(job, MemoryExceeded(job.kind, job.memory_mb), publications, records)
    except Exception:
        # The outermost loop of a job: whatever a library raises ends it, and not its worker.
        logger.exception("the job failed")
        said = ServiceError(f"The {job.kind} met an error of its own; job {job.job_id}.")
        _failed(job, said, publications, records)
    else:
        patiently(lambda: records.end(job.job_id, JobState.FINISHED, result=result, attempt=job.attempts))


def _failed(job: Job, error: ServiceError, publications: Publications, records: JobRecords) -> None:
    """End a job that has left nothing."""
    state = JobState.TIMED_OUT if isinstance(error, OutOfTime) else JobState.FAILED

    def end() -> None:
        if not _has_finished(job.job_id, publications, records):
            publications.withdraw(job.job_id)
            records.end(job.job_id, state, error=error, attempt=job.attempts)

    patiently(end)


def open_records(settings: Settings) -> tuple[JobRecords, Publications]:
    """Connect to Redis as the settings say."""
    assert settings.redis_url is not None, "REDIS_URL is set by whoever starts the process"
    client, secret = connect(settings.redis_url, patient=True), signing_secret(settings)
    return JobRecords(client, secret, settings.job_days), PatientPublications(client, secret)


def settle(job: Job, publications: Publications, records: JobRecords, settings: Settings) -> None:
    """End a job whose training was stopped or has died, with the best model so far when that is wanted."""
    try:
        _settle(job, publications.of(job.namespace), records, settings)
    except (RecordDamaged, RecordTooNew) as error:
        # What it has published cannot be read here, now or later: whoever looks again would fail as this did.
        records.end(job.job_id, JobState.FAILED, error=error)


def _settle(job: Job, publications: Publications, records: JobRecords, settings: Settings) -> None:
    if job.kind is JobKind.BATCH:
        batches.clear(job, records, settings)
    if _has_finished(job.job_id, publications, records):
        return
    stop = job.stop
    published = None
    if stop is Stop.CANCEL:
        publications.withdraw(job.job_id)
    else:
        known = publications.published_by(job.job_id)
        # What was tried since the version was published can be promoted like the rest.
        metric = str(known.result.get("metric")) if known else ""
        board = partial(leaderboard.completed, kept=records.manifests(job.job_id), metric=metric)
        published = publications.conclude(job.job_id, stop.value if stop else "worker lost", board)
    if published is not None:
        state = JobState.CANCELLED if stop is Stop.CANCEL_KEEP else JobState.FINISHED
        records.end(job.job_id, state, published.result)
    else:
        records.end(job.job_id, _state(stop), error=_problem(job))


def _has_finished(job_id: str, publications: Publications, records: JobRecords) -> bool:
    """End a job whose process died, or was to stop, between publishing the end of its training and saying so."""
    published = publications.published_by(job_id)
    if published is None or published.provisional:
        return False
    records.end(job_id, JobState.FINISHED, result=published.result)
    return True


class _Rows:
    """The leaderboard of one job."""

    def __init__(self, records: JobRecords, job_id: str) -> None:
        self._records, self._job_id = records, job_id

    def add_row(self, name: str, row: Artifact) -> None:
        patiently(lambda: self._records.add_row(self._job_id, name, row))

    def rows(self) -> list[Artifact]:
        return patiently(lambda: self._records.rows(self._job_id))


def _explained(job: Job, publications: Publications, records: JobRecords, settings: Settings) -> dict[str, Any]:
    from app.explain import run
    from app.pipelines.cache import PipelineCache

    assert settings.redis_url is not None
    stored = records.stored_input(job.job_id)
    if not stored:
        raise Conflict("The data of this job is gone. Send it again.")
    store = ModelStore(connect(settings.redis_url), signing_secret(settings), job.namespace)
    cache = PipelineCache(settings.model_cache_mb * 2**20)
    parameters, upload = ExplainParameters.from_bytes(stored), Upload.from_bytes(stored)
    found = run.explain(parameters, upload, store, cache, settings, JobProgress(records, job.job_id))
    _count(job, len(found["explanations"]) + len(found["overall"]), settings)
    return found


def _predicted(job: Job, publications: Publications, records: JobRecords, settings: Settings) -> dict[str, Any]:
    found = batches.predict(job, records, settings)
    _count(job, found["rows"], settings)
    return found


def _count(job: Job, rows: int, settings: Settings) -> None:
    """Add rows to those of the key that has queued a job; it has them whether or not Redis takes the number."""
    assert settings.redis_url is not None
    if job.key_id:
        with suppress(StoreUnavailable):
            keys = ApiKeys(connect(settings.redis_url), signing_secret(settings))
            keys.add_rows(job.key_id, int(time.time() // DAY), rows)


def _trained(job: Job, publications: Publications, records: JobRecords, settings: Settings) -> dict[str, Any]:
    from app.explain.run import fits
    from app.pipelines import run

    tables = records.input(job.job_id)
    promoted = records.row(job.origin, job.row) if job.origin and job.row else None
    if tables is None or (job.row and promoted is None):
        raise TrainingFailed("The data of this job is gone. Send it again.")
    explains = min(_SHARE * job.seconds, _MOST) if tables.parameters.explain.rows else 0.0
    record = run.train(
        tables,
        job.job_id,
        job.seconds - explains,
        publications,
        JobProgress(records, job.job_id),
        _Rows(records, job.job_id),
        promoted,
        settings.dask_scheduler_address,
        fits,
    )
    context.note(version=record.version)
    if explains:
        _keep_explanations(record, tables, explains, publications, settings)
    return record.result


def _keep_explanations(
    record: Record, tables: Tables, seconds: float, publications: Publications, settings: Settings
) -> None:
    """Explain some of the rows that were held out. The model is served by now, whatever becomes of these."""
    from app.explain import run
    from app.pipelines.cache import PipelineCache

    assert settings.redis_url is not None
    store = ModelStore(connect(settings.redis_url), signing_secret(settings), publications.namespace)
    cache = PipelineCache(settings.model_cache_mb * 2**20)
    try:
        kept = run.of_training(record, tables, store, cache, seconds)
        if kept is not None:
            publications.keep_explanations(record, kept)
    except ServiceError as error:
        logger.info("nothing was explained: %s", error.detail)


def _state(stop: Stop | None) -> JobState:
    match stop:
        case Stop.CANCEL | Stop.CANCEL_KEEP:
            return JobState.CANCELLED
        case Stop.TIME:
            return JobState.TIMED_OUT
    return JobState.FAILED


def _problem(job: Job) -> ServiceError:
    """Say in one sentence why a job ended early."""
    if job.kind is JobKind.BATCH and job.stop in (Stop.TIME, Stop.MEMORY):
        limit = f"{job.seconds:g} s" if job.stop is Stop.TIME else f"{job.memory_mb} MiB"
        return BatchFailed(f"The batch prediction was stopped at its limit of {limit}. Send the file in parts.")
    match job.stop:
        case Stop.TIME:
            return OutOfTime(job.seconds)
        case Stop.MEMORY:
            return MemoryExceeded(job.kind, job.memory_mb)
        case Stop.CANCEL_KEEP:
            return Conflict(f"The {job.kind} was cancelled before it had a model to keep.")
        case Stop.CANCEL:
            return Conflict(f"The {job.kind} was cancelled.")
    return (Poison if job.attempts > 1 else WorkerLost)(job.kind, job.attempts)
