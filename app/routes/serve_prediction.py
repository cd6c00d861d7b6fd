"""POST /serve_prediction"""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from app import deadline
from app.explain import run as explaining
from app.payloads import rows, written
from app.pipelines import run
from app.routes import schemas
from app.routes.answers import legacy_answer
from app.routes.prefer import AT_ONCE, Preference
from app.services import services

blueprint = APIBlueprint("serve_prediction", __name__, tag="Serving")

#: Media types of a prediction, the first when nothing is asked for.
FORMS = ("application/json", *written.FORMS)

#: Where in the WSGI environment a prediction that was tried before Flask has left why it failed.
FAILED = "automl.failed"


@blueprint.post("/serve_prediction")
@blueprint.output(schemas.Prediction, description="Columns of values, each a mapping of row number to value.")
@blueprint.doc(summary="Predict rows or series")
def predict() -> Response:
    """Predict with the current version of a pipeline, or the version asked for.

    Parameters are in `params` or in the JSON body, or in the query where the body is the table itself.

    `Accept` chooses JSON by columns, or a row a line: JSON lines, CSV, Parquet or Arrow. `Prefer: wait=N` gives it no
    more than N seconds, after which it answers 503.
    """
    if (error := request.environ.get(FAILED)) is not None:
        raise error
    preference = Preference.of(request)
    # There is no job that could answer later, so that only a time to wait can be preferred here.
    if preference.applied != AT_ONCE:
        deadline.shorten(preference.wait_seconds)
    parameters, upload = rows.to_predict(request)
    held = services()
    if parameters.explain is not None and parameters.version is None:
        # The version that predicts is the one that is explained.
        parameters = parameters.model_copy(update={"version": held.store.current(parameters.pipeline_id)})
    found = run.predict(parameters, upload, held.store, held.pipelines, held.settings)
    if parameters.explain is not None:
        explained = explaining.beside_prediction(parameters, upload, held.store, held.pipelines, held.settings)
        found["explanations"] = list(explained.values())
    form = request.accept_mimetypes.best_match(FORMS, default=FORMS[0])
    if form == FORMS[0]:
        return legacy_answer(by_columns(found))
    return Response(written.write(found, form), mimetype=form)


def by_columns(found: dict[str, list[Any]]) -> dict[str, dict[int, Any]]:
    """Return columns as the service of 2017 answers them: values by row number."""
    return {name: dict(enumerate(values)) for name, values in found.items()}
