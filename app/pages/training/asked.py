"""What the page is asked for: the parts of an upload, and all that its templates show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import request

from app.errors import Fault, ModelNotFound, ServiceError, Unacceptable
from app.pages.training import checks, command, drawing, guesses, known, samples, sheet
from app.pages.training.fields import Form, parameters
from app.payloads.parameters import Kind, Task
from app.payloads.uploads import Upload
from app.pipelines import preview
from app.services import services

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from app.pages.training.sheet import Sheet
    from app.payloads.profiles.columns import Column
    from app.payloads.profiles.table import Profile

#: Kinds that a column of a table can be read as when somebody says so.
KINDS = tuple(kind.value for kind in Kind if kind not in (Kind.IMAGE, Kind.SIGNAL))


def files() -> dict[str, Upload]:
    """Return the files that were chosen, by part.

    Raises
    ------
    Unacceptable
        There are no data among them.
    """
    chosen = {name: file for name in ("raw_data", "labels") if (file := request.files.get(name)) and file.filename}
    if "raw_data" not in chosen:
        raise Unacceptable("Choose the file of the data first.", [Fault("/raw_data", "no file is chosen")])
    return {name: Upload(name, file.read(), file.mimetype, file.filename or "") for name, file in chosen.items()}


def uploads(sent: MultiDict[str, str]) -> dict[str, Upload]:
    """Return the parts of POST /train_pipeline: the files, and the parameters as they stand on the page."""
    text = sheet.of(sent, Form.of(sent)).text
    return {**files(), "params": Upload("params", text.encode("utf-8", "replace"))}


def looked(sent: MultiDict[str, str], fresh: bool) -> dict[str, Any]:
    """Look at the files, and return what the templates show of them.

    Parameters
    ----------
    fresh
        They are new: fill in what they tell.
    """
    form, chosen = Form.of(sent), files()
    profile = _look(chosen, form, sheet.of(sent, form))
    seen = guesses.seen_of(profile, form, {name: one.filename for name, one in chosen.items()})
    if fresh:
        form = guesses.filled(form, profile, seen)
        # Once more, as what was filled in says how the files are read.
        profile = _look(chosen, form, sheet.of(sent, form))
        seen = guesses.seen_of(profile, form, {name: one.filename for name, one in chosen.items()})
    form = replace(form, seen=seen)
    return {**shown(form, sheet.of(sent, form)), "profile": profile, **_drawn(profile)}


def _look(chosen: dict[str, Upload], form: Form, made: Sheet) -> Profile:
    """Look at the files with as much of the parameters as can be read so far."""
    for text in (made.text, sheet.written(_roles(form))):
        try:
            checks.read(text)
        except ServiceError:
            continue
        return preview.look({**chosen, "params": Upload("params", text.encode())}, services().settings)
    return preview.look(chosen, services().settings)


def _roles(form: Form) -> dict[str, Any]:
    """Return what the form says of columns alone: a limit that is none does not hide the data."""
    named = ("task", "target", "extract_features", "id_column", "columns", "groups", "time", "sample_weight")
    return {"pipeline_id": "profile", **{name: one for name, one in parameters(form).items() if name in named}}


def _drawn(profile: Profile) -> dict[str, Any]:
    figure = drawing.lines(profile.traces)
    described = None if profile.target is None else profile.target.described
    return {
        "cards": [_card(column, profile.looked_at) for column in profile.columns if _tells(column, profile)],
        "classes": drawing.classes(profile.target) if profile.target is not None and profile.target.counts else [],
        "spread": drawing.histogram(described) if described is not None else [],
        "ends": drawing.ends(described) if described is not None else [],
        "figure": figure[0] if figure else None,
        "figure_height": figure[1] if figure else 0,
        "box": {"width": drawing.WIDTH, "height": drawing.HEIGHT},
    }


def _tells(column: Column, profile: Profile) -> bool:
    """Tell whether a column is the caller's own: of images their names, and folders that there are none of, are not."""
    return not profile.images or column.name == "image" or bool(column.distinct and column.name != "file")


def _card(column: Column, rows: int) -> dict[str, Any]:
    drawn = drawing.histogram(column)
    present = rows - column.missing
    # Where each value is there once, bars say nothing.
    top = () if drawn or (column.top and column.top[0][1] == 1) else column.top
    return {
        "column": column,
        "missing": column.missing / rows,
        "histogram": drawn,
        "ends": drawing.ends(column),
        "bars": drawing.bars(list(top), present),
        "rest": present - sum(count for _, count in top) if top else 0,
    }


def shown(form: Form, made: Sheet) -> dict[str, Any]:
    """Return what the templates show of the form and of the parameters."""
    found, parameters = checks.findings(made.text, form.seen)
    settings = services().settings
    pipeline_id = "params" if parameters is None else parameters.pipeline_id
    return {
        "form": form,
        "values": form.values,
        "seen": form.seen,
        "sheet": made,
        "findings": found,
        "pipeline_id": pipeline_id,
        "version": None if parameters is None else _current(pipeline_id),
        "seconds": None if parameters is None else _seconds(parameters, settings.train_seconds),
        "models": known.fitting(form.task),
        "metrics": known.metrics(form.task),
        "samples": samples.available(),
        "tasks": [("", "as the data tells"), *((task.value, task.value) for task in Task)],
        "kinds": KINDS,
        "most_bytes": settings.max_upload_mb * 2**20,
        "seen_text": form.seen.as_text(),
        "curl": command.curl(request.host_url, form.seen, pipeline_id, bool(settings.api_keys)),
    }


def _current(pipeline_id: object) -> int | None:
    """Return the version that is served under a name now."""
    try:
        return services().store.current(str(pipeline_id))
    except ModelNotFound:
        return None


def _seconds(parameters: Any, most: int) -> int:
    """Return how long a training may take."""
    if parameters.limits.seconds is not None:
        return int(parameters.limits.seconds)
    return known.PORTFOLIO_SECONDS if parameters.model_training.model in (None, known.PORTFOLIO) else most
