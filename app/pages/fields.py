"""A form for one row, built from what a pipeline's record says of its columns: ranges, categories, usual values."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.errors import Fault, InvalidData, at
from app.pages import pictures
from app.pages.words import number
from app.pages.words import value as written
from app.payloads import dates
from app.payloads.parameters import Kind
from app.payloads.uploads import Upload

if TYPE_CHECKING:
    from werkzeug.datastructures import FileStorage

    from app.payloads.signature import Column, Signature

#: Columns from where on a form is no help: a row of more is pasted as text.
MOST = 200

#: What stands before a category in the value of an option, so that none is taken for "missing" or "other".
_MARK = "="

_OTHER, _YES, _NO = "other", "yes", "no"

#: How browsers write a day.
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

#: What is known to be true, or false, in whatever form it came.
_TRUTHS = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False}


@dataclass(frozen=True)
class Field:
    """One column as a control of a form.

    Attributes
    ----------
    name
        Of the control: columns are counted, as their names may be anything.
    value
        What it shows; None for missing.
    options
        Categories, or nothing.
    other
        Whether the value is none of the options.
    told
        What the training had, in words.
    """

    name: str
    column: str
    kind: str
    value: Any
    told: str
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def picture(self) -> str | None:
        """An image, as a URI that holds it."""
        return pictures.preview(self.value) if self.kind == Kind.IMAGE.value and self.value else None

    @property
    def other(self) -> bool:
        """Whether the value is a category that is not among the options."""
        return self.value is not None and self.value not in self.options


def offered(signature: Signature) -> bool:
    """Tell whether a row can be typed in: a series is a table by itself."""
    return all(column.role == "feature" for column in signature.columns) and len(signature.columns) <= MOST


def usual(signature: Signature) -> dict[str, Any]:
    """Return the row that a form begins with: medians, and the most frequent categories."""
    return {column.name: _usual(column) for column in signature.columns}


def _usual(column: Column) -> Any:
    summary = column.summary
    match column.kind:
        case Kind.CATEGORY:
            return next(iter(summary.get("categories") or ()), None)
        case Kind.DATE if "median" in summary:
            # The middle of two days may be noon of one.
            middle = datetime.fromisoformat(summary["median"]).replace(hour=0, minute=0, second=0, microsecond=0)
            return dates.write(middle, column.form or "year first")
        case Kind.BOOLEAN if "median" in summary:
            return summary["median"] >= 0.5
    # Of the median as many digits as people read.
    return None if "median" not in summary else float(f"{summary['median']:.6g}")


def fields(signature: Signature, values: Mapping[str, Any], prefix: str = "c") -> list[Field]:
    """Return the controls of a row's columns."""
    return [
        _field(f"{prefix}{place}", column, values.get(column.name)) for place, column in enumerate(signature.columns)
    ]


def _field(name: str, column: Column, value: Any) -> Field:
    summary, kind = column.summary, column.kind.value
    if value is None or value != value or (isinstance(value, str) and value in column.marks):
        value = None
    match column.kind:
        case Kind.NUMBER:
            value = _number(value)
            return Field(name, column.name, kind, value, _range(summary), (), summary.get("min"), summary.get("max"))
        case Kind.BOOLEAN:
            value = None if value is None else _TRUTHS.get(str(value).strip().lower())
            return Field(name, column.name, kind, value, "")
        case Kind.CATEGORY:
            options = tuple(map(str, summary.get("categories") or ()))
            more = (summary.get("distinct") or 0) - len(options)
            told = f"and {number(more)} more in the training" if more > 0 else ""
            return Field(name, column.name, kind, None if value is None else str(value), told, options)
        case Kind.DATE:
            plain = column.form == "year first" and (value is None or _DAY.fullmatch(str(value)))
            return Field(name, column.name, "day" if plain else "date", value, _dates(column))
    return Field(name, column.name, kind, value, "")


def _number(value: Any) -> float | int | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def _range(summary: Mapping[str, Any]) -> str:
    return f"{written(summary['min'])} to {written(summary['max'])}" if "min" in summary else "always missing"


def _dates(column: Column) -> str:
    if "min" not in column.summary:
        return "always missing"
    first, last = (
        dates.write(datetime.fromisoformat(column.summary[end]), column.form or "year first") for end in ("min", "max")
    )
    return f"{first} to {last}"


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
            if (value := _number(text)) is None:
                raise ValueError("is no number; leave it empty where it is missing")
            return value
        case Kind.BOOLEAN:
            return {_YES: True, _NO: False}.get(text)
        case Kind.CATEGORY:
            return text.removeprefix(_MARK) if text.startswith(_MARK) else (other or None)
    # Browsers send the ends of lines as they did in the days of teletypes.
    return text.replace("\r\n", "\n")


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
            found.append(f"{column.name} is {written(value)}; the training had {_range(summary)}.")
        known = summary.get("categories") or ()
        if column.kind is Kind.CATEGORY and len(known) == summary.get("distinct") and value not in map(str, known):
            found.append(f"{column.name} is {value}, which the training did not have.")
    return found
