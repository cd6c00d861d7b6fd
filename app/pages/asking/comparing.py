"""A row as it was and as it is edited, on the page of what-if."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from app.errors import Fault, Unacceptable
from app.pages.asking import fields, predicted, sent, typed
from app.pages.asking.places import Place
from app.payloads import dates
from app.payloads.parameters import Kind
from app.payloads.uploads import Upload

if TYPE_CHECKING:
    from flask import Request

    from app.payloads.signature import Column

#: What stands before the number of a column in the names of the controls of the row as it was, and as it is edited.
BEFORE, AFTER = "o", "c"


Row = dict[str, Any]


def before(here: Place, request: Request) -> Upload:
    """Return the row, or the series, as it was.

    Raises
    ------
    InvalidData, Unacceptable
    """
    if not here.typed:
        return sent.pasted(request.form.get("original", ""))
    return typed.upload(typed.row(here.signature, request.form, {}, BEFORE))


def after(here: Place, request: Request) -> Upload:
    """Return it as it is edited.

    Raises
    ------
    InvalidData, Unacceptable
    """
    if not here.typed:
        return sent.pasted(request.form.get("text", ""))
    return typed.upload(typed.row(here.signature, request.form, request.files, AFTER))


def difference(here: Place, request: Request) -> dict[str, Any]:
    """Return both predictions, what changed for each class, and which columns were changed."""
    if not here.typed:
        first, second = here.predict(before(here, request)), here.predict(after(here, request))
        old, new = predicted.one(first), predicted.one(second)
        forecast = here.record.task == "forecasting"
        changes = predicted.steps(first, second) if forecast else predicted.differences(old, new)
        return {"before": old, "after": new, "changes": changes, "columns": None, "outside": []}
    rows = [
        typed.row(here.signature, request.form, files, prefix)
        for files, prefix in (({}, BEFORE), (request.files, AFTER))
    ]
    found = here.predict(typed.upload(*rows))
    old, new = predicted.one(found, 0), predicted.one(found, 1)
    return {
        "before": old,
        "after": new,
        "changes": predicted.differences(old, new),
        "columns": [name for name in rows[0] if rows[0][name] != rows[1][name]],
        "outside": typed.outside(here.signature, rows[1]),
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
    values = typed.row(here.signature, request.form, {}, BEFORE)
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
