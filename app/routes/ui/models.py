"""/ui/models/<id>"""

from __future__ import annotations

import csv
import io
from typing import Any

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from app.errors import Fault, InvalidParameters, NoTree
from app.pages import model
from app.pages.model import tree
from app.payloads.uploads import Upload
from app.pipelines import run
from app.routes.models import ID, queried_version, settle
from app.services import services
from app.store.record import Record

blueprint = APIBlueprint("ui_models", __name__, enable_openapi=False)

#: Digits of the number of a version or a row.
_DIGITS = 9


@blueprint.get(f"/ui/models/{ID}")
def page(pipeline_id: str) -> str:
    """Show a version, the current one when none is named."""
    beside = _number("with", request.args)
    shown = model.shown(services(), pipeline_id, queried_version(), beside, request.host_url.rstrip("/"))
    return render_template("ui/model.html", **shown)


@blueprint.post(f"/ui/models/{ID}/versions/<int:number>/path")
def follow(pipeline_id: str, number: int) -> str:
    """Draw the tree of a version with the path of a row: one of those that were held out, or one that was typed in."""
    held = services()
    record, told = held.store.record(pipeline_id, number), held.store.report(pipeline_id, number).get("tree")
    place, levels = _number("row", request.form), _number("levels", request.form) or tree.LEVELS
    if told is None:
        raise NoTree(pipeline_id, number, "has no tree to draw")
    if place is not None:
        return render_template("ui/model_tree.html", tree=tree.tree(told, record, levels, place))
    found = run.paths(held.store, held.pipelines, pipeline_id, number, _typed(record), held.settings)
    typed = {name: value for name, value in request.form.items() if name.startswith("column.")}
    drawn = tree.tree(told, record, levels, way=found[0]["nodes"], typed=typed)
    return render_template("ui/model_tree.html", tree=drawn)


@blueprint.post(f"/ui/models/{ID}/current")
def promote(pipeline_id: str) -> Redirect:
    """Make a version current, or train a row of its leaderboard, whose job is shown then."""
    held = services()
    number, row = _needed("version"), _number("row", request.form)
    expected = _number("expected", request.form)
    if row is not None:
        job = held.queue.promote_row(pipeline_id, number, row, expected)
        return _to(url_for("ui_jobs.page", job_id=job.job_id))
    held.store.promote(pipeline_id, number, expected)
    settle()
    return _to(url_for("ui_models.page", pipeline_id=pipeline_id))


@blueprint.post(f"/ui/models/{ID}/versions/<int:number>/delete")
def delete_version(pipeline_id: str, number: int) -> Redirect:
    """Delete a version that is not current."""
    services().store.delete_version(pipeline_id, number)
    settle()
    return _to(url_for("ui_models.page", pipeline_id=pipeline_id))


@blueprint.post(f"/ui/models/{ID}/delete")
def delete(pipeline_id: str) -> Redirect:
    """Delete a model, whose id has been typed in once more."""
    if request.form.get("confirm", "").strip() != pipeline_id:
        fault = Fault("/confirm", f"type {pipeline_id}")
        raise InvalidParameters("Nothing was deleted: what was typed in is not the model's id.", [fault])
    held = services()
    held.store.delete(pipeline_id)
    held.queue.cancel_all(pipeline_id)
    settle()
    return _to(url_for("ui_start.page"))


def _typed(record: Record) -> Upload:
    """Return the values of the form as a table of one row."""
    written = io.StringIO()
    csv.writer(written).writerows(tree.values(record, request.form))
    return Upload("row", written.getvalue().encode(), "text/csv")


def _number(name: str, sent: Any) -> int | None:
    """Read a whole number, None where there is none."""
    value = sent.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= _DIGITS else None


def _needed(name: str) -> int:
    found = _number(name, request.form)
    if found is None:
        raise InvalidParameters(f"{name} is missing.", [Fault(f"/{name}", "must be a whole number")])
    return found


def _to(where: str) -> Redirect:
    """Lead to another page, also from a request of htmx, which would put a redirect's answer into this one."""
    if request.headers.get("HX-Request") == "true":
        return Response(status=204, headers={"HX-Redirect": where})
    return redirect(where, 303, Response)
