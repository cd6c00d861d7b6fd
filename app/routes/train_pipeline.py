"""POST /train_pipeline"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from app.errors import TrainingEnded, Unreadable
from app.jobs.job import Job
from app.payloads.uploads import parts
from app.pipelines import intake
from app.routes import schemas
from app.routes.answers import answer, legacy_answer
from app.routes.prefer import Preference
from app.services import services

#: Characters of an Idempotency-Key.
_LONGEST_KEY = 255

blueprint = APIBlueprint("train_pipeline", __name__, tag="Training")


@blueprint.post("/train_pipeline")
@blueprint.output(schemas.TrainingResult, description="The training has ended and its pipeline is served.")
@blueprint.doc(
    summary="Train a pipeline",
    responses=schemas.ACCEPTED,
)
def train() -> Response:
    """Train a pipeline from raw data, labels and a YAML file, and keep it as the next version of its id.

    Waits for the end unless `Prefer: respond-async` or `Prefer: wait=N` (seconds) says otherwise. With
    `If-None-Match: *` only if there is no model of that id yet.
    """
    preference = Preference.of(request)
    tables = intake.read(parts(request), services().settings)
    job = waited_for(services().queue.submit(tables, idempotency_key(), only_new()), preference)
    if job.result is None:
        return accepted(job, preference)
    response = legacy_answer(job.result)
    response.headers["Location"] = f"/models/{job.pipeline_id}/versions/{job.result['version']}"
    return response


def idempotency_key() -> str | None:
    """Read the key under which the same request is the same job.

    Raises
    ------
    Unreadable
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key.strip()) <= _LONGEST_KEY:
        raise Unreadable(f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters. Leave it out, or send a new one.")
    return key


def only_new() -> bool:
    """Read If-None-Match, by which a training makes a new model or none.

    Raises
    ------
    Unreadable
    """
    header = request.headers.get("If-None-Match")
    if header is not None and header.strip() != "*":
        raise Unreadable("If-None-Match can only be * here: train only if there is no model of this id.")
    return header is not None


def waited_for(job: Job, preference: Preference) -> Job:
    """Wait for a job as a caller prefers, and return it with its result, or without one while it goes on.

    Raises
    ------
    TrainingEnded
        It has ended without a model.
    """
    with services().place() as may_wait:
        job = services().queue.wait(job.job_id, preference.wait_seconds if may_wait else 0)
    if job.state.final and job.result is None:
        assert job.error is not None
        raise TrainingEnded(job.error)
    return job


def accepted(job: Job, preference: Preference) -> Response:
    """Answer that a job goes on, and where it is followed."""
    headers = {"Location": f"/jobs/{job.job_id}", "Retry-After": "1"}
    if preference.applied:
        headers["Preference-Applied"] = preference.applied
    return answer(job.as_json(), 202, headers)
