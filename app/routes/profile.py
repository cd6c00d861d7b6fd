"""POST /profile"""

from __future__ import annotations

from dataclasses import asdict

from apiflask import APIBlueprint
from flask import Response, request

from app.payloads.uploads import parts
from app.pipelines import preview
from app.routes import schemas
from app.routes.answers import answer
from app.services import services

blueprint = APIBlueprint("profile", __name__, tag="Training")


@blueprint.post("/profile")
@blueprint.output(schemas.Profile)
@blueprint.doc(summary="Look at data before training on it")
def show() -> Response:
    """Tell what each column of an upload holds, as a training would read it; nothing is stored.

    With `params`, or as much of them as is known, also what is to be predicted, and whether all of it fits.
    """
    return answer(asdict(preview.look(parts(request), services().settings)))
