"""A row that was typed into a form: read back, sent on, and compared with what the training had."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, at
from app.pages.asking.fields import number_of, range_of
from app.pages.words import value as written
from app.payloads.parameters import Kind
from app.payloads.uploads import Upload

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage

    from app.payloads.signature import Column, Signature

#: What stands before a category in the value of an option, so that none is taken for "missing" or "other".
_MARK = "="

#: What the controls of booleans hold.
_YES, _NO = "yes", "no"


def row(
    signature: Signature, form: Mapping[str, str], files: Mapping[str, FileStorage], prefix: str = "c"
) -> dict[str, Any]:
    """Read a row that was typed in.

    Returns
    -------
    {column: value}, as a request has them.

    Raises
    ------
    InvalidData
        Naming each column whose value is no number, or that has no image.
    """
    found, faults = {}, []
    for place, column in enumerate(signature.columns):
        name = f"{prefix}{place}"
        try:
            if column.kind is Kind.IMAGE:
                found[column.name] = _image(files.get(name), form.get(f"{name}_kept", ""))
            else:
                found[column.name] = _value(column, form.get(name, ""), form.get(f"{name}_other", ""))
        except ValueError as error:
            faults.append(Fault(at("raw_data", column.name), str(error)))
    if faults:
        raise InvalidData("A value of the row cannot be read.", faults)
    return found


def _value(column: Column, text: str, other: str) -> Any:
    if text.strip() == "":
        return None
    match column.kind:
        case Kind.NUMBER:
            if (value := number_of(text)) is None:
                raise ValueError("is no number; leave it empty where it is missing")
            return value
        case Kind.BOOLEAN:
            return {_YES: True, _NO: False}.get(text)
        case Kind.CATEGORY:
            known = column.summary.get("categories") or ()
            return as_known(text.removeprefix(_MARK) if text.startswith(_MARK) else other, known) or _empty(text)
    return _plain(text)


def _empty(text: str) -> str | None:
    """Return the category that is an empty text, where that is chosen; nothing, where nothing is typed in."""
    return "" if text == _MARK else None


def as_known(text: str, known: Iterable[Any]) -> str:
    """Return what is meant by a text of a form: the value that is known, whatever its lines end with."""
    plain = _plain(text)
    return next((str(one) for one in known if _plain(str(one)) == plain), plain)


def _plain(text: str) -> str:
    # Browsers send the ends of lines as they did in the days of teletypes.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _image(file: FileStorage | None, kept: str) -> str:
    data = file.read() if file is not None and file.filename else b""
    if not data and not kept:
        raise ValueError("has no image: choose a PNG or JPEG file")
    return base64.b64encode(data).decode() if data else kept


def upload(*rows: Mapping[str, Any]) -> Upload:
    """Return rows as POST /serve_prediction is sent them."""
    return Upload("raw_data", value={"columns": list(rows[0]), "data": [list(one.values()) for one in rows]})


def outside(signature: Signature, values: Mapping[str, Any]) -> list[str]:
    """Say which values are of no kind that the training had."""
    found = []
    for column in signature.columns:
        value, summary = values.get(column.name), column.summary
        if value is None:
            continue
        if column.kind is Kind.NUMBER and "min" in summary and not summary["min"] <= value <= summary["max"]:
            found.append(f"{column.name} is {written(value)}; the training had {range_of(summary)}.")
        known = summary.get("categories") or ()
        if column.kind is Kind.CATEGORY and len(known) == summary.get("distinct") and value not in map(str, known):
            found.append(f"{column.name} is {value}, which the training did not have.")
    return found
