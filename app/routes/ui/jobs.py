"""/ui/jobs/<id>"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from apiflask import APIBlueprint
from flask import render_template, request

from app.errors import JobEnded, NotFound
from app.jobs.job import Job
from app.pages import following, session
from app.routes.jobs import STARTED_BY
from app.services import services

blueprint = APIBlueprint("ui_jobs", __name__, enable_openapi=False)


@blueprint.get("/ui/jobs/<job_id>")
def page(job_id: str) -> str:
    """Show a job, which the page goes on asking for."""
    return render_template("ui/job.html", **_shown(services().queue.get(job_id)))


@blueprint.get("/ui/jobs/<job_id>/live")
def live(job_id: str) -> str:
    """Show where a job is, as a part of its page."""
    return render_template("ui/job_swapped.html", **_shown(services().queue.get(job_id)))


@blueprint.post("/ui/jobs/<job_id>/cancel")
def cancel(job_id: str) -> str:
    """Stop a job, and show what became of it; one that has ended meanwhile is shown as it ended."""
    held = services()
    session.require(STARTED_BY[held.queue.get(job_id).kind])
    with suppress(JobEnded):
        held.queue.cancel(job_id, request.args.get("keep") == "best")
    return live(job_id)


def _shown(job: Job) -> dict[str, Any]:
    held = services()
    score = None
    if job.result is not None and "version" in job.result:
        # Of a version that has been deleted since there is no score.
        with suppress(NotFound):
            score = held.store.record(job.pipeline_id, job.result["version"]).score
    told = following.told(job, held.queue.history(job.job_id), score)
    return {"job": job, "told": told, "may_cancel": session.may(STARTED_BY[job.kind])}
