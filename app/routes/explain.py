"""POST /explain"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from app.explain import run
from app.payloads import rows
from app.payloads.parameters import ExplainParameters
from app.routes import schemas
from app.routes.answers import answer
from app.services import services

blueprint = APIBlueprint("explain", __name__, tag="Explaining")


@blueprint.post("/explain")
@blueprint.output(schemas.Explanations)
@blueprint.doc(summary="Explain predictions")
def explain() -> Response:
    """Explain predictions in the caller's own columns, with LIME or SHAP, saying how far to trust each."""
    parameters, upload = rows.read(request, ExplainParameters)
    held = services()
    return answer(run.explain(parameters, upload, held.store, held.pipelines, held.settings))
