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
from app.payloads.parameters import ID_PATTERN, Output, PredictParameters, TrainParameters
from app.pipelines.run import NETWORK_FORMATS
from app.routes.protocol_schemas import Inference, InferenceError, Instances, Invocation, MLflowError
from app.routes.schemas import Problem

if TYPE_CHECKING:
    from apiflask import APIFlask
    from pydantic import BaseModel

    from app.settings import Settings

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

_KEY = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255}}

#: {parameter of a path: its schema}.
_IN_PATHS: dict[str, dict[str, Any]] = {
    "pipeline_id": {"type": "string", "pattern": ID_PATTERN},
    "job_id": {"type": "string", "pattern": ID_PATTERN},
    "number": {"type": "integer", "minimum": 1},
}

#: {parameter of a query: its schema}.
_IN_QUERIES: dict[str, dict[str, Any]] = {
    "pipeline_id": _IN_PATHS["pipeline_id"],
    "version": _IN_PATHS["number"],
    "output": {"type": "string", "enum": [*Output]},
    "keep": {"type": "string", "enum": ["best"]},
    "format": {"type": "string", "enum": [*NETWORK_FORMATS]},
    "first": {"type": "integer", "minimum": 0},
    "since": {"type": "integer", "minimum": 0},
    "count": {"type": "integer", "minimum": 0, "maximum": 100},
}


def _query(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": _IN_QUERIES[name]} for name in names]


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
        _KEY,
        {"name": "If-None-Match", "in": "header", "schema": {"type": "string", "enum": ["*"]}},
    ],
    ("/batch_predictions", "post"): [_PREFER, _KEY],
    ("/serve_prediction", "post"): [*_query("pipeline_id", "version", "output"), _PREFER | {"example": "wait=10"}],
    ("/explain", "post"): [*_of_methods(), _PREFER, _KEY],
    ("/invocations", "post"): _query("pipeline_id", "version", "output"),
    ("/models/{pipeline_id}/invocations", "post"): _query("version", "output"),
    ("/v1/models/{pipeline_id}:predict", "post"): _query("output"),
    ("/v1/models/{pipeline_id}/versions/{number}:predict", "post"): _query("output"),
    ("/models/{pipeline_id}/explainers", "get"): _query("version"),
    ("/models/{pipeline_id}/explanations", "get"): _query("version"),
    ("/models/{pipeline_id}/rows", "get"): _query("version", "first", "count"),
    ("/audit", "get"): [
        *_query("since"),
        {"name": "count", "in": "query", "schema": _IN_QUERIES["count"] | {"maximum": 1000}},
    ],
    ("/jobs/{job_id}", "delete"): _query("keep"),
    ("/models/{pipeline_id}/current", "put"): [
        {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
        _PREFER,
    ],
    ("/models/{pipeline_id}/versions/{number}/network", "get"): _query("format"),
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


def document(app: APIFlask, settings: Settings) -> None:
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
        schemas["ProfileParameters"] = _of_which_any(schemas["TrainParameters"])
        schemas["ExplainParameters"] = _any_method()
        schemas["ExplainBody"] = _any_method("Body")
        schemas["PredictParametersBody"] = _with_data(schemas["PredictParameters"], required=True)
        for asked in METHODS.values():
            schemas[f"{asked.__name__}Body"] = _with_data(schemas[asked.__name__], required=False)
        _add_bodies(spec["paths"])
        _add_protocols(spec["paths"])
        for path, operations in spec["paths"].items():
            for method, operation in operations.items():
                if isinstance(operation, dict) and "responses" in operation:
                    _complete_operation(path, method, operation)
                    if settings.api_keys and not path.startswith(_OPEN):
                        operation["security"] = [{"key": []}]
        return spec


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    for parameter in operation.setdefault("parameters", []):
        if parameter["in"] == "path":
            parameter["schema"] = _IN_PATHS.get(parameter["name"], parameter["schema"])
    operation["parameters"].extend(_PARAMETERS.get((path, method), []))
    media_type, error = _error(path)
    operation["responses"]["default"] = {
        "description": "A problem, as its status says.",
        # A request whose head cannot be read is refused before its path, and the form of its protocol, are known.
        "content": {_PROBLEM: {"schema": _reference(Problem)}, media_type: {"schema": _reference(error)}},
    }


def _error(path: str) -> tuple[str, type[BaseModel]]:
    """Return the form of the errors below a path."""
    if path.endswith("/invocations"):
        return "application/json", MLflowError
    return ("application/json", InferenceError) if path.startswith(("/v1", "/v2")) else (_PROBLEM, Problem)


def _add_schema(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema


def _of_which_any(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the parameters of a training, as much of them as is known."""
    optional = {name: value for name, value in schema.items() if name != "required"}
    return optional | {"title": "ProfileParameters", "description": "The `params` part of POST /profile."}


def _with_data(schema: dict[str, Any], required: bool) -> dict[str, Any]:
    """Return the schema of parameters with a table beside them; of both apart, each would refuse the other's names."""
    names = [*schema["required"], "data"] if required else schema["required"]
    return schema | {"properties": schema["properties"] | {"data": {}}, "required": names}


def _any_method(ending: str = "") -> dict[str, Any]:
    """Return the schema of the parameters of an explanation, which its method tells."""
    known = {name: f"#/components/schemas/{parameters.__name__}{ending}" for name, parameters in METHODS.items()}
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
    def multipart(params: dict[str, str], *tables: str, required: list[str]) -> dict[str, Any]:
        parts = {**dict.fromkeys(tables, _DATA), "params": params}
        schema = {"type": "object", "properties": parts, "required": required}
        return {"schema": schema, "encoding": {"params": {"contentType": "application/yaml"}}}

    training = multipart(_reference(TrainParameters), "raw_data", "labels", required=["raw_data", "params"])
    paths["/train_pipeline"]["post"]["requestBody"] = {"required": True, "content": {"multipart/form-data": training}}
    known = {"$ref": "#/components/schemas/ProfileParameters"}
    looking = multipart(known, "raw_data", "labels", required=["raw_data"])
    paths["/profile"]["post"]["requestBody"] = {"required": True, "content": {"multipart/form-data": looking}}
    routes: tuple[tuple[str, type[BaseModel], str, list[str]], ...] = (
        ("/serve_prediction", PredictParameters, "PredictParametersBody", ["raw_data", "params"]),
        ("/explain", ExplainParameters, "ExplainBody", ["params"]),
    )
    for path, model, body, required in routes:
        form = multipart(_reference(model), "raw_data", required=required)
        in_json = {"schema": {"$ref": f"#/components/schemas/{body}"}}
        paths[path]["post"]["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": form, "application/json": in_json},
        }
    of_files = multipart(_reference(BatchParameters), "raw_data", required=["params"])
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
