"""Batch predictions as jobs: where their files are, what a worker does, and when files go.

In the folder that `BATCH_URL` names, by the id of the job: .upload until its end, .result as long as the job is
remembered, .part while it is written. A result that goes elsewhere is written beside its destination and then renamed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.addresses import Address
from app.errors import (
    Conflict,
    Fault,
    InvalidParameters,
    JobRefused,
    NoBatchFolder,
    NoResult,
    ServiceError,
    UploadTooLarge,
)
from app.jobs.job import Job, JobKind, JobState
from app.jobs.progress import JobProgress
from app.jobs.records import JobRecords
from app.payloads.batches.parameters import BatchParameters, Form, Order, told
from app.settings import Settings
from app.store.connection import connect
from app.store.files import Place, file_errors, require_driver
from app.store.redis import ModelStore
from app.store.secret import signing_secret

#: First bytes by which a format is told.
_START = 64

#: What is not written for so long, and belongs to no job, was left behind by a process that died.
_LEFT = timedelta(days=1)


def planned(order: Order, store: ModelStore, settings: Settings) -> tuple[Job, Order]:
    """Return the job of an order, and the order with the version that is current now.

    Raises
    ------
    ModelNotFound, VersionNotFound, InvalidParameters, DriverMissing
    """
    from app.pipelines import batch

    wanted = order.parameters
    folders = settings.batch_folders(store.namespace)
    named = [wanted.address(role, folders) for role in ("source", "destination")]
    for address in (*named, settings.batch_url):
        if address is not None:
            require_driver(address)
    record = store.record(wanted.pipeline_id, wanted.version)
    batch.check(record)
    job = Job(
        job_id=uuid.uuid4().hex,
        state=JobState.QUEUED,
        pipeline_id=wanted.pipeline_id,
        model=str(record.result["modelType"])[:200],
        created=time.time(),
        seconds=float(wanted.seconds or settings.max_train_seconds),
        memory_mb=settings.train_memory_mb,
        kind=JobKind.BATCH,
    )
    return job, replace(order, parameters=wanted.model_copy(update={"version": record.version}))


@contextmanager
def kept(upload: Path | None, job_id: str, settings: Settings) -> Iterator[Callable[[Job], None]]:
    """Move a file that was sent to where a worker finds it, and remove it unless the job is told to have been queued.

    Raises
    ------
    StorageUnavailable
    """
    queued: list[str] = []
    if upload is None:
        yield lambda job: None
        return
    place = _own(job_id, "upload", settings)
    try:
        with file_errors("raw_data"):
            if place.local:
                upload.rename(place.path)
            else:
                place.fs.put_file(str(upload), place.path)
        # With a key that came before it is the job of the first time, which has its own.
        yield lambda job: queued.append(job.job_id)
    finally:
        if job_id not in queued:
            place.remove()


def result(job: Job, settings: Settings) -> tuple[Place, Form]:
    """Return where the result of a job is, and its form.

    Raises
    ------
    NoResult
        The job is another kind's, or has no result, or it is at the destination that was named.
    """
    if job.kind is not JobKind.BATCH or job.result is None:
        why = "has no file to give back" if job.kind is not JobKind.BATCH else f"is {job.state}"
        raise NoResult(f"Job {job.job_id} {why}. Follow it with GET /jobs/{job.job_id}")
    if not job.result["url"].startswith("/"):
        raise NoResult(f"The result of job {job.job_id} is at the destination that was named; its url tells it.")
    place = _own(job.job_id, "result", settings)
    if not place.exists:
        raise NoResult(f"The result of job {job.job_id} is not kept any more.")
    return place, Form(job.result["format"])


def predict(job: Job, records: JobRecords, settings: Settings) -> dict[str, Any]:
    """Do the work of a job and return its result.

    Raises
    ------
    ServiceError
        Nothing is left of the result then.
    """
    from app.pipelines import batch, run
    from app.pipelines.cache import PipelineCache

    assert settings.redis_url is not None
    stored = records.stored_input(job.job_id)
    if not stored:
        raise Conflict("What was asked for is gone. Send it again.")
    order, progress = Order.from_bytes(stored), JobProgress(records, job.job_id)
    parameters = order.parameters
    store = ModelStore(connect(settings.redis_url), signing_secret(settings), job.namespace)
    cache = PipelineCache(settings.model_cache_mb * 2**20)
    pipeline, version = run.load(store, cache, parameters.pipeline_id, parameters.version)
    source, form = _source(job, order, settings)
    result_form = order.result_form or form
    with _result(job, parameters, settings) as part:
        wanted = batch.Batch(
            source=source,
            form=form,
            write=part.write,
            result_form=result_form,
            output=parameters.output,
            told=lambda done, rows: progress("predicting", round(done, 4), rows=rows),
        )
        n_rows = batch.predict(pipeline, wanted, settings)
        size = part.size
    return {
        "modelId": job.pipeline_id,
        "version": version,
        "rows": n_rows,
        "bytes": size,
        "format": result_form.value,
        "url": parameters.destination or f"/jobs/{job.job_id}/result",
    }


@contextmanager
def _result(job: Job, parameters: BatchParameters, settings: Settings) -> Iterator[Place]:
    """Give a place to write the result to. At the end it is where it is wanted, whole, or nowhere."""
    part, final = _places(job, parameters, settings)
    try:
        with file_errors("destination"):
            _refuse_existing(final, parameters)
            yield part
            # Again, as it took a while.
            _refuse_existing(final, parameters)
            part.move(final)
    finally:
        with suppress(OSError):
            part.remove()


def _refuse_existing(final: Place, parameters: BatchParameters) -> None:
    """Refuse to replace a file that a caller names; our own may be what an attempt before has left."""
    if parameters.destination is not None and final.exists:
        fault = Fault("/params/destination", "a file is there already; name another one")
        raise InvalidParameters("The result would replace a file.", [fault])


def clear(job: Job, records: JobRecords, settings: Settings) -> None:
    """Remove what a job that ends without a result has left."""
    with suppress(ServiceError, OSError):
        for ending in ("upload", "part", "result"):
            _own(job.job_id, ending, settings).remove()
    with suppress(ServiceError, OSError):
        if stored := records.stored_input(job.job_id):
            _places(job, Order.from_bytes(stored).parameters, settings)[0].remove()


def forget_upload(job_id: str, settings: Settings) -> None:
    """Remove the file that was sent, once its job has ended."""
    with suppress(ServiceError, OSError):
        _own(job_id, "upload", settings).remove()


def sweep(records: JobRecords, settings: Settings) -> None:
    """Remove the files of jobs that are not remembered any more, and what processes that died have left."""
    if settings.batch_url is None:
        return
    with suppress(ServiceError, OSError):
        for place in Place.of(settings.batch_url).files(_LEFT):
            name = place.path.rpartition("/")[2]
            # What cannot be read of a job is kept, and keeps no other file.
            with suppress(JobRefused):
                job = records.find(name.partition(".")[0])
                kept = JobState.FINISHED if name.endswith(".result") else None
                if job is None or (job.state.final and job.state is not kept):
                    place.remove()


def _own(job_id: str, ending: str, settings: Settings) -> Place:
    """Return the place of a file of our own.

    Raises
    ------
    NoBatchFolder
    """
    if settings.batch_url is None:
        raise NoBatchFolder
    return Place.of(settings.batch_url.beside(f"{job_id}.{ending}"))


def _source(job: Job, order: Order, settings: Settings) -> tuple[Place, Form]:
    if order.form is not None:
        place = _own(job.job_id, "upload", settings)
        if not place.exists:
            raise NoBatchFolder
        return place, order.form
    folders = settings.batch_folders(job.namespace)
    address = order.parameters.address("source", folders)
    assert address is not None
    place = Place.inside(address, folders, "source")
    with file_errors("source"):
        size = place.size
        if size > settings.batch_source_mb * 2**20:
            raise UploadTooLarge(f"The source has {size} bytes; at most {settings.batch_source_mb} MiB are read.")
        with place.read() as file:
            start = file.read(_START)
    return place, told(address.name, "", start)


def _places(job: Job, parameters: BatchParameters, settings: Settings) -> tuple[Place, Place]:
    """Return where the result is written, and what it is called in the end."""
    folders = settings.batch_folders(job.namespace)
    destination = parameters.address("destination", folders)
    if destination is None:
        return _own(job.job_id, "part", settings), _own(job.job_id, "result", settings)

    def inside(address: Address) -> Place:
        return Place.inside(address, folders, "destination")

    return inside(destination.beside(f".{job.job_id}.part")), inside(destination)
