"""What the page of what-if shows: a row as it was and as it is edited, rows with another outcome, other versions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from app.errors import Fault, InvalidParameters, NotFound, Unacceptable
from app.explain import run
from app.pages import asking, explained, fields, predicted, sent
from app.pages.places import Place
from app.payloads import dates
from app.payloads.parameters import Kind
from app.payloads.uploads import Upload
from app.services import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request

    from app.payloads.explaining import ExplainParameters
    from app.payloads.signature import Column
    from app.store.record import Record

#: What stands before the number of a column in the names of the controls of the row as it was, and as it is edited.
BEFORE, AFTER = "o", "c"

#: What stands before a class in the value of an option.
_MARK = "="

#: Methods that find rows with another outcome, and under which name their answer has these.
FINDING = {"nearest": "nearest", "counterfactual": "counterfactuals"}

Row = dict[str, Any]


def before(here: Place, request: Request) -> Upload:
    """Return the row, or the series, as it was.

    Raises
    ------
    InvalidData, Unacceptable
    """
    if not here.typed:
        return sent.pasted(request.form.get("original", ""))
    return fields.upload(fields.row(here.signature, request.form, {}, BEFORE))


def after(here: Place, request: Request) -> Upload:
    """Return it as it is edited.

    Raises
    ------
    InvalidData, Unacceptable
    """
    if not here.typed:
        return sent.pasted(request.form.get("text", ""))
    return fields.upload(fields.row(here.signature, request.form, request.files, AFTER))


def difference(here: Place, request: Request) -> dict[str, Any]:
    """Return both predictions, what changed for each class, and which columns were changed."""
    if not here.typed:
        first, second = here.predict(before(here, request)), here.predict(after(here, request))
        old, new = predicted.one(first), predicted.one(second)
        forecast = here.record.task == "forecasting"
        changes = predicted.steps(first, second) if forecast else predicted.differences(old, new)
        return {"before": old, "after": new, "changes": changes, "columns": None, "outside": []}
    rows = [
        fields.row(here.signature, request.form, files, prefix)
        for files, prefix in (({}, BEFORE), (request.files, AFTER))
    ]
    found = here.predict(fields.upload(*rows))
    old, new = predicted.one(found, 0), predicted.one(found, 1)
    return {
        "before": old,
        "after": new,
        "changes": predicted.differences(old, new),
        "columns": [name for name in rows[0] if rows[0][name] != rows[1][name]],
        "outside": fields.outside(here.signature, rows[1]),
    }


def pairs(here: Place, old: Row, new: Row) -> list[tuple[fields.Field, fields.Field]]:
    """Return the controls of a row as it was, and as it is edited, column by column."""
    was = fields.fields(here.signature, old, BEFORE)
    return list(zip(was, fields.fields(here.signature, new, AFTER), strict=True))


def edited(here: Place, request: Request) -> Row:
    """Return the values that the edited row gets: those of a row that was found, or those of the row as it was.

    Raises
    ------
    Unacceptable
    """
    values = fields.row(here.signature, request.form, {}, BEFORE)
    if (text := request.form.get("apply")) is None:
        return values
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Unacceptable("These values cannot be read.", [Fault("/apply", "must be a JSON object")])
    return {column.name: _written(found.get(column.name), column) for column in here.signature.columns}


def _written(value: Any, column: Column) -> Any:
    """Write a value of an answer as a request has it: dates in the form that the training had."""
    if column.kind is not Kind.DATE or not isinstance(value, str):
        return value
    try:
        return dates.write(datetime.fromisoformat(value), column.form or "year first")
    except ValueError:
        return value


def explain(here: Place, parameters: ExplainParameters, upload: Upload) -> dict[str, Any]:
    """Explain as POST /explain does."""
    held = services()
    seconds = held.settings.explain_seconds
    return run.explain(parameters, upload, held.store, held.pipelines, held.settings, seconds=seconds)


def found(here: Place, request: Request) -> dict[str, Any]:
    """Return rows with another outcome than the row as it was.

    Raises
    ------
    InvalidParameters, and what explaining raises
    """
    method = request.form.get("find", "")
    if method not in FINDING:
        raise InvalidParameters("That method finds no rows.", [Fault("/params/method", "choose another")])
    values = {"method": method, **_target(here, request)}
    values |= _limits(here, request) if method == "counterfactual" else {"count": 3}
    answer = explain(here, asking.checked(here, values), before(here, request))
    entry = answer["explanations"][0]
    found: list[Row] = entry[FINDING[method]]
    changed = [name for name in entry["row"] if any(name in one["changed"] for one in found)]
    columns = [
        (name, entry["row"][name], [(one["values"][name], name in one["changed"]) for one in found]) for name in changed
    ]
    applied = [{**one, "apply": orjson.dumps(one["values"]).decode()} for one in found]
    return {"own": entry, "rows": applied, "columns": columns, "told": explained.shown(answer)}


def _target(here: Place, request: Request) -> dict[str, Any]:
    target = request.form.get("target", "")
    return {"target": target.removeprefix(_MARK)} if here.classes and target.startswith(_MARK) else {}


def _limits(here: Place, request: Request) -> dict[str, Any]:
    """Read what a search for counterfactuals may change, and what it is to reach."""
    form, signature = request.form, here.signature
    values: dict[str, Any] = {"immutable": [explained.column(place, signature) for place in form.getlist("keep")]}
    if (wanted := form.get("wanted", "")).startswith(_MARK) and here.classes:
        values["wanted"] = wanted.removeprefix(_MARK)
    for name in ("at_least", "at_most"):
        if not here.classes and form.get(name, "").strip():
            values[name] = explained.number(form[name], name)
    for place, column in enumerate(signature.columns):
        if column.name not in values["immutable"]:
            if limits := _range(form, place, column):
                values.setdefault("ranges", {})[column.name] = limits
            if chosen := [one.removeprefix(_MARK) for one in form.getlist(f"allow{place}")]:
                values.setdefault("allowed", {})[column.name] = chosen
    return values


def _range(form: Mapping[str, str], place: int, column: Column) -> list[float]:
    """Return the ends between which a number may change; an end that is left empty is that of the training."""
    low, high = (form.get(f"{end}{place}", "").strip() for end in ("low", "high"))
    if column.kind is not Kind.NUMBER or not (low or high):
        return []
    least, greatest = column.summary.get("min", 0.0), column.summary.get("max", 0.0)
    return [
        explained.number(low, "ranges") if low else least,
        explained.number(high, "ranges") if high else greatest,
    ]


def curve(here: Place, request: Request) -> dict[str, Any]:
    """Return how the prediction of the edited row follows one column."""
    name = explained.column(request.form.get("column", ""), here.signature)
    values = {"method": "ice", "columns": [name], "grid_size": 40, **_target(here, request)}
    return explained.shown(explain(here, asking.checked(here, values), after(here, request)))


def others(here: Place) -> list[dict[str, Any]]:
    """Return the versions that a row can be compared with: of this model, and of others that read the same columns."""
    store, own = services().store, here.record
    columns = _named(own)
    versions = [one for one in reversed(store.versions(str(own.pipeline_id))) if one.version != own.version]
    models = [one for one in store.models() if str(one.pipeline_id) != str(own.pipeline_id)]
    fitting = [one for one in (*versions, *models) if _named(one) == columns]
    return [
        {
            "value": f"{one.version} {one.pipeline_id}",
            "name": f"{one.pipeline_id}, version {one.version}",
            "engine": one.engine,
        }
        for one in fitting
    ]


def _named(record: Record) -> dict[str, str]:
    return {column["name"]: column["role"] for column in record.signature.get("columns", ())}


def compared(here: Place, request: Request) -> dict[str, Any]:
    """Return what this version and another say of the edited row.

    Raises
    ------
    NotFound, and what predicting raises
    """
    version, _, pipeline_id = request.form.get("other", "").partition(" ")
    if not version.isdecimal() or len(version) > 15:
        raise NotFound("Choose a version to compare with.")
    there, upload = Place.of(pipeline_id, int(version)), after(here, request)
    own, other = predicted.one(here.predict(upload)), predicted.one(there.predict(upload))
    names = [*own["scores"], *(name for name in other["scores"] if name not in own["scores"])]
    return {"there": there, "own": own, "other": other, "rows": [_beside(name, own, other) for name in names]}


def _beside(name: str, own: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "own": own["scores"].get(name), "other": other["scores"].get(name)}
