"""/health/live and /health/ready"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, current_app

from app.readiness import Readiness
from app.routes import schemas
from app.routes.answers import answer

blueprint = APIBlueprint("health", __name__, url_prefix="/health", tag="Health")


@blueprint.get("/live")
@blueprint.output(schemas.Live)
@blueprint.doc(summary="Whether the process answers")
def live() -> Response:
    """Answer, whatever the state of Redis. Needs no key."""
    return answer({"status": "live"})


@blueprint.get("/ready")
@blueprint.output(schemas.Ready)
@blueprint.doc(summary="Whether requests can be served")
def ready() -> Response:
    """Answer 200 when requests can be served and no stop is near, else 503, and what is wrong. Needs no key.

    `degraded` is ready too: some requests can be served, or something is short.
    """
    notes = [{"pointer": fault.pointer, "detail": fault.detail} for fault in readiness().check()]
    return answer({"status": "degraded" if notes else "ready", "notes": notes})


def readiness() -> Readiness:
    """Return what is asked whether this process is ready."""
    found: Readiness = current_app.extensions["automl-readiness"]
    return found
