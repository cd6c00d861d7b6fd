"""/keys and below"""

from __future__ import annotations

from typing import Any, TypeVar

from apiflask import APIBlueprint
from flask import Response, request

from app import audit, caller
from app.errors import InvalidParameters, within
from app.payloads import encoded, strict_json
from app.payloads.api_keys import KeyParameters, RotateParameters
from app.payloads.parameters import Strict, check
from app.routes import schemas
from app.routes.answers import answer
from app.services import services
from app.store.api_keys import ApiKey

blueprint = APIBlueprint("keys", __name__, tag="Keys")

Body = TypeVar("Body", bound=Strict)


@blueprint.get("/keys")
@blueprint.output(schemas.Keys)
@blueprint.doc(summary="List the keys")
def index() -> Response:
    """Return the keys of the caller's namespace that were made by command or API, oldest first; of `default`, all."""
    return answer([key.as_json() for key in services().keyring.stored.seen_by(caller.current())])


@blueprint.post("/keys")
@blueprint.output(schemas.MadeKey, status_code=201, description="The key, which nothing keeps: it is told once.")
@blueprint.doc(summary="Make a key")
def make() -> Response:
    """Make a key that is good at once. Its text is in this answer alone."""
    asked = _read(KeyParameters)
    key, text = services().keyring.stored.make(caller.current(), **asked.model_dump())
    audit.about(key.key_id)
    return _told(key, text, 201)


@blueprint.post("/keys/<key_id>/rotate")
@blueprint.output(schemas.MadeKey, description="The key, which nothing keeps: it is told once.")
@blueprint.doc(summary="Replace a key")
def rotate(key_id: str) -> Response:
    """Replace the text of a key. The former one is good for `grace_seconds` more, usually none."""
    asked = _read(RotateParameters)
    held = services().keyring
    key, text = held.stored.rotate(caller.current(), key_id, asked.grace_seconds)
    held.forget(key_id)
    return _told(key, text)


@blueprint.delete("/keys/<key_id>")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Revoke a key")
def revoke(key_id: str) -> Response:
    """End a key: it opens nothing any more, in any web process, within a second."""
    held = services().keyring
    held.stored.revoke(caller.current(), key_id)
    held.forget(key_id)
    return Response(status=204)


def _read(model: type[Body]) -> Body:
    data = encoded.body(request)
    body: Any = strict_json.loads(data, "body") if data else {}
    if not isinstance(body, dict):
        raise InvalidParameters("Send a JSON object.")
    with within("body"):
        return check(model, body)


def _told(key: ApiKey, text: str, status: int = 200) -> Response:
    return answer(key.as_json() | {"key": text}, status)
