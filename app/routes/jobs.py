"""/jobs and below"""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.wsgi import wrap_file

from app import auth, limits
from app.errors import Busy, Fault, InvalidParameters, NotFound
from app.jobs import batches
from app.jobs.job import JobKind
from app.jobs.queue import JobQueue
from app.routes import schemas
from app.routes.answers import answer
from app.services import Services, services
from app.store.files import file_errors

blueprint = APIBlueprint("jobs", __name__, tag="Training")

#: {kind: the endpoint that starts such jobs}; who may use it may cancel them.
STARTED_BY = {
    JobKind.TRAINING: "train_pipeline.train",
    JobKind.EXPLANATION: "explain.explain",
    JobKind.BATCH: "batch_predictions.predict",
}


@blueprint.get("/jobs")
@blueprint.output(schemas.Jobs)
@blueprint.doc(summary="List the recent jobs")
def index() -> Response:
    """Return the latest hundred jobs, newest first, without their results."""
    return answer([job.as_json() | {"result": None} for job in services().queue.recent()])


@blueprint.get("/jobs/<job_id>")
@blueprint.output(schemas.Job)
@blueprint.doc(summary="Show a job")
def show(job_id: str) -> Response:
    """Return the state of a job, its progress, and in the end its result or error."""
    return answer(services().queue.get(job_id).as_json())


@blueprint.delete("/jobs/<job_id>")
@blueprint.output(schemas.Job, status_code=202)
@blueprint.doc(summary="Cancel a job")
def cancel(job_id: str) -> Response:
    """Stop a job. With `?keep=best`, its best model so far is published."""
    keep = request.args.get("keep")
    if keep not in (None, "best"):
        raise InvalidParameters("keep can only be best.", [Fault("/query/keep", "known is best")])
    held = services()
    auth.allow(STARTED_BY[held.queue.get(job_id).kind])
    return answer(held.queue.cancel(job_id, keep == "best").as_json(), 202)


@blueprint.get("/jobs/<job_id>/history")
@blueprint.output(schemas.JobHistory)
@blueprint.doc(summary="Show what happened in a job")
def history(job_id: str) -> Response:
    """Return the stages that began and the candidates that were tried, oldest first: the last 5,000."""
    return answer(services().queue.history(job_id))


@blueprint.get("/jobs/<job_id>/parameters")
@blueprint.output({}, description="As they were sent, with defaults filled in.")
@blueprint.doc(summary="Show the parameters of a training")
def parameters(job_id: str) -> Response:
    """Return what a training was asked for, also one that left no version, to ask for it again."""
    found = services().queue.parameters(job_id)
    if found is None:
        raise NotFound("The parameters of this job are not kept: it is no training, or has been forgotten.")
    return answer(found)


@blueprint.get("/jobs/<job_id>/result")
@blueprint.output({}, content_type="application/octet-stream", description="The file, in the format asked for.")
@blueprint.doc(summary="Download the result of a batch prediction")
def result(job_id: str) -> Response:
    """Return the file that a batch prediction has written; `Range` asks for a part of it."""
    held = services()
    limits.spend(0)
    place, form = batches.result(held.queue.get(job_id), held.settings)
    with file_errors("result"):
        size, file = place.size, place.read()
    response = Response(wrap_file(request.environ, file), mimetype=form.media_type, direct_passthrough=True)
    response.headers["Content-Disposition"] = f"attachment; filename=predictions-{job_id}.{form}"
    response.content_length = size
    response.set_etag(job_id)
    response.make_conditional(request, accept_ranges=True, complete_length=size)
    return response


@blueprint.get("/jobs/<job_id>/events")
@blueprint.output({}, content_type="text/event-stream", description="An event a change, until the job has ended.")
@blueprint.doc(summary="Follow a job")
def events(job_id: str) -> Response:
    """Send the job as a server-sent event whenever it changes."""
    held = services()
    held.queue.get(job_id)
    stream = _stream(held, held.queue, job_id)
    # The place is taken, or refused, before the answer's headers are sent.
    first = next(stream)
    return Response(_chained(first, stream), mimetype="text/event-stream")


def _stream(held: Services, queue: JobQueue, job_id: str) -> Iterator[bytes]:
    with held.place() as free:
        if not free:
            raise Busy("All places for callers that wait are taken. Ask for the job itself instead.")
        for job in queue.events(job_id):
            # A line that means nothing, when nothing has changed: proxies close connections that say nothing.
            yield b": \n\n" if job is None else b"event: job\ndata: " + orjson.dumps(job.as_json()) + b"\n\n"


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
