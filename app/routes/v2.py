"""/v2 and below: the Open Inference Protocol, and explanations as an extension of it"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, request

from app import __version__
from app.payloads import encoded, inference, inference_answers
from app.payloads.inference import HEADER
from app.payloads.parameters import PredictParameters, Task
from app.payloads.signature import Signature
from app.pipelines import run
from app.routes import protocol_schemas, schemas
from app.routes.answers import answer
from app.routes.explain import explained_rows
from app.routes.health import readiness
from app.services import services

blueprint = APIBlueprint("v2", __name__, url_prefix="/v2", tag="Open Inference Protocol (V2)")

#: A model's URL, and that of one of its versions.
MODEL, VERSION = "/models/<pipeline_id>", "/models/<pipeline_id>/versions/<int:number>"

#: What the server does beyond the protocol.
_EXTENSIONS = ["binary_tensor_data", "explain"]


@blueprint.get("")
@blueprint.output(protocol_schemas.Server)
@blueprint.doc(summary="Describe the server")
def server() -> Response:
    """Return name, version and extensions."""
    return answer({"name": "automl", "version": __version__, "extensions": _EXTENSIONS})


@blueprint.get("/health/live")
@blueprint.output(protocol_schemas.Live)
@blueprint.doc(summary="Whether the process answers")
def live() -> Response:
    """Answer, whatever the state of Redis. Needs no key."""
    return answer({"live": True})


@blueprint.get("/health/ready")
@blueprint.output(protocol_schemas.Ready)
@blueprint.doc(summary="Whether requests can be served")
def ready() -> Response:
    """Answer 200 when requests can be served and no stop is near, else 503. Needs no key."""
    readiness().check()
    return answer({"ready": True})


@blueprint.get(MODEL)
@blueprint.get(VERSION)
@blueprint.output(protocol_schemas.Model)
@blueprint.doc(summary="Describe what a model takes and gives")
def model(pipeline_id: str, number: int | None = None) -> Response:
    """Return the inputs and outputs of a version, the current one when none is named, and all versions."""
    store = services().store
    record = store.record(pipeline_id, number)
    return answer(
        inference_answers.metadata(
            pipeline_id,
            [known.version for known in store.versions(pipeline_id)],
            record.engine,
            Task(record.task),
            record.result["classes"],
            Signature.from_json(record.signature),
        )
    )


@blueprint.get(f"{MODEL}/ready")
@blueprint.get(f"{VERSION}/ready")
@blueprint.output(protocol_schemas.ModelReady)
@blueprint.doc(summary="Whether a model can predict")
def model_ready(pipeline_id: str, number: int | None = None) -> Response:
    """Load a version, so that the first prediction need not; answer 200 when that can be done."""
    held = services()
    run.load(held.store, held.pipelines, pipeline_id, number)
    return answer({"name": pipeline_id, "ready": True})


@blueprint.post(f"{MODEL}/infer")
@blueprint.post(f"{VERSION}/infer")
@blueprint.output(protocol_schemas.Inferred)
@blueprint.doc(summary="Predict tensors")
def infer(pipeline_id: str, number: int | None = None) -> Response:
    """Predict with a version, the current one when none is named.

    An input is a column by its name, or the only one, a tensor of all columns. Outputs are JSON, or bytes behind it
    where they are asked for so.
    """
    held = services()
    pipeline, version = run.load(held.store, held.pipelines, pipeline_id, number)
    asked = inference.read(encoded.body(request), request.headers.get(HEADER), pipeline.signature, held.settings)
    parameters = PredictParameters(pipeline_id=pipeline_id, version=version, output=asked.output)
    found = run.predict(parameters, asked.rows, held.store, held.pipelines, held.settings)
    body, length = inference_answers.answer(asked, found, pipeline.task, pipeline_id, version)
    if length is None:
        return Response(body, mimetype="application/json")
    return Response(body, mimetype="application/octet-stream", headers={HEADER: str(length)})


@blueprint.post(f"{MODEL}/explain")
@blueprint.post(f"{VERSION}/explain")
@blueprint.output(schemas.Explanations)
@blueprint.doc(summary="Explain predictions of tensors, or a model")
def explain(pipeline_id: str, number: int | None = None) -> Response:
    """Explain inputs as POST /explain does and in its form; `parameters` are the method and what it takes.

    Without a method it is the one that a training would take.
    """
    held = services()
    pipeline, version = run.load(held.store, held.pipelines, pipeline_id, number)
    asked = inference.read(encoded.body(request), request.headers.get(HEADER), pipeline.signature, held.settings)
    return explained_rows(pipeline_id, pipeline, version, asked.upload, asked.parameters)
