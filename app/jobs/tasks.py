"""The one function that workers run, and how a job that was stopped is brought to its end."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from app.errors import Conflict, ServiceError, TrainingFailed
from app.jobs.progress import JobProgress
from app.jobs.records import Job, JobRecords, JobState, Stop
from app.settings import Settings
from app.store.redis import ModelStore, connect
from app.store.secret import signing_secret

logger = logging.getLogger(__name__)

#: What RQ is told to call. A worker refuses any other name.
TRAIN = "app.jobs.tasks.train"


def train(job_id: str) -> None:
    """Train what a job's record says. Everything it knows is under its id, so its arguments carry no code."""
    settings = Settings.from_environment()
    records, store = open_records(settings)
    earlier = store.published_by(job_id)
    if earlier is not None:
        # The process died between publishing and saying so.
        records.end(job_id, JobState.FINISHED, result=earlier.result)
        return
    records.start(job_id)
    job = records.get(job_id)
    if job.stop is not None:
        settle(job, store, records)
        return
    try:
        result = _run(job, store, records)
    except ServiceError as error:
        logger.info("job %s failed: %s", job_id, error.detail)
        records.end(job_id, JobState.FAILED, error=error)
    except Exception:
        # The outermost loop of a training: whatever a library raises ends this job, and not its worker.
        logger.exception("job %s failed", job_id)
        records.end(job_id, JobState.FAILED, error=ServiceError(f"The training met an error of its own; job {job_id}."))
    else:
        records.end(job_id, _state(records.get(job_id).stop), result=result)


def open_records(settings: Settings) -> tuple[JobRecords, ModelStore]:
    """Connect to Redis as the settings say."""
    assert settings.redis_url is not None, "REDIS_URL is set by whoever starts the process"
    client, secret = connect(settings.redis_url), signing_secret(settings)
    return JobRecords(client, secret, settings.job_days), ModelStore(client, secret)


def settle(job: Job, store: ModelStore, records: JobRecords) -> None:
    """End a job whose training was stopped or has died, with the model that it kept when that is wanted."""
    stop = job.stop
    published = store.published_by(job.job_id)
    kept = None if stop is Stop.CANCEL else records.kept(job.job_id)
    if published is None and kept is not None:
        record, artifact = kept
        why = stop.value if stop else "worker lost"
        published = store.publish(replace(record, result=record.result | {"stopped": why}), artifact)
    error = None if stop in (Stop.CANCEL, Stop.CANCEL_KEEP) and published else _problem(job)
    records.end(job.job_id, _state(stop, died=stop is None), published.result if published else None, error)


def _run(job: Job, store: ModelStore, records: JobRecords) -> dict[str, Any]:
    from app.pipelines import run

    tables = records.input(job.job_id)
    if tables is None:
        raise TrainingFailed("The data of this job is gone. Send it again.")
    record = run.train(
        tables,
        job.job_id,
        job.seconds,
        store,
        JobProgress(records, job.job_id),
        lambda kept, artifact: records.keep(job.job_id, kept, artifact),
        lambda: records.get(job.job_id).stop,
    )
    return record.result


def _state(stop: Stop | None, died: bool = False) -> JobState:
    match stop:
        case Stop.CANCEL | Stop.CANCEL_KEEP:
            return JobState.CANCELLED
        case Stop.TIME:
            return JobState.TIMED_OUT
        case Stop.MEMORY:
            return JobState.FAILED
    return JobState.FAILED if died else JobState.FINISHED


def _problem(job: Job) -> ServiceError:
    """Say in one sentence why a job ended early."""
    match job.stop:
        case Stop.TIME:
            return TrainingFailed(f"The training was stopped at its limit of {job.seconds:g} s. Raise limits.seconds.")
        case Stop.MEMORY:
            return TrainingFailed(
                f"The training was stopped at its limit of {job.memory_mb} MiB. Send less data or raise the limit."
            )
        case Stop.CANCEL | Stop.CANCEL_KEEP:
            return Conflict("The training was cancelled.")
    return ServiceError(f"The worker of this training died {job.attempts} time(s), and it was given up.")
