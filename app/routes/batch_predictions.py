"""POST /batch_predictions"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from app import limits
from app.payloads.batches.request import received
from app.routes import schemas
from app.routes.answers import answer
from app.routes.prefer import Preference
from app.routes.train_pipeline import accepted, idempotency_key, waited_for
from app.services import services

blueprint = APIBlueprint("batch_predictions", __name__, tag="Serving")


@blueprint.post("/batch_predictions")
@blueprint.output(schemas.BatchResult, description="All is predicted; only with `Prefer: wait=N`.")
@blueprint.doc(summary="Predict a file", responses=schemas.ACCEPTED)
def predict() -> Response:
    """Predict the rows or series of a file of any length as a job, whose result is a file.

    The file is sent, or lies at a URL that the operator has allowed. `Prefer: wait=N` waits N seconds for the end.
    """
    preference, held = Preference.of(request), services()
    # The rows of a job are counted at its end.
    limits.spend(0)
    with received(request, held.settings) as (order, upload):
        job = held.queue.submit_batch(order, upload, idempotency_key())
    if preference.applied is not None:
        job = waited_for(job, preference)
    return accepted(job, preference) if job.result is None else answer(job.result)
