"""Rows with another outcome, and curves of a row, on the page of what-if."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from app.errors import Fault, InvalidParameters
from app.explain import run
from app.pages.asking import controls, explained, question
from app.pages.asking.comparing import after, before
from app.pages.asking.places import Place
from app.pages.asking.typed import as_known
from app.payloads.parameters import Kind
from app.payloads.uploads import Upload
from app.services import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Request

    from app.payloads.explaining import ExplainParameters
    from app.payloads.signature import Column

#: What stands before a class in the value of an option.
_MARK = "="


#: Methods that find rows with another outcome, and under which name their answer has these.
FINDING = {"nearest": "nearest", "counterfactual": "counterfactuals"}


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
    answer = explain(here, question.checked(here, values), before(here, request))
    entry = answer["explanations"][0]
    found: list[dict[str, Any]] = entry[FINDING[method]]
    changed = [name for name in entry["row"] if any(name in one["changed"] for one in found)]
    columns = [
        (name, entry["row"][name], [(one["values"][name], name in one["changed"]) for one in found]) for name in changed
    ]
    applied = [{**one, "apply": orjson.dumps(one["values"]).decode()} for one in found]
    return {"own": entry, "rows": applied, "columns": columns, "told": explained.shown(answer)}


def _target(here: Place, request: Request) -> dict[str, Any]:
    target = request.form.get("target", "")
    meant = here.classes and target.startswith(_MARK)
    return {"target": as_known(target.removeprefix(_MARK), here.classes)} if meant else {}


def _limits(here: Place, request: Request) -> dict[str, Any]:
    """Read what a search for counterfactuals may change, and what it is to reach."""
    form, signature = request.form, here.signature
    values: dict[str, Any] = {"immutable": [controls.column(place, signature) for place in form.getlist("keep")]}
    if (wanted := form.get("wanted", "")).startswith(_MARK) and here.classes:
        values["wanted"] = as_known(wanted.removeprefix(_MARK), here.classes)
    for name in ("at_least", "at_most"):
        if not here.classes and form.get(name, "").strip():
            values[name] = controls.number(form[name], name)
    for place, column in enumerate(signature.columns):
        if column.name not in values["immutable"]:
            if limits := _range(form, place, column):
                values.setdefault("ranges", {})[column.name] = limits
            known = column.summary.get("categories") or ()
            if chosen := [as_known(one.removeprefix(_MARK), known) for one in form.getlist(f"allow{place}")]:
                values.setdefault("allowed", {})[column.name] = chosen
    return values


def _range(form: Mapping[str, str], place: int, column: Column) -> list[float]:
    """Return the ends between which a number may change; an end that is left empty is that of the training."""
    low, high = (form.get(f"{end}{place}", "").strip() for end in ("low", "high"))
    if column.kind is not Kind.NUMBER or not (low or high):
        return []
    least, greatest = column.summary.get("min", 0.0), column.summary.get("max", 0.0)
    return [
        controls.number(low, "ranges") if low else least,
        controls.number(high, "ranges") if high else greatest,
    ]


def curve(here: Place, request: Request) -> dict[str, Any]:
    """Return how the prediction of the edited row follows one column."""
    name = controls.column(request.form.get("column", ""), here.signature)
    values = {"method": "ice", "columns": [name], "grid_size": 40, **_target(here, request)}
    return explained.shown(explain(here, question.checked(here, values), after(here, request)))
