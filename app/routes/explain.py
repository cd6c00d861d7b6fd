"""POST /explain"""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from app import limits
from app.errors import InvalidParameters, within
from app.explain import answer as explanations
from app.explain import page, run
from app.payloads import rows
from app.payloads.explaining import check_explaining
from app.payloads.uploads import Upload
from app.pipelines.trained import TrainedPipeline
from app.routes import schemas
from app.routes.answers import answer
from app.routes.prefer import Preference
from app.routes.train_pipeline import accepted, idempotency_key, waited_for
from app.services import services

blueprint = APIBlueprint("explain", __name__, tag="Explaining")

#: What a page of an explanation may load and run: nothing but the styles and pictures that it has in itself.
_NO_SCRIPTS = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

#: Media types of an explanation, the first when nothing is asked for.
FORMS = ("application/json", "text/html", "image/png", "text/csv")


@blueprint.post("/explain")
@blueprint.output(schemas.Explanations)
@blueprint.doc(summary="Explain predictions, or a model", responses=schemas.ACCEPTED)
def explain() -> Response:
    """Explain predictions or a model in the caller's own columns, saying how far to trust each explanation.

    Parameters are in `params` or in the JSON body, or in the query where the body is the table itself.

    `Accept` chooses JSON, a page (`text/html`), a picture (`image/png`) or a table (`text/csv`). With `Prefer:
    respond-async` or `Prefer: wait=N` (seconds) it becomes a job, whose result is the JSON.
    """
    parameters, upload = rows.to_explain(request)
    held, preference = services(), Preference.of(request)
    if preference.applied is None:
        seconds = held.settings.explain_seconds
        found = run.explain(parameters, upload, held.store, held.pipelines, held.settings, seconds=seconds)
        return explained(found)
    # The rows of a job are counted at its end.
    limits.spend(0)
    job = waited_for(held.queue.submit_explanation(parameters, upload, idempotency_key()), preference)
    return accepted(job, preference) if job.result is None else explained(job.result)


def explained_rows(
    pipeline_id: str, pipeline: TrainedPipeline, version: int, upload: Upload | None, named: dict[str, Any]
) -> Response:
    """Explain the rows of another protocol's request; without a method by the one that a training would take.

    Parameters
    ----------
    named
        What stands under `parameters`.
    """
    held = services()
    values = {"method": run.usual(pipeline), **named, "pipeline_id": pipeline_id, "version": version}
    with within("parameters"):
        parameters = check_explaining(values)
    if upload is None and parameters.needs_rows:
        raise InvalidParameters(f"There are no rows to explain by {parameters.method}.")
    seconds = held.settings.explain_seconds
    return explained(run.explain(parameters, upload, held.store, held.pipelines, held.settings, seconds=seconds))


def explained(found: dict[str, object]) -> Response:
    """Return an explanation in the form that the caller accepts."""
    match request.accept_mimetypes.best_match(FORMS, default=FORMS[0]):
        case "text/html":
            return Response(page.html(found), mimetype="text/html", headers={"Content-Security-Policy": _NO_SCRIPTS})
        case "image/png":
            return Response(page.picture(found), mimetype="image/png")
        case "text/csv":
            return Response(explanations.table(found), mimetype="text/csv")
    return answer(found)
