"""Batch predictions as jobs: where their files are, what a worker does, and when files go.

In the folder that `BATCH_URL` names, by the id of the job: .upload until its end, .result as long as the job is
remembered, .part while it is written. A result that goes elsewhere is written beside its destination and then renamed.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.addresses import Address
from app.errors import Conflict, Fault, InvalidParameters, NoBatchFolder, NoResult, ServiceError
from app.jobs.progress import JobProgress
from app.jobs.records import Job, JobKind, JobRecords, JobState
from app.payloads.batches.parameters import BatchParameters, Form, Order, told
from app.settings import Settings
from app.store.connection import connect
from app.store.files import Place, file_errors, require_driver
from app.store.redis import ModelStore
from app.store.secret import signing_secret

logger = logging.getLogger(__name__)

#: First bytes by which a format is told.
_START = 64

#: What is not written for so long, and belongs to no job, was left behind by a process that died.
_LEFT = timedelta(days=1)


def check(parameters: BatchParameters, settings: Settings) -> None:
    """Check that what opens the files is installed.

    Raises
    ------
    DriverMissing
    """
    named = [parameters.address(role, settings.batch_allowed_urls) for role in ("source", "destination")]
    for address in (*named, settings.batch_url):
        if address is not None:
            require_driver(address)


def keep(upload: Path, job_id: str, settings: Settings) -> None:
    """Move a file that was sent to where a worker finds it.

    Raises
    ------
    StorageUnavailable
    """
    place = _own(job_id, "upload", settings)
    with file_errors("raw_data"):
        if place.local:
            upload.rename(place.path)
        else:
            place.fs.put_file(str(upload), place.path)


def discard(job_id: str, settings: Settings) -> None:
    """Remove the file of a job that was not queued."""
    _own(job_id, "upload", settings).remove()


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
    return _own(job.job_id, "result", settings), Form(job.result["format"])


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
    order = Order.from_bytes(stored)
    parameters, progress = order.parameters, JobProgress(records, job.job_id)
    store = ModelStore(connect(settings.redis_url), signing_secret(settings))
    cache = PipelineCache(settings.model_cache_mb * 2**20)
    pipeline, version = run.load(store, cache, parameters.pipeline_id, parameters.version)
    source, form = _source(job, order, settings)
    part, final = _places(job, parameters, settings)
    if parameters.destination is not None and job.attempts <= 1:
        # A second attempt may find what the first one has left.
        _refuse_existing(final)
    wanted = batch.Batch(
        source=source,
        form=form,
        write=part.write,
        result_form=order.result_form or form,
        output=parameters.output,
        told=lambda done, rows: progress("predicting", round(done, 4), rows=rows),
    )
    try:
        with file_errors("destination"):
            n_rows = batch.predict(pipeline, wanted, settings)
            size = part.size
            part.move(final)
    finally:
        part.remove()
    return {
        "modelId": job.pipeline_id,
        "version": version,
        "rows": n_rows,
        "bytes": size,
        "format": wanted.result_form.value,
        "url": parameters.destination or f"/jobs/{job.job_id}/result",
    }


def clear(job: Job, records: JobRecords, settings: Settings) -> None:
    """Remove what a job that ends without a result has left."""
    stored = records.stored_input(job.job_id)
    with suppress(ServiceError, OSError):
        if stored:
            _places(job, Order.from_bytes(stored).parameters, settings)[0].remove()
        for ending in ("upload", "part", "result"):
            _own(job.job_id, ending, settings).remove()


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
    address = order.parameters.address("source", settings.batch_allowed_urls)
    assert address is not None
    place = Place.inside(address, settings.batch_allowed_urls, "source")
    with file_errors("source"):
        place.size  # noqa: B018  raises where no file is
        with place.read() as file:
            start = file.read(_START)
    return place, told(address.name, "", start)


def _places(job: Job, parameters: BatchParameters, settings: Settings) -> tuple[Place, Place]:
    """Return where the result is written, and what it is called in the end."""
    destination = parameters.address("destination", settings.batch_allowed_urls)
    if destination is None:
        return _own(job.job_id, "part", settings), _own(job.job_id, "result", settings)

    def inside(address: Address) -> Place:
        return Place.inside(address, settings.batch_allowed_urls, "destination")

    return inside(destination.beside(f".{job.job_id}.part")), inside(destination)


def _refuse_existing(final: Place) -> None:
    with file_errors("destination"):
        if final.exists:
            fault = Fault("/params/destination", "a file is there already; name another one")
            raise InvalidParameters("The result would replace a file.", [fault])
