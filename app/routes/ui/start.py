"""GET /, the list of models, and the examples."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from app.pages import examples, overview
from app.pipelines import intake
from app.services import services

blueprint = APIBlueprint("ui_start", __name__, enable_openapi=False)


@blueprint.get("/")
def page() -> str:
    """Show the models, the jobs, and what can be tried at once."""
    held = services()
    return render_template(
        "ui/start.html",
        models=overview.models(held.store),
        jobs=held.queue.recent(),
        examples=examples.available(),
    )


@blueprint.get("/ui/jobs")
def jobs() -> str:
    """Show the latest jobs, as a part of a page."""
    return render_template("ui/recent_jobs.html", jobs=services().queue.recent())


@blueprint.post("/ui/examples/<name>")
def example(name: str) -> Redirect:
    """Train an example, and show its job."""
    held = services()
    job = held.queue.submit(intake.read(examples.named(name).uploads(), held.settings))
    return redirect(url_for("ui_jobs.page", job_id=job.job_id), 303, Response)
