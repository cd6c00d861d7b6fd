"""/models and below"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from app.errors import Fault, InvalidParameters, Unreadable
from app.payloads import strict_json
from app.routes import schemas
from app.routes.answers import answer, legacy_answer
from app.services import services
from app.store.record import Record

blueprint = APIBlueprint("models", __name__, tag="Models")

#: A URL's model id. Longer or other text is no model's, and is answered as such by the look-up.
ID = "<pipeline_id>"


@blueprint.get("/models")
@blueprint.output(schemas.Models)
@blueprint.doc(summary="List the models")
def index() -> Response:
    """Return for each id what the training of its current version answered."""
    return legacy_answer({str(record.pipeline_id): record.result for record in services().store.models()})


@blueprint.get(f"/models/{ID}")
@blueprint.output(schemas.VersionRecord)
@blueprint.doc(summary="Show a model")
def show(pipeline_id: str) -> Response:
    """Return all that is known of the current version. Its number is the `ETag`."""
    return _shown(services().store.record(pipeline_id))


@blueprint.get(f"/models/{ID}/versions")
@blueprint.output(schemas.Versions)
@blueprint.doc(summary="List the versions of a model")
def versions(pipeline_id: str) -> Response:
    """Return the versions, oldest first, and which one is current."""
    store = services().store
    known = [
        {name: getattr(record, name) for name in ("version", "created_at", "engine", "task", "metrics")}
        for record in store.versions(pipeline_id)
    ]
    return answer({"current": store.current(pipeline_id), "versions": known})


@blueprint.get(f"/models/{ID}/versions/<int:number>")
@blueprint.output(schemas.VersionRecord)
@blueprint.doc(summary="Show a version of a model")
def version(pipeline_id: str, number: int) -> Response:
    """Return all that is known of one version."""
    return _shown(services().store.record(pipeline_id, number))


@blueprint.put(f"/models/{ID}/current")
@blueprint.output(schemas.VersionRecord)
@blueprint.doc(summary="Promote a version")
def promote(pipeline_id: str) -> Response:
    """Make a version the current one. With `If-Match`, only if the current one is still that."""
    number = _number(strict_json.loads(request.get_data(), "body"))
    services().store.promote(pipeline_id, number, _expected())
    return _shown(services().store.record(pipeline_id, number))


@blueprint.delete(f"/models/{ID}")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Delete a model")
def delete(pipeline_id: str) -> Response:
    """Delete a model and all its versions."""
    services().store.delete(pipeline_id)
    return Response(status=204)


@blueprint.delete(f"/models/{ID}/versions/<int:number>")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Delete a version")
def delete_version(pipeline_id: str, number: int) -> Response:
    """Delete a version that is not current."""
    services().store.delete_version(pipeline_id, number)
    return Response(status=204)


def _shown(record: Record) -> Response:
    return answer(asdict(record), headers={"ETag": f'"{record.version}"'})


def _number(body: Any) -> int:
    number = body.get("version") if isinstance(body, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        raise InvalidParameters('Send {"version": N}.', [Fault("/version", "must be the number of a version")])
    return number


def _expected() -> int | None:
    """Read If-Match, which names the version that the caller takes for current."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    number = header.strip().strip('"')
    if not number.isdecimal() or len(number) > 15:
        raise Unreadable("If-Match must be the ETag of the model: the number of a version in quotes.")
    return int(number)
