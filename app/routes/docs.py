"""GET /docs, and what the OpenAPI document needs beyond the decorators: request bodies, problems, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apiflask import APIBlueprint
from flask import render_template

from app.payloads import written
from app.payloads.api_keys import KeyParameters, RotateParameters
from app.payloads.batches.parameters import BatchParameters
from app.payloads.explaining import METHODS, ExplainParameters
from app.payloads.inference import HEADER
from app.payloads.parameters import PredictParameters, TrainParameters
from app.pipelines.run import NETWORK_FORMATS
from app.routes.protocol_schemas import Inference, InferenceError, Instances, Invocation, MLflowError
from app.routes.schemas import Problem

if TYPE_CHECKING:
    from apiflask import APIFlask
    from pydantic import BaseModel

blueprint = APIBlueprint("docs", __name__, enable_openapi=False)

_DATA = {
    "type": "string",
    "format": "binary",
    "description": "A table: JSON (columns, records or split), JSON lines, CSV, Parquet or Arrow; or images: a zip, an "
    ".npz, one PNG or JPEG. Told by content type, name or content.",
}

_PROBLEM = "application/problem+json"

_BYTES = {"schema": {"type": "string", "format": "binary"}}

_LENGTH = {
    "name": HEADER,
    "in": "header",
    "schema": {"type": "integer"},
    "description": "Bytes of JSON with which the body begins, where raw bytes follow.",
}

_FILE = {
    "type": "string",
    "format": "binary",
    "description": "A table: CSV, JSON lines, Parquet or Arrow. Told by content type, name or content.",
}

_PREFER = {"name": "Prefer", "in": "header", "schema": {"type": "string"}, "example": "respond-async"}


def _query(**kinds: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": {"type": kind}} for name, kind in kinds.items()]


def _of_methods() -> list[dict[str, Any]]:
    """Return the parameters of all methods of explanation; those that are mappings have no place in a query."""
    found: dict[str, dict[str, Any]] = {}
    for parameters in METHODS.values():
        for name, schema in parameters.model_json_schema()["properties"].items():
            if schema.get("type") != "object":
                known = {key: value for key, value in schema.items() if key in ("type", "anyOf", "enum", "items")}
                found.setdefault(name, {"name": name, "in": "query", "schema": known})
    return list(found.values())


#: Query and header parameters, by operation. Those of the data routes stand beside a table that is the whole body.
_PARAMETERS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("/train_pipeline", "post"): [
        _PREFER,
        {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}},
        {"name": "If-None-Match", "in": "header", "schema": {"type": "string", "enum": ["*"]}},
    ],
    ("/batch_predictions", "post"): [
        _PREFER,
        {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}},
    ],
    ("/serve_prediction", "post"): [
        *_query(pipeline_id="string", version="integer", output="string"),
        _PREFER | {"example": "wait=10"},
    ],
    ("/explain", "post"): _of_methods(),
    ("/invocations", "post"): _query(pipeline_id="string", version="integer", output="string"),
    ("/models/{pipeline_id}/invocations", "post"): _query(version="integer", output="string"),
    ("/models/{pipeline_id}/explainers", "get"): _query(version="integer"),
    ("/models/{pipeline_id}/explanations", "get"): _query(version="integer"),
    ("/audit", "get"): _query(since="integer", count="integer"),
    ("/jobs/{job_id}", "delete"): [{"name": "keep", "in": "query", "schema": {"type": "string", "enum": ["best"]}}],
    ("/models/{pipeline_id}/current", "put"): [
        {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
        _PREFER,
    ],
    ("/models/{pipeline_id}/versions/{number}/network", "get"): [
        {"name": "format", "in": "query", "schema": {"type": "string", "enum": list(NETWORK_FORMATS)}}
    ],
}

#: (end of a path below /v2, /v1 or of MLflow, the JSON that is sent there).
_BODIES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("/infer", Inference),
    ("/explain", Inference),
    (":predict", Instances),
    (":explain", Instances),
    ("/invocations", Invocation),
)

#: Probes, which need no key.
_OPEN = ("/health", "/v2/health", "/ping")


@blueprint.get("/docs")
def page() -> str:
    """Show the OpenAPI document, with assets of our own."""
    return render_template("docs.html")


def document(app: APIFlask) -> None:
    """Complete the OpenAPI document."""
    # Its own form of a 404 is not ours; `default` below describes every problem.
    app.config["AUTO_404_RESPONSE"] = False
    app.security_schemes = {"key": {"type": "http", "scheme": "bearer"}}
    app.config["INFO"] = {
        "description": "Upload data and a YAML file, get a served pipeline, and an explanation of each prediction."
    }

    @app.spec_processor
    def complete(spec: Any) -> Any:
        schemas = spec.setdefault("components", {}).setdefault("schemas", {})
        models: list[type[BaseModel]] = [TrainParameters, PredictParameters, BatchParameters, *METHODS.values()]
        models += [
            KeyParameters,
            RotateParameters,
            Problem,
            InferenceError,
            MLflowError,
            Inference,
            Instances,
            Invocation,
        ]
        for model in models:
            _add_schema(schemas, model)
        schemas["ExplainParameters"] = _any_method()
        _add_bodies(spec["paths"])
        _add_protocols(spec["paths"])
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                if isinstance(operation, dict) and "responses" in operation:
                    _complete_operation(path, method, operation)
        return spec


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).extend(_PARAMETERS.get((path, method), []))
    media_type, error = _error(path)
    operation["responses"]["default"] = {
        "description": "A problem, as its status says.",
        "content": {media_type: {"schema": _reference(error)}},
    }
    if not path.startswith(_OPEN):
        operation["security"] = [{"key": []}, {}]


def _error(path: str) -> tuple[str, type[BaseModel]]:
    """Return the form of the errors below a path."""
    if path.endswith("/invocations"):
        return "application/json", MLflowError
    return ("application/json", InferenceError) if path.startswith(("/v1", "/v2")) else (_PROBLEM, Problem)


def _add_schema(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema


def _any_method() -> dict[str, Any]:
    """Return the schema of the parameters of an explanation, which its method tells."""
    known = {name: f"#/components/schemas/{parameters.__name__}" for name, parameters in METHODS.items()}
    return {
        "oneOf": [{"$ref": reference} for reference in known.values()],
        "discriminator": {"propertyName": "method", "mapping": known},
    }


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _add_protocols(paths: dict[str, Any]) -> None:
    """Add the bodies of other protocols, and what a prediction may be beside JSON."""
    for path, operations in paths.items():
        for end, model in _BODIES:
            if path.endswith(end) and path != "/explain":
                content = {"application/json": {"schema": _reference(model)}}
                if model is Inference:
                    content["application/octet-stream"] = _BYTES
                    operations["post"].setdefault("parameters", []).append(_LENGTH)
                if model is Invocation:
                    content["text/csv"] = {"schema": _DATA}
                operations["post"]["requestBody"] = {"required": True, "content": content}
        if path.endswith("/infer"):
            operations["post"]["responses"]["200"]["content"]["application/octet-stream"] = _BYTES
    answers = paths["/serve_prediction"]["post"]["responses"]["200"]["content"]
    answers |= dict.fromkeys(written.FORMS, _BYTES)


def _add_bodies(paths: dict[str, Any]) -> None:
    def multipart(model: type[BaseModel], *tables: str, required: list[str]) -> dict[str, Any]:
        parts = {**dict.fromkeys(tables, _DATA), "params": _reference(model)}
        schema = {"type": "object", "properties": parts, "required": required}
        return {"schema": schema, "encoding": {"params": {"contentType": "application/yaml"}}}

    training = multipart(TrainParameters, "raw_data", "labels", required=["raw_data", "params"])
    paths["/train_pipeline"]["post"]["requestBody"] = {"required": True, "content": {"multipart/form-data": training}}
    looking = multipart(TrainParameters, "raw_data", "labels", required=["raw_data"])
    paths["/profile"]["post"]["requestBody"] = {"required": True, "content": {"multipart/form-data": looking}}
    routes: tuple[tuple[str, type[BaseModel], list[str]], ...] = (
        ("/serve_prediction", PredictParameters, ["data"]),
        ("/explain", ExplainParameters, []),
    )
    for path, model, required in routes:
        form = multipart(model, "raw_data", required=["raw_data", "params"] if required else ["params"])
        data = {"type": "object", "properties": {"data": {}}, "required": required}
        body = {"schema": {"allOf": [_reference(model), data]}}
        paths[path]["post"]["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": form, "application/json": body},
        }
    of_files = multipart(BatchParameters, "raw_data", required=["params"])
    of_files["schema"]["properties"]["raw_data"] = _FILE
    paths["/batch_predictions"]["post"]["requestBody"] = {
        "required": True,
        "content": {"multipart/form-data": of_files, "application/json": {"schema": _reference(BatchParameters)}},
    }
    data = {"type": "object", "properties": {"data": {}}, "required": ["data"]}
    paths["/models/{pipeline_id}/versions/{number}/paths"]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": data}},
    }
    numbers = {"version": {"type": "integer", "minimum": 1}, "row": {"type": "integer", "minimum": 0}}
    version = {"type": "object", "properties": numbers, "required": ["version"]}
    paths["/models/{pipeline_id}/current"]["put"]["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": version}},
    }
    for path, asked, needed in (("/keys", KeyParameters, True), ("/keys/{key_id}/rotate", RotateParameters, False)):
        paths[path]["post"]["requestBody"] = {
            "required": needed,
            "content": {"application/json": {"schema": _reference(asked)}},
        }
