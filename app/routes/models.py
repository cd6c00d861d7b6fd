"""/models and below"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from app.errors import Fault, InvalidParameters, NotFound, Unreadable, at, listed
from app.explain import run as explaining
from app.payloads import encoded, strict_json
from app.payloads.uploads import Upload
from app.pipelines import reports, run
from app.pipelines.cache import FRESH
from app.pipelines.run import NETWORK_FORMATS
from app.routes import schemas
from app.routes.answers import answer, legacy_answer
from app.routes.explain import explained
from app.routes.prefer import Preference
from app.routes.train_pipeline import accepted, waited_for
from app.services import services
from app.store.record import Record

blueprint = APIBlueprint("models", __name__, tag="Models")

#: A URL's model id. Longer or other text is no model's, and is answered as such by the look-up.
ID = "<pipeline_id>"

#: Digits of the number of a version.
_DIGITS = 15

#: Rows of a training that one answer has at most.
_ROWS = 100

#: What a report's page may load and run: nothing.
_NO_SCRIPTS = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@blueprint.get("/models")
@blueprint.output(schemas.Models)
@blueprint.doc(summary="List the models")
def index() -> Response:
    """Return for each id what the training of its current version answered."""
    return legacy_answer({str(record.pipeline_id): record.result for record in services().store.models()})


@blueprint.get(f"/models/{ID}")
@blueprint.output(schemas.VersionRecord)
@blueprint.doc(summary="Show a model")
def show(pipeline_id: str) -> Response:
    """Return all that is known of the current version. Its number is the `ETag`."""
    return _shown(services().store.record(pipeline_id))


@blueprint.get(f"/models/{ID}/versions")
@blueprint.output(schemas.Versions)
@blueprint.doc(summary="List the versions of a model")
def versions(pipeline_id: str) -> Response:
    """Return the versions, oldest first, and which one is current."""
    store = services().store
    known = [
        {name: getattr(record, name) for name in ("version", "created_at", "engine", "task", "metrics")}
        for record in store.versions(pipeline_id)
    ]
    return answer({"current": store.current_on_record(pipeline_id), "versions": known})


@blueprint.get(f"/models/{ID}/versions/<int:number>")
@blueprint.output(schemas.VersionRecord)
@blueprint.doc(summary="Show a version of a model")
def version(pipeline_id: str, number: int) -> Response:
    """Return all that is known of one version."""
    return _shown(services().store.record(pipeline_id, number))


@blueprint.put(f"/models/{ID}/current")
@blueprint.output(schemas.VersionRecord)
@blueprint.doc(summary="Promote a version, or a row of its leaderboard", responses=schemas.ACCEPTED)
def promote(pipeline_id: str) -> Response:
    """Make a version the current one. With `If-Match`, only if the current one is still that.

    With `row`, that row of the version's leaderboard is trained on the version's data and becomes a version of its
    own; `Prefer` says whether to wait for it, as in a training. `If-Match` is compared before it is trained.
    """
    number, row = _promotion(strict_json.loads(encoded.body(request), "body"))
    expected = _expected()
    if row is None:
        services().store.promote(pipeline_id, number, expected)
        settle()
        return _shown(services().store.record(pipeline_id, number))
    preference = Preference.of(request)
    job = waited_for(services().queue.promote_row(pipeline_id, number, row, expected), preference)
    if job.result is None:
        return accepted(job, preference)
    return _shown(services().store.record(pipeline_id, job.result["version"]))


@blueprint.get(f"/models/{ID}/versions/<int:number>/report")
@blueprint.output({}, content_type="text/html", description="A page that needs nothing else.")
@blueprint.doc(summary="Report on a version")
def report(pipeline_id: str, number: int) -> Response:
    """Return a page of the version: scores, curves, importances, leaderboard, structure."""
    page = reports.page(services().store.record(pipeline_id, number), services().store.report(pipeline_id, number))
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": _NO_SCRIPTS})


@blueprint.get(f"/models/{ID}/versions/<int:number>/code")
@blueprint.output({}, content_type="text/x-python", description="A Python file.")
@blueprint.doc(summary="Code of a version")
def code(pipeline_id: str, number: int) -> Response:
    """Return a Python file that trains the same pipeline without this service."""
    services().store.record(pipeline_id, number)
    text = services().store.report(pipeline_id, number).get("code")
    if text is None:
        raise NotFound("This version was trained by an earlier release, which wrote no code.")
    name = f'attachment; filename="{pipeline_id}_{number}.py"'
    return Response(text, mimetype="text/x-python", headers={"Content-Disposition": name})


@blueprint.get(f"/models/{ID}/versions/<int:number>/network")
@blueprint.output({}, content_type="application/octet-stream", description="The file.")
@blueprint.doc(summary="Download the network of a version")
def network(pipeline_id: str, number: int) -> Response:
    """Return the network of a version as a file of Keras: `?format=keras`, or `h5`."""
    form = request.args.get("format", "keras")
    if form not in NETWORK_FORMATS:
        raise InvalidParameters("format is unknown.", [Fault("/query/format", f"known are {listed(NETWORK_FORMATS)}")])
    data = run.network(services().store, services().pipelines, pipeline_id, number, form)
    name = f'attachment; filename="{pipeline_id}_{number}.{form}"'
    return Response(data, mimetype="application/octet-stream", headers={"Content-Disposition": name})


@blueprint.get(f"/models/{ID}/versions/<int:number>/artifact")
@blueprint.output({}, content_type="application/octet-stream", description="32 bytes of a signature, and a zip.")
@blueprint.doc(summary="Download the artefact of a version")
def artifact(pipeline_id: str, number: int) -> Response:
    """Return what serves a version, as it is stored: the HMAC of this service, and a zip of the manifest and the parts.

    A part may be a pickle. Do not load one that comes from elsewhere than the service itself.
    """
    data = services().store.sealed(pipeline_id, number)
    name = f'attachment; filename="{pipeline_id}_{number}.artifact"'
    return Response(data, mimetype="application/octet-stream", headers={"Content-Disposition": name})


@blueprint.post(f"/models/{ID}/versions/<int:number>/paths")
@blueprint.output(schemas.Paths)
@blueprint.doc(summary="Follow rows through the tree of a version")
def paths(pipeline_id: str, number: int) -> Response:
    """Return the nodes of the version's `tree` that each row of `data` comes to, from the root on."""
    body = strict_json.loads(encoded.body(request), "body")
    if not isinstance(body, dict) or body.keys() != {"data"}:
        raise InvalidParameters('Send {"data": …}.', [Fault("/data", "must be there, and nothing else")])
    upload = Upload("data", value=body["data"])
    held = services()
    found = run.paths(held.store, held.pipelines, pipeline_id, number, upload, held.settings)
    return answer({"paths": found})


@blueprint.get(f"/models/{ID}/explainers")
@blueprint.output(schemas.Explainers)
@blueprint.doc(summary="List the explainers of a model")
def explainers(pipeline_id: str) -> Response:
    """Return the methods that fit the current version, or `?version=`, with their parameters and defaults."""
    held = services()
    return answer(explaining.explainers(held.store, held.pipelines, pipeline_id, queried_version()))


@blueprint.get(f"/models/{ID}/explanations")
@blueprint.output(schemas.Explanations)
@blueprint.doc(summary="Show the explanations of a training")
def explanations(pipeline_id: str) -> Response:
    """Return what was explained at the end of the training of the current version, or `?version=`.

    `Accept` chooses the form, as of POST /explain.
    """
    number = services().store.record(pipeline_id, queried_version()).version
    kept = services().store.explanations(pipeline_id, number)
    if kept is None:
        raise NotFound("The training of this version has kept no explanations. POST /explain makes them.")
    return explained(kept)


@blueprint.get(f"/models/{ID}/rows")
@blueprint.output(schemas.Rows)
@blueprint.doc(summary="Show rows of the training")
def rows(pipeline_id: str) -> Response:
    """Return rows of the training that are kept with the current version, or `?version=`, to be explained or changed.

    `?first=` is the number of the first, `?count=` how many, up to 100.
    """
    held = services()
    first, count = queried_number("first", 0, 10**_DIGITS), queried_number("count", _ROWS, _ROWS)
    found = run.rows_of_training(held.store, held.pipelines, pipeline_id, queried_version(), first, count)
    return answer(found)


@blueprint.delete(f"/models/{ID}")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Delete a model")
def delete(pipeline_id: str) -> Response:
    """Delete a model and all its versions; its trainings that wait or run are cancelled."""
    services().store.delete(pipeline_id)
    services().queue.cancel_all(pipeline_id)
    settle()
    return Response(status=204)


@blueprint.delete(f"/models/{ID}/versions/<int:number>")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Delete a version")
def delete_version(pipeline_id: str, number: int) -> Response:
    """Delete a version that is not current."""
    services().store.delete_version(pipeline_id, number)
    settle()
    return Response(status=204)


def settle() -> None:
    """Wait until no web process goes by what was before; a training does so itself."""
    time.sleep(FRESH)


def _shown(record: Record) -> Response:
    reported = services().store.report(record.pipeline_id, record.version)
    shown = {"leaderboard": [], **asdict(record), **{name: reported[name] for name in reported if name != "code"}}
    return answer(shown, headers={"ETag": f'"{record.version}"'})


def _promotion(body: Any) -> tuple[int, int | None]:
    numbers = body if isinstance(body, dict) else {}
    known = ("version", "row")
    faults = [
        *(
            Fault(at(name), f"must be the number of a {name}")
            for name in known
            if (name == "version" or name in numbers) and type(numbers.get(name)) is not int
        ),
        *(Fault(at(name), f"unknown; known are {listed(known)}") for name in numbers if name not in known),
    ]
    if faults:
        raise InvalidParameters('Send {"version": N}, or {"version": N, "row": M}.', faults)
    return numbers["version"], numbers.get("row")


def queried_number(name: str, usual: int, most: int) -> int:
    """Read a whole number of the query, `usual` when there is none."""
    text = request.args.get(name)
    if text is None:
        return usual
    if not text.isdecimal() or len(text) > _DIGITS or int(text) > most:
        detail = f"must be a whole number of at most {most}"
        raise InvalidParameters(f"{name} is no such number.", [Fault(f"/query/{name}", detail)])
    return int(text)


def queried_version() -> int | None:
    """Read `?version=`, None when there is none."""
    number = request.args.get("version")
    if number is None:
        return None
    if not number.isdecimal() or not 0 < len(number) <= _DIGITS:
        raise InvalidParameters(
            "version is no number of a version.", [Fault("/query/version", "must be a whole number")]
        )
    return int(number)


def _expected() -> int | None:
    """Read If-Match, which names the version that the caller takes for current."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    number = header.strip().strip('"')
    if not number.isdecimal() or len(number) > _DIGITS:
        raise Unreadable("If-Match must be the ETag of the model: the number of a version in quotes.")
    return int(number)
