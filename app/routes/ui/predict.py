"""/ui/models/<id>/predict"""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, render_template, request

from app.pages.asking import comparing, fields, predicted, previews, sent, signals, typed
from app.pages.asking.places import Place
from app.payloads import written
from app.pipelines import run
from app.routes.models import queried_number, queried_version
from app.services import services

blueprint = APIBlueprint("ui_predict", __name__, enable_openapi=False)

_PATH = "/ui/models/<pipeline_id>/predict"


@blueprint.route(_PATH, methods=["GET", "POST"])
def page(pipeline_id: str) -> str:
    """Show the form."""
    here = Place.of(pipeline_id, queried_version())
    given = here.begun(request)
    return render_template(
        "ui/predict.html", here=here, given=given, fields=fields.fields(here.signature, given.values)
    )


@blueprint.post(f"{_PATH}/result")
def result(pipeline_id: str) -> str:
    """Predict what was sent, and show it as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    brought = sent.read(request, here.signature)
    found = here.predict(brought.upload)
    shown = predicted.many(found, here.record) if len(found["id"]) > 1 else predicted.one(found)
    warnings = typed.outside(here.signature, brought.values) if brought.values else []
    return render_template(
        "ui/predict_result.html",
        here=here,
        brought=brought,
        found=found,
        shown=shown,
        warnings=warnings,
        drawings=signals.of_prediction(brought.upload, here.record, found, services().settings),
        pictures=previews.previews(brought, here.signature, services().settings) if here.of_images else [],
    )


@blueprint.post(f"{_PATH}/table")
def table(pipeline_id: str) -> Response:
    """Predict what was sent, as CSV."""
    here = Place.of(pipeline_id, queried_version())
    found = here.predict(sent.read(request, here.signature).upload)
    name = f'attachment; filename="{here.record.pipeline_id}_predictions.csv"'
    return Response(written.write(found, "text/csv"), mimetype="text/csv", headers={"Content-Disposition": name})


@blueprint.get("/ui/models/<pipeline_id>/rows")
def rows(pipeline_id: str) -> str:
    """Offer rows of the training to be looked at, as a part of a page."""
    here = Place.of(pipeline_id, queried_version())
    found = _kept(pipeline_id, 0, previews.OFFERED)
    names, into = previews.names(found["rows"], here.signature), request.args.get("into")
    return render_template("ui/rows.html", here=here, found=found, names=names, into=into)


@blueprint.get("/ui/models/<pipeline_id>/row")
def row(pipeline_id: str) -> Response:
    """Fill a form with a row of the training: that of one row, or (`?into=pairs`) both of the page of what-if."""
    here = Place.of(pipeline_id, queried_version())
    place = request.args.get("place")
    found = _kept(pipeline_id, queried_number("place", 0, 10**6), 1)["rows"] if place else []
    values = found[0] if found else fields.usual(here.signature)
    if request.args.get("into"):
        shown = render_template("ui/what_if_rows.html", here=here, pairs=comparing.pairs(here, values, values))
    else:
        shown = render_template("ui/row.html", here=here, fields=fields.fields(here.signature, values))
    return Response(shown, headers={"HX-Trigger-After-Settle": "filled"})


def _kept(pipeline_id: str, first: int, count: int) -> dict[str, Any]:
    held = services()
    return run.rows_of_training(held.store, held.pipelines, pipeline_id, queried_version(), first, count)
