"""/ui/models/<id>/what-if"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, render_template, request

from app.pages.asking import comparing, finding, typed, versions
from app.pages.asking.places import Place
from app.routes.models import queried_version

blueprint = APIBlueprint("ui_what_if", __name__, enable_openapi=False)

_PATH = "/ui/models/<pipeline_id>/what-if"


@blueprint.route(_PATH, methods=["GET", "POST"])
def page(pipeline_id: str) -> str:
    """Show a row, and beside it the same row to be edited."""
    here = Place.of(pipeline_id, queried_version())
    given = here.begun(request)
    pairs = comparing.pairs(here, given.values, given.values) if here.typed else []
    return render_template("ui/what_if.html", here=here, given=given, pairs=pairs, others=versions.others(here))


@blueprint.post(f"{_PATH}/rows")
def rows(pipeline_id: str) -> Response:
    """Put the values of a row that was found into the edited row, or those of the row as it was."""
    here = Place.of(pipeline_id, queried_version())
    original = typed.row(here.signature, request.form, {}, comparing.BEFORE)
    pairs = comparing.pairs(here, original, comparing.edited(here, request))
    shown = render_template("ui/what_if_rows.html", here=here, pairs=pairs)
    return Response(shown, headers={"HX-Trigger-After-Settle": "filled"})


@blueprint.post(f"{_PATH}/difference")
def difference(pipeline_id: str) -> str:
    """Show what the edit changes, as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    return render_template("ui/what_if_difference.html", here=here, found=comparing.difference(here, request))


@blueprint.post(f"{_PATH}/found")
def found(pipeline_id: str) -> str:
    """Show rows with another outcome, as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    return render_template("ui/what_if_found.html", here=here, found=finding.found(here, request))


@blueprint.post(f"{_PATH}/curve")
def curve(pipeline_id: str) -> str:
    """Show how the prediction follows a column, as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    return render_template("ui/what_if_curve.html", told=finding.curve(here, request))


@blueprint.post(f"{_PATH}/compared")
def compared(pipeline_id: str) -> str:
    """Show what another version says of the edited row, as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    return render_template("ui/what_if_compared.html", here=here, found=versions.compared(here, request))
