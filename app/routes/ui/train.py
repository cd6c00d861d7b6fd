"""/ui/train"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from app.pages.model import settings
from app.pages.training import asked, samples, sheet
from app.pages.training.fields import Form
from app.pipelines import intake
from app.routes.models import queried_version
from app.services import services

blueprint = APIBlueprint("ui_train", __name__, enable_openapi=False)


@blueprint.after_request
def beside_the_file(response: Response) -> Response:
    """Show why a file is not read beside it: there it stays, whatever is filled in next."""
    if response.status_code >= 400 and request.endpoint == "ui_train.look":
        response.headers["HX-Retarget"] = "#unread"
    return response


@blueprint.get("/ui/train")
def page() -> str:
    """Show the form, empty, or with the parameters of a version or of a job that is named."""
    form, sent = Form({}), MultiDict[str, str]()
    if (named := request.args.get("model")) is not None:
        sent["yaml"] = settings.written(services().store.record(named, queried_version()).parameters)
    elif (job_id := request.args.get("job")) is not None and (used := services().queue.parameters(job_id)):
        sent["yaml"] = settings.written(used)
    return render_template("ui/train.html", **asked.shown(form, sheet.of(sent, form)))


@blueprint.post("/ui/train/look")
def look() -> str:
    """Look at the files that were chosen; fill in what they tell, if they are new."""
    fresh = request.args.get("new") is not None
    return render_template("ui/train_look.html", fresh=fresh, **asked.looked(request.form, fresh))


@blueprint.post("/ui/train/sheet")
def text() -> str | Response:
    """Make the parameters from the form, or check those that somebody has written."""
    sent, example = MultiDict(request.form), request.args.get("example")
    if example is not None and (name := sent.get("example")):
        sent["yaml"] = samples.text(name)
    form = Form.of(sent)
    made = sheet.of(sent, form, again=request.args.get("again") is not None)
    if made.by_hand and example is None:
        # What somebody is writing in is not replaced under their hands.
        checked = render_template("ui/train_checked.html", **asked.shown(form, made))
        return Response(checked, headers={"HX-Retarget": "#checked", "HX-Reswap": "innerHTML"})
    return render_template("ui/train_sheet.html", **asked.shown(form, made))


@blueprint.post("/ui/train")
def start() -> Redirect:
    """Train, as POST /train_pipeline does, and show the job."""
    held, sent = services(), request.form
    job = held.queue.submit(intake.read(asked.uploads(sent), held.settings))
    where = url_for("ui_jobs.page", job_id=job.job_id)
    if request.headers.get("HX-Request") == "true":
        # A redirect of an answer to htmx would be followed into the middle of the page.
        return Response(status=204, headers={"HX-Redirect": where})
    return redirect(where, 303, Response)
