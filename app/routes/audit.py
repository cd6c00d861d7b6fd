"""GET /audit"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from app import caller
from app.routes import schemas
from app.routes.answers import answer
from app.routes.models import queried_number
from app.services import services

blueprint = APIBlueprint("audit", __name__, tag="Keys")

#: Entries that one answer has usually, and at most.
_USUAL, _MOST = 100, 1_000


@blueprint.get("/audit")
@blueprint.output(schemas.AuditEntries)
@blueprint.doc(summary="List who has changed what")
def index() -> Response:
    """Return changes, downloads and refusals in the caller's namespace, newest first; in `default` also of strangers.

    `?since=` is in seconds since 1970, `?count=` how many, up to 1,000.
    """
    since = queried_number("since", 0, 10**12)
    found = services().audit.entries(caller.current(), since, queried_number("count", _USUAL, _MOST))
    return answer(found)
