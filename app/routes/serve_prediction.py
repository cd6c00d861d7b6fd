"""POST /serve_prediction"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from app.payloads import rows
from app.payloads.parameters import PredictParameters
from app.pipelines import run
from app.routes import schemas
from app.routes.answers import legacy_answer
from app.services import services

blueprint = APIBlueprint("serve_prediction", __name__, tag="Serving")


@blueprint.post("/serve_prediction")
@blueprint.output(schemas.Prediction, description="Columns of values, each a mapping of row number to value.")
@blueprint.doc(summary="Predict rows or series")
def predict() -> Response:
    """Predict with the current version of a pipeline, or the version asked for."""
    parameters, upload = rows.read(request, PredictParameters)
    held = services()
    columns = run.predict(parameters, upload, held.store, held.pipelines, held.settings)
    return legacy_answer({name: dict(enumerate(values)) for name, values in columns.items()})
