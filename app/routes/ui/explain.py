"""/ui/models/<id>/explain"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import render_template, request

from app.explain import run as explaining
from app.pages.asking import controls, explained, fields, question
from app.pages.asking.places import Place
from app.routes.models import queried_version
from app.services import services

blueprint = APIBlueprint("ui_explain", __name__, enable_openapi=False)

_PATH = "/ui/models/<pipeline_id>/explain"


@blueprint.route(_PATH, methods=["GET", "POST"])
def page(pipeline_id: str) -> str:
    """Show the forms: of a row, or (`?of=model`) of the model; or (`?of=training`) what a training explained."""
    here = Place.of(pipeline_id, queried_version())
    of = request.args.get("of", "row")
    if of == "training":
        kept = services().store.explanations(pipeline_id, here.record.version)
        return render_template("ui/explain_kept.html", here=here, of=of, told=kept and explained.shown(kept))
    given = here.begun(request)
    return render_template(
        "ui/explain.html", here=here, of=of, given=given, fields=fields.fields(here.signature, given.values)
    )


@blueprint.get(f"{_PATH}/methods")
def methods(pipeline_id: str) -> str:
    """Offer the methods that fit, as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    scope = "global" if request.args.get("of") == "model" else "local"
    known = explained.methods(question.explainers(here), scope)
    chosen = explained.first(known, question.usual(here) if scope == "local" else "summary")
    return render_template(
        "ui/explain_methods.html",
        here=here,
        scope=scope,
        methods=known,
        chosen=chosen,
        settings=controls.settings(chosen, here.signature),
        cost=explained.cost(here.record, services().settings.explain_seconds) if scope == "global" else None,
    )


@blueprint.get(f"{_PATH}/settings")
def settings(pipeline_id: str) -> str:
    """Show the settings of a method, as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    chosen = question.explainer(here, request.args.get("method", ""))
    return render_template(
        "ui/explain_settings.html", chosen=chosen, settings=controls.settings(chosen, here.signature)
    )


@blueprint.post(f"{_PATH}/result")
def result(pipeline_id: str) -> str:
    """Explain what was sent, and show it as a part of the page."""
    here = Place.of(pipeline_id, queried_version())
    asked = question.read(here, request)
    held = services()
    seconds = held.settings.explain_seconds
    answer = explaining.explain(
        asked.parameters, asked.upload, held.store, held.pipelines, held.settings, seconds=seconds
    )
    return render_template(
        "ui/explain_result.html", here=here, asked=asked, told=explained.shown(answer, request.form.get("step", ""))
    )
