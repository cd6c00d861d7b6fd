"""/v1/models and below: the V1 protocol of KServe and TensorFlow Serving"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.routing import BaseConverter

from app.errors import within
from app.payloads import encoded, instances
from app.payloads.instances import Body, Wanted
from app.payloads.parameters import PredictParameters, check
from app.pipelines import run
from app.pipelines.trained import TrainedPipeline
from app.routes import protocol_schemas, schemas
from app.routes.answers import answer
from app.routes.explain import explained_rows
from app.services import services

blueprint = APIBlueprint("v1", __name__, url_prefix="/v1/models", tag="V1 protocol")

#: A model's URL, and that of one of its versions.
MODEL, VERSION = "/<before_verb:pipeline_id>", "/<before_verb:pipeline_id>/versions/<int:number>"


class BeforeVerb(BaseConverter):
    """A model's id, which has no colon: behind one stands what is done with the model."""

    regex = "[^/:]+"
    part_isolating = True


@blueprint.get("")
@blueprint.output(protocol_schemas.ModelNames)
@blueprint.doc(summary="List the models by name")
def index() -> Response:
    """Return the ids of all models."""
    return answer({"models": [str(record.pipeline_id) for record in services().store.models()]})


@blueprint.get(MODEL)
@blueprint.get(VERSION)
@blueprint.output(protocol_schemas.ModelStatus)
@blueprint.doc(summary="Whether a model can predict")
def model(pipeline_id: str, number: int | None = None) -> Response:
    """Load a version, the current one when none is named, and return its state as both servers have it."""
    held = services()
    _, version = run.load(held.store, held.pipelines, pipeline_id, number)
    state = {"version": str(version), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    return answer({"name": pipeline_id, "ready": True, "model_version_status": [state]})


@blueprint.post(f"{MODEL}:predict")
@blueprint.post(f"{VERSION}:predict")
@blueprint.output(protocol_schemas.Predictions)
@blueprint.doc(summary="Predict instances")
def predict(pipeline_id: str, number: int | None = None) -> Response:
    """Predict rows: the class or number of each, or with `parameters: {output: …}` its score, or all as an object."""
    held = services()
    pipeline, version = run.load(held.store, held.pipelines, pipeline_id, number)
    body = instances.read(encoded.body(request), pipeline.signature)
    with within("parameters"):
        return predicted(pipeline_id, pipeline, version, body)


def predicted(pipeline_id: str, pipeline: TrainedPipeline, version: int, body: Body) -> Response:
    """Predict the rows of a body, as its parameters or the query want them."""
    held = services()
    queried = {"output": request.args["output"]} if "output" in request.args else {}
    wanted = check(Wanted, {**queried, **body.parameters})
    parameters = PredictParameters(pipeline_id=pipeline_id, version=version, output=wanted.output)
    found = run.predict(parameters, body.rows, held.store, held.pipelines, held.settings)
    return answer({"predictions": instances.predictions(found, wanted, pipeline.signature)})


@blueprint.post(f"{MODEL}:explain")
@blueprint.post(f"{VERSION}:explain")
@blueprint.output(schemas.Explanations)
@blueprint.doc(summary="Explain instances, or a model")
def explain(pipeline_id: str, number: int | None = None) -> Response:
    """Explain rows as POST /explain does and in its form; `parameters` are the method and what it takes.

    Without a method it is the one that a training would take.
    """
    held = services()
    pipeline, version = run.load(held.store, held.pipelines, pipeline_id, number)
    body = instances.read(encoded.body(request), pipeline.signature)
    return explained_rows(pipeline_id, pipeline, version, body.upload, body.parameters)
