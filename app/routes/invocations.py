"""/invocations, /ping and /version: what MLflow's scoring server has, for every model"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from app import __version__
from app.errors import Fault, InvalidParameters, within
from app.payloads import encoded, instances
from app.payloads.instances import MLFLOW, Body
from app.payloads.uploads import Upload
from app.pipelines import run
from app.routes import protocol_schemas
from app.routes.health import readiness
from app.routes.models import queried_version
from app.routes.v1 import predicted
from app.services import services

blueprint = APIBlueprint("invocations", __name__, tag="MLflow")


@blueprint.post("/invocations")
@blueprint.post("/models/<pipeline_id>/invocations")
@blueprint.output(protocol_schemas.Predictions)
@blueprint.doc(summary="Predict rows as MLflow's scoring server does")
def predict(pipeline_id: str | None = None) -> Response:
    """Predict a data frame, instances or inputs in JSON, or a table of any other format by its content type.

    `?pipeline_id=` names the model where the path does not, `?version=` another version than the current one.
    `params: {output: …}` is what `parameters` are under /v1.
    """
    held, named = services(), pipeline_id or request.args.get("pipeline_id")
    if named is None:
        raise InvalidParameters("There are many models here.", [Fault("/query/pipeline_id", "missing: which one")])
    pipeline, version = run.load(held.store, held.pipelines, named, queried_version())
    body = Body(Upload("body", encoded.body(request), request.mimetype), {})
    if body.rows.format == "json":
        body = instances.read(body.rows.data, pipeline.signature, MLFLOW, "params")
    with within("params"):
        return predicted(named, pipeline, version, body)


@blueprint.get("/ping")
@blueprint.output({}, content_type="text/plain", description="An empty line.")
@blueprint.doc(summary="Whether requests can be served")
def ping() -> Response:
    """Answer 200 when requests can be served and no stop is near, else 503. Needs no key."""
    readiness().check()
    return Response("\n", mimetype="text/plain")


@blueprint.get("/version")
@blueprint.output({}, content_type="text/plain", description="A version.")
@blueprint.doc(summary="The version of the service")
def version() -> Response:
    """Return the version of this service."""
    return Response(__version__, mimetype="text/plain")
