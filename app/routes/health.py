"""/health/live and /health/ready"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from app.errors import Draining
from app.routes import schemas
from app.routes.answers import answer
from app.services import services

blueprint = APIBlueprint("health", __name__, url_prefix="/health", tag="Health")


@blueprint.get("/live")
@blueprint.output(schemas.Health)
@blueprint.doc(summary="Whether the process answers")
def live() -> Response:
    """Answer, whatever the state of Redis. Needs no key."""
    return answer({"status": "live"})


@blueprint.get("/ready")
@blueprint.output(schemas.Health)
@blueprint.doc(summary="Whether requests can be served")
def ready() -> Response:
    """Answer 200 when Redis does and no stop is near, else 503. Needs no key."""
    if services().drain.begun:
        raise Draining
    services().store.ping()
    return answer({"status": "ready"})
